//! Which arguments of which tools are mirrored into HTTP headers (H-30 to H-37).
//!
//! Pure. The surprising thing: a tool whose annotations are wrong is left out of the list that the application sees,
//! because no call of it could be right (H-32).

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use mcp_transport::Limits;
use mcp_transport::header::ParamHeaders;
use mcp_types::{RawJson, Tool};
use serde_json::Value;

/// A tool that was left out of a list, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RefusedTool {
    /// The name of the tool.
    pub name: String,
    /// What is wrong with it.
    pub reason: String,
}

/// What is known of the tools of one server.
#[derive(Debug)]
pub(crate) struct Mirrors {
    /// Only the tools that have arguments to mirror.
    tools: HashMap<String, Arc<ParamHeaders>>,
    refused: BTreeMap<String, String>,
    max_tools: usize,
    max_schema_bytes: usize,
}

impl Mirrors {
    /// Knows nothing yet; remembers as many tools as a list may have, with schemas as long as the limits allow.
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            tools: HashMap::new(),
            refused: BTreeMap::new(),
            max_tools: limits.items,
            max_schema_bytes: limits.schema_bytes,
        }
    }

    /// Takes note of the tools of one page, and takes those out that cannot be called; `is_mirrored` says whether
    /// arguments go into headers here.
    pub(crate) fn admit(&mut self, tools: &mut Vec<Tool>, is_mirrored: bool) {
        tools.retain(|tool| match self.read(tool, is_mirrored) {
            Ok(headers) => {
                self.refused.remove(&tool.name);
                self.remember(&tool.name, headers);
                true
            }
            Err(reason) => {
                self.tools.remove(&tool.name);
                if self.refused.len() < self.max_tools {
                    self.refused.insert(tool.name.clone(), reason);
                }
                false
            }
        });
    }

    /// Takes note of tools that could not be read.
    pub(crate) fn refuse(&mut self, tools: Vec<RefusedTool>) {
        for tool in tools {
            if self.refused.len() < self.max_tools {
                self.refused.insert(tool.name, tool.reason);
            }
        }
    }

    fn read(&self, tool: &Tool, is_mirrored: bool) -> Result<ParamHeaders, String> {
        let length = tool.input_schema.as_bytes().len();
        if length > self.max_schema_bytes {
            let limit = self.max_schema_bytes;
            return Err(format!("`inputSchema` has {length} bytes, more than the limit `schema_bytes` of {limit}"));
        }
        if is_mirrored { annotations(&tool.input_schema) } else { Ok(ParamHeaders::default()) }
    }

    fn remember(&mut self, name: &str, headers: ParamHeaders) {
        if headers.is_empty() {
            self.tools.remove(name);
        } else if self.tools.len() < self.max_tools || self.tools.contains_key(name) {
            self.tools.insert(name.to_owned(), Arc::new(headers));
        }
    }

    /// Returns how the arguments of a tool are mirrored; `None` when none is, or when the tool is not known.
    pub(crate) fn of(&self, tool: &str) -> Option<Arc<ParamHeaders>> {
        self.tools.get(tool).cloned()
    }

    /// Returns the tools that were left out.
    pub(crate) fn refused(&self) -> Vec<RefusedTool> {
        let refused = |(name, reason): (&String, &String)| RefusedTool { name: name.clone(), reason: reason.clone() };
        self.refused.iter().map(refused).collect()
    }
}

/// Writes the headers of a call.
///
/// # Errors
///
/// Says which arguments cannot be mirrored.
pub(crate) fn headers(mirror: &ParamHeaders, arguments: Option<&RawJson>) -> Result<Vec<(String, String)>, String> {
    let arguments: Option<Value> = arguments.map(RawJson::decode).transpose().map_err(|error| error.to_string())?;
    mirror.build(arguments.as_ref()).map_err(|faults| join(&faults))
}

/// Finds the annotations of a schema; most have none, and then the schema is not decoded.
fn annotations(schema: &RawJson) -> Result<ParamHeaders, String> {
    let text = schema.as_str();
    // The key may be written with escapes.
    if !text.contains("x-mcp-header") && !text.contains("\\u") {
        return Ok(ParamHeaders::default());
    }
    let schema: Value = schema.decode().map_err(|error| format!("`inputSchema`: {error}"))?;
    ParamHeaders::from_schema(&schema).map_err(|faults| join(&faults))
}

/// Names the first faults; a schema can have thousands.
fn join<T: ToString>(faults: &[T]) -> String {
    let mut text = faults.iter().take(NAMED_FAULTS).map(ToString::to_string).collect::<Vec<_>>().join("; ");
    if let more @ 1.. = faults.len().saturating_sub(NAMED_FAULTS) {
        text.push_str(&format!("; and {more} more"));
    }
    text
}

/// How many faults of one tool are named.
const NAMED_FAULTS: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    fn tool(name: &str, property: &str) -> Tool {
        let schema = format!(r#"{{"type":"object","properties":{{"region":{property}}}}}"#);
        Tool::new(name, RawJson::parse(schema).unwrap())
    }

    fn mirrors() -> Mirrors {
        Mirrors::new(&Limits::default())
    }

    fn admitted(mirrors: &mut Mirrors, tools: impl Into<Vec<Tool>>) -> Vec<String> {
        let mut tools = tools.into();
        mirrors.admit(&mut tools, true);
        tools.into_iter().map(|tool| tool.name).collect()
    }

    const GOOD: &str = r#"{"type":"string","x-mcp-header":"Region"}"#;
    const BAD: &str = r#"{"type":"number","x-mcp-header":"Region"}"#;

    #[test]
    fn a_tool_with_a_wrong_annotation_is_left_out_with_the_reason_and_the_others_stay() {
        let mut mirrors = mirrors();
        let names = admitted(&mut mirrors, [tool("good", GOOD), tool("bad", BAD), tool("plain", "{}")]);
        assert_eq!(names, ["good", "plain"]);
        let refused = mirrors.refused();
        assert_eq!(refused.len(), 1);
        assert_eq!(refused[0].name, "bad");
        assert!(refused[0].reason.contains("/properties/region"), "{}", refused[0].reason);
    }

    #[test]
    fn an_annotation_written_with_escapes_is_found() {
        let mut mirrors = mirrors();
        let escaped = BAD.replace("x-mcp", "x\\u002dmcp");
        assert!(admitted(&mut mirrors, [tool("bad", &escaped)]).is_empty());
    }

    #[test]
    fn arguments_become_headers_as_the_last_list_said() {
        let mut mirrors = mirrors();
        admitted(&mut mirrors, [tool("t", GOOD)]);
        let mirror = mirrors.of("t").unwrap();
        let built = |text: &str| headers(&mirror, Some(&RawJson::parse(text.to_owned()).unwrap()));
        assert_eq!(built(r#"{"region":"eu"}"#), Ok(vec![("Mcp-Param-Region".to_owned(), "eu".to_owned())]));
        assert_eq!(built(r#"{"region":null}"#), Ok(Vec::new()));
        assert!(built(r#"{"region":[]}"#).is_err());
        assert_eq!(headers(&mirror, None), Ok(Vec::new()));

        admitted(&mut mirrors, [tool("t", "{}")]);
        assert!(mirrors.of("t").is_none());
    }

    #[test]
    fn a_tool_that_was_mended_is_no_longer_refused() {
        let mut mirrors = mirrors();
        admitted(&mut mirrors, [tool("t", BAD)]);
        admitted(&mut mirrors, [tool("t", GOOD)]);
        assert!(mirrors.refused().is_empty());
        assert!(mirrors.of("t").is_some());
    }

    #[test]
    fn no_more_tools_are_remembered_than_the_limit() {
        let mut mirrors = Mirrors::new(&Limits::default().items(1));
        let mut tools = vec![tool("a", GOOD), tool("b", GOOD)];
        mirrors.admit(&mut tools, true);
        assert!(mirrors.of("a").is_some());
        assert!(mirrors.of("b").is_none());
        assert_eq!(tools.len(), 2, "what is not remembered is still listed");
    }

    #[test]
    fn on_a_pipe_annotations_are_ignored() {
        let mut tools = vec![tool("bad", BAD), tool("good", GOOD)];
        let mut mirrors = mirrors();
        mirrors.admit(&mut tools, false);
        assert_eq!(tools.len(), 2);
        assert!(mirrors.of("good").is_none());
    }

    #[test]
    fn a_schema_as_long_as_the_limit_is_listed_and_a_longer_one_is_not() {
        let length = tool("t", "{}").input_schema.as_bytes().len();
        let listed = |limit: usize| {
            let mut tools = vec![tool("t", "{}")];
            Mirrors::new(&Limits::default().schema_bytes(limit)).admit(&mut tools, false);
            tools.len()
        };
        assert_eq!((listed(length - 1), listed(length), listed(length + 1)), (0, 1, 1));
    }
}
