//! Calling a tool: `{"server_id": …, "name": …, "arguments": {…}}`.
//!
//! The surprising thing: the server may be left out where only one can be meant. LiteLLM asks for it always, and the
//! documents of its older versions never do.

use bytes::Bytes;
use http::{Response, StatusCode};
use mcp_server::RouteBody;
use mcp_types::{CallToolResult, ErrorCode, JsonObject, RawJson, Tool};
use serde_json::json;

use super::reply::{Refused, object_response};
use super::tools::{check_reached, no_server};
use crate::arguments::shortened;
use crate::driver::{CallContext, Tools as _};
use crate::gateway::{Gateway, Offer, Offered};
use crate::turn::Failure;

/// What is asked for.
struct Asked {
    server: Option<String>,
    name: String,
    arguments: RawJson,
}

pub(super) async fn answer(gateway: &Gateway, body: Bytes) -> Result<Response<RouteBody>, Refused> {
    let asked = Asked::read(body)?;
    let mut offer = gateway.known_offer().await;
    if find(gateway, &offer, &asked).is_err() {
        // It may be new, on a server that does not tell of changes.
        offer = gateway.offer().await;
    }
    let (server, tool) = find(gateway, &offer, &asked)?;
    offer.check(server, tool, &asked.arguments).map_err(|rejection| {
        let faults: Vec<String> = rejection.faults().iter().map(ToString::to_string).collect();
        Refused::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_arguments", rejection.to_string())
            .with("faults", faults)
    })?;
    let context = CallContext::unwatched(CALL_ID);
    let outcome = gateway.call(&server.label, &tool.name, asked.arguments, &context).await;
    let result = outcome.map_err(|failure| failed(server, failure))?;
    object_response(&shown(&result))
}

impl Asked {
    fn read(body: Bytes) -> Result<Self, Refused> {
        let body = object(body)?;
        let server = server_of(&body)?;
        let [name, arguments] = body.members(["name", "arguments"]).map_err(|error| invalid(error.to_string()))?;
        let missing = || {
            Refused::new(
                StatusCode::BAD_REQUEST,
                "missing_parameter",
                "`name` is missing: the name of the tool to call",
            )
        };
        let name = text(name.as_ref(), "name")?.ok_or_else(missing)?;
        let arguments = arguments.filter(|arguments| !arguments.is_null()).unwrap_or_else(RawJson::empty_object);
        if !arguments.is_object() {
            return Err(invalid("`arguments` must be an object; a text with JSON in it is none"));
        }
        Ok(Self { server, name, arguments })
    }
}

/// Reads a body that must be an object.
pub(super) fn object(body: Bytes) -> Result<RawJson, Refused> {
    let body = RawJson::parse(body).map_err(|error| {
        Refused::new(StatusCode::BAD_REQUEST, "invalid_json", format!("the body is no JSON: {error}"))
    })?;
    if body.is_object() { Ok(body) } else { Err(invalid("the body must be an object")) }
}

/// Reads which server is meant, by whichever of its two names.
pub(super) fn server_of(body: &RawJson) -> Result<Option<String>, Refused> {
    let names = body.members(["server_id", "mcp_server_name"]).map_err(|error| invalid(error.to_string()))?;
    let [id, name] = names;
    Ok(text(id.as_ref(), "server_id")?.or(text(name.as_ref(), "mcp_server_name")?))
}

fn text(value: Option<&RawJson>, name: &str) -> Result<Option<String>, Refused> {
    let Some(value) = value.filter(|value| !value.is_null()) else { return Ok(None) };
    let text: String = value.decode().map_err(|_| invalid(format!("`{name}` must be a text")))?;
    Ok((!text.is_empty()).then_some(text))
}

fn invalid(message: impl Into<String>) -> Refused {
    Refused::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_request", message)
}

/// Finds the tool that is meant.
fn find<'a>(gateway: &Gateway, offer: &'a Offer, asked: &Asked) -> Result<(&'a Offered, &'a Tool), Refused> {
    let name = asked.name.as_str();
    let Some(server) = &asked.server else {
        return offer.find(name).ok_or_else(|| not_found(gateway, offer, name));
    };
    let server = offer.server(server).ok_or_else(|| no_server(server))?;
    // By its own name, with the server in front, or by the name that the MCP endpoint has for it.
    let by_offer = || offer.find(name).filter(|(other, _)| other.label == server.label).map(|(_, tool)| tool);
    if let Some(tool) = server.tool(name).or_else(by_offer) {
        return Ok((server, tool));
    }
    if is_withheld(gateway, server, name) {
        return Err(withheld(name));
    }
    check_reached(server)?;
    let message = format!("the server `{}` has no tool `{}`", server.shown(), shortened(name));
    Err(Refused::new(StatusCode::NOT_FOUND, "tool_not_found", message))
}

/// Says why a name without a server leads nowhere.
fn not_found(gateway: &Gateway, offer: &Offer, name: &str) -> Refused {
    let having: Vec<_> = (offer.servers.iter())
        .filter(|server| server.tools.iter().any(|tool| tool.name == name))
        .map(|server| format!("`{}`", server.shown()))
        .collect();
    if having.len() > 1 {
        let message = format!("say which one by `server_id`: the servers {} have the tool", having.join(", "));
        return Refused::new(StatusCode::BAD_REQUEST, "missing_parameter", message);
    }
    let of_server = (offer.servers.iter()).find(|server| {
        name.strip_prefix(server.shown()).is_some_and(|rest| rest.starts_with('-') || rest.starts_with("__"))
    });
    if of_server.is_some_and(|server| is_withheld(gateway, server, name)) {
        return withheld(name);
    }
    if let Some(refused) = of_server.and_then(|server| check_reached(server).err()) {
        return refused;
    }
    let shown = shortened(name);
    let message = match offer.did_you_mean(name) {
        Some(meant) => format!("there is no tool `{shown}`; did you mean `{meant}`?"),
        None => format!("there is no tool `{shown}`"),
    };
    Refused::new(StatusCode::NOT_FOUND, "tool_not_found", message)
}

fn is_withheld(gateway: &Gateway, server: &Offered, name: &str) -> bool {
    let bare =
        name.strip_prefix(server.shown()).and_then(|rest| rest.strip_prefix("__").or_else(|| rest.strip_prefix('-')));
    !gateway.admits(&server.label, bare.unwrap_or(name))
}

fn withheld(name: &str) -> Refused {
    let message = format!("the file of this gateway does not let `{}` be called", shortened(name));
    Refused::new(StatusCode::FORBIDDEN, "tool_not_allowed", message)
}

/// Says why a call has no result.
fn failed(server: &Offered, failure: Failure) -> Refused {
    let shown = server.shown();
    match failure {
        Failure::Denied { reason } => Refused::new(StatusCode::FORBIDDEN, "not_allowed", reason),
        Failure::Panicked => Refused::new(StatusCode::INTERNAL_SERVER_ERROR, "handler_panicked", failure.to_string()),
        Failure::Protocol { code, message } => {
            let is_ours = code == ErrorCode::INVALID_PARAMS.0;
            let status = if is_ours { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::BAD_GATEWAY };
            Refused::new(status, "mcp_protocol_error", message).with("code", code)
        }
        Failure::TimedOut { .. } => {
            Refused::new(StatusCode::GATEWAY_TIMEOUT, "timeout", format!("`{shown}` has not answered in time"))
        }
        // What exactly happened names hosts and commands, which is nothing for clients.
        _ => Refused::new(StatusCode::BAD_GATEWAY, "unreachable", format!("`{shown}` cannot be reached")),
    }
}

/// A result with the members that LiteLLM always writes, also where there is nothing (bridges 1.7).
fn shown(result: &CallToolResult) -> JsonObject {
    let mut shown: JsonObject =
        RawJson::encode(result).ok().and_then(|result| result.decode().ok()).unwrap_or_default();
    for (name, value) in [
        ("_meta", json!(null)),
        ("structuredContent", json!(null)),
        ("isError", json!(false)),
        ("resultType", json!("complete")),
    ] {
        if shown.member(name).is_none() {
            shown.insert(name, value);
        }
    }
    let blocks = shown.member("content").and_then(|blocks| blocks.decode::<Vec<JsonObject>>().ok());
    let blocks = blocks.unwrap_or_default().into_iter().map(|mut block| {
        for name in ["annotations", "_meta"] {
            if block.member(name).is_none() {
                block.insert(name, json!(null));
            }
        }
        block
    });
    if let Ok(blocks) = RawJson::encode(&blocks.collect::<Vec<_>>()) {
        shown.insert("content", blocks);
    }
    shown
}

/// There is one call in a request, and nobody to tell its progress to.
const CALL_ID: &str = "rest";
