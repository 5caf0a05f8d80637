//! The tools of MCP servers, each called through its own client.
//!
//! The surprising thing: a server that offers no tools is as good as any other. It has none today, and a loop over
//! several servers does not end because of one.

use std::error::Error as StdError;
use std::sync::Arc;

use async_trait::async_trait;
use mcp_client::{Client, Deadline, Error as ClientError, Misuse};
use mcp_types::{CallToolResult, RawJson, Tool};

use super::{CallContext, Tools};
use crate::tools::ToolSet;
use crate::turn::Failure;

/// The tools of any number of MCP servers, known by their labels.
///
/// # Examples
///
/// ```no_run
/// use mcp_client::Client;
/// use mcp_openai_bridge::driver::McpTools;
///
/// # async fn example() -> Result<(), mcp_client::Error> {
/// let mut tools = McpTools::new();
/// tools.add("time", Client::connect("http://127.0.0.1:4000/mcp").await?).await?;
/// print!("{}", tools.tool_set().report());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct McpTools {
    /// In the order in which they were added, which is the order of their functions.
    servers: Vec<Server>,
}

#[derive(Clone, Debug)]
struct Server {
    label: String,
    client: Client,
    tools: Vec<Tool>,
}

impl McpTools {
    /// Makes a set without servers.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a server and lists its tools, which are returned. A server that offers none has none.
    ///
    /// The label stands in front of function names when there are several servers. A server that had it before is
    /// replaced.
    ///
    /// # Errors
    ///
    /// Fails when the list cannot be read; the server is not added then.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the client, and the server is not added.
    pub async fn add(&mut self, label: impl Into<String>, client: Client) -> Result<&[Tool], ClientError> {
        let tools = match client.list_tools().await {
            Err(ClientError::Misuse(Misuse::NotOffered { .. })) => Vec::new(),
            listed => listed?,
        };
        let label = label.into();
        self.servers.retain(|server| server.label != label);
        self.servers.push(Server { label, client, tools });
        Ok(self.servers.last().map(|server| server.tools.as_slice()).unwrap_or_default())
    }

    /// Returns the tools of all servers as functions of a model, as they were listed when the servers were added.
    ///
    /// For names that are kept free, or another prefix, build a [`ToolSet`] of one's own from [`iter`](Self::iter).
    pub fn tool_set(&self) -> Arc<ToolSet> {
        let builder = self.iter().fold(ToolSet::builder(), |builder, (label, tools)| builder.server(label, tools));
        Arc::new(builder.build())
    }

    /// Returns the labels and tools of the servers, in the order in which they were added.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[Tool])> {
        self.servers.iter().map(|server| (server.label.as_str(), server.tools.as_slice()))
    }

    /// Returns the client of a server.
    pub fn client(&self, label: &str) -> Option<&Client> {
        self.servers.iter().find(|server| server.label == label).map(|server| &server.client)
    }

    /// Ends all connections in good order, side by side.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the rest of the ending to the drop of the clients, which does not wait.
    pub async fn close(self) {
        futures::future::join_all(self.servers.into_iter().map(|server| server.client.close())).await;
    }
}

#[async_trait]
impl Tools for McpTools {
    async fn call(
        &self,
        server: &str,
        tool: &str,
        arguments: RawJson,
        cx: &CallContext<'_>,
    ) -> Result<CallToolResult, Failure> {
        let Some(client) = self.client(server) else { return Err(no_server(server)) };
        let call = client.tool(tool).arguments(arguments).on_progress(|told| cx.progress(told));
        Ok(call.call().await?.into_inner())
    }
}

fn no_server(label: &str) -> Failure {
    Failure::Transport { message: format!("there is no server `{label}`") }
}

/// Says to the model why a call has no result.
impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Rpc(error) => Self::Protocol { code: error.code.0, message: error.message },
            ClientError::TimedOut(timeout) => match timeout.deadline {
                Deadline::Connect(after) | Deadline::Idle(after) | Deadline::Total(after) => Self::TimedOut { after },
                _ => Self::Transport { message: timeout.deadline.to_string() },
            },
            error => Self::Transport { message: with_causes(&error) },
        }
    }
}

/// Writes an error and its causes, each once.
fn with_causes(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let told = error.to_string();
        if !text.contains(&told) {
            text = format!("{text}: {told}");
        }
        cause = error.source();
    }
    text
}
