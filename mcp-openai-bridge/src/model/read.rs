//! From the bytes of an answer to a reply: one document, or a stream of them.
//!
//! The surprising thing: what was asked for does not decide how the answer is read. There are providers that answer a
//! request for a stream with one document, and proxies that do the opposite.

use bytes::Bytes;
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use mcp_transport::Limits;
use mcp_transport::sse::SseDecoder;
use mcp_types::json::Unread;

use super::answer::Answer;
use super::body::Wire;
use super::http::HttpModel;
use super::refusal::Refusal;
use crate::error::ModelError;
use crate::members::Read;

/// What an answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Document,
    Events,
    Unknown,
}

impl Form {
    fn of(headers: &HeaderMap) -> Self {
        let media = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let media = media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match media.as_str() {
            "text/event-stream" => Self::Events,
            media if media == "application/json" || media.ends_with("+json") => Self::Document,
            _ => Self::Unknown,
        }
    }
}

/// Reads an answer with status 200.
pub(super) async fn read<A: Wire>(
    model: &HttpModel,
    headers: &HeaderMap,
    answer: &mut Answer<'_>,
    chunks: &mut (dyn FnMut(A::Chunk) + Send),
) -> Result<A::Reply, ModelError> {
    if headers.get(CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
        return Err(model.unreadable(A::PATH, &"it is compressed, which was not asked for"));
    }
    let form = match Form::of(headers) {
        Form::Unknown if answer.first_byte().await? == Some(b'{') => Form::Document,
        Form::Unknown => Form::Events,
        form => form,
    };
    match form {
        Form::Document => read_one(model, A::PATH, &answer.whole(model.limit()).await?),
        // Boxed, because it is larger than all that a document needs.
        _ => Box::pin(events::<A>(model, answer, chunks)).await,
    }
}

/// Reads a document or an event, unless it says that there is none.
fn read_one<T: Read>(model: &HttpModel, path: &str, text: &Bytes) -> Result<T, ModelError> {
    match Refusal::within(text) {
        Some(refusal) => Err(model.gave_up(path, refusal)),
        None => Unread::walk(text, T::read).map_err(|error| model.unreadable(path, &error)),
    }
}

async fn events<A: Wire>(
    model: &HttpModel,
    answer: &mut Answer<'_>,
    chunks: &mut (dyn FnMut(A::Chunk) + Send),
) -> Result<A::Reply, ModelError> {
    let mut events = SseDecoder::new(&Limits::default().sse_event_bytes(model.limit()));
    let mut assembler = A::assembler(model.limit());
    let unreadable = |error: &dyn std::fmt::Display| model.unreadable(A::PATH, error);
    let mut is_over = false;
    loop {
        while let Some(event) = events.next_event().map_err(|error| unreadable(&error))? {
            if event.data.trim_ascii().is_empty() {
                continue;
            }
            if event.data.trim_ascii() == b"[DONE]" {
                A::done(&mut assembler);
                answer.end().await;
                return A::finish(assembler).map_err(|error| unreadable(&error));
            }
            let chunk: A::Chunk = read_one(model, A::PATH, &event.data)?;
            A::push(&mut assembler, &chunk).map_err(|error| unreadable(&error))?;
            let is_last = A::is_last(&chunk);
            chunks(chunk);
            if is_last {
                answer.end().await;
                return A::finish(assembler).map_err(|error| unreadable(&error));
            }
        }
        match answer.part().await? {
            Some(part) => events.extend(&part),
            None if is_over => return A::finish(assembler).map_err(|error| unreadable(&error)),
            None => {
                // Some forget the empty line behind their last event.
                is_over = true;
                events.extend(b"\n\n");
            }
        }
    }
}
