//! A gateway in this process, with scripted servers behind it that count what they are asked.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures::StreamExt as _;
use http::{Request, Response};
use mcp_client::{Client, EraMode};
use mcp_openai_bridge::gateway::Gateway;
use mcp_openai_bridge::gateway::config::Config;
use mcp_openai_bridge::gateway::handler::Registry;
use mcp_openai_bridge::servers::Upstream;
use mcp_server::transport::era::Served;
use mcp_server::transport::era::legacy::Session;
use mcp_server::transport::memory::InProcess;
use mcp_server::transport::{Answer, Call, Limits, Service};
use mcp_server::types::{RawJson, implementation};
use mcp_server::{RouteBody, Routes, Server};
use serde_json::Value;

/// A server that counts the requests that reach it, by their methods.
#[derive(Clone)]
pub(super) struct Counted {
    server: Server,
    counts: Arc<Mutex<BTreeMap<String, usize>>>,
}

impl Counted {
    pub(super) fn new(server: Server) -> Self {
        Self { server, counts: Arc::default() }
    }

    /// Describes it as a server behind a gateway.
    pub(super) fn upstream(&self, label: &str) -> Upstream {
        let server = self.clone();
        Upstream::new(label, move || {
            let server = server.clone();
            async move { server.connect().await }
        })
    }

    /// Connects to it, as a gateway would.
    pub(super) async fn connect(&self) -> Result<Client, mcp_client::Error> {
        Client::connect(InProcess::serve(Arc::new(self.clone()), Limits::default())).await
    }

    /// Returns how often each method was asked since the last time, without what opens a connection.
    pub(super) fn taken(&self) -> BTreeMap<String, usize> {
        let mut counts = std::mem::take(&mut *self.counts.lock().unwrap());
        counts
            .retain(|method, _| !matches!(method.as_str(), "initialize" | "server/discover" | "subscriptions/listen"));
        counts
    }
}

impl Service for Counted {
    fn call(&self, call: Call) -> impl Future<Output = Answer> + Send {
        *self.counts.lock().unwrap().entry(call.request.method.to_string()).or_default() += 1;
        self.server.call(call)
    }

    fn served(&self) -> Served {
        Service::served(&self.server)
    }

    fn pushes(&self, session: &Arc<Session>) -> Option<futures::stream::BoxStream<'static, Bytes>> {
        self.server.pushes(session)
    }
}

/// A gateway of a file, with servers that the file does not know.
pub(super) async fn gateway(file: &str, upstreams: impl IntoIterator<Item = Upstream>) -> Gateway {
    let (config, _) = Config::parse(file, Path::new("."), &|_| None).unwrap();
    let functions = Registry::default()
        .function("clock", |arguments: RawJson| async move { format!("12:00 {arguments}") })
        .function("wait", |_: RawJson| async { std::future::pending::<()>().await })
        .function("panic", |_: RawJson| async { panics() });
    let builder = Gateway::builder(config).registry(functions);
    upstreams.into_iter().fold(builder, |builder, one| builder.server(one)).build().await.unwrap()
}

fn panics() {
    panic!("a function that panics");
}

/// A client of the modern era, and one of the legacy era.
pub(super) async fn clients(gateway: &Gateway) -> [Client; 2] {
    let connect =
        async |mode| Client::builder(implementation!()).era(mode).connect(gateway.in_process()).await.unwrap();
    [connect(EraMode::Modern).await, connect(EraMode::Legacy).await]
}

/// What came back over plain HTTP.
#[derive(Debug)]
pub(super) struct Got {
    pub(super) status: u16,
    pub(super) allow: Option<String>,
    pub(super) text: String,
}

impl Got {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// The word for programs in an answer that is none.
    pub(super) fn error(&self) -> String {
        self.json()["detail"]["error"].as_str().unwrap_or_default().to_owned()
    }
}

pub(super) async fn send(gateway: &Gateway, request: Request<Bytes>) -> Got {
    let response: Response<RouteBody> = gateway.routes().answer(request).await;
    let (head, body) = response.into_parts();
    let chunks: Vec<Bytes> = body.collect().await;
    let allow = head.headers.get("allow").map(|allow| allow.to_str().unwrap().to_owned());
    Got { status: head.status.as_u16(), allow, text: String::from_utf8(chunks.concat()).unwrap() }
}

pub(super) async fn get(gateway: &Gateway, target: &str) -> Got {
    send(gateway, Request::get(target).body(Bytes::new()).unwrap()).await
}

pub(super) async fn post(gateway: &Gateway, target: &str, body: &str) -> Got {
    let request = Request::post(target).header("content-type", "application/json");
    send(gateway, request.body(Bytes::from(body.to_owned())).unwrap()).await
}

/// Lets other tasks go as far as they can.
pub(super) async fn settle() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}
