//! What a legacy session remembers: the handshake, the log level, the subscriptions, the questions to the client that
//! wait for their answers (V-10 to V-20, HL-16).
//!
//! The state is pure; the lock around it lets the driver and the calls in flight share it.

mod ask;

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_channel::oneshot;
use mcp_types::{
    ClientCapabilities, Implementation, InitializeRequestParams, LoggingLevel, RawJson, Request, RequestId, Response,
    Revision, RpcError, method,
};

use super::classify::Served;
use crate::outbox::Notifier;

pub use ask::{Ask, AskError};

/// The greatest number of resources that one session may subscribe to.
const MAX_SUBSCRIPTIONS: usize = 1_024;

/// The greatest number of questions to one client that wait for their answers.
const MAX_QUESTIONS: usize = 256;

/// A conversation that `initialize` began.
#[derive(Debug, Default)]
pub struct Session {
    /// The revision that was agreed on: its place among all of them, counted from 1; 0 before `initialize`. Every call
    /// asks for it, so it is read without the lock.
    revision: AtomicUsize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    capabilities: ClientCapabilities,
    client_info: Option<Implementation>,
    /// Whether `notifications/initialized` arrived.
    ready: bool,
    /// What `logging/setLevel` asked for; until then everything from `info` on (P-91).
    log_level: Option<LoggingLevel>,
    /// The URIs of `resources/subscribe`.
    subscriptions: HashSet<String>,
    /// The questions that wait for their answers, by their ids; at most 256.
    questions: Vec<(i64, oneshot::Sender<Result<RawJson, RpcError>>)>,
    /// The id of the last question (HL-16).
    last_question: i64,
    has_ended: bool,
}

/// Returns whether a request of this method opens a session, and so belongs to none and to no batch (V-15, V-17).
pub fn opens(method: &str) -> bool {
    method == "initialize"
}

/// Returns whether a notification of this method ends the handshake (V-14).
pub fn ends_handshake(method: &str) -> bool {
    method == "notifications/initialized"
}

impl Session {
    /// Makes a session that waits for `initialize`.
    pub fn new() -> Self {
        Self::default()
    }

    /// Decides whether a request may come now and exists in the revision that was agreed on.
    ///
    /// # Errors
    ///
    /// Refuses anything but `initialize` and `ping` before the handshake (V-15), a second handshake (V-18) and
    /// methods that the revision does not have.
    pub fn admit(&self, request: &Request) -> Result<(), RpcError> {
        let method = &*request.method;
        match (self.agreed(), method) {
            (None, "initialize" | "ping") => Ok(()),
            (None, "server/discover") => Err(RpcError::method_not_found(method)),
            (None, _) => Err(RpcError::invalid_request(format!(
                "`{method}` came before `initialize`; begin a session with `initialize`, \
                 or send a 2026-07-28 request with its `_meta`"
            ))),
            (Some(_), "initialize") => Err(RpcError::invalid_request("this session is already initialized")),
            (Some(revision), _) => match method::entry(method) {
                Some(entry) if !entry.exists_in(revision) => Err(RpcError::method_not_found(method)),
                _ => Ok(()),
            },
        }
    }

    /// Begins the session and returns the revision to answer with: the one asked for when it is served, else the
    /// latest legacy one that is (V-11). `None` when no legacy revision is served.
    pub fn begin(&self, params: &InitializeRequestParams, served: &Served) -> Option<Revision> {
        let asked = params.protocol_version.known();
        let revision = served.legacy().find(|revision| Some(*revision) == asked).or_else(|| served.legacy().max())?;
        let mut state = self.lock();
        state.capabilities = params.capabilities.clone();
        state.client_info = Some(params.client_info.clone());
        let place = Revision::ALL.iter().position(|known| *known == revision)?;
        self.revision.store(place + 1, Ordering::Release);
        Some(revision)
    }

    /// Notes that `notifications/initialized` arrived.
    pub fn ready(&self) {
        self.lock().ready = true;
    }

    /// Returns whether the handshake is complete.
    pub fn is_ready(&self) -> bool {
        self.lock().ready
    }

    /// Returns whether `initialize` was answered.
    pub fn is_begun(&self) -> bool {
        self.agreed().is_some()
    }

    /// Returns the revision that was agreed on; before that the latest legacy one.
    pub fn revision(&self) -> Revision {
        self.agreed().unwrap_or(Revision::LATEST_LEGACY)
    }

    /// Returns what the client declared in `initialize`.
    pub fn capabilities(&self) -> ClientCapabilities {
        self.lock().capabilities.clone()
    }

    /// Returns who the client says it is.
    pub fn client_info(&self) -> Option<Implementation> {
        self.lock().client_info.clone()
    }

    /// Returns the least severe log message that the session wants.
    pub fn log_level(&self) -> Option<LoggingLevel> {
        Some(self.lock().log_level.unwrap_or(LoggingLevel::Info))
    }

    /// Remembers what `logging/setLevel` asked for.
    pub fn set_log_level(&self, level: LoggingLevel) {
        self.lock().log_level = Some(level);
    }

    /// Remembers that the session wants to hear of changes of a resource.
    ///
    /// # Errors
    ///
    /// Refuses more than 1024 subscriptions.
    pub fn subscribe(&self, uri: &str) -> Result<(), RpcError> {
        let mut state = self.lock();
        if state.subscriptions.len() >= MAX_SUBSCRIPTIONS && !state.subscriptions.contains(uri) {
            return Err(RpcError::invalid_params("this session has 1024 subscriptions; unsubscribe from some first"));
        }
        state.subscriptions.insert(uri.to_owned());
        Ok(())
    }

    /// Forgets a subscription; returns whether there was one.
    pub fn unsubscribe(&self, uri: &str) -> bool {
        self.lock().subscriptions.remove(uri)
    }

    /// Returns whether the session wants to hear of changes of a resource.
    pub fn is_subscribed(&self, uri: &str) -> bool {
        self.lock().subscriptions.contains(uri)
    }

    /// Asks the client something: `elicitation/create`, `sampling/createMessage`, `roots/list` or `ping`.
    ///
    /// The request leaves by `via`, the notifier of the call that needs the answer: on that call's stream, or on the pipe
    /// (HL-17). Whether the client declared the capability for it is the caller's to check first.
    pub fn ask(self: &Arc<Self>, via: &Notifier, method: &'static str, params: &RawJson) -> Ask {
        Ask::new(Arc::clone(self), via.clone(), method, params)
    }

    /// Takes a response of the client in; returns whether a question waited for it. A driver passes every one here.
    pub fn answered(&self, response: Response) -> bool {
        let Some(RequestId::Number(id)) = response.id else { return false };
        let question = self.lock().take_question(id);
        question.is_some_and(|question| question.send(response.outcome).is_ok())
    }

    /// Ends the session: every question fails, now and later. A driver says so at the end of the input, when the session
    /// is deleted and when it expires.
    pub fn end(&self) {
        let mut state = self.lock();
        state.has_ended = true;
        let questions = std::mem::take(&mut state.questions);
        drop(state);
        // Outside of the lock, because this wakes who waits.
        drop(questions);
    }

    fn agreed(&self) -> Option<Revision> {
        let place = self.revision.load(Ordering::Acquire).checked_sub(1)?;
        Revision::ALL.get(place).copied()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is consistent between any two statements that hold the lock, so poisoning means nothing.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Notes that a question waits for its answer; returns the id to ask it under.
    fn await_answer(&mut self, answer: oneshot::Sender<Result<RawJson, RpcError>>) -> Result<i64, AskError> {
        if self.has_ended {
            return Err(AskError::Ended);
        }
        if self.questions.len() >= MAX_QUESTIONS {
            return Err(AskError::Refused(RpcError::internal("256 questions to this client wait for their answers")));
        }
        self.last_question += 1;
        self.questions.push((self.last_question, answer));
        Ok(self.last_question)
    }

    /// Returns whether the question still waited.
    fn forget_question(&mut self, id: i64) -> bool {
        self.take_question(id).is_some()
    }

    fn take_question(&mut self, id: i64) -> Option<oneshot::Sender<Result<RawJson, RpcError>>> {
        let at = self.questions.iter().position(|(asked, _)| *asked == id)?;
        Some(self.questions.swap_remove(at).1)
    }
}

#[cfg(test)]
mod tests {
    use mcp_types::{Params, ProtocolVersion};

    use super::*;

    fn request(method: &'static str) -> Request {
        Request { id: 1.into(), method: method.into(), params: Params::absent() }
    }

    fn hello(version: &str) -> InitializeRequestParams {
        InitializeRequestParams::new(
            ProtocolVersion::from(version),
            ClientCapabilities::default(),
            Implementation::new("test", "1"),
        )
    }

    #[track_caller]
    fn negotiates(asked: &str, answered: Revision) {
        let session = Session::new();
        assert_eq!(session.begin(&hello(asked), &Served::default()), Some(answered));
        assert_eq!(session.revision(), answered);
    }

    #[test]
    fn a_served_revision_is_echoed_and_any_other_gets_the_latest_legacy_one() {
        negotiates("2024-11-05", Revision::V2024_11_05);
        negotiates("2025-06-18", Revision::V2025_06_18);
        negotiates("2026-07-28", Revision::LATEST_LEGACY);
        negotiates("1999-01-01", Revision::LATEST_LEGACY);
    }

    #[test]
    fn only_initialize_and_ping_may_come_before_the_handshake() {
        let session = Session::new();
        assert_eq!(session.admit(&request("initialize")), Ok(()));
        assert_eq!(session.admit(&request("ping")), Ok(()));
        assert_eq!(session.admit(&request("tools/list")).unwrap_err().code.0, -32600);
        assert_eq!(session.admit(&request("server/discover")).unwrap_err().code.0, -32601);
    }

    #[test]
    fn a_session_is_initialized_once_and_has_the_methods_of_its_revision() {
        let session = Session::new();
        session.begin(&hello("2024-11-05"), &Served::default());
        assert_eq!(session.admit(&request("tools/list")), Ok(()));
        assert_eq!(session.admit(&request("initialize")).unwrap_err().code.0, -32600);
        assert_eq!(session.admit(&request("subscriptions/listen")).unwrap_err().code.0, -32601);
        assert_eq!(session.admit(&request("no/such/method")), Ok(()), "the service answers what nobody knows");
    }

    #[test]
    fn subscriptions_are_bounded() {
        let session = Session::new();
        for n in 0..MAX_SUBSCRIPTIONS {
            session.subscribe(&format!("test:{n}")).unwrap();
        }
        assert!(session.subscribe("test:more").is_err());
        assert!(session.subscribe("test:0").is_ok());
        assert!(session.unsubscribe("test:0"));
        assert!(!session.is_subscribed("test:0"));
        assert!(session.subscribe("test:more").is_ok());
    }
}
