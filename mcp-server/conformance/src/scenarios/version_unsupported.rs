//! Versions that nobody speaks.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "a version that is not served is refused with those that are (V-32, V-42, V-49)",
    exists: |setting| setting.has(Features::SESSION_META),
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let mut wire = stage.wire().await?;
    let discovered = wire.request("server/discover", json!({})).await?.at("/supportedVersions");
    for version in ["v999.0.0", "2099-01-01", "2025-11-25", ""] {
        let meta: serde_json::Map<_, _> =
            crate::wire::envelope(version).into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        let text = wire.request_text("tools/list", Some(json!({ "_meta": meta })));
        let reply = wire.ask(text).await?;
        same("the error", reply.code(), Some(ErrorCode::UNSUPPORTED_PROTOCOL_VERSION))?;
        let data = reply.error().map(|error| error["data"].clone()).unwrap_or_default();
        same("what was asked for", &data["requested"], &json!(version))?;
        same("what is served", &data["supported"], &discovered)?;
        if stage.is_http() {
            same("the status", reply.status, Some(400))?;
        }
    }
    holds("something is served", discovered.as_array().is_some_and(|versions| !versions.is_empty()))
}
