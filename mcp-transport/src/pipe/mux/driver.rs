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

use super::super::lines::Lines;
use super::super::looks_like_response;
use super::{Shared, now};
use crate::limits::Limits;
use crate::line::LineEvent;
use crate::peer;

/// Owns the reading side.
pub(super) struct Driver {
    shared: Arc<Shared>,
    reader: Box<dyn AsyncRead + Send + Unpin>,
    lines: Lines,
    input: Input,
    limits: Limits,
    timer: Pin<Box<Sleep>>,
    /// What the timer is set to.
    set: Option<Instant>,
}

/// Where the reading side is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Input {
    /// All that arrived was looked at.
    Hungry,
    /// There may be lines that were not looked at.
    Filled,
    /// Nothing more will arrive.
    Ended,
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
            lines: Lines::new(limits),
            input: Input::Hungry,
            limits: limits.clone(),
            timer: Box::pin(tokio::time::sleep_until(now().into())),
            set: None,
        }
    }

    pub(super) async fn run(mut self) {
        if self.drive().await.is_err() {
            // A server that takes nothing more may have answered before it closed its input.
            self.shared.lock().stop_writing();
            let _ = tokio::time::timeout(self.limits.child_eof, self.drive()).await;
        }
        self.shared.lock().end();
    }

    /// Works until the input ends, or fails as soon as the stream cannot be written to.
    async fn drive(&mut self) -> io::Result<()> {
        loop {
            match self.next_event().await {
                Event::Attention(result) => {
                    result?;
                    self.gather().await;
                }
                Event::Due => {
                    self.set = None;
                    self.shared.lock().handle_timeout(now());
                }
                Event::Read(Ok(1..)) => self.input = Input::Filled,
                Event::Read(Ok(0) | Err(_)) => self.input = Input::Ended,
            }
            if self.take_lines().is_break() {
                return Ok(());
            }
        }
    }

    /// Lets those who are ready say what they have to, and writes it at once.
    ///
    /// Without the pause this task would run behind each of them: a runtime prefers who was woken last.
    async fn gather(&mut self) {
        if self.shared.lock().is_gathering() {
            tokio::task::yield_now().await;
            self.shared.lock().write();
        }
    }

    async fn next_event(&mut self) -> Event {
        let (due, may_take) = {
            let mut state = self.shared.lock();
            (state.arm(), state.may_take())
        };
        if let Some(due) = due.filter(|_| due != self.set) {
            self.timer.as_mut().reset(due.into());
        }
        self.set = due;
        let may_read = may_take && self.input == Input::Hungry;
        let Self { shared, reader, lines, timer, .. } = self;
        let mut space = lines.space();
        tokio::select! {
            read = reader.read_buf(&mut space), if may_read => Event::Read(read),
            result = poll_fn(|cx| shared.lock().poll_attention(cx)) => Event::Attention(result),
            () = timer.as_mut(), if due.is_some() => Event::Due,
        }
    }

    /// Takes in the lines that arrived, for as long as there is room for what they bring. Breaks after the last one.
    fn take_lines(&mut self) -> ControlFlow<()> {
        if self.input == Input::Hungry {
            return ControlFlow::Continue(());
        }
        let now = now();
        while self.may_take() {
            let line = match self.input {
                Input::Ended => self.lines.finish(),
                _ => self.lines.next_line(),
            };
            match line {
                Some(LineEvent::Line(text)) => self.handle_line(&text, now),
                Some(LineEvent::TooLong { head, limit }) => {
                    let id = Message::id_in_head(&head).filter(|_| looks_like_response(&head));
                    let why = format!("it has more than {limit} bytes");
                    self.shared.lock().handle_unreadable(id.as_ref(), &head, why, now);
                }
                None if self.input == Input::Ended => return ControlFlow::Break(()),
                None => self.input = Input::Hungry,
            }
        }
        self.shared.lock().write();
        ControlFlow::Continue(())
    }

    fn may_take(&self) -> bool {
        match self.input {
            Input::Hungry => false,
            Input::Filled => self.shared.lock().may_take(),
            // What is left is little, and nobody may be there any more to take what is written.
            Input::Ended => !self.shared.lock().is_turn_of_readers(),
        }
    }

    fn handle_line(&mut self, text: &Bytes, now: Instant) {
        match Message::parse(text.clone()) {
            Ok(message) => self.shared.lock().handle_message(message, now),
            Err(malformed) if malformed.batch && self.shared.lock().takes_batches() => self.handle_batch(text, now),
            Err(malformed) => self.handle_malformed(&malformed, text, now),
        }
    }

    fn handle_batch(&mut self, text: &Bytes, now: Instant) {
        let mut state = self.shared.lock();
        let messages = match peer::split_batch(text, &self.limits) {
            Ok(messages) => messages,
            Err(error) => return state.handle_unreadable(None, text, error.message, now),
        };
        state.peer().begin_batch();
        for text in messages {
            match Message::parse(text.clone()) {
                Ok(message) => state.handle_message(message, now),
                Err(malformed) => {
                    state.handle_unreadable(malformed.id.as_ref(), &text, malformed.error.message, now);
                }
            }
        }
        state.peer().end_batch();
    }

    fn handle_malformed(&mut self, malformed: &Malformed, text: &[u8], now: Instant) {
        let id = malformed.id.as_ref().filter(|_| looks_like_response(text));
        self.shared.lock().handle_unreadable(id, text, malformed.error.message.clone(), now);
    }
}
