//! `rmcp-server [--http ADDRESS [--json]] [--pipes] [--tools N]`: over HTTP when an address is given, else over standard
//! streams; with `--pipes` by its faster `stdio_pipes()`.
//!
//! Over HTTP its default is an event stream for each answer, and a session for clients of the older era; `--json` is its
//! other mode, without sessions. Where its README leaves a choice, this takes the faster one: the router is made once and
//! shared, connections are served by hyper directly, and they have `TCP_NODELAY`, without which an event stream waits for
//! the client's delayed acknowledgement.

use std::{env, error::Error, io, sync::Arc};

use hyper::server::conn::http1;
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use rmcp::{
    ErrorData, RoleServer, ServerHandler, ServiceExt,
    handler::server::{
        router::tool::{ToolRoute, ToolRouter},
        wrapper::Parameters,
    },
    model::{Implementation, ProgressNotificationParam, ServerCapabilities, ServerConfig, SubscriptionFilter},
    schemars,
    service::RequestContext,
    tool, tool_handler, tool_router,
    transport::{
        io::stdio_pipes,
        stdio,
        streamable_http_server::{
            StreamableHttpServerConfig, StreamableHttpService, session::local::LocalSessionManager,
        },
    },
};
use serde::Deserialize;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    let after = |flag: &str| arguments.iter().skip_while(|argument| *argument != flag).nth(1);
    let server = Bench::new(after("--tools").map_or(Ok(0), |number| number.parse())?);
    match after("--http") {
        Some(address) => serve_http(server, address, has("--json")).await?,
        None if has("--pipes") => {
            server.serve(stdio_pipes()).await?.waiting().await?;
        }
        None => {
            server.serve(stdio()).await?.waiting().await?;
        }
    }
    Ok(())
}

async fn serve_http(server: Bench, address: &str, is_json: bool) -> io::Result<()> {
    let mut config = StreamableHttpServerConfig::default();
    if is_json {
        config = config.with_json_response(true).with_legacy_session_mode(false);
    }
    let sessions = Arc::new(LocalSessionManager::default());
    let service = StreamableHttpService::new(move || Ok(server.clone()), sessions, config);
    let listener = TcpListener::bind(address).await?;
    eprintln!("listening on http://{}/mcp", listener.local_addr()?);
    loop {
        let (connection, _) = listener.accept().await?;
        connection.set_nodelay(true)?;
        let service = TowerToHyperService::new(service.clone());
        // A connection that breaks is the business of its client.
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(connection), service));
    }
}

/// What the server offers.
#[derive(Clone)]
struct Bench {
    tools: Arc<ToolRouter<Self>>,
}

#[derive(Deserialize, schemars::JsonSchema)]
struct Echo {
    text: String,
}

#[derive(Deserialize, schemars::JsonSchema)]
struct Progress {
    n: u32,
}

#[tool_router]
impl Bench {
    fn new(more: usize) -> Self {
        let mut tools = Self::tool_router();
        let echo = tools.map.get("echo").expect("the macro has made a route of it").clone();
        for index in 0..more {
            let mut attr = echo.attr.clone();
            attr.name = format!("tool_{index}").into();
            let mut route: ToolRoute<Self> = echo.clone();
            route.attr = attr;
            tools.add_route(route);
        }
        Self { tools: Arc::new(tools) }
    }

    #[tool(description = "Returns what it is given")]
    async fn echo(&self, Parameters(Echo { text }): Parameters<Echo>) -> String {
        text
    }

    #[tool(description = "Tells how far it has come, and then `done`")]
    async fn progress(
        &self,
        Parameters(Progress { n }): Parameters<Progress>,
        context: RequestContext<RoleServer>,
    ) -> Result<String, ErrorData> {
        if let Some(token) = context.meta.get_progress_token() {
            for step in 1..=n {
                let progress = ProgressNotificationParam::new(token.clone(), f64::from(step)).with_total(f64::from(n));
                let sent = context.peer.notify_progress(progress).await;
                sent.map_err(|error| ErrorData::internal_error(error.to_string(), None))?;
            }
        }
        Ok("done".to_owned())
    }
}

#[tool_handler(router = self.tools)]
impl ServerHandler for Bench {
    fn get_info(&self) -> ServerConfig {
        let offered = ServerCapabilities::builder().enable_tools().enable_tool_list_changed().build();
        ServerConfig::new(offered).with_server_info(Implementation::new("bench-rmcp", "1.0.0"))
    }

    /// Without this there is no `subscriptions/listen`.
    fn accepted_subscription_filter(&self, requested: &SubscriptionFilter) -> Option<SubscriptionFilter> {
        Some(requested.clone())
    }
}
