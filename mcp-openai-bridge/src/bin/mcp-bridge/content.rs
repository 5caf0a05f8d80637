//! What tools, resources and prompts give, for humans and for files.
//!
//! The surprising thing: into a pipe everything goes in full, a picture of a tool as a `data:` URL; on a terminal a
//! picture is only described.

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use mcp_types::{CallToolResult, ContentBlock, RawJson, ResourceContents};
use serde_json::Value;

use crate::exit::{Failure, Kind};
use crate::output::Output;

/// One piece of content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// Bytes of a picture, a recording or a file, in base64.
    Media { what: &'static str, mime_type: String, data: String },
    /// A text, as it is.
    Text(String),
}

/// Takes a result of a tool apart.
pub(crate) fn pieces(result: &CallToolResult) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = result.content.iter().map(piece).collect();
    if let Some(structured) = result.structured_content.as_ref().filter(|known| !repeats(&result.content, known)) {
        pieces.push(Piece::Text(structured.as_str().to_owned()));
    }
    pieces
}

/// Reads a block of content.
pub(crate) fn piece(block: &ContentBlock) -> Piece {
    let media = |what, mime_type: &str, data: &str| Piece::Media {
        what,
        mime_type: mime_type.to_owned(),
        data: data.to_owned(),
    };
    match block {
        ContentBlock::Text(content) => Piece::Text(content.text.clone()),
        ContentBlock::Image(content) => media("image", &content.mime_type, &content.data),
        ContentBlock::Audio(content) => media("audio", &content.mime_type, &content.data),
        ContentBlock::Resource(content) => contents(&content.resource),
        ContentBlock::ResourceLink(link) => {
            let name = link.title.as_deref().unwrap_or(&link.name);
            Piece::Text(format!("{name}: {}", link.uri))
        }
        other => Piece::Text(RawJson::encode(other).map(|raw| raw.as_str().to_owned()).unwrap_or_default()),
    }
}

/// Reads the contents of a resource.
pub(crate) fn contents(contents: &ResourceContents) -> Piece {
    match contents {
        ResourceContents::Text(contents) => Piece::Text(contents.text.clone()),
        ResourceContents::Blob(contents) => Piece::Media {
            what: "file",
            mime_type: contents.mime_type.clone().unwrap_or_else(|| "application/octet-stream".to_owned()),
            data: contents.blob.clone(),
        },
        other => Piece::Text(format!("[contents of {} of an unknown kind]", other.uri())),
    }
}

impl Piece {
    /// Returns the bytes.
    fn bytes(&self) -> Result<Vec<u8>, Failure> {
        match self {
            Self::Text(text) => Ok(text.clone().into_bytes()),
            Self::Media { what, mime_type, data } => STANDARD.decode(data).map_err(|error| {
                Failure::new(Kind::Protocol, format!("the {what} ({mime_type}) of the server is not base64: {error}"))
            }),
        }
    }

    /// Says what it is, in one line.
    pub(crate) fn described(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Media { what, mime_type, data } => {
                let padding = data.bytes().rev().take_while(|byte| *byte == b'=').count();
                let bytes = (data.len() / 4 * 3).saturating_sub(padding);
                format!("[{what}: {mime_type}, {}]", size(bytes))
            }
        }
    }
}

/// Prints the pieces of a result of a tool.
pub(crate) fn print(pieces: &[Piece], output: &Output) -> Result<(), Failure> {
    for piece in pieces {
        match piece {
            Piece::Text(text) => output.print(text)?,
            Piece::Media { .. } if output.is_terminal() => {
                output.print(&piece.described())?;
                output.say("hint: `--output FILE` writes it to a file");
            }
            Piece::Media { mime_type, data, .. } => output.print(&format!("data:{mime_type};base64,{data}"))?,
        }
    }
    Ok(())
}

/// Prints a resource: into a pipe its very bytes.
pub(crate) fn print_contents(pieces: &[Piece], output: &Output) -> Result<(), Failure> {
    for piece in pieces {
        match piece {
            Piece::Text(text) if output.is_terminal() => output.print(text)?,
            Piece::Media { .. } if output.is_terminal() => {
                output.print(&piece.described())?;
                output.say("hint: `--output FILE` writes it to a file");
            }
            piece => output.print_bytes(&piece.bytes()?)?,
        }
    }
    Ok(())
}

/// Writes pieces to a file; a second one goes to `name-2`, and so on.
pub(crate) fn write(pieces: &[&Piece], file: &Path, output: &Output) -> Result<(), Failure> {
    for (index, piece) in pieces.iter().enumerate() {
        let file = numbered(file, index + 1);
        let bytes = piece.bytes()?;
        fs::write(&file, &bytes)
            .map_err(|error| Failure::usage(format!("cannot write {}: {error}", file.display())))?;
        output.say(&format!("wrote {} ({})", file.display(), size(bytes.len())));
    }
    Ok(())
}

fn numbered(file: &Path, number: usize) -> PathBuf {
    if number == 1 {
        return file.to_owned();
    }
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    let extension = file.extension().map(|extension| format!(".{}", extension.to_string_lossy())).unwrap_or_default();
    file.with_file_name(format!("{stem}-{number}{extension}"))
}

/// Whether a text says already what the structured content says (T-83).
fn repeats(content: &[ContentBlock], structured: &RawJson) -> bool {
    let Ok(value) = structured.decode::<Value>() else { return false };
    content
        .iter()
        .filter_map(ContentBlock::as_text)
        .any(|text| serde_json::from_str::<Value>(text).is_ok_and(|copy| copy == value) || value.as_str() == Some(text))
}

fn size(bytes: usize) -> String {
    match bytes {
        0..1024 => format!("{bytes} bytes"),
        1024..1_048_576 => format!("{:.1} KiB", bytes as f64 / 1024.0),
        _ => format!("{:.1} MiB", bytes as f64 / 1_048_576.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn structured_content_is_shown_unless_a_text_says_it() {
        let raw = |json: &str| RawJson::parse(json.to_owned()).unwrap();
        let check = |result: CallToolResult, expected: &[&str]| {
            let expected: Vec<Piece> = expected.iter().map(|text| Piece::Text((*text).to_owned())).collect();
            assert_eq!(pieces(&result), expected);
        };
        check(CallToolResult::structured(raw(r#"{"sum":3}"#)), &[r#"{"sum":3}"#]);
        check(CallToolResult::text("three").structured_content(raw(r#"{"sum":3}"#)), &["three", r#"{"sum":3}"#]);
        check(CallToolResult::new().structured_content(raw("7")), &["7"]);
    }

    #[test]
    fn media_are_described_by_type_and_size() {
        let piece = piece(&ContentBlock::image("aGVsbG8=", "image/png"));
        assert_eq!(piece.described(), "[image: image/png, 5 bytes]");
        assert_eq!(piece.bytes().unwrap(), b"hello");
        assert_eq!(size(5 * 1024 + 512), "5.5 KiB");
        let broken = Piece::Media { what: "file", mime_type: "x/y".to_owned(), data: "!".to_owned() };
        assert!(broken.bytes().unwrap_err().message.contains("x/y"));
    }

    #[test]
    fn further_files_are_numbered() {
        assert_eq!(numbered(Path::new("a/b.png"), 1), Path::new("a/b.png"));
        assert_eq!(numbered(Path::new("a/b.png"), 2), Path::new("a/b-2.png"));
        assert_eq!(numbered(Path::new("b"), 3), Path::new("b-3"));
    }
}
