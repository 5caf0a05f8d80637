//! Sets of scripted servers over pipes in memory, on paused time; every request that comes is counted.

#[path = "../../tests/lab/mod.rs"]
mod lab;

use std::sync::atomic::Ordering;

use lab::{Lab, pass};
use mcp_client::Error as ClientError;
use mcp_types::RawJson;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

use super::*;
use crate::driver::{CallContext, Tools};
use crate::turn::Failure;

impl Lab {
    fn upstream(self: &Arc<Self>, label: &str) -> Upstream {
        let lab = Arc::clone(self);
        Upstream::new(label, move || Arc::clone(&lab).connect())
    }
}

fn lab(tools: &[&'static str]) -> Arc<Lab> {
    Arc::new(Lab::new(tools))
}

fn one(lab: &Arc<Lab>) -> Servers {
    Servers::builder().server(lab.upstream("lab")).build()
}

fn names(listing: &Listing) -> Vec<&str> {
    listing.tools.iter().map(|tool| tool.name()).collect()
}

fn seen(listing: &Listing) -> Vec<(&str, Status, usize)> {
    listing.outcomes.iter().map(|outcome| (outcome.label.as_str(), outcome.status, outcome.tool_count)).collect()
}

async fn call(servers: &Servers, server: &str, tool: &str) -> Result<String, Failure> {
    let arguments = RawJson::parse(r#"{"n":1.0}"#).unwrap();
    let result = servers.call(server, tool, arguments, &CallContext::unwatched("id")).await?;
    Ok(result.content[0].as_text().unwrap().to_owned())
}

#[tokio::test(start_paused = true)]
async fn nothing_is_opened_before_it_is_needed_and_then_once() {
    let lab = lab(&["echo"]);
    let servers = one(&lab);
    assert_eq!(lab.connects.load(Ordering::SeqCst), 0);
    let (calls, client, listing) =
        tokio::join!(join_all((0..10).map(|_| call(&servers, "lab", "echo"))), servers.client("lab"), servers.list());
    assert!(calls.iter().all(Result::is_ok), "{calls:?}");
    assert!(client.is_ok());
    assert_eq!(names(&listing), ["echo"]);
    assert_eq!((lab.connects.load(Ordering::SeqCst), lab.requests("initialize")), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_thousand_lists_at_once_are_one_request_and_further_ones_none() {
    let check = async |lab: Lab| {
        let lab = Arc::new(lab);
        let servers = one(&lab);
        let listings = join_all((0..1_000).map(|_| servers.list())).await;
        let first = &listings[0].tools;
        assert!(listings.iter().all(|listing| Arc::ptr_eq(&listing.tools, first)), "one set is made, once");
        for _ in 0..10 {
            assert!(Arc::ptr_eq(&servers.list().await.tools, first));
            call(&servers, "lab", "echo").await.unwrap();
        }
        assert_eq!((lab.requests("tools/list"), lab.requests("tools/call")), (1, 10));
    };
    check(Lab { tells_changes: true, ..Lab::new(&["echo"]) }).await;
    check(Lab::new(&["echo"])).await;
    check(Lab { is_modern: true, ttl: Some(60_000), ..Lab::new(&["echo"]) }).await;
    check(Lab { is_modern: true, ttl: Some(0), tells_changes: true, ..Lab::new(&["echo"]) }).await;
}

#[tokio::test(start_paused = true)]
async fn a_list_is_read_again_when_the_server_tells_of_a_change_or_its_time_is_over() {
    let check = async |lab: Lab, wait: Duration| {
        let lab = Arc::new(lab);
        let servers = one(&lab);
        let mut changes = servers.changes();
        assert_eq!(names(&servers.list().await), ["echo"]);
        changes.next().await.unwrap();
        lab.change(&["echo", "wait"]);
        if lab.tells_changes {
            changes.next().await.unwrap();
        }
        pass(wait).await;
        assert_eq!(names(&servers.list().await), ["echo", "wait"]);
        assert_eq!(lab.requests("tools/list"), 2);
    };
    check(Lab { tells_changes: true, ..Lab::new(&["echo"]) }, Duration::ZERO).await;
    check(Lab { tells_changes: true, is_modern: true, ..Lab::new(&["echo"]) }, Duration::ZERO).await;
    check(Lab { is_modern: true, ttl: Some(60_000), ..Lab::new(&["echo"]) }, Duration::from_secs(60)).await;
    check(Lab { is_modern: true, ttl: Some(0), ..Lab::new(&["echo"]) }, Duration::from_millis(1)).await;
    check(Lab::new(&["echo"]), MAX_AGE).await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_hangs_costs_a_list_its_deadline_once_and_the_others_are_there() {
    let (hanging, good) = (lab(&["never"]), lab(&["echo"]));
    *hanging.list_takes.lock().unwrap() = Duration::from_secs(3_600);
    let servers = Servers::builder().server(hanging.upstream("hanging")).server(good.upstream("good")).build();
    let started = Instant::now();
    let listing = servers.list().await;
    assert_eq!(started.elapsed(), Duration::from_secs(5));
    assert_eq!(seen(&listing), [("hanging", Status::Timeout, 0), ("good", Status::Ok, 1)]);
    assert_eq!(names(&listing), ["good__echo"], "a server that is not there yet counts for the names");
    let failure = listing.failures().next().unwrap().to_string();
    assert_eq!(failure, "hanging: timeout, 0 tools: the server has not listed its tools within 5s");

    let started = Instant::now();
    assert_eq!(seen(&servers.list().await), [("hanging", Status::Timeout, 0), ("good", Status::Ok, 1)]);
    assert_eq!(started.elapsed(), Duration::ZERO, "it was asked already");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_came_to_hang_has_the_tools_it_had() {
    let lab = Arc::new(Lab { tells_changes: true, ..Lab::new(&["echo"]) });
    let servers = one(&lab);
    let tools = servers.list().await.tools;
    let mut changes = servers.changes();
    *lab.list_takes.lock().unwrap() = Duration::from_secs(10);
    lab.change(&["echo", "wait"]);
    changes.next().await.unwrap();
    let started = Instant::now();
    let listing = servers.list().await;
    assert_eq!(started.elapsed(), Duration::from_secs(2));
    assert_eq!(seen(&listing), [("lab", Status::Stale, 1)]);
    assert!(Arc::ptr_eq(&tools, &listing.tools));

    pass(Duration::from_secs(9)).await;
    assert_eq!(seen(&servers.list().await), [("lab", Status::Ok, 2)], "what was begun went on");
    assert_eq!(lab.requests("tools/list"), 2);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_cannot_be_reached_or_refuses_is_an_outcome_and_no_error() {
    let (gone, refusing, good) = (lab(&[]), lab(&["echo"]), lab(&["echo"]));
    gone.refuses_connections.store(true, Ordering::SeqCst);
    refusing.refuses_lists.store(true, Ordering::SeqCst);
    let builder = Servers::builder().server(gone.upstream("gone")).server(refusing.upstream("refusing"));
    let servers = builder.server(good.upstream("good")).build();
    let listing = servers.list().await;
    let expected = [("gone", Status::Unreachable, 0), ("refusing", Status::Refused, 0), ("good", Status::Ok, 1)];
    assert_eq!(seen(&listing), expected);
    let errors: Vec<_> = listing.outcomes.iter().map(|outcome| outcome.error.as_deref()).collect();
    assert_eq!(
        errors,
        [
            Some("the connection closed before the answer came"),
            Some("the server answered: scripted (code -32603)"),
            None
        ]
    );
    assert!(matches!(listing.outcomes[0].client_error(), Some(ClientError::Closed)));
    let words: Vec<Value> = listing.outcomes.iter().map(|outcome| json!(outcome.status)).collect();
    assert_eq!(words, ["unreachable", "refused", "ok"]);

    gone.refuses_connections.store(false, Ordering::SeqCst);
    gone.change(&["back"]);
    let _ = servers.list().await;
    assert_eq!(gone.connects.load(Ordering::SeqCst), 1, "not so soon again");
    pass(Duration::from_secs(1)).await;
    assert_eq!(names(&servers.list().await), ["gone__back", "good__echo"]);
}

#[tokio::test(start_paused = true)]
async fn a_failure_to_connect_is_told_to_all_who_wait_and_tried_again_after_a_second() {
    let lab = lab(&["echo"]);
    lab.refuses_connections.store(true, Ordering::SeqCst);
    let servers = one(&lab);
    let failed = join_all((0..10).map(|_| servers.client("lab"))).await;
    let expected = "the server `lab` is not available";
    assert!(failed.iter().all(|failed| failed.as_ref().unwrap_err().to_string() == expected));
    assert_eq!(lab.connects.load(Ordering::SeqCst), 1);
    let failure = call(&servers, "lab", "echo").await.unwrap_err();
    let message = format!("{expected}: the connection closed before the answer came");
    assert_eq!((failure, lab.connects.load(Ordering::SeqCst)), (Failure::Transport { message }, 1));

    lab.refuses_connections.store(false, Ordering::SeqCst);
    pass(Duration::from_secs(1)).await;
    assert_eq!(call(&servers, "lab", "echo").await.unwrap(), r#"{"n":1.0}"#);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_ended_is_opened_again_when_it_is_needed() {
    let lab = Arc::new(Lab { tells_changes: true, ..Lab::new(&["echo"]) });
    let servers = one(&lab);
    let _ = servers.list().await;
    let mut changes = servers.changes();
    lab.cut();
    changes.next().await.unwrap();
    assert_eq!(lab.connects.load(Ordering::SeqCst), 1, "nobody needs it yet");
    assert!(call(&servers, "lab", "echo").await.is_ok());
    assert_eq!(seen(&servers.list().await), [("lab", Status::Ok, 1)]);
    assert_eq!((lab.connects.load(Ordering::SeqCst), lab.requests("tools/list")), (2, 2), "it may have changed");
    let _ = servers.list().await;
    assert_eq!(lab.requests("tools/list"), 2, "and is watched again");
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_was_given_ends_for_good() {
    let lab = lab(&["echo"]);
    let client = Arc::clone(&lab).connect().await.unwrap();
    let servers = Servers::builder().server(Upstream::connected("lab", client)).build();
    assert_eq!(names(&servers.list().await), ["echo"]);
    lab.cut();
    assert!(call(&servers, "lab", "echo").await.is_err());
    let gone = servers.client("lab").await.unwrap_err();
    assert_eq!(
        gone.to_string(),
        "the connection to the server `lab` has ended, and nothing says how to open it again; add it with a way to connect"
    );
}

#[tokio::test(start_paused = true)]
async fn code_that_panics_while_it_connects_is_a_failure_like_any_other() {
    let connect = || async { panic!("as asked") };
    let at_once = || -> std::future::Ready<Result<Client, ClientError>> { panic!("as asked") };
    let servers =
        Servers::builder().server(Upstream::new("late", connect)).server(Upstream::new("at_once", at_once)).build();
    let listing = servers.list().await;
    assert_eq!(seen(&listing), [("late", Status::Unreachable, 0), ("at_once", Status::Unreachable, 0)]);
    let error = listing.outcomes[0].error.as_deref();
    assert_eq!(error, Some("the code of this program that connects to the server `late` panicked"));
}

#[tokio::test(start_paused = true)]
async fn no_more_calls_run_on_a_server_than_allowed_and_none_waits_for_another_server() {
    let slow = Arc::new(Lab { call_takes: Duration::from_secs(1), ..Lab::new(&["echo"]) });
    let good = lab(&["echo"]);
    let builder = Servers::builder().server(slow.upstream("slow").parallel_calls(3));
    let servers = builder.server(good.upstream("good")).build();
    let _ = servers.list().await;
    let started = Instant::now();
    let slow_calls = join_all((0..9).map(|_| call(&servers, "slow", "echo")));
    let other = async {
        call(&servers, "good", "echo").await.unwrap();
        started.elapsed()
    };
    let (calls, other) = tokio::join!(slow_calls, other);
    assert!(calls.iter().all(Result::is_ok));
    assert_eq!((slow.most.load(Ordering::SeqCst), started.elapsed()), (3, Duration::from_secs(3)));
    assert_eq!(other, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn whoever_watches_a_call_hears_of_its_progress() {
    let lab = lab(&["echo"]);
    let heard = Mutex::new(Vec::new());
    let watch = |told: mcp_types::ProgressNotificationParams| heard.lock().unwrap().push((told.progress, told.total));
    let cx = CallContext::new("id", &watch);
    one(&lab).call("lab", "echo", RawJson::empty_object(), &cx).await.unwrap();
    assert_eq!(*heard.lock().unwrap(), [(1.0, Some(2.0))]);
}

#[tokio::test(start_paused = true)]
async fn tools_that_are_filtered_out_are_not_listed_and_not_called() {
    let lab = lab(&["read", "write", "delete"]);
    let upstream = lab.upstream("lab").allow(["*e*"]).deny(["del*"]);
    let servers = Servers::builder().server(upstream).build();
    let listing = servers.list().await;
    assert_eq!(names(&listing), ["read", "write"]);
    assert_eq!(listing.outcomes[0].tool_count, 2);
    assert!(call(&servers, "lab", "read").await.is_ok());
    let refused = call(&servers, "lab", "delete").await.unwrap_err();
    assert_eq!(refused, Failure::Protocol { code: -32602, message: "there is no tool `delete`".to_owned() });
    assert_eq!(lab.requests("tools/call"), 1);
}

#[tokio::test(start_paused = true)]
async fn names_have_prefixes_only_where_there_are_several_servers() {
    let (a, b) = (lab(&["echo"]), lab(&["echo"]));
    assert_eq!(names(&one(&a).list().await), ["echo"]);
    let two = Servers::builder().server(a.upstream("a")).server(b.upstream("b"));
    assert_eq!(names(&two.build().list().await), ["a__echo", "b__echo"]);
    let template = ToolSet::builder().prefix(crate::names::Prefix::Always);
    let always = Servers::builder().server(a.upstream("a")).tool_set(template);
    assert_eq!(names(&always.build().list().await), ["a__echo"]);
}

#[tokio::test(start_paused = true)]
async fn servers_stand_in_the_order_they_were_added_and_a_label_stands_once() {
    let lab = lab(&["echo"]);
    let all = ["z", "a", "z"].into_iter().map(|label| lab.upstream(label));
    let servers = all.fold(Servers::builder(), Builder::server).build();
    assert_eq!(servers.labels().collect::<Vec<_>>(), ["a", "z"]);
    let failure = call(&servers, "elsewhere", "echo").await.unwrap_err();
    assert_eq!(failure, Failure::Transport { message: "there is no server `elsewhere`".to_owned() });
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_no_longer_does_not_end_what_others_wait_for() {
    let lab = lab(&["echo"]);
    *lab.list_takes.lock().unwrap() = Duration::from_secs(3);
    let servers = one(&lab);
    assert!(timeout(Duration::from_secs(1), servers.list()).await.is_err());
    let started = Instant::now();
    assert_eq!(names(&servers.list().await), ["echo"]);
    assert_eq!((started.elapsed(), lab.requests("tools/list")), (Duration::from_secs(2), 1));
}

#[tokio::test(start_paused = true)]
async fn servers_that_are_closed_or_dropped_leave_nothing_behind() {
    let lab = Arc::new(Lab { tells_changes: true, ..Lab::new(&["echo"]) });
    let servers = one(&lab);
    let _ = servers.list().await;
    servers.close().await;
    lab.left().await;
    let failure = call(&servers, "lab", "echo").await.unwrap_err();
    let message = "the servers are closed, and `lab` with them".to_owned();
    assert_eq!(failure, Failure::Transport { message });

    let servers = one(&lab);
    let _ = servers.list().await;
    drop(servers);
    lab.left().await;

    *lab.list_takes.lock().unwrap() = Duration::from_secs(3_600);
    let servers = one(&lab);
    assert!(timeout(Duration::from_secs(1), servers.list()).await.is_err());
    drop(servers);
    lab.left().await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_ends_each_watch_at_once_is_not_asked_without_a_pause() {
    let lab = Lab { is_modern: true, tells_changes: true, ends_subscriptions: true, ..Lab::new(&["echo"]) };
    let lab = Arc::new(lab);
    let servers = one(&lab);
    let mut changes = servers.changes();
    // What somebody does who wants to know the tools at all times.
    let follow = async {
        for _ in 0..1_000 {
            let _ = servers.list().await;
            changes.next().await.unwrap();
        }
    };
    assert!(timeout(Duration::from_secs(299), follow).await.is_err());
    let (lists, watches) = (lab.requests("tools/list"), lab.requests("subscriptions/listen"));
    assert!((5..=10).contains(&watches) && lists <= 3 * watches, "{watches} watches, {lists} lists");
}
