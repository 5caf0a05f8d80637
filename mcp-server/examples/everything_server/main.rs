//! A server with one of everything: what the official conformance suite asks of a server.
//!
//! It listens on `127.0.0.1` at the port that the environment names in `PORT`, path `/mcp`, in every revision. Names and
//! contents are those that the suite looks for; `cargo xtask conformance --official` runs it.
//!
//! Each file is about one thing that a server can do:
//!
//! | file | what it shows |
//! |---|---|
//! | `content` | what the result of a tool may hold |
//! | `calls` | what happens around a call: progress, log messages, headers, changes, a stream that is closed |
//! | `asks` | tools that ask the client something, in both eras |
//! | `forms` | everything that a form may hold |
//! | `jobs` | tools that go on as tasks |
//! | `resources` | resources, and a template of them |
//! | `prompts` | prompts with arguments, and one that asks |
//!
//! Try it: `PORT=4000 cargo run --example everything_server`.

mod asks;
mod calls;
mod content;
mod forms;
mod jobs;
mod prompts;
mod resources;

use std::time::Duration;

use mcp_server::{BoxError, CacheScope, Changes, Http, Server, Tool, implementation};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let port: u16 = std::env::var("PORT").map_err(|error| format!("PORT: {error}; name a port in it"))?.parse()?;
    let http = Http::bind(format!("127.0.0.1:{port}")).await?;
    eprintln!("serving at http://{}/mcp", http.local_addr());
    Ok(server()?.serve(http).await?)
}

fn server() -> Result<Server, mcp_server::Error> {
    let changes = Changes::new();
    let builder = Server::builder(implementation!())
        .instructions("Has one of everything, for the conformance suite.")
        .logging()
        // The server reads what changed; the tools that change something take it as their state.
        .changes(changes.clone())
        .state(changes)
        .cache(Duration::from_secs(60), CacheScope::Public)
        .template(resources::template());
    let builder = tools().fold(builder, |builder, tool| builder.tool(tool));
    let builder = resources::all().into_iter().fold(builder, |builder, resource| builder.resource(resource));
    prompts::all().into_iter().fold(builder, |builder, prompt| builder.prompt(prompt)).build()
}

/// All tools. The order matters: the suite calls the first one without arguments.
fn tools() -> impl Iterator<Item = Tool> {
    content::tools().into_iter().chain(calls::tools()).chain(asks::tools()).chain(forms::tools()).chain(jobs::tools())
}
