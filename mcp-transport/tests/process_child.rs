//! What becomes of a server that is a child process: real processes, and no waiting but for what they do.

#![cfg(all(feature = "process", unix))]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use futures::StreamExt as _;
use mcp_transport::process::{Child, Command};
use mcp_transport::{Error, Exchange, Incoming, Limits, Outgoing, Transport};
use mcp_types::RawJson;
use rustix::process::{Pid, Signal, kill_process, test_kill_process_group};

/// A shell that answers the first request, whatever it is, with what `$result` says.
const ANSWER: &str = r#"read -r line; printf '{"jsonrpc":"2.0","id":1,"result":{"text":"%s"}}\n' "$result""#;

fn limits() -> Limits {
    Limits::default().child_eof(Duration::from_millis(300)).child_term(Duration::from_millis(300))
}

fn shell(script: impl AsRef<str>) -> Command {
    Command::new("sh").arg("-c").arg(script.as_ref())
}

fn spawn(script: impl AsRef<str>) -> Child {
    shell(script).spawn(&limits()).unwrap()
}

async fn ask(child: &Child) -> Result<Exchange, Error> {
    child.open(Outgoing::new("ping", RawJson::empty_object())).await
}

async fn outcome(child: &Child) -> Result<String, Error> {
    let answer = ask(child).await?.finish(drop).await?;
    Ok(answer.unwrap().as_str().to_owned())
}

async fn failure(child: &Child) -> String {
    outcome(child).await.unwrap_err().to_string()
}

/// Waits for the child to say something, which it does to tell that it is ready.
async fn ready(child: &Child) {
    child.inbound().unwrap().next().await.unwrap();
}

/// What a script says when it is ready.
const READY: &str = r#"echo '{"jsonrpc":"2.0","method":"notifications/ready"}';"#;

/// Waits until no process of the group is left.
async fn group_is_gone(child: &Child) {
    let group = Pid::from_raw(child.id().unwrap().try_into().unwrap()).unwrap();
    while test_kill_process_group(group).is_ok() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_child_is_spoken_to_over_its_standard_streams() {
    let child = shell(ANSWER).env("result", "hello").spawn(&limits()).unwrap();
    assert_eq!(outcome(&child).await.unwrap(), r#"{"text":"hello"}"#);
}

#[tokio::test]
async fn what_a_child_echoes_is_a_message_to_us() {
    let child = Command::new("cat").spawn(&limits()).unwrap();
    let mut inbound = child.inbound().unwrap();
    child.notify("notifications/echo", None).await.unwrap();
    assert!(matches!(inbound.next().await, Some(Incoming::Notification(it)) if it.method == "notifications/echo"));
    child.close().await;
    assert_eq!(inbound.next().await, None);
}

#[tokio::test]
async fn the_end_before_the_answer_names_the_status_and_the_last_words() {
    // F60, for a child that leaves by itself.
    let child = spawn("read -r line; echo 'no such table: users' >&2; exit 3");
    let failure = failure(&child).await;
    assert!(failure.contains("exit status: 3"), "{failure}");
    assert!(failure.contains("no such table: users"), "{failure}");
    assert!(failure.contains("`sh -c"), "{failure}");
    let again = outcome(&child).await.unwrap_err();
    assert!(matches!(again, Error::Exited(exit) if exit.status.as_deref() == Some("exit status: 3")));
}

#[tokio::test]
async fn a_program_that_was_started_wrongly_may_say_so_on_its_standard_output() {
    let child = spawn("echo 'usage: server [--stdio]'; exit 2");
    let failure = failure(&child).await;
    assert!(failure.contains("(on stdout) usage: server [--stdio]"), "{failure}");
    assert_eq!(child.noise().lines, 1);
}

#[tokio::test]
async fn a_killed_child_fails_all_its_exchanges_at_once() {
    // F61.
    let child = spawn(format!("{READY} cat >/dev/null"));
    ready(&child).await;
    let waiting = [ask(&child).await.unwrap(), ask(&child).await.unwrap()];
    kill_process(Pid::from_raw(child.id().unwrap().try_into().unwrap()).unwrap(), Signal::KILL).unwrap();
    for exchange in waiting {
        let error = exchange.finish(drop).await.unwrap_err();
        assert!(
            matches!(error, Error::Exited(exit) if exit.status.as_deref().unwrap_or_default().contains("signal: 9"))
        );
    }
}

#[tokio::test]
async fn a_child_that_closes_its_output_and_lives_is_told_apart_from_one_that_ended() {
    // F62.
    let child = spawn("exec 1>&-; exec cat /dev/zero >/dev/null");
    let failure = failure(&child).await;
    assert!(failure.contains("closed its output"), "{failure}");
    child.close().await;
    group_is_gone(&child).await;
}

#[tokio::test]
async fn a_child_that_closes_its_input_may_still_have_answered() {
    let child =
        shell(format!("{ANSWER}; exec 0<&-; cat /dev/zero >/dev/null")).env("result", "a").spawn(&limits()).unwrap();
    assert_eq!(outcome(&child).await.unwrap(), r#"{"text":"a"}"#);
}

#[tokio::test]
async fn closing_ends_a_child_that_leaves_at_the_end_of_its_input() {
    let child = Command::new("cat").spawn(&Limits::default()).unwrap();
    child.close().await;
    group_is_gone(&child).await;
    assert!(matches!(outcome(&child).await, Err(Error::Closed)), "its end was our wish");
}

#[tokio::test]
async fn closing_kills_a_child_that_ignores_everything_else() {
    let child = spawn(format!("trap '' TERM; {READY} while :; do read -r line; done"));
    ready(&child).await;
    child.close().await;
    group_is_gone(&child).await;
}

#[tokio::test]
async fn dropping_a_child_kills_its_grandchildren() {
    // The wrapper that npx or uvx is.
    let child = spawn(format!("sh -c 'cat /dev/zero >/dev/null' & {READY} wait"));
    ready(&child).await;
    let group = Pid::from_raw(child.id().unwrap().try_into().unwrap()).unwrap();
    drop(child);
    while test_kill_process_group(group).is_ok() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_wrapper_that_ends_takes_what_it_wrapped_with_it() {
    // F62, F66: the grandchild holds the output open and would for ever.
    let child = spawn("cat /dev/zero >/dev/null & read -r line; exit 7");
    let failure = failure(&child).await;
    assert!(failure.contains("exit status: 7"), "{failure}");
    group_is_gone(&child).await;
}

#[tokio::test]
async fn a_flood_on_standard_error_blocks_nothing_and_its_end_is_kept() {
    // F23, F24.
    let flood = "head -c 3000000 /dev/urandom >&2; echo >&2; echo 'the end' >&2";
    let child = shell(format!("{flood}; {ANSWER}")).env("result", "a").spawn(&limits()).unwrap();
    assert_eq!(outcome(&child).await.unwrap(), r#"{"text":"a"}"#);
    let failure = failure(&child).await;
    assert!(failure.contains("the end"));
    assert!(failure.len() < 64 * 1024);
}

#[tokio::test]
async fn a_child_knows_of_our_environment_only_what_it_needs() {
    // F67. Cargo sets this variable for tests.
    assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some());
    let script = format!("result=\"${{CARGO_MANIFEST_DIR-none}} ${{PATH:+path}} $GIVEN\"; {ANSWER}");
    let child = shell(&script).env("GIVEN", "given").spawn(&limits()).unwrap();
    assert_eq!(outcome(&child).await.unwrap(), r#"{"text":"none path given"}"#);
    let child = shell(&script).inherit_env().spawn(&limits()).unwrap();
    assert!(!outcome(&child).await.unwrap().contains("none"));
}

#[tokio::test]
async fn a_child_starts_where_it_is_told_to() {
    let child = shell(format!("result=$(pwd); {ANSWER}")).current_dir("/").spawn(&limits()).unwrap();
    assert_eq!(outcome(&child).await.unwrap(), r#"{"text":"/"}"#);
}

#[tokio::test]
async fn what_cannot_be_started_is_explained() {
    // F65, F69.
    let why = |command: Command| command.spawn(&limits()).unwrap_err().to_string();
    let missing = why(Command::new("no-such-program"));
    assert!(missing.contains("`no-such-program`") && missing.contains("PATH ("), "{missing}");
    let missing = why(Command::new("/no/such/program"));
    assert!(missing.contains("there is no such file"), "{missing}");
    let forbidden = why(Command::new("/dev/null"));
    assert!(forbidden.contains("may execute"), "{forbidden}");
    let nowhere = why(Command::new("cat").current_dir("/no/such/directory"));
    assert!(nowhere.contains("no directory `/no/such/directory`"), "{nowhere}");
}

#[tokio::test]
async fn many_children_leave_nothing_behind() {
    // F64.
    for _ in 0..50 {
        let child = Command::new("cat").spawn(&limits()).unwrap();
        child.close().await;
        group_is_gone(&child).await;
    }
}
