//! `call`: one call of one tool.
//!
//! The surprising thing: the list of tools is read first. Without the schema of the tool `a=1` could not be told from
//! `a="1"`, and a wrong argument would be found by the server at best.

use mcp_client::Client;
use mcp_openai_bridge::tools::ToolSet;
use mcp_types::{CallToolResult, RawJson, Tool};
use tokio::time::Instant;

use crate::arguments;
use crate::cli;
use crate::connect::standard_input;
use crate::content::{self, Piece};
use crate::exit::{Failure, Kind};
use crate::output::Output;
use crate::progress::Progress;

use super::tools::listed;
use super::{Line, closing};

pub(super) async fn run(call: cli::Call, output: &Output) -> Result<(), Failure> {
    let mut line = Line::new(call.words, call.child, call.connect).await?;
    let target = line.target(USAGE)?;
    let name = line.word("the name of a tool", USAGE)?;
    let json = match call.args_json.as_deref() {
        Some("-") => Some(standard_input("the arguments").await?),
        other => other.map(str::to_owned),
    };
    let wanted = Wanted { name, words: line.words, json, unchecked: call.unchecked };
    let client = line.connect.open(&target, output).await?;
    let result = wanted.call(&client, output).await;
    let result = closing(client, result).await?;
    if result.failed() {
        return failed(&wanted.name, &result, output);
    }
    let pieces = content::pieces(&result);
    let Some(file) = &call.output else {
        return if output.is_json() { output.document(&result) } else { content::print(&pieces, output) };
    };
    let (media, texts): (Vec<&Piece>, Vec<&Piece>) =
        pieces.iter().partition(|piece| matches!(piece, Piece::Media { .. }));
    if media.is_empty() {
        return content::write(&texts, file, output);
    }
    content::write(&media, file, output)?;
    let texts: Vec<Piece> = texts.into_iter().cloned().collect();
    content::print(&texts, output)
}

/// A call that is wanted.
struct Wanted {
    name: String,
    words: Vec<String>,
    json: Option<String>,
    unchecked: bool,
}

impl Wanted {
    async fn call(&self, client: &Client, output: &Output) -> Result<CallToolResult, Failure> {
        let tools = listed(client, output).await?;
        let Some(tool) = tools.iter().find(|tool| tool.name == self.name) else {
            return Err(unknown(&tools, &self.name));
        };
        let arguments = self.arguments(tool)?;
        let mut progress = Progress::new(output, Instant::now());
        let call = client.tool(self.name.as_str()).arguments(arguments);
        let call = call.on_progress(|told| progress.show(&told, Instant::now()));
        Ok(call.call().await?.into_inner())
    }

    fn arguments(&self, tool: &Tool) -> Result<RawJson, Failure> {
        let arguments = arguments::typed(tool, &self.words, self.json.as_deref())?;
        if !self.unchecked {
            // A mistyped key is more likely in words than in JSON that some program wrote.
            let tool = if self.words.is_empty() { tool.clone() } else { arguments::closed(tool) };
            arguments::check(&tool, &arguments)?;
        }
        Ok(arguments)
    }
}

/// Says that a tool failed; its result is still the output with `--json`.
fn failed(name: &str, result: &CallToolResult, output: &Output) -> Result<(), Failure> {
    if output.is_json() {
        output.document(result)?;
    }
    let said: Vec<String> = content::pieces(result).iter().map(Piece::described).collect();
    let said = said.join("\n");
    let said = if said.trim().is_empty() { "it does not say why" } else { said.trim_end() };
    Err(Failure::new(Kind::Tool, format!("the tool `{name}` failed: {said}")))
}

fn unknown(tools: &[Tool], name: &str) -> Failure {
    // The tool set says what was perhaps meant.
    let set = ToolSet::builder().server("", tools).build();
    Failure::usage(set.unknown(name)).hint("`mcp-bridge tools … --format list` shows what each tool takes")
}

const USAGE: &str =
    "mcp-bridge call TARGET TOOL [KEY=VALUE]...\nmcp-bridge call TOOL [KEY=VALUE]... -- COMMAND [ARG]...";
