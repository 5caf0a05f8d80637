//! Prompts that cannot be filled in.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "an unknown prompt, a missing argument and one that cannot be read are refused as invalid params (T-104)",
    exists: everywhere,
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let client = stage.client().await?;
    let wrong = [
        ("plane", Vec::<(&str, &str)>::new(), "plane"),
        ("review", vec![("times", "3")], "code"),
        ("review", vec![("code", "x"), ("times", "often")], "times"),
    ];
    for (name, arguments, named) in wrong {
        let error = refused_with(name, client.get_prompt(name, arguments).await, ErrorCode::INVALID_PARAMS)?;
        holds(&format!("{named} is named in {:?}", error.message), error.message.contains(named))?;
    }
    Ok(())
}
