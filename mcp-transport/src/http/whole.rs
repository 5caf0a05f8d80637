//! Collects the parts of a body up to a limit; the usual single part is not copied.
//!
//! The surprising thing: what a peer says of the length of its body is believed as far as it has sent some of it. A body
//! that grows bit by bit is moved again and again, and one that is only announced must not take memory.

use bytes::{Bytes, BytesMut};

/// The parts of a body so far.
#[derive(Debug, Default)]
pub(super) struct Whole {
    first: Bytes,
    all: BytesMut,
    /// How long it is said to become.
    expected: usize,
}

/// The body has more bytes than its limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooLong;

impl Whole {
    /// Makes one that is said to become so long, which its limit allows.
    #[cfg(feature = "http-server")]
    pub(super) fn expecting(expected: usize) -> Self {
        Self { expected, ..Self::default() }
    }

    /// Returns the number of bytes so far.
    pub(super) fn length(&self) -> usize {
        self.first.len().max(self.all.len())
    }

    /// Takes a part in; one that does not fit is taken up to the limit.
    pub(super) fn push(&mut self, mut part: Bytes, limit: usize) -> Result<(), TooLong> {
        let room = limit.saturating_sub(self.length());
        let fits = part.len() <= room;
        part.truncate(room);
        if self.length() == 0 {
            self.first = part;
        } else {
            self.make_room(self.length() + part.len());
            if self.all.is_empty() {
                // The memory of the first part is free for the next ones.
                self.all.extend_from_slice(&std::mem::take(&mut self.first));
            }
            self.all.extend_from_slice(&part);
        }
        if fits { Ok(()) } else { Err(TooLong) }
    }

    /// Makes room for so many bytes in all, and for some that are only expected.
    fn make_room(&mut self, length: usize) {
        if self.all.capacity() < length {
            // Room that falls short by a little would be doubled in the end, so all of it is made or far less.
            let is_believed = self.expected <= length.saturating_mul(BELIEVED);
            let room = if is_believed { self.expected } else { length.saturating_mul(GROWTH) };
            self.all.reserve(room.max(length) - self.all.len());
        }
    }

    pub(super) fn into_bytes(self) -> Bytes {
        if self.all.is_empty() { self.first } else { self.all.freeze() }
    }
}

/// How many times what came is believed to come, and gets its room.
const BELIEVED: usize = 16;
/// For how many bytes there is room for each that came, while more are expected than is believed.
const GROWTH: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    fn check(parts: &[&'static str], expected: (&str, bool)) {
        let mut whole = Whole::default();
        let fits = parts.iter().all(|part| whole.push(Bytes::from_static(part.as_bytes()), 4).is_ok());
        assert_eq!((&whole.into_bytes()[..], fits), (expected.0.as_bytes(), expected.1), "{parts:?}");
    }

    #[test]
    #[cfg(feature = "http-server")]
    fn a_body_as_long_as_it_was_said_to_be_is_moved_once() {
        let mut whole = Whole::expecting(9);
        whole.push(Bytes::from_static(b"abc"), 9).unwrap();
        whole.push(Bytes::from_static(b"def"), 9).unwrap();
        let place = whole.all.as_ptr();
        whole.push(Bytes::from_static(b"ghi"), 9).unwrap();
        let bytes = whole.into_bytes();
        assert_eq!((bytes.as_ptr(), &bytes[..]), (place, &b"abcdefghi"[..]));
    }

    #[test]
    #[cfg(feature = "http-server")]
    fn room_is_made_in_proportion_to_what_came_and_seldom() {
        fn check(part: usize, parts: usize, most_growths: usize, most_room: usize) {
            let mut whole = Whole::expecting(4 << 20);
            let (mut room, mut growths) = (0, 0);
            for _ in 0..parts {
                whole.push(Bytes::from(vec![b'x'; part]), 4 << 20).unwrap();
                growths += usize::from(whole.all.capacity() > room);
                room = room.max(whole.all.capacity());
            }
            assert!(growths <= most_growths && room <= most_room, "{part} {parts}: {growths} times to {room}");
            assert_eq!(whole.into_bytes().len(), part * parts);
        }
        check(1, 2, 1, 1024);
        check(1024, 2, 1, 8 << 10);
        // It falls short by 256 bytes of being believed at once.
        check((128 << 10) - 8, 32, 2, 4 << 20);
        check(64 << 10, 64, 3, 4 << 20);
        check(8 << 10, 512, 3, 4 << 20);
    }

    #[test]
    fn parts_are_joined_up_to_the_limit() {
        check(&[], ("", true));
        check(&["abcd"], ("abcd", true));
        check(&["", "ab", "", "cd"], ("abcd", true));
        check(&["ab", "cde"], ("abcd", false));
        check(&["abcde"], ("abcd", false));
    }
}
