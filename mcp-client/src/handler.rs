//! What a client does with what a server tells by itself.
//!
//! The surprising thing: these are plain functions, not futures. They run where messages are read, so whoever has work
//! to do sends it to a task of its own; a slow one holds up the connection, never the memory.

use mcp_types::{LoggingMessageNotificationParams, Notification, ProgressNotificationParams};

/// Takes what a server tells outside of answers; every method does nothing unless it is written.
///
/// Implementors owe: to return quickly and not to wait for the same client. A panic is caught when it comes from a
/// message outside of every request, and reaches the caller of the request otherwise.
///
/// A wrong use is to block on a request of the same client in here: the answer would have to come past the handler that
/// waits for it.
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
}

/// Ignores everything.
impl ClientHandler for () {}

/// What a server says has changed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Change {
    /// The list of prompts.
    Prompts,
    /// What can be read at this URI.
    Resource(String),
    /// The list of resources, and the list of templates with it.
    Resources,
    /// The list of tools.
    Tools,
}
