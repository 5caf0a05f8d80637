//! What two ends of a connection tell each other, and when.
//!
//! The surprising thing: there is no waiting here. Time is a number that each test chooses.

use std::time::Duration;

use mcp_types::ErrorCode;
use serde_json::{Value, json};

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn patience(idle: u32, total: u32) -> Patience {
    Patience { idle: idle * SECOND, total: total * SECOND }
}

#[expect(clippy::needless_pass_by_value, reason = "the macro makes values")]
fn message(text: Value) -> Message {
    Message::parse(text.to_string()).unwrap()
}

fn params(value: Value) -> Params {
    Params::from_raw(RawJson::from(value)).unwrap()
}

fn answer(id: &RequestId) -> Message {
    message(json!({"jsonrpc": "2.0", "id": id, "result": {}}))
}

fn ask(id: impl Into<RequestId>, method: &str) -> Message {
    message(json!({"jsonrpc": "2.0", "id": id.into(), "method": method}))
}

fn cancelled(id: &RequestId) -> Message {
    message(json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id}}))
}

fn progress(token: &str) -> Message {
    let params = json!({"progressToken": token, "progress": 1});
    message(json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": params}))
}

/// Returns the lines that a peer sends, as documents.
fn sent(peer: &mut Peer) -> Vec<Value> {
    let text = peer.poll_transmit().unwrap_or_default();
    assert!(text.is_empty() || text.ends_with(b"\n"), "a line has an end");
    text.split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect()
}

fn withdrawn(id: &RequestId) -> impl Fn(&Value) -> bool {
    let id = json!(id);
    move |sent| sent["method"] == "notifications/cancelled" && sent["params"]["requestId"] == id
}

/// Two peers that are connected.
#[derive(Default)]
struct Pair {
    client: Peer,
    server: Peer,
}

impl Pair {
    /// Carries everything from each end to the other.
    fn drive(&mut self, now: Instant) {
        loop {
            let (there, back) = (self.client.poll_transmit(), self.server.poll_transmit());
            if there.is_none() && back.is_none() {
                return;
            }
            for (lines, to) in [(there, &mut self.server), (back, &mut self.client)] {
                for line in lines.unwrap_or_default().split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
                    to.handle_message(Message::parse(line.to_vec()).unwrap(), now);
                }
            }
        }
    }
}

#[test]
fn an_accepted_request_is_answered_at_once_or_kept_and_either_way_once() {
    let mut peer = Peer::default();
    let Message::Request(request) = ask(1, "tools/call") else { panic!("not a request") };
    let accepted = peer.accept(&request).unwrap();
    peer.answer(accepted, &request.id, &Ok(RawJson::empty_object()));
    assert_eq!(sent(&mut peer), [json!({"jsonrpc": "2.0", "id": 1, "result": {}})]);
    assert_eq!(peer.open_requests(), 0);

    let accepted = peer.accept(&request).unwrap();
    peer.keep(request.id.clone(), accepted);
    assert!(peer.accept(&request).is_none(), "the first one stays alive");
    assert_eq!(sent(&mut peer)[0]["error"]["code"], ErrorCode::INVALID_REQUEST.0);
    let accepted = peer.take(&request.id).unwrap();
    peer.drop_accepted(accepted);
    assert!(!peer.respond(&request.id, &Ok(RawJson::empty_object())));
    assert_eq!(sent(&mut peer), [Value::Null; 0]);
}

#[test]
fn an_unanswered_request_times_out_and_is_withdrawn() {
    let start = Instant::now(); // The only clock read; from here on, time is a number we choose.
    let mut peer = Peer::default();
    let id = peer.request("tools/call", &Params::absent(), patience(5, 60), start);
    assert_eq!(peer.poll_timeout(), Some(start + 5 * SECOND));
    assert_eq!(sent(&mut peer), [json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call"})]);

    peer.handle_timeout(start + 4 * SECOND);
    assert_eq!(peer.poll_event(), None);
    peer.handle_timeout(start + 5 * SECOND);
    let outcome = Outcome::TimedOut(Deadline::Idle(5 * SECOND));
    assert_eq!(peer.poll_event(), Some(Event::Completed(id.clone(), outcome)));
    assert!(sent(&mut peer).iter().all(withdrawn(&id)));
    assert_eq!(peer.poll_timeout(), None);

    // A late answer is expected traffic, not misbehavior (P-4, V-68).
    peer.handle_message(answer(&id), start + 6 * SECOND);
    assert_eq!(peer.poll_event(), None);
}

#[test]
fn progress_starts_the_idle_deadline_again_and_the_total_one_holds_whatever_is_reported() {
    let start = Instant::now();
    let mut peer = Peer::default();
    let id = peer.request("tools/call", &params(json!({"_meta": {"progressToken": "t"}})), patience(5, 12), start);
    for at in [4, 8] {
        peer.handle_message(progress("t"), start + at * SECOND);
        assert!(matches!(peer.poll_event(), Some(Event::Notification(Some(to), _)) if to == id));
    }
    assert_eq!(peer.poll_timeout(), Some(start + 12 * SECOND));
    peer.handle_timeout(start + 12 * SECOND);
    let outcome = Outcome::TimedOut(Deadline::Total(12 * SECOND));
    assert_eq!(peer.poll_event(), Some(Event::Completed(id, outcome)));
}

#[test]
fn a_patience_that_the_clock_cannot_add_to_is_no_deadline() {
    let mut peer = Peer::default();
    let forever = Patience { idle: Duration::MAX, total: Duration::MAX };
    peer.request("subscriptions/listen", &Params::absent(), forever, Instant::now());
    assert_eq!(peer.poll_timeout(), None);
}

#[test]
fn neither_initialize_nor_the_probe_is_ever_cancelled() {
    let now = Instant::now();
    for method in ["initialize", "server/discover"] {
        let mut peer = Peer::default();
        let first = peer.request(method, &Params::absent(), patience(5, 5), now);
        peer.request(method, &Params::absent(), patience(5, 5), now);
        let _ = peer.poll_transmit();
        assert!(peer.cancel(&first, "not needed"));
        peer.handle_timeout(now + 5 * SECOND);
        assert_eq!(sent(&mut peer), [] as [Value; 0], "{method} was cancelled (V-17)");
    }
    let mut server = Peer::default();
    server.handle_message(ask(1, "initialize"), now);
    let _ = server.poll_event();
    server.handle_message(cancelled(&1.into()), now);
    assert!(server.respond(&1.into(), &Ok(RawJson::empty_object())), "initialize is answered all the same");
}

#[test]
fn an_answer_finds_its_request_whatever_the_order() {
    let now = Instant::now();
    let mut pair = Pair::default();
    let asked: Vec<_> = (0..3).map(|_| pair.client.request("ping", &Params::absent(), patience(5, 5), now)).collect();
    pair.drive(now);
    for id in asked.iter().rev() {
        assert!(pair.server.respond(id, &Ok(RawJson::from(json!({"id": id})))));
    }
    pair.drive(now);
    for id in asked.into_iter().rev() {
        let outcome = Outcome::Answered(Ok(RawJson::from(json!({"id": id}))));
        assert_eq!(pair.client.poll_event(), Some(Event::Completed(id, outcome)));
    }
    assert_eq!(pair.client.poll_timeout(), None);
}

#[test]
fn an_id_of_another_json_type_is_another_id() {
    let now = Instant::now();
    let mut peer = Peer::default();
    peer.request("ping", &Params::absent(), patience(5, 5), now);
    peer.handle_message(answer(&"1".into()), now);
    assert_eq!(peer.poll_event(), None);
}

#[test]
fn both_ends_may_use_the_same_id_at_the_same_time() {
    let now = Instant::now();
    let mut pair = Pair::default();
    let from_client = pair.client.request("tools/call", &Params::absent(), patience(5, 5), now);
    let from_server = pair.server.request("roots/list", &Params::absent(), patience(5, 5), now);
    assert_eq!(from_client, from_server);
    pair.drive(now);
    assert!(matches!(pair.client.poll_event(), Some(Event::Request(request)) if request.method == "roots/list"));
    assert!(matches!(pair.server.poll_event(), Some(Event::Request(request)) if request.method == "tools/call"));
    pair.client.respond(&from_server, &Ok(RawJson::empty_object()));
    pair.drive(now);
    assert!(matches!(pair.server.poll_event(), Some(Event::Completed(id, _)) if id == from_server));
    assert!(pair.server.is_open(&from_client));
}

#[test]
fn progress_goes_to_the_request_with_the_token_and_stops_with_it() {
    let now = Instant::now();
    let mut peer = Peer::default();
    let ask = |peer: &mut Peer, token: &str| {
        peer.request("tools/call", &params(json!({"_meta": {"progressToken": token}})), patience(5, 5), now)
    };
    let (first, second) = (ask(&mut peer, "a"), ask(&mut peer, "b"));
    peer.handle_message(progress("b"), now);
    assert!(matches!(peer.poll_event(), Some(Event::Notification(Some(to), _)) if to == second));
    peer.handle_message(answer(&first), now);
    let _ = peer.poll_event();
    peer.handle_message(progress("a"), now);
    peer.handle_message(progress("unknown"), now);
    assert_eq!(peer.poll_event(), None, "progress of no open request (P-51)");
}

#[test]
fn a_subscription_gets_what_carries_its_id() {
    let now = Instant::now();
    let mut peer = Peer::default();
    let id = peer.request("subscriptions/listen", &Params::absent(), patience(5, 5), now);
    let changed = |id: &RequestId| {
        let meta = json!({"io.modelcontextprotocol/subscriptionId": id});
        message(json!({"jsonrpc": "2.0", "method": "notifications/tools/list_changed", "params": {"_meta": meta}}))
    };
    peer.handle_message(changed(&id), now);
    assert!(matches!(peer.poll_event(), Some(Event::Notification(Some(to), _)) if to == id));
    peer.handle_message(changed(&7.into()), now);
    assert!(matches!(peer.poll_event(), Some(Event::Notification(None, _))));
}

#[test]
fn a_server_may_end_a_subscription_and_nothing_else_of_ours() {
    let now = Instant::now();
    let mut pair = Pair::default();
    let listen = pair.client.request("subscriptions/listen", &Params::absent(), patience(5, 5), now);
    let call = pair.client.request("tools/call", &Params::absent(), patience(5, 5), now);
    pair.client.handle_message(cancelled(&call), now);
    assert_eq!(pair.client.poll_event(), None);
    pair.client.handle_message(cancelled(&listen), now);
    assert_eq!(pair.client.poll_event(), Some(Event::Completed(listen.clone(), Outcome::Ended)));

    // The other way round, the result comes first (P-35).
    pair.drive(now);
    assert!(pair.server.respond(&listen, &Ok(RawJson::empty_object())));
    let lines = sent(&mut pair.server);
    assert_eq!(lines[0]["id"], json!(listen));
    assert!(withdrawn(&listen)(&lines[1]));
}

#[test]
fn log_messages_belong_to_the_only_request_that_asked_for_them() {
    let now = Instant::now();
    let mut peer = Peer::default();
    let log = || {
        message(json!({"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": 1}}))
    };
    let ask =
        |peer: &mut Peer, meta: Value| peer.request("tools/call", &params(json!({"_meta": meta})), patience(5, 5), now);
    let hearing = json!({"io.modelcontextprotocol/logLevel": "info"});
    ask(&mut peer, json!({}));
    let first = ask(&mut peer, hearing.clone());
    peer.handle_message(log(), now);
    assert!(matches!(peer.poll_event(), Some(Event::Notification(Some(to), _)) if to == first));
    ask(&mut peer, hearing);
    peer.handle_message(log(), now);
    assert!(matches!(peer.poll_event(), Some(Event::Notification(None, _))), "it could be of either (S-4)");
}

#[test]
fn a_second_request_with_an_id_in_flight_is_refused_and_the_first_lives() {
    let now = Instant::now();
    let mut peer = Peer::default();
    peer.handle_message(ask(1, "tools/call"), now);
    peer.handle_message(ask(1, "ping"), now);
    assert!(matches!(peer.poll_event(), Some(Event::Request(request)) if request.method == "tools/call"));
    assert_eq!(peer.poll_event(), None);
    assert_eq!(sent(&mut peer)[0]["error"]["code"], ErrorCode::INVALID_REQUEST.0);
    assert!(peer.respond(&1.into(), &Ok(RawJson::empty_object())));

    peer.handle_message(ask(1, "ping"), now);
    assert!(matches!(peer.poll_event(), Some(Event::Request(_))), "after the answer the id is free (T-3)");
}

#[test]
fn a_request_is_answered_once() {
    let now = Instant::now();
    let mut peer = Peer::default();
    peer.handle_message(ask("a", "ping"), now);
    assert!(peer.respond(&"a".into(), &Ok(RawJson::empty_object())));
    assert!(!peer.respond(&"a".into(), &Ok(RawJson::empty_object())));
    assert_eq!(sent(&mut peer), [json!({"jsonrpc": "2.0", "id": "a", "result": {}})]);
}

#[test]
fn nothing_is_sent_for_a_request_that_was_withdrawn() {
    let now = Instant::now();
    let mut peer = Peer::default();
    peer.handle_message(ask(1, "tools/call"), now);
    let _ = peer.poll_event();
    peer.handle_message(cancelled(&1.into()), now);
    assert!(matches!(peer.poll_event(), Some(Event::Cancelled(id, _)) if id == 1.into()));
    assert!(!peer.forward(&1.into(), [&b"{}"[..]]));
    assert!(!peer.respond(&1.into(), &Ok(RawJson::empty_object())));
    assert_eq!(peer.poll_transmit(), None);
}

#[test]
fn a_storm_of_cancellations_that_name_nothing_is_ignored() {
    let now = Instant::now();
    let mut peer = Peer::default();
    peer.handle_message(ask(1, "tools/call"), now);
    let _ = peer.poll_event();
    for id in 2..100_000 {
        peer.handle_message(cancelled(&id.into()), now);
    }
    peer.handle_message(message(json!({"jsonrpc": "2.0", "method": "notifications/cancelled"})), now);
    let malformed = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": {}}});
    peer.handle_message(message(malformed), now);
    assert_eq!((peer.poll_event(), peer.poll_transmit()), (None, None));
    assert_eq!(peer.open_requests(), 1);
}

#[test]
fn more_requests_than_the_limit_are_refused_until_some_are_answered() {
    let now = Instant::now();
    let mut peer = Peer::new(&Limits::default().in_flight(2));
    (1..=3).for_each(|id| peer.handle_message(ask(id, "ping"), now));
    assert_eq!(std::iter::from_fn(|| peer.poll_event()).count(), 2);
    let refusal = sent(&mut peer);
    assert_eq!((&refusal[0]["id"], &refusal[0]["error"]["code"]), (&json!(3), &json!(ErrorCode::INTERNAL.0)));
    peer.respond(&1.into(), &Ok(RawJson::empty_object()));
    peer.handle_message(ask(4, "ping"), now);
    assert!(matches!(peer.poll_event(), Some(Event::Request(_))));
}

#[test]
fn the_answers_that_nobody_was_asked_for_are_counted_until_they_are_sent() {
    let now = Instant::now();
    let mut peer = Peer::default();
    peer.refuse(None, &RpcError::parse("no"));
    assert_eq!(peer.unsent_reflexes(), peer.unsent());
    peer.handle_message(ask(1, "ping"), now);
    peer.handle_message(ask(2, "roots/list"), now);
    assert!(peer.respond_by_reflex(&1.into(), &Ok(RawJson::empty_object())));
    assert_eq!(peer.unsent_reflexes(), peer.unsent());
    peer.respond(&2.into(), &Ok(RawJson::empty_object()));
    assert!(peer.unsent_reflexes() < peer.unsent(), "somebody was asked for this one");
    assert_eq!(sent(&mut peer).len(), 3);
    assert_eq!((peer.unsent(), peer.unsent_reflexes()), (0, 0));
}

#[test]
fn the_answers_that_wait_for_their_batch_are_counted_and_bounded() {
    let now = Instant::now();
    let mut peer = Peer::new(&Limits::default().line_bytes(1_000));
    peer.begin_batch();
    (1..=4).for_each(|id| peer.handle_message(ask(id, "tools/call"), now));
    peer.refuse(None, &RpcError::invalid_request("no message"));
    peer.end_batch();
    let result = |bytes: usize| Ok(RawJson::from(json!({"text": "x".repeat(bytes)})));
    peer.respond(&1.into(), &result(600));
    assert_eq!(peer.poll_transmit(), None);
    let held = peer.held();
    assert!(held > 600);
    assert_eq!((peer.unsent(), peer.unsent_reflexes()), (held, held));
    peer.respond(&2.into(), &result(600));
    assert!(peer.held() < held + 600, "there is no room for this one");
    peer.respond(&3.into(), &Err(RpcError::invalid_params("short")));
    peer.respond(&4.into(), &result(10));
    assert_eq!(peer.held(), 0);
    let answers = sent(&mut peer).remove(0);
    let codes: Vec<_> = answers.as_array().unwrap().iter().map(|answer| answer["error"]["code"].as_i64()).collect();
    assert_eq!(codes, [Some(-32600), None, Some(-32603), Some(-32602), None]);
}

#[test]
fn a_batch_that_the_peer_completes_itself_is_caused_by_it_alone() {
    let now = Instant::now();
    let mut peer = Peer::default();
    peer.begin_batch();
    peer.handle_message(ask(1, "ping"), now);
    peer.respond_by_reflex(&1.into(), &Ok(RawJson::empty_object()));
    peer.end_batch();
    assert_eq!((peer.held(), peer.unsent_reflexes()), (0, peer.unsent()));
    peer.begin_batch();
    peer.handle_message(ask(1, "ping"), now);
    peer.handle_message(ask(2, "roots/list"), now);
    peer.respond_by_reflex(&1.into(), &Ok(RawJson::empty_object()));
    peer.end_batch();
    peer.handle_message(cancelled(&2.into()), now);
    assert_eq!((peer.held(), peer.unsent_reflexes()), (0, peer.unsent()));
}

#[test]
fn a_single_answer_to_a_batch_always_passes() {
    let now = Instant::now();
    let mut peer = Peer::new(&Limits::default().line_bytes(100));
    peer.begin_batch();
    peer.handle_message(ask(1, "tools/call"), now);
    peer.end_batch();
    peer.respond(&1.into(), &Ok(RawJson::from(json!({"text": "x".repeat(1_000)}))));
    assert_eq!(sent(&mut peer)[0][0]["result"]["text"].as_str().map(str::len), Some(1_000));
}

#[test]
fn an_answer_that_cannot_be_read_fails_its_request_and_no_other() {
    let now = Instant::now();
    let mut peer = Peer::default();
    let first = peer.request("ping", &Params::absent(), patience(5, 5), now);
    peer.request("ping", &Params::absent(), patience(5, 5), now);
    peer.handle_unreadable(&first, "too long");
    peer.handle_unreadable(&7.into(), "too long");
    assert_eq!(peer.poll_event(), Some(Event::Completed(first, Outcome::Unreadable("too long".into()))));
    assert_eq!(peer.poll_event(), None);
    assert!(peer.poll_timeout().is_some());
}

#[test]
fn a_message_with_line_ends_between_its_tokens_is_one_line() {
    let now = Instant::now();
    let mut peer = Peer::default();
    peer.handle_message(ask(1, "ping"), now);
    peer.respond(&1.into(), &Ok(RawJson::parse("{\r\n  \"a\": \"\\n\"\n}").unwrap()));
    assert_eq!(sent(&mut peer), [json!({"jsonrpc": "2.0", "id": 1, "result": {"a": "\n"}})]);
    // This one was written elsewhere.
    peer.send(b"{\"jsonrpc\":\"2.0\",\r\n\"method\":\"a\"}\n");
    assert_eq!(sent(&mut peer), [json!({"jsonrpc": "2.0", "method": "a"})]);
}

#[test]
fn what_is_ready_together_is_sent_together() {
    let now = Instant::now();
    let mut peer = Peer::default();
    peer.request("ping", &Params::absent(), patience(5, 5), now);
    peer.notify("notifications/initialized", None);
    assert_eq!(sent(&mut peer).len(), 2);
    assert_eq!(peer.poll_transmit(), None);
}

#[test]
fn the_answers_to_a_batch_are_sent_together_when_the_last_is_there() {
    let now = Instant::now();
    let mut peer = Peer::default();
    peer.begin_batch();
    (1..=3).for_each(|id| peer.handle_message(ask(id, "ping"), now));
    peer.refuse(None, &RpcError::invalid_request("no message"));
    peer.end_batch();
    peer.respond(&2.into(), &Ok(RawJson::empty_object()));
    assert_eq!(peer.poll_transmit(), None);
    peer.handle_message(cancelled(&3.into()), now);
    peer.handle_message(ask(4, "ping"), now);
    peer.respond(&4.into(), &Ok(RawJson::empty_object()));
    assert_eq!(sent(&mut peer)[0]["id"], 4, "what is outside the batch does not wait for it");
    peer.respond(&1.into(), &Ok(RawJson::empty_object()));
    let lines = sent(&mut peer);
    let ids: Vec<_> = lines[0].as_array().unwrap().iter().map(|answer| answer["id"].clone()).collect();
    assert_eq!((lines.len(), ids), (1, vec![Value::Null, json!(2), json!(1)]));
}

#[test]
fn a_batch_that_wants_no_answer_gets_none() {
    let now = Instant::now();
    let mut peer = Peer::default();
    peer.begin_batch();
    peer.handle_message(cancelled(&1.into()), now);
    peer.end_batch();
    assert_eq!(peer.poll_transmit(), None);
}

#[test]
fn a_batch_is_cut_into_its_messages_within_the_limit() {
    let limits = Limits::default().batch(2);
    let cut = |text: &'static str| split_batch(&Bytes::from_static(text.as_bytes()), &limits);
    assert_eq!(cut("[ {\"a\":1} ,2]").unwrap(), ["{\"a\":1}", "2"]);
    for text in ["[]", "[1,2,3]"] {
        assert_eq!(cut(text).unwrap_err().code, ErrorCode::INVALID_REQUEST, "{text}");
    }
    assert_eq!(cut("[1,").unwrap_err().code, ErrorCode::PARSE);
}
