//! Server-sent events: the frames of a streaming HTTP response (specification: transports, H-14, H-15, HL-9).
//!
//! The format is the event stream of the WHATWG HTML standard. The surprising thing: the data of an
//! event is bytes here, not text; whether they are UTF-8 is decided, with an error, by the message
//! parser, and not, with replacement characters, by the framing.

mod decoder;
mod encoder;

pub use decoder::{SseDecoder, SseError, SseEvent};
pub use encoder::{encode_comment, encode_event};

/// Returns where the first CR or LF is.
fn find_line_end(bytes: &[u8]) -> Option<usize> {
    let is_end = |byte: &u8| *byte == b'\n' || *byte == b'\r';
    let mut start = 0;
    // Blocks without an early exit, so that the compiler compares many bytes at once.
    for block in bytes.chunks(64) {
        if block.iter().fold(false, |seen, byte| seen | is_end(byte)) {
            return block.iter().position(is_end).map(|offset| start + offset);
        }
        start += block.len();
    }
    None
}
