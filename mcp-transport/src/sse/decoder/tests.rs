//! The event stream in protocol words: H-14, H-15, HL-9, and the fault F30.

use super::*;
use crate::sse::{encode_comment, encode_event};
use crate::test_random::Random;

const LIMIT: usize = 64;

fn decoder() -> SseDecoder {
    let limits = Limits::default().sse_event_bytes(LIMIT).sse_id_bytes(8);
    SseDecoder::new(&limits.retry_max(Duration::from_secs(60)))
}

/// What a decoder says about a stream: its events, then whether it failed, the last id and the last retry.
type Outcome = (Vec<SseEvent>, Option<SseError>, Option<String>, Option<Duration>, bool);

fn decode<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Outcome {
    let mut decoder = decoder();
    let mut events = Vec::new();
    let mut failure = None;
    for chunk in chunks {
        decoder.extend(chunk);
        loop {
            match decoder.next_event() {
                Ok(Some(event)) => events.push(event),
                Ok(None) => break,
                Err(error) => {
                    failure = Some(error);
                    break;
                }
            }
        }
    }
    let mid_event = decoder.is_mid_event();
    (events, failure, decoder.last_event_id().map(str::to_owned), decoder.retry(), mid_event)
}

fn data(text: &str) -> SseEvent {
    SseEvent { data: Bytes::copy_from_slice(text.as_bytes()), ..SseEvent::default() }
}

fn with_id(id: &str, event: SseEvent) -> SseEvent {
    SseEvent { id: Some(id.to_owned()), ..event }
}

fn with_name(name: &str, event: SseEvent) -> SseEvent {
    SseEvent { name: Some(name.to_owned()), ..event }
}

fn with_retry(milliseconds: u64, event: SseEvent) -> SseEvent {
    SseEvent { retry: Some(Duration::from_millis(milliseconds)), ..event }
}

fn check(input: impl AsRef<[u8]>, expected: &[SseEvent]) {
    let (events, failure, ..) = decode([input.as_ref()]);
    assert_eq!(events, expected);
    assert_eq!(failure, None);
}

fn check_failure(input: impl AsRef<[u8]>, expected: SseError) {
    assert_eq!(decode([input.as_ref()]).1, Some(expected), "at once");
    assert_eq!(decode(input.as_ref().chunks(1)).1, Some(expected), "byte by byte");
}

#[test]
fn every_line_end_is_taken_also_mixed_f30() {
    check("data: a\n\ndata: b\n\n", &[data("a"), data("b")]);
    check("data: a\r\rdata: b\r\r", &[data("a"), data("b")]);
    check("data: a\r\n\r\ndata: b\r\n\r\n", &[data("a"), data("b")]);
    check("data: a\r\ndata: b\rdata: c\n\r\ndata: d\n\r", &[data("a\nb\nc"), data("d")]);
}

#[test]
fn a_line_end_in_cr_counts_at_once_and_its_lf_is_not_a_blank_line() {
    let mut decoder = decoder();
    decoder.extend(b"data: a\r\n\r");
    assert_eq!(decoder.next_event(), Ok(Some(data("a"))));
    decoder.extend(b"\n");
    assert_eq!(decoder.next_event(), Ok(None));
    assert!(!decoder.is_mid_event());
    decoder.extend(b"data: b\n\n");
    assert_eq!(decoder.next_event(), Ok(Some(data("b"))));
}

#[test]
fn a_byte_order_mark_is_skipped_at_the_start_and_only_there() {
    check("\u{feff}data: a\n\n", &[data("a")]);
    check("\u{feff}\u{feff}data: a\n\n", &[]);
    check("data: a\n\n\u{feff}data: b\n\n", &[data("a")]);
    check("\u{feff}: comment\ndata: a\n\n", &[data("a")]);
}

#[test]
fn comments_and_unknown_fields_are_ignored_h_15() {
    check(": keep-alive\n\n:\n\nwhat: ever\nDATA: x\n data: x\ndata: a\n: between\n\n", &[data("a")]);
}

#[test]
fn a_comment_has_no_size_f30() {
    let mut decoder = decoder();
    decoder.extend(b"data: a\n:");
    for _ in 0..10_000 {
        decoder.extend(&[b'x'; 100]);
        assert_eq!(decoder.next_event(), Ok(None));
        assert!(decoder.buffer.is_empty());
    }
    decoder.extend(b"\ndata: b\n\n");
    assert_eq!(decoder.next_event(), Ok(Some(data("a\nb"))));
}

#[test]
fn the_lines_of_the_data_are_joined_by_lf() {
    check("data: a\ndata:b\ndata\ndata:  c\n\n", &[data("a\nb\n\n c")]);
    check("data\ndata\n\n", &[data("\n")]);
}

#[test]
fn only_one_space_after_the_colon_belongs_to_the_field() {
    check("data:  a \nid:\tx\n\n", &[with_id("\tx", data(" a "))]);
}

#[test]
fn an_event_has_a_name_unless_it_is_empty() {
    check("event: endpoint\ndata: /messages\n\n", &[with_name("endpoint", data("/messages"))]);
    check("event: x\nevent:\ndata: a\n\n", &[data("a")]);
    check("event: lost without data\n\ndata: a\n\n", &[data("a")]);
}

#[test]
fn a_priming_event_is_reported_with_its_id_hl_9() {
    let (events, _, last_id, retry, _) = decode([&b"id: s1\nretry: 500\ndata:\n\n"[..]]);
    assert_eq!(events, [with_retry(500, with_id("s1", data("")))]);
    assert!(events[0].is_priming());
    assert_eq!(last_id.as_deref(), Some("s1"));
    assert_eq!(retry, Some(Duration::from_millis(500)));

    check("id: s1\n\n", &[with_id("s1", data(""))]);
    check("data:\n\n", &[data("")]);
    assert!(!data("{}").is_priming());
}

#[test]
fn the_last_id_stays_until_another_is_set_and_an_empty_one_withdraws_it() {
    let last_id = |input: &str| decode([input.as_bytes()]).2;
    assert_eq!(last_id("data: a\n\n"), None);
    assert_eq!(last_id("id: 1\ndata: a\n\ndata: b\n\n").as_deref(), Some("1"));
    assert_eq!(last_id("id: 1\ndata: a\n\nid: 2\ndata: b").as_deref(), Some("1"), "the second event is not complete");
    assert_eq!(last_id("id: 1\ndata: a\n\nid\ndata: b\n\n"), None);
}

#[test]
fn an_id_with_nul_is_ignored_f30() {
    check("id: a\0b\ndata: x\n\n", &[data("x")]);
    check("id: 1\nid: a\0\ndata: x\n\n", &[with_id("1", data("x"))]);
}

#[test]
fn an_id_of_the_limit_is_taken_and_one_byte_more_fails() {
    check("id: 1234567\n\n", &[with_id("1234567", data(""))]);
    check("id: 12345678\n\n", &[with_id("12345678", data(""))]);
    check_failure("id: 123456789\n\n", SseError::IdTooLong { limit: 8 });
}

#[test]
fn a_retry_is_digits_and_is_cut_to_the_limit_f30() {
    check("retry: 10\n\n", &[with_retry(10, data(""))]);
    check("retry: 59999\n\n", &[with_retry(59_999, data(""))]);
    check("retry: 60000\n\n", &[with_retry(60_000, data(""))]);
    check("retry: 60001\n\n", &[with_retry(60_000, data(""))]);
    check("retry: 999999999999\n\n", &[with_retry(60_000, data(""))]);
    check("retry: 99999999999999999999999999999999\n\n", &[with_retry(60_000, data(""))]);
    for ignored in ["", "-1", "+1", "1.5", "1e3", " 1", "ten", "\u{661}"] {
        check(format!("retry: {ignored}\n\n"), &[]);
    }
}

#[test]
fn an_event_of_the_limit_is_taken_and_one_byte_more_fails() {
    for size in [LIMIT - 1, LIMIT] {
        let text = "x".repeat(size - "data: ".len());
        check(format!("data: {text}\n\n"), &[data(&text)]);
    }
    let failure = SseError::EventTooLong { limit: LIMIT };
    check_failure("x".repeat(LIMIT + 1), failure);
    check_failure(format!("data: {}\n\n", "x".repeat(LIMIT + 1 - "data: ".len())), failure);
    check_failure("data\n".repeat(LIMIT / 4 + 1), failure);
    check("data\n".repeat(LIMIT / 4) + "\n", &[data(&"\n".repeat(LIMIT / 4 - 1))]);
}

#[test]
fn each_event_has_its_own_limit() {
    let event = format!("data: {}\n\n", "x".repeat(LIMIT / 2));
    assert_eq!(decode([event.repeat(10).as_bytes()]).0.len(), 10);
}

#[test]
fn a_failed_decoder_stays_failed_and_holds_no_memory() {
    let mut decoder = decoder();
    let failure = Err(SseError::EventTooLong { limit: LIMIT });
    decoder.extend(&[b'x'; LIMIT + 1]);
    assert_eq!(decoder.next_event(), failure);
    decoder.extend(b"\n\ndata: a\n\n");
    assert_eq!(decoder.next_event(), failure);
    assert!(decoder.buffer.is_empty());
}

#[test]
fn a_million_empty_events_are_no_event_and_no_recursion_f30() {
    let mut decoder = decoder();
    decoder.extend(&vec![b'\n'; 1_000_000]);
    decoder.extend(&b"data:\n\n".repeat(10));
    let mut events = 0;
    while let Some(event) = decoder.next_event().unwrap() {
        assert!(event.is_priming());
        events += 1;
    }
    assert_eq!(events, 10);
}

#[test]
fn an_event_that_the_stream_did_not_end_is_lost_and_can_be_told() {
    let (events, .., mid_event) = decode([&b"data: a\n\ndata: b\n"[..]]);
    assert_eq!(events, [data("a")]);
    assert!(mid_event);
    assert!(!decode([&b"data: a\n\n: half a comm"[..]]).4);
}

#[test]
fn bytes_that_are_not_utf_8_reach_the_message_parser_as_they_are() {
    let (events, ..) = decode([&b"data: \xff\xed\xa0\x80\n\n"[..]]);
    assert_eq!(events[0].data, &b"\xff\xed\xa0\x80"[..]);
}

#[test]
fn any_split_of_the_bytes_gives_the_same_events_f30() {
    let inputs = [
        "\u{feff}id: 1\r\nretry: 7\rdata: \u{e9}\u{1f600}\r\n\r\n: c\r\n\r\ndata: b\ndata: c\n\nid: 2",
        "data: a\r\r\n\n\rdata: b\r\n\r:x\rdata\n\n\u{feff}",
        "data: a\n\nid: 123456789\n\ndata: never\n\n",
        "data: a\n\ndata: 0123456789012345678901234567890123456789012345678901234567890123456789\n\n",
        "\u{fef0}data: a\n\n",
    ];
    for input in inputs {
        let bytes = input.as_bytes();
        let whole = decode([bytes]);
        for first in 0..=bytes.len() {
            for second in first..=bytes.len() {
                let chunks = [&bytes[..first], &bytes[first..second], &bytes[second..]];
                assert_eq!(decode(chunks), whole, "{input:?} split at {first} and {second}");
            }
        }
        assert_eq!(decode(bytes.chunks(1)), whole, "{input:?} byte by byte");
    }
}

#[test]
fn any_input_gives_the_same_events_however_it_is_split() {
    let words: [&[u8]; 14] = [
        b"data",
        b"id",
        b"event",
        b"retry",
        b":",
        b": ",
        b"\r",
        b"\n",
        b"\r\n",
        b"\n\n",
        b"7",
        b"\0",
        b"\xff",
        b"\xef\xbb\xbf",
    ];
    let mut random = Random::new(2);
    for _ in 0..5_000 {
        let input: Vec<u8> = (0..random.below(40)).flat_map(|_| words[random.below(words.len())]).copied().collect();
        let whole = decode([&input[..]]);
        let pieces = random.split(&input);
        assert_eq!(decode(pieces.iter().copied()), whole, "{input:?} as {pieces:?}");
    }
}

#[test]
fn what_the_encoder_writes_the_decoder_reads_with_line_ends_as_lf() {
    let parts = ["a", " ", ":", "\n", "\r", "\r\n", "\u{1f600}", "data: x", "{}"];
    let mut random = Random::new(3);
    for _ in 0..2_000 {
        let text: String = (0..random.below(6)).map(|_| parts[random.below(parts.len())]).collect();
        let mut stream = BytesMut::new();
        encode_comment(&mut stream, &text);
        encode_event(&mut stream, Some("i 1"), Some(Duration::from_millis(5)), Some("message"), text.as_bytes());
        let mut decoder = SseDecoder::new(&Limits::default());
        decoder.extend(&stream);
        let expected = data(&text.replace("\r\n", "\n").replace('\r', "\n"));
        let expected = with_retry(5, with_name("message", with_id("i 1", expected)));
        assert_eq!(decoder.next_event(), Ok(Some(expected)), "{text:?}");
        assert_eq!(decoder.next_event(), Ok(None));
    }
}
