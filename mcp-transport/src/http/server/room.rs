//! The memory of large bodies stays with the process from one request to the next.
//!
//! A body is read, decoded and answered in blocks as large as itself, which are then free together. The allocator of glibc
//! gives free memory at the end of a heap back as soon as there are 128 KiB of it, so that every request of 64 KiB and
//! more would touch new pages, at twice its price. The surprising thing: nothing has to be told to it. It keeps up to
//! twice the largest block that was ever mapped and freed, and learns from one that nobody wrote to what it would
//! otherwise learn from the largest request. That holds for all of the program, and for each of the allocator's arenas, as
//! after such a request it would. Where the allocator is another one, that block does nothing.

use std::hint::black_box;

use crate::limits::Limits;

/// Lets the allocator keep as much as the work on one large request frees, rounded up.
pub(super) fn keep(limits: &Limits) {
    let block = limits.body_bytes.saturating_mul(BLOCKS / KEPT_BLOCKS).clamp(LEAST, MOST);
    // Without the box the compiler would see that nobody uses it.
    drop(black_box(Vec::<u8>::with_capacity(block)));
}

/// How many blocks of the size of a body there are for a request: what came in, the arguments, the result, and parts.
const BLOCKS: usize = 4;
/// How many times the largest block the allocator keeps.
const KEPT_BLOCKS: usize = 2;
/// Smaller blocks are not mapped by themselves.
const LEAST: usize = 1024 * 1024;
/// From 32 MiB on the allocator learns nothing; twice this is what an arena of it may keep.
const MOST: usize = 16 * 1024 * 1024;

#[cfg(test)]
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod tests {
    use super::*;

    /// Returns how many pages this thread has touched for the first time.
    fn pages() -> u64 {
        let text = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
        // The name before it may have blanks of its own.
        let (_, fields) = text.rsplit_once(')').unwrap();
        fields.split_whitespace().nth(7).unwrap().parse().unwrap()
    }

    /// Works on a request as large as it may be.
    fn work(limits: &Limits) {
        let blocks: Vec<Vec<u8>> = (0..3).map(|_| black_box(vec![1; limits.body_bytes])).collect();
        drop(black_box(blocks));
    }

    #[test]
    fn the_largest_requests_touch_no_new_pages_after_the_first() {
        let limits = Limits::default();
        keep(&limits);
        work(&limits);
        let before = pages();
        for _ in 0..10 {
            work(&limits);
        }
        assert!(pages() - before < 1000, "{} pages", pages() - before);
    }
}
