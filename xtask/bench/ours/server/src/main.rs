//! `ours-server [--http ADDRESS [--unpaced]] [--tools N]`: over HTTP when an address is given, else over standard streams.
//!
//! What other servers need flags for is decided by the client here: an answer is JSON or an event stream as `Accept`
//! says, and a conversation is modern or a session as its first request says. Those flags are ignored.
//! `--unpaced` is for counting the memory of ten thousand sessions: it lifts how many may be opened in a second, and
//! nothing else. No speed is measured with it.

use std::env;

use mcp_server::{Http, Limits, stdio};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let after = |flag: &str| arguments.iter().skip_while(|argument| *argument != flag).nth(1);
    let server = mcp_bench_ours::server(after("--tools").map_or(Ok(0), |number| number.parse())?)?;
    match after("--http") {
        Some(address) => {
            let http = Http::bind(address).await?;
            eprintln!("listening on http://{}/mcp", http.local_addr());
            let http = match arguments.iter().any(|argument| argument == "--unpaced") {
                true => http.limits(Limits::default().sessions_per_second(usize::MAX)),
                false => http,
            };
            server.serve(http).await?;
        }
        None => server.serve(stdio()).await?,
    }
    Ok(())
}
