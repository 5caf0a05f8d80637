//! Rendered results in the forms of the two APIs.

#[cfg(feature = "driver")]
use mcp_types::ContentBlock;
use mcp_types::RawJson;
use serde_json::{Value, json};

use super::{Part, Rendered};
use crate::chat::Message;

/// Makes the user message with the media of a turn's results; `None` when there are none.
///
/// It belongs after the last tool message of the turn. Each result is a pair of its call id and itself.
pub fn media_message<'a>(results: impl IntoIterator<Item = (&'a str, &'a Rendered)>) -> Option<Message> {
    let mut parts = Vec::new();
    for (call_id, rendered) in results {
        let media: Vec<Value> = rendered.parts.iter().filter_map(chat_part).collect();
        if !media.is_empty() {
            let text = format!("Media in the result of the tool call {call_id}, in the order of their numbers:");
            parts.push(json!({"type": "text", "text": text}));
            parts.extend(media);
        }
    }
    (!parts.is_empty()).then(|| Message::with_content("user", Value::from(parts).into()))
}

/// Makes the content of a message that may hold media: a text, or a list when there are any.
#[cfg(feature = "driver")]
pub(crate) fn chat_content(blocks: &[ContentBlock]) -> RawJson {
    let parts: Vec<Part> = blocks.iter().map(super::block).collect();
    let texts: Option<Vec<&str>> = parts.iter().map(Part::as_text).collect();
    if let Some(texts) = texts {
        return Value::from(texts.join("\n")).into();
    }
    let text = |part: &Part| Some(json!({"type": "text", "text": part.as_text()?}));
    Value::from(parts.iter().filter_map(|part| chat_part(part).or_else(|| text(part))).collect::<Vec<_>>()).into()
}

fn chat_part(part: &Part) -> Option<Value> {
    match part {
        Part::Audio(media) => {
            let format = if media.mime_type == "audio/wav" { "wav" } else { "mp3" };
            Some(json!({"type": "input_audio", "input_audio": {"data": media.data, "format": format}}))
        }
        Part::File(media) => {
            let name = media.name.as_deref().unwrap_or("file");
            Some(json!({"type": "file", "file": {"filename": name, "file_data": media.data_url()}}))
        }
        Part::Image(media) => Some(json!({"type": "image_url", "image_url": {"url": media.data_url()}})),
        Part::Text(_) => None,
    }
}

/// Makes the output of a call in the Responses API: a text, or a list when there are media.
///
/// The API has no part for audio, so that a recording is described.
pub fn responses_output(rendered: &Rendered) -> RawJson {
    let parts: Vec<Value> = rendered.parts.iter().map(responses_part).collect();
    let texts: Option<Vec<&str>> = parts.iter().map(|part| part.get("text")?.as_str()).collect();
    texts.map_or_else(|| Value::from(parts.clone()), |texts| Value::from(texts.join("\n"))).into()
}

fn responses_part(part: &Part) -> Value {
    match part {
        Part::Audio(media) => {
            let bytes = super::base64::decoded_len(&media.data);
            let text = format!("[audio: {}, {bytes} bytes, not shown: this API takes no audio]", media.mime_type);
            json!({"type": "input_text", "text": text})
        }
        Part::File(media) => {
            let name = media.name.as_deref().unwrap_or("file");
            json!({"type": "input_file", "filename": name, "file_data": media.data_url()})
        }
        Part::Image(media) => json!({"type": "input_image", "image_url": media.data_url()}),
        Part::Text(text) => json!({"type": "input_text", "text": text}),
    }
}
