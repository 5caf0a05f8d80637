//! Servers that are child processes (V-61, F60); the children are shell scripts of a few lines.

#![cfg(all(unix, feature = "process"))]
#![allow(clippy::unwrap_used, reason = "it is all test")]

use mcp_client::{Client, Command, EraMode, Error, Implementation, Revision};

/// Answers every request of a legacy session, and ends when anything comes before `initialize`.
const FRAGILE: &str = r#"
ready=
while read -r line; do
  id=${line#*\"id\":}; id=${id%%[,\}]*}
  case "$line" in
    *'"initialize"'*) ready=yes
      echo "{\"jsonrpc\":\"2.0\",\"id\":$id,\"result\":{\"protocolVersion\":\"2025-06-18\",\"capabilities\":{\"tools\":{}},\"serverInfo\":{\"name\":\"sh\",\"version\":\"1\"}}}" ;;
    *'"tools/list"'*)
      echo "{\"jsonrpc\":\"2.0\",\"id\":$id,\"result\":{\"tools\":[]}}" ;;
    *) test "$ready" || { echo "what is this?" >&2; exit 3; } ;;
  esac
done
"#;

fn shell(script: &str) -> Command {
    Command::new("sh").arg("-c").arg(script)
}

#[tokio::test]
async fn a_child_that_exits_on_the_probe_is_started_again_and_serves() {
    let client = Client::connect(shell(FRAGILE)).await.unwrap();
    assert_eq!(client.revision(), Revision::V2025_06_18);
    assert_eq!(client.list_tools().await.unwrap(), []);
    client.close().await;
}

#[tokio::test]
async fn a_child_that_always_exits_is_an_error_with_its_status_and_last_words() {
    let error = Client::connect(shell("read -r line; echo 'no licence' >&2; exit 3")).await.unwrap_err();
    let Error::Exited(exit) = &error else { panic!("{error}") };
    assert!(exit.status.as_deref().is_some_and(|status| status.contains('3')), "{exit:?}");
    assert_eq!(exit.stderr, ["no licence"]);
    assert!(error.to_string().contains("no licence"), "{error}");
}

#[tokio::test]
async fn in_modern_mode_a_child_that_exits_is_not_started_again() {
    let builder = Client::builder(Implementation::new("t", "1")).era(EraMode::Modern);
    let error = builder.connect(shell(FRAGILE)).await.unwrap_err();
    assert!(matches!(error, Error::Exited(_)), "{error}");
}

#[tokio::test]
async fn a_program_that_does_not_exist_is_named() {
    let error = Client::connect(Command::new("no-such-program-anywhere")).await.unwrap_err();
    assert!(error.to_string().contains("no-such-program-anywhere"), "{error}");
}
