//! The list of prompts.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "prompts are listed with their arguments and which of them are required (T-103)",
    exists: everywhere,
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let prompts = stage.client().await?.list_prompts().await?;
    let names: Vec<_> = prompts.iter().map(|prompt| prompt.name.as_str()).collect();
    same("the names", names, vec!["plain", "review", "embedded", "image"])?;
    let review = present("the prompt `review`", prompts.get(1))?;
    let arguments =
        review.arguments.iter().flatten().map(|argument| (argument.name.as_str(), argument.required == Some(true)));
    same("the arguments", arguments.collect::<Vec<_>>(), vec![("code", true), ("times", false)])
}
