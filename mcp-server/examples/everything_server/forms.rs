//! Tools that show what a form may hold, and what the user may do with it.
//!
//! The surprising thing: `Form` makes a form from a type. These forms are made by hand, because they show keywords that a
//! type does not have; they are answered with all that the user did, a refusal too.

use mcp_server::types::{
    BooleanSchema, ElicitRequestFormParams, ElicitResult, EnumOption, LegacyTitledEnumSchema, NumberSchema, RawJson,
    RequestedSchema, StringSchema, TitledItems, TitledMultiSelectEnumSchema, TitledSingleSelectEnumSchema,
    UntitledItems, UntitledMultiSelectEnumSchema, UntitledSingleSelectEnumSchema,
};
use mcp_server::{Args, AskError, BoxError, Cx, Tool};

pub(crate) fn tools() -> Vec<Tool> {
    vec![
        Tool::new("test_elicitation", elicitation).description("Asks the user for a name and an address"),
        Tool::new("test_elicitation_sep1034_defaults", async |cx: Cx| {
            completed(&ask(&cx, "Please review the defaults", with_defaults()).await?)
        })
        .description("Asks the user with a form that is filled in already"),
        Tool::new("test_elicitation_sep1330_enums", async |cx: Cx| {
            completed(&ask(&cx, "Please choose", with_choices()).await?)
        })
        .description("Asks the user to choose, in every way that there is"),
    ]
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Message {
    /// What to tell the user.
    message: String,
}

async fn elicitation(Args(Message { message }): Args<Message>, cx: Cx) -> Result<String, BoxError> {
    let form = RequestedSchema::new()
        .required_property("username", StringSchema::new().description("How to call you"))
        .required_property("email", StringSchema::new().description("Where to write to you"));
    let result = ask(&cx, &message, form).await?;
    Ok(format!("User response: {}", told(&result)?))
}

async fn ask(cx: &Cx, message: &str, form: RequestedSchema) -> Result<ElicitResult, AskError> {
    cx.elicit("form", ElicitRequestFormParams::new(message, form)).await
}

/// A form that is filled in already, with every type of member (SEP-1034).
fn with_defaults() -> RequestedSchema {
    let status = UntitledSingleSelectEnumSchema::new(words(["active", "inactive", "pending"])).default("active");
    RequestedSchema::new()
        .property("name", StringSchema::new().description("How to call you").default("John Doe"))
        .property("age", NumberSchema::integer().description("How old you are").default(30.0))
        .property("score", NumberSchema::number().description("How well you did").default(95.5))
        .property("status", status.description("How you are doing"))
        .property("verified", BooleanSchema::new().description("Whether you are who you say").default(true))
}

/// A form with every way to say "one of these" or "some of these" (SEP-1330).
fn with_choices() -> RequestedSchema {
    let plain = || words(["option1", "option2", "option3"]);
    let titled = || ["1", "2", "3"].map(|n| EnumOption::new(format!("value{n}"), format!("Option {n}"))).to_vec();
    let legacy = LegacyTitledEnumSchema::new(words(["opt1", "opt2", "opt3"]));
    RequestedSchema::new()
        .property("untitledSingle", UntitledSingleSelectEnumSchema::new(plain()))
        .property("titledSingle", TitledSingleSelectEnumSchema::new(titled()))
        .property("legacyEnum", legacy.enum_names(words(["Option One", "Option Two", "Option Three"])))
        .property("untitledMulti", UntitledMultiSelectEnumSchema::new(UntitledItems::new(plain())))
        .property("titledMulti", TitledMultiSelectEnumSchema::new(TitledItems::new(titled())))
}

fn words<const N: usize>(words: [&str; N]) -> Vec<String> {
    words.map(str::to_owned).to_vec()
}

fn completed(result: &ElicitResult) -> Result<String, BoxError> {
    Ok(format!("Elicitation completed: {}", told(result)?))
}

/// Says what the user did, and what was filled in.
fn told(result: &ElicitResult) -> Result<String, BoxError> {
    let content = match &result.content {
        Some(content) => RawJson::encode(content)?,
        None => RawJson::empty_object(),
    };
    Ok(format!("action={}, content={}", result.action.as_str(), content.as_str()))
}
