//! Where a list of tools comes from: a server, or a file with a saved list.
//!
//! The surprising thing: each tool of a file is read by itself, as a client does, so that one that cannot be read does
//! not hide the others.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use mcp_types::{JsonObject, RawJson, Tool};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::cli;
use crate::exit::Failure;
use crate::output::Output;

use super::{Line, closing, tools};

/// The tools of one server.
pub(super) struct Listed {
    /// What the server is called here.
    pub(super) label: String,
    pub(super) tools: Vec<Tool>,
    /// Names of tools that cannot be read, and why.
    pub(super) refused: Vec<(String, String)>,
    /// Whether they come from a file; of a server's tools it is said already which were left out.
    pub(super) is_saved: bool,
}

/// Reads the tools that a command line is about.
pub(super) async fn listed(
    words: Vec<String>,
    child: cli::Child,
    connect: cli::Connect,
    usage: &str,
    output: &Output,
) -> Result<Listed, Failure> {
    let mut line = Line::new(words, child, connect).await?;
    if let Some(path) = line.file()? {
        line.end(usage)?;
        return saved(Path::new(&path));
    }
    let target = line.target(usage)?;
    line.end(usage)?;
    let client = line.connect.open(&target, output).await?;
    let listed = tools::listed(&client, output).await;
    let refused = client.refused_tools();
    let tools = closing(client, listed).await?;
    let refused = refused.into_iter().map(|refused| (refused.name, refused.reason)).collect();
    Ok(Listed { label: target.label(), tools, refused, is_saved: false })
}

/// Reads a file with the result of `tools/list`, or with the array in it.
fn saved(path: &Path) -> Result<Listed, Failure> {
    let shown = path.display();
    let unreadable = |why: String| Failure::usage(format!("{shown}: {why}"));
    let mut text = String::new();
    let file = File::open(path).map_err(|error| unreadable(format!("cannot be opened: {error}")))?;
    let read = file.take(FILE_BYTES + 1).read_to_string(&mut text);
    read.map_err(|error| unreadable(format!("cannot be read: {error}")))?;
    if u64::try_from(text.len()).is_ok_and(|length| length > FILE_BYTES) {
        return Err(unreadable(format!("is longer than {FILE_BYTES} bytes")));
    }
    let entries = entries(&text).map_err(|error| {
        unreadable(format!("is no list of tools: {error}"))
            .hint("it holds an array of tools, or `{\"tools\": […]}`, as a server answers `tools/list`")
    })?;
    let label = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let mut listed = Listed { label, tools: Vec::new(), refused: Vec::new(), is_saved: true };
    for (index, entry) in entries.iter().enumerate() {
        let raw = RawJson::parse(entry.get().to_owned());
        match raw.map_err(|error| error.to_string()).and_then(|raw| raw.decode().map_err(|error| error.to_string())) {
            Ok(tool) => listed.tools.push(tool),
            Err(why) => listed.refused.push((name(entry).unwrap_or_else(|| format!("number {}", index + 1)), why)),
        }
    }
    Ok(listed)
}

fn entries(text: &str) -> Result<Vec<Box<RawValue>>, serde_json::Error> {
    /// The result of `tools/list`.
    #[derive(Deserialize)]
    struct Saved {
        tools: Vec<Box<RawValue>>,
    }
    if text.trim_start().starts_with('[') {
        serde_json::from_str(text)
    } else {
        serde_json::from_str::<Saved>(text).map(|saved| saved.tools)
    }
}

/// The name of an entry that is no tool, if it has one.
fn name(entry: &RawValue) -> Option<String> {
    let members: JsonObject = RawJson::parse(entry.get().to_owned()).ok()?.decode().ok()?;
    members.member("name")?.decode().ok()
}

/// Bytes of a file.
const FILE_BYTES: u64 = 64 * 1024 * 1024;
