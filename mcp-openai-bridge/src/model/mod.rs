//! A model behind an OpenAI-compatible HTTP API, and conversations that are recorded and played again.
//!
//! ```text
//! Driver ─► Recorder ─► HttpModel ─► mcp_transport::http::Fetch ─► the provider
//!              │            ├── base_url, body     where a request goes, and what is in it
//!              ▼            ├── answer, read       its bytes, with their deadlines; what they mean
//!            tape           └── refusal            what went wrong, without the key
//!              │
//! Driver ─► Replayer                             no network, no servers, the same bytes
//! ```
//!
//! The surprising thing: [`HttpModel`] never sends a request again. Whether that helps is for the policy of the
//! [`Driver`](crate::driver::Driver), which then holds for every model.

mod answer;
mod base_url;
mod body;
mod difference;
mod http;
mod read;
mod record;
mod refusal;
mod replay;
mod retry_after;
mod tape;

pub use base_url::BaseUrl;
pub use http::{HttpModel, HttpModelBuilder};
pub use record::{RecordedModel, RecordedTools, Recorder};
pub use replay::Replayer;
pub use tape::{RecordedTurn, Tape, TapeError};

#[cfg(test)]
mod tests;
