//! Prompts.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "a prompt is filled in with its arguments, which are texts on the wire (T-103)",
    exists: everywhere,
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let client = stage.client().await?;
    let nothing: [(&str, &str); 0] = [];
    let plain = client.get_prompt("plain", nothing).await?;
    same("the description", plain.description.as_deref(), Some("Says hello"))?;
    for (arguments, expected) in [
        (vec![("code", "let ü = \"🦀\";\n")], "Review 1 times: let ü = \"🦀\";\n"),
        (vec![("times", "3"), ("code", "x")], "Review 3 times: x"),
    ] {
        let prompt = client.get_prompt("review", arguments).await?;
        let message = present("a message", prompt.messages.first())?;
        same("the role", &message.role, &mcp_types::Role::User)?;
        same("the text", message.content.as_text(), Some(expected))?;
    }
    Ok(())
}
