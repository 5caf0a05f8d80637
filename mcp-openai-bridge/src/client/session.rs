//! A connection of a client, and what the documents of LiteLLM's client do with one.
//!
//! The surprising thing: a model calls functions by names that it was shown in another session, perhaps. So the tools that
//! were loaded last are remembered by the client, not by the session.

use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use mcp_client::{Client, Error as ClientError, Misuse};
use mcp_types::{CallToolRequestParams, CallToolResult, ErrorCode, ProgressNotificationParams, RawJson};

use super::Error;
use crate::chat::{Arguments, ToolCall};
use crate::responses;
use crate::tools::{self, Resolved, ToolSet};

/// A connection to a server, for as long as an operation lasts.
///
/// It is a [`mcp_client::Client`] with a memory of the tools that a model was offered.
pub struct Session {
    client: Client,
    memory: Arc<Memory>,
}

/// The tools that were loaded last, and how they are converted.
pub(super) struct Memory {
    pub(super) label: String,
    pub(super) template: tools::Builder,
    pub(super) tools: Mutex<Option<Arc<ToolSet>>>,
}

impl Memory {
    pub(super) fn new(label: impl Into<String>, template: tools::Builder) -> Arc<Self> {
        Arc::new(Self { label: label.into(), template, tools: Mutex::default() })
    }

    pub(super) fn known(&self) -> Option<Arc<ToolSet>> {
        self.tools.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Session {
    pub(super) fn new(client: Client, memory: Arc<Memory>) -> Self {
        Self { client, memory }
    }

    /// Lists the tools and makes functions of them, with the names by which they are called from now on.
    ///
    /// # Errors
    ///
    /// Fails as [`Client::list_tools`] does; a server that offers no tools has none.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future cancels the request; what was known stays.
    pub async fn tool_set(&self) -> Result<Arc<ToolSet>, Error> {
        let listed = or_none(self.client.list_tools().await)?;
        let set = self.memory.template.clone().server(self.memory.label.as_str(), &listed).build();
        let set = Arc::new(set);
        *self.memory.tools.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&set));
        Ok(set)
    }

    /// Ends the connection in good order, for which the server has five seconds.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the rest of the ending to the drop of the connection, which does not wait.
    pub async fn close(self) {
        close(self.client).await;
    }

    async fn call(
        &self,
        request: CallToolRequestParams,
        observe: Option<&mut (dyn FnMut(ProgressNotificationParams) + Send)>,
    ) -> Result<CallToolResult, Error> {
        let mut call = self.client.tool(request.name).arguments(request.arguments);
        for (key, value) in request.meta.iter().flat_map(|meta| meta.extra.iter()) {
            call = call.meta(key, value.clone());
        }
        if let Some(observe) = observe {
            call = call.on_progress(observe);
        }
        Ok(call.call().await?.into_inner())
    }

    /// Makes a call of a model, which was offered the tools under the names of `resolve`'s set.
    async fn call_function(&self, resolve: impl Fn(&ToolSet) -> Resolved + Send) -> Result<CallToolResult, Error> {
        let known = self.memory.known().map(|known| resolve(&known));
        // Nothing was loaded, or the server has got a tool since.
        let resolved = match known {
            Some(resolved) if !matches!(resolved, Resolved::Unknown(_)) => resolved,
            _ => {
                let tools = self.tool_set().await?;
                resolve(&tools)
            }
        };
        match resolved {
            Resolved::Answer(text) => Ok(CallToolResult::text(text)),
            Resolved::Refused(rejection) => Err(rejection.into()),
            Resolved::Tool { tool, arguments } => Ok(self.client.call_tool(tool.tool(), arguments).await?.into_inner()),
            Resolved::Unknown(text) => Err(Error::Unknown(text)),
        }
    }
}

impl Deref for Session {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("client", &self.client).finish_non_exhaustive()
    }
}

/// The form of a tool definition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// As the server lists it.
    #[default]
    Mcp,
    /// A function of Chat Completions.
    OpenAi,
    /// A function of the Responses API.
    Responses,
}

/// Lists the tools of the server in a format, page by page to the end.
///
/// In the formats of OpenAI every tool is legal, whatever the server calls it; [`Session::tool_set`] says what was
/// changed, and [`call_openai_tool`] knows the names.
///
/// # Errors
///
/// Fails as [`Client::list_tools`] does; a server that offers no tools has none.
///
/// # Cancel safety
///
/// Dropping the future cancels the request.
pub async fn load_mcp_tools(session: &Session, format: Format) -> Result<Vec<RawJson>, Error> {
    match format {
        Format::Mcp => {
            let tools = or_none(session.client.list_tools().await)?;
            let encode = |tool| RawJson::encode(tool).map_err(|error| unencodable("tools/list", &error));
            tools.iter().map(encode).collect()
        }
        Format::OpenAi => Ok(session.tool_set().await?.chat()),
        Format::Responses => Ok(session.tool_set().await?.responses()),
    }
}

/// Calls a tool by the name that the server gave it.
///
/// # Errors
///
/// Fails as [`Client::call_tool`] does. A tool that failed gives a result.
///
/// # Cancel safety
///
/// Dropping the future cancels the call.
pub async fn call_mcp_tool(session: &Session, request: CallToolRequestParams) -> Result<CallToolResult, Error> {
    session.call(request, None).await
}

/// Calls a tool and hands every progress notification to `observe`.
///
/// # Errors
///
/// Fails as [`call_mcp_tool`] does.
///
/// # Cancel safety
///
/// Dropping the future cancels the call.
pub async fn call_mcp_tool_with_progress(
    session: &Session,
    request: CallToolRequestParams,
    mut observe: impl FnMut(ProgressNotificationParams) + Send,
) -> Result<CallToolResult, Error> {
    session.call(request, Some(&mut observe)).await
}

/// Makes a call of a Chat Completions reply.
///
/// The tools need not have been loaded in this session: the client remembers those that it loaded last, and loads them
/// when it knows none of that name.
///
/// # Errors
///
/// Fails when the arguments are no JSON object or, with the feature `validate`, break the tool's schema, and when there
/// is no such tool; nothing is run then. Fails as [`Client::call_tool`] does. A tool that failed gives a result.
///
/// # Cancel safety
///
/// Dropping the future cancels the call.
pub async fn call_openai_tool(session: &Session, call: &ToolCall) -> Result<CallToolResult, Error> {
    let absent = Arguments::Absent;
    let (name, arguments) = match &call.function {
        Some(function) => (function.name.as_str(), &function.arguments),
        None => ("", &absent),
    };
    session.call_function(|tools| tools.resolve_call(name, arguments)).await
}

/// Makes a call of a Responses reply.
///
/// # Errors
///
/// Fails as [`call_openai_tool`] does.
///
/// # Cancel safety
///
/// Dropping the future cancels the call.
pub async fn call_responses_tool(session: &Session, call: &responses::FunctionCall) -> Result<CallToolResult, Error> {
    let resolve = |tools: &ToolSet| match &call.namespace {
        Some(namespace) => tools.resolve_call_in(namespace, &call.name, &call.arguments),
        None => tools.resolve_call(&call.name, &call.arguments),
    };
    session.call_function(resolve).await
}

/// Ends a connection, for all who have a hand on it.
pub(super) async fn close(client: Client) {
    let _ = tokio::time::timeout(CLOSING, client.close()).await;
}

/// Takes a server that does not offer what is listed for one that has none of it.
pub(super) fn or_none<T>(listed: Result<Vec<T>, ClientError>) -> Result<Vec<T>, ClientError> {
    match listed {
        Err(ClientError::Misuse(Misuse::NotOffered { .. })) => Ok(Vec::new()),
        Err(ClientError::Rpc(error)) if error.code == ErrorCode::METHOD_NOT_FOUND => Ok(Vec::new()),
        listed => listed,
    }
}

fn unencodable(method: &str, error: &serde_json::Error) -> Error {
    let misuse = Misuse::Params { method: method.to_owned(), why: error.to_string() };
    ClientError::Misuse(misuse).into()
}

/// How long a server may take to end a connection.
const CLOSING: Duration = Duration::from_secs(5);
