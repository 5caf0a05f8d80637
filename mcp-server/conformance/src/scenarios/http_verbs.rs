//! Other HTTP methods than POST.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "a server without sessions takes nothing but POST, and names it (H-1, V-53)",
    exists: |setting| setting.is_http() && !setting.is_legacy(),
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let mut wire = stage.silent_wire(Fixture::ModernOnly).await?;
    let http = present("HTTP", wire.http())?;
    for verb in ["GET", "DELETE", "PUT"] {
        let reply = http.send(verb, b"", &[]).await?;
        same(&format!("the status of {verb}"), reply.status, Some(405))?;
        same(&format!("what {verb} is told to use"), reply.header("allow"), Some("POST"))?;
    }
    Ok(())
}
