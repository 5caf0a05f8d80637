//! Writes events and comments of an event stream (WHATWG HTML, section 9.2; H-14, H-15, HL-9).
//!
//! The surprising thing: nothing that is passed in can end a line or an event. Data that holds CR
//! or LF becomes several `data` lines, which a reader joins again by LF; in an id, a name and a
//! comment those characters are left out.

use std::time::Duration;

use bytes::{BufMut as _, BytesMut};

use super::find_line_end;

/// Appends one event.
///
/// The fields come in the order `id`, `retry`, `event`, `data`. An event with empty data is a
/// priming event (HL-9). A `retry` is written in whole milliseconds. CR, LF and NUL are left out of
/// `id` and `event`; a line end in `data`, whichever it is, reaches the reader as LF.
///
/// # Examples
///
/// ```
/// use bytes::BytesMut;
/// use mcp_transport::sse::encode_event;
///
/// let mut out = BytesMut::new();
/// encode_event(&mut out, None, None, Some("message"), b"{}");
/// assert_eq!(out, "event: message\ndata: {}\n\n");
/// ```
pub fn encode_event(out: &mut BytesMut, id: Option<&str>, retry: Option<Duration>, event: Option<&str>, data: &[u8]) {
    out.reserve(data.len() + id.map_or(0, str::len) + event.map_or(0, str::len) + FIELD_NAMES_BYTES);
    if let Some(id) = id {
        put_field(out, b"id: ", id);
    }
    if let Some(retry) = retry {
        put_field(out, b"retry: ", &retry.as_millis().to_string());
    }
    if let Some(event) = event {
        put_field(out, b"event: ", event);
    }
    put_data(out, data);
    out.put_u8(b'\n');
}

/// Appends a comment, which readers ignore: the keep-alive of a quiet stream (H-15).
///
/// CR, LF and NUL are left out of `text`.
pub fn encode_comment(out: &mut BytesMut, text: &str) {
    put_field(out, b": ", text);
    out.put_u8(b'\n');
}

fn put_field(out: &mut BytesMut, name: &[u8], value: &str) {
    out.extend_from_slice(name);
    for part in value.split(['\r', '\n', '\0']) {
        out.extend_from_slice(part.as_bytes());
    }
    out.put_u8(b'\n');
}

fn put_data(out: &mut BytesMut, data: &[u8]) {
    let mut rest = data;
    loop {
        let (line, after) = rest.split_at(find_line_end(rest).unwrap_or(rest.len()));
        out.extend_from_slice(b"data: ");
        out.extend_from_slice(line);
        out.put_u8(b'\n');
        let Some(next) = after.strip_prefix(b"\r\n").or_else(|| after.get(1..)) else {
            return;
        };
        rest = next;
    }
}

/// Room for the names and line ends of all four fields, and for a `retry`.
const FIELD_NAMES_BYTES: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn check(id: Option<&str>, retry: Option<u64>, event: Option<&str>, data: &str, expected: &str) {
        let mut out = BytesMut::new();
        encode_event(&mut out, id, retry.map(Duration::from_millis), event, data.as_bytes());
        assert_eq!(out, expected);
    }

    #[test]
    fn a_modern_event_is_one_data_line_h_14() {
        check(None, None, None, "{\"a\":1}", "data: {\"a\":1}\n\n");
    }

    #[test]
    fn a_priming_event_has_an_id_and_empty_data_hl_9() {
        check(Some("s1/0"), Some(3000), None, "", "id: s1/0\nretry: 3000\ndata: \n\n");
    }

    #[test]
    fn data_with_line_ends_becomes_several_data_lines() {
        check(None, None, None, "a\nb\rc\r\nd", "data: a\ndata: b\ndata: c\ndata: d\n\n");
        check(None, None, None, "a\n", "data: a\ndata: \n\n");
        check(None, None, None, "\n\r", "data: \ndata: \ndata: \n\n");
        check(None, None, None, "a\r\n\r\nid: 9", "data: a\ndata: \ndata: id: 9\n\n");
    }

    #[test]
    fn an_id_or_a_name_cannot_inject_a_field_or_an_event() {
        let evil = "x\r\ndata: evil\n\nid: \0y";
        let clean = "xdata: evilid: y";
        check(Some(evil), None, Some(evil), "{}", &format!("id: {clean}\nevent: {clean}\ndata: {{}}\n\n"));
    }

    #[test]
    fn a_keep_alive_is_a_comment_and_cannot_inject_an_event_h_15() {
        let mut out = BytesMut::new();
        encode_comment(&mut out, "keep-alive\n\ndata: evil");
        assert_eq!(out, ": keep-alivedata: evil\n\n");
    }
}
