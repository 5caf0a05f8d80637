//! A server with two tools that count how often they ran: `add`, which only reads, and `note`, which does not say so.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use mcp_server::{Args, Http, Server, State, Tool, implementation};
use schemars::JsonSchema;
use serde::Deserialize;

/// How often each tool really ran.
#[derive(Debug, Default)]
pub(crate) struct Ran {
    add: AtomicUsize,
    note: AtomicUsize,
}

impl Ran {
    /// Returns how often `add` and `note` ran.
    pub(crate) fn counts(&self) -> (usize, usize) {
        (self.add.load(Ordering::SeqCst), self.note.load(Ordering::SeqCst))
    }
}

#[derive(Deserialize, JsonSchema)]
struct Add {
    a: i64,
    b: i64,
}

#[derive(Deserialize, JsonSchema)]
struct Note {
    text: String,
}

async fn add(State(ran): State<Ran>, Args(Add { a, b }): Args<Add>) -> String {
    ran.add.fetch_add(1, Ordering::SeqCst);
    (a + b).to_string()
}

async fn note(State(ran): State<Ran>, Args(Note { text }): Args<Note>) -> Result<String, String> {
    ran.note.fetch_add(1, Ordering::SeqCst);
    if text.is_empty() { Err("a note needs a text".to_owned()) } else { Ok(format!("noted: {text}")) }
}

/// Serves tools that count their runs, for as long as the runtime lives.
pub(crate) async fn counting_server() -> (String, Arc<Ran>) {
    let ran = Arc::new(Ran::default());
    let server = Server::builder(implementation!())
        .shared_state(Arc::clone(&ran))
        .tool(Tool::new("add", add).description("Add two numbers").read_only())
        .tool(Tool::new("note", note).description("Take a note"))
        .build()
        .unwrap();
    let http = Http::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/mcp", http.local_addr());
    tokio::spawn(async move { server.serve(http).await });
    (url, ran)
}
