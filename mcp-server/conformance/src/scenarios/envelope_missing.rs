//! Requests without their envelope.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "a request whose envelope lacks what it must have is refused as invalid params (T-25, V-41)",
    exists: |setting| setting.has(Features::SESSION_META),
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let mut wire = stage.wire().await?;
    let version = stage.revision.as_str();
    let broken = [
        json!({ "io.modelcontextprotocol/protocolVersion": version }),
        json!({ "io.modelcontextprotocol/protocolVersion": version, "io.modelcontextprotocol/clientCapabilities": 7 }),
        json!({ "io.modelcontextprotocol/protocolVersion": version, "io.modelcontextprotocol/clientCapabilities": null }),
        json!({ "io.modelcontextprotocol/protocolVersion": 7, "io.modelcontextprotocol/clientCapabilities": {} }),
    ];
    for meta in broken {
        let text = wire.request_text("tools/list", Some(json!({ "_meta": meta })));
        let reply = match wire.http() {
            // The headers are right, so that the refusal is about the body.
            Some(http) => {
                let headers = [("MCP-Protocol-Version", Some(version)), ("Mcp-Method", Some("tools/list"))];
                http.post(text.as_bytes(), &headers).await?
            }
            None => wire.ask(text).await?,
        };
        same(&format!("the error for {meta}"), reply.code(), Some(ErrorCode::INVALID_PARAMS))?;
        if stage.is_http() {
            same("the status", reply.status, Some(400))?;
        }
    }
    let reply = wire.call_tool("text", json!({})).await?;
    same("the next text", reply.at("/content/0/text"), json!(fixture::TEXT))
}
