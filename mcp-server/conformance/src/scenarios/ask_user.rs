//! Questions to the user.

use crate::prelude::*;
use crate::user::Ann;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "a tool that asks the user goes on with the answer, by rounds or by requests as the revision has it (P-12, P-24, HL-4)",
    exists: |setting| setting.has(Features::ELICITATION),
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let client = stage.connect(stage.builder().handler(Ann), Fixture::Asking).await?;
    same("the greeting", client.call_tool("greet", ()).await?.text().as_str(), "Hello, Ann!")?;
    same("after two questions", client.call_tool("two_rounds", ()).await?.text().as_str(), "Ann Ann")?;
    let (one, other) = tokio::join!(client.call_tool("greet", ()), client.call_tool("two_rounds", ()));
    same("at the same time", (one?.text(), other?.text()), ("Hello, Ann!".to_owned(), "Ann Ann".to_owned()))
}
