//! The model of a loop, as a trait.

use async_trait::async_trait;

use crate::error::ModelError;
use crate::turn::{Api, Chat};

/// A model that can be asked over one of the two APIs.
///
/// Implementors send the request as it is and return the reply as it is. They do not send it again: the
/// [`Driver`](super::Driver) does that, by its [`Retry`](super::Retry), and needs the status and the wait that the
/// provider asks for in the [`ModelError`].
///
/// # Examples
///
/// ```
/// use async_trait::async_trait;
/// use mcp_openai_bridge::ModelError;
/// use mcp_openai_bridge::chat::{Completion, Message, Request};
/// use mcp_openai_bridge::driver::Model;
///
/// /// Says what was said to it.
/// struct Parrot;
///
/// #[async_trait]
/// impl Model for Parrot {
///     async fn complete(&self, request: &Request) -> Result<Completion, ModelError> {
///         let last = request.messages.last().map(Message::text).unwrap_or_default();
///         Ok(Completion::new(Message::new("assistant", last), "stop"))
///     }
/// }
/// ```
#[async_trait]
pub trait Model<A: Api = Chat>: Send + Sync {
    /// Asks the model.
    ///
    /// # Errors
    ///
    /// Fails when no reply came, when the provider refused the request, or when the reply cannot be read.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives up the reply; the provider may have made it, and counted it.
    async fn complete(&self, request: &A::Request) -> Result<A::Reply, ModelError>;

    /// Asks the model, gives the pieces of its reply to `chunks` as they come, and returns the whole reply.
    ///
    /// Implementors add to the request what the API wants for that (`stream`, `stream_options`). Unless it is written,
    /// the model is asked without streaming, and there are no pieces.
    ///
    /// # Errors
    ///
    /// Fails as [`complete`](Self::complete) does, and when the stream breaks off.
    ///
    /// # Cancel safety
    ///
    /// As that of [`complete`](Self::complete).
    async fn stream(
        &self,
        request: &A::Request,
        chunks: &mut (dyn FnMut(A::Chunk) + Send),
    ) -> Result<A::Reply, ModelError> {
        let _ = chunks;
        self.complete(request).await
    }
}
