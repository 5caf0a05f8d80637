//! Streams that are cut and resumed: the log against the limits, the cursor against servers, and both against each other.

use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};

use super::*;
use crate::limits::Limits;
use crate::sse::{SseDecoder, SseEvent, encode_comment, encode_event};
use crate::test_random::Random;

fn log(limits: &Limits) -> SessionLog {
    SessionLog::new(limits, ReplayBudget::new(limits), 0x5eed)
}

/// Appends messages that name their numbers.
fn fill(log: &mut SessionLog, stream: StreamId, numbers: std::ops::Range<usize>, now: Instant) -> Vec<EventId> {
    numbers.map(|number| log.append(stream, Bytes::from(number.to_string()), now).unwrap()).collect()
}

/// Reads until there is nothing more.
fn drain(log: &mut SessionLog, reader: &mut Reader) -> (Vec<String>, Result<Next, Refusal>) {
    let mut messages = Vec::new();
    loop {
        match log.read(reader) {
            Ok(Next::Event(_, message)) => messages.push(String::from_utf8(message.to_vec()).unwrap()),
            end => return (messages, end),
        }
    }
}

fn numbers(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|number| number.to_string()).collect()
}

#[test]
fn a_client_that_comes_back_gets_what_follows_its_last_event_on_that_stream_only_hl_8() {
    let (now, mut log) = (Instant::now(), log(&Limits::default()));
    let (mut first, second) = (log.open(), log.open());
    let ids = fill(&mut log, first.stream(), 0..5, now);
    fill(&mut log, second.stream(), 100..103, now);
    assert_eq!(drain(&mut log, &mut first), (numbers(0..5), Ok(Next::Wait)));
    for (at, id) in ids.iter().enumerate() {
        let mut reader = log.resume(&id.to_string(), now).unwrap();
        assert_eq!(drain(&mut log, &mut reader), (numbers(at + 1..5), Ok(Next::Wait)), "after {at}");
    }
}

#[test]
fn a_stream_is_read_on_where_replay_ends_without_a_seam() {
    let (now, mut log) = (Instant::now(), log(&Limits::default()));
    let first = log.open();
    let primer = first.place().to_string();
    fill(&mut log, first.stream(), 0..2, now);
    let mut reader = log.resume(&primer, now).unwrap();
    assert!(matches!(log.read(&mut reader), Ok(Next::Event(..))));
    fill(&mut log, first.stream(), 2..4, now);
    log.finish(first.stream(), now);
    assert_eq!(drain(&mut log, &mut reader), (numbers(1..4), Ok(Next::End)));
}

#[test]
fn a_handler_goes_on_while_the_client_is_away_and_its_answer_waits_hl_5() {
    let (now, mut log) = (Instant::now(), log(&Limits::default()));
    let reader = log.open();
    log.leave(&reader);
    fill(&mut log, reader.stream(), 0..3, now);
    log.finish(reader.stream(), now);
    assert_eq!(log.append(reader.stream(), "late".into(), now), Err(Finished));
    let mut back = log.resume(&reader.place().to_string(), now + Duration::from_secs(299)).unwrap();
    assert_eq!(drain(&mut log, &mut back), (numbers(0..3), Ok(Next::End)));
}

#[test]
fn the_newest_connection_of_a_stream_is_the_only_one_that_gets_messages_hl_7() {
    let (now, mut log) = (Instant::now(), log(&Limits::default().replay_events(0)));
    let mut old = log.open();
    let mut new = log.resume(&old.place().to_string(), now).unwrap();
    // That the old one leaves late does not take the stream from the new one.
    log.leave(&old);
    fill(&mut log, old.stream(), 0..2, now);
    assert_eq!(log.read(&mut old), Ok(Next::Replaced));
    assert_eq!(drain(&mut log, &mut new), (numbers(0..2), Ok(Next::Wait)));
}

#[test]
fn resuming_twice_before_any_new_event_keeps_the_place_f41() {
    let (now, mut log) = (Instant::now(), log(&Limits::default()));
    let mut reader = log.open();
    fill(&mut log, reader.stream(), 0..3, now);
    assert_eq!(drain(&mut log, &mut reader).0, numbers(0..3));
    for _ in 0..3 {
        reader = log.resume(&reader.place().to_string(), now).unwrap();
        assert_eq!(drain(&mut log, &mut reader), (Vec::new(), Ok(Next::Wait)));
        log.leave(&reader);
    }
    fill(&mut log, reader.stream(), 3..4, now);
    reader = log.resume(&reader.place().to_string(), now).unwrap();
    assert_eq!(drain(&mut log, &mut reader), (numbers(3..4), Ok(Next::Wait)));
}

#[test]
fn ids_of_no_event_are_refused_t_012() {
    let (now, mut log) = (Instant::now(), log(&Limits::default()));
    let reader = log.open();
    let limits = Limits::default();
    let mut other = SessionLog::new(&limits, ReplayBudget::new(&limits), 1);
    let foreign = other.open().place().to_string();
    let ahead = EventId::new(0x5eed, reader.stream(), 7).to_string();
    for (text, refusal, status) in [
        ("", Refusal::Malformed, 400),
        ("s1/0", Refusal::Malformed, 400),
        (&*foreign, Refusal::Unknown, 404),
        (&*ahead, Refusal::Unknown, 404),
    ] {
        assert_eq!(log.resume(text, now).unwrap_err(), refusal, "{text}");
        assert_eq!(refusal.status(), status);
    }
}

#[test]
fn what_was_evicted_is_an_explicit_gap_at_the_limit_and_not_before_it_f42() {
    let limits = Limits::default().replay_events(3);
    let (now, mut log) = (Instant::now(), log(&limits));
    let mut reader = log.open();
    let primer = reader.place();
    let mut ids = vec![primer];
    for number in 0..5 {
        ids.extend(fill(&mut log, reader.stream(), number..number + 1, now));
        assert_eq!(drain(&mut log, &mut reader).0.len(), 1);
    }
    for (at, id) in ids.iter().enumerate() {
        let resumed = log.resume(&id.to_string(), now);
        match at {
            0 | 1 => assert_eq!(resumed.unwrap_err(), Refusal::Gap, "after {at}"),
            _ => assert_eq!(drain(&mut log, &mut resumed.unwrap()).0, numbers(at..5), "after {at}"),
        }
    }
}

#[test]
fn bytes_and_age_evict_as_numbers_do_hl_15() {
    let limits = Limits::default().replay_bytes(10).replay_age(Duration::from_secs(60));
    let (now, mut log) = (Instant::now(), log(&limits));
    let reader = log.open();
    log.leave(&reader);
    let resume = |log: &mut SessionLog, after: u64| {
        let resumed = log.resume(&reader.place().to_string(), now + Duration::from_secs(after));
        resumed.map(|reader| log.leave(&reader))
    };
    log.append(reader.stream(), "12345".into(), now).unwrap();
    log.append(reader.stream(), "67890".into(), now).unwrap();
    assert_eq!(resume(&mut log, 0), Ok(()));
    assert_eq!(resume(&mut log, 59), Ok(()));
    assert_eq!(resume(&mut log, 60), Err(Refusal::Gap));
    let reader = log.open();
    log.leave(&reader);
    log.append(reader.stream(), "12345".into(), now).unwrap();
    log.append(reader.stream(), "678901".into(), now).unwrap();
    assert_eq!(log.resume(&reader.place().to_string(), now).unwrap_err(), Refusal::Gap);
}

#[test]
fn sessions_share_a_budget_and_each_gives_up_its_own_events() {
    let limits = Limits::default().replay_total_bytes(10);
    let budget = ReplayBudget::new(&limits);
    let now = Instant::now();
    let mut quiet = SessionLog::new(&limits, budget.clone(), 1);
    let mut busy = SessionLog::new(&limits, budget.clone(), 2);
    let (of_quiet, of_busy) = (quiet.open(), busy.open());
    quiet.leave(&of_quiet);
    busy.leave(&of_busy);
    quiet.append(of_quiet.stream(), "12345".into(), now).unwrap();
    for _ in 0..100 {
        busy.append(of_busy.stream(), "12345".into(), now).unwrap();
        assert_eq!(budget.held(), 10);
    }
    assert!(quiet.resume(&of_quiet.place().to_string(), now).is_ok());
    assert_eq!(busy.resume(&of_busy.place().to_string(), now).unwrap_err(), Refusal::Gap);
    drop(busy);
    assert_eq!(budget.held(), 5);
    drop(quiet);
    assert_eq!(budget.held(), 0);
}

#[test]
fn a_live_stream_loses_nothing_when_nothing_may_be_kept_f44() {
    let limits = Limits::default().replay_events(0).replay_bytes(0).replay_total_bytes(0);
    let budget = ReplayBudget::new(&limits);
    let (now, mut log) = (Instant::now(), SessionLog::new(&limits, budget.clone(), 3));
    let mut reader = log.open();
    fill(&mut log, reader.stream(), 0..4, now);
    assert_eq!(drain(&mut log, &mut reader), (numbers(0..4), Ok(Next::Wait)));
    assert_eq!(budget.held(), 0, "what was read is not kept");
    assert_eq!(log.resume(&EventId::new(3, reader.stream(), 3).to_string(), now).unwrap_err(), Refusal::Gap);
    fill(&mut log, reader.stream(), 4..5, now);
    log.leave(&reader);
    assert_eq!(budget.held(), 0, "nobody is there to read it");
}

#[test]
fn finished_streams_are_kept_for_a_time_and_in_bounded_number() {
    let limits = Limits::default().in_flight(2);
    let (now, mut log) = (Instant::now(), log(&limits));
    let mut places = Vec::new();
    for _ in 0..4 {
        let reader = log.open();
        fill(&mut log, reader.stream(), 0..1, now);
        log.leave(&reader);
        log.finish(reader.stream(), now);
        places.push(reader.place().to_string());
    }
    let resumed: Vec<bool> = places.iter().map(|place| log.resume(place, now).is_ok()).collect();
    assert_eq!(resumed, [false, false, true, true]);
    // Both are attached, and are not taken from under their readers.
    log.expire(now + Duration::from_secs(3600));
    assert_eq!(log.streams(), 2);
}

#[test]
fn a_quiet_session_holds_nothing_after_the_age_limit() {
    let limits = Limits::default();
    let budget = ReplayBudget::new(&limits);
    let (now, mut log) = (Instant::now(), SessionLog::new(&limits, budget.clone(), 3));
    let (open, finished) = (log.open(), log.open());
    for reader in [&open, &finished] {
        fill(&mut log, reader.stream(), 0..9, now);
        log.leave(reader);
    }
    log.finish(finished.stream(), now);
    log.expire(now + limits.replay_age - Duration::from_nanos(1));
    assert_eq!((log.streams(), budget.held()), (2, 18));
    log.expire(now + limits.replay_age);
    assert_eq!((log.streams(), budget.held()), (1, 0), "an open stream stays, without its events");
}

fn event(id: Option<&str>, data: &str) -> SseEvent {
    SseEvent { id: id.map(str::to_owned), data: Bytes::from(data.to_owned()), ..SseEvent::default() }
}

fn after(millis: u64) -> Comeback {
    Comeback::After(Duration::from_millis(millis))
}

#[test]
fn a_replayed_event_is_dropped_and_a_repeated_id_on_one_connection_is_not() {
    let mut cursor = Cursor::of_answer(&Limits::default());
    assert!(cursor.take(event(Some("1"), "a")).is_some());
    assert!(cursor.take(event(Some("1"), "b")).is_some(), "a server that gives all events one id");
    cursor.connected();
    assert_eq!(cursor.take(event(Some("1"), "b")), None);
    assert!(cursor.take(event(Some("2"), "c")).is_some());
    assert!(cursor.take(event(None, "d")).is_some(), "without an id there is nothing to tell it by");
    cursor.connected();
    assert_eq!(cursor.take(event(Some("1"), "a")), None);
    assert_eq!(cursor.last_event_id(), Some("2"), "a replay does not move the cursor back");
}

#[test]
fn a_priming_event_moves_the_cursor_and_is_no_message_hl_9() {
    let mut cursor = Cursor::of_answer(&Limits::default());
    assert_eq!(cursor.take(event(Some("p"), "")), None);
    assert_eq!(cursor.last_event_id(), Some("p"));
    let mut other = event(Some("q"), "{}");
    other.name = Some("endpoint".to_owned());
    assert_eq!(cursor.take(other), None, "an event of another name is no message");
    assert_eq!(cursor.take(event(Some(""), "x")), Some(Bytes::from("x")));
    assert_eq!(cursor.last_event_id(), None, "an empty id withdraws the one before");
}

/// Makes the cursor of a stream that began with a priming event.
fn primed(limits: &Limits, retry: u64) -> Cursor {
    let mut cursor = Cursor::of_answer(limits);
    assert_eq!(cursor.take(primer(retry)), None);
    cursor
}

fn primer(retry: u64) -> SseEvent {
    SseEvent { retry: Some(Duration::from_millis(retry)), ..event(Some("p"), "") }
}

#[test]
fn the_first_wait_is_what_the_server_asked_for_and_no_later_one_is_shorter_hl_9() {
    for random in [0, u32::MAX] {
        let mut cursor = primed(&Limits::default(), 200);
        assert_eq!(cursor.lost(Loss::Cut, random), after(200));
        let Comeback::After(second) = cursor.lost(Loss::Cut, random) else { panic!("it has attempts left") };
        assert!(second >= Duration::from_millis(200), "{second:?}");
    }
    let mut cursor = primed(&Limits::default(), 3_600_000);
    assert_eq!(cursor.lost(Loss::Cut, 0), after(60_000), "longer than anybody waits");
}

#[test]
fn a_server_that_lets_a_client_come_back_until_the_answer_is_there_is_not_given_up() {
    let mut cursor = primed(&Limits::default().reconnects(1), 200);
    for _ in 0..50 {
        assert_eq!(cursor.lost(Loss::Cut, 0), after(200));
        cursor.connected();
        assert_eq!(cursor.take(primer(200)), None);
    }
    assert!(cursor.take(event(Some("1"), "the answer")).is_some());
}

#[test]
fn waits_double_with_full_jitter_up_to_a_bound_and_attempts_end() {
    let limits = Limits::default();
    let mut longest = Cursor::standalone(&limits);
    let waits: Vec<Comeback> = (0..11).map(|_| longest.lost(Loss::Cut, u32::MAX)).collect();
    let expected: Vec<Comeback> = [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000, 30_000]
        .map(after)
        .into_iter()
        .chain([Comeback::Never(GaveUp::Attempts(10))])
        .collect();
    assert_eq!(waits, expected);
    let mut shortest = Cursor::standalone(&limits);
    assert_eq!(shortest.lost(Loss::Cut, 0), after(0));
    assert_eq!(shortest.lost(Loss::Cut, u32::MAX / 2), Comeback::After(Duration::from_nanos(499_999_999)));
}

#[test]
fn any_sign_of_life_starts_the_count_of_attempts_again() {
    let mut cursor = Cursor::of_answer(&Limits::default().reconnects(1));
    for at in 0..50 {
        cursor.take(event(Some(&at.to_string()), ""));
        assert!(matches!(cursor.lost(Loss::Cut, 0), Comeback::After(_)));
        cursor.connected();
    }
    assert_eq!(cursor.lost(Loss::Cut, 0), Comeback::Never(GaveUp::Attempts(1)));
}

#[test]
fn a_server_that_only_repeats_itself_is_given_up() {
    let mut cursor = Cursor::of_answer(&Limits::default().reconnects(3));
    cursor.take(event(Some("1"), "a"));
    let mut waits = 0;
    while let Comeback::After(_) = cursor.lost(Loss::Cut, 0) {
        waits += 1;
        cursor.connected();
        assert_eq!(cursor.take(event(Some("1"), "a")), None);
    }
    assert_eq!(waits, 3);
}

#[test]
fn a_refusal_ends_the_attempts_unless_it_may_pass() {
    let check = |status: u16, expected: Comeback| {
        let mut cursor = Cursor::standalone(&Limits::default());
        assert_eq!(cursor.lost(Loss::Status(status), 0), expected, "{status}");
    };
    for status in [400, 401, 403, 404, 405, 409, 204, 301] {
        check(status, Comeback::Never(GaveUp::Refused(status)));
    }
    for status in [408, 429, 500, 502, 503] {
        check(status, after(0));
    }
}

#[test]
fn an_answer_without_event_ids_cannot_be_resumed_and_the_standalone_stream_can_be_opened_anew() {
    let limits = Limits::default();
    let mut answer = Cursor::of_answer(&limits);
    answer.take(event(None, "a"));
    assert_eq!(answer.lost(Loss::Cut, 0), Comeback::Never(GaveUp::Unresumable));
    assert_eq!(Cursor::standalone(&limits).lost(Loss::Cut, 0), after(0));
}

/// A server with one stream, and the client that reads it: what passes between them can be cut anywhere.
struct Line {
    log: SessionLog,
    stream: StreamId,
    cursor: Cursor,
    received: Vec<Bytes>,
    now: Instant,
}

const PRIMER: u64 = 700;

impl Line {
    fn new(now: Instant) -> (Self, Reader) {
        let limits = Limits::default();
        let mut log = log(&limits);
        let reader = log.open();
        let stream = reader.stream();
        (Self { log, stream, cursor: Cursor::of_answer(&limits), received: Vec::new(), now }, reader)
    }

    fn say(&mut self, messages: &[Bytes]) {
        for message in messages {
            self.log.append(self.stream, message.clone(), self.now).unwrap();
        }
    }

    /// Returns the bytes of one connection: a priming event, a comment, then everything that waits.
    fn connection(&mut self, mut reader: Reader) -> (Vec<u8>, bool) {
        let mut out = BytesMut::new();
        let retry = Some(Duration::from_millis(PRIMER));
        encode_event(&mut out, Some(&reader.place().to_string()), retry, None, b"");
        encode_comment(&mut out, "keep-alive");
        loop {
            match self.log.read(&mut reader).unwrap() {
                Next::Event(id, message) => encode_event(&mut out, Some(&id.to_string()), None, None, &message),
                end => {
                    self.log.leave(&reader);
                    return (out.to_vec(), end == Next::End);
                }
            }
        }
    }

    /// Gives the client the beginning of a connection.
    fn receive(&mut self, bytes: &[u8]) {
        let mut decoder = SseDecoder::new(&Limits::default());
        decoder.extend(bytes);
        while let Some(event) = decoder.next_event().unwrap() {
            self.received.extend(self.cursor.take(event));
        }
    }

    fn resume(&mut self) -> Reader {
        let id = self.cursor.last_event_id().unwrap().to_owned();
        self.cursor.connected();
        self.log.resume(&id, self.now).unwrap()
    }
}

fn script() -> Vec<Bytes> {
    ["{\"n\":1}", "{\"text\":\"a\\nb\"}", "{}", "{\"n\":\n4}", "{\"é\":\"😀\"}", "{\"result\":true}"]
        .map(Bytes::from)
        .to_vec()
}

#[test]
fn a_stream_cut_at_any_byte_is_resumed_with_nothing_lost_and_nothing_twice_f40() {
    let now = Instant::now();
    let sent = script();
    let length = {
        let (mut line, reader) = Line::new(now);
        line.say(&sent);
        line.connection(reader).0.len()
    };
    // Before the end of the priming event there is no id to come back by.
    let first_id = length - script_bytes_behind_the_primer(now);
    for cut in 0..=length {
        let (mut line, reader) = Line::new(now);
        line.say(&sent);
        line.log.finish(line.stream, now);
        let (bytes, _) = line.connection(reader);
        line.receive(&bytes[..cut]);
        if cut < first_id {
            assert_eq!(line.cursor.lost(Loss::Cut, 0), Comeback::Never(GaveUp::Unresumable), "cut at {cut}");
            assert!(line.received.is_empty());
            continue;
        }
        assert_eq!(line.cursor.lost(Loss::Cut, 0), after(PRIMER), "cut at {cut}");
        let reader = line.resume();
        let (bytes, at_end) = line.connection(reader);
        line.receive(&bytes);
        assert!(at_end);
        assert_eq!(line.received, sent, "cut at {cut}");
    }
}

fn script_bytes_behind_the_primer(now: Instant) -> usize {
    let (mut line, reader) = Line::new(now);
    let primer = line.connection(reader).0.len() - b": keep-alive\n\n".len();
    let (mut line, reader) = Line::new(now);
    line.say(&script());
    line.connection(reader).0.len() - primer
}

#[test]
fn a_stream_cut_again_and_again_while_it_grows_is_whole_in_the_end_f40() {
    let now = Instant::now();
    for seed in 0..500 {
        let mut random = Random::new(seed);
        let mut sent = Vec::new();
        let (mut line, first) = Line::new(now);
        let mut reader = Some(first);
        let total = 1 + random.below(30);
        for _ in 0..10_000 {
            for _ in 0..random.below(4) {
                if sent.len() < total {
                    let message = Bytes::from(format!("{{\"n\":{}}}", sent.len()));
                    line.say(std::slice::from_ref(&message));
                    sent.push(message);
                }
            }
            if sent.len() == total {
                line.log.finish(line.stream, now);
            }
            let connected = match reader.take() {
                Some(first) => first,
                None => line.resume(),
            };
            let (bytes, at_end) = line.connection(connected);
            // The first priming event always comes through; without it there is no coming back.
            let least = if line.cursor.last_event_id().is_none() { bytes.len().min(64) } else { 0 };
            let cut = least + random.below(bytes.len() + 1 - least);
            line.receive(&bytes[..cut]);
            if at_end && cut == bytes.len() {
                break;
            }
        }
        assert_eq!(line.received, sent, "seed {seed}");
    }
}

#[test]
fn a_server_that_replays_too_much_is_still_heard_once_in_order() {
    let sent = script();
    for from in 0..sent.len() {
        let mut cursor = Cursor::of_answer(&Limits::default());
        let mut received = Vec::new();
        let event = |at: usize| {
            let mut event = event(Some(&at.to_string()), "");
            event.data = sent[at].clone();
            event
        };
        (0..4).for_each(|at| received.extend(cursor.take(event(at))));
        cursor.connected();
        (from.min(4)..sent.len()).for_each(|at| received.extend(cursor.take(event(at))));
        assert_eq!(received, sent, "replayed from {from}");
    }
}
