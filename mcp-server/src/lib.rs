#![doc = include_str!("../README.md")]

mod ask;
mod builder;
mod changes;
mod completion;
mod context;
mod era;
mod error;
mod extract;
mod handler;
mod input;
mod list;
mod prompt;
mod random;
mod registry;
mod reply;
mod resource;
mod run;
mod schema;
mod server;
mod service;
mod task;
mod text;
mod text_values;
mod tool;

pub use mcp_transport as transport;
pub use mcp_transport::Limits;
#[cfg(feature = "http")]
pub use mcp_transport::http::{Guard, Http, RouteBody, Routes};
pub use mcp_transport::pipe::{Pipe, Stdio, stdio};
pub use mcp_types as types;
pub use mcp_types::{CacheScope, CallToolResult, ContentBlock, LoggingLevel, Revision, RpcError, implementation};

pub use ask::{Append, AskError, Elicitation, Form, Round, Url};
pub use builder::ServerBuilder;
pub use changes::Changes;
pub use completion::{IntoCompletion, Partial};
pub use context::Cx;
pub use error::{Error, Fault};
pub use extract::{
    Args, FromCall, InCompletion, InPrompt, InResource, InTemplate, InTool, Needs, State, Unfit, Uri, Vars,
};
pub use handler::Handler;
#[cfg(feature = "sealing")]
pub use input::{KeyRing, KeyTooShort, SealingKey};
pub use prompt::{IntoPrompt, Prompt, PromptReply};
pub use registry::Catalog;
pub use reply::{Audio, BoxError, Image, IntoToolResult, Json, ToolError, ToolReply};
pub use resource::{IntoContents, ReadReply, Resource, ResourceTemplate, UnsafePath, safe_path};
pub use server::Server;
pub use task::{MemoryTasks, NoTasks, TaskChange, TaskMode, TaskRecord, TaskStore, TaskStoreError};
pub use tool::Tool;
