//! Several questions at once.

use crate::prelude::*;
use crate::user::Ann;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "a tool asks the user, the model and for the roots in one go (P-11, P-12, T-120, T-140)",
    exists: |setting| setting.has(Features::ELICITATION),
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let client = stage.connect(stage.builder().handler(Ann), Fixture::Asking).await?;
    let told = client.call_tool("everything", ()).await?.text();
    same("what the tool says", told.as_str(), "Ann \"Paris\" file:///home/ann")
}
