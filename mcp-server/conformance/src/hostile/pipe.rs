//! A pipe by hand: what is written are bytes, what is read are lines.
//!
//! The surprising thing: a text is known not to be answered when the answer to a good call behind it is the next line.
//! Nothing here guesses how long silence must last.

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{ChildStdin, ChildStdout};
use tokio::time::timeout;

use super::http::PATIENCE;
use super::judge::{Case, Outcome, Tally, cut};
use super::process::Process;
use super::serve::Aim;
use super::texts::{self, Nonce};

/// A server over its standard streams.
pub(super) struct PipeTarget {
    pub(super) process: Process,
    /// `None` after the probe ended its side.
    pub(super) stdin: Option<ChildStdin>,
    pub(super) stdout: BufReader<ChildStdout>,
}

impl PipeTarget {
    pub(super) fn start(aim: Aim) -> Result<Self, String> {
        let (process, stdin, stdout) =
            Process::start(aim).map_err(|error| format!("the server does not start: {error}"))?;
        Ok(Self { process, stdin: Some(stdin), stdout: BufReader::new(stdout) })
    }

    /// Writes bytes as they are.
    pub(super) async fn write(&mut self, bytes: &[u8]) -> Result<(), String> {
        let stdin = self.stdin.as_mut().ok_or("the probe ended its side")?;
        let written = timeout(PATIENCE, async {
            stdin.write_all(bytes).await?;
            stdin.flush().await
        });
        let written = written.await.map_err(|_| format!("the server does not read for {PATIENCE:?}"))?;
        written.map_err(|error| format!("the server took no more: {error}"))
    }

    /// Writes a text as a line.
    pub(super) async fn send(&mut self, text: &[u8]) -> Result<(), String> {
        self.write(&[text, b"\n"].concat()).await
    }

    /// Returns the next message, or `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Value>, String> {
        let mut line = Vec::new();
        let read = timeout(PATIENCE, self.stdout.read_until(b'\n', &mut line)).await;
        let read = read.map_err(|_| format!("no answer within {PATIENCE:?} (O1)"))?;
        if read.map_err(|error| format!("the pipe broke: {error}"))? == 0 {
            return Ok(None);
        }
        let not_json = |_| format!("a line is no JSON: {:?}", cut(&String::from_utf8_lossy(&line)));
        serde_json::from_slice(&line).map(Some).map_err(not_json)
    }

    /// Returns the next answer; notifications before it are passed over.
    pub(super) async fn answer(&mut self) -> Result<Value, String> {
        loop {
            let message = self.next().await?.ok_or("the server ended the pipe")?;
            if message.get("method").is_none() {
                return Ok(message);
            }
        }
    }

    /// Begins a session.
    pub(super) async fn shake_hands(&mut self, version: &str) -> Result<(), String> {
        self.send(texts::initialize(version).as_bytes()).await?;
        let answer = self.answer().await?;
        if answer.pointer("/result/protocolVersion").and_then(Value::as_str) != Some(version) {
            return Err(format!("initialize is answered with {}", cut(&answer.to_string())));
        }
        self.send(br#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#).await
    }

    /// Sends every case and judges what comes for it before the next one.
    pub(super) async fn try_all(&mut self, cases: &[Case], tally: &mut Tally) -> Result<(), String> {
        for case in cases {
            let named = |fault| format!("{}: {fault}", case.name);
            self.send(&case.bytes).await.map_err(named)?;
            let nonce = Nonce::new();
            let message = if case.want.may_be_silent() {
                self.send(nonce.call().as_bytes()).await.map_err(named)?;
                let first = self.answer().await.map_err(named)?;
                if nonce.is_for(&first) {
                    nonce.check(&Outcome::of_pipe(Some(first))).map_err(named)?;
                    None
                } else {
                    nonce.check(&Outcome::of_pipe(Some(self.answer().await.map_err(named)?))).map_err(named)?;
                    Some(first)
                }
            } else {
                Some(self.answer().await.map_err(named)?)
            };
            tally.add(case, &Outcome::of_pipe(message));
        }
        Ok(())
    }

    /// Makes a call that must work, and checks that its answer is for nobody else (O2).
    pub(super) async fn good_call(&mut self) -> Result<(), String> {
        let nonce = Nonce::new();
        self.send(nonce.call().as_bytes()).await?;
        nonce.check(&Outcome::of_pipe(Some(self.answer().await?)))
    }

    /// Ends the input, and returns the answers that the server still gives before it ends its own side.
    pub(super) async fn end(&mut self) -> Result<Vec<Value>, String> {
        self.stdin = None;
        let mut rest = Vec::new();
        while let Some(message) = self.next().await? {
            if message.get("method").is_none() {
                rest.push(message);
            }
        }
        Ok(rest)
    }
}
