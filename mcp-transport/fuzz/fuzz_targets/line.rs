//! Newline framing: any split gives the same lines, no line is over the limit, nothing is lost.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mcp_transport::limits::Limits;
use mcp_transport::line::{LineDecoder, LineEvent};

const LIMIT: usize = 16;

fn decode<'a>(chunks: impl Iterator<Item = &'a [u8]>) -> Vec<LineEvent> {
    let mut decoder = LineDecoder::new(&Limits::default().line_bytes(LIMIT));
    let mut events = Vec::new();
    for chunk in chunks {
        decoder.extend(chunk);
        events.extend(std::iter::from_fn(|| decoder.next_line()));
    }
    events.extend(std::iter::from_fn(|| decoder.finish()));
    events
}

/// Says the same with the standard library and unbounded memory.
fn model(input: &[u8]) -> Vec<LineEvent> {
    let lines = input.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let kept = lines.filter(|line| line.len() > LIMIT || !line.iter().all(u8::is_ascii_whitespace));
    kept.map(|line| match line.get(..LIMIT) {
        Some(head) if line.len() > LIMIT => LineEvent::TooLong { head: head.to_vec().into(), limit: LIMIT },
        _ => LineEvent::Line(line.to_vec().into()),
    })
    .collect()
}

fuzz_target!(|input: (u8, &[u8])| {
    let (size, bytes) = input;
    let expected = model(bytes);
    assert_eq!(decode(std::iter::once(bytes)), expected);
    assert_eq!(decode(bytes.chunks(usize::from(size % 32) + 1)), expected);
});
