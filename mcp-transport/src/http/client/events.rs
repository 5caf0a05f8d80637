//! The messages of an event stream as they come in (H-14, H-15, HL-9).

use std::sync::Arc;

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
use crate::replay::Cursor;
use crate::sse::{SseDecoder, SseEvent};

/// One connection of an event stream that is being read.
pub(super) struct Events {
    raw: RawEvents,
}

/// The events of one connection, as they are.
pub(super) struct RawEvents {
    connection: Connection,
    body: Body,
    decoder: SseDecoder,
}

/// What came of asking for a stream.
pub(super) enum Opened {
    Events(Box<Events>),
    /// The server does not give it, with this status.
    Refused(u16),
}

impl Events {
    pub(super) fn new(connection: Connection, response: Response<Body>, limits: &Limits) -> Self {
        Self { raw: RawEvents::new(connection, response, limits) }
    }

    /// Opens the stream of a session, or the rest of a stream after an event (HL-6, HL-8).
    pub(super) async fn open(shared: &Shared, last_event_id: Option<&str>) -> Result<Opened, Error> {
        let headers = shared.agreement().of_resumption(last_event_id)?;
        let mut request = shared.request(Method::GET, headers);
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
        let (connection, response) = shared.send(request).await?;
        let status = response.status();
        let media = response.headers().get(CONTENT_TYPE).map(|value| value.as_bytes());
        if status.is_success() && Content::read(status.as_u16(), media) == Content::Events {
            return Ok(Opened::Events(Box::new(Self::new(connection, response, &shared.limits))));
        }
        shared.read_failure(connection, response).await?;
        Ok(Opened::Refused(status.as_u16()))
    }

    /// Returns the next message that no earlier connection has brought; `None` at the end of the connection.
    pub(super) async fn next(&mut self, cursor: &mut Cursor) -> Result<Option<Message>, Error> {
        while let Some(event) = self.raw.next().await? {
            if let Some(data) = cursor.take(event) {
                return read_message(data).map(Some);
            }
        }
        Ok(None)
    }

    /// Ends the reading of a stream that has brought its response.
    pub(super) async fn finish(self, shared: &Arc<Shared>) {
        shared.release(self.raw.connection, self.raw.body).await;
    }
}

impl RawEvents {
    pub(super) fn new(connection: Connection, response: Response<Body>, limits: &Limits) -> Self {
        Self { connection, body: response.into_body(), decoder: SseDecoder::new(limits) }
    }

    /// Returns the next event; `None` at the end of the connection.
    pub(super) async fn next(&mut self) -> Result<Option<SseEvent>, Error> {
        loop {
            let event = self.decoder.next_event().map_err(|error| Error::malformed(EVENT, error.to_string()))?;
            if event.is_some() {
                return Ok(event);
            }
            match self.connection.read(&mut self.body).await? {
                Some(bytes) => self.decoder.extend(&bytes),
                None => return Ok(None),
            }
        }
    }
}

fn read_message(data: Bytes) -> Result<Message, Error> {
    Message::parse(data).map_err(|malformed| Error::malformed(EVENT, malformed.error.message))
}

const EVENT: &str = "an event of the stream";
