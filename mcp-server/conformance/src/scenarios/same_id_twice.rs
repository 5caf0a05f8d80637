//! The same id in two POSTs.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "requests of different POSTs may have the same id, and both are answered (P-3)",
    exists: |setting| setting.is_http() && !setting.is_legacy(),
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let mut wire = stage.wire().await?;
    let call = |name: &str, arguments: Value| {
        let params = wire.enveloped(json!({ "name": name, "arguments": arguments }));
        json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params }).to_string()
    };
    let waits = call("count", json!({ "name": "late", "at_least": 1 }));
    let releases = call("late", json!({}));
    let replies = wire.ask_at_once([&waits, &releases]).await?;
    let texts: Vec<_> = replies.iter().map(|reply| reply.at("/content/0/text")).collect();
    same("the texts", texts, vec![json!("1"), json!("done")])
}
