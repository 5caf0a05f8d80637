//! `serve --config`: the tools and servers of a file, for MCP clients and over plain HTTP.
//!
//! The surprising thing: it listens before it has asked its servers. Whoever lists waits for those that are slow, each no
//! longer than its deadline; what came of them is said when it is known.

use std::path::Path;

use mcp_openai_bridge::gateway::config::Config;
use mcp_openai_bridge::gateway::handler::Registry;
use mcp_openai_bridge::gateway::{Gateway, GatewayError, LOCAL, Offer};
use mcp_openai_bridge::servers::Status;
use mcp_server::{Http, Limits, stdio};
use serde_json::json;

use super::serve::{self, Audience};
use crate::cli;
use crate::embedded;
use crate::exit::{Failure, Kind, with_causes};
use crate::output::{Output, counted, shown};
use crate::stop::Stop;

pub(super) async fn run(serve: &cli::Serve, file: &Path, mut stop: Stop, output: &Output) -> Result<(), Failure> {
    let (config, warnings) = Config::read(file).map_err(|error| Failure::usage(with_causes(&error)))?;
    for warning in &warnings {
        output.say(&format!("warning: {warning}"));
    }
    let audience = if config.master_key.is_some() { Audience::Keyed } else { Audience::Keyless };
    let builtins = embedded::server().map_err(|error| Failure::unreachable(with_causes(&error)))?;
    let builder = Gateway::builder(config).registry(Registry::default().builtins(builtins));
    let built = tokio::select! {
        built = builder.build() => built,
        () = stop.requested() => return Err(crate::stop::interrupted()),
    };
    let gateway = built.map_err(|error| failed(&error))?;
    for warning in gateway.warnings() {
        output.say(&format!("warning: {warning}"));
    }
    let served = if serve.stdio {
        output.say("serving one client over standard input and output");
        tokio::select! {
            served = gateway.serve_mcp(stdio()) => served.map_err(|error| failed(&error)),
            () = stop.requested() => Ok(()),
        }
    } else {
        over_http(&gateway, serve, (file, audience), stop, output).await
    };
    gateway.close().await;
    served
}

async fn over_http(
    gateway: &Gateway,
    serve: &cli::Serve,
    (file, audience): (&Path, Audience),
    mut stop: Stop,
    output: &Output,
) -> Result<(), Failure> {
    let http = serve::bind(serve, audience, output).await?;
    let base = format!("http://{}", http.local_addr());
    let url = format!("{base}{}", serve.path);
    output.say(&greeting(gateway, file, &base, &url));
    output.insist(&format!("listening on {url}"));
    if output.is_json() {
        output.document(&json!({ "url": url }))?;
    }
    let talk = *output;
    let http: Http = http.limits(Limits::default().body_bytes(BODY_BYTES)).shutdown_on(async move {
        stop.requested().await;
        talk.say("stopping; requests in flight may finish");
    });
    let mut serving = std::pin::pin!(gateway.serve(http));
    let outcome = tokio::select! {
        outcome = &mut serving => outcome,
        offer = gateway.offer() => {
            say_outcomes(&offer, serve.is_talkative(), output);
            serving.await
        }
    };
    outcome.map_err(|error| failed(&error))
}

/// Says what is served, and where.
fn greeting(gateway: &Gateway, file: &Path, base: &str, url: &str) -> String {
    let config = gateway.config();
    let tools: Vec<_> = config.tools.iter().map(|tool| tool.name.value.as_str()).collect();
    let servers: Vec<_> = gateway.servers().labels().collect();
    let models: Vec<_> = config.models.iter().map(|model| model.name.value.as_str()).collect();
    let mut text = format!("Serving {}:", file.display());
    for (kind, names) in [("tools", tools), ("servers", servers), ("models", models)] {
        if !names.is_empty() {
            text.push_str(&format!("\n  {kind}: {}", shown(&names.join(", "))));
        }
    }
    let key = if config.master_key.is_some() { " -H 'Authorization: Bearer …'" } else { "" };
    text.push_str(&format!(
        "\n\nMCP clients (`mcpServers`):\n  {{\"mcpServers\": {{\"mcp-bridge\": {{\"type\": \"http\", \"url\": \"{url}\"}}}}}}\n\
         plain HTTP:\n  curl {base}/mcp/list_tools{key}\n"
    ));
    if !config.models.is_empty() {
        text.push_str(&format!("clients of OpenAI's APIs:\n  OPENAI_BASE_URL={base}/v1\n"));
    }
    text
}

/// Says what came of each server; those that are there are named only when asked for.
fn say_outcomes(offer: &Offer, is_talkative: bool, output: &Output) {
    for server in offer.servers.iter().filter(|server| server.label != LOCAL) {
        let (label, tools) = (shown(&server.label), counted(server.tools.len(), "tool"));
        match &server.error {
            None if server.status == Status::Ok && !is_talkative => {}
            None => output.say(&format!("server `{label}`: {}, {tools}", server.status)),
            Some(error) => output.insist(&format!("warning: server `{label}`: {}: {}", server.status, shown(error))),
        }
    }
    for left_out in &offer.left_out {
        output.insist(&format!("warning: not offered: {}", shown(left_out)));
    }
}

fn failed(error: &GatewayError) -> Failure {
    let kind = match error {
        GatewayError::Serve(_) => Kind::Unreachable,
        _ => Kind::Usage,
    };
    Failure::new(kind, with_causes(error))
}

/// Bytes of one request: conversations carry pictures, each of them several megabytes.
const BODY_BYTES: usize = 32 * 1024 * 1024;
