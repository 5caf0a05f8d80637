//! `read`: the contents of a resource, as they are.

use crate::cli;
use crate::content::{self, Piece};
use crate::exit::Failure;
use crate::output::Output;

use super::{Line, closing};

pub(super) async fn run(read: cli::Read, output: &Output) -> Result<(), Failure> {
    let mut line = Line::new(read.words, read.child, read.connect).await?;
    let target = line.target(USAGE)?;
    let uri = line.word("the URI of a resource", USAGE)?;
    line.end(USAGE)?;
    let client = line.connect.open(&target, output).await?;
    let result = client.read_resource(uri).await.map_err(Failure::from);
    let result = closing(client, result).await?;
    let pieces: Vec<Piece> = result.contents.iter().map(content::contents).collect();
    if let Some(file) = &read.output {
        content::write(&pieces.iter().collect::<Vec<_>>(), file, output)?;
        return Ok(());
    }
    if output.is_json() { output.document(&result) } else { content::print_contents(&pieces, output) }
}

const USAGE: &str = "mcp-bridge read TARGET URI\nmcp-bridge read URI -- COMMAND [ARG]...";
