//! Things that a server lets read (*Resources*, T-78, T-100 to T-107).
//!
//! The surprising thing: one URI may have several contents, each with a URI of its own (T-102).

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::base::{CacheScope, Cursor, ResultType};
use crate::content::Annotations;
use crate::dispatch::decode;
use crate::implementation::Icon;
use crate::input_required::InputResponses;
use crate::json::{JsonObject, RawJson};
use crate::meta::{Meta, RequestMeta, ResultMeta};
use crate::object::{Milliseconds, object};

object! {
    /// Something that can be read.
    pub struct Resource {
        required {
            /// The URI to read it by.
            uri: String = "uri",
            /// The name for programs.
            name: String = "name",
        }
        optional {
            /// The name for humans; since 2025-06-18.
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
            /// Anything more; since 2025-06-18.
            meta: Meta = "_meta",
        }
    }
}

object! {
    /// A family of resources whose URIs follow a template.
    pub struct ResourceTemplate {
        required {
            /// The template of the URIs (RFC 6570).
            uri_template: String = "uriTemplate",
            /// The name for programs.
            name: String = "name",
        }
        optional {
            /// The name for humans; since 2025-06-18.
            title: String = "title",
            /// What it is, for the language model.
            description: String = "description",
            /// The media type that all of them have.
            mime_type: String = "mimeType",
            /// Whom it is for.
            annotations: Annotations = "annotations",
            /// Pictures of it; since 2025-11-25.
            icons: Vec<Icon> = "icons",
            /// Anything more; since 2025-06-18.
            meta: Meta = "_meta",
        }
    }
}

object! {
    /// Contents that are text.
    pub struct TextResourceContents {
        required {
            /// The URI of these contents.
            uri: String = "uri",
            /// The text.
            text: String = "text",
        }
        optional {
            /// Its media type.
            mime_type: String = "mimeType",
            /// Anything more; since 2025-06-18.
            meta: Meta = "_meta",
        }
    }
}

object! {
    /// Contents that are bytes.
    pub struct BlobResourceContents {
        required {
            /// The URI of these contents.
            uri: String = "uri",
            /// The bytes in standard base64.
            blob: String = "blob",
        }
        optional {
            /// Their media type.
            mime_type: String = "mimeType",
            /// Anything more; since 2025-06-18.
            meta: Meta = "_meta",
        }
    }
}

/// What a resource holds: text or bytes, by which of `text` and `blob` is there (T-78).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ResourceContents {
    /// Text.
    Text(TextResourceContents),
    /// Bytes.
    Blob(BlobResourceContents),
}

impl ResourceContents {
    /// Makes contents that are text.
    pub fn text(uri: impl Into<String>, text: impl Into<String>) -> Self {
        Self::Text(TextResourceContents::new(uri, text))
    }

    /// Makes contents that are bytes, from standard base64.
    pub fn blob(uri: impl Into<String>, blob: impl Into<String>) -> Self {
        Self::Blob(BlobResourceContents::new(uri, blob))
    }

    /// Returns the URI of the contents.
    pub fn uri(&self) -> &str {
        match self {
            Self::Text(contents) => &contents.uri,
            Self::Blob(contents) => &contents.uri,
        }
    }

    /// Returns the members that this library does not know.
    pub fn extra(&self) -> &JsonObject {
        match self {
            Self::Text(contents) => &contents.extra,
            Self::Blob(contents) => &contents.extra,
        }
    }
}

impl From<TextResourceContents> for ResourceContents {
    fn from(contents: TextResourceContents) -> Self {
        Self::Text(contents)
    }
}

impl From<BlobResourceContents> for ResourceContents {
    fn from(contents: BlobResourceContents) -> Self {
        Self::Blob(contents)
    }
}

impl Serialize for ResourceContents {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(contents) => contents.serialize(serializer),
            Self::Blob(contents) => contents.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for ResourceContents {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        let raw = RawJson::deserialize(deserializer)?;
        match raw.members(["text", "blob"]).map_err(D::Error::custom)? {
            [Some(_), None] => decode(&raw).map(Self::Text),
            [None, Some(_)] => decode(&raw).map(Self::Blob),
            _ => Err(D::Error::custom("resource contents need one of `text` and `blob`")),
        }
    }
}

object! {
    /// The answer to `resources/list`.
    pub struct ListResourcesResult {
        required {
            /// One page of the resources.
            resources: Vec<Resource> = "resources",
        }
        optional {
            /// Where the next page begins; absent on the last one.
            next_cursor: Cursor = "nextCursor",
            /// For how many milliseconds it may be kept; since 2026-07-28.
            ttl_ms: u64 = "ttlMs" via Milliseconds,
            /// Who may share it; since 2026-07-28.
            cache_scope: CacheScope = "cacheScope",
            /// What kind of result it is; since 2026-07-28.
            result_type: ResultType = "resultType",
            /// What every result may carry.
            meta: ResultMeta = "_meta",
        }
    }
}

object! {
    /// The answer to `resources/templates/list`.
    pub struct ListResourceTemplatesResult {
        required {
            /// One page of the templates.
            resource_templates: Vec<ResourceTemplate> = "resourceTemplates",
        }
        optional {
            /// Where the next page begins; absent on the last one.
            next_cursor: Cursor = "nextCursor",
            /// For how many milliseconds it may be kept; since 2026-07-28.
            ttl_ms: u64 = "ttlMs" via Milliseconds,
            /// Who may share it; since 2026-07-28.
            cache_scope: CacheScope = "cacheScope",
            /// What kind of result it is; since 2026-07-28.
            result_type: ResultType = "resultType",
            /// What every result may carry.
            meta: ResultMeta = "_meta",
        }
    }
}

object! {
    /// The parameters of `resources/read`.
    pub struct ReadResourceRequestParams {
        required {
            /// What to read.
            uri: String = "uri",
        }
        optional {
            /// What the client answers to an earlier `input_required` result; since 2026-07-28.
            input_responses: InputResponses = "inputResponses",
            /// The `requestState` of that result, unchanged; since 2026-07-28.
            request_state: String = "requestState",
            /// What every request may carry.
            meta: RequestMeta = "_meta",
        }
    }
}

object! {
    /// The answer to `resources/read`.
    pub struct ReadResourceResult {
        required {
            /// What was read; never empty, because a resource that does not exist is an error (T-101).
            contents: Vec<ResourceContents> = "contents",
        }
        optional {
            /// For how many milliseconds it may be kept; since 2026-07-28.
            ttl_ms: u64 = "ttlMs" via Milliseconds,
            /// Who may share it; since 2026-07-28.
            cache_scope: CacheScope = "cacheScope",
            /// What kind of result it is; since 2026-07-28.
            result_type: ResultType = "resultType",
            /// What every result may carry.
            meta: ResultMeta = "_meta",
        }
    }
}

object! {
    /// The parameters of `resources/subscribe`; up to 2025-11-25.
    pub struct SubscribeRequestParams {
        required {
            /// What to watch.
            uri: String = "uri",
        }
        optional {
            /// What every request may carry.
            meta: RequestMeta = "_meta",
        }
    }
}

object! {
    /// The parameters of `resources/unsubscribe`; up to 2025-11-25.
    pub struct UnsubscribeRequestParams {
        required {
            /// What to watch no longer.
            uri: String = "uri",
        }
        optional {
            /// What every request may carry.
            meta: RequestMeta = "_meta",
        }
    }
}

object! {
    /// The parameters of `notifications/resources/updated`.
    pub struct ResourceUpdatedNotificationParams {
        required {
            /// What has changed; it may lie inside of what is watched.
            uri: String = "uri",
        }
        optional {
            /// What every notification may carry.
            meta: Meta = "_meta",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_are_text_or_bytes_and_never_both() {
        let read = |text: &str| serde_json::from_str::<ResourceContents>(text);
        assert!(matches!(read(r#"{"uri":"a:b","text":""}"#), Ok(ResourceContents::Text(_))));
        assert!(matches!(read(r#"{"uri":"a:b","blob":""}"#), Ok(ResourceContents::Blob(_))));
        for text in [r#"{"uri":"a:b"}"#, r#"{"uri":"a:b","text":"","blob":""}"#, "[]"] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_size_is_a_whole_number() {
        let read =
            |size: &str| serde_json::from_str::<Resource>(&format!(r#"{{"uri":"a:b","name":"n","size":{size}}}"#));
        assert_eq!(read("18446744073709551615").unwrap().size, Some(u64::MAX));
        for size in ["-1", "1.5", "\"1\""] {
            assert!(read(size).is_err(), "{size}");
        }
    }
}
