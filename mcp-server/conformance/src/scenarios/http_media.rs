//! Media types.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "a body that is not said to be JSON is refused, and so is a client that takes neither form of answer (H-6, HL-2)",
    exists: |setting| setting.is_http(),
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let mut wire = stage.wire().await?;
    let params = wire.enveloped(json!({ "name": "text" }));
    let text = wire.request_text("tools/call", Some(params));
    let http = present("HTTP", wire.http())?;
    let rows = [
        ("Content-Type", "text/plain", 415),
        ("Content-Type", "application/x-www-form-urlencoded", 415),
        ("Accept", "text/html", 406),
        ("Content-Type", "application/json; charset=utf-8", 200),
        ("Accept", "*/*", 200),
    ];
    for (name, value, status) in rows {
        let reply = http.post(text.as_bytes(), &[(name, Some(value))]).await?;
        same(&format!("the status for {name}: {value}"), reply.status, Some(status))?;
    }
    Ok(())
}
