//! A handshake with a server that has none.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "a modern server answers a handshake with the versions that it speaks (V-36)",
    exists: |setting| setting.has_method("initialize"),
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let mut wire = stage.silent_wire(Fixture::ModernOnly).await?;
    let reply = wire.initialize(stage.revision.as_str()).await?;
    same("the error", reply.code(), Some(ErrorCode::UNSUPPORTED_PROTOCOL_VERSION))?;
    let data = reply.error().map(|error| error["data"].clone()).unwrap_or_default();
    same("what is served", &data["supported"], &json!([mcp_types::Revision::LATEST.as_str()]))?;
    if stage.is_http() {
        same("the status", reply.status, Some(400))?;
    }
    Ok(())
}
