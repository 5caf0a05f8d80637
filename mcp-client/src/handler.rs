//! What a client does with what a server tells and asks by itself (T-120 to T-141, P-22).
//!
//! The surprising thing: what takes a notification is a plain function, what answers a question is a future. The
//! functions run where messages are read, so whoever has work to do there sends it to a task of its own; a slow one
//! holds up the connection, never the memory. The futures may take as long as a human does.

use std::pin::Pin;

use mcp_types::{
    ClientCapabilities, CreateMessageRequestParams, CreateMessageResult, ElicitRequestParams, ElicitResult, ErrorCode,
    Implementation, ListRootsResult, LoggingMessageNotificationParams, Notification, ProgressNotificationParams,
    RpcError, TaskStatus,
};

/// What a hook returns: the answer, or the error to refuse with.
pub type HookFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, RpcError>> + Send + 'a>>;

/// Takes what a server tells outside of answers, and answers what it asks; every method does nothing, or declines,
/// unless it is written.
///
/// The hooks [`elicit`](Self::elicit), [`sample`](Self::sample) and [`roots`](Self::roots) serve both eras: a modern
/// server asks in the middle of a request, a legacy one by a request of its own. They are asked only what
/// [`capabilities`](Self::capabilities) declares and what can be answered; several questions may be open at once. A hook
/// is dropped when nobody waits for the answer any more.
///
/// Implementors owe: to take notifications quickly and without waiting for the same client, and to ask the user before
/// they answer (P-22). A panic is caught when it comes from a message outside of every request, and reaches the caller
/// of the request otherwise.
///
/// A wrong use is to block on a request of the same client where a notification is taken: the answer would have to come
/// past the handler that waits for it.
///
/// # Examples
///
/// ```
/// use mcp_client::{Change, ClientHandler};
///
/// struct Printer;
///
/// impl ClientHandler for Printer {
///     fn changed(&self, change: Change) {
///         println!("changed: {change:?}");
///     }
/// }
/// ```
///
/// ```
/// use mcp_client::types::{ClientCapabilities, ElicitRequestParams, ElicitResult, ElicitationCapability};
/// use mcp_client::{ClientHandler, HookFuture, Origin};
///
/// struct Agreeable;
///
/// impl ClientHandler for Agreeable {
///     fn capabilities(&self) -> ClientCapabilities {
///         ClientCapabilities::new().elicitation(ElicitationCapability::new())
///     }
///
///     fn elicit(&self, _question: ElicitRequestParams, _origin: Origin) -> HookFuture<'_, ElicitResult> {
///         // The defaults of the form are filled in.
///         Box::pin(async { Ok(ElicitResult::new("accept")) })
///     }
/// }
/// ```
pub trait ClientHandler: Send + Sync + 'static {
    /// Takes a log message (P-90). It comes from the server: show it as such, and trust nothing in it.
    fn log(&self, message: LoggingMessageNotificationParams) {
        let _ = message;
    }

    /// Returns whether progress is wanted for requests that have no observer of their own; not so unless written.
    fn wants_progress(&self) -> bool {
        false
    }

    /// Takes the progress of a request that has no observer of its own, when [`wants_progress`](Self::wants_progress).
    fn progress(&self, progress: ProgressNotificationParams) {
        let _ = progress;
    }

    /// Takes note that something changed. What was cached of it is forgotten already.
    fn changed(&self, change: Change) {
        let _ = change;
    }

    /// Takes any other notification.
    fn notification(&self, notification: Notification) {
        let _ = notification;
    }

    /// Returns what the server is told that this client can be asked; nothing unless written.
    ///
    /// It is read once, when the client is built, and
    /// [`ClientBuilder::capabilities`](crate::ClientBuilder::capabilities) wins over it.
    fn capabilities(&self) -> ClientCapabilities {
        ClientCapabilities::new()
    }

    /// Asks the user to fill in a form or to open a URL; declines unless written.
    ///
    /// Members that the content of an accepted form leaves out get their defaults (T-134), and what does not fit the
    /// form is not sent (T-135).
    fn elicit(&self, question: ElicitRequestParams, origin: Origin) -> HookFuture<'_, ElicitResult> {
        let _ = (question, origin);
        Box::pin(async { Ok(ElicitResult::new("decline")) })
    }

    /// Asks a language model; refuses unless written.
    fn sample(&self, question: CreateMessageRequestParams, origin: Origin) -> HookFuture<'_, CreateMessageResult> {
        let _ = (question, origin);
        Box::pin(async { Err(RpcError::new(REJECTED_BY_USER, "the user rejected the sampling request")) })
    }

    /// Returns the directories that the server may work in; none unless written.
    fn roots(&self, origin: Origin) -> HookFuture<'_, ListRootsResult> {
        let _ = origin;
        Box::pin(async { Ok(ListRootsResult::new([])) })
    }
}

/// What the specification answers a sampling request with that the user does not want.
const REJECTED_BY_USER: ErrorCode = ErrorCode(-1);

/// Who asks a hook, so that the user can be shown it (P-22).
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Origin {
    /// Who the server says it is; for display only (T-28).
    pub server: Option<Implementation>,
    /// The key of the question among those of its round; `None` when a legacy server asks.
    pub key: Option<String>,
}

/// Ignores everything.
impl ClientHandler for () {}

/// Serves several clients, or one after the other.
impl<H: ClientHandler + ?Sized> ClientHandler for std::sync::Arc<H> {
    fn log(&self, message: LoggingMessageNotificationParams) {
        (**self).log(message);
    }

    fn wants_progress(&self) -> bool {
        (**self).wants_progress()
    }

    fn progress(&self, progress: ProgressNotificationParams) {
        (**self).progress(progress);
    }

    fn changed(&self, change: Change) {
        (**self).changed(change);
    }

    fn notification(&self, notification: Notification) {
        (**self).notification(notification);
    }

    fn capabilities(&self) -> ClientCapabilities {
        (**self).capabilities()
    }

    fn elicit(&self, question: ElicitRequestParams, origin: Origin) -> HookFuture<'_, ElicitResult> {
        (**self).elicit(question, origin)
    }

    fn sample(&self, question: CreateMessageRequestParams, origin: Origin) -> HookFuture<'_, CreateMessageResult> {
        (**self).sample(question, origin)
    }

    fn roots(&self, origin: Origin) -> HookFuture<'_, ListRootsResult> {
        (**self).roots(origin)
    }
}

/// What a server says has changed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Change {
    /// Anything: changes may have been missed while there was no connection or no subscription (H-21).
    Missed,
    /// The list of prompts.
    Prompts,
    /// What can be read at this URI.
    Resource(String),
    /// The list of resources, and the list of templates with it.
    Resources,
    /// A task of the server (XT-11).
    Task {
        /// The id of the task.
        id: String,
        /// How far it has come.
        status: TaskStatus,
    },
    /// The list of tools.
    Tools,
}
