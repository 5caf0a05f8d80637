//! Tables by ids that this side gave out itself.
//!
//! The surprising thing: the hash is one multiplication. Others choose what they look up by, but nothing is ever put in
//! under an id that they chose, so they cannot fill a table with ids that collide.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// A table whose keys are, or hold, numbers of our own.
pub(crate) type OwnIds<K, V> = HashMap<K, V, BuildHasherDefault<IdHasher>>;

/// See the head of this file.
#[derive(Debug, Default)]
pub(crate) struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = (self.0 ^ number).wrapping_mul(SPREAD);
    }

    fn write_i64(&mut self, number: i64) {
        self.write_u64(number.cast_unsigned());
    }

    /// Which variant an id is: said by its value as well.
    fn write_isize(&mut self, _: isize) {}
}

/// 2^64 by the golden ratio, which sends numbers that follow each other far apart.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

#[cfg(test)]
mod tests {
    use mcp_types::RequestId;

    use super::*;

    #[test]
    fn an_id_is_found_by_its_value_and_its_kind() {
        let ids: OwnIds<RequestId, i64> = (0..1_000).map(|number| (number.into(), number)).collect();
        assert!((0..1_000).all(|number| ids.get(&RequestId::from(number)) == Some(&number)));
        assert_eq!(ids.get(&RequestId::from("7")), None);
        assert_eq!(ids.get(&RequestId::from(1_000)), None);
    }
}
