//! Writing the envelope by hand into a buffer (house 8).

use bytes::{BufMut, BytesMut};
use serde::Serialize;

use super::error::RpcError;
use super::id::{ProgressToken, RequestId};
use crate::json::RawJson;
use crate::json::scan::find_special;
use crate::json::write::with_digits;
use crate::object::Number;

/// Appends a request to `out`, without a newline.
pub fn request(out: &mut BytesMut, id: &RequestId, method: &str, params: Option<&RawJson>) {
    out.reserve(method.len() + params.map_or(0, |params| params.as_bytes().len()) + 64);
    out.put_slice(br#"{"jsonrpc":"2.0","id":"#);
    self::id(out, id);
    call(out, method, params);
}

/// Appends a notification to `out`, without a newline.
pub fn notification(out: &mut BytesMut, method: &str, params: Option<&RawJson>) {
    out.put_slice(br#"{"jsonrpc":"2.0""#);
    call(out, method, params);
}

/// Appends a progress notification to `out`, without a newline: what
/// [`ProgressNotificationParams`](crate::ProgressNotificationParams) is encoded to. It is the one message that comes by
/// the thousand, so it is written by hand like its envelope.
pub fn progress(out: &mut BytesMut, token: &ProgressToken, progress: f64, total: Option<f64>, message: Option<&str>) {
    out.put_slice(br#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"#);
    match token {
        ProgressToken::Number(number) => integer(out, *number),
        ProgressToken::Text(token) => text(out, token),
    }
    out.put_slice(br#","progress":"#);
    json(out, &Number::from(progress));
    if let Some(total) = total {
        out.put_slice(br#","total":"#);
        json(out, &Number::from(total));
    }
    if let Some(message) = message {
        out.put_slice(br#","message":"#);
        text(out, message);
    }
    out.put_slice(b"}}");
}

/// Appends a response that carries a result to `out`, without a newline.
pub fn response(out: &mut BytesMut, id: &RequestId, result: &RawJson) {
    out.reserve(result.as_bytes().len() + 64);
    response_start(out, id);
    raw(out, result);
    out.put_slice(RESPONSE_END);
}

/// Appends what stands before the result in a response; [`RESPONSE_END`] stands behind it.
///
/// This is for a writer that takes a message in parts and does not want to copy a large result. A result may have line
/// ends, so what is written around one is no line.
pub fn response_start(out: &mut BytesMut, id: &RequestId) {
    out.put_slice(br#"{"jsonrpc":"2.0","id":"#);
    self::id(out, id);
    out.put_slice(br#","result":"#);
}

/// Appends a response that carries an error to `out`, without a newline; the id is left out when it is unknown (T-6).
///
/// Of an error whose data would make the message deeper than the receiver reads, only code and message are written.
pub fn error_response(out: &mut BytesMut, id: Option<&RequestId>, error: &RpcError) {
    out.put_slice(br#"{"jsonrpc":"2.0""#);
    if let Some(id) = id {
        out.put_slice(br#","id":"#);
        self::id(out, id);
    }
    out.put_slice(br#","error":"#);
    // A member of the envelope may be as deep as what is encoded for one.
    match RawJson::encode(error) {
        Ok(error) => raw(out, &error),
        Err(_) => json(out, &RpcError::new(error.code, error.message.as_str())),
    }
    out.put_u8(b'}');
}

fn call(out: &mut BytesMut, method: &str, params: Option<&RawJson>) {
    out.put_slice(br#","method":"#);
    text(out, method);
    if let Some(params) = params {
        out.put_slice(br#","params":"#);
        raw(out, params);
    }
    out.put_u8(b'}');
}

fn raw(out: &mut BytesMut, value: &RawJson) {
    let start = out.len();
    out.put_slice(value.as_bytes());
    one_line(out, start);
}

/// Writes an id; nearly all are numbers.
fn id(out: &mut BytesMut, id: &RequestId) {
    match id {
        RequestId::Number(number) => integer(out, *number),
        RequestId::Text(id) => text(out, id),
    }
}

fn integer(out: &mut BytesMut, number: i64) {
    if number < 0 {
        out.put_u8(b'-');
    }
    with_digits(number.unsigned_abs(), |digits| out.put_slice(digits));
}

/// Writes a string; nearly all have nothing to escape.
fn text(out: &mut BytesMut, text: &str) {
    if find_special(text.as_bytes()) < text.len() {
        return json(out, text);
    }
    out.put_u8(b'"');
    out.put_slice(text.as_bytes());
    out.put_u8(b'"');
}

fn json<T: Serialize + ?Sized>(out: &mut BytesMut, value: &T) {
    let start = out.len();
    serde_json::to_writer(out.writer(), value)
        .expect("ids, names and errors always encode and a buffer always accepts");
    one_line(out, start);
}

/// Makes what was written since `start` one line (T-13): raw JSON may have line ends, but only between tokens.
fn one_line(out: &mut BytesMut, start: usize) {
    for byte in out.get_mut(start..).unwrap_or_default() {
        // Written back in either case, because a loop without a branch does many bytes at a time.
        *byte = if matches!(*byte, b'\n' | b'\r') { b' ' } else { *byte };
    }
}

/// What stands behind the result in a response.
pub const RESPONSE_END: &[u8] = b"}";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ProgressNotificationParams;
    use crate::json::MAX_ENCODED_DEPTH;
    use crate::rpc::Message;

    #[test]
    fn progress_is_written_as_its_parameters_are_encoded() {
        fn check(token: &ProgressToken, step: f64, total: Option<f64>, message: Option<&str>) {
            let mut params = ProgressNotificationParams::new(token.clone(), step);
            (params.total, params.message) = (total, message.map(str::to_owned));
            let (mut typed, mut by_hand) = (BytesMut::new(), BytesMut::new());
            notification(&mut typed, "notifications/progress", Some(&RawJson::encode(&params).unwrap()));
            progress(&mut by_hand, token, step, total, message);
            assert_eq!(by_hand, typed);
        }
        check(&7.into(), 1.0, None, None);
        check(&(-7).into(), 0.5, Some(1e300), Some(""));
        check(&"\"\n\u{e9}".into(), -3.0, Some(10_000.0), Some("half\r\n\\ \u{1}"));
    }

    #[test]
    fn a_message_is_one_line_however_its_parts_were_written() {
        let pretty = RawJson::parse("{\n  \"a\": \"x\\ny\",\r\n  \"b\": [\n1]\n}").unwrap();
        let mut out = BytesMut::new();
        response(&mut out, &1.into(), &pretty);
        request(&mut out, &"i".into(), "tools/call", Some(&pretty));
        error_response(&mut out, None, &RpcError::internal("a\nb").data(pretty));
        assert!(!out.contains(&b'\n') && !out.contains(&b'\r'));
        assert!(out.starts_with(br#"{"jsonrpc":"2.0","id":1,"result":{   "a": "x\ny""#));
    }

    #[test]
    fn whatever_is_encoded_is_read_back_from_any_place_of_a_message() {
        let nested = |depth: u32| format!(r#"{{"a":{}{}}}"#, "[".repeat(depth as usize), "]".repeat(depth as usize));
        let encoded = |depth: u32| RawJson::encode(&RawJson::parse(nested(depth - 1)).unwrap());
        let deepest = encoded(MAX_ENCODED_DEPTH).unwrap();
        assert!(encoded(MAX_ENCODED_DEPTH + 1).is_err());
        let mut out = BytesMut::new();
        let mut read = |write: &dyn Fn(&mut BytesMut)| {
            write(&mut out);
            Message::parse(out.split().freeze()).unwrap()
        };
        let id = RequestId::from(1);
        read(&|out| response(out, &id, &deepest));
        read(&|out| request(out, &id, "x/y", Some(&deepest)));
        read(&|out| notification(out, "x/y", Some(&deepest)));
        for (depth, has_data) in [(MAX_ENCODED_DEPTH - 1, true), (MAX_ENCODED_DEPTH, false)] {
            let error = RpcError::internal("x").data(encoded(depth).unwrap());
            let Message::Response(found) = read(&|out| error_response(out, Some(&id), &error)) else {
                panic!("not a response")
            };
            let found = found.outcome.unwrap_err();
            assert_eq!((&*found.message, found.data.is_some()), ("x", has_data), "{depth}");
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let params = RawJson::parse(r#"{"name":"t"}"#).unwrap();
        let mut out = BytesMut::new();
        request(&mut out, &"\"".into(), "x\ty", Some(&params));
        let Ok(Message::Request(read)) = Message::parse(out.split().freeze()) else { panic!("not a request") };
        assert_eq!((read.id, &*read.method, read.params.name().as_deref()), ("\"".into(), "x\ty", Some("t")));
        error_response(&mut out, None, &RpcError::method_not_found("x"));
        assert_eq!(out, r#"{"jsonrpc":"2.0","error":{"code":-32601,"message":"method not found: x"}}"#);
    }
}
