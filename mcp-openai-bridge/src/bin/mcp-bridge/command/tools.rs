//! `tools`: the tools of a server, ready for a request to a model.
//!
//! The surprising thing: what had to be changed to make a tool legal for a model is said on standard error, so that the
//! output stays what goes into the request.

use mcp_client::Client;
use mcp_openai_bridge::tools::ToolSet;
use mcp_types::Tool;

use crate::arguments::signature;
use crate::cli::{self, Format};
use crate::exit::Failure;
use crate::output::{Output, shortened};
use crate::target::Target;

use super::{Line, closing, offered};

pub(super) async fn run(tools: cli::Tools, output: &Output) -> Result<(), Failure> {
    let mut line = Line::new(tools.words, tools.child, tools.connect)?;
    let target = line.target(USAGE)?;
    line.end(USAGE)?;
    let client = line.connect.open(&target, output).await?;
    let listed = listed(&client, output).await;
    let listed = closing(client, listed).await?;
    print(&target, &listed, tools.format, output)
}

fn print(target: &Target, tools: &[Tool], format: Format, output: &Output) -> Result<(), Failure> {
    if tools.is_empty() {
        output.say(&format!("{} has no tools", target.label()));
    }
    match format {
        Format::Mcp => output.document(&tools),
        Format::List if output.is_json() => output.document(&tools),
        Format::List => tools.iter().try_for_each(|tool| {
            output.print(&format!("{}({})", tool.name, signature(tool).replace("no arguments", "")))?;
            match &tool.description {
                Some(text) => output.print(&format!("    {}", shortened(text, 200))),
                None => Ok(()),
            }
        }),
        Format::Openai | Format::Responses => {
            let set = ToolSet::builder().server(target.label(), tools).build();
            let report = set.report().to_string();
            if !report.is_empty() {
                output.say(report.trim_end());
            }
            output.document(&if format == Format::Openai { set.chat() } else { set.responses() })
        }
    }
}

/// Lists the tools, and says which were left out.
pub(super) async fn listed(client: &Client, output: &Output) -> Result<Vec<Tool>, Failure> {
    let tools = offered(client.list_tools().await)?;
    say_left_out(client, output);
    Ok(tools)
}

/// Says which tools the client has left out of its list.
pub(super) fn say_left_out(client: &Client, output: &Output) {
    for refused in client.refused_tools() {
        output.say(&format!("warning: the tool `{}` is left out: {}", refused.name, refused.reason));
    }
}

const USAGE: &str = "mcp-bridge tools TARGET\nmcp-bridge tools -- COMMAND [ARG]...";
