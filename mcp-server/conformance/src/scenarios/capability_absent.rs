//! Methods whose capability is not offered.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "a method whose capability is not offered is not found, and the client does not even ask (T-11, V-16)",
    exists: everywhere,
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let mut wire = stage.silent_wire(Fixture::ToolsOnly).await?;
    wire.shake_hands().await?;
    let reference = json!({ "type": "ref/prompt", "name": "p" });
    let requests = [
        ("prompts/list", json!({})),
        ("prompts/get", json!({ "name": "p" })),
        ("resources/list", json!({})),
        ("resources/read", json!({ "uri": "fixture://text" })),
        ("resources/templates/list", json!({})),
        ("completion/complete", json!({ "ref": reference, "argument": { "name": "a", "value": "" } })),
    ];
    for (method, params) in requests {
        let reply = wire.request(method, params).await?;
        same(method, reply.code(), Some(ErrorCode::METHOD_NOT_FOUND))?;
    }
    let client = stage.client_of(Fixture::ToolsOnly).await?;
    let error = refused("listing prompts", client.list_prompts().await)?;
    holds("the client says what is not offered", matches!(error, mcp_client::Error::Misuse(_)))
}
