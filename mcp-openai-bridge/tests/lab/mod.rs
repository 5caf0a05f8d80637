//! A server that does what a test says and counts what it is asked, over pipes in memory.

#![allow(dead_code, reason = "every test uses its own part of it")]
#![allow(clippy::unwrap_used, reason = "it is part of tests, which clippy cannot see")]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mcp_client::{Client, Error as ClientError, Target};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::time::timeout;

/// A server that does what the test says.
#[derive(Default)]
pub(crate) struct Lab {
    pub(crate) tools: Mutex<Vec<&'static str>>,
    pub(crate) is_modern: bool,
    pub(crate) tells_changes: bool,
    /// Whether a subscription ends as soon as it was acknowledged.
    pub(crate) ends_subscriptions: bool,
    /// Whether a tool without an input schema is listed, too.
    pub(crate) lists_broken: bool,
    pub(crate) ttl: Option<u64>,
    /// How long lists and calls take.
    pub(crate) list_takes: Mutex<Duration>,
    pub(crate) call_takes: Duration,
    pub(crate) refuses_lists: AtomicBool,
    pub(crate) refuses_connections: AtomicBool,
    pub(crate) connects: AtomicUsize,
    pub(crate) running: AtomicUsize,
    pub(crate) most: AtomicUsize,
    pub(crate) requests: Mutex<BTreeMap<String, usize>>,
    /// The ways to the clients that are connected.
    pub(crate) clients: Mutex<Vec<UnboundedSender<Value>>>,
}

impl Lab {
    pub(crate) fn new(tools: &[&'static str]) -> Self {
        Self { tools: Mutex::new(tools.to_vec()), ..Self::default() }
    }

    pub(crate) async fn connect(self: Arc<Self>) -> Result<Client, ClientError> {
        self.connects.fetch_add(1, Ordering::SeqCst);
        if self.refuses_connections.load(Ordering::SeqCst) {
            return Err(ClientError::Closed);
        }
        let (client, server) = tokio::io::duplex(64 * 1024);
        tokio::spawn(self.serve(server));
        let (reader, writer) = tokio::io::split(client);
        Client::connect(Target::stream(reader, writer)).await
    }

    async fn serve(self: Arc<Self>, stream: DuplexStream) {
        let (reader, mut writer) = tokio::io::split(stream);
        let (sender, mut outgoing) = unbounded_channel::<Value>();
        self.clients.lock().unwrap().push(sender.clone());
        let mut lines = BufReader::new(reader).lines();
        loop {
            tokio::select! {
                line = lines.next_line() => {
                    let Ok(Some(line)) = line else { return };
                    let message: Value = serde_json::from_str(&line).unwrap();
                    let (lab, sender) = (Arc::clone(&self), sender.clone());
                    tokio::spawn(async move {
                        for answer in lab.answer(&message).await {
                            let _ = sender.send(answer);
                        }
                    });
                }
                Some(message) = outgoing.recv() => {
                    if message.is_null() {
                        return; // The connection is cut.
                    }
                    writer.write_all(format!("{message}\n").as_bytes()).await.unwrap();
                }
            }
        }
    }

    async fn answer(&self, message: &Value) -> Vec<Value> {
        let method = message["method"].as_str().unwrap_or_default();
        *self.requests.lock().unwrap().entry(method.to_owned()).or_default() += 1;
        let id = &message["id"];
        let reply = |result: Value| vec![json!({ "jsonrpc": "2.0", "id": id, "result": result })];
        let refuse =
            |code: i64| vec![json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": "scripted" } })];
        let capabilities = json!({ "tools": { "listChanged": self.tells_changes } });
        match method {
            "server/discover" if self.is_modern => reply(
                json!({ "resultType": "complete", "supportedVersions": ["2026-07-28"], "capabilities": capabilities, "ttlMs": 0, "cacheScope": "private" }),
            ),
            "initialize" => reply(
                json!({ "protocolVersion": "2025-11-25", "capabilities": capabilities, "serverInfo": { "name": "lab", "version": "1" } }),
            ),
            "subscriptions/listen" => {
                let meta = json!({ "io.modelcontextprotocol/subscriptionId": id });
                let mut told = vec![
                    json!({ "jsonrpc": "2.0", "method": "notifications/subscriptions/acknowledged", "params": { "notifications": { "toolsListChanged": true }, "_meta": meta } }),
                ];
                if self.ends_subscriptions {
                    told.extend(reply(json!({ "resultType": "complete" })));
                }
                told
            }
            "tools/list" => {
                let takes = *self.list_takes.lock().unwrap();
                pass(takes).await;
                if self.refuses_lists.load(Ordering::SeqCst) {
                    return refuse(-32603);
                }
                let tools = self.tools.lock().unwrap().clone();
                let mut tools: Vec<Value> =
                    tools.iter().map(|name| json!({ "name": name, "inputSchema": { "type": "object" } })).collect();
                if self.lists_broken {
                    tools.insert(0, json!({ "name": "broken", "description": "has no schema" }));
                }
                let mut result = json!({ "resultType": "complete", "tools": tools });
                if let Some(ttl) = self.ttl {
                    result["ttlMs"] = json!(ttl);
                    result["cacheScope"] = json!("private");
                }
                reply(result)
            }
            "tools/call" => {
                let running = self.running.fetch_add(1, Ordering::SeqCst) + 1;
                self.most.fetch_max(running, Ordering::SeqCst);
                pass(self.call_takes).await;
                self.running.fetch_sub(1, Ordering::SeqCst);
                let token = &message["params"]["_meta"]["progressToken"];
                let progress = json!({ "progressToken": token, "progress": 1, "total": 2 });
                let told = json!({ "jsonrpc": "2.0", "method": "notifications/progress", "params": progress });
                let said = message["params"]["arguments"].to_string();
                let result = json!({ "resultType": "complete", "content": [{ "type": "text", "text": said }] });
                vec![told, json!({ "jsonrpc": "2.0", "id": id, "result": result })]
            }
            _ if id.is_null() => Vec::new(),
            _ => refuse(-32601),
        }
    }

    /// Waits until nobody is connected any more.
    pub(crate) async fn left(&self) {
        let clients = std::mem::take(&mut *self.clients.lock().unwrap());
        futures::future::join_all(clients.iter().map(UnboundedSender::closed)).await;
    }

    pub(crate) fn requests(&self, method: &str) -> usize {
        self.requests.lock().unwrap().get(method).copied().unwrap_or_default()
    }

    /// Lists other tools from now on, and tells the clients so.
    pub(crate) fn change(&self, tools: &[&'static str]) {
        *self.tools.lock().unwrap() = tools.to_vec();
        let told = json!({ "jsonrpc": "2.0", "method": "notifications/tools/list_changed" });
        self.clients.lock().unwrap().retain(|client| client.send(told.clone()).is_ok());
    }

    pub(crate) fn cut(&self) {
        self.clients.lock().unwrap().drain(..).for_each(|client| drop(client.send(Value::Null)));
    }
}

/// Lets paused time pass.
pub(crate) async fn pass(time: Duration) {
    if !time.is_zero() {
        let _ = timeout(time, std::future::pending::<()>()).await;
    }
}
