//! A tool `{"type": "mcp"}` of a request: which server, which of its tools, and which of them need an approval.
//!
//! Pure. The surprising thing: no URL of a request is ever asked. It names one of the servers of the file, or it is
//! refused, so that nobody makes the gateway fetch what he cannot reach himself (T-72).

use std::collections::HashSet;

use http::Uri;
use mcp_types::{JsonObject, RawJson, Tool};

use super::refusal::Refusal;
use crate::members::{Read, optional};

/// A tool `{"type": "mcp"}`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    /// What the client calls the server.
    pub(super) label: String,
    pub(super) target: Target,
    /// The servers of a header that narrows it down, as LiteLLM has it.
    pub(super) only: Option<Vec<String>>,
    allowed: Option<Filter>,
    approval: Approval,
}

/// Which servers an entry is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// All of the gateway.
    All,
    /// These, by their labels in the file.
    Servers(Vec<String>),
    /// The one whose URL this is.
    Url(String),
}

/// Which tools something is about: those that everything fits that it says.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Filter {
    names: Option<HashSet<String>>,
    read_only: Option<bool>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Approval {
    Always,
    Never,
    /// Tools of the first always need one, those of the second never, and the others do.
    Some(Option<Filter>, Option<Filter>),
}

/// Takes the entries out of the tools of a request.
///
/// `host` is the name that the gateway was asked by, so that its own URL is known when it is one.
pub(super) fn take(tools: &mut Vec<RawJson>, host: Option<&str>) -> Result<Vec<Entry>, Refusal> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut others = Vec::new();
    for (at, tool) in std::mem::take(tools).into_iter().enumerate() {
        if !is_mcp(&tool) {
            others.push(tool);
            continue;
        }
        let entry = Entry::read(&tool, host).map_err(|(member, why)| {
            let param = format!("tools[{at}].{member}");
            let message = format!("`{param}`: {why}");
            Refusal::invalid(param, message)
        })?;
        if entries.iter().any(|other| other.label == entry.label) {
            let message = format!("two tools have the `server_label` `{}`; give each its own", entry.label);
            return Err(Refusal::invalid(format!("tools[{at}].server_label"), message));
        }
        if entries.len() == ENTRY_LIMIT {
            let message = format!("a request may have {ENTRY_LIMIT} tools of the type `mcp`");
            return Err(Refusal::invalid("tools", message));
        }
        entries.push(entry);
    }
    *tools = others;
    Ok(entries)
}

/// Whether a tool of a request is one of MCP servers.
pub(super) fn is_mcp(tool: &RawJson) -> bool {
    let kind = tool.members(["type"]).ok().and_then(|[kind]| kind?.decode::<String>().ok());
    kind.as_deref() == Some("mcp")
}

type Wrong = (&'static str, String);

impl Entry {
    fn read(tool: &RawJson, host: Option<&str>) -> Result<Self, Wrong> {
        let mut members: JsonObject = tool.decode().map_err(|error| ("type", error.to_string()))?;
        let label: Option<String> = read(&mut members, "server_label")?;
        let label = label.filter(|label| !label.is_empty());
        let label = label.ok_or_else(|| ("server_label", "it is required".to_owned()))?;
        if label.len() > LABEL_BYTES {
            return Err(("server_label", format!("it is longer than {LABEL_BYTES} bytes")));
        }
        for (name, why) in ELSEWHERE {
            if members.member(name).is_some_and(|value| !value.is_null()) {
                return Err((name, why.to_owned()));
            }
        }
        let url: Option<String> = read(&mut members, "server_url")?;
        let url = url.ok_or_else(|| ("server_url", format!("it is required; {OURS}")))?;
        let headers = read(&mut members, "headers")?;
        Ok(Self {
            label,
            target: Target::of(&url, host),
            only: scope(&headers.unwrap_or_default())?,
            allowed: match members.take("allowed_tools").filter(|value| !value.is_null()) {
                Some(value) => Some(Filter::read(&value, "allowed_tools")?),
                None => None,
            },
            approval: match members.take("require_approval").filter(|value| !value.is_null()) {
                Some(value) => Approval::read(&value)?,
                // As OpenAI has it: what nobody decided about, somebody is asked about.
                None => Approval::Always,
            },
        })
    }

    /// Whether the entry offers a tool, known by these names.
    pub(super) fn allows(&self, names: &[&str], tool: &Tool) -> bool {
        self.allowed.as_ref().is_none_or(|filter| filter.fits(names, tool))
    }

    /// Whether a tool, known by these names, may only be called when somebody approved it.
    pub(super) fn needs_approval(&self, names: &[&str], tool: &Tool) -> bool {
        match &self.approval {
            Approval::Always => true,
            Approval::Never => false,
            Approval::Some(always, never) => {
                let fits = |filter: &Option<Filter>| filter.as_ref().is_some_and(|filter| filter.fits(names, tool));
                fits(always) || !fits(never)
            }
        }
    }
}

impl Target {
    fn of(url: &str, host: Option<&str>) -> Self {
        let url = url.trim();
        if let Some(path) = OWN_NAMES.iter().find_map(|name| url.strip_prefix(name))
            && let Some(target) = Self::of_path(path)
        {
            return target;
        }
        let parsed = url.parse::<Uri>().ok();
        let is_own = |uri: &Uri| host.is_some_and(|host| uri.authority().is_some_and(|at| at.as_str() == host));
        let own = parsed.filter(is_own).and_then(|uri| Self::of_path(uri.path()));
        own.unwrap_or_else(|| Self::Url(url.to_owned()))
    }

    /// Reads what stands behind the name of the gateway: nothing, `/mcp`, `/mcp/NAME` or `/NAME/mcp`.
    fn of_path(path: &str) -> Option<Self> {
        let path = path.trim_end_matches('/');
        if path.is_empty() || path == "/mcp" {
            return Some(Self::All);
        }
        let names = path.strip_prefix("/mcp/").or_else(|| path.strip_prefix('/')?.strip_suffix("/mcp"))?;
        let names: Vec<String> = names.split(',').map(str::trim).map(str::to_owned).collect();
        let are_names = names.iter().all(|name| !name.is_empty() && !name.contains('/'));
        are_names.then_some(Self::Servers(names))
    }
}

impl Filter {
    fn read(value: &RawJson, member: &'static str) -> Result<Self, Wrong> {
        let shape = || (member, "give a list of names, or an object with `tool_names` and `read_only`".to_owned());
        if let Ok(names) = value.decode::<HashSet<String>>() {
            return Ok(Self { names: Some(names), read_only: None });
        }
        let mut members: JsonObject = value.decode().map_err(|_| shape())?;
        let names: Option<Vec<String>> = optional(&mut members, "tool_names").map_err(|_| shape())?;
        let names = names.map(HashSet::from_iter);
        let read_only = optional(&mut members, "read_only").map_err(|_| shape())?;
        if let Some((unknown, _)) = members.iter().next() {
            return Err((member, format!("`{unknown}` is not known there; it takes `tool_names` and `read_only`")));
        }
        if names.is_none() && read_only.is_none() {
            return Err((member, "an object without `tool_names` and `read_only` says nothing".to_owned()));
        }
        Ok(Self { names, read_only })
    }

    fn fits(&self, names: &[&str], tool: &Tool) -> bool {
        let hint = tool.annotations.as_ref().and_then(|hints| hints.read_only_hint).unwrap_or(false);
        let is_named = |wanted: &HashSet<String>| names.iter().any(|name| wanted.contains(*name));
        self.names.as_ref().is_none_or(is_named) && self.read_only.is_none_or(|wanted| wanted == hint)
    }
}

impl Approval {
    fn read(value: &RawJson) -> Result<Self, Wrong> {
        let shape = || (APPROVAL, "give `always`, `never`, or an object with filters under these names".to_owned());
        match value.decode::<String>().as_deref() {
            Ok("always") => return Ok(Self::Always),
            Ok("never") => return Ok(Self::Never),
            Ok(_) => return Err(shape()),
            Err(_) => {}
        }
        let mut members: JsonObject = value.decode().map_err(|_| shape())?;
        let filter = |value: Option<RawJson>| match value.filter(|value| !value.is_null()) {
            Some(value) => Filter::read(&value, APPROVAL).map(Some),
            None => Ok(None),
        };
        let (always, never) = (filter(members.take("always"))?, filter(members.take("never"))?);
        if let Some((unknown, _)) = members.iter().next() {
            return Err((APPROVAL, format!("`{unknown}` is not known there; it takes `always` and `never`")));
        }
        Ok(Self::Some(always, never))
    }
}

/// Reads the headers of an entry. Those that are for the gateway are known; there is nobody else to send one to.
fn scope(headers: &JsonObject) -> Result<Option<Vec<String>>, Wrong> {
    let mut only = None;
    for (name, value) in headers.iter() {
        match name.to_ascii_lowercase().as_str() {
            // The request was let in by them already.
            "authorization" | "x-litellm-api-key" => {}
            "x-mcp-servers" => {
                let names: String = value.decode().map_err(|_| ("headers", "`x-mcp-servers` is a text".to_owned()))?;
                only = Some(names.split(',').map(|name| name.trim().to_owned()).collect());
            }
            _ => {
                let why = format!("`{}` is not sent on: a server's headers stand in the gateway's file", shown(name));
                return Err(("headers", why));
            }
        }
    }
    Ok(only)
}

fn read<T: Read>(members: &mut JsonObject, name: &'static str) -> Result<Option<T>, Wrong> {
    optional::<T>(members, name)
        .map_err(|error| (name, error.to_string().trim_start_matches(&format!("`{name}`: ")).to_owned()))
}

/// A name of somebody else's, not longer than a message should be.
fn shown(name: &str) -> String {
    name.chars().take(64).collect()
}

/// What the gateway is called in requests: LiteLLM's word, and our own.
const OWN_NAMES: [&str; 2] = ["litellm_proxy", "mcp_bridge"];
const OURS: &str = "`litellm_proxy` means all servers of the gateway, and `litellm_proxy/mcp/NAME` one";
const APPROVAL: &str = "require_approval";

/// Members that ask for what only OpenAI can do.
const ELSEWHERE: [(&str, &str); 3] = [
    ("authorization", "the gateway has the credentials of its servers, in its file"),
    ("connector_id", "connectors are OpenAI's; put the server into the gateway's file"),
    ("tunnel_id", "tunnels are OpenAI's; put the server into the gateway's file"),
];

/// Each entry has its own copy of what its servers offer, and each tool its label, so that both must be few and short.
const ENTRY_LIMIT: usize = 128;
const LABEL_BYTES: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(text: &str) -> RawJson {
        RawJson::parse(text.to_owned()).unwrap()
    }

    fn entry(members: &str) -> Result<Entry, String> {
        let tool = format!(r#"{{"type":"mcp","server_label":"s","server_url":"litellm_proxy"{members}}}"#);
        let mut tools = vec![raw(r#"{"type":"function"}"#), raw(&tool)];
        let entries = take(&mut tools, Some("gate:4000")).map_err(|refusal| refusal.message)?;
        assert_eq!(tools.len(), 1, "the client's own tools stay");
        Ok(entries.into_iter().next().unwrap())
    }

    fn tool(name: &str, read_only: bool) -> Tool {
        let mut tool = Tool::new(name, RawJson::empty_object());
        let hints = format!(r#"{{"readOnlyHint":{read_only}}}"#);
        tool.annotations = Some(serde_json::from_str(&hints).unwrap());
        tool
    }

    #[test]
    fn a_url_means_servers_of_the_gateway_or_nothing() {
        let check = |url: &str, expected: Target| assert_eq!(Target::of(url, Some("gate:4000")), expected, "{url}");
        let servers = |names: &[&str]| Target::Servers(names.iter().map(|name| (*name).to_owned()).collect());
        check("litellm_proxy", Target::All);
        check("litellm_proxy/", Target::All);
        check("litellm_proxy/mcp", Target::All);
        check("litellm_proxy/mcp/time", servers(&["time"]));
        check("litellm_proxy/time/mcp", servers(&["time"]));
        check("litellm_proxy/mcp/time, disk/", servers(&["time", "disk"]));
        check("mcp_bridge/mcp/time", servers(&["time"]));
        check("http://gate:4000/mcp/", Target::All);
        check("https://gate:4000/mcp/time", servers(&["time"]));
        for url in [
            "litellm_proxy/other/path",
            "litellm_proxyx",
            "http://gate:4000/v1",
            "http://gate/mcp",
            "https://evil/mcp",
            "",
        ] {
            check(url, Target::Url(url.to_owned()));
        }
    }

    #[test]
    fn allowed_tools_are_names_or_a_filter_of_this_entry_alone() {
        let check = |members: &str, expected: [bool; 3]| {
            let entry = entry(members).unwrap();
            let tools = [tool("a", true), tool("b", false), tool("c", true)];
            assert_eq!(tools.map(|tool| entry.allows(&[&tool.name], &tool)), expected, "{members}");
        };
        check("", [true, true, true]);
        check(r#","allowed_tools":null"#, [true, true, true]);
        check(r#","allowed_tools":["a","b"]"#, [true, true, false]);
        check(r#","allowed_tools":[]"#, [false, false, false]);
        check(r#","allowed_tools":{"tool_names":["a","b"]}"#, [true, true, false]);
        check(r#","allowed_tools":{"read_only":true}"#, [true, false, true]);
        check(r#","allowed_tools":{"tool_names":["a","b"],"read_only":false}"#, [false, true, false]);
    }

    #[test]
    fn an_approval_is_needed_unless_somebody_said_otherwise() {
        let check = |members: &str, expected: [bool; 3]| {
            let entry = entry(members).unwrap();
            let tools = [tool("a", true), tool("b", false), tool("c", true)];
            assert_eq!(tools.map(|tool| entry.needs_approval(&[&tool.name], &tool)), expected, "{members}");
        };
        check("", [true, true, true]);
        check(r#","require_approval":"always""#, [true, true, true]);
        check(r#","require_approval":"never""#, [false, false, false]);
        check(r#","require_approval":{"never":{"tool_names":["a"]}}"#, [false, true, true]);
        check(r#","require_approval":{"never":{"read_only":true}}"#, [false, true, false]);
        check(r#","require_approval":{"always":{"tool_names":["c"]},"never":{"read_only":true}}"#, [false, true, true]);
        check(r#","require_approval":{"always":{"tool_names":["c"]}}"#, [true, true, true]);
        check(r#","require_approval":{}"#, [true, true, true]);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        let check = |members: &str, expected: &str| {
            let message = entry(members).unwrap_err();
            assert!(message.starts_with(expected), "{message}");
        };
        check(r#","server_label":"""#, "`tools[1].server_label`: it is required");
        check(r#","server_url":null"#, "`tools[1].server_url`: it is required");
        check(r#","server_url":1"#, "`tools[1].server_url`: invalid type");
        check(r#","require_approval":"maybe""#, "`tools[1].require_approval`: give `always`, `never`");
        check(r#","require_approval":{"nevr":{}}"#, "`tools[1].require_approval`: `nevr` is not known there");
        check(r#","require_approval":{"never":{}}"#, "`tools[1].require_approval`: an object without");
        check(r#","allowed_tools":"a""#, "`tools[1].allowed_tools`: give a list of names");
        check(r#","allowed_tools":{"names":["a"]}"#, "`tools[1].allowed_tools`: `names` is not known there");
        check(r#","connector_id":"c""#, "`tools[1].connector_id`: connectors are OpenAI's");
        check(r#","authorization":"t""#, "`tools[1].authorization`: the gateway has the credentials");
        check(r#","headers":{"X-Api":"s3cret"}"#, "`tools[1].headers`: `X-Api` is not sent on");
    }

    #[test]
    fn headers_for_the_gateway_narrow_an_entry_down() {
        let entry = entry(r#","headers":{"x-litellm-api-key":"Bearer k","X-MCP-Servers":"time, disk"}"#).unwrap();
        assert_eq!(entry.only, Some(vec!["time".to_owned(), "disk".to_owned()]));
    }

    #[test]
    fn a_label_is_given_once() {
        let tool = raw(r#"{"type":"mcp","server_label":"s","server_url":"litellm_proxy"}"#);
        let refusal = take(&mut vec![tool.clone(), tool], None).unwrap_err();
        assert_eq!(refusal.message, "two tools have the `server_label` `s`; give each its own");
    }
}
