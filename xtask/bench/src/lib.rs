//! What the load generator and the limits share.
//!
//! The surprising thing: there is no protocol here. [`script`] writes requests as text, [`answer`] is the least that
//! satisfies a client, and both are what a server or a client of MCP is measured against.

pub mod answer;
pub mod http;
pub mod process;
pub mod script;
pub mod statistics;
