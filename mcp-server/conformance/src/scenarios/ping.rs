//! Whether the server is there.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "a ping is answered with an empty object, also before the handshake (V-20, V-14)",
    exists: |setting| setting.has_method("ping"),
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    stage.client().await?.ping().await?;
    let mut wire = stage.wire().await?;
    let reply = wire.request("ping", json!({})).await?;
    same("the result", reply.result(), Some(&json!({})))?;
    let text = wire.request_text("ping", None);
    same("the result without params", wire.ask(text).await?.result(), Some(&json!({})))?;
    if stage.is_http() {
        // Without a handshake there is no session that it could belong to (HL-10).
        return Ok(());
    }
    let early = stage.silent_wire(Fixture::Full).await?.request("ping", json!({})).await?;
    same("the result before the handshake", early.result(), Some(&json!({})))
}
