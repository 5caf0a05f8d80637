//! The messages of an event stream as they come in (H-14, H-15, HL-9).

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use http::{Method, Response};
use hyper::body::Incoming as Body;
use mcp_types::Message;

use super::connection::Connection;
use super::rules::Content;
use super::shared::Shared;
use crate::error::Error;
use crate::limits::Limits;
use crate::sse::SseDecoder;

/// An event stream that is being read.
pub(super) struct Events {
    connection: Connection,
    body: Body,
    decoder: SseDecoder,
}

impl Events {
    pub(super) fn new(connection: Connection, response: Response<Body>, limits: &Limits) -> Self {
        Self { connection, body: response.into_body(), decoder: SseDecoder::new(limits) }
    }

    /// Opens the stream of a session, or the rest of a stream after an event (HL-6, HL-8); none when the server does not
    /// have it.
    pub(super) async fn open(shared: &Shared, last_event_id: Option<&str>) -> Result<Option<Self>, Error> {
        let headers = shared.agreement().of_resumption(last_event_id);
        let mut request = shared.request(Method::GET, &headers, Bytes::new())?;
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
        let (connection, response) = shared.send(request).await?;
        let status = response.status();
        let media = response.headers().get(CONTENT_TYPE).map(|value| value.as_bytes());
        if status.is_success() && Content::read(status.as_u16(), media) == Content::Events {
            return Ok(Some(Self::new(connection, response, &shared.limits)));
        }
        let is_passing = status.is_server_error();
        shared.read_failure(connection, response).await?;
        if is_passing { Err(Error::Closed) } else { Ok(None) }
    }

    /// Returns the next message; `None` at the end of the stream.
    pub(super) async fn next(&mut self) -> Result<Option<Message>, Error> {
        loop {
            while let Some(event) =
                self.decoder.next_event().map_err(|error| Error::malformed(EVENT, error.to_string()))?
            {
                let is_message = event.name.as_deref().is_none_or(|name| name == "message");
                if is_message && !event.is_priming() {
                    return read_message(event.data).map(Some);
                }
            }
            match self.connection.read(&mut self.body).await? {
                Some(bytes) => self.decoder.extend(&bytes),
                None => return Ok(None),
            }
        }
    }

    /// Returns the id of the last event, by which a stream is resumed.
    pub(super) fn last_event_id(&self) -> Option<&str> {
        self.decoder.last_event_id()
    }

    /// Returns how long the server asks to wait before the stream is opened again.
    pub(super) fn retry(&self) -> Option<Duration> {
        self.decoder.retry()
    }

    /// Ends the reading of a stream that has brought its response.
    pub(super) async fn finish(self, shared: &Arc<Shared>) {
        shared.release(self.connection, self.body).await;
    }
}

fn read_message(data: Bytes) -> Result<Message, Error> {
    Message::parse(data).map_err(|malformed| Error::malformed(EVENT, malformed.error.message))
}

const EVENT: &str = "an event of the stream";
