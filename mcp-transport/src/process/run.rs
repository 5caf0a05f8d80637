//! A program that runs to its end: its input goes in at once, its output is what it was started for.
//!
//! The surprising thing: the end of the program is the end of its group. What it leaves running in the background is
//! killed, because it holds the output open, and nobody else would ever end it.

use std::fmt;
use std::io;
use std::process::ExitStatus;

use futures::future::{Either, select};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};

use super::command::Command;
use super::group::{Group, Leash};
use super::stderr::Ring;
use crate::error::{ChildExit, Error};
use crate::limits::Limits;

/// What a program left behind that ran to its end.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finished {
    /// How it ended.
    pub status: ExitStatus,
    /// What it wrote to its standard output.
    pub stdout: Vec<u8>,
    /// The last lines that it wrote to its standard error; none when that was inherited.
    pub stderr: Vec<String>,
}

impl fmt::Debug for Finished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Finished")
            .field("status", &self.status)
            .field("stdout", &self.stdout.len())
            .finish_non_exhaustive()
    }
}

impl Command {
    /// Runs the program to its end, with `input` as its standard input.
    ///
    /// There is no deadline; set one around the future.
    ///
    /// # Errors
    ///
    /// Fails when the program cannot be started, and when it writes more than [`Limits::result_bytes`]. A program that
    /// says that it failed is no error here.
    ///
    /// # Panics
    ///
    /// Panics outside a tokio runtime with I/O and time enabled.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future kills the program and all that it started.
    pub async fn run(&self, input: &[u8], limits: &Limits) -> Result<Finished, Error> {
        let mut process = self.start()?;
        let group = Group::of(process.id());
        // It kills what is left, however this ends.
        let _leash = Leash(&group);
        let stdin = process.stdin.take();
        let stdout = process.stdout.take();
        let ring = process.stderr.take().map(|stderr| Ring::drain(stderr, limits.stderr_bytes));

        let write = async {
            if let Some(mut stdin) = stdin {
                // A program need not read what it is told.
                let _ = stdin.write_all(input).await;
                let _ = stdin.shutdown().await;
            }
        };
        let read = async {
            let mut output = Vec::new();
            let whole = match stdout {
                Some(stdout) => read(stdout, &mut output, limits.result_bytes).await,
                None => Ok(()),
            };
            if whole.is_err() {
                group.kill();
            }
            (whole, output)
        };
        let run = async {
            let ended = std::pin::pin!(group.wait_for(&mut process));
            match select(std::pin::pin!(read), ended).await {
                Either::Left((read, ended)) => (Some(read), ended.await),
                Either::Right((status, read)) => {
                    group.kill();
                    // Something outside the group may hold the output open for ever (F66).
                    (tokio::time::timeout(limits.child_eof, read).await.ok(), status)
                }
            }
        };
        // The input is not waited for: a program that has ended does not read the rest.
        let (read, status) = match select(std::pin::pin!(write), std::pin::pin!(run)).await {
            Either::Left(((), run)) => run.await,
            Either::Right((ended, _)) => ended,
        };
        if let Some((ring, _)) = &ring {
            // Its last lines come together with the end.
            let _ = tokio::time::timeout(limits.child_eof, ring.ended()).await;
        }
        let stderr = ring.map(|(ring, task)| {
            task.abort();
            ring.last_lines()
        });
        let stderr = stderr.unwrap_or_default();
        let exited = |status: String| Error::Exited(ChildExit::new(self.line(), Some(status), stderr.clone()));
        match read {
            Some((Ok(()), stdout)) => match status {
                Ok(status) => Ok(Finished { status, stdout, stderr }),
                Err(error) => Err(Error::environment(format!("cannot learn how {self} ended"), error)),
            },
            Some((Err(_), _)) => {
                let limit = limits.result_bytes;
                Err(Error::malformed(
                    "the output of a program",
                    format!("{self} wrote more than {limit} bytes, or cannot be read"),
                ))
            }
            None => Err(exited("its output did not end with it".to_owned())),
        }
    }
}

/// Reads a stream to its end, unless it has more than `limit` bytes.
async fn read(stream: impl AsyncRead + Unpin, output: &mut Vec<u8>, limit: usize) -> io::Result<()> {
    let mut bounded = stream.take(u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1));
    bounded.read_to_end(output).await?;
    if output.len() > limit { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(()) }
}
