//! A model behind an OpenAI-compatible HTTP API.
//!
//! The surprising thing: every request has a connection of its own. An answer takes seconds, and the handshake that a
//! kept connection would save is lost in them.

mod connection;
mod endpoint;
mod refusal;
mod retry;

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, USER_AGENT};
use http::{HeaderMap, HeaderValue, Request, StatusCode};
use http_body_util::Full;
use mcp_openai_bridge::ModelError;
use mcp_openai_bridge::chat::{self, Completion};
use mcp_openai_bridge::driver::Model;
use mcp_types::RawJson;

use crate::output::Output;

use connection::Dialer;
pub(crate) use endpoint::Endpoint;
use refusal::Refusal;
use retry::{Retries, retry_after};

/// A model that is asked over HTTP.
pub(crate) struct HttpModel {
    endpoint: Endpoint,
    dialer: Dialer,
    /// `Bearer` and the key; marked as sensitive, so that `Debug` does not show it.
    authorization: Option<HeaderValue>,
    /// How long one answer may take.
    patience: Duration,
    output: Output,
}

/// What came back for one request.
struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl HttpModel {
    /// Makes the client of an API.
    ///
    /// # Errors
    ///
    /// Fails when the key cannot be a header, and when TLS cannot be set up.
    pub(crate) fn new(
        endpoint: Endpoint,
        key: Option<&str>,
        patience: Duration,
        output: &Output,
    ) -> Result<Self, ModelError> {
        let authorization = key
            .map(|key| {
                let mut value = HeaderValue::from_str(&format!("Bearer {key}"))?;
                value.set_sensitive(true);
                Ok::<_, http::header::InvalidHeaderValue>(value)
            })
            .transpose()
            .map_err(|_| {
                ModelError::new("the API key has characters that cannot be sent; is there a line break in it?")
            })?;
        let dialer = Dialer::new(endpoint.is_secure())?;
        Ok(Self { endpoint, dialer, authorization, patience, output: *output })
    }

    async fn post(&self, body: &Bytes) -> Result<Reply, ModelError> {
        let mut request = Request::post(self.endpoint.path())
            .header(HOST, self.endpoint.authority())
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, "application/json")
            .header(USER_AGENT, concat!("mcp-bridge/", env!("CARGO_PKG_VERSION")));
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        let request = request
            .body(Full::new(body.clone()))
            .map_err(|error| ModelError::new(format!("cannot ask {}", self.endpoint)).because(error))?;
        match tokio::time::timeout(self.patience, self.dialer.exchange(&self.endpoint, request)).await {
            Ok(reply) => reply,
            Err(_) => Err(ModelError::new(format!(
                "{} gave no answer within {} seconds; give it more by `--model-timeout`",
                self.endpoint,
                self.patience.as_secs()
            ))),
        }
    }

    /// Takes the key out of a text of the provider, who likes to repeat it.
    fn redacted(&self, text: &str) -> String {
        let key = self.authorization.as_ref().and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
        match key.filter(|key| !key.is_empty()) {
            Some(key) => text.replace(key, "…"),
            None => text.to_owned(),
        }
    }

    fn read(&self, reply: &Reply) -> Result<Completion, ModelError> {
        let unreadable = |why: String| ModelError::new(format!("cannot read the answer of {}: {why}", self.endpoint));
        let raw = RawJson::parse(reply.body.clone()).map_err(|error| unreadable(error.to_string()))?;
        raw.decode().map_err(|error| unreadable(error.to_string()))
    }

    fn refused(&self, status: StatusCode, refusal: &Refusal) -> ModelError {
        let why = if status.is_redirection() {
            "it redirects, which is not followed with a key; give the address that it leads to".to_owned()
        } else {
            self.redacted(&refusal.message)
        };
        let end = if why.is_empty() { String::new() } else { format!(": {why}") };
        ModelError::new(format!("{} refused the request{end}", self.endpoint)).status(status.as_u16())
    }
}

#[async_trait]
impl Model for HttpModel {
    async fn complete(&self, request: &chat::Request) -> Result<Completion, ModelError> {
        let body = RawJson::encode(request)
            .map_err(|error| ModelError::new("the request cannot be written as JSON").because(error))?
            .into_bytes();
        let mut retries = Retries::default();
        loop {
            let reply = self.post(&body).await?;
            if reply.status.is_success() {
                return self.read(&reply);
            }
            let refusal = Refusal::read(&reply.body);
            let wait =
                if refusal.is_final { None } else { retries.next(reply.status.as_u16(), retry_after(&reply.headers)) };
            let Some(wait) = wait else { return Err(self.refused(reply.status, &refusal)) };
            self.output.say(&format!(
                "the model answered with status {}; asking again in {:.1} s",
                reply.status.as_u16(),
                wait.as_secs_f64()
            ));
            tokio::time::sleep(wait).await;
        }
    }
}
