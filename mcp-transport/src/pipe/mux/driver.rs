//! The task of a [`Mux`](super::Mux): reads, writes what has to wait, and watches the clock.

use std::future::poll_fn;
use std::io;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use mcp_types::{Malformed, Message};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::time::Sleep;

use super::super::looks_like_response;
use super::{Shared, now};
use crate::limits::Limits;
use crate::line::{LineDecoder, LineEvent};
use crate::peer;

/// Owns the reading side.
pub(super) struct Driver {
    shared: Arc<Shared>,
    reader: Box<dyn AsyncRead + Send + Unpin>,
    lines: LineDecoder,
    limits: Limits,
    timer: Pin<Box<Sleep>>,
    /// What the timer is set to.
    set: Option<Instant>,
}

/// Why the task has something to do.
enum Event {
    /// The state wants to be looked at, or the stream cannot be written to.
    Attention(io::Result<()>),
    /// A deadline may have passed.
    Due,
    /// Bytes arrived, or none ever will.
    Read(io::Result<usize>),
}

impl Driver {
    pub(super) fn new(shared: Arc<Shared>, reader: impl AsyncRead + Send + Unpin + 'static, limits: &Limits) -> Self {
        Self {
            shared,
            reader: Box::new(reader),
            lines: LineDecoder::new(limits),
            limits: limits.clone(),
            timer: Box::pin(tokio::time::sleep_until(now().into())),
            set: None,
        }
    }

    pub(super) async fn run(mut self) {
        loop {
            let event = self.next_event().await;
            if let Event::Attention(Err(_)) = event {
                self.read_out().await;
                break;
            }
            if self.handle_event(&event).is_break() {
                break;
            }
        }
        self.shared.lock().end();
    }

    /// Reads what a server that takes nothing more has still to say: it may have answered before it closed its input.
    async fn read_out(&mut self) {
        let grace = self.limits.child_eof;
        let reading = async {
            loop {
                let read = self.reader.read_buf(&mut self.lines.space()).await;
                if self.handle_event(&Event::Read(read)).is_break() {
                    return;
                }
            }
        };
        let _ = tokio::time::timeout(grace, reading).await;
    }

    async fn next_event(&mut self) -> Event {
        let (due, may_read) = {
            let mut state = self.shared.lock();
            (state.arm(), state.may_read())
        };
        if let Some(due) = due.filter(|_| due != self.set) {
            self.timer.as_mut().reset(due.into());
        }
        self.set = due;
        let Self { shared, reader, lines, timer, .. } = self;
        let mut space = lines.space();
        tokio::select! {
            read = reader.read_buf(&mut space), if may_read => Event::Read(read),
            result = poll_fn(|cx| shared.lock().poll_attention(cx)) => Event::Attention(result),
            () = timer.as_mut(), if due.is_some() => Event::Due,
        }
    }

    fn handle_event(&mut self, event: &Event) -> ControlFlow<()> {
        match event {
            Event::Attention(_) => {}
            Event::Due => {
                self.set = None;
                self.shared.lock().handle_timeout(now());
            }
            Event::Read(Ok(1..)) => self.handle_lines(LineDecoder::next_line),
            Event::Read(Ok(0) | Err(_)) => {
                self.handle_lines(LineDecoder::finish);
                return ControlFlow::Break(());
            }
        }
        ControlFlow::Continue(())
    }

    fn handle_lines(&mut self, next: impl Fn(&mut LineDecoder) -> Option<LineEvent>) {
        let now = now();
        while let Some(line) = next(&mut self.lines) {
            match line {
                LineEvent::Line(text) => self.handle_line(&text, now),
                LineEvent::TooLong { head, limit } => {
                    let id = Message::id_in_head(&head).filter(|_| looks_like_response(&head));
                    let why = format!("it has more than {limit} bytes");
                    self.shared.lock().handle_unreadable(id.as_ref(), &head, why);
                }
            }
        }
        self.shared.lock().write();
    }

    fn handle_line(&mut self, text: &Bytes, now: Instant) {
        match Message::parse(text.clone()) {
            Ok(message) => self.shared.lock().handle_message(message, now),
            Err(malformed) if malformed.batch && self.shared.lock().takes_batches() => self.handle_batch(text, now),
            Err(malformed) => self.handle_malformed(&malformed, text),
        }
    }

    fn handle_batch(&mut self, text: &Bytes, now: Instant) {
        let mut state = self.shared.lock();
        let messages = match peer::split_batch(text, &self.limits) {
            Ok(messages) => messages,
            Err(error) => return state.handle_unreadable(None, text, error.message),
        };
        state.peer().begin_batch();
        for text in messages {
            match Message::parse(text.clone()) {
                Ok(message) => state.handle_message(message, now),
                Err(malformed) => state.handle_unreadable(malformed.id.as_ref(), &text, malformed.error.message),
            }
        }
        state.peer().end_batch();
    }

    fn handle_malformed(&mut self, malformed: &Malformed, text: &[u8]) {
        let id = malformed.id.as_ref().filter(|_| looks_like_response(text));
        self.shared.lock().handle_unreadable(id, text, malformed.error.message.clone());
    }
}
