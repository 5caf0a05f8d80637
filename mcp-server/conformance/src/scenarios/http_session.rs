//! Sessions over HTTP.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "a session has an id of visible characters, ends when it is deleted, and is then unknown (HL-10)",
    exists: |setting| setting.is_http() && setting.is_legacy(),
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let mut wire = stage.silent_wire(Fixture::Full).await?;
    let opened = wire.initialize(stage.revision.as_str()).await?;
    let id = present("the id of the session", opened.header("mcp-session-id"))?;
    holds("the id is visible", !id.is_empty() && id.bytes().all(|byte| (0x21..=0x7e).contains(&byte)))?;
    wire.notify("notifications/initialized", None).await?;
    let text = wire.request_text("tools/list", None);
    let http = present("HTTP", wire.http())?;
    same("the status in the session", http.post(text.as_bytes(), &[]).await?.status, Some(200))?;
    let without = http.post(text.as_bytes(), &[("Mcp-Session-Id", None)]).await?;
    same("the status without it", without.status, Some(400))?;
    let foreign = http.post(text.as_bytes(), &[("Mcp-Session-Id", Some("foreign"))]).await?;
    same("the status in a session that is not there", foreign.status, Some(404))?;
    let deleted = http.send("DELETE", b"", &[]).await?;
    holds("the session is deleted", deleted.status.is_some_and(|status| (200..300).contains(&status)))?;
    same("the status afterwards", http.post(text.as_bytes(), &[]).await?.status, Some(404))
}
