//! Batches of revision 2025-03-26: many messages in one array (T-9, S-12).
//!
//! The answers to a batch are sent together when the last of them is there. Until then they are held, and so bounded: an
//! answer for which there is no room becomes an error. The surprising thing: a batch can come to nothing, when it held
//! notifications only or all of its requests were withdrawn; then nothing is sent.

use std::collections::HashMap;

use bytes::{BufMut, Bytes, BytesMut};
use mcp_types::{RawJson, RpcError};

use super::put_line;
use crate::limits::Limits;
use crate::service::Answer;

/// The batches whose answers are not all there.
#[derive(Debug)]
pub(super) struct Batches {
    /// The number of the next batch.
    next: u64,
    /// The batch that is being read.
    reading: Option<u64>,
    batches: HashMap<u64, Batch>,
    /// The sum of the sizes of the answers in `batches`.
    held: usize,
    /// How many bytes of results may be held.
    max_bytes: usize,
}

#[derive(Debug, Default)]
struct Batch {
    /// How many requests of it are open.
    open: usize,
    /// The answers so far, with commas between them.
    answers: BytesMut,
}

impl Batches {
    pub(super) fn new(limits: &Limits) -> Self {
        // All answers to a batch are one line, which a peer with the same limits must be able to read.
        Self { next: 0, reading: None, batches: HashMap::new(), held: 0, max_bytes: limits.line_bytes }
    }

    /// Returns how many bytes of answers wait for the rest of their batches.
    pub(super) fn held(&self) -> usize {
        self.held
    }

    pub(super) fn begin(&mut self) {
        self.reading = Some(self.next);
        self.batches.insert(self.next, Batch::default());
        self.next += 1;
    }

    pub(super) fn end(&mut self, out: &mut BytesMut) {
        if let Some(number) = self.reading.take() {
            self.send_if_complete(number, out);
        }
    }

    /// Counts a request in; returns the batch it belongs to.
    pub(super) fn open(&mut self) -> Option<u64> {
        let number = self.reading?;
        self.batches.get_mut(&number)?.open += 1;
        Some(number)
    }

    /// Writes the answer to a request that was counted in, or one outside every batch.
    pub(super) fn answer(
        &mut self,
        batch: Option<u64>,
        out: &mut BytesMut,
        answer: &Answer,
        write: impl Fn(&mut BytesMut, &Answer),
    ) {
        let Some(number) = batch else { return put_line(out, |out| write(out, answer)) };
        if let Some(batch) = self.batches.get_mut(&number) {
            let size = match answer {
                Ok(result) => result.as_bytes().len(),
                Err(error) => error.data.as_ref().map_or(0, |data| data.as_bytes().len()),
            };
            // One answer always passes.
            let has_room = self.held == 0 || size == 0 || self.held.saturating_add(size) <= self.max_bytes;
            self.held += if has_room {
                batch.put(|out| write(out, answer))
            } else {
                let message = "the answers to batches that are not complete have too many bytes already; \
                               send this request again outside of a batch";
                batch.put(|out| write(out, &Err(RpcError::internal(message))))
            };
            batch.open = batch.open.saturating_sub(1);
        }
        self.send_if_complete(number, out);
    }

    /// Writes an answer to something that was not counted in.
    pub(super) fn refuse(&mut self, out: &mut BytesMut, write: impl FnOnce(&mut BytesMut)) {
        match self.reading.and_then(|number| self.batches.get_mut(&number)) {
            Some(batch) => self.held += batch.put(write),
            None => put_line(out, write),
        }
    }

    /// Counts a request out that gets no answer.
    pub(super) fn withdraw(&mut self, batch: Option<u64>, out: &mut BytesMut) {
        let Some(number) = batch else { return };
        if let Some(batch) = self.batches.get_mut(&number) {
            batch.open = batch.open.saturating_sub(1);
        }
        self.send_if_complete(number, out);
    }

    fn send_if_complete(&mut self, number: u64, out: &mut BytesMut) {
        let complete = self.batches.get(&number).is_some_and(|batch| batch.open == 0);
        if !complete || self.reading == Some(number) {
            return;
        }
        let answers = self.batches.remove(&number).unwrap_or_default().answers;
        self.held -= answers.len();
        if !answers.is_empty() {
            put_line(out, |out| {
                out.put_u8(b'[');
                out.put_slice(&answers);
                out.put_u8(b']');
            });
        }
    }
}

impl Batch {
    /// Adds an answer; returns by how many bytes the batch grew.
    fn put(&mut self, write: impl FnOnce(&mut BytesMut)) -> usize {
        let before = self.answers.len();
        if !self.answers.is_empty() {
            self.answers.put_u8(b',');
        }
        write(&mut self.answers);
        self.answers.len() - before
    }
}

/// Cuts a batch into the texts of its messages.
///
/// # Errors
///
/// Returns what to tell the sender of one that is empty, too long, or no array.
pub fn split_batch(text: &Bytes, limits: &Limits) -> Result<Vec<Bytes>, RpcError> {
    let array = RawJson::parse(text.clone()).map_err(|error| RpcError::parse(format!("parse error: {error}")))?;
    let elements: Vec<RawJson> =
        array.decode().map_err(|_| RpcError::invalid_request("a batch must be an array of messages"))?;
    if elements.is_empty() {
        return Err(RpcError::invalid_request("a batch must not be empty"));
    }
    if elements.len() > limits.batch {
        let message = format!("a batch has at most {} messages, this one has {}", limits.batch, elements.len());
        return Err(RpcError::invalid_request(message));
    }
    Ok(elements.into_iter().map(RawJson::into_bytes).collect())
}
