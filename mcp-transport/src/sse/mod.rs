//! Server-sent events: the frames of a streaming HTTP response (specification: transports, H-14, H-15, HL-9).
//!
//! The format is the event stream of the WHATWG HTML standard. The surprising thing: the data of an
//! event is bytes here, not text; whether they are UTF-8 is decided, with an error, by the message
//! parser, and not, with replacement characters, by the framing.

mod decoder;
mod encoder;

pub use decoder::{SseDecoder, SseError, SseEvent};
pub use encoder::{encode_comment, encode_event};

use crate::line::find_end;

/// Returns where the first CR or LF is.
fn find_line_end(bytes: &[u8]) -> Option<usize> {
    find_end(bytes, |byte| matches!(byte, b'\n' | b'\r'))
}
