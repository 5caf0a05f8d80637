//! The copy of one server's list of tools: what to do when somebody asks for it.
//!
//! Pure: the time is an argument. Whoever asks is a visitor; a visitor is given the copy, told to read the list, or told
//! to wait for another's reading.
//!
//! ```text
//!              fresh, or read since the visitor came
//!           ┌──────────────────────────────────────────► Give
//!   visit ──┤  nobody reads, and no failure is recent ──► Read ─► handle_listed, handle_failed
//!           └  somebody reads ──────────────────────────► Wait, and at the deadline Give what there is
//! ```
//!
//! The surprising thing: the deadline counts from the start of the reading, not of the visit. A server that hangs costs
//! the first visitor the deadline, and those after it nothing.

use std::sync::Arc;
use std::time::{Duration, Instant};

use mcp_client::RefusedTool;
use mcp_types::Tool;

use super::outcome::{Fault, Status};

/// How long visitors wait, and how long a copy is good.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// How long they wait when there is no copy.
    pub(super) without_copy: Duration,
    /// How long they wait when there is one that may be old.
    pub(super) with_copy: Duration,
    /// How long a copy is good when the server does not say, or says when it changes.
    pub(super) max_age: Duration,
}

/// A copy of a list, and the reading of the next one.
#[derive(Debug)]
pub(super) struct Copy {
    patience: Patience,
    kept: Option<Kept>,
    reading: Option<Reading>,
    failed: Option<Failed>,
    /// Counts what the server told of changes.
    changes: u64,
    /// Counts the readings that began.
    readings: u64,
    /// Counts the lists that arrived.
    arrivals: u64,
}

#[derive(Debug)]
struct Kept {
    tools: Arc<[Tool]>,
    left_out: Arc<[RefusedTool]>,
    reading: ReadingId,
    arrival: u64,
    fresh_until: Instant,
    /// Whether something changed since its reading began.
    is_outdated: bool,
}

#[derive(Debug)]
struct Reading {
    id: ReadingId,
    since: Instant,
    /// How many changes were told before it.
    changes: u64,
}

#[derive(Debug)]
struct Failed {
    fault: Fault,
    times: u32,
    again_at: Instant,
}

/// One reading of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ReadingId(u64);

/// When somebody asked for the list: by the clock, and by what had happened until then.
#[derive(Clone, Copy, Debug)]
pub(super) struct Visit {
    since: Instant,
    readings: u64,
    arrivals: u64,
}

/// What a visitor does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Advice {
    /// Take what there is, by [`Copy::give`].
    Give,
    /// Read the list, and ask again.
    Read(ReadingId),
    /// Ask again at this time, or when something was handled.
    Wait(Instant),
}

/// How long a list that arrived is fresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Freshness {
    /// Until the server tells of a change, which it said that it does.
    UntilChanged,
    /// For as long as the server says.
    For(Duration),
    /// The server says nothing of it.
    Unsaid,
}

/// What a reading brought.
#[derive(Debug)]
pub(super) struct Listed {
    pub(super) tools: Vec<Tool>,
    /// The tools that the client could not read, or that cannot be called.
    pub(super) left_out: Vec<RefusedTool>,
    pub(super) freshness: Freshness,
}

/// What a visitor is given.
#[derive(Clone, Debug)]
pub(super) struct Given {
    pub(super) tools: Arc<[Tool]>,
    pub(super) left_out: Arc<[RefusedTool]>,
    pub(super) status: Status,
    /// Why they are not the server's tools of now.
    pub(super) fault: Option<Fault>,
}

impl Copy {
    /// Starts without a copy.
    pub(super) fn new(patience: Patience) -> Self {
        Self { patience, kept: None, reading: None, failed: None, changes: 0, readings: 0, arrivals: 0 }
    }

    /// Takes note that somebody asks for the list.
    pub(super) fn visit(&self, now: Instant) -> Visit {
        Visit { since: now, readings: self.readings, arrivals: self.arrivals }
    }

    /// Says what a visitor does.
    #[must_use]
    pub(super) fn poll(&mut self, visit: Visit, now: Instant) -> Advice {
        if self.kept.as_ref().is_some_and(|kept| kept.is_good(visit, now)) {
            return Advice::Give;
        }
        let wait = if self.kept.is_some() { self.patience.with_copy } else { self.patience.without_copy };
        if let Some(reading) = &self.reading {
            let until = later(reading.since.min(visit.since), wait);
            return if until <= now { Advice::Give } else { Advice::Wait(until) };
        }
        if self.failed.as_ref().is_some_and(|failed| now < failed.again_at) || later(visit.since, wait) <= now {
            return Advice::Give;
        }
        self.readings = self.readings.wrapping_add(1);
        let id = ReadingId(self.readings);
        self.reading = Some(Reading { id, since: now, changes: self.changes });
        Advice::Read(id)
    }

    /// Takes the list that a reading brought. Returns whether it is another than before.
    pub(super) fn handle_listed(&mut self, id: ReadingId, listed: Listed, now: Instant) -> bool {
        let Listed { tools, left_out, freshness } = listed;
        let Some(reading) = self.reading.take_if(|reading| reading.id == id) else { return false };
        self.failed = None;
        self.arrivals = self.arrivals.wrapping_add(1);
        let age = match freshness {
            Freshness::For(ttl) => ttl,
            Freshness::UntilChanged | Freshness::Unsaid => self.patience.max_age,
        };
        // The same list stays the same copy, so that nothing has to be made of it anew.
        let same = self.kept.take().map(|kept| kept.tools).filter(|kept| **kept == *tools);
        let is_other = same.is_none();
        self.kept = Some(Kept {
            tools: same.unwrap_or_else(|| tools.into()),
            left_out: left_out.into(),
            reading: id,
            arrival: self.arrivals,
            fresh_until: later(now, age),
            is_outdated: reading.changes != self.changes,
        });
        is_other
    }

    /// Takes note that a reading failed; the next one has to wait, longer each time.
    pub(super) fn handle_failed(&mut self, id: ReadingId, fault: Fault, now: Instant) {
        if self.reading.take_if(|reading| reading.id == id).is_none() {
            return;
        }
        let times = self.failed.take().map_or(0, |failed| failed.times).saturating_add(1);
        let pause = FIRST_PAUSE.saturating_mul(1 << (times - 1).min(16)).min(LONGEST_PAUSE);
        self.failed = Some(Failed { fault, times, again_at: later(now, pause) });
    }

    /// Takes note that the server told of a change, or that it could have and was not heard.
    pub(super) fn handle_changed(&mut self) {
        self.changes = self.changes.wrapping_add(1);
        if let Some(kept) = &mut self.kept {
            kept.is_outdated = true;
        }
    }

    /// Returns what there is for a visitor.
    pub(super) fn give(&self, visit: Visit, now: Instant) -> Given {
        let late = |wait: Duration| Fault::timeout(format!("the server has not listed its tools within {wait:?}"));
        let failed = self.failed.as_ref().map(|failed| failed.fault.clone());
        let (status, fault) = match &self.kept {
            Some(kept) if kept.is_good(visit, now) => (Status::Ok, None),
            Some(_) => (Status::Stale, Some(failed.unwrap_or_else(|| late(self.patience.with_copy)))),
            None => {
                let failed = failed.filter(|_| self.reading.is_none());
                let fault = failed.unwrap_or_else(|| late(self.patience.without_copy));
                (fault.status, Some(fault))
            }
        };
        let copy = self.kept.as_ref().map(|kept| (Arc::clone(&kept.tools), Arc::clone(&kept.left_out)));
        let (tools, left_out) = copy.unwrap_or_default();
        Given { tools, left_out, status, fault }
    }
}

impl Kept {
    /// Returns whether a visitor can take it for the server's list of now: it is fresh, or was read while he waited. The
    /// second is for lists that are never fresh, which would be read for ever otherwise.
    fn is_good(&self, visit: Visit, now: Instant) -> bool {
        let is_fresh = now < self.fresh_until && !self.is_outdated;
        let was_begun_since = self.reading > ReadingId(visit.readings);
        let came_since = self.arrival > visit.arrivals;
        is_fresh || was_begun_since || (came_since && !self.is_outdated)
    }
}

/// Adds a time that a caller may have chosen as long as he likes.
fn later(from: Instant, wait: Duration) -> Instant {
    from.checked_add(wait).or_else(|| from.checked_add(FOREVER)).unwrap_or(from)
}

/// As good as for ever.
const FOREVER: Duration = Duration::from_secs(30 * 365 * 24 * 3600);

/// How long after a failure nothing is read; twice as long after each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// How long nothing is read at most.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use mcp_types::RawJson;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn tools(names: &[&str]) -> Vec<Tool> {
        names.iter().map(|name| Tool::new(*name, RawJson::empty_object())).collect()
    }

    fn list(names: &[&str], freshness: Freshness) -> Listed {
        Listed { tools: tools(names), left_out: Vec::new(), freshness }
    }

    fn copy() -> (Copy, Instant) {
        let patience = Patience { without_copy: SECOND * 5, with_copy: SECOND * 2, max_age: SECOND * 300 };
        (Copy::new(patience), Instant::now())
    }

    fn read(copy: &mut Copy, now: Instant) -> ReadingId {
        match ask(copy, now) {
            Advice::Read(id) => id,
            advice => panic!("{advice:?}"),
        }
    }

    /// What a visitor does who comes now.
    fn ask(copy: &mut Copy, now: Instant) -> Advice {
        copy.poll(copy.visit(now), now)
    }

    /// What a visitor is given who comes now.
    fn given(copy: &Copy, now: Instant) -> Given {
        copy.give(copy.visit(now), now)
    }

    /// A copy that was read at once.
    fn kept(freshness: Freshness) -> (Copy, Instant) {
        let (mut copy, now) = copy();
        let id = read(&mut copy, now);
        assert!(copy.handle_listed(id, list(&["a"], freshness), now));
        (copy, now)
    }

    fn fault(status: Status) -> Fault {
        Fault { status, text: "as asked".to_owned(), cause: None }
    }

    fn seen(given: &Given) -> (Status, Vec<&str>) {
        (given.status, given.tools.iter().map(|tool| tool.name.as_str()).collect())
    }

    #[test]
    fn one_reads_and_the_others_wait_for_it() {
        let (mut copy, now) = copy();
        let first = copy.visit(now);
        let id = read(&mut copy, now);
        assert_eq!(ask(&mut copy, now), Advice::Wait(now + SECOND * 5));
        let second = copy.visit(now + SECOND);
        assert_eq!(copy.poll(second, now + SECOND), Advice::Wait(now + SECOND * 5), "from when it was asked");
        copy.handle_listed(id, list(&["a"], Freshness::Unsaid), now + SECOND);
        for visit in [first, second] {
            assert_eq!(copy.poll(visit, now + SECOND), Advice::Give);
            assert_eq!(seen(&copy.give(visit, now + SECOND)), (Status::Ok, vec!["a"]));
        }
    }

    #[test]
    fn a_fresh_copy_is_given_at_once_and_an_old_one_is_read_again() {
        let check = |freshness, fresh_for: Duration| {
            let (mut copy, now) = kept(freshness);
            let last = now + fresh_for - Duration::from_nanos(1);
            assert_eq!(ask(&mut copy, last), Advice::Give, "{freshness:?}");
            let then = now + fresh_for;
            assert!(matches!(ask(&mut copy, then), Advice::Read(_)), "{freshness:?}");
        };
        check(Freshness::For(SECOND), SECOND);
        check(Freshness::UntilChanged, SECOND * 300);
        check(Freshness::Unsaid, SECOND * 300);
    }

    #[test]
    fn a_change_makes_a_fresh_copy_old() {
        let (mut copy, now) = kept(Freshness::UntilChanged);
        copy.handle_changed();
        // Not even the clock has moved.
        let id = read(&mut copy, now);
        assert_eq!(ask(&mut copy, now), Advice::Wait(now + SECOND * 2));
        copy.handle_listed(id, list(&["a", "b"], Freshness::UntilChanged), now);
        assert_eq!(seen(&given(&copy, now)), (Status::Ok, vec!["a", "b"]));
    }

    #[test]
    fn a_list_that_was_asked_for_before_a_change_serves_who_waited_for_it_and_is_read_again_for_who_came_later() {
        let (mut copy, now) = copy();
        let first = copy.visit(now);
        let id = read(&mut copy, now);
        let joined = copy.visit(now);
        copy.handle_changed();
        copy.handle_listed(id, list(&["a"], Freshness::UntilChanged), now + SECOND);
        assert_eq!(copy.poll(first, now + SECOND), Advice::Give);
        assert!(matches!(copy.poll(joined, now + SECOND), Advice::Read(_)));
    }

    #[test]
    fn a_list_that_is_never_fresh_is_read_once_for_each_visit() {
        let (mut copy, now) = kept(Freshness::For(Duration::ZERO));
        for _ in 0..2 {
            let visit = copy.visit(now);
            let id = read(&mut copy, now);
            copy.handle_listed(id, list(&["a"], Freshness::For(Duration::ZERO)), now);
            assert_eq!(copy.poll(visit, now), Advice::Give);
            assert_eq!(seen(&copy.give(visit, now)), (Status::Ok, vec!["a"]));
        }
    }

    #[test]
    fn a_server_that_hangs_costs_the_first_visitor_the_deadline_and_the_next_nothing() {
        let (mut copy, now) = copy();
        let first = copy.visit(now);
        let _ = read(&mut copy, now);
        let end = now + SECOND * 5;
        assert_eq!(copy.poll(first, end - Duration::from_nanos(1)), Advice::Wait(end));
        for visit in [first, copy.visit(end)] {
            assert_eq!(copy.poll(visit, end), Advice::Give);
            assert_eq!(seen(&copy.give(visit, end)), (Status::Timeout, vec![]));
        }
    }

    #[test]
    fn a_server_that_hangs_is_stale_when_there_is_a_copy() {
        let (mut copy, now) = kept(Freshness::For(SECOND));
        let then = now + SECOND;
        let visit = copy.visit(then);
        let _ = read(&mut copy, then);
        let end = then + SECOND * 2;
        assert_eq!(copy.poll(visit, then), Advice::Wait(end));
        assert_eq!(copy.poll(visit, end), Advice::Give);
        let given = copy.give(visit, end);
        assert_eq!(seen(&given), (Status::Stale, vec!["a"]));
        assert_eq!(given.fault.unwrap().text, "the server has not listed its tools within 2s");
    }

    #[test]
    fn a_failure_is_told_at_once_and_tried_again_after_longer_and_longer_pauses() {
        let (mut copy, mut now) = copy();
        for pause in [1, 2, 4, 8, 16, 30, 30] {
            let id = read(&mut copy, now);
            copy.handle_failed(id, fault(Status::Unreachable), now);
            let last = now + SECOND * pause - Duration::from_nanos(1);
            assert_eq!(ask(&mut copy, last), Advice::Give, "{pause}");
            assert_eq!(seen(&given(&copy, last)), (Status::Unreachable, vec![]));
            now += SECOND * pause;
        }
        let id = read(&mut copy, now);
        copy.handle_listed(id, list(&["a"], Freshness::For(SECOND)), now);
        now += SECOND;
        let id = read(&mut copy, now);
        copy.handle_failed(id, fault(Status::Refused), now);
        assert_eq!(seen(&given(&copy, now)), (Status::Stale, vec!["a"]), "what it had is given out");
        assert!(matches!(ask(&mut copy, now + SECOND), Advice::Read(_)), "a success begins anew");
    }

    #[test]
    fn the_same_list_stays_the_same_copy() {
        let (mut copy, now) = kept(Freshness::For(SECOND));
        let first = given(&copy, now).tools;
        let then = now + SECOND;
        let id = read(&mut copy, then);
        assert!(!copy.handle_listed(id, list(&["a"], Freshness::For(SECOND)), then));
        assert!(Arc::ptr_eq(&first, &given(&copy, then).tools));
    }

    #[test]
    fn what_a_reading_brings_that_nobody_waits_for_any_more_is_dropped() {
        let (mut copy, now) = copy();
        let id = read(&mut copy, now);
        copy.handle_failed(id, fault(Status::Timeout), now);
        assert!(!copy.handle_listed(id, list(&["late"], Freshness::Unsaid), now));
        assert_eq!(seen(&given(&copy, now)), (Status::Timeout, vec![]));
    }

    #[test]
    fn a_deadline_for_ever_does_not_overflow() {
        let patience = Patience { without_copy: Duration::MAX, with_copy: Duration::MAX, max_age: Duration::MAX };
        let (mut copy, now) = (Copy::new(patience), Instant::now());
        let id = read(&mut copy, now);
        assert!(matches!(ask(&mut copy, now), Advice::Wait(_)));
        copy.handle_listed(id, list(&["a"], Freshness::Unsaid), now);
        assert_eq!(ask(&mut copy, now), Advice::Give);
    }
}
