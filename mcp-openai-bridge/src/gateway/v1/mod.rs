//! The APIs of OpenAI with MCP servers behind them.

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use mcp_server::RouteBody;

use super::Gateway;

/// Answers a request for one of OpenAI's APIs.
pub async fn answer(gateway: Gateway, request: Request<Bytes>) -> Response<RouteBody> {
    let _ = (gateway, request);
    let mut response = Response::new(RouteBody::from("{\"error\":{\"message\":\"not served\"}}"));
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}
