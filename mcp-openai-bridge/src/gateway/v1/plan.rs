//! What the `{"type": "mcp"}` tools of one request come to: functions for the model, and the way from each to its tool.
//!
//! Pure. The surprising thing: every entry is a server of its own here, under the label that the client gave it. So a
//! filter or an approval of one entry says nothing about another, even when both lead to the same server.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use http::Uri;
use mcp_types::{RawJson, Tool};
use serde_json::json;

use super::entry::{Entry, Target};
use super::refusal::Refusal;
use crate::gateway::config::{Config, Reach};
use crate::gateway::{LOCAL, LOCAL_NAME, Offer, Offered};
use crate::servers::Status;
use crate::similar;
use crate::tools::{ToolRef, ToolSet};
use crate::turn::Options;
use crate::turn::approval::{Policy, Rule, Verdict};

/// What the entries of a request come to.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) tools: Arc<ToolSet>,
    pub(super) policy: Policy,
    /// What each entry offers, in the order of the request.
    pub(super) lists: Vec<List>,
    routes: Routes,
}

/// What one entry offers.
#[derive(Clone, Debug)]
pub(super) struct List {
    pub(super) label: String,
    /// By the names that the client sees.
    pub(super) tools: Vec<Tool>,
    /// Why tools are missing, for the client.
    pub(super) error: Option<String>,
}

/// From the label of an entry and the name that its client sees to a server and its tool.
pub(super) type Routes = HashMap<(String, String), (String, String)>;

impl Plan {
    /// Puts together what the entries offer. `own` are the names of the client's functions, which keep theirs.
    ///
    /// `known` says of an entry which tools its client has been shown already; others are not offered then.
    pub(super) fn new(
        entries: &[Entry],
        config: &Config,
        offer: &Offer,
        own: &[String],
        known: &dyn Fn(&str) -> Option<Vec<String>>,
    ) -> Result<Self, Refusal> {
        let (mut lists, mut routes, mut policy) = (Vec::new(), Routes::new(), Policy::ask());
        let mut builder = ToolSet::builder().reserve(own.iter().cloned());
        for entry in entries {
            let servers = servers(entry, config, offer)?;
            let known: Option<HashSet<String>> = known(&entry.label).map(|names| names.into_iter().collect());
            let (mut tools, mut free) = (Vec::new(), Vec::new());
            for (public, server, tool) in
                offer.tools().filter(|(_, server, _)| servers.contains(&server.label.as_str()))
            {
                let shown = if servers.len() == 1 { tool.name.as_str() } else { public };
                let names = [shown, tool.name.as_str(), public];
                let is_known = known.as_ref().is_none_or(|known| known.contains(shown));
                if !is_known || !entry.allows(&names, tool) {
                    continue;
                }
                if !entry.needs_approval(&names, tool) {
                    free.push(shown.to_owned());
                }
                routes.insert((entry.label.clone(), shown.to_owned()), (server.label.clone(), tool.name.clone()));
                let mut tool = tool.clone();
                shown.clone_into(&mut tool.name);
                tools.push(tool);
            }
            if !free.is_empty() {
                policy = policy.rule(Rule::allow().server(&entry.label).tools(free));
            }
            builder = builder.server(&entry.label, &tools);
            lists.push(List { label: entry.label.clone(), tools, error: missing(offer, &servers) });
        }
        Ok(Self { tools: Arc::new(builder.build()), policy, lists, routes })
    }

    /// Returns of each function its name, the label and the tool that it stands for, and whether it needs an approval.
    pub(super) fn functions(&self) -> impl Iterator<Item = (&str, &str, &str, bool)> {
        self.tools.iter().map(|tool| {
            let needs_approval = self.policy.verdict(tool) != Verdict::Allow;
            (tool.name(), tool.server(), tool.tool(), needs_approval)
        })
    }

    /// Returns why there is nothing to offer, when the servers are at fault.
    pub(super) fn nothing_is_there(&self) -> Option<String> {
        let errors: Vec<&str> = self.lists.iter().filter_map(|list| list.error.as_deref()).collect();
        (self.tools.is_empty() && !errors.is_empty()).then(|| errors.join("; "))
    }

    /// Returns how the loop runs.
    pub(super) fn options(&self) -> Options {
        Options { approval: self.policy.clone(), ..Options::default() }
    }

    /// Returns a choice of tools as the provider understands it: `{"type": "mcp"}` becomes one of functions.
    pub(super) fn choice(&self, choice: &RawJson) -> Result<RawJson, Refusal> {
        let Ok([Some(kind), label, name]) = choice.members(["type", "server_label", "name"]) else {
            return Ok(choice.clone());
        };
        let text = |raw: Option<RawJson>| raw.and_then(|raw| raw.decode::<String>().ok());
        if text(Some(kind)).as_deref() != Some("mcp") {
            return Ok(choice.clone());
        }
        let (label, name) = (text(label).unwrap_or_default(), text(name));
        let is_meant =
            |tool: &&Arc<ToolRef>| tool.server() == label && name.as_ref().is_none_or(|name| name == tool.tool());
        let tools = self.tools.iter().filter(is_meant);
        let functions: Vec<_> = tools.map(|tool| json!({"type": "function", "name": tool.name()})).collect();
        match functions.as_slice() {
            [] => {
                let message = "`tool_choice` names a tool that the request does not have";
                Err(Refusal::invalid("tool_choice", message))
            }
            [function] => Ok(function.clone().into()),
            _ => Ok(json!({"type": "allowed_tools", "mode": "required", "tools": functions}).into()),
        }
    }

    /// Returns where the calls go.
    pub(super) fn into_routes(self) -> Routes {
        self.routes
    }
}

/// Returns the servers that an entry is about, by their labels.
fn servers<'a>(entry: &Entry, config: &Config, offer: &'a Offer) -> Result<Vec<&'a str>, Refusal> {
    let mut servers: Vec<&str> = match &entry.target {
        Target::All => offer.servers.iter().map(|server| server.label.as_str()).collect(),
        Target::Servers(names) => all_named(names, offer)?,
        Target::Url(url) => vec![at(url, entry, config, offer)?],
    };
    if let Some(only) = &entry.only {
        let only = all_named(only, offer)?;
        servers.retain(|server| only.contains(server));
    }
    Ok(servers)
}

/// Finds servers by their names, each once however often it is named.
fn all_named<'a>(names: &[String], offer: &'a Offer) -> Result<Vec<&'a str>, Refusal> {
    let mut found = Vec::new();
    for name in names {
        let label = named(name, offer)?;
        if !found.contains(&label) {
            found.push(label);
        }
    }
    Ok(found)
}

fn named<'a>(name: &str, offer: &'a Offer) -> Result<&'a str, Refusal> {
    if let Some(server) = offer.server(name) {
        return Ok(&server.label);
    }
    let meant = similar::closest(name, offer.servers.iter().map(Offered::shown));
    let meant = meant.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default();
    let name: String = name.chars().take(64).collect();
    Err(Refusal::invalid("tools", format!("the gateway has no server `{name}`{meant}")))
}

/// Finds the server of the file whose URL this is.
fn at<'a>(url: &str, entry: &Entry, config: &Config, offer: &'a Offer) -> Result<&'a str, Refusal> {
    let is_it = |reach: &Reach| matches!(reach, Reach::Http { url: known, .. } if same(known, url));
    let server = config.servers.iter().find(|server| is_it(&server.reach));
    let server = server.and_then(|server| offer.server(&server.label.value));
    server.map(|server| server.label.as_str()).ok_or_else(|| {
        let message = format!(
            "the `server_url` of `{}` is not one of the gateway's servers, and nothing else is asked; \
             put it into the gateway's file, or give `litellm_proxy/mcp/NAME`",
            entry.label
        );
        Refusal::invalid("tools", message)
    })
}

/// Whether two URLs are the same, but for the case of the host and a slash at the end.
fn same(one: &str, other: &str) -> bool {
    let parts = |url: &str| {
        let uri: Uri = url.parse().ok()?;
        let authority = uri.authority()?.as_str().to_ascii_lowercase();
        let query = uri.query().map(str::to_owned);
        Some((uri.scheme_str()?.to_owned(), authority, uri.path().trim_end_matches('/').to_owned(), query))
    };
    parts(one).is_some_and(|one| Some(one) == parts(other))
}

/// Says which servers of an entry could not be listed. Why not is for whoever runs the gateway.
fn missing(offer: &Offer, servers: &[&str]) -> Option<String> {
    let is_missing = |server: &&Offered| {
        servers.contains(&server.label.as_str()) && !matches!(server.status, Status::Ok | Status::Stale)
    };
    let missing: Vec<String> = offer
        .servers
        .iter()
        .filter(is_missing)
        .map(|server| {
            let name = if server.label == LOCAL { LOCAL_NAME } else { &server.label };
            format!("the tools of server `{name}` are not there: {}", server.status)
        })
        .collect();
    (!missing.is_empty()).then(|| missing.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_compared_as_urls() {
        let check = |one: &str, other: &str, expected: bool| assert_eq!(same(one, other), expected, "{one} {other}");
        check("https://Example.com/mcp/", "https://example.com/mcp", true);
        check("https://example.com/mcp", "https://example.com/MCP", false);
        check("https://example.com/mcp", "http://example.com/mcp", false);
        check("https://example.com/mcp", "https://example.com.evil/mcp", false);
        check("https://example.com/mcp?a=1", "https://example.com/mcp", false);
        check("nonsense", "nonsense", false);
    }
}
