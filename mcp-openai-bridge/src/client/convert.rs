//! Between one MCP tool and one function of a model. Pure.
//!
//! The surprising thing: a name that had to change cannot be changed back without the tool set that it came from. Whoever
//! converts tools one by one keeps them, or uses a [`ToolSet`], or a [`Session`](super::Session).

use mcp_types::{CallToolRequestParams, RawJson, Tool};

use super::Error;
use crate::arguments;
use crate::chat::ToolCall;
use crate::tools::{Profile, ToolSet};

/// Converts a tool to a function of Chat Completions.
///
/// # Examples
///
/// ```
/// use mcp_openai_bridge::client::to_openai_tool;
/// use mcp_openai_bridge::tools::Profile;
/// use mcp_types::{RawJson, Tool};
///
/// let tool = Tool::new("add", RawJson::parse(r#"{"type":"object"}"#)?).description("Adds.");
/// let function = to_openai_tool(&tool, Profile::LiteLlm)?;
/// assert_eq!(
///     function.as_str(),
///     r#"{"type":"function","function":{"name":"add","description":"Adds.","parameters":{"type":"object","properties":{},"additionalProperties":false},"strict":false}}"#
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// Fails when no provider would accept it, whatever is changed.
pub fn to_openai_tool(tool: &Tool, profile: Profile) -> Result<RawJson, Error> {
    alone(tool, profile, |set| set.chat())
}

/// Converts a tool to a function of the Responses API.
///
/// # Errors
///
/// Fails as [`to_openai_tool`] does.
pub fn to_responses_tool(tool: &Tool, profile: Profile) -> Result<RawJson, Error> {
    alone(tool, profile, |set| set.responses())
}

/// Reads a call of a Chat Completions reply as the parameters of `tools/call`. The name is taken as it is.
///
/// # Errors
///
/// Fails when the arguments are no JSON object: broken or truncated JSON, text after the object, `NaN`, a key that stands
/// twice, any other value. Nothing is guessed, because a tool without its arguments may do the wrong thing.
///
/// # Examples
///
/// ```
/// use mcp_openai_bridge::chat::{Arguments, ToolCall};
/// use mcp_openai_bridge::client::to_mcp_call;
///
/// let request = to_mcp_call(&ToolCall::new("call_1", "echo", Arguments::from(r#"{"text":"hi"}"#)))?;
/// assert_eq!((request.name.as_str(), request.arguments.unwrap().as_str()), ("echo", r#"{"text":"hi"}"#));
///
/// assert!(to_mcp_call(&ToolCall::new("call_2", "echo", Arguments::from(r#"{"text":"unterminated"#))).is_err());
/// # Ok::<(), mcp_openai_bridge::client::Error>(())
/// ```
pub fn to_mcp_call(call: &ToolCall) -> Result<CallToolRequestParams, Error> {
    let Some(function) = &call.function else {
        return Err(Error::Unknown("the call is of no function, and nothing was run".to_owned()));
    };
    Ok(CallToolRequestParams::new(function.name.as_str()).arguments(arguments::read(&function.arguments)?))
}

fn alone(tool: &Tool, profile: Profile, emit: impl Fn(&ToolSet) -> Vec<RawJson>) -> Result<RawJson, Error> {
    let set = ToolSet::builder().profile(profile).server("", std::slice::from_ref(tool)).build();
    if let Some(held) = set.report().quarantined().first() {
        return Err(held.reason.clone().into());
    }
    emit(&set).pop().ok_or_else(|| Error::Unknown("the tool is not offered".to_owned()))
}
