//! One message to a line, over any pipe.

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::process::Child;

use super::{Reply, WireError};

/// A raw pipe to a server.
pub(crate) struct LineWire {
    reader: BufReader<Box<dyn AsyncRead + Send + Sync + Unpin>>,
    /// `None` after the wire ended its side.
    writer: Option<Box<dyn AsyncWrite + Send + Sync + Unpin>>,
    /// Killed when the wire is dropped.
    child: Option<Child>,
}

impl LineWire {
    pub(crate) fn new<R, W>(reader: R, writer: W) -> Self
    where
        R: AsyncRead + Send + Sync + Unpin + 'static,
        W: AsyncWrite + Send + Sync + Unpin + 'static,
    {
        Self { reader: BufReader::new(Box::new(reader)), writer: Some(Box::new(writer)), child: None }
    }

    /// Keeps the process at the other end alive as long as the wire.
    pub(crate) fn with_child(self, child: Child) -> Self {
        Self { child: Some(child), ..self }
    }

    pub(super) async fn send(&mut self, text: &[u8]) -> Result<(), WireError> {
        let writer = self.writer.as_mut().ok_or(WireError::Ended)?;
        writer.write_all(text).await?;
        writer.write_all(b"\n").await?;
        writer.flush().await?;
        Ok(())
    }

    pub(super) async fn answer(&mut self) -> Result<Reply, WireError> {
        let mut reply = Reply::default();
        loop {
            let line = self.next_line().await?.ok_or(WireError::Ended)?;
            if reply.take(&line)? {
                return Ok(reply);
            }
        }
    }

    /// Returns the next message, whatever it is.
    pub(crate) async fn message(&mut self) -> Result<Value, WireError> {
        let text = self.next_line().await?.ok_or(WireError::Ended)?;
        serde_json::from_str(&text).map_err(|error| WireError::NotJson { text, error })
    }

    /// Ends the writing side, and returns the lines that the server still sends until it ends its own side.
    pub(crate) async fn end(&mut self) -> Result<Vec<String>, WireError> {
        if let Some(mut writer) = self.writer.take() {
            writer.shutdown().await?;
        }
        let mut rest = Vec::new();
        while let Some(line) = self.next_line().await? {
            rest.push(line);
        }
        Ok(rest)
    }

    /// Waits for the process to leave by itself; `None` where there is none.
    pub(crate) async fn exit(&mut self) -> Result<Option<bool>, WireError> {
        match &mut self.child {
            Some(child) => Ok(Some(child.wait().await?.success())),
            None => Ok(None),
        }
    }

    async fn next_line(&mut self) -> Result<Option<String>, WireError> {
        let mut line = Vec::new();
        if self.reader.read_until(b'\n', &mut line).await? == 0 {
            return Ok(None);
        }
        Ok(Some(String::from_utf8_lossy(&line).trim_end().to_owned()))
    }
}
