//! `ours-client [--era ERA] [--window W] [--requests N] [--warm N] [--size BYTES] (--url URL | -- COMMAND…)`: calls `echo`
//! in a closed loop, checks each answer, and prints what it cost this process.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use mcp_bench_measure::{Era, Measure, Options, Target, Turns};
use mcp_client::{Client, Command, EraMode, implementation};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let options = Options::read();
    let era = if options.era == Era::Legacy { EraMode::Legacy } else { EraMode::Modern };
    let builder = Client::builder(implementation!()).era(era);
    let client = match &options.target {
        Target::Command(words) => {
            let (program, arguments) = words.split_first().ok_or("there is no command after --")?;
            let command = arguments.iter().fold(Command::new(program), |command, argument| command.arg(argument));
            builder.connect(command).await?
        }
        Target::Url(url) => builder.connect(url.as_str()).await?,
        Target::None => return Err("say --url URL or -- COMMAND".into()),
    };
    let text: Arc<str> = options.text().into();
    calls(&client, &text, options.window, options.warm).await;
    let measure = Measure::begin();
    let took = calls(&client, &text, options.window, options.requests).await;
    measure.end(took);
    client.close().await;
    Ok(())
}

/// Makes `count` calls, `window` at once.
async fn calls(client: &Client, text: &Arc<str>, window: u64, count: u64) -> Vec<Duration> {
    let turns = Arc::new(Turns::new(count));
    let callers = (0..window).map(|_| {
        let (client, text, turns) = (client.clone(), Arc::clone(text), Arc::clone(&turns));
        tokio::spawn(async move {
            let mut took = Vec::new();
            while turns.take() {
                let begun = Instant::now();
                let result = client.call_tool("echo", Echo { text: &text }).await.expect("the call succeeds");
                took.push(begun.elapsed());
                assert_eq!(result.text(), *text, "the answer is what was sent");
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

#[derive(serde::Serialize)]
struct Echo<'a> {
    text: &'a str,
}
