//! The gateway: the tools of a `config.yaml` for any MCP client, and for any client of OpenAI's APIs.
//!
//! ```text
//!   config ──► handler ──► catalog ──┬─ /mcp      any revision of MCP
//!   servers ─────────────►           ├─ REST      LiteLLM's shapes
//!                                    └─ /v1       Chat Completions and Responses
//! ```

pub mod config;
pub mod handler;
pub mod v1;
