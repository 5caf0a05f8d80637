//! The items of MCP in the input of a request, in words that every model understands.
//!
//! Pure. The surprising thing: an approval needs no memory. The request for it comes back with the answer, and together
//! they are a call that is still to be made.

use std::collections::{HashMap, HashSet};

use crate::chat::Arguments;
use crate::responses::mcp::{CallError, McpCall};
use crate::responses::{FunctionCall, FunctionCallOutput, Item};
use crate::turn::Failure;
use crate::turn::approval::Approval;

/// An input without items of MCP, and what they said.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Input {
    pub(super) items: Vec<Item>,
    /// What the client said about calls, by the ids of its requests for approval.
    pub(super) decisions: HashMap<String, Approval>,
    /// The requests for approval of calls that were not made yet.
    pub(super) requests: Vec<String>,
    /// The requests for approval of calls that were made or denied.
    pub(super) made: HashSet<String>,
}

/// Returns of each list that the client has the label and the names of the tools.
pub(super) fn lists(items: &[Item]) -> Vec<(String, Vec<String>)> {
    let lists = items.iter().filter_map(|item| match item {
        Item::McpListTools(list) if list.error.is_none() => {
            Some((list.server_label.clone(), list.tools.iter().map(|tool| tool.name.clone()).collect()))
        }
        _ => None,
    });
    lists.collect()
}

/// Takes the items of MCP out. `function` finds the function that stands for a tool, by label and name.
pub(super) fn read(items: Vec<Item>, function: &dyn Fn(&str, &str) -> Option<String>) -> Input {
    let mut input = Input::default();
    let name = |label: &str, tool: &str| function(label, tool).unwrap_or_else(|| plain(label, tool));
    // A call that was approved stands in the input three times: as the request, the answer, and the call that was made.
    input.made = items
        .iter()
        .filter_map(|item| match item {
            Item::McpCall(call) => call.approval_request_id.clone(),
            _ => None,
        })
        .collect();
    let denied: HashMap<String, String> = items.iter().filter_map(denial).collect();
    for item in items {
        match item {
            Item::McpListTools(_) => {}
            Item::McpCall(call) => {
                let function = name(&call.server_label, &call.name);
                input.items.extend(both(call, function));
            }
            Item::McpApprovalRequest(request) => {
                if input.made.contains(&request.id) {
                    continue;
                }
                let function = name(&request.server_label, &request.name);
                let call = FunctionCall::new(&request.id, function, request.arguments);
                input.items.push(call.into());
                match denied.get(&request.id) {
                    // It may be long ago, so that the answer stands where the call is.
                    Some(reason) => {
                        let told = format!("error: {}", Failure::Denied { reason: reason.clone() });
                        input.items.push(FunctionCallOutput::text(&request.id, told).into());
                        input.made.insert(request.id);
                    }
                    None => input.requests.push(request.id),
                }
            }
            Item::McpApprovalResponse(response) => {
                let approval = if response.approve {
                    Approval::Allowed
                } else {
                    Approval::denied(response.reason.unwrap_or_else(|| NO_REASON.to_owned()))
                };
                input.decisions.insert(response.approval_request_id, approval);
            }
            other => input.items.push(other),
        }
    }
    input
}

/// Returns which request a client denied, and why.
fn denial(item: &Item) -> Option<(String, String)> {
    match item {
        Item::McpApprovalResponse(response) if !response.approve => {
            let reason = response.reason.clone().unwrap_or_else(|| NO_REASON.to_owned());
            Some((response.approval_request_id.clone(), reason))
        }
        _ => None,
    }
}

/// A call that was made, as a call and its output.
fn both(call: McpCall, function: String) -> [Item; 2] {
    let output = match (&call.output, &call.error) {
        (_, Some(error)) => format!("error: {}", told(error)),
        (Some(output), None) => output.clone(),
        (None, None) => "error: the call was not completed".to_owned(),
    };
    let arguments = match call.arguments {
        Arguments::Absent => Arguments::from("{}"),
        Arguments::Text(text) if text.trim().is_empty() => Arguments::from("{}"),
        arguments => arguments,
    };
    [FunctionCall::new(&call.id, function, arguments).into(), FunctionCallOutput::text(call.id, output).into()]
}

fn told(error: &CallError) -> String {
    match error {
        CallError::Execution { content } => texts(content),
        CallError::Http { code, message } => format!("http_error {code}: {message}"),
        CallError::Other(raw) => raw.decode().unwrap_or_else(|_| raw.as_str().to_owned()),
        CallError::Protocol { code, message } => format!("mcp_protocol_error {code}: {message}"),
    }
}

/// The texts of the content of a result, or the content as it is.
fn texts(content: &mcp_types::RawJson) -> String {
    let blocks: Vec<mcp_types::JsonObject> = content.decode().unwrap_or_default();
    let texts: Vec<String> = blocks.iter().filter_map(|block| block.member("text")?.decode().ok()).collect();
    if texts.len() == blocks.len() && !texts.is_empty() { texts.join("\n") } else { content.as_str().to_owned() }
}

/// A legal name for a tool that is not there any more, so that the conversation can be read all the same.
fn plain(label: &str, tool: &str) -> String {
    let is_legal = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let legal = |text: &str| text.chars().map(|c| if is_legal(c) { c } else { '_' }).collect::<String>();
    format!("{}__{}", legal(label), legal(tool)).chars().take(crate::names::NAME_LIMIT).collect()
}

const NO_REASON: &str = "no reason was given";

#[cfg(test)]
mod tests {
    use super::*;

    fn check(items: &str, expected: &str) -> Input {
        let items: Vec<Item> = serde_json::from_str(items).unwrap();
        let input = read(items, &|label, tool| (label == "clock").then(|| format!("f_{tool}")));
        assert_eq!(serde_json::to_string(&input.items).unwrap(), expected);
        input
    }

    #[test]
    fn calls_that_were_made_are_calls_with_their_outputs() {
        check(
            r#"[{"type":"mcp_call","id":"m","server_label":"clock","name":"time","arguments":"{}","output":"noon","error":null}]"#,
            r#"[{"type":"function_call","call_id":"m","name":"f_time","arguments":"{}"},{"type":"function_call_output","call_id":"m","output":"noon"}]"#,
        );
        check(
            r#"[{"type":"mcp_call","id":"m","server_label":"gone","name":"get.x","arguments":"","error":{"type":"mcp_tool_execution_error","content":[{"type":"text","text":"disk full"}]}}]"#,
            r#"[{"type":"function_call","call_id":"m","name":"gone__get_x","arguments":"{}"},{"type":"function_call_output","call_id":"m","output":"error: disk full"}]"#,
        );
        check(
            r#"[{"type":"mcp_call","id":"m","server_label":"clock","name":"time","arguments":"{}","error":{"type":"mcp_protocol_error","code":-32602,"message":"bad"}}]"#,
            r#"[{"type":"function_call","call_id":"m","name":"f_time","arguments":"{}"},{"type":"function_call_output","call_id":"m","output":"error: mcp_protocol_error -32602: bad"}]"#,
        );
    }

    #[test]
    fn an_answered_request_for_approval_is_a_call_that_is_to_be_made() {
        let request =
            r#"{"type":"mcp_approval_request","id":"r","server_label":"clock","name":"time","arguments":"{}"}"#;
        let call = r#"[{"type":"function_call","call_id":"r","name":"f_time","arguments":"{}"}]"#;
        let answer = |answer: &str| format!(r#"{{"type":"mcp_approval_response","approval_request_id":"r",{answer}}}"#);
        let input = check(&format!("[{request},{}]", answer(r#""approve":true"#)), call);
        assert_eq!(input.decisions.get("r"), Some(&Approval::Allowed));
        let denied = answer(r##""approve":false,"reason":"no""##);
        let told = r#"[{"type":"function_call","call_id":"r","name":"f_time","arguments":"{}"},{"type":"function_call_output","call_id":"r","output":"error: denied by user: no"},{"type":"reasoning","id":"x"}]"#;
        let input = check(&format!(r#"[{request},{denied},{{"type":"reasoning","id":"x"}}]"#), told);
        assert!(input.requests.is_empty());
        // It was made in an earlier response.
        let made = r#"{"type":"mcp_call","id":"m","server_label":"clock","name":"time","arguments":"{}","output":"noon","approval_request_id":"r"}"#;
        check(
            &format!("[{request},{},{made}]", answer(r#""approve":true"#)),
            r#"[{"type":"function_call","call_id":"m","name":"f_time","arguments":"{}"},{"type":"function_call_output","call_id":"m","output":"noon"}]"#,
        );
    }

    #[test]
    fn lists_say_what_the_client_has_and_are_not_sent_on() {
        let text = r#"[{"type":"mcp_list_tools","id":"l","server_label":"clock","tools":[{"name":"time","input_schema":{}}]},{"type":"mcp_list_tools","id":"l","server_label":"disk","tools":[],"error":"down"},{"type":"reasoning","id":"r"}]"#;
        check(text, r#"[{"type":"reasoning","id":"r"}]"#);
        let items: Vec<Item> = serde_json::from_str(text).unwrap();
        assert_eq!(lists(&items), [("clock".to_owned(), vec!["time".to_owned()])]);
    }
}
