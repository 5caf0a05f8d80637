//! Headers that repeat the body.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "a header that says something else than the body is refused (H-8, H-9, H-10, V-48)",
    exists: |setting| setting.is_http() && setting.has(Features::PARAM_HEADERS),
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let mut wire = stage.wire().await?;
    let params = wire.enveloped(json!({ "name": "text" }));
    let text = wire.request_text("tools/call", Some(params));
    let http = present("HTTP", wire.http())?;
    let wrong = [
        ("MCP-Protocol-Version", None),
        ("MCP-Protocol-Version", Some("2025-11-25")),
        ("MCP-Protocol-Version", Some("v999.0.0")),
        ("Mcp-Method", None),
        ("Mcp-Method", Some("tools/list")),
        ("Mcp-Method", Some("TOOLS/CALL")),
        ("Mcp-Name", None),
        ("Mcp-Name", Some("image")),
        ("Mcp-Name", Some("=?base64?!!!?=")),
    ];
    for header in wrong {
        let reply = http.post(text.as_bytes(), &[header]).await?;
        same(&format!("the error for {header:?}"), reply.code(), Some(ErrorCode::HEADER_MISMATCH))?;
        same(&format!("the status for {header:?}"), reply.status, Some(400))?;
    }
    for header in [("mcp-name", Some("  text  ")), ("MCP-NAME", Some("=?base64?dGV4dA==?="))] {
        let reply = http.post(text.as_bytes(), &[header]).await?;
        same(&format!("the status for {header:?}"), reply.status, Some(200))?;
    }
    Ok(())
}
