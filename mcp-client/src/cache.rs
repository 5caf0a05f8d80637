//! Results kept for as long as the server allows (*Caching*, P-70 to P-78).
//!
//! Pure: the time is an argument. A cache belongs to one client, which has one server and one set of credentials, so
//! `private` and `public` results may be kept alike (P-71). The surprising thing: a result that was asked for before a
//! change was announced is not kept even when it arrives after it, because nobody knows which list it shows.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use mcp_transport::Limits;
use mcp_types::RawJson;

/// What a result depends on: the method, and the parameter that decides (P-71).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) method: &'static str,
    /// The cursor of a page or the URI of a resource; `None` for the first page.
    pub(crate) of: Option<String>,
}

/// Which results a notification makes stale (P-74).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stale<'a> {
    /// Everything, because the session is a new one.
    Everything,
    /// All pages of these methods.
    Lists(&'a [&'a str]),
    /// What was read from this URI, or from one that contains it.
    Resource(&'a str),
}

/// Says when a question was asked, so that its answer can be recognised as older than a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Asked(u64);

/// The results that are kept, bounded in number and in bytes.
#[derive(Debug)]
pub(crate) struct Cache {
    entries: HashMap<Key, Entry>,
    /// The keys by when they were last used, oldest first.
    by_use: BTreeMap<u64, Key>,
    /// Counts uses.
    clock: u64,
    /// Counts changes.
    changes: u64,
    /// The sum of the lengths of the results.
    bytes: usize,
    max_entries: usize,
    max_bytes: usize,
    max_ttl: Duration,
}

#[derive(Debug)]
struct Entry {
    result: RawJson,
    fresh_until: Instant,
    used: u64,
}

impl Cache {
    /// Makes an empty cache: at most `cache_entries` results, no longer than `result_bytes` in all, each for at most
    /// `cache_ttl`.
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            entries: HashMap::new(),
            by_use: BTreeMap::new(),
            clock: 0,
            changes: 0,
            bytes: 0,
            max_entries: limits.cache_entries,
            max_bytes: limits.result_bytes,
            max_ttl: limits.cache_ttl,
        }
    }

    /// Notes that a question is about to be asked.
    pub(crate) fn asking(&self) -> Asked {
        Asked(self.changes)
    }

    /// Returns a result that is still fresh.
    pub(crate) fn fresh(&mut self, key: &Key, now: Instant) -> Option<RawJson> {
        let entry = self.entries.get_mut(key)?;
        if entry.fresh_until <= now {
            self.forget(key);
            return None;
        }
        self.clock = self.clock.wrapping_add(1);
        self.by_use.remove(&entry.used);
        entry.used = self.clock;
        self.by_use.insert(entry.used, key.clone());
        Some(entry.result.clone())
    }

    /// Returns until when a result that is kept is fresh.
    pub(crate) fn fresh_until(&self, key: &Key) -> Option<Instant> {
        self.entries.get(key).map(|entry| entry.fresh_until)
    }

    /// Keeps a result for `ttl`, unless something changed since it was asked for.
    pub(crate) fn keep(&mut self, key: Key, result: RawJson, ttl: Duration, asked: Asked, now: Instant) {
        self.forget(&key);
        let length = result.as_bytes().len();
        let fresh_until = now.checked_add(ttl.min(self.max_ttl));
        let (Some(fresh_until), true) = (fresh_until, asked == self.asking()) else {
            return;
        };
        if ttl.is_zero() || length > self.max_bytes || self.max_entries == 0 {
            return;
        }
        while self.entries.len() >= self.max_entries || self.bytes.saturating_add(length) > self.max_bytes {
            let Some((_, oldest)) = self.by_use.pop_first() else { break };
            self.forget(&oldest);
        }
        self.clock = self.clock.wrapping_add(1);
        self.bytes = self.bytes.saturating_add(length);
        self.by_use.insert(self.clock, key.clone());
        self.entries.insert(key, Entry { result, fresh_until, used: self.clock });
    }

    /// Forgets what a change has made stale.
    pub(crate) fn changed(&mut self, stale: Stale<'_>) {
        self.changes = self.changes.wrapping_add(1);
        let keys: Vec<Key> = self.entries.keys().filter(|key| stale.concerns(key)).cloned().collect();
        for key in keys {
            self.forget(&key);
        }
    }

    fn forget(&mut self, key: &Key) {
        if let Some(entry) = self.entries.remove(key) {
            self.by_use.remove(&entry.used);
            self.bytes = self.bytes.saturating_sub(entry.result.as_bytes().len());
        }
    }
}

impl Stale<'_> {
    fn concerns(self, key: &Key) -> bool {
        match self {
            Self::Everything => true,
            Self::Lists(methods) => methods.contains(&key.method),
            Self::Resource(changed) => {
                key.method == "resources/read" && key.of.as_deref().is_some_and(|read| contains(read, changed))
            }
        }
    }
}

/// Returns whether the resource at `read` is the one at `changed` or holds it, as a directory holds a file (P-36).
pub(crate) fn contains(read: &str, changed: &str) -> bool {
    changed.strip_prefix(read).is_some_and(|rest| rest.is_empty() || read.ends_with('/') || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn key(method: &'static str, of: Option<&str>) -> Key {
        Key { method, of: of.map(str::to_owned) }
    }

    fn list() -> Key {
        key("tools/list", None)
    }

    fn raw(text: &str) -> RawJson {
        RawJson::parse(text.to_owned()).unwrap()
    }

    fn cache() -> (Cache, Instant) {
        (Cache::new(&Limits::default().cache_entries(2).result_bytes(100)), Instant::now())
    }

    fn keep(cache: &mut Cache, key: Key, ttl: Duration, now: Instant) {
        let asked = cache.asking();
        cache.keep(key, raw("{}"), ttl, asked, now);
    }

    #[test]
    fn a_result_is_fresh_until_its_time_is_over_and_not_one_tick_longer() {
        let (mut cache, now) = cache();
        keep(&mut cache, list(), SECOND, now);
        assert_eq!(cache.fresh(&list(), now + SECOND - Duration::from_nanos(1)), Some(raw("{}")));
        assert_eq!(cache.fresh(&list(), now + SECOND), None);
        assert_eq!(cache.fresh(&list(), now), None, "what was stale once is gone");
    }

    #[test]
    fn no_time_to_live_means_not_kept() {
        let (mut cache, now) = cache();
        keep(&mut cache, list(), Duration::ZERO, now);
        assert_eq!(cache.fresh(&list(), now), None);
    }

    #[test]
    fn other_parameters_and_other_methods_do_not_hit() {
        let (mut cache, now) = cache();
        keep(&mut cache, list(), SECOND, now);
        assert_eq!(cache.fresh(&key("tools/list", Some("")), now), None);
        assert_eq!(cache.fresh(&key("prompts/list", None), now), None);
    }

    #[test]
    fn the_least_recently_used_result_goes_first() {
        let (mut cache, now) = cache();
        keep(&mut cache, key("a", None), SECOND, now);
        keep(&mut cache, key("b", None), SECOND, now);
        assert!(cache.fresh(&key("a", None), now).is_some());
        keep(&mut cache, key("c", None), SECOND, now);
        let kept = ["a", "b", "c"].map(|method| cache.fresh(&key(method, None), now).is_some());
        assert_eq!(kept, [true, false, true]);
    }

    #[test]
    fn the_bytes_are_bounded_too() {
        let (mut cache, now) = cache();
        let of_length = |length: usize| raw(&format!("\"{}\"", "x".repeat(length - 2)));
        let asked = cache.asking();
        cache.keep(key("a", None), of_length(101), SECOND, asked, now);
        assert!(cache.fresh(&key("a", None), now).is_none(), "one result beyond the bound");
        cache.keep(key("a", None), of_length(100), SECOND, asked, now);
        assert!(cache.fresh(&key("a", None), now).is_some());
        cache.keep(key("b", None), of_length(1 + 1), SECOND, asked, now);
        assert!(cache.fresh(&key("a", None), now).is_none());
        assert!(cache.fresh(&key("b", None), now).is_some());
        assert_eq!(cache.bytes, 2);
    }

    #[test]
    fn a_long_time_to_live_is_cut() {
        let limits = Limits::default().cache_ttl(SECOND);
        let (mut cache, now) = (Cache::new(&limits), Instant::now());
        keep(&mut cache, list(), Duration::from_millis(u64::MAX), now);
        assert!(cache.fresh(&list(), now).is_some());
        assert!(cache.fresh(&list(), now + SECOND).is_none());
    }

    #[test]
    fn an_announced_change_makes_every_page_stale() {
        let (mut cache, now) = cache();
        keep(&mut cache, list(), SECOND, now);
        keep(&mut cache, key("tools/list", Some("2")), SECOND, now);
        cache.changed(Stale::Lists(&["tools/list"]));
        assert!(cache.fresh(&list(), now).is_none());
        assert!(cache.fresh(&key("tools/list", Some("2")), now).is_none());
    }

    #[test]
    fn a_changed_resource_makes_itself_and_what_contains_it_stale() {
        let check = |read: &str, changed: &str, stale: bool| {
            let (mut cache, now) = cache();
            let read = key("resources/read", Some(read));
            keep(&mut cache, read.clone(), SECOND, now);
            cache.changed(Stale::Resource(changed));
            assert_eq!(cache.fresh(&read, now).is_none(), stale, "{read:?} after {changed}");
        };
        check("file:///a", "file:///a", true);
        check("file:///a", "file:///a/b", true);
        check("file:///a/", "file:///a/b", true);
        check("file:///a", "file:///ab", false);
        check("file:///a/b", "file:///a", false);
    }

    #[test]
    fn an_answer_that_was_asked_for_before_a_change_is_not_kept() {
        let (mut cache, now) = cache();
        let asked = cache.asking();
        cache.changed(Stale::Lists(&["tools/list"]));
        cache.keep(list(), raw("{}"), SECOND, asked, now);
        assert!(cache.fresh(&list(), now).is_none());
    }
}
