//! Notifications that nobody knows.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "a notification is never answered, whatever it says (T-7, T-11, H-12)",
    exists: everywhere,
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let mut wire = stage.wire().await?;
    for method in
        ["notifications/unheard/of", "notifications/roots/list_changed", "tools/list", "notifications/progress"]
    {
        wire.notify(method, None).await?;
        wire.notify(method, Some(json!({ "a": 1 }))).await?;
    }
    let reply = wire.call_tool("text", json!({})).await?;
    same("the text", reply.at("/content/0/text"), json!(fixture::TEXT))?;
    same("what came before it", reply.before, Vec::<Value>::new())
}
