//! Blocks of content: a type that the older revision does not have becomes a text (T-90).

use super::{Project, project};
use crate::content::{AudioContent, ContentBlock, EmbeddedResource, ImageContent, ResourceLink, TextContent};
use crate::prompts::PromptMessage;
use crate::resources::{BlobResourceContents, ResourceContents, TextResourceContents};
use crate::revision::Features;

project! {
    AudioContent { ENTITY_META: meta; & annotations; }
    BlobResourceContents { ENTITY_META: meta; }
    EmbeddedResource { ENTITY_META: meta; & annotations, resource; }
    ImageContent { ENTITY_META: meta; & annotations; }
    PromptMessage { & content; }
    ResourceLink { TITLE: title; ICONS: icons; ENTITY_META: meta; & annotations; }
    TextContent { ENTITY_META: meta; & annotations; }
    TextResourceContents { ENTITY_META: meta; }
}

impl Project for ResourceContents {
    fn project(&mut self, features: Features) {
        match self {
            Self::Text(contents) => contents.project(features),
            Self::Blob(contents) => contents.project(features),
        }
    }
}

impl Project for ContentBlock {
    fn project(&mut self, features: Features) {
        if let Some(text) = self.as_older_text(features) {
            *self = Self::Text(text);
        }
        match self {
            Self::Text(content) => content.project(features),
            Self::Image(content) => content.project(features),
            Self::Audio(content) => content.project(features),
            Self::ResourceLink(content) => content.project(features),
            Self::Resource(content) => content.project(features),
            Self::Unknown(_) => {}
        }
    }
}

impl ContentBlock {
    /// Returns the text that stands for a block of a type that does not exist yet, if it does not.
    fn as_older_text(&self, features: Features) -> Option<TextContent> {
        let (text, annotations) = match self {
            Self::Audio(audio) if !features.has(Features::AUDIO) => (audio_text(audio), audio.annotations.clone()),
            Self::ResourceLink(link) if !features.has(Features::RESOURCE_LINK) => {
                (link.uri.clone(), link.annotations.clone())
            }
            // The sets of types are closed up to 2025-11-25, the last revision whose results do not say what they are.
            Self::Unknown(_) if !features.has(Features::RESULT_TYPE) => {
                (format!("[content of type {}]", self.kind()), None)
            }
            _ => return None,
        };
        Some(TextContent { annotations, ..TextContent::new(text) })
    }
}

/// Returns the text that stands for a recording where there are none.
pub(super) fn audio_text(audio: &AudioContent) -> String {
    format!("[audio content of type {}]", audio.mime_type)
}
