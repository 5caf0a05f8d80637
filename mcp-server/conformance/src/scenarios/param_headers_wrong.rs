//! Headers that repeat arguments wrongly.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "an annotated argument without its header, or with another value in it, is refused (H-35, H-36)",
    exists: |setting| setting.is_http() && setting.has(Features::PARAM_HEADERS),
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let mut wire = stage.wire().await?;
    let params =
        wire.enveloped(json!({ "name": "headed", "arguments": { "region": "Hello", "deep": { "size": 42 } } }));
    let text = wire.request_text("tools/call", Some(params));
    let http = present("HTTP", wire.http())?;
    let size = ("Mcp-Param-Size", Some("42"));
    for region in
        [None, Some("hello"), Some("=?base64?SGVsbG8?="), Some("=?base64?SGVs!!!bG8=?="), Some("=?BASE64?SGVsbG8=?=")]
    {
        let reply = http.post(text.as_bytes(), &[("Mcp-Param-Region", region), size]).await?;
        same(&format!("the error for {region:?}"), reply.code(), Some(ErrorCode::HEADER_MISMATCH))?;
        same(&format!("the status for {region:?}"), reply.status, Some(400))?;
    }
    for (region, size) in [("Hello", "42"), (" Hello ", "42.0"), ("=?base64?SGVsbG8=?=", "42")] {
        let headers =
            [("Mcp-Param-Region", Some(region)), ("mcp-param-size", Some(size)), ("Mcp-Param-Other", Some("x"))];
        let reply = http.post(text.as_bytes(), &headers).await?;
        same(&format!("the status for {region:?} and {size:?}"), reply.status, Some(200))?;
    }
    Ok(())
}
