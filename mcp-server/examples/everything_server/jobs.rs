//! Tools that outlive their call: tasks, for clients that declare the extension (SEP-2663).
//!
//! The surprising thing: a handler need not know. The same function is a plain call for one client and a task for
//! another, and its questions reach the client either way.

use std::time::Duration;

use mcp_server::{Args, AskError, Cx, Form, RpcError, TaskMode, Tool, ToolError};

use crate::asks::{Name, ask_a_name};

pub(crate) fn tools() -> Vec<Tool> {
    vec![
        Tool::new("slow_compute", slow_compute).description("Takes its time").task(TaskMode::Optional),
        Tool::new("failing_job", async || Err::<(), _>(ToolError::new("This job always fails.")))
            .description("Fails, as a task only")
            .task(TaskMode::Required),
        Tool::new("protocol_error_job", async || Err::<(), _>(RpcError::internal("this job cannot be run at all")))
            .description("Breaks, as a task")
            .task(TaskMode::Optional),
        Tool::new("confirm_delete", confirm_delete)
            .description("Asks the user before it pretends to delete a file")
            .task(TaskMode::Optional),
        Tool::new("multi_input", multi_input).description("Asks the user two things at once").task(TaskMode::Optional),
        Tool::new("test_tool_with_task", ask_and_go_on)
            .description("Asks for a name in the call, and goes on as a task"),
    ]
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Work {
    /// How long to take, in seconds.
    seconds: u32,
    /// What to call the work.
    label: Option<String>,
}

async fn slow_compute(Args(Work { seconds, label }): Args<Work>, cx: Cx) -> String {
    cx.task_message("computing").await;
    tokio::time::sleep(Duration::from_secs(seconds.into())).await;
    format!("{} took {seconds} seconds.", label.as_deref().unwrap_or("The work"))
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct File {
    /// The file to delete.
    filename: String,
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Confirm {
    /// Whether to delete it.
    confirm: bool,
}

async fn confirm_delete(Args(File { filename }): Args<File>, cx: Cx) -> Result<String, AskError> {
    let answer: Confirm = cx.elicit("confirm", Form::new(format!("Delete {filename}?"))).await?;
    Ok(if answer.confirm { format!("Deleted {filename}.") } else { format!("Kept {filename}.") })
}

/// Asks two questions at once; the client may answer one before the other.
async fn multi_input(cx: Cx) -> Result<String, AskError> {
    let first = Form::new("What is your first name?");
    let last = Form::new("What is your last name?");
    let (first, last) = cx.ask().elicit::<Name>("first", first).elicit::<Name>("last", last).await?;
    Ok(format!("Hello, {} {}!", first.name, last.name))
}

/// Asks while it is a plain call, and then says that it goes on as a task.
async fn ask_and_go_on(cx: Cx) -> Result<String, AskError> {
    let greeting = ask_a_name(cx.clone()).await?;
    cx.become_task().await;
    Ok(greeting)
}
