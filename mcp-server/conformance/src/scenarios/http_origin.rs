//! Web pages that should not be here.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "a foreign origin and a foreign host are refused, and those of this machine are not (H-2, HL-12)",
    exists: |setting| setting.is_http(),
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let mut wire = stage.wire().await?;
    let params = wire.enveloped(json!({ "name": "text" }));
    let text = wire.request_text("tools/call", Some(params));
    let http = present("HTTP", wire.http())?;
    for header in [
        ("Origin", "http://evil.example"),
        ("Origin", "null"),
        ("Host", "evil.example"),
        ("Origin", "http://127.0.0.1.evil.example"),
    ] {
        let reply = http.post(text.as_bytes(), &[(header.0, Some(header.1))]).await?;
        same(&format!("the status for {header:?}"), reply.status, Some(403))?;
    }
    for header in [("Origin", "http://localhost:3000"), ("Origin", "http://127.0.0.1:8080"), ("Host", "localhost:1")] {
        let reply = http.post(text.as_bytes(), &[(header.0, Some(header.1))]).await?;
        same(&format!("the status for {header:?}"), reply.status, Some(200))?;
    }
    Ok(())
}
