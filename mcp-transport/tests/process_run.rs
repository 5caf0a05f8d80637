//! What comes of a program that runs to its end: real processes, and no waiting but for what they do.

#![cfg(all(feature = "process", unix))]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use mcp_transport::Limits;
use mcp_transport::process::Command;
use rustix::process::{Pid, test_kill_process_group};

fn limits() -> Limits {
    Limits::default().child_eof(Duration::from_millis(300)).result_bytes(100_000)
}

fn shell(script: &str) -> Command {
    Command::new("sh").arg("-c").arg(script)
}

#[tokio::test]
async fn a_program_is_given_its_input_and_gives_its_output_and_its_end() {
    let finished = shell("tr a-z A-Z; echo oops >&2; exit 3").run(b"hello", &limits()).await.unwrap();
    assert_eq!((finished.stdout.as_slice(), finished.status.code()), (&b"HELLO"[..], Some(3)));
    assert_eq!(finished.stderr, ["oops"]);
}

#[tokio::test]
async fn a_program_that_does_not_read_its_input_is_not_waited_for() {
    let large = vec![b'x'; 1 << 20];
    let finished = shell("exec 0<&-; echo done").run(&large, &limits()).await.unwrap();
    assert_eq!(finished.stdout, b"done\n");
    let finished = shell("sleep 0; echo done").run(&large, &limits()).await.unwrap();
    assert_eq!(finished.stdout, b"done\n");
}

#[tokio::test]
async fn input_and_output_that_are_larger_than_a_pipe_do_not_block_each_other() {
    let large = vec![b'x'; 1 << 20];
    let finished = Command::new("cat").run(&large, &limits().result_bytes(2 << 20)).await.unwrap();
    assert_eq!(finished.stdout.len(), large.len());
}

#[tokio::test]
async fn more_output_than_is_allowed_ends_the_program() {
    let error = shell("yes").run(b"", &limits()).await.unwrap_err();
    assert!(error.to_string().contains("wrote more than 100000 bytes"), "{error}");
}

#[tokio::test]
async fn what_a_program_leaves_in_the_background_is_ended_with_it() {
    let finished = shell("sleep 1000 & echo $$").run(b"", &limits()).await.unwrap();
    let group = String::from_utf8(finished.stdout).unwrap().trim().parse().ok().and_then(Pid::from_raw).unwrap();
    while test_kill_process_group(group).is_ok() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn dropping_the_run_kills_the_program_and_all_that_it_started() {
    let file = std::env::temp_dir().join(format!("process_run_{}", std::process::id()));
    let script = format!("sleep 1000 & echo $$ > {0}.part; mv {0}.part {0}; wait", file.display());
    let limits = limits();
    let command = shell(&script);
    let mut run = Box::pin(command.run(b"", &limits));
    let group = loop {
        // The program tells its id by a file, because its output is only given at its end.
        tokio::select! {
            _ = &mut run => panic!("it ended"),
            () = tokio::task::yield_now() => {}
        }
        if let Ok(id) = std::fs::read_to_string(&file) {
            break id.trim().parse().ok().and_then(Pid::from_raw).unwrap();
        }
    };
    drop(run);
    std::fs::remove_file(&file).unwrap();
    while test_kill_process_group(group).is_ok() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_program_that_is_not_there_is_named() {
    let error = Command::new("no-such-program").run(b"", &limits()).await.unwrap_err();
    assert!(
        error.to_string().starts_with("cannot start `no-such-program`: there is no such program in PATH"),
        "{error}"
    );
}
