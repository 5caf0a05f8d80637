//! Prompts with more than text.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "a prompt holds resources and pictures, and messages of both roles in order (T-103, T-75)",
    exists: everywhere,
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let client = stage.client().await?;
    let nothing: [(&str, &str); 0] = [];
    let embedded = client.get_prompt("embedded", nothing).await?;
    let found: Vec<_> =
        embedded.messages.iter().map(|message| (message.role.clone(), message.content.kind())).collect();
    let expected =
        vec![(mcp_types::Role::User, "resource".to_owned()), (mcp_types::Role::Assistant, "text".to_owned())];
    same("the messages", found, expected)?;
    let image = client.get_prompt("image", nothing).await?;
    same(
        "the kinds",
        image.messages.iter().map(|message| message.content.kind()).collect::<Vec<_>>(),
        vec!["image".to_owned()],
    )
}
