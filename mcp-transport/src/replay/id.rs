//! The ids of streams and events, and what a `Last-Event-ID` can be refused for (HL-8).
//!
//! The surprising thing: an id ends in a seal over its numbers and the session. It is no secret and no proof of who
//! asks, which the session id and the principal are; it tells a foreign or damaged id from one that was forgotten.

use std::error::Error;
use std::fmt;

/// One stream of a session: the answer to one POST, or the standalone stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamId(u64);

impl StreamId {
    pub(super) const fn new(number: u64) -> Self {
        Self(number)
    }
}

/// A place in a stream: the event of this number was the last one seen. Number 0 is the place before the first message.
///
/// Its text is opaque to clients and unique in the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EventId {
    stream: StreamId,
    number: u64,
    seal: u64,
}

impl EventId {
    pub(super) fn new(salt: u64, stream: StreamId, number: u64) -> Self {
        Self { stream, number, seal: seal(salt, stream, number) }
    }

    /// Reads what a client sent as `Last-Event-ID`. Whether it belongs to a session, the session's log decides.
    ///
    /// # Errors
    ///
    /// Refuses a text that no log writes.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let mut parts = text.split('-').map(number);
        let (Some(Some(stream)), Some(Some(number)), Some(Some(seal)), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(Refusal::Malformed);
        };
        Ok(Self { stream: StreamId(stream), number, seal })
    }

    /// Returns the stream that the event belongs to.
    pub fn stream(&self) -> StreamId {
        self.stream
    }

    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// Returns whether the log with this salt made the id.
    pub(super) fn is_of(&self, salt: u64) -> bool {
        self.seal == seal(salt, self.stream, self.number)
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}-{:x}-{:x}", self.stream.0, self.number, self.seal)
    }
}

/// Why a stream cannot be read on from a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Refusal {
    /// Events after the place are forgotten: too old, too many, or too large.
    Gap,
    /// The text is not an event id of this server.
    Malformed,
    /// The event id is of another session or was changed.
    Unknown,
}

impl Refusal {
    /// Returns the HTTP status that says so: a client that is refused stops asking (F42).
    pub fn status(self) -> u16 {
        match self {
            Self::Malformed => 400,
            Self::Gap | Self::Unknown => 404,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gap => {
                "events after this `Last-Event-ID` are no longer kept; messages were lost, so send the request again"
            }
            Self::Malformed => "`Last-Event-ID` is not an event id of this server; send one that an event carried",
            Self::Unknown => "`Last-Event-ID` does not belong to this session; send one that an event of it carried",
        })
    }
}

impl Error for Refusal {}

/// Reads a number as it is written above, and in no other way, so that one place has one text.
fn number(text: &str) -> Option<u64> {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let is_canonical = text.bytes().all(is_digit) && (text == "0" || !text.starts_with('0'));
    if is_canonical { u64::from_str_radix(text, 16).ok() } else { None }
}

fn seal(salt: u64, stream: StreamId, number: u64) -> u64 {
    mix(mix(mix(salt) ^ stream.0) ^ number)
}

/// The finalizer of SplitMix64: a permutation of 64 bits in which every input bit changes half of the output bits.
fn mix(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_back_from_its_text_and_is_no_longer_than_an_sse_id_may_be() {
        for number in [0, 1, 255, u64::MAX] {
            let id = EventId::new(7, StreamId(number), number);
            assert_eq!(EventId::parse(&id.to_string()), Ok(id));
            assert!(id.to_string().len() <= crate::Limits::default().sse_id_bytes);
        }
    }

    #[test]
    fn only_the_one_text_of_an_id_is_an_id() {
        for text in [
            "",
            "-",
            "--",
            "1",
            "1-2",
            "1-2-3-4",
            "01-2-3",
            "1-2-+3",
            "1-2-A",
            " 1-2-3",
            "1-2-3 ",
            "1--3",
            "1-2-10000000000000000",
            "s/0",
            "é-1-2",
        ] {
            assert_eq!(EventId::parse(text), Err(Refusal::Malformed), "{text}");
        }
    }

    #[test]
    fn an_id_of_another_session_or_with_a_flipped_bit_is_known_to_be_foreign_t_012() {
        let text = EventId::new(7, StreamId(3), 41).to_string();
        assert!(EventId::parse(&text).unwrap().is_of(7));
        assert!(!EventId::parse(&text).unwrap().is_of(8));
        for at in 0..text.len() {
            for bit in 0..8 {
                let mut bytes = text.clone().into_bytes();
                bytes[at] ^= 1 << bit;
                let read = String::from_utf8(bytes).ok().and_then(|text| EventId::parse(&text).ok());
                assert!(read.is_none_or(|id| !id.is_of(7)), "byte {at}, bit {bit}");
            }
        }
    }
}
