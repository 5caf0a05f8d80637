//! The JSON-RPC 2.0 envelope, as the specification's *Base Protocol* narrows it.
//!
//! The surprising thing: [`Message::parse`] reads a message in one walk. It checks the whole text, finds the members
//! that route it, and keeps `params` as bytes until somebody knows the method.

mod encode;
mod error;
mod id;
mod message;
mod params;

pub use encode::{RESPONSE_END, error_response, notification, progress, request, response, response_start};
pub use error::{ErrorCode, RpcError};
pub use id::{ProgressToken, RequestId};
pub use message::{Malformed, Message, Notification, Request, Response};
pub(crate) use params::text_of;
pub use params::{MetaView, Params};
