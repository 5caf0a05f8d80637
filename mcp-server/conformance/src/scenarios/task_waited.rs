//! Calls that become tasks.

use mcp_client::{Error, Started};

use crate::prelude::*;
use crate::user::Ann;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "a call waits for its task and answers what it asks; a handle looks at it and cancels it (XT-5 to XT-8, XT-14)",
    exists: |setting| setting.has_method("tasks/update"),
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let plain = stage.connect(stage.builder().handler(Ann), Fixture::Asking).await?;
    same("without tasks", plain.call_tool("job", ()).await?.text().as_str(), "Ann false")?;
    let client = stage.connect(stage.builder().handler(Ann).tasks(), Fixture::Asking).await?;
    same("with tasks", client.call_tool("job", ()).await?.text().as_str(), "Ann true")?;
    let Started::Task(task) = client.tool("endless").start().await? else {
        return Err(broken("a tool that becomes a task gives a handle"));
    };
    holds("it works", !task.poll().await?.status.is_final())?;
    task.cancel().await?;
    let ended = task.wait().await;
    holds("it was cancelled", matches!(ended, Err(Error::TaskCancelled { .. })))
}
