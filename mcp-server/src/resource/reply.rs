//! What reading a resource may return, and how it becomes contents with a URI and a media type.
//!
//! The surprising thing: `None` is an answer. It says that nothing is there, in the words of the caller's revision.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use mcp_types::{InputRequiredResult, ReadResourceResult, ResourceContents, ResourcesReadOutcome, RpcError};

use crate::ask::told_to_client;
use crate::reply::{BoxError, Json, with_causes};

/// Something that reading a resource may return.
///
/// Implemented for texts, bytes, [`Json`], [`ResourceContents`] and lists of them, `Option`s (where `None` is *not
/// found*) and `Result`s of all of these.
#[diagnostic::on_unimplemented(
    message = "reading a resource cannot return `{Self}`",
    label = "not contents of a resource",
    note = "return a text, `Vec<u8>` or `Bytes`, `Json<T>`, `ResourceContents`, a `Vec` of them, or an `Option` or `Result` of one of these"
)]
pub trait IntoContents: Sized {
    /// Converts the value.
    fn into_contents(self) -> ReadReply;
}

/// What came of reading a resource, before its URI is known.
#[derive(Debug)]
pub struct ReadReply(Kind);

#[derive(Debug)]
enum Kind {
    Text(String),
    Json(String),
    Bytes(Bytes),
    Contents(Vec<ResourceContents>),
    Outcome(Box<ResourcesReadOutcome>),
    Absent,
    Failed(BoxError),
}

/// What the contents of a resource get when they do not say it themselves.
pub(super) struct Place<'a> {
    pub(super) uri: &'a str,
    pub(super) mime_type: Option<&'a str>,
}

impl ReadReply {
    /// Puts the result together; `None` when there is nothing at the URI.
    pub(super) fn finish(self, place: &Place<'_>) -> Result<Option<ResourcesReadOutcome>, RpcError> {
        let typed = |default: &str| Some(place.mime_type.unwrap_or(default).to_owned());
        let contents = match self.0 {
            Kind::Text(text) => vec![with_type(ResourceContents::text(place.uri, text), typed("text/plain"))],
            Kind::Json(text) => vec![with_type(ResourceContents::text(place.uri, text), typed("application/json"))],
            Kind::Bytes(bytes) => {
                let contents = ResourceContents::blob(place.uri, STANDARD.encode(&bytes));
                vec![with_type(contents, typed("application/octet-stream"))]
            }
            Kind::Contents(contents) => {
                let mime_type = place.mime_type.map(str::to_owned);
                contents.into_iter().map(|one| with_type(one, mime_type.clone())).collect()
            }
            Kind::Outcome(outcome) => return Ok(Some(*outcome)),
            Kind::Absent => return Ok(None),
            Kind::Failed(error) => {
                return Err(match error.downcast::<RpcError>() {
                    Ok(refusal) => *refusal,
                    Err(error) => told_to_client(&*error).unwrap_or_else(|| {
                        let shown = crate::text::shorten(place.uri, 200);
                        RpcError::internal(format!("cannot read `{shown}`: {}", with_causes(&*error)))
                    }),
                });
            }
        };
        Ok(Some(ResourcesReadOutcome::Complete(ReadResourceResult::new(contents))))
    }
}

fn with_type(mut contents: ResourceContents, mime_type: Option<String>) -> ResourceContents {
    let slot = match &mut contents {
        ResourceContents::Text(text) => &mut text.mime_type,
        ResourceContents::Blob(blob) => &mut blob.mime_type,
        _ => return contents,
    };
    if slot.is_none() {
        *slot = mime_type;
    }
    contents
}

macro_rules! contents {
    ($($type:ty, $value:ident => $kind:expr;)+) => {$(
        impl IntoContents for $type {
            fn into_contents(self) -> ReadReply {
                let $value = self;
                ReadReply($kind)
            }
        }
    )+};
}

contents! {
    String, text => Kind::Text(text);
    &'static str, text => Kind::Text(text.to_owned());
    Bytes, bytes => Kind::Bytes(bytes);
    Vec<u8>, bytes => Kind::Bytes(bytes.into());
    &'static [u8], bytes => Kind::Bytes(Bytes::from_static(bytes));
    ResourceContents, contents => Kind::Contents(vec![contents]);
    Vec<ResourceContents>, contents => Kind::Contents(contents);
    ReadResourceResult, result => Kind::Outcome(Box::new(ResourcesReadOutcome::Complete(result)));
    InputRequiredResult, result => Kind::Outcome(Box::new(ResourcesReadOutcome::InputRequired(result)));
    ResourcesReadOutcome, outcome => Kind::Outcome(Box::new(outcome));
}

impl<T: serde::Serialize> IntoContents for Json<T> {
    fn into_contents(self) -> ReadReply {
        match serde_json::to_string(&self.0) {
            Ok(text) => ReadReply(Kind::Json(text)),
            Err(error) => ReadReply(Kind::Failed(Box::new(error))),
        }
    }
}

impl<T: IntoContents> IntoContents for Option<T> {
    fn into_contents(self) -> ReadReply {
        self.map_or(ReadReply(Kind::Absent), IntoContents::into_contents)
    }
}

impl<T: IntoContents, E: Into<BoxError>> IntoContents for Result<T, E> {
    fn into_contents(self) -> ReadReply {
        match self {
            Ok(value) => value.into_contents(),
            Err(error) => ReadReply(Kind::Failed(error.into())),
        }
    }
}
