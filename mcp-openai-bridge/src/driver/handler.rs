//! What servers ask, brought to the host of a loop.

use std::fmt;
use std::sync::Arc;

use mcp_client::{ClientHandler, HookFuture, Origin};
use mcp_types::{
    ClientCapabilities, CreateMessageRequestParams, CreateMessageResult, ElicitRequestParams, ElicitResult,
    ListRootsResult, LoggingMessageNotificationParams,
};

use super::{Event, Host, OpenQuestion};
use crate::turn::{Api, Chat};

/// The handler of a client whose server asks the [`Host`] of a loop: for a form, for a model, for directories.
///
/// # Examples
///
/// ```no_run
/// use std::sync::Arc;
///
/// use mcp_client::{Client, implementation};
/// use mcp_openai_bridge::driver::{Host, HostHandler};
///
/// # async fn example(host: Arc<dyn Host>) -> Result<(), mcp_client::Error> {
/// let handler = HostHandler::new(host, "time");
/// let client = Client::builder(implementation!()).handler(handler).connect("http://127.0.0.1:4000/mcp").await?;
/// # drop(client);
/// # Ok(())
/// # }
/// ```
pub struct HostHandler<A: Api = Chat> {
    host: Arc<dyn Host<A>>,
    /// What the server is called here; a name that it gives itself proves nothing.
    label: String,
}

impl<A: Api> HostHandler<A> {
    /// Makes the handler of the server that has this label.
    pub fn new(host: Arc<dyn Host<A>>, label: impl Into<String>) -> Self {
        Self { host, label: label.into() }
    }

    fn open(&self) -> Option<OpenQuestion<'_>> {
        self.host.questions().map(|questions| questions.open(&self.label))
    }
}

impl<A: Api> ClientHandler for HostHandler<A> {
    fn log(&self, message: LoggingMessageNotificationParams) {
        self.host.event(Event::Logged { server: &self.label, message: &message });
    }

    fn capabilities(&self) -> ClientCapabilities {
        self.host.capabilities()
    }

    fn elicit(&self, question: ElicitRequestParams, _: Origin) -> HookFuture<'_, ElicitResult> {
        Box::pin(async {
            let _open = self.open();
            Ok(self.host.elicit(&self.label, question).await)
        })
    }

    fn sample(&self, question: CreateMessageRequestParams, _: Origin) -> HookFuture<'_, CreateMessageResult> {
        Box::pin(async {
            let _open = self.open();
            self.host.sample(&self.label, question).await
        })
    }

    fn roots(&self, _: Origin) -> HookFuture<'_, ListRootsResult> {
        Box::pin(async { Ok(self.host.roots(&self.label).await) })
    }
}

impl<A: Api> fmt::Debug for HostHandler<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostHandler").field("label", &self.label).finish_non_exhaustive()
    }
}
