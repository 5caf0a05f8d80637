//! Changes, as clients of both eras hear of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use futures::FutureExt;
use mcp_transport::Limits;
use mcp_transport::era::legacy::Session;
use mcp_types::{RequestId, RpcError, SubscriptionFilter};

use super::super::filter::Offered;
use super::super::table::{Change, Full, closing};
use super::{Changes, Subscription};

const EVERYTHING: Offered = Offered { prompts: true, resources: true, subscribe: true, tools: true };

fn filter(text: &str) -> SubscriptionFilter {
    serde_json::from_str(text).unwrap()
}

fn listen(hub: &Changes, id: impl Into<RequestId>, text: &str) -> Subscription {
    hub.listen(id.into(), filter(text), None).unwrap()
}

/// Reads everything that is there, as short words; `end` when the subscription is over.
fn heard(subscription: &mut Subscription) -> Vec<String> {
    let mut words = Vec::new();
    while let Some(next) = subscription.next().now_or_never() {
        let Some(notice) = next else {
            words.push("end".to_owned());
            return words;
        };
        let [uri] = notice.params.members(["uri"]).unwrap();
        let name = notice.method.trim_start_matches("notifications/");
        words.push(uri.map_or(name.to_owned(), |uri| format!("{name} {uri}")));
    }
    words
}

const ACK: &str = "subscriptions/acknowledged";

#[test]
fn the_acknowledgement_comes_first_and_no_change_after_the_opening_is_lost_p_30() {
    let hub = Changes::within(&Limits::default());
    let mut subscription = listen(&hub, 1, r#"{"toolsListChanged":true}"#);
    hub.tools();
    assert_eq!(heard(&mut subscription), [ACK, "tools/list_changed"]);
    hub.tools();
    assert_eq!(heard(&mut subscription), ["tools/list_changed"]);
}

#[test]
fn the_acknowledgement_says_what_is_honoured_and_everything_names_the_subscription_p_31() {
    let hub = Changes::within(&Limits::default());
    for (id, text) in [
        (RequestId::from(0), "0"),
        ("".into(), r#""""#),
        ("1".into(), r#""1""#),
        (1.into(), "1"),
        (i64::MAX.into(), "9223372036854775807"),
    ] {
        let mut subscription = hub.listen(id.clone(), filter(r#"{"resourceSubscriptions":["a:b"]}"#), None).unwrap();
        hub.resource("a:b");
        let meta = format!(r#""_meta":{{"io.modelcontextprotocol/subscriptionId":{text}}}"#);
        let mut next = || subscription.next().now_or_never().unwrap().unwrap().params.as_str().to_owned();
        assert_eq!(next(), format!(r#"{{"notifications":{{"resourceSubscriptions":["a:b"]}},{meta}}}"#));
        assert_eq!(next(), format!(r#"{{"uri":"a:b",{meta}}}"#));
        let result = serde_json::to_value(closing(&id)).unwrap();
        let named = &result["_meta"]["io.modelcontextprotocol/subscriptionId"];
        assert_eq!(named.to_string(), text);
    }
}

#[test]
fn only_what_was_acknowledged_is_told_p_32() {
    let hub = Changes::within(&Limits::default());
    let mut none = listen(&hub, 1, "{}");
    let mut prompts = listen(&hub, 2, r#"{"promptsListChanged":true,"toolsListChanged":false}"#);
    let mut resource = listen(&hub, 3, r#"{"resourceSubscriptions":["a:b"]}"#);
    for change in [Change::Tools, Change::Prompts, Change::Resources] {
        hub.tell(&change);
    }
    hub.resource("a:b");
    hub.resource("a:c");
    assert_eq!(heard(&mut none), [ACK]);
    assert_eq!(heard(&mut prompts), [ACK, "prompts/list_changed"]);
    assert_eq!(heard(&mut resource), [ACK, "resources/updated \"a:b\""]);
}

#[test]
fn each_of_several_subscriptions_gets_its_own_copy_p_34() {
    let hub = Changes::within(&Limits::default());
    let mut all = [1, 2, 3].map(|id| listen(&hub, id, r#"{"toolsListChanged":true}"#));
    hub.tools();
    for subscription in &mut all {
        assert_eq!(heard(subscription), [ACK, "tools/list_changed"]);
    }
}

#[test]
fn a_storm_is_one_notification_of_each_kind_p_40() {
    let hub = Changes::within(&Limits::default());
    let mut subscription = listen(
        &hub,
        1,
        r#"{"toolsListChanged":true,"resourcesListChanged":true,"resourceSubscriptions":["a:1","a:2"]}"#,
    );
    for _ in 0..1_000 {
        hub.tools();
        hub.resources();
        hub.resource("a:1");
        hub.resource("a:2");
    }
    let mut told = heard(&mut subscription);
    told.sort_unstable();
    let expected =
        ["resources/list_changed", "resources/updated \"a:1\"", "resources/updated \"a:2\"", ACK, "tools/list_changed"];
    assert_eq!(told, expected);
}

#[test]
fn what_changes_all_the_time_does_not_hold_up_the_rest() {
    let hub = Changes::within(&Limits::default());
    let mut subscription =
        listen(&hub, 1, r#"{"promptsListChanged":true,"toolsListChanged":true,"resourceSubscriptions":["a:1"]}"#);
    hub.tools();
    hub.resource("a:1");
    let mut told = Vec::new();
    for _ in 0..4 {
        hub.prompts();
        told.push(subscription.next().now_or_never().unwrap().unwrap().method);
    }
    assert!(told.contains(&"notifications/tools/list_changed"), "{told:?}");
    assert!(told.contains(&"notifications/resources/updated"), "{told:?}");
}

/// A session that has agreed on a revision and is subscribed to these resources.
fn session(uris: &[&str]) -> Arc<Session> {
    let session = Session::new();
    session.ready();
    uris.iter().for_each(|uri| session.subscribe(uri).unwrap());
    Arc::new(session)
}

#[test]
fn a_legacy_session_hears_of_every_list_and_only_of_its_resources_without_a_tag_p_41() {
    let hub = Changes::within(&Limits::default());
    let session = session(&["a:b"]);
    let mut subscription = hub.session(&session, EVERYTHING);
    for change in [Change::Tools, Change::Prompts, Change::Resources] {
        hub.tell(&change);
    }
    hub.resource("a:b");
    hub.resource("a:c");
    let told = heard(&mut subscription);
    assert_eq!(
        told,
        ["prompts/list_changed", "resources/updated \"a:b\"", "resources/list_changed", "tools/list_changed"]
    );
    hub.tools();
    assert_eq!(subscription.next().now_or_never().unwrap().unwrap().params.as_str(), "{}");
    session.subscribe("a:c").unwrap();
    hub.resource("a:c");
    hub.resource("a:b");
    session.unsubscribe("a:b");
    assert_eq!(heard(&mut subscription), ["resources/updated \"a:c\""], "what it left since is not told");
}

#[test]
fn a_legacy_session_hears_only_what_the_server_declared() {
    let hub = Changes::within(&Limits::default());
    let offered = Offered { tools: true, ..Offered::default() };
    let mut subscription = hub.session(&session(&["a:b"]), offered);
    for change in [Change::Tools, Change::Prompts, Change::Resources, Change::Resource("a:b".to_owned())] {
        hub.tell(&change);
    }
    assert_eq!(heard(&mut subscription), ["tools/list_changed"]);
}

#[test]
fn one_subscription_ends_alone_when_its_authorization_does_p_39() {
    let hub = Changes::within(&Limits::default());
    let mut first = listen(&hub, 1, r#"{"toolsListChanged":true}"#);
    let mut second = listen(&hub, 2, r#"{"toolsListChanged":true}"#);
    first.end();
    hub.tools();
    assert_eq!(heard(&mut first), [ACK, "end"]);
    assert_eq!(heard(&mut second), [ACK, "tools/list_changed"]);
}

#[test]
fn subscriptions_are_bounded_for_each_principal_and_in_all_at_the_limit_and_not_before_it_t_112() {
    let hub = Changes::within(&Limits::default().subscriptions(2).subscriptions_total(3));
    let open = |principal| hub.listen(1.into(), filter("{}"), principal);
    let ann = [open(Some("ann")).unwrap(), open(Some("ann")).unwrap()];
    assert_eq!(open(Some("ann")).unwrap_err(), Full::Principal(2));
    let bob = open(Some("bob")).unwrap();
    assert_eq!(open(None).unwrap_err(), Full::Total(3));
    drop(bob);
    let nobody = open(None).unwrap();
    assert_eq!(open(Some("eve")).unwrap_err(), Full::Total(3));
    let [first, second] = ann;
    drop((first, nobody));
    let third = open(Some("ann")).unwrap();
    assert_eq!(open(Some("ann")).unwrap_err(), Full::Principal(2), "one left, one came");
    drop((second, third));
    let again = [open(None), open(None), open(None)];
    assert!(again.iter().all(Result::is_ok), "without a principal only the total is bounded");
    assert_eq!(RpcError::from(Full::Total(3)).code.0, -32603, "P-37");
    hub.session(&session(&[]), EVERYTHING); // Sessions are bounded elsewhere.
}

struct Counter(AtomicUsize);

impl Wake for Counter {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn a_reader_is_woken_by_what_it_wants_once_and_by_the_end() {
    let counter = Arc::new(Counter(AtomicUsize::new(0)));
    let waker = Waker::from(Arc::clone(&counter));
    let cx = Context::from_waker(&waker);
    let woken = || counter.0.load(Ordering::Relaxed);
    let hub = Changes::within(&Limits::default());
    let mut subscription = listen(&hub, 1, r#"{"toolsListChanged":true}"#);
    assert!(subscription.poll_next(&cx).is_ready());
    assert!(subscription.poll_next(&cx).is_pending());
    hub.prompts();
    assert_eq!(woken(), 0);
    hub.tools();
    hub.tools();
    assert_eq!(woken(), 1);
    assert!(subscription.poll_next(&cx).is_ready());
    assert!(subscription.poll_next(&cx).is_pending());
    subscription.end();
    assert_eq!(woken(), 2);
    assert_eq!(subscription.poll_next(&cx), Poll::Ready(None));
}

#[test]
fn who_went_away_while_waiting_is_not_kept_by_its_waker() {
    let counter = Arc::new(Counter(AtomicUsize::new(0)));
    let hub = Changes::within(&Limits::default());
    let mut subscription = hub.session(&session(&[]), EVERYTHING);
    assert!(subscription.poll_next(&Context::from_waker(&Waker::from(Arc::clone(&counter)))).is_pending());
    assert_eq!(Arc::strong_count(&counter), 2);
    drop(subscription);
    assert_eq!(Arc::strong_count(&counter), 1);
}

#[test]
fn who_went_away_is_forgotten() {
    let hub = Changes::within(&Limits::default());
    let subscriptions = [listen(&hub, 1, "{}"), hub.session(&session(&[]), EVERYTHING)];
    assert_eq!(format!("{hub:?}"), "Changes { subscribers: 2 }");
    drop(subscriptions);
    assert_eq!(format!("{hub:?}"), "Changes { subscribers: 0 }");
}
