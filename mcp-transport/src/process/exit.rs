//! How a child ended, as far as that is known (F60, F61).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::watch;

use super::stderr::Ring;
use crate::error::{ChildExit, Error};
use crate::pipe::Noise;

/// What is known of the end of a child.
#[derive(Debug)]
pub(super) struct Exit {
    /// The command line, for humans.
    command: String,
    /// How it ended, once it has.
    status: watch::Receiver<Option<String>>,
    stderr: Option<Arc<Ring>>,
    /// Whether it ends because we want it to.
    expected: AtomicBool,
}

impl Exit {
    pub(super) fn new(command: String, status: watch::Receiver<Option<String>>, stderr: Option<Arc<Ring>>) -> Self {
        Self { command, status, stderr, expected: AtomicBool::new(false) }
    }

    /// Notes that the end is our own wish, and so no failure of the child.
    pub(super) fn expect(&self) {
        self.expected.store(true, Ordering::Relaxed);
    }

    /// Waits for the end; returns whether it came within `patience`.
    pub(super) async fn wait(&self, patience: Duration) -> bool {
        let mut status = self.status.clone();
        let ended = status.wait_for(Option::is_some);
        matches!(tokio::time::timeout(patience, ended).await, Ok(Ok(_)))
    }

    pub(super) fn stderr(&self) -> Vec<String> {
        self.stderr.as_ref().map(|ring| ring.last_lines()).unwrap_or_default()
    }

    /// Explains why the output of the child ended.
    pub(super) async fn explain(&self, noise: &Noise) -> Error {
        if self.expected.load(Ordering::Relaxed) {
            return Error::Closed;
        }
        // The output, the process and its standard error end together, but the news of it come one by one.
        let mut status = self.status.clone();
        let news = async {
            let _ = status.wait_for(Option::is_some).await;
            if let Some(stderr) = &self.stderr {
                stderr.ended().await;
            }
        };
        let _ = tokio::time::timeout(NEWS, news).await;
        let mut lines = self.stderr();
        if let Some(first) = &noise.first {
            // A program that was started wrongly often says so on its standard output.
            lines.insert(0, format!("(on stdout) {first}"));
        }
        let status = self.status.borrow().clone();
        Error::Exited(ChildExit::new(&*self.command, status, lines))
    }
}

/// How long to wait for the news of an end that has been noticed.
const NEWS: Duration = Duration::from_millis(100);
