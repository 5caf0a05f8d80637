//! The buffer between a byte stream and a decoder: append at the end, take whole pieces from the front.
//!
//! It owns what the line decoder and the event decoder share: a search that never looks at a byte
//! twice, taking without copying, and giving memory back. The surprising thing: a piece that was
//! taken shares its allocation with what follows it, so after a large piece the rest moves to a
//! fresh allocation; otherwise one large message would keep its memory for as long as the connection.

use bytes::{Buf as _, BufMut, Bytes, BytesMut};

/// Bytes received and not yet taken.
#[derive(Debug, Default)]
pub(crate) struct ReadBuffer {
    bytes: BytesMut,
    /// How many bytes from the front are known not to hold what is searched for.
    scanned: usize,
    /// Whether the memory of a large piece is kept for the next large one.
    keeps: bool,
    /// How much memory the last large piece had, while it is kept.
    kept: usize,
}

impl ReadBuffer {
    /// Keeps the memory of a large piece until a small one comes: for a stream that is the only one of its program, where
    /// the system would have to clear new memory for every large piece.
    #[cfg(feature = "pipe")]
    pub(crate) fn keeping(self) -> Self {
        Self { keeps: true, ..self }
    }

    /// Returns the received bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    #[cfg(feature = "http")]
    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Returns a writer at the end of the buffer, with room for one read.
    pub(crate) fn space(&mut self) -> impl BufMut + '_ {
        if self.kept > 0 && self.bytes.is_empty() && !self.bytes.try_reclaim(self.kept) {
            // Somebody still has the piece.
            *self = Self { keeps: self.keeps, ..Self::default() };
        }
        if self.bytes.capacity() - self.bytes.len() < MIN_READ_BYTES {
            self.bytes.reserve(READ_BYTES);
        }
        &mut self.bytes
    }

    pub(crate) fn extend(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Searches with `find`, which is only ever shown bytes that it has not seen.
    pub(crate) fn find(&mut self, find: impl Fn(&[u8]) -> Option<usize>) -> Option<usize> {
        let unseen = self.bytes.get(self.scanned..).unwrap_or_default();
        let found = find(unseen).map(|offset| self.scanned + offset);
        self.scanned = found.unwrap_or(self.bytes.len());
        found
    }

    /// Takes `length` bytes from the front, without copying them.
    pub(crate) fn take(&mut self, length: usize) -> Bytes {
        self.scanned = self.scanned.saturating_sub(length);
        let memory = self.bytes.capacity();
        let taken = self.bytes.split_to(length.min(self.bytes.len())).freeze();
        let is_large = taken.len() > RETAINED_BYTES;
        if is_large && self.keeps && self.bytes.is_empty() {
            self.kept = memory;
        } else if self.kept > 0 || (is_large && self.bytes.len() <= taken.len()) {
            // The rest is never longer than what was taken since the memory was, so that copying stays linear in the input.
            self.bytes = BytesMut::from(&self.bytes[..]);
            self.kept = 0;
        }
        taken
    }

    /// Drops `length` bytes from the front.
    pub(crate) fn skip(&mut self, length: usize) {
        self.scanned = self.scanned.saturating_sub(length);
        self.bytes.advance(length.min(self.bytes.len()));
    }

    /// Drops all bytes, and their memory if it was much.
    pub(crate) fn clear(&mut self) {
        self.scanned = 0;
        self.bytes.clear();
        if self.bytes.capacity() > RETAINED_BYTES {
            self.bytes = BytesMut::new();
        }
    }
}

/// What is reserved for one read.
const READ_BYTES: usize = 8 * 1024;
/// Less room than this is not worth a read.
const MIN_READ_BYTES: usize = 1024;
/// An allocation above this is given back when its large piece is done. Below, it is there for the next piece, which is
/// then neither moved while it grows nor read in small parts.
const RETAINED_BYTES: usize = 256 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_memory_of_a_large_piece_is_not_kept_for_the_small_ones_after_it() {
        let mut buffer = ReadBuffer::default();
        buffer.extend(&vec![b'x'; 1_000_000]);
        buffer.extend(b"rest");
        drop(buffer.take(1_000_000));
        assert_eq!(buffer.bytes(), b"rest");
        for _ in 0..100 {
            buffer.space().put_slice(b"more");
        }
        assert!(buffer.bytes.capacity() < 2 * READ_BYTES, "{}", buffer.bytes.capacity());

        buffer.extend(&vec![b'x'; 1_000_000]);
        buffer.clear();
        assert_eq!(buffer.bytes.capacity(), 0);
    }

    #[test]
    #[cfg(feature = "pipe")]
    fn a_stream_that_keeps_memory_keeps_it_for_large_pieces_only() {
        let mut buffer = ReadBuffer::default().keeping();
        let mut places = Vec::new();
        for _ in 0..3 {
            while buffer.bytes().len() < 1_000_000 {
                buffer.space().put_slice(&[b'x'; 1000]);
            }
            places.push(buffer.bytes().as_ptr());
            drop(buffer.take(1_000_000));
        }
        assert_eq!(places, [places[0]; 3]);
        buffer.space().put_slice(b"small");
        drop(buffer.take(5));
        buffer.space().put_slice(b"more");
        assert!(buffer.bytes.capacity() < 2 * READ_BYTES, "{}", buffer.bytes.capacity());
    }

    #[test]
    #[cfg(feature = "pipe")]
    fn memory_that_a_piece_still_has_is_not_waited_for() {
        let mut buffer = ReadBuffer::default().keeping();
        buffer.extend(&vec![b'x'; 1_000_000]);
        let piece = buffer.take(1_000_000);
        buffer.space().put_slice(b"more");
        assert!(buffer.bytes.capacity() < 2 * READ_BYTES, "{}", buffer.bytes.capacity());
        assert!(piece.iter().all(|byte| *byte == b'x'));
    }

    #[test]
    fn a_piece_is_taken_without_copying_it() {
        let mut buffer = ReadBuffer::default();
        buffer.extend(b"piece, rest");
        let before = buffer.bytes().as_ptr();
        assert_eq!(buffer.take(5).as_ptr(), before);
        assert_eq!(buffer.bytes(), b", rest");
    }

    #[test]
    fn a_search_resumes_where_it_stopped() {
        let mut buffer = ReadBuffer::default();
        let find = |unseen: &[u8]| {
            assert!(unseen.len() <= 1, "saw {} bytes again", unseen.len() - 1);
            unseen.iter().position(|byte| *byte == b'!')
        };
        for byte in b"0123456789" {
            buffer.extend(&[*byte]);
            assert_eq!(buffer.find(find), None);
        }
        buffer.skip(4);
        buffer.extend(b"!");
        assert_eq!(buffer.find(find), Some(6));
        assert_eq!(buffer.find(find), Some(6), "what was found is found again until it is taken");
    }
}
