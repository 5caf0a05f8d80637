//! Completing the variables of templates.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "a variable of a template is completed (T-105)",
    exists: everywhere,
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let mut wire = stage.wire().await?;
    let reference = json!({ "type": "ref/resource", "uri": "fixture://rows/{table}/{number}" });
    let params = json!({ "ref": reference, "argument": { "name": "table", "value": "do" } });
    let reply = wire.request("completion/complete", params).await?;
    same("the values", reply.at("/completion/values"), json!(["dogs", "doves"]))
}
