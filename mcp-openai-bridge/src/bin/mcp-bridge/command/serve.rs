//! `serve`: the server that is built in, or what a file says, over HTTP or over standard input and output.
//!
//! The surprising thing: its talk goes to standard error also when it serves HTTP, so that one habit fits both; over
//! standard output it would break the protocol of a client that started it.

use mcp_client::Client;
use mcp_server::transport::Error as WireError;
use mcp_server::{Http, Server, stdio};
use serde_json::json;

use crate::cli;
use crate::embedded;
use crate::exit::{Failure, with_causes};
use crate::output::Output;
use crate::snippets::{self, Offer};
use crate::stop::Stop;

use super::{closing, gateway};

/// Whether whoever reaches the address must show a key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Audience {
    Keyed,
    Keyless,
}

pub(super) async fn run(serve: cli::Serve, mut stop: Stop, output: &Output) -> Result<(), Failure> {
    if let Some(file) = &serve.config {
        return gateway::run(&serve, file, stop, output).await;
    }
    let server = embedded::server().map_err(|error| Failure::unreachable(with_causes(&error)))?;
    if serve.stdio {
        output.say("serving one client over standard input and output");
        return tokio::select! {
            outcome = server.serve(stdio()) => outcome.map_err(|error| stopped(&error)),
            () = stop.requested() => Ok(()),
        };
    }
    let http = bind(&serve, Audience::Keyless, output).await?;
    let url = format!("http://{}{}", http.local_addr(), serve.path);
    output.say(&snippets::greeting(&url, &offer(&server).await?));
    // Whoever starts this program waits for this line, so that it comes also with `--quiet`.
    output.insist(&format!("listening on {url}"));
    if output.is_json() {
        output.document(&json!({ "url": url }))?;
    }
    run_http(&server, http, stop, output).await
}

/// Asks the server what it offers, as any client does.
async fn offer(server: &Server) -> Result<Offer, Failure> {
    let client = Client::connect(server.in_process()).await?;
    let offer = Offer::of(&client).await;
    closing(client, offer.map_err(Failure::from)).await
}

async fn run_http(server: &Server, http: Http, mut stop: Stop, output: &Output) -> Result<(), Failure> {
    let talk = *output;
    let http = http.shutdown_on(async move {
        stop.requested().await;
        talk.say("stopping; requests in flight may finish");
    });
    server.serve(http).await.map_err(|error| stopped(&error))
}

/// Binds to the address, when it may be served to those who can reach it.
pub(super) async fn bind(serve: &cli::Serve, audience: Audience, output: &Output) -> Result<Http, Failure> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/-._~".contains(c);
    if !serve.path.starts_with('/') || !serve.path.chars().all(is_plain) {
        return Err(Failure::usage(format!("`{}` is no path of letters, digits and `-._~`", serve.path))
            .hint("give one like --path /mcp"));
    }
    // An IPv6 address needs brackets in front of a port.
    let host = serve.host.trim_matches(['[', ']']);
    let address =
        if host.contains(':') { format!("[{host}]:{}", serve.port) } else { format!("{host}:{}", serve.port) };
    let mut http = Http::bind(address).await.map_err(|error| unbound(&error, serve.port))?.path(serve.path.as_str());
    let is_loopback = http.local_addr().ip().is_loopback();
    if !is_loopback {
        check_audience(serve, audience, output)?;
    }
    if !serve.allow_host.is_empty() {
        http = http.allowed_hosts(&serve.allow_host).map_err(|error| Failure::usage(with_causes(&error)))?;
    }
    if !serve.allow_origin.is_empty() {
        http = http.allowed_origins(&serve.allow_origin).map_err(|error| Failure::usage(with_causes(&error)))?;
    }
    Ok(http)
}

/// Checks that an address for others is meant for them.
fn check_audience(serve: &cli::Serve, audience: Audience, output: &Output) -> Result<(), Failure> {
    if serve.allow_host.is_empty() {
        let hint = match audience {
            Audience::Keyed => "name them by `--allow-host HOST`",
            Audience::Keyless => {
                "name them by `--allow-host HOST`; there are no credentials, so that everybody who can reach it can use it"
            }
        };
        let what = format!("{} can be reached from other machines, and nothing says by which names", serve.host);
        return Err(Failure::usage(what).hint(hint));
    }
    match audience {
        Audience::Keyed => Ok(()),
        // Handlers of a file run programs of whoever wrote it; the tools that are built in only compute.
        Audience::Keyless if serve.config.is_some() => {
            let what = format!("{} can be reached from other machines, and the file has no key", serve.host);
            Err(Failure::usage(what).hint("set one by `general_settings: {master_key: os.environ/NAME}`"))
        }
        Audience::Keyless => {
            output
                .insist("warning: everybody who can reach this address can use these tools; there are no credentials");
            Ok(())
        }
    }
}

fn unbound(error: &WireError, port: u16) -> Failure {
    let other = port.checked_add(1).unwrap_or(4000);
    Failure::unreachable(with_causes(error))
        .hint(format!("take another port by `--port {other}`, or any free one by `--port 0`"))
}

fn stopped(error: &mcp_server::Error) -> Failure {
    Failure::unreachable(with_causes(error))
}
