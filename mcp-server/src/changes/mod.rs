//! Telling clients that something changed (P-30 to P-42).
//!
//! ```text
//! Changes::tools() … ─▶ hub ─▶ table ─┬▶ subscriptions/listen: acknowledged, filtered, tagged
//!                                     └▶ legacy sessions: what was declared, what was subscribed to
//! ```
//!
//! The surprising thing: nothing is queued. What changed is a set, so a storm becomes one notification and a slow reader
//! costs no memory.

mod filter;
mod hub;
mod table;

pub(crate) use filter::{Offered, check_tasks};
pub use hub::Changes;
pub(crate) use hub::Subscription;
pub(crate) use table::{Notice, closing, tag};
