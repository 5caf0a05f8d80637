//! The Responses API: the request, the response, the items that stand in both, and the events of a stream.
//!
//! Everything in this API is an item: messages, calls, their outputs, reasoning, lists of MCP tools. Items that are not
//! known here stay as they came, byte for byte, because they go back to the provider that wrote them. The surprising
//! thing: a call is known by its `call_id`; its `id` is only the name of the item.

mod assembler;
mod call;
mod event;
mod item;
pub mod mcp;
mod message;
mod relay;
mod request;
mod response;

pub use crate::chat::StreamFault;
pub use assembler::Assembler;
pub use call::{FunctionCall, FunctionCallOutput};
pub use event::Event;
pub use item::Item;
pub use message::Message;
pub use relay::Relay;
pub use request::Request;
pub use response::Response;

#[cfg(test)]
mod stream_tests;
#[cfg(test)]
mod tests;
