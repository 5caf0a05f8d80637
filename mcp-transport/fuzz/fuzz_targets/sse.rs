//! The event stream: any split gives the same events, within the limits; what is written is read back.
#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use mcp_transport::limits::Limits;
use mcp_transport::sse::{SseDecoder, SseError, SseEvent, encode_event};

const LIMIT: usize = 64;
const ID_LIMIT: usize = 8;

type Outcome = (Vec<SseEvent>, Option<SseError>, Option<String>, Option<Duration>);

fn decode<'a>(chunks: impl Iterator<Item = &'a [u8]>) -> Outcome {
    let mut decoder = SseDecoder::new(&Limits::default().sse_event_bytes(LIMIT).sse_id_bytes(ID_LIMIT));
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
    (events, failure, decoder.last_event_id().map(str::to_owned), decoder.retry())
}

fuzz_target!(|input: (u8, &[u8], &str)| {
    let (size, bytes, text) = input;
    let whole = decode(std::iter::once(bytes));
    assert_eq!(decode(bytes.chunks(usize::from(size % 32) + 1)), whole);
    for event in &whole.0 {
        assert!(event.data.len() <= LIMIT);
        assert!(event.retry.is_none_or(|retry| retry <= Limits::default().retry_max));
    }

    let mut stream = bytes::BytesMut::new();
    encode_event(&mut stream, Some(text), None, Some(text), bytes);
    let mut decoder = SseDecoder::new(&Limits::unlimited());
    decoder.extend(&stream);
    let event = decoder.next_event().expect("unlimited").expect("one event was written");
    let clean = text.replace(['\r', '\n', '\0'], "");
    assert_eq!(event.id.as_deref(), Some(clean.as_str()));
    assert_eq!(event.name.unwrap_or_default(), clean);
    assert!(!event.data.contains(&b'\r'));
    assert_eq!(decoder.next_event(), Ok(None), "nothing was injected");
    assert!(!decoder.is_mid_event());
});
