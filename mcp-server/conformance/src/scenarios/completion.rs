//! Completing what is typed.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "an argument is completed with at most a hundred values, and whether there are more is said (T-105, T-106)",
    exists: everywhere,
    run: |stage| Box::pin(run(stage)),
};

use mcp_types::{CompleteRequestParams, CompletionArgument, CompletionReference, PromptReference};

async fn run(stage: &Stage) -> Verdict {
    let client = stage.client().await?;
    let complete = |name: &str, typed: &str| {
        let reference = CompletionReference::Prompt(PromptReference::new("review"));
        client.complete(CompleteRequestParams::new(reference, CompletionArgument::new(name, typed)))
    };
    let many = complete("code", "word").await?.completion;
    same("the number of values", many.values.len(), 100)?;
    same("whether there are more", many.has_more, Some(true))?;
    same("how many there are", many.total, Some(250))?;
    same("the first value", many.values.first().map(String::as_str), Some("word000"))?;
    let few = complete("code", "WORD24").await?.completion;
    same("the number of values", few.values.len(), 10)?;
    holds("there are no more", few.has_more != Some(true))?;
    same("the values that nobody completes", complete("times", "1").await?.completion.values, Vec::<String>::new())
}
