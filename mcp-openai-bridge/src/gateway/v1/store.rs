//! What the gateway remembers between two requests, within bounds.
//!
//! A client sees one message where the model had many rounds. When it answers calls of its own, the rounds before must be
//! there again. The surprising thing: forgetting is allowed. What is gone is said, and nothing hangs on it.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use mcp_types::RawJson;

/// A bounded memory: of what does not fit any more, the oldest goes first.
#[derive(Debug)]
pub(super) struct Store {
    kept: Mutex<Kept>,
    most: usize,
    most_bytes: usize,
}

#[derive(Debug, Default)]
struct Kept {
    values: HashMap<String, Bytes>,
    /// The keys in the order in which they came.
    order: VecDeque<String>,
    bytes: usize,
}

impl Default for Store {
    fn default() -> Self {
        Self { kept: Mutex::default(), most: 4096, most_bytes: 64 * 1024 * 1024 }
    }
}

impl Store {
    /// Remembers a value under a key that nobody can guess.
    pub(super) fn put(&self, key: String, value: &RawJson) {
        let value = value.as_bytes().clone();
        let size = |key: &String, value: &Bytes| 2 * key.len() + value.len() + ENTRY_BYTES;
        if size(&key, &value) > self.most_bytes {
            return;
        }
        // Every change leaves it whole, so poisoning means nothing.
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.bytes += size(&key, &value);
        if let Some(old) = kept.values.insert(key.clone(), value) {
            kept.bytes -= size(&key, &old);
        } else {
            kept.order.push_back(key);
        }
        while kept.values.len() > self.most || kept.bytes > self.most_bytes {
            let Some(oldest) = kept.order.pop_front() else { break };
            if let Some(old) = kept.values.remove(&oldest) {
                kept.bytes -= size(&oldest, &old);
            }
        }
    }

    pub(super) fn get(&self, key: &str) -> Option<RawJson> {
        let value = self.kept.lock().unwrap_or_else(PoisonError::into_inner).values.get(key).cloned();
        RawJson::parse(value?).ok()
    }
}

/// What an entry takes besides its key and its value, about.
const ENTRY_BYTES: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    fn number(number: usize) -> RawJson {
        serde_json::Value::from(number).into()
    }

    #[test]
    fn the_oldest_is_forgotten_first() {
        let store = Store { most: 2, ..Store::default() };
        for (key, value) in [("a", 1), ("b", 2), ("a", 3), ("c", 4)] {
            store.put(key.to_owned(), &number(value));
        }
        assert_eq!(["a", "b", "c"].map(|key| store.get(key)), [None, Some(number(2)), Some(number(4))]);
    }

    #[test]
    fn what_is_kept_has_a_size() {
        let text = |bytes: usize| RawJson::from(serde_json::Value::from("x".repeat(bytes)));
        let store = Store { most_bytes: 1000, ..Store::default() };
        store.put("small".to_owned(), &text(10));
        store.put("large".to_owned(), &text(2000));
        assert!(store.get("small").is_some() && store.get("large").is_none());
        store.put("next".to_owned(), &text(600));
        store.put("last".to_owned(), &text(600));
        assert_eq!(["small", "next", "last"].map(|key| store.get(key).is_some()), [false, false, true]);
        assert!(store.kept.lock().unwrap().bytes <= 1000);
    }
}
