//! Completing what is not there.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "completing an argument or a reference that is not there is refused as invalid params (P-100)",
    exists: everywhere,
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let mut wire = stage.wire().await?;
    let references = [
        (json!({ "type": "ref/prompt", "name": "nothing" }), "code"),
        (json!({ "type": "ref/prompt", "name": "review" }), "nothing"),
        (json!({ "type": "ref/resource", "uri": "fixture://nothing/{x}" }), "x"),
        (json!({ "type": "ref/odd", "name": "review" }), "code"),
    ];
    for (reference, name) in references {
        let params = json!({ "ref": reference, "argument": { "name": name, "value": "" } });
        let reply = wire.request("completion/complete", params.clone()).await?;
        same(&format!("the error for {params}"), reply.code(), Some(ErrorCode::INVALID_PARAMS))?;
    }
    Ok(())
}
