//! What MCP clients speak to: the server, which is brought up to date before it lists.

use std::sync::Arc;

use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::Either;
use futures::stream::BoxStream;
use mcp_server::transport::era::Served;
use mcp_server::transport::era::legacy::Session;
use mcp_server::transport::header::ParamHeaders;
use mcp_server::transport::{Answer, Call, Service};
use mcp_types::Notification;

use super::Gateway;

/// The gateway as a way in sees it.
pub(super) struct Front(pub(super) Gateway);

impl Front {
    fn server(&self) -> &mcp_server::Server {
        &self.0.inner.server
    }
}

impl Gateway {
    /// Returns whether the offer must be looked after before a method is answered: lists show what there is now; all
    /// else needs only that servers were listed once, and in the modern era nothing says that a client lists first.
    fn needs_offer(&self, method: &str) -> bool {
        match method {
            "tools/list" | "prompts/list" | "resources/list" | "resources/templates/list" => true,
            "tools/call" | "prompts/get" | "resources/read" => !self.has_offer(),
            _ => false,
        }
    }
}

impl Service for Front {
    fn call(&self, call: Call) -> impl Future<Output = Answer> + Send {
        if !self.0.needs_offer(&call.request.method) {
            return Either::Left(self.server().call(call));
        }
        // Boxed, because it is rare and every call would have room for it.
        let listed = async move {
            self.0.offer().await;
            self.server().call(call).await
        };
        Either::Right(listed.boxed())
    }

    fn notify(&self, notification: Notification, caller: &mcp_server::transport::Caller) {
        self.server().notify(notification, caller);
    }

    fn served(&self) -> Served {
        Service::served(self.server())
    }

    fn pushes(&self, session: &Arc<Session>) -> Option<BoxStream<'static, Bytes>> {
        self.server().pushes(session)
    }

    fn shutdown(&self) {
        self.server().shutdown();
    }

    fn param_headers(&self, tool: &str) -> Option<Arc<ParamHeaders>> {
        self.server().param_headers(tool)
    }
}
