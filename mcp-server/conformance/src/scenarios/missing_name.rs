//! A call that names no tool.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "a call without the name of a tool is refused as invalid params (T-87)",
    exists: |setting| setting.is_legacy() || !setting.is_http(),
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let mut wire = stage.wire().await?;
    for params in [json!({}), json!({ "name": 7 }), json!({ "name": null })] {
        let reply = wire.request("tools/call", params.clone()).await?;
        same(&format!("the error for {params}"), reply.code(), Some(ErrorCode::INVALID_PARAMS))?;
    }
    Ok(())
}
