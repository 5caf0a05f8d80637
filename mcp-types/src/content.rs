//! What tools, prompts and resources consist of (*Content*, T-74 to T-78).
//!
//! The surprising thing: a block of an unknown type is kept as it was sent, because one new block must not make a whole
//! result unreadable (T-76).

use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::dispatch::{kind, kind_of};
use crate::implementation::Icon;
use crate::json::RawJson;
use crate::json::lent::Lent;
use crate::meta::Meta;
use crate::object::{Number, object, words};
use crate::resources::{Resource, ResourceContents};

words! {
    /// Who speaks, or whom something is for.
    pub enum Role {
        /// The language model.
        Assistant = "assistant",
        /// The human.
        User = "user",
    }
}

object! {
    /// Whom something is for and how much it matters; hints only.
    pub struct Annotations {
        optional {
            /// Whom it is for.
            audience: Vec<Role> = "audience",
            /// From 0, optional, to 1, required.
            priority: f64 = "priority" via Number,
            /// When it was last changed, as ISO 8601; since 2025-06-18.
            last_modified: String = "lastModified",
        }
    }
}

object! {
    /// A text.
    pub struct TextContent {
        tag "type" = "text";
        required {
            /// The text.
            text: String = "text",
        }
        optional {
            /// Whom it is for.
            annotations: Annotations = "annotations",
            /// Anything more; since 2025-06-18.
            meta: Meta = "_meta",
        }
    }
}

object! {
    /// A picture.
    pub struct ImageContent {
        tag "type" = "image";
        required {
            /// The picture in standard base64.
            data: String = "data",
            /// Its media type.
            mime_type: String = "mimeType",
        }
        optional {
            /// Whom it is for.
            annotations: Annotations = "annotations",
            /// Anything more; since 2025-06-18.
            meta: Meta = "_meta",
        }
    }
}

object! {
    /// A recording; since 2025-03-26.
    pub struct AudioContent {
        tag "type" = "audio";
        required {
            /// The recording in standard base64.
            data: String = "data",
            /// Its media type.
            mime_type: String = "mimeType",
        }
        optional {
            /// Whom it is for.
            annotations: Annotations = "annotations",
            /// Anything more; since 2025-06-18.
            meta: Meta = "_meta",
        }
    }
}

object! {
    /// A resource that can be read, whether or not it is in the list; since 2025-06-18.
    pub struct ResourceLink {
        tag "type" = "resource_link";
        required {
            /// The URI to read it by.
            uri: String = "uri",
            /// The name for programs.
            name: String = "name",
        }
        optional {
            /// The name for humans.
            title: String = "title",
            /// What it is, for the language model.
            description: String = "description",
            /// Its media type.
            mime_type: String = "mimeType",
            /// Whom it is for.
            annotations: Annotations = "annotations",
            /// Its size in bytes, before base64.
            size: u64 = "size",
            /// Pictures of it; since 2025-11-25.
            icons: Vec<Icon> = "icons",
            /// Anything more.
            meta: Meta = "_meta",
        }
    }
}

object! {
    /// The contents of a resource, in place.
    pub struct EmbeddedResource {
        tag "type" = "resource";
        required {
            /// The contents.
            resource: ResourceContents = "resource",
        }
        optional {
            /// Whom it is for.
            annotations: Annotations = "annotations",
            /// Anything more; since 2025-06-18.
            meta: Meta = "_meta",
        }
    }
}

impl EmbeddedResource {
    /// Returns whom it is for, also when a peer says so inside of `resource`, as an example of the specification does (T-74).
    pub fn effective_annotations(&self) -> Option<Annotations> {
        self.annotations.clone().or_else(|| self.resource.extra().member("annotations")?.decode().ok())
    }
}

impl From<Resource> for ResourceLink {
    fn from(resource: Resource) -> Self {
        Self {
            uri: resource.uri,
            name: resource.name,
            title: resource.title,
            description: resource.description,
            mime_type: resource.mime_type,
            annotations: resource.annotations,
            size: resource.size,
            icons: resource.icons,
            meta: resource.meta,
            extra: resource.extra,
        }
    }
}

/// One piece of what a tool, a prompt or a resource consists of.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ContentBlock {
    /// A text.
    Text(TextContent),
    /// A picture.
    Image(ImageContent),
    /// A recording; since 2025-03-26.
    Audio(AudioContent),
    /// A resource that can be read; since 2025-06-18.
    ResourceLink(ResourceLink),
    /// The contents of a resource.
    Resource(EmbeddedResource),
    /// A block of a type that this library does not know, as it was sent.
    Unknown(RawJson),
}

impl ContentBlock {
    /// Makes a block of text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(TextContent::new(text))
    }

    /// Makes a block that is a picture, from standard base64 and a media type.
    pub fn image(data: impl Into<String>, mime_type: impl Into<String>) -> Self {
        Self::Image(ImageContent::new(data, mime_type))
    }

    /// Makes a block that is a recording, from standard base64 and a media type.
    pub fn audio(data: impl Into<String>, mime_type: impl Into<String>) -> Self {
        Self::Audio(AudioContent::new(data, mime_type))
    }

    /// Makes a block that names a resource, from its URI and name.
    pub fn resource_link(uri: impl Into<String>, name: impl Into<String>) -> Self {
        Self::ResourceLink(ResourceLink::new(uri, name))
    }

    /// Makes a block that holds the contents of a resource.
    pub fn resource(contents: impl Into<ResourceContents>) -> Self {
        Self::Resource(EmbeddedResource::new(contents))
    }

    /// Returns the text, when the block is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(content) => Some(&content.text),
            _ => None,
        }
    }

    /// Returns the word that stands in `type`.
    pub fn kind(&self) -> String {
        match self {
            Self::Text(_) => "text".to_owned(),
            Self::Image(_) => "image".to_owned(),
            Self::Audio(_) => "audio".to_owned(),
            Self::ResourceLink(_) => "resource_link".to_owned(),
            Self::Resource(_) => "resource".to_owned(),
            Self::Unknown(raw) => kind::<serde_json::Error>(raw, "type").unwrap_or_default(),
        }
    }
}

impl From<&str> for ContentBlock {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

impl From<String> for ContentBlock {
    fn from(text: String) -> Self {
        Self::text(text)
    }
}

impl From<TextContent> for ContentBlock {
    fn from(content: TextContent) -> Self {
        Self::Text(content)
    }
}

impl From<ImageContent> for ContentBlock {
    fn from(content: ImageContent) -> Self {
        Self::Image(content)
    }
}

impl From<AudioContent> for ContentBlock {
    fn from(content: AudioContent) -> Self {
        Self::Audio(content)
    }
}

impl From<ResourceLink> for ContentBlock {
    fn from(content: ResourceLink) -> Self {
        Self::ResourceLink(content)
    }
}

impl From<EmbeddedResource> for ContentBlock {
    fn from(content: EmbeddedResource) -> Self {
        Self::Resource(content)
    }
}

impl Serialize for ContentBlock {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(content) => content.serialize(serializer),
            Self::Image(content) => content.serialize(serializer),
            Self::Audio(content) => content.serialize(serializer),
            Self::ResourceLink(content) => content.serialize(serializer),
            Self::Resource(content) => content.serialize(serializer),
            Self::Unknown(raw) => raw.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for ContentBlock {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Most blocks are read from where they stand; only one that nobody knows is kept as a text.
        let lent = Lent::deserialize(deserializer)?;
        match &*kind_of(lent.0.as_bytes(), "type")? {
            "text" => decode(&lent).map(Self::Text),
            "image" => decode(&lent).map(Self::Image),
            "audio" => decode(&lent).map(Self::Audio),
            "resource_link" => decode(&lent).map(Self::ResourceLink),
            "resource" => decode(&lent).map(Self::Resource),
            _ => lent.into_raw().map(Self::Unknown).map_err(D::Error::custom),
        }
    }
}

fn decode<T: DeserializeOwned, E: Error>(Lent(text): &Lent<'_>) -> Result<T, E> {
    serde_json::from_str(text).map_err(E::custom)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::TextResourceContents;

    #[test]
    fn a_block_is_read_by_its_type_and_written_the_same() {
        let check = |text: &str, expected: fn(&ContentBlock) -> bool| {
            let block: ContentBlock = serde_json::from_str(text).unwrap();
            assert!(expected(&block), "{block:?}");
            assert_eq!(serde_json::to_string(&block).unwrap(), text);
        };
        check(r#"{"type":"text","text":"a","x":1}"#, |b| matches!(b, ContentBlock::Text(_)));
        check(r#"{"type":"image","data":"","mimeType":"a/b"}"#, |b| matches!(b, ContentBlock::Image(_)));
        check(r#"{"type":"audio","data":"","mimeType":"a/b"}"#, |b| matches!(b, ContentBlock::Audio(_)));
        check(r#"{"type":"resource_link","uri":"a:b","name":"n"}"#, |b| matches!(b, ContentBlock::ResourceLink(_)));
        check(r#"{"type":"resource","resource":{"uri":"a:b","text":""}}"#, |b| matches!(b, ContentBlock::Resource(_)));
        check(r#"{"type":"hologram","depth":3}"#, |b| matches!(b, ContentBlock::Unknown(_)));
    }

    #[test]
    fn a_block_without_a_type_or_with_a_wrong_member_says_which() {
        let check = |text: &str, part: &str| {
            let error = serde_json::from_str::<ContentBlock>(text).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        };
        check(r#"{"text":"a"}"#, "missing field `type`");
        check(r#"{"type":7}"#, "`type`");
        check(r#"{"type":"text","type":"image","text":"a"}"#, "stands twice");
        check(r#"{"type":"text","text":7}"#, "`text`");
        check(r#"{"type":"image","data":""}"#, "mimeType");
        check(r#""text""#, "not an object");
        check(r#"{"type":"resource","resource":{"uri":"a:b"}}"#, "`text`");
    }

    #[test]
    fn annotations_inside_an_embedded_resource_are_found() {
        let text = r#"{"type":"resource","resource":{"uri":"a:b","text":"","annotations":{"priority":1}}}"#;
        let block: EmbeddedResource = serde_json::from_str(text).unwrap();
        assert_eq!(block.annotations, None);
        assert_eq!(block.effective_annotations().unwrap().priority, Some(1.0));
        let block = EmbeddedResource::new(TextResourceContents::new("a:b", "")).annotations(Annotations::new());
        assert_eq!(block.effective_annotations(), Some(Annotations::new()));
    }

    #[test]
    fn the_type_of_a_struct_is_written_and_checked() {
        assert_eq!(serde_json::to_string(&TextContent::new("a")).unwrap(), r#"{"type":"text","text":"a"}"#);
        let error = serde_json::from_str::<TextContent>(r#"{"type":"image","text":"a"}"#).unwrap_err();
        assert!(error.to_string().contains("must be \"text\""), "{error}");
    }
}
