//! A model that is asked over HTTP.

use std::fmt::{self, Display};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use http::{Method, Request, Response, StatusCode, Uri};
use mcp_transport::http::{Fetch, FetchBody, Tls};
use mcp_transport::{Limits, Secret};
use mcp_types::RawJson;

use super::answer::{Answer, Patience, Wait};
use super::base_url::BaseUrl;
use super::body::{self, StreamOptions, Wire};
use super::read;
use super::refusal::Refusal;
use super::retry_after::retry_after;
use crate::driver::Model;
use crate::error::ModelError;
use crate::turn::{Api, ApiRequest, Chat, Responses};
use crate::{chat, responses};

/// A model behind an OpenAI-compatible HTTP API: Chat Completions as `Model<Chat>`, Responses as `Model<Responses>`.
///
/// A request is sent once; the [`Driver`](crate::driver::Driver) decides whether it is sent again. Redirects are not
/// followed, because the key would go with them. The key, the values of extra headers and those of the base URL's query
/// are taken out of whatever the provider says.
///
/// # Examples
///
/// ```no_run
/// use mcp_openai_bridge::chat::{Message, Request};
/// use mcp_openai_bridge::model::HttpModel;
///
/// # async fn example(key: String) -> Result<(), mcp_openai_bridge::ModelError> {
/// let model = HttpModel::builder("https://api.openai.com/v1").key(key).build()?;
/// let request = Request::new("gpt-5", [Message::user("Name a colour.")]);
/// let reply = model.ask_streamed(&request, |chunk| print!("{}", chunk.text())).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct HttpModel {
    base_url: BaseUrl,
    fetch: Fetch,
    /// Where the requests of each API go.
    places: Arc<[Place; 2]>,
    headers: HeaderMap,
    /// What must not be repeated, the longest first.
    secrets: Vec<Secret>,
    patience: Patience,
    options: StreamOptions,
    limit: usize,
}

/// Where the requests of an API go.
struct Place {
    path: &'static str,
    uri: Uri,
    /// The address without what it keeps secret.
    shown: String,
}

impl Place {
    fn new(base_url: &BaseUrl, path: &'static str) -> Result<Self, ModelError> {
        let shown = format!("{base_url}{path}");
        let uri = Uri::try_from(base_url.url(path));
        let uri = uri.map_err(|error| ModelError::new(format!("cannot ask {shown}")).because(error))?;
        Ok(Self { path, uri, shown })
    }
}

impl HttpModel {
    /// Begins to configure the client of the API behind a base URL, such as `https://api.openai.com/v1`.
    pub fn builder(base_url: impl Into<String>) -> HttpModelBuilder {
        HttpModelBuilder {
            base_url: base_url.into(),
            key: None,
            headers: Vec::new(),
            tls: Tls::platform(),
            patience: Patience { first: FIRST, between: BETWEEN, total: TOTAL },
            options: StreamOptions::default(),
            limit: LIMIT,
        }
    }

    /// Returns where the API is.
    pub fn base_url(&self) -> &BaseUrl {
        &self.base_url
    }

    /// Asks over the API that the request is of, which [`Model::complete`] must be told.
    ///
    /// # Errors
    ///
    /// Fails as [`Model::complete`] does.
    ///
    /// # Cancel safety
    ///
    /// As that of [`Model::complete`].
    pub async fn ask<R: ApiRequest>(&self, request: &R) -> Result<<R::Api as Api>::Reply, ModelError>
    where
        Self: Model<R::Api>,
    {
        Model::<R::Api>::complete(self, request).await
    }

    /// Asks over the API that the request is of, and gives the pieces of the reply to `chunks` as they come.
    ///
    /// # Errors
    ///
    /// Fails as [`Model::stream`] does.
    ///
    /// # Cancel safety
    ///
    /// As that of [`Model::stream`].
    pub async fn ask_streamed<R: ApiRequest>(
        &self,
        request: &R,
        mut chunks: impl FnMut(<R::Api as Api>::Chunk) + Send,
    ) -> Result<<R::Api as Api>::Reply, ModelError>
    where
        Self: Model<R::Api>,
    {
        Model::<R::Api>::stream(self, request, &mut chunks).await
    }

    /// Sends a request and reads its answer.
    #[expect(
        clippy::manual_async_fn,
        reason = "an async fn keeps its arguments twice, and this is boxed for every request"
    )]
    fn exchange<A: Wire>(
        &self,
        body: Result<RawJson, serde_json::Error>,
        accept: &'static str,
        chunks: &mut (dyn FnMut(A::Chunk) + Send),
    ) -> impl Future<Output = Result<A::Reply, ModelError>> + Send {
        async move {
            let body = body.map_err(|error| ModelError::new("the request cannot be written as JSON").because(error))?;
            // A block, so that what is kept for the head is not kept beside what is kept for the body.
            let (head, mut answer) = {
                let place = self.place(A::PATH);
                let wait = Wait::new(&place.shown, self.patience);
                let (head, body) = self.send(place, accept, body.into_bytes(), &wait).await?.into_parts();
                (head, Answer::new(wait, body, self.limit.saturating_mul(WASTE)))
            };
            if head.status.is_success() {
                return read::read::<A>(self, &head.headers, &mut answer, chunks).await;
            }
            // Boxed, because it is rare.
            let refusal = Refusal::read(&Box::pin(answer.refusal()).await);
            Err(self.refused(A::PATH, head.status, &head.headers, refusal))
        }
    }

    /// Sends a body as it is and returns what comes back as it comes: whatever its status, with a deadline for its head
    /// and none for its body.
    #[cfg(feature = "gateway")]
    pub(crate) async fn forward(
        &self,
        path: &'static str,
        accept: &'static str,
        body: Bytes,
    ) -> Result<Response<FetchBody>, ModelError> {
        let place = self.place(path);
        self.send(place, accept, body, &Wait::new(&place.shown, self.patience)).await
    }

    fn send(
        &self,
        place: &Place,
        accept: &'static str,
        body: Bytes,
        wait: &Wait<'_>,
    ) -> impl Future<Output = Result<Response<FetchBody>, ModelError>> + Send {
        let mut request = Request::new(body);
        *request.method_mut() = Method::POST;
        *request.uri_mut() = place.uri.clone();
        *request.headers_mut() = self.headers.clone();
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static(accept));
        wait.on(self.fetch.send(request))
    }

    /// Bytes of a reply that are kept.
    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    fn place(&self, path: &str) -> &Place {
        let [chat, responses] = &*self.places;
        if responses.path == path { responses } else { chat }
    }

    fn shown(&self, path: &str) -> &str {
        &self.place(path).shown
    }

    fn refused(&self, path: &str, status: StatusCode, headers: &HeaderMap, mut refusal: Refusal) -> ModelError {
        if status.is_redirection() {
            "it redirects, which is not followed with a key; give the address that it leads to"
                .clone_into(&mut refusal.message);
        }
        refusal.status = Some(status.as_u16());
        let error = self.safe(refusal).into_error(format!("{} refused the request", self.shown(path)));
        retry_after(headers).into_iter().fold(error, ModelError::retry_after)
    }

    /// Makes the error of a provider that failed after it had begun to answer.
    pub(super) fn gave_up(&self, path: &str, refusal: Refusal) -> ModelError {
        self.safe(refusal).into_error(format!("{} gave no answer but an error", self.shown(path)))
    }

    pub(super) fn unreadable(&self, path: &str, why: &dyn Display) -> ModelError {
        ModelError::new(format!("cannot read the answer of {}: {}", self.shown(path), self.redacted(&why.to_string())))
    }

    fn safe(&self, refusal: Refusal) -> Refusal {
        Refusal {
            message: self.redacted(&refusal.message),
            code: refusal.code.map(|code| self.redacted(&code)),
            status: refusal.status,
        }
    }

    /// Takes secrets out of a text of the provider, who likes to repeat them.
    pub(crate) fn redacted(&self, text: &str) -> String {
        self.secrets.iter().fold(text.to_owned(), |text, secret| secret.redact(&text))
    }
}

async fn complete<A: Wire>(model: &HttpModel, request: &A::Request) -> Result<A::Reply, ModelError> {
    model.exchange::<A>(body::whole::<A>(request), "application/json", &mut |_| ()).await
}

async fn stream<A: Wire>(
    model: &HttpModel,
    request: &A::Request,
    chunks: &mut (dyn FnMut(A::Chunk) + Send),
) -> Result<A::Reply, ModelError> {
    let body = body::streamed::<A>(request, model.options);
    model.exchange::<A>(body, "text/event-stream, application/json", chunks).await
}

#[async_trait]
impl Model<Chat> for HttpModel {
    async fn complete(&self, request: &chat::Request) -> Result<chat::Completion, ModelError> {
        complete::<Chat>(self, request).await
    }

    async fn stream(
        &self,
        request: &chat::Request,
        chunks: &mut (dyn FnMut(chat::Chunk) + Send),
    ) -> Result<chat::Completion, ModelError> {
        stream::<Chat>(self, request, chunks).await
    }
}

#[async_trait]
impl Model<Responses> for HttpModel {
    async fn complete(&self, request: &responses::Request) -> Result<responses::Response, ModelError> {
        complete::<Responses>(self, request).await
    }

    async fn stream(
        &self,
        request: &responses::Request,
        chunks: &mut (dyn FnMut(<Responses as Api>::Chunk) + Send),
    ) -> Result<responses::Response, ModelError> {
        stream::<Responses>(self, request, chunks).await
    }
}

impl fmt::Debug for HttpModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpModel").field("base_url", &self.base_url).finish_non_exhaustive()
    }
}

/// A model that is being configured; made by [`HttpModel::builder`].
#[must_use = "nothing is checked before `build`"]
pub struct HttpModelBuilder {
    base_url: String,
    key: Option<Secret>,
    headers: Vec<(String, Secret)>,
    tls: Tls,
    patience: Patience,
    options: StreamOptions,
    limit: usize,
}

impl HttpModelBuilder {
    /// Sets the key, which is sent as `Authorization: Bearer`. Without one nothing is.
    pub fn key(mut self, key: impl Into<Secret>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Adds a header to every request, such as the `api-key` of Azure.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Secret>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Sets which organization is billed (`OpenAI-Organization`).
    pub fn organization(self, organization: impl Into<Secret>) -> Self {
        self.header("OpenAI-Organization", organization)
    }

    /// Sets which project is billed (`OpenAI-Project`).
    pub fn project(self, project: impl Into<Secret>) -> Self {
        self.header("OpenAI-Project", project)
    }

    /// Sets whom to trust over `https`; what the operating system trusts, unless set.
    pub fn tls(mut self, tls: Tls) -> Self {
        self.tls = tls;
        self
    }

    /// Sets how long the first byte of an answer may take; 10 minutes unless set. Without streaming that is as long as
    /// the model thinks.
    pub fn first_byte_timeout(mut self, wait: Duration) -> Self {
        self.patience.first = wait;
        self
    }

    /// Sets how long an answer may pause; 2 minutes unless set.
    pub fn chunk_timeout(mut self, wait: Duration) -> Self {
        self.patience.between = wait;
        self
    }

    /// Sets how long an answer may take as a whole; an hour unless set.
    pub fn total_timeout(mut self, wait: Duration) -> Self {
        self.patience.total = wait;
        self
    }

    /// Sets how many bytes a reply may have; 32 MiB unless set. A stream may have eight times as many, because most of
    /// its bytes are not of the reply.
    pub fn reply_bytes(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// Leaves `stream_options` out of requests for a stream of Chat Completions, for a provider that refuses it. The
    /// tokens that such a reply costs are then not known.
    pub fn without_stream_options(mut self) -> Self {
        self.options = StreamOptions::Absent;
        self
    }

    /// Makes the model. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// Fails when the base URL is none, and when the key or a header cannot be sent.
    pub fn build(self) -> Result<HttpModel, ModelError> {
        let base_url = BaseUrl::parse(&self.base_url)?;
        let mut secrets: Vec<Secret> = self.key.iter().cloned().collect();
        let telling = base_url.query_values().filter(|value| value.len() >= TELLING_BYTES).map(Secret::from);
        secrets.extend(telling);
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(USER_AGENT, HeaderValue::from_static(concat!("mcp-openai-bridge/", env!("CARGO_PKG_VERSION"))));
        let keyed = self.key.iter().map(|key| ("Authorization".to_owned(), key.prefixed("Bearer ")));
        for (name, value) in keyed.chain(self.headers) {
            let unfit = |why: &str| ModelError::new(format!("the header `{}` {why}", name.escape_debug()));
            let key = HeaderName::try_from(&name).map_err(|_| unfit("has no name that HTTP allows"))?;
            let sent = value
                .header_value()
                .map_err(|_| unfit("has characters that cannot be sent; is there a line break in it?"))?;
            if key != AUTHORIZATION || self.key.is_none() {
                secrets.extend((sent.len() >= TELLING_BYTES).then(|| value.clone()));
            }
            headers.insert(key, sent);
        }
        Ok(HttpModel {
            places: Arc::new([Place::new(&base_url, Chat::PATH)?, Place::new(&base_url, Responses::PATH)?]),
            base_url,
            fetch: Fetch::new(self.tls).limits(Limits::default()),
            headers,
            secrets,
            patience: self.patience,
            options: self.options,
            limit: self.limit,
        })
    }
}

impl fmt::Debug for HttpModelBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.headers.iter().map(|(name, _)| name).collect();
        f.debug_struct("HttpModelBuilder").field("headers", &names).field("tls", &self.tls).finish_non_exhaustive()
    }
}

const FIRST: Duration = Duration::from_secs(600);
const BETWEEN: Duration = Duration::from_secs(120);
const TOTAL: Duration = Duration::from_secs(3600);
const LIMIT: usize = 32 * 1024 * 1024;
/// Bytes that come for each byte of a reply, at most.
const WASTE: usize = 8;
/// Bytes from which on a value may be a secret. A shorter one would be taken out of many texts that are none.
const TELLING_BYTES: usize = 8;
