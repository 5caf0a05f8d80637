//! Streams that survive their connection: what a session has sent, and what a client has seen (HL-8, HL-9, HL-15).
//!
//! ```text
//! handler ─► SessionLog::append ─► Reader ─► SSE events with ids ─► Cursor::take ─► messages, each once
//!                    ▲                                                  │
//!                    └── SessionLog::resume ◄── Last-Event-ID ◄─────────┘ when the connection is lost
//! ```
//!
//! The surprising thing: the log is also the queue of the first connection. A reader that comes back is not another way
//! to the messages, it is the same way from a later place, so nothing can fall between replay and what follows it.

mod budget;
mod cursor;
mod id;
mod log;
#[cfg(test)]
mod tests;

pub use budget::ReplayBudget;
pub use cursor::{Comeback, Cursor, GaveUp, Loss};
pub use id::{EventId, Refusal, StreamId};
pub use log::{Finished, Next, Reader, SessionLog};
