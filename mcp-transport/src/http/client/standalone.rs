//! The standalone stream of a legacy session, by which the server speaks of its own accord (HL-6, HL-8).
//!
//! The surprising thing: a server that has no such stream is the usual case and no error, whatever status it says so
//! with.

use std::sync::Arc;

use mcp_types::Message;
use tokio::time::sleep;

use super::events::{Events, Opened};
use super::rules;
use super::shared::Shared;
use crate::client::Incoming;
use crate::replay::{Comeback, Cursor, GaveUp, Loss};

/// Reads the stream until the server refuses it or it was lost too often.
pub(super) async fn listen(shared: Arc<Shared>) {
    let mut cursor = Cursor::standalone(&shared.limits);
    let mut was_open = false;
    loop {
        let loss = match Events::open(&shared, cursor.last_event_id()).await {
            Ok(Opened::Events(mut events)) => {
                cursor.connected();
                was_open = true;
                read(&shared, &mut events, &mut cursor).await;
                Loss::Cut
            }
            // The server has not noticed yet that the connection before is gone.
            Ok(Opened::Refused(409)) if was_open => Loss::Cut,
            Ok(Opened::Refused(status)) => Loss::Status(status),
            Err(_) => Loss::Cut,
        };
        match cursor.lost(loss, rules::random()) {
            Comeback::After(wait) => sleep(wait).await,
            // What was missed is lost, but what comes is not.
            Comeback::Never(GaveUp::Refused(_)) if cursor.last_event_id().is_some() => {
                cursor = Cursor::standalone(&shared.limits);
            }
            Comeback::Never(_) => return,
        }
    }
}

/// Reads to the end of the connection.
async fn read(shared: &Arc<Shared>, events: &mut Events, cursor: &mut Cursor) {
    while let Ok(Some(message)) = events.next(cursor).await {
        match message {
            Message::Request(request) => shared.take_in(Incoming::Request(request)).await,
            Message::Notification(notification) => shared.take_in(Incoming::Notification(notification)).await,
            // Nobody waits here for an answer (HL-6).
            Message::Response(_) => {}
        }
    }
}
