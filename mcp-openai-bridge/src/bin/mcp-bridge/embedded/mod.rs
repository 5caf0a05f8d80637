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

use mcp_server::types::Implementation;
use mcp_server::{Error, Limits, Prompt, Resource, ResourceTemplate, Server, ServerBuilder, Tool};

/// Makes the server.
pub(crate) fn server() -> Result<Server, Error> {
    // A countdown of the longest kind must be able to end.
    let limits = Limits::default().handler_timeout(countdown::LONGEST + Duration::from_secs(15));
    let builder = Server::builder(Implementation::new("mcp-bridge", env!("CARGO_PKG_VERSION")).title("mcp-bridge"))
        .limits(limits)
        .instructions(INSTRUCTIONS);
    let (tools, template, prompt) = (tools(), template(), prompt());
    let about = about(&tools, &template, &prompt);
    tools.into_iter().fold(builder, ServerBuilder::tool).resource(about).template(template).prompt(prompt).build()
}

fn tools() -> [Tool; 7] {
    [
        Tool::new("get_current_time", clock::get_current_time)
            .title("Current time")
            .description("Get the current time, in any timezone"),
        Tool::new("convert_time", clock::convert_time)
            .title("Convert a time")
            .description("Convert a time of one timezone to another"),
        Tool::new("date_difference", clock::date_difference)
            .title("Days between dates")
            .description("Count the days, months and years between two dates"),
        Tool::new("add", numbers::add).title("Add").description("Add two numbers"),
        Tool::new("echo", text::echo).title("Echo").description("Return a text as it is"),
        Tool::new("count_text", text::count_text)
            .title("Count a text")
            .description("Count the characters, words, lines and bytes of a text"),
        Tool::new("countdown", countdown::countdown)
            .title("Countdown")
            .description("Wait for some seconds and report progress on the way"),
    ]
    // They change nothing and know no outside.
    .map(|tool| tool.read_only().destructive(false).idempotent().open_world(false))
}

fn template() -> ResourceTemplate {
    ResourceTemplate::new("time://{timezone}", "time", clock::read_time)
        .title("Time in a timezone")
        .description("The current time as ISO 8601; the `/` of a timezone is written `%2F`")
        .mime_type("text/plain")
        .complete("timezone", clock::complete_timezone)
}

fn prompt() -> Prompt {
    Prompt::new("summarize", prompt::summarize)
        .title("Summarize")
        .description("Ask for a summary of a text")
        .complete("style", prompt::complete_style)
}

/// The resource that says what there is.
fn about(tools: &[Tool], template: &ResourceTemplate, prompt: &Prompt) -> Resource {
    let tools = tools.iter().map(Tool::name).collect::<Vec<_>>().join(", ");
    let text = format!(
        "\
This is the server that is built into mcp-bridge.

Tools:     {tools}
Resources: {ABOUT}, and {}, such as time://Europe%2FVienna
Prompts:   {}

It needs no network and no configuration, and changes nothing.
",
        template.uri(),
        prompt.name()
    );
    Resource::text(ABOUT, "about", text)
        .title("About this server")
        .description("What this server offers")
        .mime_type("text/plain")
}

/// Serves in this process.
pub(crate) fn in_process() -> Result<mcp_client::InProcess, Error> {
    let server = server()?;
    Ok(server.in_process())
}

const INSTRUCTIONS: &str = "Small tools that need no network: times and dates in any timezone, adding numbers, \
                            counting text. Use `countdown` only to wait or to try progress notifications.";

const ABOUT: &str = "embedded://about";
