//! The client and the server of HTTP with SSE, the transport of 2024-11-05, with each other and with peers that misbehave.
#![cfg(all(feature = "http-client", feature = "http-server", feature = "sse-r1"))]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::net::SocketAddr;
use std::sync::Arc;

use futures::StreamExt as _;
use mcp_transport::http::{Http, HttpOptions, SseClient};
use mcp_transport::{Answer, Call, Error, Event, Incoming, Limits, Outgoing, Serve, Service, Transport};
use mcp_types::{InitializeRequestParams, RawJson, Revision, RpcError};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::Notify;

#[derive(Default)]
struct Tools {
    dropped: Notify,
}

struct Ending<'a>(&'a Notify);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

impl Service for Tools {
    async fn call(&self, call: Call) -> Answer {
        let session = call.caller.session().ok_or_else(|| RpcError::internal("no session"))?;
        match (&*call.request.method, call.request.params.name().as_deref()) {
            ("initialize", _) => {
                let params: InitializeRequestParams = call.request.params.decode()?;
                let revision = session.begin(&params, &self.served()).unwrap();
                Ok(RawJson::from(json!({"protocolVersion": revision.as_str()})))
            }
            ("tools/call", Some("ask")) => {
                let _ = call.notifier.send("notifications/progress", &RawJson::empty_object()).await;
                let asked = session.ask(&call.notifier, "roots/list", &RawJson::empty_object()).await;
                asked.map_err(|error| RpcError::internal(error.to_string()))
            }
            ("tools/call", Some("wait")) => {
                let _ending = Ending(&self.dropped);
                let _ = call.notifier.send("notifications/message", &RawJson::empty_object()).await;
                std::future::pending().await
            }
            ("tools/call", Some("large")) => Ok(RawJson::from(json!({"text": "x".repeat(1_000_000)}))),
            (method, _) => Err(RpcError::method_not_found(method)),
        }
    }
}

async fn serve() -> (Arc<Tools>, SocketAddr) {
    let http = Http::bind("127.0.0.1:0").await.unwrap().sse_at_endpoint();
    let (tools, address) = (Arc::new(Tools::default()), http.local_addr());
    tokio::spawn(http.serve(Arc::clone(&tools)));
    (tools, address)
}

async fn connect(address: SocketAddr, path: &str) -> Result<SseClient, Error> {
    SseClient::connect(&format!("http://{address}{path}"), HttpOptions::default()).await
}

async fn begin(client: &SseClient, version: &str) {
    let params = json!({"protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}});
    let exchange = client.open(Outgoing::new("initialize", RawJson::from(params))).await.unwrap();
    let answer: Value = exchange.finish(drop).await.unwrap().unwrap().decode().unwrap();
    assert_eq!(answer["protocolVersion"], version);
    client.settle(version.parse::<Revision>().unwrap());
    client.notify("notifications/initialized", None).await.unwrap();
}

fn call(tool: &str) -> Outgoing {
    Outgoing::new("tools/call", RawJson::from(json!({"name": tool})))
}

#[tokio::test]
async fn calls_questions_and_large_answers_go_both_ways_hs_2() {
    let (_, address) = serve().await;
    for (path, version) in [("/sse", "2024-11-05"), ("/mcp/", "2024-11-05"), ("/sse", "2025-06-18")] {
        let client = connect(address, path).await.unwrap();
        begin(&client, version).await;
        let mut inbound = client.inbound().unwrap();
        let exchange = client.open(call("ask")).await.unwrap();
        let answering = async {
            let requests = inbound.by_ref().filter_map(async |incoming| match incoming {
                Incoming::Request(request) => Some(request.id),
                Incoming::Notification(_) => None,
            });
            let mut requests = std::pin::pin!(requests);
            let id = requests.next().await.unwrap();
            client.answer(id, Ok(RawJson::from(json!({"roots": []})))).await.unwrap();
        };
        let (answer, ()) = tokio::join!(exchange.finish(drop), answering);
        assert_eq!(answer.unwrap().unwrap().as_str(), r#"{"roots":[]}"#);
        let answer = client.open(call("large")).await.unwrap().finish(drop).await.unwrap().unwrap();
        assert_eq!(answer.as_str().len(), 1_000_000 + 11);
        client.close().await;
    }
}

#[tokio::test]
async fn dropping_the_client_ends_the_session_and_its_calls_hs_4() {
    let (tools, address) = serve().await;
    let client = connect(address, "/sse").await.unwrap();
    begin(&client, "2024-11-05").await;
    let mut inbound = client.inbound().unwrap();
    let exchange = client.open(call("wait")).await.unwrap();
    assert!(matches!(inbound.next().await, Some(Incoming::Notification(_))));
    drop((client, exchange));
    tools.dropped.notified().await;
}

#[tokio::test]
async fn a_server_without_the_transport_is_found_out_by_trying_v_62() {
    let http = Http::bind("127.0.0.1:0").await.unwrap().without_sse();
    let address = http.local_addr();
    tokio::spawn(http.serve(Arc::new(Tools::default())));
    for (path, status) in [("/sse", 404), ("/mcp", 400)] {
        match connect(address, path).await {
            Err(Error::Http(failure)) => assert_eq!(failure.status, status),
            other => panic!("{other:?}"),
        }
    }
}

/// Answers the first connection with a stream of these events, and any other with this status.
async fn play(events: &'static str, status: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut held = Vec::new();
        let mut is_first = true;
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut buffer = [0; 4096];
            let _ = stream.read(&mut buffer).await;
            let answer = if std::mem::take(&mut is_first) {
                format!("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n{events}")
            } else {
                format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n")
            };
            let _ = stream.write_all(answer.as_bytes()).await;
            held.push(stream);
        }
    });
    address
}

#[tokio::test]
async fn an_address_on_another_server_is_never_posted_to_hs_3() {
    for events in [
        "event: endpoint\ndata: http://evil.test/messages\n\n",
        "event: endpoint\ndata: //evil.test/messages\n\n",
        "event: message\ndata: {}\n\n",
    ] {
        let address = play(events, "202 Accepted").await;
        assert!(matches!(connect(address, "/sse").await, Err(Error::Malformed(_))), "{events}");
    }
}

#[tokio::test]
async fn a_stream_that_says_no_address_is_not_waited_for_for_ever() {
    let address = play(": hello\n\n", "202 Accepted").await;
    let limits = Limits::default().connect_timeout(std::time::Duration::from_millis(50));
    let options = HttpOptions::default().limits(limits);
    let outcome = SseClient::connect(&format!("http://{address}/sse"), options).await;
    assert!(matches!(outcome, Err(Error::TimedOut(_))), "{outcome:?}");
}

#[tokio::test]
async fn a_refused_post_is_the_error_of_whoever_waits() {
    for (status, number) in [("401 Unauthorized", Some(401)), ("404 Not Found", None)] {
        let address = play("event: endpoint\ndata: /messages?session_id=1\n\n", status).await;
        let client = connect(address, "/sse").await.unwrap();
        let mut exchange = client.open(Outgoing::new("initialize", RawJson::empty_object())).await.unwrap();
        match (exchange.next().await, number) {
            (Err(Error::Http(failure)), Some(number)) => assert_eq!(failure.status, number),
            (Err(Error::SessionEnded), None) => {}
            (other, _) => panic!("{:?}", other.map(|event| matches!(event, Event::Response(_)))),
        }
    }
}
