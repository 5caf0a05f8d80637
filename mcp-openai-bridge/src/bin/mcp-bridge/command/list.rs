//! `resources`, `templates`, `prompts`: lists, as lines for humans and as MCP has them with `--json`.

use mcp_client::Client;
use mcp_types::{Prompt, Resource, ResourceTemplate};
use serde::Serialize;

use crate::cli;
use crate::exit::Failure;
use crate::output::{Output, shortened};

use super::{Line, closing, offered};

pub(super) async fn resources(list: cli::List, output: &Output) -> Result<(), Failure> {
    run(list, "resources", output, async |client| offered(client.list_resources().await)).await
}

pub(super) async fn templates(list: cli::List, output: &Output) -> Result<(), Failure> {
    run(list, "templates", output, async |client| offered(client.list_resource_templates().await)).await
}

pub(super) async fn prompts(list: cli::List, output: &Output) -> Result<(), Failure> {
    run(list, "prompts", output, async |client| offered(client.list_prompts().await)).await
}

async fn run<T: Entry>(
    list: cli::List,
    what: &str,
    output: &Output,
    read: impl AsyncFn(&Client) -> Result<Vec<T>, Failure>,
) -> Result<(), Failure> {
    let usage = format!("mcp-bridge {what} TARGET\nmcp-bridge {what} -- COMMAND [ARG]...");
    let mut line = Line::new(list.words, list.child, list.connect).await?;
    let target = line.target(&usage)?;
    line.end(&usage)?;
    let client = line.connect.open(&target, output).await?;
    let entries = read(&client).await;
    let entries = closing(client, entries).await?;
    if entries.is_empty() {
        output.say(&format!("{} has no {what}", target.label()));
    }
    if output.is_json() {
        return output.document(&entries);
    }
    entries.iter().try_for_each(|entry| {
        output.print(&entry.headline())?;
        match entry.description() {
            Some(text) => output.print(&format!("    {}", shortened(text, 200))),
            None => Ok(()),
        }
    })
}

/// Something in a list.
trait Entry: Serialize {
    /// What it is used by.
    fn headline(&self) -> String;

    /// What it is.
    fn description(&self) -> Option<&str>;
}

impl Entry for Resource {
    fn headline(&self) -> String {
        self.uri.clone()
    }

    fn description(&self) -> Option<&str> {
        Some(self.description.as_deref().or(self.title.as_deref()).unwrap_or(&self.name))
    }
}

impl Entry for ResourceTemplate {
    fn headline(&self) -> String {
        self.uri_template.clone()
    }

    fn description(&self) -> Option<&str> {
        Some(self.description.as_deref().or(self.title.as_deref()).unwrap_or(&self.name))
    }
}

impl Entry for Prompt {
    fn headline(&self) -> String {
        // Those that must be given come first.
        let (required, rest): (Vec<_>, Vec<_>) =
            self.arguments.iter().flatten().partition(|argument| argument.required == Some(true));
        let required = required.iter().map(|argument| argument.name.clone());
        let rest = rest.iter().map(|argument| format!("{}?", argument.name));
        format!("{}({})", self.name, required.chain(rest).collect::<Vec<_>>().join(", "))
    }

    fn description(&self) -> Option<&str> {
        self.description.as_deref().or(self.title.as_deref())
    }
}
