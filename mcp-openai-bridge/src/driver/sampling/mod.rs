//! Servers that ask for a language model get the one of the loop.
//!
//! The surprising thing: the hints of a server about which model it would like are not followed. Whoever runs the loop
//! has chosen one, and pays for it.

mod convert;

use std::fmt;
use std::sync::Arc;

use mcp_types::{CreateMessageRequestParams, CreateMessageResult, ErrorCode, RpcError};

use super::Model;

/// Answers the sampling requests of servers with a model.
///
/// Texts, pictures, recordings and calls of the server's own tools go both ways. Nothing is run here: a call of the model
/// goes back to the server that offered the tool.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
///
/// use async_trait::async_trait;
/// use mcp_openai_bridge::driver::{Host, Model, SampleWithModel};
/// use mcp_types::{
///     ClientCapabilities, CreateMessageRequestParams, CreateMessageResult, RpcError, SamplingCapability,
/// };
///
/// struct Program {
///     sampling: SampleWithModel,
/// }
///
/// #[async_trait]
/// impl Host for Program {
///     fn capabilities(&self) -> ClientCapabilities {
///         ClientCapabilities::new().sampling(SamplingCapability::new())
///     }
///
///     async fn sample(
///         &self,
///         server: &str,
///         question: CreateMessageRequestParams,
///     ) -> Result<CreateMessageResult, RpcError> {
///         eprintln!("{server} asks the model");
///         self.sampling.answer(question).await
///     }
/// }
///
/// # fn example(model: Arc<dyn Model>) -> Program {
/// Program { sampling: SampleWithModel::new(model, "gpt-5").max_tokens(1000) }
/// # }
/// ```
#[derive(Clone)]
pub struct SampleWithModel {
    model: Arc<dyn Model>,
    name: String,
    max_tokens: u64,
}

impl SampleWithModel {
    /// Makes it of a model and the name by which requests ask for it.
    pub fn new(model: Arc<dyn Model>, name: impl Into<String>) -> Self {
        Self { model, name: name.into(), max_tokens: 4096 }
    }

    /// Sets how many tokens an answer may have at most, whatever a server asks for. Default 4096.
    #[must_use]
    pub fn max_tokens(mut self, tokens: u64) -> Self {
        self.max_tokens = tokens;
        self
    }

    /// Asks the model.
    ///
    /// # Errors
    ///
    /// Fails when the question cannot be asked over Chat Completions, when the model cannot be asked, and when it calls a
    /// tool with arguments that cannot be read. The server is not told the words of the provider.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives up the answer; the provider may have made it, and counted it.
    pub async fn answer(&self, question: CreateMessageRequestParams) -> Result<CreateMessageResult, RpcError> {
        let (request, tools) = convert::request(question, &self.name, self.max_tokens)?;
        let reply = self.model.complete(&request).await;
        let reply = reply.map_err(|_| RpcError::new(ErrorCode::INTERNAL, "the model could not be asked"))?;
        convert::result(reply, &tools, &self.name)
    }
}

impl fmt::Debug for SampleWithModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SampleWithModel").field("name", &self.name).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
