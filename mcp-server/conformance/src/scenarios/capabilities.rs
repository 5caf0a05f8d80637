//! What a server declares.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "a server declares what it serves and nothing else (T-62)",
    exists: everywhere,
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let full = present("the capabilities", stage.client().await?.capabilities())?;
    holds("tools are declared", full.tools.is_some())?;
    holds("prompts are declared", full.prompts.is_some())?;
    holds("resources are declared", full.resources.is_some())?;
    holds("logging is declared", full.logging.is_some())?;
    let completes = stage.has(Features::COMPLETIONS_CAPABILITY);
    same("whether completions are declared", full.completions.is_some(), completes)?;

    let one = present("the capabilities", stage.client_of(Fixture::ToolsOnly).await?.capabilities())?;
    holds("tools are declared", one.tools.is_some())?;
    holds("prompts are not declared", one.prompts.is_none())?;
    holds("resources are not declared", one.resources.is_none())?;
    holds("logging is not declared", one.logging.is_none())?;
    holds("completions are not declared", one.completions.is_none())
}
