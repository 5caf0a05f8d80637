//! Prompts: without and with arguments, with a resource and an image in them, and one that asks before it is filled in.

use mcp_server::types::{PromptMessage, Role};
use mcp_server::{Args, AskError, ContentBlock, Cx, Form, Image, Partial, Prompt};

use crate::content::{PNG, embedded};

pub(crate) fn all() -> [Prompt; 5] {
    [
        Prompt::new("test_simple_prompt", async || "This is a simple prompt for testing.")
            .description("Has no arguments"),
        Prompt::new("test_prompt_with_arguments", prompt_with_arguments)
            .description("Has two arguments")
            .complete("arg1", async |typed: Partial| typed.among(["test", "testing", "text"])),
        Prompt::new("test_prompt_with_embedded_resource", prompt_with_resource).description("Holds a resource"),
        Prompt::new("test_prompt_with_image", async || {
            [user(Image::png(PNG)), user(ContentBlock::text("Please analyze the image above."))]
        })
        .description("Holds an image"),
        Prompt::new("test_input_required_result_prompt", prompt_with_question)
            .description("Asks the user what it is about"),
    ]
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Two {
    /// The first argument.
    arg1: String,
    /// The second argument.
    arg2: String,
}

async fn prompt_with_arguments(Args(Two { arg1, arg2 }): Args<Two>) -> String {
    format!("Prompt with arguments: arg1='{arg1}', arg2='{arg2}'")
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
struct OfResource {
    /// The URI that the resource shall have.
    resource_uri: String,
}

async fn prompt_with_resource(Args(OfResource { resource_uri }): Args<OfResource>) -> [PromptMessage; 2] {
    let resource = embedded(&resource_uri, "Embedded resource content for testing.");
    let text = "Please process the embedded resource above.";
    [user(ContentBlock::resource(resource)), user(ContentBlock::text(text))]
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Context {
    /// What the prompt is about.
    context: String,
}

async fn prompt_with_question(cx: Cx) -> Result<String, AskError> {
    let about: Context = cx.elicit("user_context", Form::new("What should the prompt be about?")).await?;
    Ok(format!("Use this context: {}", about.context))
}

fn user(content: impl Into<ContentBlock>) -> PromptMessage {
    PromptMessage::new(Role::User, content)
}
