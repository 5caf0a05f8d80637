//! MCP on one side, the API of a language model on the other: tools, calls and results in the form that each wants.
//!
// The samples of the README need the feature.
#![cfg_attr(feature = "client", doc = include_str!("../README.md"))]
//!
//! # The rooms
//!
//! ```text
//!   MCP servers                                                        the model
//!   tools/list ──► tools ─┬─ names    legal, unique, reversible ──► tools of a request
//!                         └─ schema   legal at every depth               │
//!   tools/call ◄── turn ◄─── arguments  read, checked, explained ◄── tool calls
//!       │           ▲ │
//!       └──► content ─┘ └────────────── next request ───────────► messages
//! ```
//!
//! What is drawn here is pure: data in, data out, and it needs no feature. Five modules wait, each behind a feature of its
//! own. `driver` waits for a model and for tools, and leaves every decision to [`turn`]. The tools are those of `servers`,
//! or of one server by `client`; the model is that of `model`; and `gateway` serves all of it to others.
//!
//! A loop of yours needs neither [`turn`] nor `driver`. It gives each call of the model to
//! [`ToolSet::resolve_call`](tools::ToolSet::resolve_call): only that knows the functions that stand for the tools for
//! which a request has no room, and checks the arguments.
//!
//! Three rules go through all of it:
//!
//! - **What goes out is legal.** One illegal tool, one unanswered call or one damaged picture makes a provider refuse the
//!   whole request. So each of them is repaired, answered or described here, and the report says what was done.
//! - **What cannot be understood is not run.** Broken arguments, unknown names and arguments that break the server's
//!   schema are answered with a reason that the model can act on.
//! - **Nothing is lost in silence.** Unknown members go back to the provider as they came, unknown blocks are shown as
//!   JSON, what is cut is marked.
//!
//! # Features
//!
//! | feature | what it adds | what it costs |
//! |---|---|---|
//! | `validate` | arguments are checked against the server's JSON Schema | `jsonschema`, without network |
//! | `driver` | the loop that waits | tokio's timer, `futures`, `async-trait` |
//! | `client` | the tools of MCP servers for that loop | `mcp-client`, without its features |
//! | `connect` | servers by URL and command, as LiteLLM's client has them | `mcp-client` with all of them |
//! | `model` | a model behind an OpenAI-compatible HTTP API; conversations recorded and played | `mcp-transport` with hyper and rustls |
//! | `gateway` | a `config.yaml` served to MCP clients and to clients of OpenAI's APIs | `mcp-server`, a YAML reader |
//! | `program` (default) | all of them, for the program `mcp-bridge` | |

pub mod arguments;
pub mod chat;
#[cfg(feature = "connect")]
pub mod client;
pub mod content;
#[cfg(feature = "driver")]
pub mod driver;
mod error;
#[cfg(feature = "gateway")]
pub mod gateway;
mod json;
mod members;
#[cfg(feature = "model")]
pub mod model;
pub mod names;
pub mod responses;
pub mod schema;
#[cfg(feature = "client")]
pub mod servers;
mod similar;
pub mod tools;
pub mod turn;

pub use error::{Error, Misuse, ModelError};
