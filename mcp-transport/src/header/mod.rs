//! The HTTP headers of the protocol as rules on text.
//!
//! Specification: transports, Streamable HTTP; H-2 to H-11, H-30 to H-36.
//!
//! Nothing here knows an HTTP library: a driver makes a [`HeaderView`] from whatever it has, and gets
//! faults, all at once, that it turns into a status and an error. The surprising thing: the body
//! stays the source of truth, and these checks only see to it that what a proxy has read in the
//! headers is what the body says.

mod annotation;
mod media;
mod number;
#[cfg(feature = "http")]
mod origin;
mod param;
mod request;
mod value;
mod view;

pub use annotation::{MAX_PARAM_HEADERS, SchemaFault, SchemaFaultReason};
pub use media::{Accept, MediaFault, check_accept, check_content_type};
#[cfg(feature = "http")]
pub use origin::{HostFault, HostPolicy, OriginFault, OriginPolicy, RuleFault};
pub use param::{ParamFault, ParamFaultReason, ParamHeader, ParamHeaders, ParamKind, check_param_headers};
pub use request::{
    HeaderFault, HeaderFaultReason, check_last_event_id, check_session_id, check_standard_headers, is_session_id,
};
pub use value::{ValueFault, decode_value, encode_value};
pub use view::{
    ACCEPT, CONTENT_TYPE, HOST, HeaderField, HeaderView, LAST_EVENT_ID, MCP_METHOD, MCP_NAME, MCP_PARAM_PREFIX,
    MCP_PROTOCOL_VERSION, MCP_SESSION_ID, ORIGIN,
};

/// Returns `text` shortened and escaped, so that it can stand in a message and in a log.
fn excerpt(text: &str) -> String {
    let mut excerpt: String = text.chars().take(EXCERPT_CHARS).flat_map(char::escape_debug).collect();
    if text.chars().nth(EXCERPT_CHARS).is_some() {
        excerpt.push('…');
    }
    excerpt
}

/// Splits at an ASCII separator that is not inside a quoted string (RFC 9110, section 5.6.4).
fn split_unquoted(text: &str, separator: u8) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let (mut quoted, mut escaped) = (false, false);
        let end = text.bytes().position(|byte| {
            let was_escaped = std::mem::take(&mut escaped);
            match byte {
                b'"' if !was_escaped => quoted = !quoted,
                b'\\' if quoted && !was_escaped => escaped = true,
                _ => return byte == separator && !quoted,
            }
            false
        });
        let (part, behind) = text.split_at_checked(end.unwrap_or(text.len()))?;
        rest = behind.get(1..);
        Some(part)
    })
}

/// Says whether this is a `token` of RFC 9110, section 5.6.2.
fn is_token(text: &str) -> bool {
    let is_tchar = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(is_tchar)
}

/// The optional white space of RFC 9110, section 5.6.3.
const OWS: [char; 2] = [' ', '\t'];

const EXCERPT_CHARS: usize = 80;
