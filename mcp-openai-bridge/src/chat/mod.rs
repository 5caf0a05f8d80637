//! Chat Completions: the request, the reply and what stands in them, as far as a tool loop has to look.
//!
//! Providers differ in what else they send (`reasoning_content`, `annotations`, `logprobs`), and a message goes back to
//! the provider that wrote it. So every type keeps the members it does not know, in `extra`, as they came.

mod assembler;
mod call;
mod calls;
mod chunk;
mod completion;
pub(crate) mod fault;
mod merge;
mod message;
mod relay;
mod request;
mod usage;

pub use assembler::Assembler;
pub use call::{Arguments, FunctionCall, ToolCall};
pub use chunk::{Chunk, ChunkChoice, Delta, FunctionDelta, ToolCallDelta};
pub use completion::{Choice, Completion};
pub use fault::StreamFault;
pub use message::Message;
pub use relay::{PassedCall, Relay};
pub use request::Request;
pub use usage::Usage;

pub(crate) use crate::members::{object_json, text_json};

#[cfg(test)]
mod relay_tests;
#[cfg(test)]
mod stream_tests;
#[cfg(test)]
mod tests;
