//! The answers that the transport itself gives to a legacy server: to `ping`, and refusals (HL-4, HL-6).
//!
//! The surprising thing: the queue is what makes a server wait. Whoever reads a stream stops reading while it is full, so
//! a server that asks faster than it takes answers fills its own socket and not our memory.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use mcp_types::{RawJson, RequestId, RpcError};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::shared::Shared;
use crate::limits::Limits;

/// The answer to one request of the server.
type Reply = (RequestId, Result<RawJson, RpcError>);

/// The answers of a client that are still to be sent, one after the other.
pub(super) struct Replies {
    sender: mpsc::Sender<Reply>,
    /// Where they are taken from, until there is a first one and with it a task that sends them.
    waiting: Mutex<Option<mpsc::Receiver<Reply>>>,
}

impl Replies {
    pub(super) fn new(limits: &Limits) -> Self {
        let (sender, receiver) = mpsc::channel(limits.in_flight.clamp(1, MAX_WAITING));
        Self { sender, waiting: Mutex::new(Some(receiver)) }
    }

    /// Adds an answer, and waits while too many of them wait.
    pub(super) async fn push(&self, shared: &Arc<Shared>, id: RequestId, outcome: Result<RawJson, RpcError>) {
        // Taking the receiver is one call, so poisoning means nothing.
        let first = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(replies) = first {
            tokio::spawn(send_all(Arc::downgrade(shared), replies));
        }
        // It is only refused when the runtime of the task is gone, and then nobody can send it.
        let _ = self.sender.send((id, outcome)).await;
    }
}

/// Sends answers until the client is gone, which takes the other end of the queue with it.
async fn send_all(shared: Weak<Shared>, mut replies: mpsc::Receiver<Reply>) {
    while let Some((id, outcome)) = replies.recv().await {
        let Some(shared) = shared.upgrade() else { return };
        // The server will miss the answer; there is nobody here to tell.
        let _ = timeout(shared.limits.request_timeout, shared.answer(&id, &outcome)).await;
    }
}

/// Answers that wait, at most, whatever the limits say: the queue has a largest size of its own.
const MAX_WAITING: usize = 1 << 20;
