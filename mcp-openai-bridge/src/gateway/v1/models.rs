//! `GET /v1/models`: the names that clients may ask for.

use std::collections::BTreeSet;

use http::{Response, StatusCode};
use mcp_server::RouteBody;
use serde_json::{Value, json};

use super::refusal::{Refusal, json_response};
use crate::gateway::config::Config;
use crate::schema::document::percent_decode;

/// Lists the models. A name that stands for many is shown as it is written.
pub(super) fn list(config: &Config) -> Response<RouteBody> {
    let mut seen = BTreeSet::new();
    let models = config.models.iter().filter(|model| seen.insert(model.name.value.as_str()));
    let data: Vec<Value> = models.map(|model| shown(&model.name.value)).collect();
    json_response(StatusCode::OK, json!({"object": "list", "data": data}).to_string())
}

/// Shows one model. Its name stands in a path, where clients encode the slash of `vendor/model`.
pub(super) fn one(config: &Config, name: &str) -> Result<Response<RouteBody>, Refusal> {
    let decoded = percent_decode(name);
    let name = decoded.as_deref().unwrap_or(name);
    if config.models_for(name).is_empty() {
        let name: String = name.chars().take(128).collect();
        return Err(Refusal::not_found("model_not_found", format!("the model `{name}` is not one of this gateway")));
    }
    Ok(json_response(StatusCode::OK, shown(name).to_string()))
}

fn shown(name: &str) -> Value {
    // When a model was made is not known here, and the types of clients want a number.
    json!({"id": name, "object": "model", "created": 0, "owned_by": "mcp-bridge"})
}
