//! What a tool may return, and how it becomes the result of the call (T-83, T-87).
//!
//! The surprising thing: two kinds of failure share one `Result`. Any error is told to the model as a result with
//! `isError`; only an [`RpcError`] says that the call itself was wrong, and is answered as one.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use mcp_types::{
    CallToolResult, ContentBlock, InputRequiredResult, RawJson, ResourceContents, RpcError, ToolsCallOutcome,
};
use schemars::JsonSchema;
use serde::Serialize;

use crate::ask::refusal;
use crate::schema;

/// Any error: what a fallible handler may return.
///
/// Texts and every type with [`std::error::Error`] convert into it, so `?` works on all of them.
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// What came of a call of a tool: an outcome, or the refusal of the call.
pub type ToolReply = Result<ToolsCallOutcome, RpcError>;

/// Something that a tool may return.
///
/// Implemented for texts, numbers, `bool`, `()`, [`Json`], content blocks and lists of them, [`Image`], [`Audio`],
/// [`CallToolResult`] and `Result`s of all of these.
#[diagnostic::on_unimplemented(
    message = "a tool cannot return `{Self}`",
    label = "not a result of a tool",
    note = "return a text, a number, `()`, `Json<T>`, `ContentBlock`, `Vec<ContentBlock>`, `Image`, `Audio`, `CallToolResult` or a `Result` of one of them",
    note = "to return a structure, derive `serde::Serialize` and `schemars::JsonSchema` for it and return `Json(value)`",
    note = "the error of a `Result` must convert into `BoxError`: a text or a type with `std::error::Error`"
)]
pub trait IntoToolResult: Sized {
    /// Converts the value.
    fn into_tool_result(self) -> ToolReply;

    /// Returns the schema of the structured output, for types that have one.
    fn output_schema() -> Option<RawJson> {
        None
    }
}

/// A value as structured output, with the same JSON as text beside it (T-83).
///
/// The schema of `T` is published as the tool's output schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Json<T>(pub T);

/// A picture: its bytes and its media type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    bytes: Bytes,
    mime_type: Cow<'static, str>,
}

/// A recording: its bytes and its media type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audio {
    bytes: Bytes,
    mime_type: Cow<'static, str>,
}

impl Image {
    /// Takes the bytes of a picture.
    pub fn new(bytes: impl Into<Bytes>, mime_type: impl Into<Cow<'static, str>>) -> Self {
        Self { bytes: bytes.into(), mime_type: mime_type.into() }
    }

    /// Takes the bytes of a PNG file.
    pub fn png(bytes: impl Into<Bytes>) -> Self {
        Self::new(bytes, "image/png")
    }
}

impl Audio {
    /// Takes the bytes of a recording.
    pub fn new(bytes: impl Into<Bytes>, mime_type: impl Into<Cow<'static, str>>) -> Self {
        Self { bytes: bytes.into(), mime_type: mime_type.into() }
    }

    /// Takes the bytes of a WAV file.
    pub fn wav(bytes: impl Into<Bytes>) -> Self {
        Self::new(bytes, "audio/wav")
    }
}

impl From<Image> for ContentBlock {
    fn from(image: Image) -> Self {
        Self::image(STANDARD.encode(&image.bytes), image.mime_type)
    }
}

impl From<Audio> for ContentBlock {
    fn from(audio: Audio) -> Self {
        Self::audio(STANDARD.encode(&audio.bytes), audio.mime_type)
    }
}

/// Why a tool failed, with content of its own for the model.
///
/// A text or any other error does for most tools; this is for those that want to show more.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolError {
    result: CallToolResult,
}

impl ToolError {
    /// Fails with a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self { result: CallToolResult::error(text) }
    }

    /// Fails with blocks of content.
    pub fn content(content: impl Into<Vec<ContentBlock>>) -> Self {
        Self { result: CallToolResult::new().content(content).is_error(true) }
    }

    /// Fails with a result; it is marked as one of a tool that failed.
    pub fn result(result: CallToolResult) -> Self {
        Self { result: result.is_error(true) }
    }
}

impl fmt::Display for ToolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.result.content.iter().find_map(ContentBlock::as_text) {
            Some(text) => f.write_str(text),
            None => f.write_str("the tool failed"),
        }
    }
}

impl StdError for ToolError {}

/// Converts any error of a tool: a refusal of the call stays one, everything else is told to the model.
pub(crate) fn failed(error: BoxError) -> ToolReply {
    let error = match error.downcast::<RpcError>() {
        Ok(refusal) => return Err(*refusal),
        Err(error) => error,
    };
    if let Some(refusal) = refusal(&*error) {
        return Err(refusal);
    }
    let result = match error.downcast::<ToolError>() {
        Ok(failure) => failure.result,
        Err(error) => CallToolResult::error(with_causes(&*error)),
    };
    Ok(ToolsCallOutcome::Complete(result))
}

/// Writes an error and its causes, each once.
pub(crate) fn with_causes(error: &(dyn StdError + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let told = error.to_string();
        if !text.contains(&told) {
            text.push_str(": ");
            text.push_str(&told);
        }
        cause = error.source();
    }
    text
}

fn complete(result: CallToolResult) -> ToolReply {
    Ok(ToolsCallOutcome::Complete(result))
}

macro_rules! as_text {
    ($($type:ty),+) => {$(
        impl IntoToolResult for $type {
            fn into_tool_result(self) -> ToolReply {
                complete(CallToolResult::text(self.to_string()))
            }
        }
    )+};
}

as_text!(
    i8,
    i16,
    i32,
    i64,
    i128,
    isize,
    u8,
    u16,
    u32,
    u64,
    u128,
    usize,
    f32,
    f64,
    bool,
    &'static str,
    Cow<'static, str>
);

macro_rules! as_block {
    ($($type:ty),+) => {$(
        impl IntoToolResult for $type {
            fn into_tool_result(self) -> ToolReply {
                complete(CallToolResult::new().content([ContentBlock::from(self)]))
            }
        }
    )+};
}

as_block!(
    Image,
    Audio,
    mcp_types::TextContent,
    mcp_types::ImageContent,
    mcp_types::AudioContent,
    mcp_types::ResourceLink,
    mcp_types::EmbeddedResource
);

impl IntoToolResult for String {
    fn into_tool_result(self) -> ToolReply {
        complete(CallToolResult::text(self))
    }
}

impl IntoToolResult for () {
    fn into_tool_result(self) -> ToolReply {
        complete(CallToolResult::new())
    }
}

impl IntoToolResult for ContentBlock {
    fn into_tool_result(self) -> ToolReply {
        complete(CallToolResult::new().content([self]))
    }
}

impl<B: Into<ContentBlock>> IntoToolResult for Vec<B> {
    fn into_tool_result(self) -> ToolReply {
        complete(CallToolResult::new().content(self.into_iter().map(Into::into).collect::<Vec<_>>()))
    }
}

impl<B: Into<ContentBlock>, const N: usize> IntoToolResult for [B; N] {
    fn into_tool_result(self) -> ToolReply {
        complete(CallToolResult::new().content(self.map(Into::into)))
    }
}

impl IntoToolResult for ResourceContents {
    fn into_tool_result(self) -> ToolReply {
        complete(CallToolResult::new().content([ContentBlock::resource(self)]))
    }
}

impl IntoToolResult for CallToolResult {
    fn into_tool_result(self) -> ToolReply {
        complete(self)
    }
}

impl IntoToolResult for InputRequiredResult {
    fn into_tool_result(self) -> ToolReply {
        Ok(ToolsCallOutcome::InputRequired(self))
    }
}

impl IntoToolResult for ToolsCallOutcome {
    fn into_tool_result(self) -> ToolReply {
        Ok(self)
    }
}

impl<T: Serialize + JsonSchema> IntoToolResult for Json<T> {
    fn into_tool_result(self) -> ToolReply {
        match RawJson::encode(&self.0) {
            Ok(value) => complete(CallToolResult::structured(value)),
            Err(error) => failed(Box::new(error)),
        }
    }

    fn output_schema() -> Option<RawJson> {
        Some(schema::output_of::<T>())
    }
}

impl<T: IntoToolResult, E: Into<BoxError>> IntoToolResult for Result<T, E> {
    fn into_tool_result(self) -> ToolReply {
        match self {
            Ok(value) => value.into_tool_result(),
            Err(error) => failed(error.into()),
        }
    }

    fn output_schema() -> Option<RawJson> {
        T::output_schema()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result(value: impl IntoToolResult) -> CallToolResult {
        match value.into_tool_result() {
            Ok(ToolsCallOutcome::Complete(result)) => result,
            other => panic!("not a complete result: {other:?}"),
        }
    }

    #[test]
    fn plain_values_become_text() {
        assert_eq!(result("a"), CallToolResult::text("a"));
        assert_eq!(result(7), CallToolResult::text("7"));
        assert_eq!(result(()).content, []);
        assert_eq!(result(vec!["a", "b"]).content.len(), 2);
    }

    #[test]
    fn structured_output_is_repeated_as_text() {
        let result = result(Json(vec![1, 2]));
        assert_eq!(result.structured_content.unwrap().as_str(), "[1,2]");
        assert_eq!(result.content[0].as_text(), Some("[1,2]"));
    }

    #[test]
    fn an_error_is_told_with_its_causes_and_a_refusal_stays_one() {
        assert_eq!(result(Err::<(), _>("no")), CallToolResult::error("no"));
        let io = std::io::Error::other("disk full");
        assert_eq!(result(Err::<(), _>(io)), CallToolResult::error("disk full"));
        let own = ToolError::content([ContentBlock::text("a"), ContentBlock::text("b")]);
        assert_eq!(result(Err::<(), BoxError>(own.into())).content.len(), 2);
        let refusal = RpcError::invalid_params("no such row");
        assert_eq!(Err::<(), _>(refusal.clone()).into_tool_result(), Err(refusal));
    }

    #[test]
    fn bytes_are_encoded_as_standard_base64() {
        assert_eq!(ContentBlock::from(Image::png(vec![0xfb, 0xff])), ContentBlock::image("+/8=", "image/png"));
    }
}
