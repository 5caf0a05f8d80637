//! The ids of requests.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "an answer repeats the id of the request, with its JSON type (T-2, T-6)",
    exists: everywhere,
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let mut wire = stage.wire().await?;
    let params = wire.enveloped(json!({ "name": "text" }));
    for id in [json!(""), json!("1"), json!(0), json!(-1), json!(i64::MIN), json!(i64::MAX), json!("🦀\u{2028}\"")] {
        let message = json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params });
        let reply = wire.ask(message.to_string()).await?;
        same("the id of the answer", reply.id(), id)?;
        same("the text", reply.at("/content/0/text"), json!(fixture::TEXT))?;
    }
    Ok(())
}
