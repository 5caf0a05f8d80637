//! Many servers: lists, caches, deadlines, and the requests that a call costs.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::future::join_all;
use mcp_openai_bridge::driver::{CallContext, Tools};
use mcp_openai_bridge::servers::{Listing, Servers, Status, Upstream};
use mcp_types::RawJson;
use tokio::time::Instant;

use crate::lab::Lab;

fn upstream(label: &str, lab: &Arc<Lab>) -> Upstream {
    let lab = Arc::clone(lab);
    Upstream::new(label, move || Arc::clone(&lab).connect())
}

fn seen(listing: &Listing) -> Vec<(&str, Status, usize)> {
    listing.outcomes.iter().map(|outcome| (outcome.label.as_str(), outcome.status, outcome.tool_count)).collect()
}

async fn call(servers: &Servers, label: &str) {
    let called = servers.call(label, "echo", RawJson::empty_object(), &CallContext::unwatched("id")).await;
    assert!(called.is_ok(), "{called:?}");
}

/// Fact 0.9: LiteLLM makes five requests for each call, and lists its tools again for it.
#[tokio::test(start_paused = true)]
async fn a_call_is_one_request_and_lists_nothing() {
    let lab = Arc::new(Lab { tells_changes: true, ..Lab::new(&["echo"]) });
    let servers = Servers::builder().server(upstream("lab", &lab)).build();
    let _ = servers.list().await;
    let before = lab.requests.lock().unwrap().clone();
    for _ in 0..100 {
        let _ = servers.list().await;
        call(&servers, "lab").await;
    }
    let mut expected = before;
    expected.insert("tools/call".to_owned(), 100);
    assert_eq!(*lab.requests.lock().unwrap(), expected);
    assert_eq!(lab.connects.load(Ordering::SeqCst), 1, "and no connection or process is begun for it");
}

/// Fact 0.9: one server that hangs makes every list of LiteLLM take 40.8 seconds.
#[tokio::test(start_paused = true)]
async fn a_server_that_hangs_delays_a_list_by_its_deadline_and_empties_no_other() {
    let (hanging, good) = (Arc::new(Lab::new(&["never"])), Arc::new(Lab::new(&["echo"])));
    *hanging.list_takes.lock().unwrap() = Duration::from_secs(3_600);
    let servers = Servers::builder().server(upstream("hanging", &hanging)).server(upstream("good", &good)).build();
    let started = Instant::now();
    let expected = [("hanging", Status::Timeout, 0), ("good", Status::Ok, 1)];
    assert_eq!(seen(&servers.list().await), expected);
    assert_eq!(started.elapsed(), Duration::from_secs(5));
    assert_eq!(seen(&servers.list().await), expected);
    assert_eq!(started.elapsed(), Duration::from_secs(5), "the next list costs nothing");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_came_to_hang_delays_a_list_by_two_seconds_and_has_the_tools_it_had() {
    let lab = Arc::new(Lab { tells_changes: true, ..Lab::new(&["echo"]) });
    let servers = Servers::builder().server(upstream("lab", &lab)).build();
    let _ = servers.list().await;
    let mut changes = servers.changes();
    *lab.list_takes.lock().unwrap() = Duration::from_secs(3_600);
    lab.change(&[]);
    changes.next().await.unwrap();
    let started = Instant::now();
    assert_eq!(seen(&servers.list().await), [("lab", Status::Stale, 1)]);
    assert_eq!(started.elapsed(), Duration::from_secs(2));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_not_there_is_an_outcome_with_its_reason() {
    let (gone, refusing, good) = (Lab::new(&[]), Lab::new(&["echo"]), Arc::new(Lab::new(&["echo"])));
    gone.refuses_connections.store(true, Ordering::SeqCst);
    refusing.refuses_lists.store(true, Ordering::SeqCst);
    let (gone, refusing) = (Arc::new(gone), Arc::new(refusing));
    let builder = Servers::builder().server(upstream("gone", &gone)).server(upstream("refusing", &refusing));
    let listing = builder.server(upstream("good", &good)).build().list().await;
    let expected = [("gone", Status::Unreachable, 0), ("refusing", Status::Refused, 0), ("good", Status::Ok, 1)];
    assert_eq!(seen(&listing), expected);
    assert_eq!(listing.failures().filter(|failure| failure.error.is_some()).count(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_list_is_read_again_when_the_server_says_that_it_changed() {
    for is_modern in [false, true] {
        let lab = Arc::new(Lab { tells_changes: true, is_modern, ..Lab::new(&["echo"]) });
        let servers = Servers::builder().server(upstream("lab", &lab)).build();
        let _ = servers.list().await;
        let mut changes = servers.changes();
        lab.change(&["echo", "wait"]);
        changes.next().await.unwrap();
        assert_eq!(seen(&servers.list().await), [("lab", Status::Ok, 2)]);
        assert_eq!(lab.requests("tools/list"), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn lists_that_are_asked_for_at_once_are_one_request() {
    let lab = Arc::new(Lab::new(&["echo"]));
    let servers = Servers::builder().server(upstream("lab", &lab)).build();
    let listings = join_all((0..100).map(|_| servers.list())).await;
    assert!(listings.iter().all(|listing| seen(listing) == [("lab", Status::Ok, 1)]));
    assert_eq!(lab.requests("tools/list"), 1);
}

/// Fact 0.5: three calls of a second take LiteLLM and others three seconds on one session.
#[tokio::test(start_paused = true)]
async fn three_calls_of_a_second_on_one_server_take_a_second() {
    let lab = Arc::new(Lab { call_takes: Duration::from_secs(1), ..Lab::new(&["echo"]) });
    let servers = Servers::builder().server(upstream("lab", &lab)).build();
    let _ = servers.list().await;
    let started = Instant::now();
    join_all((0..3).map(|_| call(&servers, "lab"))).await;
    assert_eq!(started.elapsed(), Duration::from_secs(1));
}

/// Fact 0.3: one bad tool takes all others with it.
#[tokio::test(start_paused = true)]
async fn a_tool_that_cannot_be_read_is_left_out_and_named_and_the_others_stay() {
    for is_modern in [false, true] {
        let lab = Arc::new(Lab { lists_broken: true, is_modern, ..Lab::new(&["echo"]) });
        let servers = Servers::builder().server(upstream("lab", &lab)).build();
        let listing = servers.list().await;
        assert_eq!(seen(&listing), [("lab", Status::Ok, 1)]);
        let left_out: Vec<&str> = listing.outcomes[0].left_out.iter().map(|tool| tool.name.as_str()).collect();
        assert_eq!(left_out, ["broken"]);
        assert!(listing.outcomes[0].left_out[0].reason.contains("inputSchema"));
        call(&servers, "lab").await;
    }
}
