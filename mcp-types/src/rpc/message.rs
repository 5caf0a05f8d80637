//! The four kinds of message, read in one walk (T-1 to T-14).

use std::borrow::Cow;
use std::mem;

use bytes::Bytes;

use super::error::RpcError;
use super::id::RequestId;
use super::params::{Params, Peek, fill, quoted, text_of};
use crate::json::RawJson;
use crate::json::scan::{ScanError, ScanErrorKind, Scanner, Span};
use crate::method;

/// A message that a peer sent.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// Asks for an answer.
    Request(Request),
    /// Tells something and is never answered.
    Notification(Notification),
    /// Answers a request.
    Response(Response),
}

/// A message that asks for an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// The id that the answer repeats.
    pub id: RequestId,
    /// The name of the method, interned when the registry knows it.
    pub method: Cow<'static, str>,
    /// The parameters, not yet decoded.
    pub params: Params,
}

/// A message that is never answered.
#[derive(Clone, Debug, PartialEq)]
pub struct Notification {
    /// The name of the method, interned when the registry knows it.
    pub method: Cow<'static, str>,
    /// The parameters, not yet decoded.
    pub params: Params,
}

/// A message that answers a request.
#[derive(Clone, Debug, PartialEq)]
pub struct Response {
    /// The id of the request; absent when the peer could not read it (T-6).
    pub id: Option<RequestId>,
    /// The result, not yet decoded, or the error that the peer reports.
    pub outcome: Result<RawJson, RpcError>,
}

/// A text that is not a message, with what its sender should be told.
#[derive(Clone, Debug, PartialEq)]
pub struct Malformed {
    /// The id of the request that the text tried to be, when it could be read.
    pub id: Option<RequestId>,
    /// What is wrong: −32700 when it is not JSON, −32600 when it is JSON but not a message.
    pub error: RpcError,
    /// Whether the text is an array: a batch, which only 2025-03-26 knows (T-9).
    pub batch: bool,
}

impl Message {
    /// Reads one message.
    ///
    /// The walk checks all of the text under the rules of [`json::scan`](crate::json::scan), refuses a second `id`,
    /// `method` or other member that routes, and resolves escapes in keys before comparing them. Unknown members are
    /// ignored (T-10).
    ///
    /// # Errors
    ///
    /// Returns what to tell the sender. The id is in it whenever it stands in front of the fault.
    pub fn parse(text: impl Into<Bytes>) -> Result<Self, Malformed> {
        Self::take(&mut text.into())
    }

    /// Reads one message as [`parse`](Self::parse) does, and takes the text when it is one, which is left empty. What is
    /// no message stays: it may be a batch of them.
    ///
    /// # Errors
    ///
    /// As [`parse`](Self::parse).
    pub fn take(text: &mut Bytes) -> Result<Self, Malformed> {
        let mut members = Members::default();
        members.scan(text).map_err(|error| members.broken(text, error))?;
        let message = members.into_message(text)?;
        text.clear();
        Ok(message)
    }

    /// Returns the id that stands in the first bytes of a message too long to be read whole.
    pub fn id_in_head(head: &[u8]) -> Option<RequestId> {
        let mut members = Members::default();
        // The head ends inside a value, so the walk fails; what it found before that counts.
        let _ = members.walk(&mut Scanner::unchecked_utf8(head));
        members.request_id(head)
    }
}

/// Where the members of the envelope stand.
#[derive(Default)]
struct Members {
    is_array: bool,
    jsonrpc: Option<Span>,
    id: Option<Span>,
    method: Option<Span>,
    params: Option<Span>,
    result: Option<Span>,
    error: Option<Span>,
    peek: Peek,
}

impl Members {
    fn scan(&mut self, text: &[u8]) -> Result<(), ScanError> {
        let mut scanner = match Scanner::new(text) {
            Ok(scanner) => scanner,
            Err(error) => {
                // The id may stand in front of the bytes that are not UTF-8.
                let _ = self.walk(&mut Scanner::unchecked_utf8(text));
                return Err(error);
            }
        };
        self.walk(&mut scanner)?;
        scanner.end()
    }

    fn walk(&mut self, scanner: &mut Scanner<'_>) -> Result<(), ScanError> {
        scanner.space();
        if scanner.peek() != Some(b'{') {
            self.is_array = scanner.peek() == Some(b'[');
            return scanner.value(0).map(drop);
        }
        scanner.object(0, |scanner, key| {
            let slot = match &*key.name() {
                b"jsonrpc" => &mut self.jsonrpc,
                b"id" => &mut self.id,
                b"method" => &mut self.method,
                b"result" => &mut self.result,
                b"error" => &mut self.error,
                b"params" => return self.walk_params(scanner),
                _ => return scanner.value(1).map(drop),
            };
            fill(slot, scanner, 1)
        })
    }

    fn walk_params(&mut self, scanner: &mut Scanner<'_>) -> Result<(), ScanError> {
        if scanner.peek() != Some(b'{') {
            return fill(&mut self.params, scanner, 1);
        }
        if self.params.is_some() {
            return Err(scanner.duplicate());
        }
        let start = scanner.place();
        self.peek.scan(scanner, 1)?;
        self.params = Some(scanner.since(start));
        Ok(())
    }

    fn into_message(self, text: &mut Bytes) -> Result<Message, Malformed> {
        let Some(jsonrpc) = self.jsonrpc else {
            return Err(self.invalid(text, "not a JSON-RPC message: `jsonrpc` is missing"));
        };
        // Nobody writes it with escapes, but that would be the same text.
        if text.get(jsonrpc.range()) != Some(b"\"2.0\"") && text_at(text, jsonrpc).as_deref() != Some("2.0") {
            return Err(self.invalid(text, "`jsonrpc` must be \"2.0\""));
        }
        match (self.method, self.result, self.error) {
            (Some(method), None, None) => self.into_call(text, method),
            (None, Some(result), None) => self.into_response(text, Ok(result)),
            (None, None, Some(error)) => self.into_response(text, Err(error)),
            (None, None, None) => Err(self.invalid(text, "a message needs one of `method`, `result`, `error`")),
            _ => Err(self.invalid(text, "a message has only one of `method`, `result`, `error`")),
        }
    }

    fn into_call(self, text: &mut Bytes, method: Span) -> Result<Message, Malformed> {
        let Some(method) = method_at(text, method) else {
            return Err(self.invalid(text, "`method` must be a string"));
        };
        if self.params.is_some_and(|span| text.get(span.start()) != Some(&b'{')) {
            return Err(self.invalid(text, "`params` must be an object"));
        }
        let id = self.request_id(text);
        if id.is_none() && self.id.is_some() {
            return Err(self.invalid(text, "`id` must be an integer or a string of at most 256 bytes"));
        }
        let params = self.params.map_or(Params::absent(), |span| Params::scanned(mem::take(text), span, self.peek));
        Ok(match id {
            Some(id) => Message::Request(Request { id, method, params }),
            None => Message::Notification(Notification { method, params }),
        })
    }

    fn into_response(self, text: &mut Bytes, outcome: Result<Span, Span>) -> Result<Message, Malformed> {
        let id = self.request_id(text);
        let is_null = self.id.is_some_and(|span| text.get(span.start()) == Some(&b'n'));
        if id.is_none() && self.id.is_some() && !is_null {
            return Err(self.invalid(text, "the `id` of a response must be the id of a request"));
        }
        let outcome = match outcome {
            Ok(span) => {
                if text.get(span.start()) != Some(&b'{') {
                    return Err(self.invalid(text, "`result` must be an object"));
                }
                Ok(RawJson::of_scanned(mem::take(text), span))
            }
            Err(span) => match RawJson::scanned(text, span).decode::<RpcError>() {
                Ok(error) => Err(error),
                Err(_) => return Err(self.invalid(text, "`error` must be an object with `code` and `message`")),
            },
        };
        Ok(Message::Response(Response { id, outcome }))
    }

    fn request_id(&self, text: &[u8]) -> Option<RequestId> {
        RequestId::read(text.get(self.id?.range())?)
    }

    fn invalid(&self, text: &[u8], message: &'static str) -> Malformed {
        let message = if self.is_array { "a batch of messages is not accepted here" } else { message };
        Malformed { id: self.request_id(text), error: RpcError::invalid_request(message), batch: self.is_array }
    }

    fn broken(&self, text: &[u8], error: ScanError) -> Malformed {
        let told = match error.kind() {
            ScanErrorKind::DuplicateKey => RpcError::invalid_request(format!("invalid request: {error}")),
            _ => RpcError::parse(format!("parse error: {error}")),
        };
        Malformed { id: self.request_id(text), error: told, batch: false }
    }
}

/// Reads the name of a method. One that is known needs no look at what its bytes are.
fn method_at(text: &[u8], span: Span) -> Option<Cow<'static, str>> {
    let content = text.get(span.range()).and_then(quoted);
    match content.and_then(method::entry_of) {
        Some(entry) => Some(Cow::Borrowed(entry.name)),
        None => text_at(text, span).map(|name| method::intern(&name)),
    }
}

fn text_at(text: &[u8], span: Span) -> Option<Cow<'_, str>> {
    text_of(text.get(span.range())?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PaginatedRequestParams;
    use crate::json::RawJson;
    use crate::rpc::ErrorCode;

    #[track_caller]
    fn request(text: &'static str) -> Request {
        match Message::parse(text) {
            Ok(Message::Request(request)) => request,
            other => panic!("not a request: {other:?}"),
        }
    }

    #[track_caller]
    fn malformed(text: impl Into<Bytes>) -> (i64, Option<RequestId>) {
        let malformed = Message::parse(text).unwrap_err();
        (malformed.error.code.0, malformed.id)
    }

    #[test]
    fn a_request_is_routed_without_decoding_its_params() {
        let call = request(
            r#"{"jsonrpc":"2.0","id":"a","method":"tools/call","params":{"name":"add","arguments":{"x":1},
                "_meta":{"progressToken":7,"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}"#,
        );
        assert_eq!(call.id, RequestId::from("a"));
        assert!(matches!(call.method, Cow::Borrowed("tools/call")));
        assert_eq!(call.params.name().as_deref(), Some("add"));
        assert_eq!(call.params.arguments().unwrap().as_str(), r#"{"x":1}"#);
        assert_eq!(call.params.meta().progress_token(), Some(7.into()));
        assert_eq!(call.params.meta().protocol_version().unwrap().as_str(), r#""2026-07-28""#);
    }

    #[test]
    fn params_made_from_raw_json_route_like_received_ones() {
        let raw = RawJson::parse(r#" {"uri":"a:b","_meta":{"progressToken":"t"}}"#).unwrap();
        let params = Params::from_raw(raw).unwrap();
        assert_eq!(params.uri().as_deref(), Some("a:b"));
        assert_eq!(params.meta().progress_token(), Some("t".into()));
    }

    #[test]
    fn an_escaped_key_cannot_pass_for_another_one() {
        let call = request(r#"{"jsonrpc":"2.0","\u0069d":3,"m\u0065thod":"ping"}"#);
        assert_eq!(call.id, RequestId::from(3));
        assert_eq!(call.method, "ping");
    }

    #[test]
    fn a_notification_has_no_id_and_a_null_id_is_no_notification() {
        let text = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
        assert!(matches!(Message::parse(text), Ok(Message::Notification(_))));
        for id in ["null", "1.5", "{}", "[]", "true", "9223372036854775808"] {
            let text = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#);
            assert_eq!(malformed(text), (ErrorCode::INVALID_REQUEST.0, None));
        }
    }

    #[test]
    fn a_key_that_routes_must_not_stand_twice() {
        for text in [
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call"}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":{},"params":{}}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":{"name":"a","n\u0061me":"b"}}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":{"_meta":{"progressToken":1,"progressToken":2}}}"#,
        ] {
            assert_eq!(malformed(text), (ErrorCode::INVALID_REQUEST.0, Some(1.into())), "{text}");
        }
    }

    #[test]
    fn a_cursor_routes_nothing_so_the_last_of_two_counts_as_it_does_when_it_is_decoded() {
        let params = Params::from_raw(RawJson::parse(r#"{"cursor":"a","cursor":"b"}"#).unwrap()).unwrap();
        assert_eq!(params.cursor().unwrap().as_str(), r#""b""#);
        assert_eq!(params.decode::<PaginatedRequestParams>().unwrap().cursor.unwrap().as_str(), "b");
    }

    #[test]
    fn an_id_in_front_of_a_fault_is_read() {
        assert_eq!(malformed(r#"{"jsonrpc":"2.0","id":5,"method":"#), (ErrorCode::PARSE.0, Some(5.into())));
        assert_eq!(malformed(r#"{"jsonrpc":"2.0","id":5,"method":"\ud800"}"#), (ErrorCode::PARSE.0, Some(5.into())));
        assert_eq!(
            malformed(&b"{\"jsonrpc\":\"2.0\",\"id\":5,\"x\":\"\xff\"}"[..]),
            (ErrorCode::PARSE.0, Some(5.into()))
        );
        assert_eq!(malformed(r#"{"id":5,"method":"ping"}"#), (ErrorCode::INVALID_REQUEST.0, Some(5.into())));
        assert_eq!(malformed("nonsense"), (ErrorCode::PARSE.0, None));
        let deep = format!(r#"{{"id":5,"jsonrpc":"2.0","method":"m","params":{}"#, "{\"a\":".repeat(100_000));
        assert_eq!(malformed(deep), (ErrorCode::PARSE.0, Some(5.into())));
        assert_eq!(
            Message::id_in_head(br#"{"jsonrpc":"2.0","id":"x","method":"m","params":{"a":"aaaa"#),
            Some("x".into())
        );
    }

    #[test]
    fn a_response_answers_with_one_of_result_and_error() {
        let Ok(Message::Response(response)) = Message::parse(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#) else {
            panic!("not a response");
        };
        assert_eq!(response.outcome.unwrap().as_str(), "{}");
        let text = r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"x"}}"#;
        let Ok(Message::Response(response)) = Message::parse(text) else {
            panic!("not a response");
        };
        assert_eq!((response.id, response.outcome.unwrap_err().code), (None, ErrorCode::PARSE));
        for text in [
            r#"{"jsonrpc":"2.0","id":1,"result":{},"error":{"code":1,"message":""}}"#,
            r#"{"jsonrpc":"2.0","id":1}"#,
            r#"{"jsonrpc":"2.0","id":1,"result":[]}"#,
            r#"{"jsonrpc":"2.0","id":1,"error":"no"}"#,
            r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}"#,
        ] {
            assert_eq!(malformed(text), (ErrorCode::INVALID_REQUEST.0, Some(1.into())), "{text}");
        }
    }

    #[test]
    fn a_batch_is_named_as_one() {
        let malformed = Message::parse(r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#).unwrap_err();
        assert!(malformed.batch);
        assert_eq!(malformed.error.code, ErrorCode::INVALID_REQUEST);
    }
}
