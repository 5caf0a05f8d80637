//! `tools`: the tools of a server, ready for a request to a model.
//!
//! The surprising thing: what had to be changed to make a tool legal for a model is said on standard error, so that the
//! output stays what goes into the request.

use mcp_client::Client;
use mcp_openai_bridge::tools::{Selection, Strict, ToolSet};
use mcp_types::Tool;

use crate::arguments::signature;
use crate::cli::{self, Format};
use crate::exit::Failure;
use crate::output::{Output, shortened};

use super::{offered, source};

pub(super) async fn run(tools: cli::Tools, output: &Output) -> Result<(), Failure> {
    let listed = source::listed(tools.words, tools.child, tools.connect, USAGE, output).await?;
    for (name, why) in listed.refused.iter().filter(|_| listed.is_saved) {
        say_refused(name, why, output);
    }
    if listed.tools.is_empty() {
        output.say(&format!("{} has no tools", listed.label));
    }
    match tools.format {
        Format::Mcp => output.document(&listed.tools),
        Format::List if output.is_json() => output.document(&listed.tools),
        Format::List => listed.tools.iter().try_for_each(|tool| print(tool, output)),
        Format::Openai | Format::Responses => {
            let all = Selection::new().limit(usize::MAX);
            let set = ToolSet::builder()
                .server(&listed.label, &listed.tools)
                .strict(if tools.strict == cli::Strict::Auto { Strict::Auto } else { Strict::Off })
                .selection(if tools.all { all } else { Selection::new() })
                .build();
            let report = set.report().to_string();
            if !report.is_empty() {
                output.say(report.trim_end());
            }
            output.document(&if tools.format == Format::Openai { set.chat() } else { set.responses() })
        }
    }
}

fn print(tool: &Tool, output: &Output) -> Result<(), Failure> {
    output.print(&format!("{}({})", tool.name, signature(tool).replace("no arguments", "")))?;
    match &tool.description {
        Some(text) => output.print(&format!("    {}", shortened(text, 200))),
        None => Ok(()),
    }
}

/// Lists the tools, and says which were left out.
pub(super) async fn listed(client: &Client, output: &Output) -> Result<Vec<Tool>, Failure> {
    let tools = offered(client.list_tools().await)?;
    say_left_out(client, output);
    Ok(tools)
}

/// Says which tools the client has left out of its list.
pub(crate) fn say_left_out(client: &Client, output: &Output) {
    for refused in client.refused_tools() {
        say_refused(&refused.name, &refused.reason, output);
    }
}

fn say_refused(name: &str, why: &str, output: &Output) {
    output.say(&format!("warning: the tool `{name}` is left out: {why}"));
}

const USAGE: &str = "mcp-bridge tools TARGET\nmcp-bridge tools FILE.json\nmcp-bridge tools -- COMMAND [ARG]...";
