//! The models of `model_list`, asked by the name that a client uses.
//!
//! The surprising thing: entries of one name take turns, request by request, and within a request when one fails. So what
//! is repeated after 429 goes to the next of them, a provider that is down costs one attempt, and the rounds of a loop
//! stay with the provider that knows the items of the round before.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, Stream, StreamExt as _};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use http::{HeaderName, Response};
use mcp_server::RouteBody;
use mcp_transport::http::FetchBody;
use mcp_types::{JsonObject, RawJson};
use serde_json::json;
use tokio::time::timeout;

use super::refusal::Refusal;
use crate::driver::{Model, Retry};
use crate::gateway::config::{self, Config};
use crate::members::text_json;
use crate::model::HttpModel;
use crate::similar;
use crate::turn::{Api, Chat, Responses};
use crate::{Error, ModelError, chat, responses};

/// The models of the file, ready to be asked.
#[derive(Debug)]
pub(super) struct Deployments {
    /// Beside those of the file, in its order; the fault of one that cannot be asked.
    models: Vec<Result<HttpModel, String>>,
    turns: AtomicUsize,
}

/// The entries that serve one name.
#[derive(Clone, Debug)]
pub(super) struct Served {
    name: String,
    entries: Arc<[Entry]>,
    next: Arc<AtomicUsize>,
    retry: Retry,
}

#[derive(Clone, Debug)]
struct Entry {
    model: HttpModel,
    /// The provider's name for the model.
    name: String,
    /// Members that a client leaves out.
    parameters: Vec<(String, RawJson)>,
    /// How long an answer that is handed on may pause.
    pause: Duration,
}

impl Deployments {
    pub(super) fn new(config: &Config) -> Self {
        let models = config.models.iter().map(|model| ready(model).map_err(|error| error.message().to_owned()));
        Self { models: models.collect(), turns: AtomicUsize::new(0) }
    }

    /// Returns what serves a name.
    pub(super) fn serve(&self, config: &Config, asked: &str) -> Result<Served, Refusal> {
        let found = config.models_for(asked);
        if found.is_empty() {
            let names = config.models.iter().map(|model| model.name.value.as_str());
            let meant = similar::closest(asked, names).map(|name| format!("; did you mean `{name}`?"));
            let asked: String = asked.chars().take(128).collect();
            let message = format!("the model `{asked}` is not one of this gateway{}", meant.unwrap_or_default());
            return Err(Refusal::not_found("model_not_found", message));
        }
        let attempts = found.iter().filter_map(|(model, _)| model.max_retries).max();
        // A client waits at the other end, and knows how to wait longer.
        let retry = Retry { longest: LONGEST, ..Retry::default() };
        let retry = attempts
            .map_or(retry, |attempts| Retry { attempts: u32::try_from(attempts).unwrap_or(u32::MAX).min(10), ..retry });
        let mut fault = None;
        let mut entries = Vec::new();
        for (model, name) in found {
            let at = config.models.iter().position(|one| std::ptr::eq(one, model));
            match at.and_then(|at| self.models.get(at)) {
                Some(Ok(http)) => {
                    let pause = model.stream_timeout.or(model.timeout).unwrap_or(PAUSE);
                    entries.push(Entry { model: http.clone(), name, parameters: model.parameters.clone(), pause });
                }
                Some(Err(why)) => fault = Some(why.clone()),
                None => {}
            }
        }
        if entries.is_empty() {
            let why = fault.unwrap_or_default();
            return Err(Refusal::internal(format!("the model `{asked}` cannot be asked: {why}")));
        }
        // Each request begins with another entry.
        let first = self.turns.fetch_add(1, Ordering::Relaxed);
        let next = Arc::new(AtomicUsize::new(first));
        Ok(Served { name: asked.to_owned(), entries: entries.into(), next, retry })
    }
}

fn ready(model: &config::Model) -> Result<HttpModel, ModelError> {
    let mut builder = HttpModel::builder(&model.api_base).tls(model.tls.clone());
    if let Some(key) = &model.api_key {
        builder = builder.key(key.clone());
    }
    if let Some(organization) = &model.organization {
        builder = builder.organization(organization.as_str());
    }
    if let Some(timeout) = model.timeout {
        builder = builder.first_byte_timeout(timeout).chunk_timeout(timeout);
    }
    if let Some(timeout) = model.stream_timeout {
        builder = builder.chunk_timeout(timeout);
    }
    model.headers.iter().fold(builder, |builder, (name, value)| builder.header(name, value.clone())).build()
}

impl Served {
    pub(super) fn retry(&self) -> Retry {
        self.retry
    }

    /// Hands a request on as it is, and what comes back; only the name of the model is the provider's, and what the file
    /// sets and the client left out is added.
    pub(super) async fn forward(
        &self,
        path: &'static str,
        accept: &'static str,
        members: JsonObject,
    ) -> Result<Response<RouteBody>, Refusal> {
        let mut left = self.entries.len();
        let (entry, response) = loop {
            let entry = self.entry();
            let mut members = members.clone();
            members.insert("model", text_json(&entry.name));
            entry.complete(&mut members, path == RESPONSES);
            let body = RawJson::encode(&members).map_err(|error| Refusal::unreadable(error.to_string()))?;
            match entry.model.forward(path, accept, body.into_bytes()).await {
                Ok(response) => break (entry, response),
                // Nobody was there, and there are others.
                Err(error) if error.is_transient() && left > 1 => {
                    self.pass_over();
                    left -= 1;
                }
                Err(error) => return Err(Refusal::from(Error::from(self.told(entry, &error)))),
            }
        };
        let (head, body) = response.into_parts();
        let refused = |why: &str| {
            let error = ModelError::new(format!("the provider of `{}` {why}", self.name));
            Refusal::from(Error::from(error.status(head.status.as_u16())))
        };
        let passed = if head.status.is_redirection() {
            return Err(refused("redirects, which is not followed with a key"));
        } else if !head.status.is_success() {
            let body = timeout(entry.pause.min(ERROR_PAUSE), body.read(ERROR_BYTES)).await;
            let body = body.ok().and_then(Result::ok).ok_or_else(|| refused("failed, and broke off saying why"))?;
            // Providers like to repeat the key in their errors.
            RouteBody::from(entry.model.redacted(&String::from_utf8_lossy(&body)))
        } else if is_stream(&head.headers) {
            RouteBody::stream(parts(body, entry.pause))
        } else {
            let body = timeout(entry.pause, body.read(BODY_BYTES)).await;
            RouteBody::from(body.ok().and_then(Result::ok).ok_or_else(|| broken(&self.name))?)
        };
        let mut passed = Response::new(passed);
        *passed.status_mut() = head.status;
        pass_headers(&head.headers, passed.headers_mut());
        Ok(passed)
    }

    /// Returns the entry whose turn it is.
    fn entry(&self) -> &Entry {
        let turn = self.next.load(Ordering::Relaxed);
        let at = turn % self.entries.len().max(1);
        self.entries.get(at).expect("a name is served by one entry at least")
    }

    /// Gives the turn to the next entry.
    fn pass_over(&self) {
        self.next.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes an error of an entry, which has had its turn then; returns it as it is told to a client.
    fn failed(&self, entry: &Entry, error: &ModelError) -> ModelError {
        self.pass_over();
        self.told(entry, error)
    }

    /// An error as it is told to a client, who is not told where the provider is.
    fn told(&self, entry: &Entry, error: &ModelError) -> ModelError {
        let base = entry.model.base_url().to_string();
        let provider = format!("the provider of `{}`", self.name);
        let mut message = error.message().to_owned();
        for place in [format!("{base}{CHAT}"), format!("{base}{RESPONSES}"), base] {
            message = message.replace(&place, &provider);
        }
        let mut told = ModelError::new(message);
        if let Some(status) = error.http_status() {
            told = told.status(status);
        }
        if let Some(code) = error.provider_code() {
            told = told.code(code);
        }
        if let Some(wait) = error.wait() {
            told = told.retry_after(wait);
        }
        if error.is_transient() { told.transient() } else { told }
    }
}

impl Entry {
    /// Adds what the file sets and the client left out.
    fn complete(&self, members: &mut JsonObject, is_responses: bool) {
        for (name, value) in &self.parameters {
            let name = if is_responses {
                match name.as_str() {
                    "max_completion_tokens" | "max_tokens" => "max_output_tokens",
                    name if CHAT_ONLY.contains(&name) => continue,
                    name => name,
                }
            } else {
                name.as_str()
            };
            if members.member(name).is_none() {
                members.insert(name, value.clone());
            }
        }
    }
}

/// Hands the parts of a stream on. One that breaks off, or pauses too long, does not look like one that has ended.
fn parts(body: FetchBody, pause: Duration) -> impl Stream<Item = Bytes> + Send + 'static {
    stream::unfold(Some(body), move |body| async move {
        let mut body = body?;
        match timeout(pause, body.next()).await {
            Ok(Some(Ok(part))) => Some((part, Some(body))),
            Ok(None) => None,
            Ok(Some(Err(_))) | Err(_) => {
                let message = "the provider broke off its answer";
                let error = json!({"message": message, "type": "server_error", "param": null, "code": null});
                let data = json!({ "error": error });
                // The empty line ends what was cut.
                Some((Bytes::from(format!("\n\ndata: {data}\n\n")), None))
            }
        }
    })
}

fn is_stream(headers: &HeaderMap) -> bool {
    let media = headers.get(CONTENT_TYPE).and_then(|media| media.to_str().ok()).unwrap_or_default();
    media.trim_start().to_ascii_lowercase().starts_with("text/event-stream")
}

fn broken(name: &str) -> Refusal {
    Refusal::from(Error::from(ModelError::new(format!("the provider of `{name}` broke off its answer"))))
}

fn pass_headers(from: &HeaderMap, to: &mut HeaderMap) {
    for name in [CONTENT_TYPE, CACHE_CONTROL, RETRY_AFTER].iter().chain(&PASSED.map(HeaderName::from_static)) {
        if let Some(value) = from.get(name) {
            to.insert(name, value.clone());
        }
    }
}

#[async_trait]
impl Model<Chat> for Served {
    async fn complete(&self, request: &chat::Request) -> Result<chat::Completion, ModelError> {
        let entry = self.entry();
        let mut request = request.clone();
        request.model.clone_from(&entry.name);
        entry.complete(&mut request.extra, false);
        Model::<Chat>::complete(&entry.model, &request).await.map_err(|error| self.failed(entry, &error))
    }

    async fn stream(
        &self,
        request: &chat::Request,
        chunks: &mut (dyn FnMut(<Chat as Api>::Chunk) + Send),
    ) -> Result<chat::Completion, ModelError> {
        let entry = self.entry();
        let mut request = request.clone();
        request.model.clone_from(&entry.name);
        entry.complete(&mut request.extra, false);
        Model::<Chat>::stream(&entry.model, &request, chunks).await.map_err(|error| self.failed(entry, &error))
    }
}

#[async_trait]
impl Model<Responses> for Served {
    async fn complete(&self, request: &responses::Request) -> Result<responses::Response, ModelError> {
        let entry = self.entry();
        let mut request = request.clone();
        request.model.clone_from(&entry.name);
        entry.complete(&mut request.extra, true);
        Model::<Responses>::complete(&entry.model, &request).await.map_err(|error| self.failed(entry, &error))
    }

    async fn stream(
        &self,
        request: &responses::Request,
        chunks: &mut (dyn FnMut(<Responses as Api>::Chunk) + Send),
    ) -> Result<responses::Response, ModelError> {
        let entry = self.entry();
        let mut request = request.clone();
        request.model.clone_from(&entry.name);
        entry.complete(&mut request.extra, true);
        Model::<Responses>::stream(&entry.model, &request, chunks).await.map_err(|error| self.failed(entry, &error))
    }
}

/// What stands behind the base URL.
pub(super) const CHAT: &str = "/chat/completions";
/// As [`CHAT`].
pub(super) const RESPONSES: &str = "/responses";

/// The longest wait that is kept when a provider asks for it.
const LONGEST: Duration = Duration::from_secs(30);
/// How long an answer may pause, when the file does not say it.
const PAUSE: Duration = Duration::from_secs(600);
const BODY_BYTES: usize = 64 * 1024 * 1024;
const ERROR_BYTES: usize = 256 * 1024;
/// How long an error may take to be told, when its status is there already.
const ERROR_PAUSE: Duration = Duration::from_secs(10);

/// Headers of a provider that say something to a client.
const PASSED: [&str; 9] = [
    "openai-model",
    "openai-processing-ms",
    "retry-after-ms",
    "x-ratelimit-limit-requests",
    "x-ratelimit-limit-tokens",
    "x-ratelimit-remaining-requests",
    "x-ratelimit-remaining-tokens",
    "x-ratelimit-reset-requests",
    "x-request-id",
];

/// Parameters that the Responses API does not have.
const CHAT_ONLY: [&str; 14] = [
    "frequency_penalty",
    "logit_bias",
    "logprobs",
    "modalities",
    "n",
    "prediction",
    "presence_penalty",
    "reasoning_effort",
    "response_format",
    "seed",
    "stop",
    "stream_options",
    "thinking",
    "verbosity",
];
