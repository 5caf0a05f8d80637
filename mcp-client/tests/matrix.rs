//! The nine cells of digest 2.6, over a real pipe in memory: which client can talk to which server, and in what.

#![allow(clippy::unwrap_used, reason = "it is all test")]

use std::sync::Arc;

use mcp_client::types::{Era, InitializeRequestParams, RawJson, Revision, RpcError};
use mcp_client::{Client, EraMode, Error, Implementation, InProcess, Limits};
use mcp_transport::era::Served;
use mcp_transport::{Answer, Call, Service};
use serde_json::{Value, json};

/// A server with one tool, which says in which revision it was called.
struct Echo(Served);

impl Echo {
    fn answer(&self, call: &Call) -> Result<Value, RpcError> {
        let offers = json!({"tools": {}});
        match &*call.request.method {
            "server/discover" => {
                let versions: Vec<&str> = self.0.modern().map(Revision::as_str).collect();
                Ok(json!({"resultType": "complete", "supportedVersions": versions, "capabilities": offers}))
            }
            "initialize" => {
                let session = call.caller.session().ok_or_else(|| RpcError::internal("there is no session"))?;
                let params: InitializeRequestParams = call.request.params.decode()?;
                let unserved = || self.0.unsupported(params.protocol_version.as_str()).error;
                let revision = session.begin(&params, &self.0).ok_or_else(unserved)?;
                let server = json!({"name": "echo", "version": "1"});
                Ok(json!({"protocolVersion": revision.as_str(), "capabilities": offers, "serverInfo": server}))
            }
            "tools/call" => {
                let text = call.caller.revision().as_str();
                Ok(json!({"content": [{"type": "text", "text": text}]}))
            }
            method => Err(RpcError::method_not_found(method)),
        }
    }
}

impl Service for Echo {
    async fn call(&self, call: Call) -> Answer {
        self.answer(&call).map(RawJson::from)
    }

    fn served(&self) -> Served {
        self.0.clone()
    }
}

fn of(era: Era) -> Vec<Revision> {
    Revision::ALL.into_iter().filter(|revision| revision.era() == era).collect()
}

async fn connect(mode: EraMode, served: &[Revision]) -> Result<Client, Error> {
    let served: Served = served.iter().copied().collect();
    let server = InProcess::serve(Arc::new(Echo(served)), Limits::default());
    Client::builder(Implementation::new("t", "1")).era(mode).connect(server).await
}

#[track_caller]
fn told(client: &Client, text: &str) {
    assert_eq!(client.revision().as_str(), text, "the server was called in the revision that the client thinks it is");
}

/// Connects, calls, and expects to be spoken to in `revision`.
async fn speaks(mode: EraMode, served: &[Revision], revision: Revision) {
    let client = connect(mode, served).await.unwrap();
    let text = client.call_tool("echo", ()).await.unwrap().text();
    told(&client, &text);
    assert_eq!(client.revision(), revision);
    client.close().await;
}

async fn fails(mode: EraMode, served: &[Revision]) {
    let error = connect(mode, served).await.unwrap_err();
    assert!(matches!(error, Error::Unsupported(_)), "{error:?}");
}

#[tokio::test]
async fn a_modern_client_talks_to_modern_and_dual_servers_and_fails_clearly_on_legacy_ones() {
    speaks(EraMode::Modern, &of(Era::Modern), Revision::V2026_07_28).await;
    fails(EraMode::Modern, &of(Era::Legacy)).await;
    speaks(EraMode::Modern, &Revision::ALL, Revision::V2026_07_28).await;
}

#[tokio::test]
async fn a_dual_client_talks_to_every_server_and_prefers_the_modern_era() {
    speaks(EraMode::Auto, &of(Era::Modern), Revision::V2026_07_28).await;
    speaks(EraMode::Auto, &of(Era::Legacy), Revision::V2025_11_25).await;
    speaks(EraMode::Auto, &Revision::ALL, Revision::V2026_07_28).await;
}

#[tokio::test]
async fn a_legacy_client_talks_to_legacy_and_dual_servers_and_fails_clearly_on_modern_ones() {
    fails(EraMode::Legacy, &of(Era::Modern)).await;
    speaks(EraMode::Legacy, &of(Era::Legacy), Revision::V2025_11_25).await;
    speaks(EraMode::Legacy, &Revision::ALL, Revision::V2025_11_25).await;
}

#[tokio::test]
async fn every_revision_alone_is_found_and_spoken() {
    for revision in Revision::ALL {
        speaks(EraMode::Auto, &[revision], revision).await;
    }
}
