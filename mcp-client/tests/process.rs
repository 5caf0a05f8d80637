//! Servers that are child processes (V-61, S-7, F60, F61); the children are shell scripts of a few lines.

#![cfg(all(unix, feature = "process"))]
#![allow(clippy::unwrap_used, reason = "it is all test")]

use std::time::Duration;

use mcp_client::types::SubscriptionFilter;
use mcp_client::{Change, Client, Command, EraMode, Error, Implementation, Limits, Revision};

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

/// Speaks both eras, and ends when a tool is called or a subscription is opened.
const MORTAL: &str = r#"
while read -r line; do
  id=${line#*\"id\":}; id=${id%%[,\}]*}
  answer() { echo "{\"jsonrpc\":\"2.0\",\"id\":$id,\"result\":{$1}}"; }
  case "$line" in
    *'"server/discover"'*)
      answer '"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{"listChanged":true}}' ;;
    *'"initialize"'*)
      answer '"protocolVersion":"2025-06-18","capabilities":{"tools":{"listChanged":true}},"serverInfo":{"name":"sh","version":"1"}' ;;
    *'"tools/list"'*) answer '"resultType":"complete","tools":[]' ;;
    *'"tools/call"'*) echo "out of memory" >&2; exit 9 ;;
    *'"subscriptions/listen"'*)
      echo "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/subscriptions/acknowledged\",\"params\":{\"notifications\":{\"toolsListChanged\":true},\"_meta\":{\"io.modelcontextprotocol/subscriptionId\":$id}}}"
      exit 0 ;;
  esac
done
"#;

async fn mortal(era: EraMode) -> Client {
    let limits = Limits::default().reconnect_min(Duration::from_millis(2));
    let builder = Client::builder(Implementation::new("t", "1")).era(era).limits(limits);
    builder.connect(shell(MORTAL)).await.unwrap()
}

#[tokio::test]
async fn what_a_child_dies_of_fails_with_its_last_words_and_the_next_request_finds_another_s_7() {
    for era in [EraMode::Modern, EraMode::Legacy] {
        let client = mortal(era).await;
        for _ in 0..2 {
            let error = client.call_tool("eat", ()).await.unwrap_err();
            let Error::Exited(exit) = &error else { panic!("{error}") };
            assert_eq!(exit.stderr, ["out of memory"]);
            assert_eq!(client.list_tools().await.unwrap(), []);
        }
        client.close().await;
    }
}

#[tokio::test]
async fn a_child_that_dies_five_times_in_a_row_is_left_alone_for_a_while_f61() {
    let client = mortal(EraMode::Modern).await;
    for _ in 0..5 {
        assert!(matches!(client.call_tool("eat", ()).await, Err(Error::Exited(_))));
    }
    let error = client.call_tool("eat", ()).await.unwrap_err();
    assert!(matches!(error, Error::Environment(_)), "{error}");
    assert!(error.to_string().contains("again and again"), "{error}");
}

#[tokio::test]
async fn a_subscription_is_sent_to_the_child_that_comes_after_s_7() {
    let client = mortal(EraMode::Modern).await;
    let mut changes = client.listen(SubscriptionFilter::new().tools_list_changed(true)).await.unwrap();
    assert_eq!(changes.next().await.unwrap().unwrap(), Change::Missed);
    drop(changes);
    client.close().await;
}

#[tokio::test]
async fn a_client_that_was_closed_starts_nothing_again() {
    let client = mortal(EraMode::Modern).await;
    client.clone().close().await;
    assert!(client.list_tools().await.unwrap_err().is_closed());
}

#[cfg(feature = "tls")]
#[tokio::test]
async fn what_is_trusted_over_https_is_nothing_for_a_child() {
    let builder = Client::builder(mcp_client::implementation!()).tls(mcp_client::Tls::platform());
    let error = builder.connect(shell(FRAGILE)).await.unwrap_err();
    assert!(matches!(error, Error::Config(_)), "{error}");
}
