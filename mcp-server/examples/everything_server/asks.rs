//! Tools that ask the client something: its user, its language model, its directories.
//!
//! The surprising thing: the same line asks in both eras. On a legacy session it sends a request and waits; in 2026-07-28
//! the call is answered with the question, and the handler runs again from its start in the next round.

use mcp_server::types::{
    CreateMessageRequestParams, CreateMessageResult, Role, SamplingMessage, SamplingMessageContentBlock,
};
use mcp_server::{Args, AskError, Cx, Form, Tool};

pub(crate) fn tools() -> Vec<Tool> {
    vec![
        Tool::new("test_sampling", sampling).description("Asks the language model of the client"),
        Tool::new("test_streaming_elicitation", ask_a_name).description("Asks the user for a name"),
        Tool::new("test_input_required_result_elicitation", ask_a_name).description("Asks the user for a name"),
        Tool::new("test_input_required_result_sampling", ask_the_capital)
            .description("Asks the language model of the client for a capital"),
        Tool::new("test_input_required_result_list_roots", ask_the_roots).description("Asks for the directories"),
        Tool::new("test_input_required_result_request_state", confirm)
            .description("Asks the user to confirm, and keeps something for the next round"),
        Tool::new("test_input_required_result_tampered_state", confirm)
            .description("Asks the user to confirm, and refuses a state that was changed on its way"),
        Tool::new("test_input_required_result_multiple_inputs", ask_everything).description("Asks everybody at once"),
        Tool::new("test_input_required_result_multi_round", ask_twice).description("Asks, and asks again"),
        Tool::new("test_input_required_result_capabilities", ask_who_is_there)
            .description("Asks only what the client can answer"),
    ]
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Ask {
    /// What to tell the language model.
    prompt: String,
}

async fn sampling(Args(Ask { prompt }): Args<Ask>, cx: Cx) -> Result<String, AskError> {
    let result = cx.sample("answer", question(prompt)).await?;
    Ok(format!("LLM response: {}", said(&result)))
}

/// A form: each member of the type is a field, and its comment says what it is for.
#[derive(serde::Deserialize, schemars::JsonSchema)]
pub(crate) struct Name {
    /// How to call you.
    pub(crate) name: String,
}

/// Asks the user for a name and greets.
///
/// The key `user_name` names the question; the answer of the client comes back under it.
pub(crate) async fn ask_a_name(cx: Cx) -> Result<String, AskError> {
    let who: Name = cx.elicit("user_name", Form::new("What is your name?")).await?;
    Ok(format!("Hello, {}!", who.name))
}

async fn ask_the_capital(cx: Cx) -> Result<String, AskError> {
    let result = cx.sample("capital_question", question("What is the capital of France?")).await?;
    Ok(format!("The model says: {}", said(&result)))
}

async fn ask_the_roots(cx: Cx) -> Result<String, AskError> {
    let roots = cx.roots("client_roots").await?;
    let uris: Vec<_> = roots.iter().map(|root| root.uri.as_str()).collect();
    Ok(format!("{} roots: {}", uris.len(), uris.join(", ")))
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Confirm {
    /// Whether to go on.
    ok: bool,
}

/// Keeps something for the next round. It travels with the client, sealed: a client that changes it is refused.
async fn confirm(cx: Cx) -> Result<String, AskError> {
    let state = match cx.remembered::<String>("state") {
        Some(state) => state,
        None => {
            cx.remember("state", &"state-ok")?;
            "state-ok".to_owned()
        }
    };
    let answer: Confirm = cx.elicit("confirm", Form::new("Shall we go on?")).await?;
    Ok(format!("{state}, and the user says {}", if answer.ok { "yes" } else { "no" }))
}

/// Asks three questions in one round; the answers have the order of the questions.
async fn ask_everything(cx: Cx) -> Result<String, AskError> {
    let (who, capital, roots) = cx
        .ask()
        .elicit::<Name>("user_name", Form::new("What is your name?"))
        .sample("capital_question", question("What is the capital of France?"))
        .roots("client_roots")
        .await?;
    Ok(format!("{}: {}, {} roots", who.name, said(&capital), roots.len()))
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Color {
    /// The color that you like.
    color: String,
}

/// Asks one question after the other, each in a round of its own.
async fn ask_twice(cx: Cx) -> Result<String, AskError> {
    let who: Name = cx.elicit("step1", Form::new("Step 1: What is your name?")).await?;
    let likes: Color = cx.elicit("step2", Form::new("Step 2: What is your favorite color?")).await?;
    Ok(format!("{} likes {}.", who.name, likes.color))
}

/// Asks the user when the client can, and else its language model (P-11).
async fn ask_who_is_there(cx: Cx) -> Result<String, AskError> {
    if cx.capabilities().elicitation.is_some() { ask_a_name(cx).await } else { ask_the_capital(cx).await }
}

fn question(text: impl Into<String>) -> CreateMessageRequestParams {
    CreateMessageRequestParams::new(vec![SamplingMessage::new(Role::User, text.into())], MAX_TOKENS)
}

/// Returns the texts that the language model said.
fn said(result: &CreateMessageResult) -> String {
    let texts = result.content.blocks().iter().filter_map(|block| match block {
        SamplingMessageContentBlock::Text(text) => Some(text.text.as_str()),
        _ => None,
    });
    texts.collect()
}

const MAX_TOKENS: u64 = 100;
