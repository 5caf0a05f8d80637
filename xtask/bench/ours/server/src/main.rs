//! `ours-server [--http ADDRESS [--unpaced] [--changes]] [--tools N]`: over HTTP when an address is given, else over
//! standard streams.
//!
//! What other servers need flags for is decided by the client here: an answer is JSON or an event stream as `Accept`
//! says, and a conversation is modern or a session as its first request says. Those flags are ignored.
//! `--unpaced` is for counting the memory of ten thousand sessions: it lifts how many may be opened in a second, and
//! nothing else. `--changes` is for counting that of ten thousand streams: there is none without a list that changes. No
//! speed is measured with either. Every other setting is the default, but for the pages of lists: see the library.

use std::env;

use mcp_server::{Changes, Http, Limits, stdio};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let after = |flag: &str| arguments.iter().skip_while(|argument| *argument != flag).nth(1);
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    let builder = mcp_bench_ours::builder(after("--tools").map_or(Ok(0), |number| number.parse())?);
    let server = if has("--changes") { builder.changes(Changes::new()) } else { builder }.build()?;
    match after("--http") {
        Some(address) => {
            let http = Http::bind(address).await?;
            eprintln!("listening on http://{}/mcp", http.local_addr());
            let http = match has("--unpaced") {
                true => http.limits(Limits::default().sessions_per_second(usize::MAX)),
                false => http,
            };
            server.serve(http).await?;
        }
        None => server.serve(stdio()).await?,
    }
    Ok(())
}
