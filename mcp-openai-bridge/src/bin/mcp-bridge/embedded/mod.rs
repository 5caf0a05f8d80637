//! The server that is built in: small tools that are of use by themselves, and one of each thing that MCP has.
//!
//! The surprising thing: nothing here needs the network or a configuration, so that a first try can only fail for
//! reasons of the client.

mod clock;
mod countdown;
mod numbers;
mod prompt;
mod text;

use std::time::Duration;

use mcp_server::{Error, Limits, Prompt, Resource, ResourceTemplate, Server, Tool, types::Implementation};

/// Makes the server.
pub(crate) fn server() -> Result<Server, Error> {
    // A countdown of the longest kind must be able to end.
    let limits = Limits::default().handler_timeout(countdown::LONGEST + Duration::from_secs(15));
    Server::builder(Implementation::new("mcp-bridge", env!("CARGO_PKG_VERSION")).title("mcp-bridge"))
        .limits(limits)
        .instructions(INSTRUCTIONS)
        .tool(
            pure(Tool::new("get_current_time", clock::get_current_time))
                .title("Current time")
                .description("Get the current time, in any timezone"),
        )
        .tool(
            pure(Tool::new("convert_time", clock::convert_time))
                .title("Convert a time")
                .description("Convert a time of one timezone to another"),
        )
        .tool(
            pure(Tool::new("date_difference", clock::date_difference))
                .title("Days between dates")
                .description("Count the days, months and years between two dates"),
        )
        .tool(pure(Tool::new("add", numbers::add)).title("Add").description("Add two numbers"))
        .tool(pure(Tool::new("echo", text::echo)).title("Echo").description("Return a text as it is"))
        .tool(
            pure(Tool::new("count_text", text::count_text))
                .title("Count a text")
                .description("Count the characters, words, lines and bytes of a text"),
        )
        .tool(
            pure(Tool::new("countdown", countdown::countdown))
                .title("Countdown")
                .description("Wait for some seconds and report progress on the way"),
        )
        .resource(
            Resource::text("embedded://about", "about", ABOUT)
                .title("About this server")
                .description("What this server offers")
                .mime_type("text/plain"),
        )
        .template(
            ResourceTemplate::new("time://{timezone}", "time", clock::read_time)
                .title("Time in a timezone")
                .description("The current time as ISO 8601; the `/` of a timezone is written `%2F`")
                .mime_type("text/plain")
                .complete("timezone", clock::complete_timezone),
        )
        .prompt(
            Prompt::new("summarize", prompt::summarize)
                .title("Summarize")
                .description("Ask for a summary of a text")
                .complete("style", prompt::complete_style),
        )
        .build()
}

/// Serves in this process.
pub(crate) fn in_process() -> Result<mcp_client::InProcess, Error> {
    let server = server()?;
    Ok(server.in_process())
}

/// Says what is true of all tools here: they change nothing and know no outside.
fn pure(tool: Tool) -> Tool {
    tool.read_only().destructive(false).idempotent().open_world(false)
}

const INSTRUCTIONS: &str = "Small tools that need no network: times and dates in any timezone, adding numbers, \
                            counting text. Use `countdown` only to wait or to try progress notifications.";

const ABOUT: &str = "\
This is the server that is built into mcp-bridge.

Tools:     get_current_time, convert_time, date_difference, add, echo, count_text, countdown
Resources: embedded://about, and time://{timezone}, such as time://Europe%2FVienna
Prompts:   summarize

It needs no network and no configuration, and changes nothing.
";
