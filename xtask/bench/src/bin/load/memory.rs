//! What sessions and streams cost while nothing happens on them.

use std::{io, time::Duration};

use mcp_bench::{
    http::{Connection, Place},
    process::Process,
    script::{Era, Script, Work, listening},
};
use serde_json::{Value, json};

use crate::arguments::Arguments;

/// Opens `--count` sessions, and looks whether they are alive.
///
/// # Errors
///
/// When one cannot be opened, or was forgotten.
pub(crate) async fn sessions(arguments: &Arguments) -> io::Result<Value> {
    let (place, server) = arguments.server()?;
    let script = Script::new(Era::Legacy, &Work::Echo(32));
    let mut connections = open(place, CONNECTIONS).await?;
    // What the first sessions bring with them is no cost of a session.
    let mut opened = Vec::new();
    for index in 0..WARM {
        opened.push(session(&mut connections, index, &script).await?);
    }
    let before = settled(server).await?;
    // The warm ones count: servers bound the sessions that are open.
    let count = arguments.count.saturating_sub(WARM).max(1);
    for index in 0..count {
        opened.push(session(&mut connections, index, &script).await?);
    }
    let after = settled(server).await?;
    let step = (opened.len() / SAMPLE).max(1);
    for session in opened.iter().step_by(step) {
        connections[0].join(session.clone());
        connections[0].call(&script, 2).await?;
    }
    report(count, before, after, server)
}

async fn session(connections: &mut [Connection], index: usize, script: &Script) -> io::Result<Option<String>> {
    let index = index % connections.len();
    let connection = &mut connections[index];
    connection.join(None);
    let session = connection.open_session().await?;
    if session.is_none() {
        return Err(io::Error::other("the server opens no session: there is no Mcp-Session-Id"));
    }
    connection.call(script, 1).await?;
    Ok(session)
}

/// Opens `--count` streams, and looks whether they are alive.
///
/// # Errors
///
/// When one cannot be opened, or was closed.
pub(crate) async fn streams(arguments: &Arguments) -> io::Result<Value> {
    let (place, server) = arguments.server()?;
    let mut held = Vec::new();
    for index in 0..WARM {
        held.push(stream(place, arguments.era, index as u64).await?);
    }
    let before = settled(server).await?;
    // The warm ones count: servers bound the connections that are open.
    let count = arguments.count.saturating_sub(WARM).max(1);
    for index in 0..count {
        held.push(stream(place, arguments.era, (WARM + index) as u64).await?);
    }
    let after = settled(server).await?;
    let closed = held.iter_mut().map(Connection::is_open).filter(|is_open| !is_open).count();
    if closed > 0 {
        return Err(io::Error::other(format!("the server closed {closed} of {} streams", held.len())));
    }
    report(count, before, after, server)
}

async fn stream(place: &Place, era: Era, id: u64) -> io::Result<Connection> {
    let mut connection = Connection::open(place, era).await?;
    match era {
        Era::Legacy => {
            connection.open_session().await?;
            connection.hold("GET", "", None).await?;
        }
        Era::Modern => {
            let mut script = Script::new(era, &Work::List);
            script.method = "subscriptions/listen";
            connection.hold("POST", &listening(id), Some(&script)).await?;
        }
    }
    Ok(connection)
}

async fn open(place: &Place, count: usize) -> io::Result<Vec<Connection>> {
    let mut connections = Vec::new();
    for _ in 0..count {
        connections.push(Connection::open(place, Era::Legacy).await?);
    }
    Ok(connections)
}

/// Reads the memory when the server has had a moment to come to rest.
async fn settled(server: Process) -> io::Result<u64> {
    tokio::time::sleep(REST).await;
    server.memory_kib("VmRSS")
}

fn report(count: usize, before: u64, after: u64, server: Process) -> io::Result<Value> {
    Ok(json!({
        "requests": count,
        "kib_each": after.saturating_sub(before) as f64 / count.max(1) as f64,
        "rss_kib": after,
        "peak_kib": server.memory_kib("VmHWM")?,
    }))
}

const CONNECTIONS: usize = 8;
const REST: Duration = Duration::from_millis(200);
/// How many of the sessions are asked whether they live.
const SAMPLE: usize = 100;
const WARM: usize = 64;
