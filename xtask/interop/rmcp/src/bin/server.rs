//! The Rust SDK as a server, in both eras at once; it offers what `xtask/src/interop/offer.rs` says of it.
//!
//! `server http` binds a free port of 127.0.0.1 and prints the URL, `server stdio` speaks over its standard streams.

use std::{env, error::Error, io, time::Duration};

use hyper::server::conn::http1;
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use rmcp::{
    ErrorData, RoleServer, ServerHandler, ServiceExt,
    handler::server::wrapper::Parameters,
    model::{
        CallToolResult, ContentBlock, Implementation, ListResourcesResult, PaginatedRequestParams,
        ProgressNotificationParam, PromptMessage, ReadResourceRequestParams, ReadResourceResponse, ReadResourceResult,
        Resource, ResourceContents, Role, ServerCapabilities, ServerConfig,
    },
    prompt, prompt_handler, prompt_router, schemars,
    service::RequestContext,
    tool, tool_handler, tool_router,
    transport::{
        stdio,
        streamable_http_server::{
            StreamableHttpServerConfig, StreamableHttpService, session::local::LocalSessionManager,
        },
    },
};
use serde::Deserialize;
use tokio::net::TcpListener;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    if env::args().nth(1).as_deref() == Some("stdio") {
        Offer.serve(stdio()).await?.waiting().await?;
        return Ok(());
    }
    serve_http().await?;
    Ok(())
}

async fn serve_http() -> io::Result<()> {
    let service = StreamableHttpService::new(
        || Ok(Offer),
        LocalSessionManager::default().into(),
        StreamableHttpServerConfig::default(),
    );
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    println!("http://{}/mcp", listener.local_addr()?);
    loop {
        let (connection, _) = listener.accept().await?;
        let service = TowerToHyperService::new(service.clone());
        // A connection that breaks is the business of its client.
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(connection), service));
    }
}

/// What the server offers.
#[derive(Clone)]
struct Offer;

#[derive(Deserialize, schemars::JsonSchema)]
struct Echo {
    text: String,
}

#[derive(Deserialize, schemars::JsonSchema)]
struct Add {
    a: f64,
    b: f64,
}

#[derive(Deserialize, schemars::JsonSchema)]
struct Countdown {
    seconds: f64,
    steps: u32,
}

#[derive(Deserialize, schemars::JsonSchema)]
struct Summarize {
    text: String,
    style: Option<String>,
}

#[tool_router]
impl Offer {
    #[tool(description = "Says the text again.")]
    async fn echo(&self, Parameters(Echo { text }): Parameters<Echo>) -> String {
        text
    }

    #[tool(description = "Adds two numbers.")]
    async fn add(&self, Parameters(Add { a, b }): Parameters<Add>) -> String {
        (a + b).to_string()
    }

    #[tool(description = "Waits and tells how far it has come.")]
    async fn countdown(
        &self,
        Parameters(Countdown { seconds, steps }): Parameters<Countdown>,
        context: RequestContext<RoleServer>,
    ) -> Result<String, ErrorData> {
        let told = |error| ErrorData::internal_error(format!("nobody listens: {error}"), None);
        for step in 1..=steps {
            tokio::time::sleep(Duration::from_secs_f64(seconds / f64::from(steps))).await;
            if let Some(token) = context.meta.get_progress_token() {
                let progress = ProgressNotificationParam::new(token, f64::from(step))
                    .with_total(f64::from(steps))
                    .with_message(format!("{} to go", steps - step));
                context.peer.notify_progress(progress).await.map_err(told)?;
            }
        }
        Ok(format!("Counted down {seconds} seconds in {steps} steps."))
    }

    #[tool(description = "Shows one pixel.")]
    async fn picture(&self) -> CallToolResult {
        CallToolResult::success(vec![ContentBlock::image(PICTURE, "image/png")])
    }
}

#[prompt_router]
impl Offer {
    #[prompt(description = "Asks for a summary.")]
    async fn summarize(&self, Parameters(Summarize { text, style }): Parameters<Summarize>) -> Vec<PromptMessage> {
        let style = style.as_deref().unwrap_or("short");
        vec![PromptMessage::new_text(Role::User, format!("Summarize ({style}): {text}"))]
    }
}

#[tool_handler]
#[prompt_handler]
impl ServerHandler for Offer {
    fn get_info(&self) -> ServerConfig {
        let offered = ServerCapabilities::builder().enable_tools().enable_prompts().enable_resources().build();
        ServerConfig::new(offered).with_server_info(Implementation::new("interop-rust-server", "1.0.0"))
    }

    async fn list_resources(
        &self,
        _page: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let about = Resource::new(ABOUT, "about").with_mime_type("text/plain");
        Ok(ListResourcesResult::with_all_items(vec![about]))
    }

    async fn read_resource(
        &self,
        asked: ReadResourceRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        if asked.uri != ABOUT {
            return Err(ErrorData::resource_not_found(format!("there is no {}", asked.uri), None));
        }
        let text =
            ResourceContents::text("A server of the Model Context Protocol.", ABOUT).with_mime_type("text/plain");
        Ok(ReadResourceResult::new(vec![text]).into())
    }
}

const ABOUT: &str = "embedded://about";
/// One black pixel.
const PICTURE: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg==";
