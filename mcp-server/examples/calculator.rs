//! A calculator over standard streams.
//!
//! Try it: `cargo run --example calculator`, then type
//! `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"me","version":"1"}}}`
//! and
//! `{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"divide","arguments":{"a":1,"b":0}}}`.

use mcp_server::{Args, Error, Server, Tool, implementation, stdio};

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Numbers {
    /// The first number.
    a: f64,
    /// The second number.
    b: f64,
}

async fn add(Args(Numbers { a, b }): Args<Numbers>) -> f64 {
    a + b
}

async fn divide(Args(Numbers { a, b }): Args<Numbers>) -> Result<f64, &'static str> {
    if b == 0.0 { Err("cannot divide by zero; choose another `b`") } else { Ok(a / b) }
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let server = Server::builder(implementation!())
        .instructions("Calculates with two numbers.")
        .tool(Tool::new("add", add).description("Adds two numbers").read_only())
        .tool(Tool::new("divide", divide).description("Divides the first number by the second").read_only())
        .build()?;
    server.serve(stdio()).await
}
