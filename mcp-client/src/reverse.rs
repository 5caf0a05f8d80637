//! The requests of a legacy server that are being answered (V-20, T-138, T-140, P-60, HL-4).
//!
//! The surprising thing: a server may withdraw its request over another way than it asked, so what is open is kept by
//! the client and not by the connection.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use futures::FutureExt;
use futures::future::{AbortHandle, AbortRegistration, Abortable};
use mcp_transport::Transport;
use mcp_types::{
    ClientCapabilities, Implementation, InputRequest, Method, Project, RawJson, Request, RequestId, Revision, RpcError,
    methods,
};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::ask::ask;
use crate::handler::Origin;
use crate::inbox::Inbox;
use crate::input::{question, reply};

/// What is spoken over a link, and with whom.
#[derive(Clone, Debug)]
pub(crate) struct Spoken {
    pub(crate) revision: Revision,
    pub(crate) server: Option<Implementation>,
}

/// The requests that are being answered.
#[derive(Debug)]
pub(crate) struct Answering {
    open: Mutex<HashMap<RequestId, AbortHandle>>,
    most: usize,
    /// When the last of them was answered.
    answered: Mutex<Option<Instant>>,
    changed: Notify,
}

impl Answering {
    /// Answers at most `most` requests at a time.
    pub(crate) fn new(most: usize) -> Self {
        Self { open: Mutex::default(), most, answered: Mutex::default(), changed: Notify::new() }
    }

    /// Returns whether a request is being answered.
    pub(crate) fn is_open(&self) -> bool {
        !self.lock().is_empty()
    }

    /// Waits until no request is being answered.
    pub(crate) async fn answered(&self) {
        loop {
            let changed = self.changed.notified();
            if !self.is_open() {
                return;
            }
            changed.await;
        }
    }

    /// Returns when a request was answered last.
    pub(crate) fn last_answer(&self) -> Option<Instant> {
        *self.answered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn close(&self, id: &RequestId, is_ping: bool) {
        self.lock().remove(id);
        if !is_ping {
            *self.answered.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        }
        self.changed.notify_waiters();
    }

    /// The server does not wait for the answer any more.
    pub(crate) fn withdraw(&self, id: &RequestId) {
        if let Some(open) = self.lock().remove(id) {
            open.abort();
        }
    }

    fn begin(&self, id: &RequestId) -> Option<AbortRegistration> {
        let mut open = self.lock();
        if open.len() >= self.most {
            return None;
        }
        let (handle, registration) = AbortHandle::new_pair();
        open.insert(id.clone(), handle);
        Some(registration)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<RequestId, AbortHandle>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Answers a request, unless it is withdrawn before.
pub(crate) async fn answer(
    inbox: Arc<Inbox>,
    request: Request,
    spoken: Option<Spoken>,
    transport: Weak<dyn Transport>,
) {
    let id = request.id.clone();
    let Some(registration) = inbox.answering().begin(&id) else {
        let busy = RpcError::internal("too many requests wait for this client; send this one again later");
        return send(&transport, id, Err(busy)).await;
    };
    let open = Open { inbox: &inbox, id: id.clone(), is_ping: request.method == "ping" };
    let decided = AssertUnwindSafe(decide(&inbox, request, spoken)).catch_unwind();
    if let Ok(outcome) = Abortable::new(decided, registration).await {
        let panicked = |_| Err(RpcError::internal("the hook of the client that answers this has panicked"));
        let outcome = outcome.unwrap_or_else(panicked);
        drop(open);
        send(&transport, id, outcome).await;
    }
}

async fn send(transport: &Weak<dyn Transport>, id: RequestId, outcome: Result<RawJson, RpcError>) {
    if let Some(transport) = transport.upgrade() {
        // When the answer cannot be sent the connection is gone, and every request will say so.
        let _ = transport.answer(id, outcome).await;
    }
}

async fn decide(inbox: &Inbox, request: Request, spoken: Option<Spoken>) -> Result<RawJson, RpcError> {
    if request.method == "ping" {
        return Ok(RawJson::empty_object());
    }
    // Before the handshake is over only `ping` is allowed (V-18).
    let spoken = spoken.ok_or_else(|| RpcError::method_not_found(&request.method))?;
    let question = read(&request, inbox.declared())?;
    let features = spoken.revision.features();
    question::check(&question, inbox.declared(), features).map_err(|fault| fault.to_rpc())?;
    let origin = Origin { server: spoken.server, key: None };
    let mut reply = ask(inbox.handler(), question.clone(), origin).await?;
    reply.project(features);
    reply::settle(&question, reply).map_err(|wrong| {
        RpcError::internal(format!("the answer of the client to `{}` cannot be sent: {wrong}", question.method()))
    })
}

/// Reads a question; what was not declared at all is not read, so that it is unknown rather than malformed (T-140).
fn read(request: &Request, declared: &ClientCapabilities) -> Result<InputRequest, RpcError> {
    let params = &request.params;
    match &*request.method {
        methods::ElicitationCreate::NAME if declared.elicitation.is_some() => {
            params.decode().map(|params| InputRequest::Elicit(Box::new(params)))
        }
        methods::SamplingCreateMessage::NAME if declared.sampling.is_some() => {
            params.decode().map(|params| InputRequest::CreateMessage(Box::new(params)))
        }
        methods::RootsList::NAME if declared.roots.is_some() => Ok(InputRequest::ListRoots(None)),
        unknown => Err(RpcError::method_not_found(unknown)),
    }
}

/// A request that is open; it is forgotten when nobody works on it any more.
struct Open<'a> {
    inbox: &'a Inbox,
    id: RequestId,
    /// It says that the connection lives, and nothing of the requests that wait.
    is_ping: bool,
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.inbox.answering().close(&self.id, self.is_ping);
    }
}
