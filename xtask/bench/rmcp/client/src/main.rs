//! `rmcp-client [--era ERA] [--window W] [--requests N] [--warm N] [--size BYTES] (--url URL | -- COMMAND…)`: calls `echo`
//! in a closed loop, checks each answer, and prints what it cost this process.

use std::{
    error::Error,
    sync::Arc,
    time::{Duration, Instant},
};

use mcp_bench_measure::{Era, Measure, Options, Target, Turns};
use rmcp::{
    ClientHandler, ClientLifecycleMode, ClientServiceExt, Peer, RoleClient,
    model::{CallToolRequestParams, ClientCapabilities, ClientConfig, Implementation, JsonObject, ProtocolVersion},
    service::RunningService,
    transport::{StreamableHttpClientTransport, TokioChildProcess},
};
use serde_json::Value;
use tokio::process::Command;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::read();
    let client = connect(&options).await?;
    let text: Arc<str> = options.text().into();
    calls(client.peer(), &text, options.window, options.warm).await;
    let measure = Measure::begin();
    let took = calls(client.peer(), &text, options.window, options.requests).await;
    measure.end(took);
    client.cancel().await?;
    Ok(())
}

async fn connect(options: &Options) -> Result<RunningService<RoleClient, Bench>, Box<dyn Error>> {
    let lifecycle = match options.era {
        Era::Legacy => ClientLifecycleMode::Initialize,
        Era::Modern => ClientLifecycleMode::Discover { preferred_versions: vec![ProtocolVersion::V_2026_07_28] },
    };
    match &options.target {
        Target::Command(words) => {
            let (program, arguments) = words.split_first().ok_or("there is no command after --")?;
            let mut command = Command::new(program);
            command.args(arguments);
            Ok(Bench.serve_with_lifecycle(TokioChildProcess::new(command)?, lifecycle).await?)
        }
        Target::Url(url) => {
            let transport = StreamableHttpClientTransport::from_uri(url.as_str());
            Ok(Bench.serve_with_lifecycle(transport, lifecycle).await?)
        }
        Target::None => Err("say --url URL or -- COMMAND".into()),
    }
}

/// Makes `count` calls, `window` at once.
async fn calls(peer: &Peer<RoleClient>, text: &Arc<str>, window: u64, count: u64) -> Vec<Duration> {
    let turns = Arc::new(Turns::new(count));
    let callers = (0..window).map(|_| {
        let (peer, text, turns) = (peer.clone(), Arc::clone(text), Arc::clone(&turns));
        tokio::spawn(async move {
            let mut took = Vec::new();
            while turns.take() {
                let begun = Instant::now();
                let arguments = JsonObject::from_iter([("text".to_owned(), Value::from(&*text))]);
                let asked = CallToolRequestParams::new("echo").with_arguments(arguments);
                let result = peer.call_tool(asked).await.expect("the call succeeds");
                took.push(begun.elapsed());
                let said = result.content.first().and_then(|block| block.as_text()).map(|block| &*block.text);
                assert_eq!(said, Some(&*text), "the answer is what was sent");
            }
            took
        })
    });
    let mut took = Vec::new();
    for caller in callers.collect::<Vec<_>>() {
        took.extend(caller.await.expect("a caller ends by itself"));
    }
    took
}

/// Who the client is; it has nothing to be asked for.
#[derive(Clone)]
struct Bench;

impl ClientHandler for Bench {
    fn get_info(&self) -> ClientConfig {
        let mut info = ClientConfig::new(ClientCapabilities::default(), Implementation::new("bench-rmcp", "1.0.0"));
        info.protocol_version = ProtocolVersion::V_2025_11_25;
        info
    }
}
