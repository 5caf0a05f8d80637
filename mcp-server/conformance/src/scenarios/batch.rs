//! Batches, in the one revision that has them.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "the requests of a batch are all answered, in one batch (T-9, HL-3)",
    exists: |setting| setting.has(Features::BATCH),
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let mut wire = stage.wire().await?;
    let texts =
        [wire.request_text("ping", None), wire.request_text("tools/list", None), wire.request_text("no/such", None)];
    let reply = wire.ask(format!("[{}]", texts.join(","))).await?;
    let answers = present("the batch", reply.response.as_ref().and_then(Value::as_array))?;
    let mut ids: Vec<_> = answers.iter().map(|answer| answer["id"].to_string()).collect();
    ids.sort_unstable();
    let mut asked: Vec<_> =
        texts.iter().filter_map(|text| Some(serde_json::from_str::<Value>(text).ok()?["id"].to_string())).collect();
    asked.sort_unstable();
    same("the ids", ids, asked)?;
    same("the errors", answers.iter().filter(|answer| answer.get("error").is_some()).count(), 1)
}
