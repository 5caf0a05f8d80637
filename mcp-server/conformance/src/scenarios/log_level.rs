//! The level that a client wants.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "log messages come from the level on that the client wants, before the answer, and none below it (P-90, P-91)",
    exists: everywhere,
    run: |stage| Box::pin(run(stage)),
};

use mcp_types::{LoggingLevel, LoggingMessageNotificationParams};
use tokio::sync::mpsc;

struct Listener(mpsc::UnboundedSender<LoggingMessageNotificationParams>);

impl mcp_client::ClientHandler for Listener {
    fn log(&self, message: LoggingMessageNotificationParams) {
        let _ = self.0.send(message);
    }
}

async fn run(stage: &Stage) -> Verdict {
    let (sender, mut messages) = mpsc::unbounded_channel();
    let builder = stage.builder().handler(Listener(sender)).log_level(LoggingLevel::Error);
    let client = stage.connect(builder, Fixture::Full).await?;
    client.call_tool("log", ()).await?;
    let mut levels = Vec::new();
    for _ in 0..4 {
        let message = present("a message", messages.recv().await)?;
        same("the data", message.data.as_str(), format!("{:?}", message.level.as_str()).as_str())?;
        levels.push(message.level);
    }
    same("the levels", levels, LoggingLevel::ALL.into_iter().skip(4).collect::<Vec<_>>())?;
    client.call_tool("text", ()).await?;
    holds("there is no other message", messages.try_recv().is_err())
}
