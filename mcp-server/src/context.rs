//! What a handler can know about its call, and what it can say while it runs (P-50 to P-54, P-90 to P-93).
//!
//! The surprising thing: a [`Cx`] outlives its call when a handler keeps a clone, and is silent from then on. Nothing
//! can be sent after the response.

use std::any::{Any, TypeId};
use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use mcp_transport::{Call, Caller, Notifier};
use mcp_types::{
    ClientCapabilities, ElicitationCompleteNotificationParams, Features, Implementation, LoggingLevel,
    LoggingMessageNotificationParams, Params, ProgressToken, RawJson, RequestId, Revision, RpcError, method,
};
use serde::Serialize;
use tokio::sync::Notify;

use crate::ask::Asking;
use crate::era;
use crate::service::Core;

/// The state that a server shares with its handlers, by type.
pub(crate) type States = HashMap<TypeId, Arc<dyn Any + Send + Sync>>;

/// One call, as its handler sees it. Clones are the same call.
///
/// It is an extractor: a handler that wants it names it among its arguments.
#[derive(Clone)]
pub struct Cx {
    inner: Arc<Inner>,
}

struct Inner {
    id: RequestId,
    params: Params,
    caller: Caller,
    /// `None` once the call is over.
    notifier: Mutex<Option<Notifier>>,
    /// The token that the caller wants progress under, once somebody asked.
    token: OnceLock<Option<ProgressToken>>,
    core: Arc<Core>,
    method: Cow<'static, str>,
    asking: Asking,
    over: AtomicBool,
    /// Who waits for the end, once somebody does.
    ended: OnceLock<Notify>,
    /// What the call is about besides its parameters: the values of a template, as names and texts.
    bindings: Vec<(String, String)>,
}

impl Cx {
    /// Begins a call.
    ///
    /// # Errors
    ///
    /// Refuses answers and states of earlier rounds that are not those of this request (P-15, P-16).
    pub(crate) fn new(call: Call, core: &Arc<Core>) -> Result<Self, RpcError> {
        let answers = era::answers(core, &call)?;
        let Call { request, caller, notifier, .. } = call;
        let inner = Inner {
            id: request.id,
            method: request.method,
            params: request.params,
            caller,
            notifier: Mutex::new(Some(notifier)),
            token: OnceLock::new(),
            core: Arc::clone(core),
            asking: Asking::new(answers),
            over: AtomicBool::new(false),
            ended: OnceLock::new(),
            bindings: Vec::new(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Adds what a template found in the URI; only before the handler starts.
    pub(crate) fn bind(mut self, bindings: Vec<(String, String)>) -> Self {
        if let Some(inner) = Arc::get_mut(&mut self.inner) {
            inner.bindings = bindings;
        }
        self
    }

    /// Returns the id of the request.
    pub fn id(&self) -> &RequestId {
        &self.inner.id
    }

    /// Returns the parameters of the request as they were sent.
    pub fn params(&self) -> &Params {
        &self.inner.params
    }

    /// Returns the revision that the caller speaks.
    pub fn revision(&self) -> Revision {
        self.inner.caller.revision()
    }

    /// Returns what the caller understands.
    pub fn features(&self) -> Features {
        self.inner.caller.features()
    }

    /// Returns what the client can do for the server.
    pub fn capabilities(&self) -> ClientCapabilities {
        self.inner.caller.capabilities()
    }

    /// Returns who the client says it is; for display and logs only (T-28).
    pub fn client_info(&self) -> Option<Implementation> {
        self.inner.caller.client_info()
    }

    /// Tells how far the call has come: `progress`, out of `total` when that is known, and what is being done.
    ///
    /// It does nothing when the caller did not ask for progress, when the value is not greater than the last one
    /// (P-51), or when the call is over.
    ///
    /// # Examples
    ///
    /// ```
    /// # async fn handler(cx: mcp_server::Cx) {
    /// cx.progress(1.0, 3.0, "reading").await;
    /// cx.progress(2.0, None, None).await;
    /// # }
    /// ```
    ///
    /// # Cancel safety
    ///
    /// A dropped call has told the progress wholly or not at all.
    pub async fn progress<'m>(
        &self,
        progress: f64,
        total: impl Into<Option<f64>>,
        message: impl Into<Option<&'m str>>,
    ) {
        let (Some(token), Some(notifier)) = (self.token(), self.notifier()) else { return };
        let message = message.into().filter(|_| self.features().has(Features::PROGRESS_MESSAGE));
        // A reader that went away is about to drop this call.
        let _ = notifier.progress(token, progress, total.into(), message).await;
    }

    /// Returns the token that the caller wants progress under.
    pub fn progress_token(&self) -> Option<ProgressToken> {
        self.token().cloned()
    }

    fn token(&self) -> Option<&ProgressToken> {
        self.inner.token.get_or_init(|| self.inner.params.meta().progress_token()).as_ref()
    }

    /// Sends a log message to the caller; `data` is any value that serializes.
    ///
    /// It does nothing when the server was not built with [`logging`](crate::ServerBuilder::logging), when the caller
    /// does not want messages of that level (P-90, P-91), when `data` fails to serialize, or when the call is over.
    ///
    /// # Cancel safety
    ///
    /// A dropped call has sent the message wholly or not at all.
    pub async fn log(&self, level: LoggingLevel, data: impl Serialize + Send) {
        self.log_as(None, level, data).await;
    }

    /// Sends a log message as [`log`](Self::log) does, in the name of a logger.
    ///
    /// # Cancel safety
    ///
    /// A dropped call has sent the message wholly or not at all.
    pub async fn log_as(&self, logger: impl Into<Option<&str>>, level: LoggingLevel, data: impl Serialize + Send) {
        if !self.logs(level) {
            return;
        }
        let logger = logger.into().map(str::to_owned);
        let Ok(data) = RawJson::encode(&data) else { return };
        let mut params = LoggingMessageNotificationParams::new(level, data);
        params.logger = logger;
        self.send("notifications/message", &params).await;
    }

    /// Returns whether a log message of this level would be sent, for messages that are costly to make.
    pub fn logs(&self, level: LoggingLevel) -> bool {
        self.inner.core.logs && self.inner.caller.log_level().is_some_and(|least| level >= least) && !self.is_over()
    }

    /// Says within the call that a visit to a [`Url`](crate::Url) is complete; `id` is the one that the visit was given
    /// (T-138). After the call [`Changes::elicitation_complete`](crate::Changes::elicitation_complete) says so.
    ///
    /// It does nothing for callers of another revision than 2025-11-25.
    ///
    /// # Cancel safety
    ///
    /// A dropped call has said it wholly or not at all.
    pub async fn elicitation_complete(&self, id: impl Into<String> + Send) {
        if self.features().has(Features::ELICITATION_ID) {
            let params = ElicitationCompleteNotificationParams::new(id);
            self.send("notifications/elicitation/complete", &params).await;
        }
    }

    /// Closes the stream of this call, which goes on: the client comes back for the rest, after `retry` when that is
    /// said (HL-9).
    ///
    /// It does nothing where a client cannot come back: on pipes, in the modern era, and before 2025-03-26.
    pub fn close_stream(&self, retry: impl Into<Option<Duration>>) {
        if let Some(notifier) = self.notifier() {
            notifier.close_stream(retry.into());
        }
    }

    /// Waits until the call is over: cancelled, timed out or answered.
    ///
    /// A handler itself is dropped when its call is cancelled. This is for work that it moved elsewhere, such as a
    /// blocking task.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when the future is dropped.
    pub async fn cancelled(&self) {
        let ended = self.inner.ended.get_or_init(Notify::new).notified();
        // Under the lock, so that whoever ends the call either is seen here or sees that somebody waits.
        let is_over = {
            let _exchange = self.exchange();
            self.is_over()
        };
        if !is_over {
            ended.await;
        }
    }

    /// Returns whether the call is over: cancelled, timed out or answered.
    pub fn is_over(&self) -> bool {
        self.inner.over.load(Ordering::Acquire)
    }

    /// Returns for how long the call has waited for answers of the client so far, which does not count against the time
    /// of its handler. In the modern era it waits for none: each answer begins a round of its own.
    pub fn paused(&self) -> Duration {
        self.inner.asking.paused()
    }

    /// Returns the state of type `T` that the server was built with.
    pub(crate) fn state<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        Arc::clone(self.inner.core.states.get(&TypeId::of::<T>())?).downcast().ok()
    }

    pub(crate) fn bindings(&self) -> &[(String, String)] {
        &self.inner.bindings
    }

    pub(crate) fn caller(&self) -> &Caller {
        &self.inner.caller
    }

    pub(crate) fn core(&self) -> &Arc<Core> {
        &self.inner.core
    }

    pub(crate) fn asking(&self) -> &Asking {
        &self.inner.asking
    }

    pub(crate) fn method(&self) -> &str {
        &self.inner.method
    }

    /// Returns whether the call is of a method that may ask at all (P-10).
    pub(crate) fn asks_back(&self) -> bool {
        method::entry(&self.inner.method).is_some_and(|entry| entry.asks_back)
    }

    pub(crate) fn is_tool(&self) -> bool {
        self.inner.method == "tools/call"
    }

    /// Returns the way to the caller; `None` once the exchange is over.
    pub(crate) fn notifier(&self) -> Option<Notifier> {
        self.exchange().clone()
    }

    /// Ends what can be told within the exchange; the call itself may go on, as a task.
    pub(crate) fn end_exchange(&self) {
        self.exchange().take();
    }

    fn exchange(&self) -> MutexGuard<'_, Option<Notifier>> {
        self.inner.notifier.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns what ends the call for every clone when it is dropped.
    pub(crate) fn ending(&self) -> Ending {
        Ending(self.clone())
    }

    async fn send(&self, method: &str, params: &(impl Serialize + Sync)) {
        let (Some(notifier), Ok(params)) = (self.notifier(), RawJson::encode(params)) else { return };
        // A reader that went away is about to drop this call.
        let _ = notifier.send(method, &params).await;
    }
}

impl fmt::Debug for Cx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cx").field("id", &self.inner.id).field("revision", &self.revision()).finish_non_exhaustive()
    }
}

/// A call that ends when this is dropped, however that comes about.
pub(crate) struct Ending(pub(crate) Cx);

impl Deref for Ending {
    type Target = Cx;

    fn deref(&self) -> &Cx {
        &self.0
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        let mut exchange = self.exchange();
        self.inner.over.store(true, Ordering::Release);
        let notifier = exchange.take();
        drop(exchange);
        // Outside of the lock, because both wake who waits.
        drop(notifier);
        if let Some(ended) = self.inner.ended.get() {
            ended.notify_waiters();
        }
    }
}
