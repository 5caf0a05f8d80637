//! What the headers of one HTTP request say (H-7, H-10).
//!
//! A [`HeaderView`] is made in one pass over the header lines. The surprising thing: a header that is
//! there twice is a fact of its own and never its first or last value, because a proxy and we might
//! not choose the same one.

use super::Accept;
use super::request::HeaderFaultReason;

/// The name of the header with the response types that the client takes.
pub const ACCEPT: &str = "accept";
/// The name of the header with the type of the body.
pub const CONTENT_TYPE: &str = "content-type";
/// The name of the header with the server that the client wants to speak to.
pub const HOST: &str = "host";
/// The name of the header that resumes a legacy event stream.
pub const LAST_EVENT_ID: &str = "last-event-id";
/// The name of the header that repeats the method.
pub const MCP_METHOD: &str = "mcp-method";
/// The name of the header that repeats the name, URI or task id that the method works on.
pub const MCP_NAME: &str = "mcp-name";
/// What the names of headers start with that repeat annotated arguments of a tool.
pub const MCP_PARAM_PREFIX: &str = "mcp-param-";
/// The name of the header with the protocol version.
pub const MCP_PROTOCOL_VERSION: &str = "mcp-protocol-version";
/// The name of the header with the id of a legacy session.
pub const MCP_SESSION_ID: &str = "mcp-session-id";
/// The name of the header by which a browser tells where a request comes from.
pub const ORIGIN: &str = "origin";

/// What came in under one header name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HeaderField<'a> {
    /// No such header line.
    #[default]
    Absent,
    /// More than one such header line.
    Duplicated,
    /// A value with other characters than visible ASCII, spaces and tabs.
    NotVisibleAscii,
    /// A value, without white space around it.
    Value(&'a str),
}

/// The headers of one HTTP request that the protocol gives a meaning to.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct HeaderView<'a> {
    /// `Host`.
    pub host: HeaderField<'a>,
    /// `Origin`.
    pub origin: HeaderField<'a>,
    /// `Content-Type`.
    pub content_type: HeaderField<'a>,
    /// `Accept`, all lines of it.
    pub accept: Accept,
    /// `MCP-Protocol-Version`.
    pub protocol_version: HeaderField<'a>,
    /// `Mcp-Method`.
    pub method: HeaderField<'a>,
    /// `Mcp-Name`, as sent; [`decode_value`](super::decode_value) gives its text.
    pub name: HeaderField<'a>,
    /// `Mcp-Session-Id`.
    pub session_id: HeaderField<'a>,
    /// `Last-Event-ID`.
    pub last_event_id: HeaderField<'a>,
    /// The `Mcp-Param-*` headers: what follows the prefix, and what came in under that name.
    pub params: Vec<(&'a str, HeaderField<'a>)>,
}

impl<'a> HeaderView<'a> {
    /// Sorts header lines, given as names in any letter case and raw values (H-10).
    ///
    /// # Examples
    ///
    /// ```
    /// use mcp_transport::header::{HeaderField, HeaderView};
    ///
    /// let view = HeaderView::new([("Mcp-Method", &b" tools/list "[..]), ("mcp-param-region", b"eu")]);
    /// assert_eq!(view.method, HeaderField::Value("tools/list"));
    /// assert_eq!(view.param("Region"), HeaderField::Value("eu"));
    /// ```
    pub fn new(lines: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Self {
        let mut view = Self::default();
        for (name, value) in lines {
            view.add(name, value);
        }
        view
    }

    /// Returns the header that repeats an argument, by what follows `Mcp-Param-`, in any letter case.
    #[must_use]
    pub fn param(&self, name: &str) -> HeaderField<'a> {
        let found = self.params.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map_or(HeaderField::Absent, |(_, field)| *field)
    }

    fn add(&mut self, name: &'a str, value: &'a [u8]) {
        // The lengths differ for all but two.
        let is = |known: &str| name.len() == known.len() && name.eq_ignore_ascii_case(known);
        let field = match () {
            () if is(HOST) => &mut self.host,
            () if is(ORIGIN) => &mut self.origin,
            () if is(CONTENT_TYPE) => &mut self.content_type,
            () if is(MCP_PROTOCOL_VERSION) => &mut self.protocol_version,
            () if is(MCP_METHOD) => &mut self.method,
            () if is(MCP_NAME) => &mut self.name,
            () if is(MCP_SESSION_ID) => &mut self.session_id,
            () if is(LAST_EVENT_ID) => &mut self.last_event_id,
            () if is(ACCEPT) => return self.add_accept(value),
            () => return self.add_param(name, value),
        };
        field.add(value);
    }

    fn add_accept(&mut self, value: &'a [u8]) {
        if let HeaderField::Value(line) = HeaderField::read(value) {
            self.accept.add(line);
        }
    }

    fn add_param(&mut self, name: &'a str, value: &'a [u8]) {
        let Some(param) = strip_param_prefix(name) else { return };
        match self.params.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(param)) {
            Some((_, field)) => field.add(value),
            None => self.params.push((param, HeaderField::read(value))),
        }
    }
}

impl<'a> HeaderField<'a> {
    /// Returns what a single header line with this value amounts to.
    #[must_use]
    pub fn read(value: &'a [u8]) -> Self {
        match std::str::from_utf8(value) {
            // There is no other white space left that this could trim.
            Ok(text) if is_visible(value) => Self::Value(text.trim_ascii()),
            _ => Self::NotVisibleAscii,
        }
    }

    /// Returns the value if there is one and it can be read.
    #[must_use]
    pub fn value(self) -> Option<&'a str> {
        match self {
            Self::Value(value) => Some(value),
            Self::Absent | Self::Duplicated | Self::NotVisibleAscii => None,
        }
    }

    /// Returns the value if there is one.
    ///
    /// # Errors
    ///
    /// Fails when it is there more than once or cannot be read.
    pub fn single(self) -> Result<Option<&'a str>, HeaderFaultReason> {
        match self {
            Self::Absent => Ok(None),
            Self::Duplicated => Err(HeaderFaultReason::Duplicated),
            Self::NotVisibleAscii => Err(HeaderFaultReason::NotVisibleAscii),
            Self::Value(value) => Ok(Some(value)),
        }
    }

    fn add(&mut self, value: &'a [u8]) {
        *self = if *self == Self::Absent { Self::read(value) } else { Self::Duplicated };
    }
}

/// Says whether this is visible ASCII, spaces and tabs. It looks at every byte, so that it can look at many at once.
fn is_visible(value: &[u8]) -> bool {
    value.iter().fold(true, |fine, byte| fine & (matches!(byte, 0x20..=0x7E) | (*byte == b'\t')))
}

fn strip_param_prefix(name: &str) -> Option<&str> {
    let (prefix, param) = name.split_at_checked(MCP_PARAM_PREFIX.len())?;
    prefix.eq_ignore_ascii_case(MCP_PARAM_PREFIX).then_some(param)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view<'a>(lines: &[(&'a str, &'a str)]) -> HeaderView<'a> {
        HeaderView::new(lines.iter().map(|(name, value)| (*name, value.as_bytes())))
    }

    #[test]
    fn parameter_headers_are_found_in_any_letter_case_and_told_when_doubled() {
        let view = view(&[("Mcp-Param-Region", "eu"), ("MCP-PARAM-b", "1"), ("mcp-param-B", "1"), ("mcp-para", "x")]);
        assert_eq!(view.param("REGION"), HeaderField::Value("eu"));
        assert_eq!(view.param("b"), HeaderField::Duplicated);
        assert_eq!(view.param("c"), HeaderField::Absent);
        assert_eq!(view.params.len(), 2);
    }

    #[test]
    fn accept_lines_add_up() {
        let view = view(&[("Accept", "application/json"), ("accept", "text/event-stream")]);
        assert!(view.accept.json() && view.accept.event_stream());
    }
}
