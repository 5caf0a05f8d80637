//! The bytes of an answer, within their deadlines and their bound.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use futures::future::{FutureExt as _, poll_immediate};
use futures::stream::{BoxStream, Stream, StreamExt};
use mcp_transport::Error as WireError;
use tokio::time::{Instant, timeout_at};

use crate::error::ModelError;

/// How long a provider may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// Until the first byte of an answer.
    pub(super) first: Duration,
    /// From one byte to the next.
    pub(super) between: Duration,
    /// For all of it.
    pub(super) total: Duration,
}

/// The deadlines of one request.
#[derive(Debug)]
pub(super) struct Wait<'a> {
    /// Who is waited for.
    shown: &'a str,
    patience: Patience,
    next: Instant,
    total: Instant,
    has_begun: bool,
}

impl<'a> Wait<'a> {
    pub(super) fn new(shown: &'a str, patience: Patience) -> Self {
        Self { shown, patience, next: in_time(patience.first), total: in_time(patience.total), has_begun: false }
    }

    // Not `async`, which would have room for the work twice.
    pub(super) fn on<T>(
        &self,
        work: impl Future<Output = Result<T, WireError>>,
    ) -> impl Future<Output = Result<T, ModelError>> {
        timeout_at(self.next.min(self.total), work).map(|outcome| match outcome {
            Ok(outcome) => outcome.map_err(|error| self.failed(error)),
            Err(_) => Err(self.late()),
        })
    }

    /// Notes a sign of life.
    fn restart(&mut self) {
        self.has_begun = true;
        self.next = in_time(self.patience.between);
    }

    fn late(&self) -> ModelError {
        let (shown, seconds) = (self.shown, |limit: Duration| limit.as_secs_f64());
        ModelError::new(if self.total <= self.next {
            format!("{shown} has not ended its answer within {} seconds", seconds(self.patience.total))
        } else if self.has_begun {
            format!("{shown} began its answer and then said nothing for {} seconds", seconds(self.patience.between))
        } else {
            format!("{shown} gave no answer within {} seconds", seconds(self.patience.first))
        })
        .timed_out()
    }

    fn failed(&self, error: WireError) -> ModelError {
        let shown = self.shown;
        match &error {
            WireError::TimedOut(_) => {
                ModelError::new(format!("cannot connect to {shown}: {error}")).because(error).transient().timed_out()
            }
            WireError::Environment(_) if never_connected(&error) => {
                ModelError::new(format!("cannot connect to {shown}")).because(error).transient()
            }
            WireError::Environment(_) if !self.has_begun => {
                ModelError::new(format!("cannot ask {shown}")).because(error)
            }
            WireError::Closed | WireError::Environment(_) => {
                ModelError::new(format!("the connection to {shown} broke before the answer was complete"))
                    .because(error)
            }
            _ => ModelError::new(format!("cannot ask {shown}")).because(error),
        }
    }
}

/// Returns when a time is over. One that no clock reaches, such as `Duration::MAX`, is over in a year.
fn in_time(time: Duration) -> Instant {
    Instant::now() + time.min(YEAR)
}

/// Whether nobody was there: nothing of the request has left then.
fn never_connected(error: &WireError) -> bool {
    use io::ErrorKind::{AddrNotAvailable, ConnectionRefused, HostUnreachable, NetworkDown, NetworkUnreachable};
    let cause = std::error::Error::source(error).and_then(|cause| cause.downcast_ref::<io::Error>());
    cause.is_some_and(|cause| {
        matches!(
            cause.kind(),
            AddrNotAvailable | ConnectionRefused | HostUnreachable | NetworkDown | NetworkUnreachable
        )
    })
}

/// The body of an answer, as it comes in.
pub(super) struct Answer<'a> {
    pub(super) wait: Wait<'a>,
    body: BoxStream<'a, Result<Bytes, WireError>>,
    /// What was looked at and not taken.
    ahead: Option<Bytes>,
    /// Bytes that may still come.
    room: usize,
}

impl<'a> Answer<'a> {
    pub(super) fn new(
        wait: Wait<'a>,
        body: impl Stream<Item = Result<Bytes, WireError>> + Send + 'a,
        limit: usize,
    ) -> Self {
        Self { wait, body: body.boxed(), ahead: None, room: limit }
    }

    /// Returns the next bytes; `None` at the end.
    pub(super) async fn part(&mut self) -> Result<Option<Bytes>, ModelError> {
        if let Some(ahead) = self.ahead.take() {
            return Ok(Some(ahead));
        }
        let part = async { self.body.next().await.transpose() };
        let Some(part) = self.wait.on(part).await? else { return Ok(None) };
        self.wait.restart();
        let Some(room) = self.room.checked_sub(part.len()) else {
            return Err(ModelError::new(format!("the answer of {} is longer than what is read", self.wait.shown)));
        };
        self.room = room;
        Ok(Some(part))
    }

    /// Looks at the first byte that is no white space, without taking it.
    pub(super) async fn first_byte(&mut self) -> Result<Option<u8>, ModelError> {
        loop {
            let Some(part) = self.part().await? else { return Ok(None) };
            if let Some(byte) = part.iter().find(|byte| !byte.is_ascii_whitespace()) {
                let byte = *byte;
                self.ahead = Some(part);
                return Ok(Some(byte));
            }
        }
    }

    /// Reads what is left, of a document that may have `limit` bytes.
    pub(super) async fn whole(&mut self, limit: usize) -> Result<Bytes, ModelError> {
        self.room = self.room.min(limit);
        let Some(first) = self.part().await? else { return Ok(Bytes::new()) };
        let mut all = Vec::new();
        while let Some(part) = self.part().await? {
            if all.is_empty() {
                all.extend_from_slice(&first);
            }
            all.extend_from_slice(&part);
        }
        Ok(if all.is_empty() { first } else { all.into() })
    }

    /// Reads what is left of an error, as much of it as comes. The status says more than a body that breaks off.
    pub(super) async fn refusal(&mut self) -> Vec<u8> {
        let mut all = Vec::new();
        while all.len() < REFUSAL_BYTES
            && let Ok(Some(part)) = self.part().await
        {
            all.extend_from_slice(&part);
        }
        all.truncate(REFUSAL_BYTES);
        all
    }

    /// Takes the end of a body that is there already, so that the connection can be used again.
    pub(super) async fn end(&mut self) {
        let _ = poll_immediate(self.body.next()).await;
    }
}

const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

/// Bytes of the body of an error that are read.
const REFUSAL_BYTES: usize = 64 * 1024;
