//! Results of tools: what an MCP server answers becomes what a model can read.
//!
//! The surprising thing: in Chat Completions a tool message carries text only, and nothing may stand between the tool
//! messages of a turn. So media wait: they go into one user message after the last tool message, labelled by call.
//! Nothing is lost on the way: what a model cannot read is described, and an unknown block is kept as JSON.

mod base64;
mod budget;
mod ledger;
mod pages;
mod wire;

use mcp_types::{BlobResourceContents, CallToolResult, ContentBlock, RawJson, ResourceContents, ResourceLink};
use serde_json::Value;

pub(crate) use ledger::{Draft, Ledger, reader_name};
pub(crate) use pages::{reader_description, reader_parameters};
#[cfg(feature = "driver")]
pub(crate) use wire::chat_content;
pub use wire::{media_message, responses_output};

/// How results are rendered.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// What stands before the result of a tool that failed. Default `error: `.
    pub error_prefix: String,
    /// Bytes of text that a result may have; of more, the beginning and the end are shown. Default 64 KiB.
    pub text_bytes: usize,
    /// Bytes of text that all results of a turn may have together. When they are used up, each further result may still
    /// have a kilobyte. Default 512 KiB.
    pub turn_text_bytes: usize,
    /// Bytes of text that a turn keeps of results that were cut, for the model to read them on. The oldest are dropped
    /// for new ones. Without a place to keep them, they cannot be read on. Default 4 MiB.
    pub kept_bytes: usize,
    /// Bytes of base64 that the media of a result may have; more is described. Default 16 MiB.
    pub media_bytes: usize,
    /// Bytes of base64 that the media of all results of a turn may have together. Default 32 MiB.
    pub turn_media_bytes: usize,
    /// Media that a result may have; more are described. Default 64.
    pub media_parts: usize,
    /// Media that all results of a turn may have together. Default 256; OpenAI takes 500 pictures in a request.
    pub turn_media_parts: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            error_prefix: "error: ".to_owned(),
            text_bytes: 64 * KIB,
            turn_text_bytes: 512 * KIB,
            kept_bytes: 4 * KIB * KIB,
            media_bytes: 16 * KIB * KIB,
            turn_media_bytes: 32 * KIB * KIB,
            media_parts: 64,
            turn_media_parts: 256,
        }
    }
}

/// A result as a model reads it: texts and media in the order of the server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rendered {
    parts: Vec<Part>,
}

/// A part of a result.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Part {
    /// A recording: base64 and whether it is `wav` or `mp3`.
    Audio(Media),
    /// A document.
    File(Media),
    /// A picture of a type that models read.
    Image(Media),
    /// A text.
    Text(String),
}

impl Part {
    /// Returns the text, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }
}

/// Something that is no text.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Media {
    /// The media type, without parameters.
    pub mime_type: &'static str,
    /// The bytes in standard base64 with padding.
    pub data: String,
    /// A name, for what has one.
    pub name: Option<String>,
}

impl Media {
    fn data_url(&self) -> String {
        format!("data:{};base64,{}", self.mime_type, self.data)
    }
}

impl Rendered {
    /// Makes a result of one text, which is kept as it is.
    pub fn text_only(text: impl Into<String>) -> Self {
        Self { parts: vec![Part::Text(text.into())] }
    }

    /// Returns the parts.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// Returns the texts, with a mark where media stand.
    pub fn text(&self) -> String {
        let mut number = 0;
        let texts = self.parts.iter().map(|part| {
            let (what, media) = match part {
                Part::Text(text) => return text.clone(),
                Part::Audio(media) => ("audio", media),
                Part::File(media) => ("file", media),
                Part::Image(media) => ("image", media),
            };
            number += 1;
            format!("[{what} {number}: {}, in the message after the tool results]", media.mime_type)
        });
        texts.collect::<Vec<_>>().join("\n")
    }

    /// Returns whether there is anything that is no text.
    pub fn has_media(&self) -> bool {
        self.parts.iter().any(|part| !matches!(part, Part::Text(_)))
    }
}

/// Renders one result, within the bounds of one.
///
/// A [`Turn`](crate::turn::Turn) renders the results of its calls by itself, within the bounds of a turn.
pub fn render(result: &CallToolResult, options: &Options) -> Rendered {
    let mut draft = Draft::result(result, options);
    draft.limit_media(budget::Load { count: options.media_parts, bytes: options.media_bytes });
    draft.fitted(options.text_bytes, "")
}

/// The parts of a result, whatever their size; there is at least one.
fn parts(result: &CallToolResult) -> Vec<Part> {
    let mut parts: Vec<Part> = result.content.iter().map(block).collect();
    if let Some(structured) = &result.structured_content
        && !repeats(&result.content, structured)
    {
        parts.push(Part::Text(structured.as_str().to_owned()));
    }
    // An empty text says nothing, and a million of them would be as many lines.
    parts.retain(|part| !matches!(part, Part::Text(text) if text.is_empty()));
    if parts.is_empty() {
        parts = vec![Part::Text("(no output)".to_owned())];
    }
    parts
}

fn block(block: &ContentBlock) -> Part {
    match block {
        ContentBlock::Text(content) => Part::Text(content.text.clone()),
        ContentBlock::Image(content) => media("image", &content.data, &content.mime_type, None),
        ContentBlock::Audio(content) => media("audio", &content.data, &content.mime_type, None),
        ContentBlock::ResourceLink(content) => Part::Text(link(content)),
        ContentBlock::Resource(content) => match &content.resource {
            ResourceContents::Text(text) => Part::Text(format!("[resource {}]\n{}", text.uri, text.text)),
            ResourceContents::Blob(blob) => embedded(blob),
            other => Part::Text(format!("[resource {}]", other.uri())),
        },
        ContentBlock::Unknown(raw) => Part::Text(raw.as_str().to_owned()),
        // A kind of block that a later version of the types may add.
        other => Part::Text(RawJson::encode(other).map(|raw| raw.to_string()).unwrap_or_default()),
    }
}

fn link(link: &ResourceLink) -> String {
    let mut text = format!("[resource link {}: {}", link.uri, link.title.as_ref().unwrap_or(&link.name));
    if let Some(mime_type) = &link.mime_type {
        text.push_str(&format!(", {mime_type}"));
    }
    if let Some(size) = link.size {
        text.push_str(&format!(", {size} bytes"));
    }
    text.push(']');
    if let Some(description) = link.description.as_ref().filter(|text| !text.is_empty()) {
        text.push_str(&format!("\n{description}"));
    }
    text
}

fn embedded(blob: &BlobResourceContents) -> Part {
    let mime_type = blob.mime_type.as_deref().unwrap_or("application/octet-stream");
    let name = blob.uri.rsplit('/').next().filter(|name| !name.is_empty() && name.len() <= NAME_BYTES);
    let name = name.unwrap_or("resource");
    match media("resource", &blob.blob, mime_type, Some(name)) {
        Part::Text(text) => Part::Text(format!("[resource {}]\n{text}", blob.uri)),
        part => part,
    }
}

/// Takes what models can read; anything else is described.
fn media(what: &str, data: &str, mime_type: &str, name: Option<&str>) -> Part {
    let essence = mime_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let known = KNOWN.iter().find(|(name, ..)| *name == essence);
    let bytes = base64::standard(data);
    match (known, bytes) {
        (Some((_, mime_type, part)), Some(data)) => part(Media { mime_type, data, name: name.map(str::to_owned) }),
        (_, None) => Part::Text(format!("[{what}: {essence}, not shown: it is not valid base64]")),
        (None, Some(data)) => {
            let bytes = base64::decoded_len(&data);
            Part::Text(format!("[{what}: {essence}, {bytes} bytes, not shown: models do not read this type]"))
        }
    }
}

/// Whether the text blocks already say what the structured content says (T-83).
fn repeats(content: &[ContentBlock], structured: &RawJson) -> bool {
    let Ok(value) = structured.decode::<Value>() else { return false };
    // Servers that wrap a plain result in an object use this key.
    let wrapped = value.as_object().filter(|members| members.len() == 1).and_then(|members| members.get("result"));
    let texts: Vec<&str> = content.iter().filter_map(ContentBlock::as_text).collect();
    if let Some(Value::Array(items)) = wrapped
        && !items.is_empty()
        && items.len() == texts.len()
        && items.iter().zip(&texts).all(|(item, text)| says(text, item))
    {
        return true;
    }
    texts.iter().any(|text| says_json(text, &value) || wrapped.is_some_and(|wrapped| says(text, wrapped)))
}

fn says(text: &str, value: &Value) -> bool {
    value.as_str() == Some(text) || says_json(text, value)
}

fn says_json(text: &str, value: &Value) -> bool {
    serde_json::from_str::<Value>(text).is_ok_and(|copy| copy == *value)
}

const KIB: usize = 1024;

/// Bytes of the name of a document; a longer end of a URI is no name.
const NAME_BYTES: usize = 255;

type MakePart = fn(Media) -> Part;

/// Media types that models read: as servers write it, as it is sent on, and what it becomes.
const KNOWN: [(&str, &str, MakePart); 11] = [
    ("image/png", "image/png", Part::Image),
    ("image/jpeg", "image/jpeg", Part::Image),
    ("image/jpg", "image/jpeg", Part::Image),
    ("image/gif", "image/gif", Part::Image),
    ("image/webp", "image/webp", Part::Image),
    ("audio/wav", "audio/wav", Part::Audio),
    ("audio/x-wav", "audio/wav", Part::Audio),
    ("audio/wave", "audio/wav", Part::Audio),
    ("audio/mpeg", "audio/mpeg", Part::Audio),
    ("audio/mp3", "audio/mpeg", Part::Audio),
    ("application/pdf", "application/pdf", Part::File),
];

#[cfg(test)]
mod tests;
