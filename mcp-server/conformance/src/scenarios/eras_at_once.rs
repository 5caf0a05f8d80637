//! Both eras over one connection.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "requests of both eras are served side by side, each in its own shape (V-54, V-55)",
    exists: |setting| setting.is_legacy(),
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let mut wire = stage.wire().await?;
    let meta: serde_json::Map<_, _> = crate::wire::envelope(mcp_types::Revision::LATEST.as_str())
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect();
    let modern = |wire: &mut crate::wire::Wire| {
        wire.request_text("tools/call", Some(json!({ "name": "caller", "_meta": meta })))
    };
    for _ in 0..2 {
        let text = modern(&mut wire);
        let reply = wire.ask(text).await?;
        same("the type of a modern result", reply.at("/resultType"), json!("complete"))?;
        let caller = reply.at("/content/0/text");
        holds("a modern request is modern", caller.to_string().contains(mcp_types::Revision::LATEST.as_str()))?;
        let reply = wire.call_tool("caller", json!({})).await?;
        same("the type of a legacy result", reply.at("/resultType"), Value::Null)?;
        let caller = reply.at("/content/0/text");
        holds("a legacy request is legacy", caller.to_string().contains(stage.revision.as_str()))?;
    }
    let modern = modern(&mut wire);
    let legacy = wire.request_text("tools/call", Some(json!({ "name": "caller" })));
    let replies = wire.ask_at_once([&modern, &legacy]).await?;
    let stamped = replies.iter().filter(|reply| reply.at("/resultType") == json!("complete")).count();
    same("how many of two at once are modern", stamped, 1)
}
