//! Listing tools: all of them, or those of one server.
//!
//! The surprising thing: tools have their own names here and not those of the MCP endpoint, because `mcp_info` says whose
//! they are (bridges 1.7).

use bytes::Bytes;
use http::{Response, StatusCode};
use mcp_server::RouteBody;
use mcp_types::{JsonObject, RawJson};
use serde_json::json;

use super::query::parameter;
use super::reply::{Refused, object_response};
use crate::arguments::shortened;
use crate::gateway::catalog::outcomes;
use crate::gateway::{Gateway, LOCAL, Offer, Offered};
use crate::servers::Status;

pub(super) async fn answer(
    gateway: &Gateway,
    query: Option<&str>,
    body: Bytes,
) -> Result<Response<RouteBody>, Refused> {
    let wanted = Wanted::read(query, body)?;
    let offer = gateway.offer().await;
    let servers = wanted.among(&offer)?;
    let tools: Vec<JsonObject> =
        servers.iter().flat_map(|server| server.tools.iter().map(|tool| shown(gateway, server, tool))).collect();
    let tools = RawJson::encode(&tools).map_err(|_| {
        Refused::new(StatusCode::BAD_GATEWAY, "too_deep", "a schema of a server is nested too deep to be listed here")
    })?;
    let is_partial = servers.iter().any(|server| server.status != Status::Ok);
    let mut body = JsonObject::new();
    body.insert("tools", tools);
    body.insert("error", json!(is_partial.then_some("partial_failure")));
    body.insert("message", json!("Successfully retrieved tools"));
    body.insert("server_outcomes", outcomes(&offer));
    object_response(&body)
}

/// Which servers a request is about.
struct Wanted(Option<String>);

impl Wanted {
    /// Reads the query, or the body of a POST that has one.
    fn read(query: Option<&str>, body: Bytes) -> Result<Self, Refused> {
        for name in ["toolset_name", "toolset_id"] {
            if parameter(query, name).is_some() {
                let message = format!("`{name}` is not supported; name a server by `server_id`");
                return Err(Refused::new(StatusCode::BAD_REQUEST, "unsupported_parameter", message));
            }
        }
        let by_query = parameter(query, "server_id").or_else(|| parameter(query, "mcp_server_name"));
        if by_query.is_some() || body.trim_ascii().is_empty() {
            return Ok(Self(by_query));
        }
        let body = super::calls::object(body)?;
        super::calls::server_of(&body).map(Self)
    }

    /// Returns the servers; of several, those without an answer do not take the others away.
    fn among(self, offer: &Offer) -> Result<Vec<&Offered>, Refused> {
        let Some(name) = self.0 else { return Ok(offer.servers.iter().collect()) };
        let server = offer.server(&name).ok_or_else(|| no_server(&name))?;
        check_reached(server).map(|()| vec![server])
    }
}

/// Says that a server is not there.
pub(super) fn no_server(name: &str) -> Refused {
    let message = format!("there is no server `{}` behind this gateway", shortened(name));
    Refused::new(StatusCode::NOT_FOUND, "server_not_found", message)
}

/// Checks that the tools of a server are known, be it from some time ago.
pub(super) fn check_reached(server: &Offered) -> Result<(), Refused> {
    let (status, why) = match server.status {
        Status::Timeout => (StatusCode::GATEWAY_TIMEOUT, "has not answered in time"),
        Status::Refused => (StatusCode::BAD_GATEWAY, "refused to say what it has"),
        Status::Unreachable => (StatusCode::BAD_GATEWAY, "cannot be reached"),
        _ => return Ok(()),
    };
    let message = format!("the server `{}` {why}", server.shown());
    // What it had before it went away is still an answer.
    if server.tools.is_empty() { Err(Refused::new(status, server.status.as_str(), message)) } else { Ok(()) }
}

/// A tool with what LiteLLM says of its server.
fn shown(gateway: &Gateway, server: &Offered, tool: &mcp_types::Tool) -> JsonObject {
    let mut shown: JsonObject = RawJson::encode(tool).ok().and_then(|tool| tool.decode().ok()).unwrap_or_default();
    if let Ok(info) = RawJson::encode(&info(gateway, server)) {
        shown.insert("mcp_info", info);
    }
    shown
}

fn info(gateway: &Gateway, server: &Offered) -> JsonObject {
    let of_file = gateway.config().servers.iter().find(|one| server.label != LOCAL && one.label.value == server.label);
    let mut info: JsonObject = of_file.and_then(|server| server.info.as_ref()?.decode().ok()).unwrap_or_default();
    for name in ["server_name", "server_id", "alias"] {
        info.insert(name, json!(server.shown()));
    }
    if let Some(description) = of_file.and_then(|server| server.description.as_deref()) {
        info.insert("description", json!(description));
    }
    info
}
