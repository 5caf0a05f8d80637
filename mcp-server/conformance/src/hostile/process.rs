//! A server process: how it is started, measured from outside, and ended.
//!
//! The surprising thing: the peak of its memory counts and not what it has at the end, because a buffer that was grown
//! and freed was grown.

use std::env;
use std::io;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::{Instant, sleep, timeout};

use crate::arguments::SERVE_HOSTILE;

use super::serve::Aim;

/// A server in a process of its own. It is killed when this is dropped.
pub(super) struct Process {
    child: Child,
    stderr: Arc<Mutex<Vec<u8>>>,
}

impl Process {
    /// Starts a server.
    pub(super) fn start(aim: Aim) -> io::Result<(Self, ChildStdin, ChildStdout)> {
        let mut command = Command::new(env::current_exe()?);
        command.args([SERVE_HOSTILE, aim.as_str()]).kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let (Some(stdin), Some(stdout), Some(errors)) = (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(io::Error::other("the server has no standard streams"));
        };
        let stderr = Arc::default();
        tokio::spawn(keep(errors, Arc::clone(&stderr)));
        Ok((Self { child, stderr }, stdin, stdout))
    }

    /// Returns how many bytes of memory the process has; `None` where that cannot be seen.
    pub(super) fn memory(&self) -> Option<u64> {
        self.status("VmRSS:")
    }

    /// Returns how many bytes of memory the process had at most.
    pub(super) fn peak(&self) -> Option<u64> {
        self.status("VmHWM:")
    }

    /// Returns how many files and sockets the process has open.
    pub(super) fn open_files(&self) -> Option<usize> {
        Some(std::fs::read_dir(format!("/proc/{}/fd", self.child.id()?)).ok()?.count())
    }

    /// Waits until no more files are open than before; says how many are left after the time for it (O3).
    pub(super) async fn settle(&self, before: Option<usize>) -> Result<(), String> {
        let Some(before) = before else { return Ok(()) };
        let end = Instant::now() + SETTLE;
        loop {
            match self.open_files() {
                Some(now) if now > before && Instant::now() >= end => {
                    return Err(format!("{now} files are open, {before} were before (O3)"));
                }
                Some(now) if now > before => sleep(Duration::from_millis(10)).await,
                _ => return Ok(()),
            }
        }
    }

    /// Checks that the process lives.
    pub(super) fn check_lives(&mut self) -> Result<(), String> {
        match self.child.try_wait() {
            Ok(None) => Ok(()),
            Ok(Some(status)) => Err(format!("the process ended: {status}")),
            Err(error) => Err(format!("the process cannot be asked: {error}")),
        }
    }

    /// Waits until the process ends by itself, and checks that it ends well.
    pub(super) async fn check_exit(&mut self) -> Result<(), String> {
        match timeout(EXIT, self.child.wait()).await {
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(Ok(status)) => Err(format!("the process ended: {status}")),
            Ok(Err(error)) => Err(format!("the process cannot be waited for: {error}")),
            Err(_) => Err(format!("the process lives {EXIT:?} after the end of its input")),
        }
    }

    /// Checks that nothing was complained of but the panics of the fixture's own tools (O5).
    pub(super) fn check_quiet(&self) -> Result<(), String> {
        let stderr = self.stderr.lock().unwrap_or_else(PoisonError::into_inner);
        complaint(&String::from_utf8_lossy(&stderr)).map_or(Ok(()), |line| Err(format!("it complains: {line} (O5)")))
    }

    fn status(&self, name: &str) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()?)).ok()?;
        kibibytes(&status, name)
    }
}

/// Keeps what comes, up to a bound; the process never blocks.
async fn keep(mut errors: impl AsyncRead + Unpin, kept: Arc<Mutex<Vec<u8>>>) {
    let mut buffer = vec![0; 4 * 1024];
    while let Ok(read @ 1..) = errors.read(&mut buffer).await {
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < KEPT {
            kept.extend_from_slice(buffer.get(..read).unwrap_or_default());
        }
    }
}

/// Returns the first line that tells of a panic which no probe has asked for, or of an error.
fn complaint(stderr: &str) -> Option<&str> {
    let is_panic = |line: &str| line.contains("panicked at") && !line.contains(ASKED_FOR);
    stderr.lines().find(|line| is_panic(line) || line.contains("ERROR"))
}

/// Returns a value of `/proc/…/status` in bytes.
fn kibibytes(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find(|line| line.starts_with(name))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok()?.checked_mul(1024)
}

/// The file that the tool which panics stands in.
const ASKED_FOR: &str = "fixture/tools.rs";
/// How long a server may take to close what a probe has opened (O3).
const SETTLE: Duration = Duration::from_secs(5);
/// How long a server may take to end: the ten seconds that calls in flight are given, and some more.
const EXIT: Duration = Duration::from_secs(15);
/// How much of the standard error is kept.
const KEPT: usize = 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_that_was_asked_for_is_no_complaint_and_any_other_is() {
        let asked = "thread 'main' panicked at mcp-server/conformance/src/fixture/tools.rs:141:5:\nsecret\n";
        assert_eq!(complaint(asked), None);
        let other = "note\nthread 'main' panicked at mcp-transport/src/pipe/server.rs:7:5:\n";
        assert!(complaint(other).unwrap().contains("server.rs:7"));
        assert!(complaint("2026-07-28 ERROR gone").is_some());
    }

    #[test]
    fn the_memory_of_a_process_is_read_in_bytes() {
        let status = "Name:\tx\nVmHWM:\t   2048 kB\nVmRSS:\t   1024 kB\n";
        assert_eq!((kibibytes(status, "VmRSS:"), kibibytes(status, "VmHWM:")), (Some(1 << 20), Some(2 << 20)));
        assert_eq!(kibibytes(status, "VmSwap:"), None);
    }
}
