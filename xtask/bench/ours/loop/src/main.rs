//! `ours-loop --model URL [--requests N] [--warm N] [--bare]`: asks one question after the other. To each the scripted
//! model answers with a call of `echo`, which an MCP server in this process runs, and then with a text.
//!
//! The tools are listed once, as they are by a program that answers many questions; the tool of a peer's loop is never
//! listed at all.
//!
//! With `--bare` it sends the two requests of such a question as they are, with nothing but hyper: what is left of the
//! difference is the loop's own share.

use std::{pin::Pin, sync::Arc, time::Instant};

use http_body_util::{BodyExt as _, Full};
use hyper::{Request as HttpRequest, body::Bytes, client::conn::http1};
use hyper_util::rt::TokioIo;
use mcp_bench_measure::{Measure, Options, driving};
use mcp_client::Client;
use mcp_openai_bridge::{
    chat::{Completion, Message, Request},
    driver::{self, End},
    model::HttpModel,
    servers::{Servers, Upstream},
    tools::ToolSet,
    turn::{Outcome, Step, Turn},
};
use tokio::net::TcpStream;

type Failure = Box<dyn std::error::Error>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let options = Options::read();
    let url = options.model.clone().ok_or("say --model URL")?;
    let server = mcp_bench_ours::server(0)?;
    let client = Client::connect(server.in_process()).await?;
    let servers = Servers::builder().server(Upstream::connected("bench", client)).build();
    let tools = servers.list().await.tools;
    if options.has("--bare") {
        let mut bare = Bare::open(&url, &tools).await?;
        for _ in 0..options.warm {
            bare.question().await?;
        }
        let (measure, mut took) = (Measure::begin(), Vec::new());
        for _ in 0..options.requests {
            let begun = Instant::now();
            bare.question().await?;
            took.push(begun.elapsed());
        }
        measure.end(took);
        return Ok(());
    }
    let model = HttpModel::builder(url).build()?;
    for _ in 0..options.warm {
        question(&model, &servers, &tools).await?;
    }
    let (measure, mut took) = (Measure::begin(), Vec::new());
    for _ in 0..options.requests {
        let begun = Instant::now();
        question(&model, &servers, &tools).await?;
        took.push(begun.elapsed());
    }
    measure.end(took);
    servers.close().await;
    Ok(())
}

fn turn(tools: &Arc<ToolSet>) -> Turn {
    let request = Request::new("scripted", [Message::user(QUESTION)]);
    Turn::new(request, Arc::clone(tools), mcp_openai_bridge::turn::Options::default())
}

async fn question(model: &HttpModel, servers: &Servers, tools: &Arc<ToolSet>) -> Result<(), Failure> {
    let mut turn = turn(tools);
    match driver::run(&mut turn, model, servers, &driver::Options::default()).await? {
        End::Done(end) if !end.text().is_empty() && turn.messages().len() >= 4 => Ok(()),
        other => Err(format!("the loop did not end with a text: {other:?}").into()),
    }
}

/// The two requests of a question, and a connection for them.
struct Bare {
    sender: http1::SendRequest<Full<Bytes>>,
    connection: Pin<Box<http1::Connection<TokioIo<TcpStream>, Full<Bytes>>>>,
    path: String,
    host: String,
    bodies: [Bytes; 2],
}

impl Bare {
    async fn open(url: &str, tools: &Arc<ToolSet>) -> Result<Self, Failure> {
        let (host, path) = url.trim_start_matches("http://").split_once('/').unwrap_or((url, ""));
        let (host, path) = (host.trim_start_matches("http://"), path.trim_end_matches('/'));
        let path = format!("{}/chat/completions", if path.is_empty() { String::new() } else { format!("/{path}") });
        let stream = TcpStream::connect(host).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let (connection, bodies) = (Box::pin(connection), [Bytes::new(), Bytes::new()]);
        let mut bare = Self { sender, connection, path, host: host.to_owned(), bodies };
        // The bodies are those that the loop sends.
        let mut turn = turn(tools);
        bare.bodies[0] = serde_json::to_vec(&turn.next_request())?.into();
        let reply: Completion = serde_json::from_slice(&bare.exchange(0).await?)?;
        let Step::Call(calls) = turn.handle_model(reply)? else { return Err("the model calls no tool".into()) };
        let results = calls.iter().map(|call| {
            let result = mcp_server::CallToolResult::text("hello");
            (call.index, Outcome::Result(result))
        });
        let Step::Ask = turn.handle_results(results.collect::<Vec<_>>())? else {
            return Err("nothing is left to ask".into());
        };
        bare.bodies[1] = serde_json::to_vec(&turn.next_request())?.into();
        Ok(bare)
    }

    async fn question(&mut self) -> Result<(), Failure> {
        for index in 0..self.bodies.len() {
            let reply: serde_json::Value = serde_json::from_slice(&self.exchange(index).await?)?;
            let expected = if index == 0 { "tool_calls" } else { "stop" };
            if reply["choices"][0]["finish_reason"] != expected {
                return Err(format!("expected {expected}: {reply}").into());
            }
        }
        Ok(())
    }

    async fn exchange(&mut self, index: usize) -> Result<Bytes, Failure> {
        let request = HttpRequest::post(&self.path)
            .header("host", &self.host)
            .header("content-type", "application/json")
            .header("accept", "application/json")
            .body(Full::new(self.bodies[index].clone()))?;
        let Self { sender, connection, .. } = self;
        let exchange = async {
            sender.ready().await?;
            sender.send_request(request).await?.into_body().collect().await
        };
        Ok(driving(connection.as_mut(), exchange).await?.to_bytes())
    }
}

const QUESTION: &str = "What does the echo say?";
