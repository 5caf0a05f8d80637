//! Standard input, line by line.
//!
//! The surprising thing: everybody who reads lines shares one reader. A question in the middle of a conversation is
//! answered by the next line, whoever or whatever types it.

use std::sync::Arc;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader, Stdin, stdin};
use tokio::sync::Mutex;

use crate::exit::Failure;

/// The lines of standard input; clones share them.
#[derive(Clone)]
pub(crate) struct Lines(Arc<Mutex<State>>);

struct State {
    input: BufReader<Stdin>,
    /// What of a line was read when somebody stopped to wait for it.
    partial: Vec<u8>,
}

impl Lines {
    /// Begins to read when a line is wanted.
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(State { input: BufReader::new(stdin()), partial: Vec::new() })))
    }

    /// Returns the next line without its end; `None` at the end of the input. Dropping the future loses nothing.
    pub(crate) async fn next(&self) -> Result<Option<String>, Failure> {
        let mut state = self.0.lock().await;
        let State { input, partial } = &mut *state;
        loop {
            let room = MAX_LINE_BYTES.saturating_sub(partial.len()) as u64;
            let read = input.take(room).read_until(b'\n', partial).await;
            let read = read.map_err(|error| Failure::usage(format!("cannot read standard input: {error}")))?;
            if partial.ends_with(b"\n") || (read == 0 && !partial.is_empty()) {
                let line = std::mem::take(partial);
                if line.len() >= MAX_LINE_BYTES {
                    return Err(Failure::usage(format!(
                        "a line of standard input has more than {MAX_LINE_BYTES} bytes"
                    )));
                }
                return Ok(Some(String::from_utf8_lossy(&line).trim_end_matches(['\n', '\r']).to_owned()));
            }
            if read == 0 {
                return Ok(None);
            }
        }
    }
}

const MAX_LINE_BYTES: usize = 4 * 1024 * 1024;
