//! Tool sets: the tools of MCP servers as functions of a model, and the way back from a function to its tool.
//!
//! The surprising thing: a tool that cannot be made legal is missing from the functions and present in the report. One
//! illegal function would make the provider refuse the whole request.

use std::collections::{BTreeSet, HashSet};
use std::fmt;
use std::sync::Arc;
#[cfg(feature = "validate")]
use std::sync::OnceLock;

use mcp_types::{JsonObject, RawJson, Tool, ToolAnnotations};

use crate::arguments::{self, Rejection};
use crate::chat::{Arguments, object_json, text_json};
use crate::names::{Identity, NameTable, Prefix};
use crate::schema::{self, Quarantine, Rewrite};
use crate::similar::closest;

/// The most functions that OpenAI takes in one request.
pub const TOOL_LIMIT: usize = 128;

/// How tools are converted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Profile {
    /// So that every provider accepts them.
    #[default]
    Legal,
    /// As LiteLLM 1.109 does (field/bridges 1.2 and 7), for tests that compare with it, and for whoever replaces it and
    /// has function names or schemas written down somewhere.
    ///
    /// Its faults are part of it: names are not touched, so that a provider may refuse them. A schema that does not say
    /// whether it is open is closed, so that no argument can be given to a tool with a free form. Arguments are still
    /// checked against the server's own schema.
    LiteLlm,
}

/// A set of tools, named and converted.
///
/// # Examples
///
/// ```
/// use mcp_openai_bridge::tools::ToolSet;
/// use mcp_types::{RawJson, Tool};
///
/// let tool = Tool::new("get.weather", RawJson::parse(r#"{"type":"object"}"#)?);
/// let tools = ToolSet::builder().server("lab", &[tool]).build();
/// let name = tools.iter().next().ok_or("no tool")?.name();
/// assert!(name.starts_with("get_weather_"));
/// assert_eq!(tools.resolve(name).map(|tool| tool.tool()), Some("get.weather"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct ToolSet {
    tools: Vec<Arc<ToolRef>>,
    names: NameTable,
    quarantined: Vec<Quarantined>,
}

impl ToolSet {
    /// Starts a tool set.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Returns the tools for a Chat Completions request, each with `strict: false`.
    pub fn chat(&self) -> Vec<RawJson> {
        self.tools
            .iter()
            .map(|tool| {
                let members = [("type", text_json("function")), ("function", object_json(&tool.function()))];
                object_json(&members.into_iter().collect())
            })
            .collect()
    }

    /// Returns the tools for a Responses request.
    ///
    /// There `strict: false` must be said: when it is absent, OpenAI tries strict mode.
    pub fn responses(&self) -> Vec<RawJson> {
        self.tools
            .iter()
            .map(|tool| {
                let mut members = JsonObject::new();
                members.insert("type", text_json("function"));
                for (name, value) in tool.function().iter() {
                    members.insert(name, value.clone());
                }
                object_json(&members)
            })
            .collect()
    }

    /// Returns the tool that a function name calls.
    ///
    /// LiteLLM's `server-tool` is understood, too: conversations and approvals that were kept from it have that form.
    pub fn resolve(&self, name: &str) -> Option<&Arc<ToolRef>> {
        self.tools.get(self.names.resolve(name)?)
    }

    /// Returns the tools that are offered, in the order they were added.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<ToolRef>> {
        self.tools.iter()
    }

    /// Returns the number of tools that are offered.
    pub fn len(&self) -> usize {
        self.tools.len()
    }

    /// Returns whether no tool is offered.
    pub fn is_empty(&self) -> bool {
        self.tools.is_empty()
    }

    /// Returns what was changed, what is held back and why.
    pub fn report(&self) -> Report<'_> {
        Report { set: self }
    }

    /// Says to the model that `name` calls nothing, and what it may have meant.
    pub fn unknown(&self, name: &str) -> String {
        let shown_name = arguments::shortened(name);
        if let Some(held) = self.quarantined.iter().find(|held| held.tool == name) {
            return format!("the tool `{shown_name}` cannot be called and nothing was run: {}", held.reason);
        }
        let names = || self.tools.iter().map(|tool| tool.name());
        let shown: Vec<String> = names().take(SHOWN_NAMES).map(|name| format!("`{name}`")).collect();
        let more = self.tools.len().saturating_sub(shown.len());
        let meant = self.tools.iter().find(|tool| tool.tool == name).map(|tool| tool.name());
        let meant = meant.or_else(|| closest(name, names()));
        let hint = meant.map(|meant| format!(" Did you mean `{meant}`?")).unwrap_or_default();
        let available = match (shown.is_empty(), more) {
            (true, _) => " There are no tools.".to_owned(),
            (_, 0) => format!(" Available tools: {}.", shown.join(", ")),
            (_, more) => format!(" Available tools: {} and {more} more.", shown.join(", ")),
        };
        format!("there is no tool `{shown_name}` and nothing was run.{hint}{available}")
    }
}

/// One tool of a set.
#[derive(Debug)]
pub struct ToolRef {
    server: String,
    tool: String,
    name: String,
    description: Option<String>,
    annotations: Option<ToolAnnotations>,
    parameters: RawJson,
    input_schema: RawJson,
    rewrites: Vec<Rewrite>,
    /// Whether the published schema forbids nothing that the original allows.
    #[cfg(feature = "validate")]
    is_wider: bool,
    /// Compiled when the tool is called for the first time.
    #[cfg(feature = "validate")]
    checker: OnceLock<Result<arguments::Checker, arguments::Unchecked>>,
}

impl ToolRef {
    /// Returns the label of the tool's server.
    pub fn server(&self) -> &str {
        &self.server
    }

    /// Returns the name of the tool on its server.
    pub fn tool(&self) -> &str {
        &self.tool
    }

    /// Returns the function name that the model sees.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the schema that the model sees.
    pub fn parameters(&self) -> &RawJson {
        &self.parameters
    }

    /// Returns the schema of the server, unchanged.
    pub fn input_schema(&self) -> &RawJson {
        &self.input_schema
    }

    /// Returns the server's hints about what the tool does. They are worth as much as the server is trusted (T-85).
    pub fn annotations(&self) -> Option<&ToolAnnotations> {
        self.annotations.as_ref()
    }

    /// Returns what is different between the two schemas.
    pub fn rewrites(&self) -> &[Rewrite] {
        &self.rewrites
    }

    /// Reads the arguments of a call and checks them against the server's schema.
    ///
    /// Without the feature `validate` they are only read.
    ///
    /// # Errors
    ///
    /// Returns every fault, in words for the model.
    pub fn arguments(&self, arguments: &Arguments) -> Result<RawJson, Rejection> {
        let object = arguments::read(arguments)?;
        #[cfg(feature = "validate")]
        if let Ok(checker) = self.checker() {
            checker.check(&object)?;
        }
        Ok(object)
    }

    /// Returns why arguments are not checked against the schema, if they are not.
    #[cfg(feature = "validate")]
    pub fn unchecked(&self) -> Option<&arguments::Unchecked> {
        self.checker().as_ref().err()
    }

    #[cfg(feature = "validate")]
    fn checker(&self) -> &Result<arguments::Checker, arguments::Unchecked> {
        self.checker.get_or_init(|| {
            arguments::Checker::compile(&self.input_schema).or_else(|unchecked| {
                // A schema that is malformed in places is repaired there, and the rest of it can still be checked.
                let repaired = if self.is_wider { arguments::Checker::compile(&self.parameters).ok() } else { None };
                repaired.ok_or(unchecked)
            })
        })
    }

    /// The members that both APIs share, in the order of their documentation.
    fn function(&self) -> JsonObject {
        let mut members = JsonObject::new();
        members.insert("name", text_json(&self.name));
        if let Some(description) = &self.description {
            members.insert("description", text_json(description));
        }
        members.insert("parameters", self.parameters.clone());
        members.insert("strict", serde_json::Value::Bool(false));
        members
    }
}

/// A tool that is not offered.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Quarantined {
    /// The label of the tool's server.
    pub server: String,
    /// The name of the tool on its server.
    pub tool: String,
    /// Why it is not offered.
    pub reason: Quarantine,
}

/// What was done to make a tool set legal. Its text has one line for each change.
#[derive(Clone, Copy, Debug)]
pub struct Report<'a> {
    set: &'a ToolSet,
}

impl<'a> Report<'a> {
    /// Returns the tools that were renamed or whose schema was changed.
    pub fn changed(self) -> impl Iterator<Item = &'a ToolRef> {
        let tools = self.set.tools.iter().map(Arc::as_ref);
        tools.filter(|tool| tool.name != tool.tool || !tool.rewrites.is_empty())
    }

    /// Returns the tools that are not offered.
    pub fn quarantined(self) -> &'a [Quarantined] {
        &self.set.quarantined
    }

    /// Returns by how many tools the set is larger than [`TOOL_LIMIT`]. None is left out for that; the provider refuses
    /// the request until fewer are offered.
    pub fn excess(self) -> usize {
        self.set.tools.len().saturating_sub(TOOL_LIMIT)
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.excess() > 0 {
            writeln!(f, "{} tools are offered, and OpenAI takes {TOOL_LIMIT} at most", self.set.tools.len())?;
        }
        for held in self.quarantined() {
            writeln!(f, "{}/{}: not offered: {}", held.server, held.tool, held.reason)?;
        }
        for tool in self.changed() {
            if tool.name != tool.tool {
                writeln!(f, "{}/{}: named {}", tool.server, tool.tool, tool.name)?;
            }
            for rewrite in &tool.rewrites {
                writeln!(f, "{}/{}: {rewrite}", tool.server, tool.tool)?;
            }
        }
        Ok(())
    }
}

/// Makes a [`ToolSet`].
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Builder {
    tools: Vec<(String, Tool)>,
    labels: BTreeSet<String>,
    prefix: Prefix,
    profile: Profile,
    limits: schema::Limits,
    reserved: BTreeSet<String>,
}

impl Builder {
    /// Adds the tools of a server. `label` is what the server is called here; it stands in front of names.
    pub fn server(mut self, label: impl Into<String>, tools: &[Tool]) -> Self {
        let label = label.into();
        self.tools.extend(tools.iter().map(|tool| (label.clone(), tool.clone())));
        self.labels.insert(label);
        self
    }

    /// Chooses whether names begin with the label of their server.
    pub fn prefix(mut self, prefix: Prefix) -> Self {
        self.prefix = prefix;
        self
    }

    /// Chooses how tools are converted.
    pub fn profile(mut self, profile: Profile) -> Self {
        self.profile = profile;
        self
    }

    /// Sets the bounds on schemas.
    pub fn limits(mut self, limits: schema::Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Keeps names free for functions that the caller has himself.
    pub fn reserve<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.reserved.extend(names.into_iter().map(Into::into));
        self
    }

    /// Names and converts the tools.
    #[must_use]
    pub fn build(self) -> ToolSet {
        let mut quarantined = Vec::new();
        let mut offered = Vec::new();
        let mut seen = HashSet::new();
        for (server, tool) in self.tools {
            let converted = if seen.insert((server.clone(), tool.name.clone())) {
                match self.profile {
                    Profile::Legal => schema::convert(&tool.input_schema, &self.limits),
                    Profile::LiteLlm => schema::convert_like_litellm(&tool.input_schema, &self.limits),
                }
            } else {
                Err(Quarantine::DuplicateTool)
            };
            match converted {
                Ok(parameters) => offered.push((server, tool, parameters)),
                Err(reason) => quarantined.push(Quarantined { server, tool: tool.name, reason }),
            }
        }
        let identities: Vec<_> = offered.iter().map(|(server, tool, _)| Identity::new(server, &tool.name)).collect();
        // A server whose tools are all held back, or that has none now, does not change the names of the others.
        let prefix = match self.prefix {
            Prefix::Auto if self.labels.len() > 1 => Prefix::Always,
            prefix => prefix,
        };
        let names = match self.profile {
            Profile::Legal => NameTable::new(&identities, prefix, &self.reserved),
            Profile::LiteLlm => NameTable::verbatim(&identities),
        };
        let tools = offered
            .into_iter()
            .enumerate()
            .map(|(index, (server, tool, parameters))| {
                let description = match self.profile {
                    Profile::Legal => tool.description.or(tool.title).filter(|text| !text.is_empty()),
                    Profile::LiteLlm => Some(tool.description.unwrap_or_default()),
                };
                Arc::new(ToolRef {
                    name: names.name(index).unwrap_or_default().to_owned(),
                    description,
                    server,
                    tool: tool.name,
                    annotations: tool.annotations,
                    #[cfg(feature = "validate")]
                    is_wider: self.profile == Profile::Legal && !parameters.merges_alternatives(),
                    parameters: parameters.schema,
                    input_schema: tool.input_schema,
                    rewrites: parameters.rewrites,
                    #[cfg(feature = "validate")]
                    checker: OnceLock::new(),
                })
            })
            .collect();
        ToolSet { tools, names, quarantined }
    }
}

/// Names that are listed to the model when it calls one that does not exist.
const SHOWN_NAMES: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;

    fn tool(name: &str, schema: &str) -> Tool {
        Tool::new(name, RawJson::parse(schema.to_owned()).unwrap())
    }

    #[test]
    fn a_chat_tool_has_a_function_with_strict_false() {
        let tools = ToolSet::builder().server("s", &[tool("add", "{}").description("Adds.")]).build();
        assert_eq!(
            tools.chat()[0].as_str(),
            r#"{"type":"function","function":{"name":"add","description":"Adds.","parameters":{"type":"object","properties":{}},"strict":false}}"#
        );
    }

    #[test]
    fn a_responses_tool_is_flat_and_says_strict_false() {
        let tools = ToolSet::builder().server("s", &[tool("add", "{}").title("Addition")]).build();
        assert_eq!(
            tools.responses()[0].as_str(),
            r#"{"type":"function","name":"add","description":"Addition","parameters":{"type":"object","properties":{}},"strict":false}"#
        );
    }

    #[test]
    fn a_function_name_leads_back_to_server_tool_and_original_schema() {
        let schema = r#"{"type":"object","anyOf":[{"required":["a"]}]}"#;
        let tools = ToolSet::builder().server("a", &[tool("x.y", schema)]).server("b", &[tool("x.y", "{}")]).build();
        let names: Vec<String> = tools.iter().map(|tool| tool.name().to_owned()).collect();
        let found = tools.resolve(&names[0]).unwrap();
        assert_eq!((found.server(), found.tool(), found.input_schema().as_str()), ("a", "x.y", schema));
        assert_eq!(tools.resolve(&names[1]).unwrap().server(), "b");
        assert_eq!(tools.resolve("b-x.y").unwrap().name(), names[1]);
        assert!(tools.resolve("x.y").is_none());
    }

    #[test]
    fn a_bad_tool_is_held_back_and_the_others_are_offered() {
        let tools = ToolSet::builder()
            .server("s", &[tool("good", "{}"), tool("bad", r#"{"type":"string"}"#), tool("good", "{}")])
            .build();
        assert_eq!(tools.len(), 1);
        let held: Vec<_> =
            tools.report().quarantined().iter().map(|held| (held.tool.as_str(), held.reason.clone())).collect();
        assert_eq!(
            held,
            [
                ("bad", Quarantine::RootNotObject { found: "\"string\"".to_owned() }),
                ("good", Quarantine::DuplicateTool)
            ]
        );
        assert_eq!(
            tools.unknown("bad"),
            "the tool `bad` cannot be called and nothing was run: the input schema allows no object, and arguments are always one: \"string\""
        );
    }

    #[test]
    fn the_report_has_a_line_for_every_change() {
        let tools = ToolSet::builder()
            .server("s", &[tool("a.b", r#"{"type":"object","properties":{"x":{"type":"array"}}}"#), tool("bad", "[]")])
            .build();
        assert_eq!(
            tools.report().to_string(),
            format!(
                "s/bad: not offered: the input schema is not a JSON Schema object: array\ns/a.b: named {}\ns/a.b: /properties/x: added `items`, because an array needs `items`\n",
                tools.iter().next().unwrap().name()
            )
        );
    }

    #[test]
    fn more_tools_than_openai_takes_are_reported_and_none_is_left_out() {
        let many: Vec<Tool> =
            (0..129).map(|n| tool(&format!("t{n}"), r#"{"type":"object","properties":{}}"#)).collect();
        let tools = ToolSet::builder().server("s", &many).build();
        assert_eq!((tools.chat().len(), tools.report().excess()), (129, 1));
        assert_eq!(tools.report().to_string(), "129 tools are offered, and OpenAI takes 128 at most\n");
        let tools = ToolSet::builder().server("s", &many[..128]).build();
        assert_eq!(tools.report().excess(), 0);
    }

    #[test]
    fn names_of_the_caller_stay_his_own() {
        let tools = ToolSet::builder().server("s", &[tool("my_fn", "{}")]).reserve(["my_fn"]).build();
        assert!(tools.resolve("my_fn").is_none());
    }

    #[test]
    fn an_unknown_name_is_answered_with_what_there_is() {
        let tools = ToolSet::builder().server("s", &[tool("get_weather", "{}"), tool("add", "{}")]).build();
        assert_eq!(
            tools.unknown("getWeather"),
            "there is no tool `getWeather` and nothing was run. Did you mean `get_weather`? Available tools: `get_weather`, `add`."
        );
        assert_eq!(ToolSet::default().unknown("x"), "there is no tool `x` and nothing was run. There are no tools.");
    }

    #[test]
    fn the_name_on_the_server_is_no_function_name_but_is_recognized() {
        let tools = ToolSet::builder().server("s", &[tool("get.weather/v1", "{}")]).build();
        let name = tools.iter().next().unwrap().name();
        assert!(tools.unknown("get.weather/v1").contains(&format!("Did you mean `{name}`?")));
    }

    #[test]
    fn a_server_without_tools_counts_for_the_prefix() {
        let tools = ToolSet::builder().server("a", &[tool("t", "{}")]).server("b", &[]).build();
        assert_eq!(tools.iter().next().unwrap().name(), "a__t");
    }

    #[test]
    fn the_profile_of_litellm_has_its_output() {
        let check = |name: &str, schema: &str, expected: &str| {
            let tools = ToolSet::builder().server("s", &[tool(name, schema)]).profile(Profile::LiteLlm).build();
            assert_eq!(
                tools.chat()[0].as_str(),
                format!(
                    r#"{{"type":"function","function":{{"name":"{name}","description":"","parameters":{expected},"strict":false}}}}"#
                )
            );
            assert_eq!(tools.resolve(name).unwrap().tool(), name);
        };
        check("x y/é", "{}", r#"{"type":"object","properties":{},"additionalProperties":false}"#);
        check("a", "null", r#"{"type":"object","properties":{},"additionalProperties":false}"#);
        check("a", r#"{"type":"string"}"#, r#"{"type":"string","properties":{},"additionalProperties":false}"#);
        check(
            "a",
            r#"{"type":["object","null"]}"#,
            r#"{"type":["object","null"],"properties":{},"additionalProperties":false}"#,
        );
        // What is open becomes closed, and alternatives at the root can be met by nothing.
        check("a", r#"{"type":"object"}"#, r#"{"type":"object","properties":{},"additionalProperties":false}"#);
        check(
            "a",
            r#"{"anyOf":[{"required":["id"]}]}"#,
            r#"{"anyOf":[{"required":["id"]}],"type":"object","properties":{},"additionalProperties":false}"#,
        );
        // Only the root is looked at.
        check(
            "a",
            r#"{"type":"object","properties":{"l":{"type":"array"}},"additionalProperties":false}"#,
            r#"{"type":"object","properties":{"l":{"type":"array"}},"additionalProperties":false}"#,
        );
        check(
            "a",
            r#"{"$schema":"x","properties":null,"additionalProperties":true}"#,
            r#"{"$schema":"x","properties":null,"additionalProperties":true,"type":"object"}"#,
        );
    }

    #[test]
    fn the_profile_of_litellm_takes_no_title_for_a_description_and_knows_both_apis() {
        let titled = tool("x", "{}").title("Titled");
        let tools = ToolSet::builder().server("s", &[titled]).profile(Profile::LiteLlm).build();
        assert_eq!(
            tools.responses()[0].as_str(),
            r#"{"type":"function","name":"x","description":"","parameters":{"type":"object","properties":{},"additionalProperties":false},"strict":false}"#
        );
    }

    #[cfg(feature = "validate")]
    #[test]
    fn arguments_are_checked_against_the_schema_of_the_server_also_in_the_profile_of_litellm() {
        let schema = r#"{"type":"object","properties":{"n":{"type":"integer"}}}"#;
        let tools = ToolSet::builder().server("s", &[tool("t", schema)]).profile(Profile::LiteLlm).build();
        let tool = tools.resolve("t").unwrap();
        assert!(tool.arguments(&Arguments::from(r#"{"n":1,"more":2}"#)).is_ok());
        assert!(tool.arguments(&Arguments::from(r#"{"n":"1"}"#)).is_err());
    }

    #[cfg(feature = "validate")]
    #[test]
    fn a_schema_that_is_malformed_in_places_is_checked_in_the_others() {
        let schema = r#"{"$schema":"mine","type":"object","properties":{"n":{"type":"integer"},"x":{"type":"any","properties":null}}}"#;
        let tools = ToolSet::builder().server("s", &[tool("t", schema)]).build();
        let tool = tools.resolve("t").unwrap();
        assert_eq!(tool.unchecked(), None);
        assert!(tool.arguments(&Arguments::from(r#"{"n":1,"x":[2]}"#)).is_ok());
        assert!(tool.arguments(&Arguments::from(r#"{"n":"1"}"#)).is_err());
    }

    #[cfg(feature = "validate")]
    #[test]
    fn a_malformed_schema_whose_alternatives_were_merged_is_left_to_the_server() {
        // The other alternative allows any `a`, which the merged schema does not say.
        let schema = r#"{"anyOf":[{"properties":{"a":{"type":"integer"}},"required":["a"]},{"description":null}]}"#;
        let tools = ToolSet::builder().server("s", &[tool("t", schema)]).build();
        let tool = tools.resolve("t").unwrap();
        assert!(tool.unchecked().is_some());
        assert!(tool.arguments(&Arguments::from(r#"{"a":"text"}"#)).is_ok());
    }

    #[cfg(feature = "validate")]
    #[test]
    fn arguments_are_checked_against_the_schema_of_the_server() {
        let tools =
            ToolSet::builder().server("s", &[tool("t", r#"{"type":"object","not":{"required":["secret"]}}"#)]).build();
        let tool = tools.resolve("t").unwrap();
        assert_eq!(tool.parameters().as_str(), r#"{"type":"object","properties":{}}"#);
        assert!(tool.arguments(&Arguments::from(r#"{"a":1}"#)).is_ok());
        assert!(tool.arguments(&Arguments::from(r#"{"secret":1}"#)).is_err());
    }
}
