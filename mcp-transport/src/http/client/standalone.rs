//! The standalone stream of a legacy session, by which the server speaks of its own accord (HL-6, HL-8).
//!
//! The surprising thing: a server that has no such stream is the usual case and no error, whatever status it says so
//! with.

use std::sync::Arc;

use mcp_types::Message;
use tokio::time::sleep;

use super::events::Events;
use super::rules;
use super::shared::Shared;
use crate::client::Incoming;

/// Reads the stream until the server refuses it or it was lost too often.
pub(super) async fn listen(shared: Arc<Shared>) {
    let mut failures: usize = 0;
    let mut retry = None;
    let mut last_event_id: Option<String> = None;
    while failures < shared.limits.reconnects {
        match Events::open(&shared, last_event_id.as_deref()).await {
            Ok(Some(mut events)) => {
                if read(&shared, &mut events).await {
                    failures = 0;
                }
                retry = events.retry().or(retry);
                last_event_id = events.last_event_id().map(str::to_owned).or(last_event_id);
            }
            // The server has no stream, or has lost the session.
            Ok(None) => return,
            Err(_) => {}
        }
        let wait = rules::backoff(u32::try_from(failures).unwrap_or(u32::MAX), retry, &shared.limits);
        failures += 1;
        sleep(wait).await;
    }
}

/// Reads to the end of the stream; returns whether a message came.
async fn read(shared: &Arc<Shared>, events: &mut Events) -> bool {
    let mut was_alive = false;
    while let Ok(Some(message)) = events.next().await {
        was_alive = true;
        match message {
            Message::Request(request) => shared.take_in(Incoming::Request(request)),
            Message::Notification(notification) => shared.take_in(Incoming::Notification(notification)),
            // Nobody waits here for an answer (HL-6).
            Message::Response(_) => {}
        }
    }
    was_alive
}
