//! Kept connections, each with one request under way.

use std::{
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use mcp_bench::{
    http::Connection,
    script::{Era, Script},
};
use serde_json::Value;
use tokio::task::JoinSet;

use crate::arguments::{Arguments, report};

/// Loads a server that runs already.
///
/// # Errors
///
/// With the first answer that is not the expected one.
pub(crate) async fn run(arguments: &Arguments) -> io::Result<Value> {
    let (place, server) = arguments.server()?;
    let script = Arc::new(Script::new(arguments.era, &arguments.work));
    let (mut connections, mut session) = (Vec::new(), None);
    for index in 0..arguments.connections {
        let mut connection = Connection::open(place, arguments.era).await?;
        // One client with many connections: servers bound how fast sessions are opened.
        match arguments.era {
            Era::Legacy if index == 0 => session = connection.open_session().await?,
            Era::Legacy => connection.join(session.clone()),
            Era::Modern => {}
        }
        if arguments.events_only {
            connection.take_events_only();
        }
        connections.push(connection);
    }
    let (connections, _) = drive(connections, &script, arguments.warm).await?;
    let (cpu, start) = (server.cpu_ns()?, Instant::now());
    let (_connections, done) = drive(connections, &script, arguments.measured).await?;
    let (cpu, elapsed) = (server.cpu_ns_since(cpu)?, start.elapsed());
    let mut report = report(done.walls, elapsed, cpu, server)?;
    report["most_chunks"] = done.most_chunks.into();
    report["is_events"] = done.is_events.into();
    report["reply_bytes"] = done.reply_bytes.into();
    Ok(report)
}

/// What the connections saw.
#[derive(Debug, Default)]
struct Done {
    /// The nanoseconds of each request.
    walls: Vec<u64>,
    is_events: bool,
    most_chunks: u64,
    reply_bytes: usize,
}

async fn drive(
    connections: Vec<Connection>,
    script: &Arc<Script>,
    time: Duration,
) -> io::Result<(Vec<Connection>, Done)> {
    let end = Instant::now() + time;
    let mut tasks = JoinSet::new();
    for (index, mut connection) in connections.into_iter().enumerate() {
        // No two requests of a session may have the same id while both are under way.
        let first = (index as u64 + 1) << 32;
        let script = Arc::clone(script);
        tasks.spawn(async move {
            let mut done = Done::default();
            // One request at least, whatever the time.
            for id in first.. {
                let start = Instant::now();
                let reply = connection.call(&script, id).await?;
                done.walls.push(u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX));
                done.most_chunks = done.most_chunks.max(reply.chunks);
                done.is_events = reply.is_events;
                done.reply_bytes = reply.body.len();
                if Instant::now() >= end {
                    break;
                }
            }
            io::Result::Ok((connection, done))
        });
    }
    let (mut connections, mut all) = (Vec::new(), Done::default());
    while let Some(joined) = tasks.join_next().await {
        let (connection, done) = joined.map_err(io::Error::other)??;
        connections.push(connection);
        all.walls.extend(done.walls);
        all.most_chunks = all.most_chunks.max(done.most_chunks);
        all.is_events |= done.is_events;
        all.reply_bytes = done.reply_bytes;
    }
    Ok((connections, all))
}
