//! Log messages that nobody asked for.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "nothing is logged for a request that does not ask for it (P-90)",
    exists: |setting| setting.has(Features::SESSION_META),
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let mut wire = stage.wire().await?;
    let reply = wire.call_tool("log", json!({})).await?;
    same("the messages before the answer", reply.before, Vec::<Value>::new())?;
    let meta = json!({ "io.modelcontextprotocol/logLevel": "alert" });
    let reply = wire.request("tools/call", json!({ "name": "log", "_meta": meta })).await?;
    let levels: Vec<_> = reply.before.iter().map(|told| told["params"]["level"].clone()).collect();
    same("the levels of a request that asks", levels, vec![json!("alert"), json!("emergency")])?;
    let reply = wire.call_tool("log", json!({})).await?;
    same("the messages of the next one", reply.before, Vec::<Value>::new())
}
