#![doc = include_str!("../README.md")]
//!
//! # How it works
//!
//! A request goes through these files, in this order; what has states is pure, what waits is not.
//!
//! ```text
//! client.rs ─► call.rs ─► gate.rs        may this be asked of this server?
//!     ▲          │  ▲ ▲
//!     │          │  │ └── ask.rs         what the server asks back, round by round (input/)
//!     │          │  └──── recovery.rs    what to try once more
//!     │          ▼
//!     │      connection.rs ─► era/modern.rs or era/legacy.rs    the form that the era wants
//!     │          │
//!     │          ▼
//!     │      mcp_transport::Transport    one exchange: notifications, then the response
//!     │          │
//!     └── answer.rs          inbox.rs ─► handler.rs    what is no answer
//!                                └─► reverse.rs        what a legacy server asks
//! ```
//!
//! Which era a server belongs to is decided once, in `era/probe.rs`; `endpoint.rs` opens what `target.rs` names.
//! Lists go through `list.rs`, which has `page.rs` for its guard and `cache.rs` for its memory. `listen/` holds
//! subscriptions, `task/` calls that became tasks, and `restart.rs` says when a child is started again.

mod answer;
mod ask;
mod builder;
mod cache;
mod call;
mod client;
mod connection;
mod endpoint;
mod era;
mod error;
mod gate;
mod handler;
mod inbox;
mod input;
mod list;
mod listen;
mod mirror;
mod page;
mod patience;
mod plain;
mod recovery;
mod restart;
mod reverse;
mod salvage;
mod target;
mod task;
mod tool;

pub use builder::ClientBuilder;
pub use client::Client;
pub use era::EraMode;
pub use error::{Error, InputRequired, Misuse, PeerMisbehaved, Refused, Timeout, Unsupported};
pub use handler::{Change, ClientHandler, HookFuture, Origin};
pub use list::ListedTools;
pub use listen::Subscription;
#[cfg(feature = "tls")]
pub use mcp_transport::http::Tls;
#[cfg(feature = "http")]
pub use mcp_transport::http::{HttpClient, HttpOptions};
pub use mcp_transport::memory::InProcess;
#[cfg(feature = "process")]
pub use mcp_transport::process::Command;
pub use mcp_transport::{ChildExit, Deadline, Fault, HttpFailure, Limits, Malformed, Secret};
pub use mcp_types as types;
pub use mcp_types::{Implementation, Revision};
pub use mirror::RefusedTool;
pub use target::Target;
pub use task::{Started, TaskHandle};
pub use tool::{ToolCall, ToolFailed, ToolResult};

/// Makes the [`Implementation`] of the crate that uses the macro, from its Cargo name and version.
///
/// # Examples
///
/// ```
/// let builder = mcp_client::Client::builder(mcp_client::implementation!());
/// assert!(format!("{builder:?}").contains(env!("CARGO_PKG_NAME")));
/// ```
#[macro_export]
macro_rules! implementation {
    () => {
        $crate::types::implementation!()
    };
}
