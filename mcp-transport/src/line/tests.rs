//! Newline framing in protocol words: S-1, S-8, S-10, and the faults F20 and F21.

use super::*;

fn decoder(max_bytes: usize) -> LineDecoder {
    LineDecoder::new(&Limits::default().line_bytes(max_bytes))
}

fn line(text: &str) -> LineEvent {
    LineEvent::Line(Bytes::copy_from_slice(text.as_bytes()))
}

fn too_long(head: &str, limit: usize) -> LineEvent {
    LineEvent::TooLong { head: Bytes::copy_from_slice(head.as_bytes()), limit }
}

/// Feeds the chunks one by one, and then the end of the input.
fn decode<'a>(max_bytes: usize, chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<LineEvent> {
    let mut decoder = decoder(max_bytes);
    let mut events = Vec::new();
    for chunk in chunks {
        decoder.extend(chunk);
        events.extend(std::iter::from_fn(|| decoder.next_line()));
    }
    events.extend(std::iter::from_fn(|| decoder.finish()));
    events
}

fn check(input: &str, expected: &[LineEvent]) {
    assert_eq!(decode(8, [input.as_bytes()]), expected, "{input:?}");
}

#[test]
fn a_message_is_a_line_and_either_line_end_is_taken_s_1() {
    check("one\ntwo\r\nthree\n", &[line("one"), line("two"), line("three")]);
}

#[test]
fn blank_lines_are_skipped_s_1() {
    check("\n\r\n \t\n\none\n\n  \r\n\n", &[line("one")]);
    check("", &[]);
    check("\r", &[]);
}

#[test]
fn a_carriage_return_inside_a_line_stays() {
    check("a\rb\n", &[line("a\rb")]);
    check("a\r\r\n", &[line("a\r")]);
}

#[test]
fn a_last_line_without_its_end_counts_at_the_end_of_the_input() {
    check("one\ntwo", &[line("one"), line("two")]);
    check("one\ntwo\r", &[line("one"), line("two")]);
    check("one\n123456789", &[line("one"), too_long("12345678", 8)]);
}

#[test]
fn a_line_of_the_limit_is_taken_and_one_byte_more_is_too_long_f20() {
    check("1234567\n", &[line("1234567")]);
    check("12345678\n", &[line("12345678")]);
    check("12345678\r\n", &[line("12345678")]);
    check("12345678\r", &[line("12345678")]);
    check("123456789\n", &[too_long("12345678", 8)]);
    check("12345678\rx\n", &[too_long("12345678", 8)]);
}

#[test]
fn after_a_line_that_is_too_long_decoding_goes_on_at_the_next_line_s_8() {
    check("0123456789abcdef\none\n", &[too_long("01234567", 8), line("one")]);
    check("0123456789\n0123456789\r\none", &[too_long("01234567", 8), too_long("01234567", 8), line("one")]);
}

#[test]
fn a_line_of_blanks_that_is_too_long_is_reported_like_any_other() {
    check("         \none\n", &[too_long("        ", 8), line("one")]);
}

#[test]
fn any_split_of_the_bytes_gives_the_same_lines_f21() {
    let inputs = [
        "one\r\ntwo\n\r\n12345678\r\n123456789\rx\r\nlast\r",
        "\u{e9}\n\u{1f600}ab\r\n\u{1f600}\u{1f600}\u{e9}\n\n0",
        "123456789012345678901234567890",
    ];
    for input in inputs {
        let whole = decode(8, [input.as_bytes()]);
        for first in 0..=input.len() {
            for second in first..=input.len() {
                let bytes = input.as_bytes();
                let chunks = [&bytes[..first], &bytes[first..second], &bytes[second..]];
                assert_eq!(decode(8, chunks), whole, "{input:?} split at {first} and {second}");
            }
        }
        assert_eq!(decode(8, input.as_bytes().chunks(1)), whole, "{input:?} byte by byte");
    }
}

#[test]
fn any_input_gives_the_same_lines_however_it_is_split() {
    let mut random = crate::test_random::Random::new(1);
    for _ in 0..2_000 {
        let length = random.below(60);
        let input: Vec<u8> = (0..length).map(|_| b"ab \r\n\xff"[random.below(6)]).collect();
        let whole = decode(8, [&input[..]]);
        let pieces = random.split(&input);
        assert_eq!(decode(8, pieces.iter().copied()), whole, "{input:?} as {pieces:?}");
    }
}

#[test]
fn an_endless_line_is_reported_at_once_and_held_in_bounded_memory_f20() {
    let mut decoder = decoder(100_000);
    let mut reports = 0;
    for _ in 0..10_000 {
        decoder.extend(&[b'x'; 1_000]);
        reports += usize::from(decoder.next_line().is_some());
        assert!(decoder.buffer.bytes().len() <= 101_000);
    }
    assert_eq!(reports, 1);
    decoder.extend(b"\nnext\n");
    assert_eq!(decoder.next_line(), Some(line("next")));
}

#[test]
fn the_head_of_a_line_that_is_too_long_is_enough_to_read_an_id_from_and_no_more() {
    let mut input = br#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":""#.to_vec();
    input.resize(20_000, b'x');
    let events = decode(10_000, input.chunks(333));
    assert_eq!(events, [LineEvent::TooLong { head: Bytes::copy_from_slice(&input[..HEAD_BYTES]), limit: 10_000 }]);
}

#[test]
fn a_line_is_handed_out_without_copying_it_s_10() {
    let mut decoder = decoder(100);
    decoder.space().put_slice(b"first\nsecond\n");
    let start = decoder.buffer.bytes().as_ptr();
    let Some(LineEvent::Line(first)) = decoder.next_line() else { panic!("the first line is complete") };
    let Some(LineEvent::Line(second)) = decoder.next_line() else { panic!("the second line is complete") };
    assert_eq!(first.as_ptr(), start);
    assert_eq!(second.as_ptr(), start.wrapping_add(6));
}

#[test]
fn a_decoder_starts_over_after_the_end_of_the_input() {
    let mut decoder = decoder(8);
    decoder.extend(b"0123456789");
    assert_eq!(decoder.finish(), Some(too_long("01234567", 8)));
    assert_eq!(decoder.finish(), None);
    decoder.extend(b"next\n");
    assert_eq!(decoder.next_line(), Some(line("next")));
}
