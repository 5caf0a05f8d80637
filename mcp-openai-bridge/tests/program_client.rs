//! The client of the first seed with a real child process: a shell that says what it knows.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "it is part of tests, which clippy cannot see")]

use mcp_client::{Command, Revision};
use mcp_openai_bridge::client::{Error, McpClient};

/// Answers `initialize`, and says as its name which of three variables it has; then it listens until it is left.
const SERVER: &str = r#"
read -r line
id=$(printf '%s' "$line" | sed 's/.*"id":\([^,}]*\).*/\1/')
name="path:${PATH:+yes} mine:${MINE:-no} manifest:${CARGO_MANIFEST_DIR:-no}"
printf '{"jsonrpc":"2.0","id":%s,"result":{"protocolVersion":"2025-11-25","capabilities":{},"serverInfo":{"name":"%s","version":"1"}}}\n' "$id" "$name"
cat >/dev/null
"#;

/// Contract, *Security*: what this process knows of others is not for its children.
#[tokio::test]
async fn a_child_has_the_variables_that_it_needs_and_those_it_is_given_and_no_others() {
    assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some(), "a variable of this process that a child must not see");
    let command = Command::new("sh").args(["-c", SERVER]).env("MINE", "given");
    let client = McpClient::stdio(command).revisions([Revision::V2025_11_25]);
    let name = client.run_with_session(async |session| Ok::<_, Error>(session.server_info().unwrap().name)).await;
    assert_eq!(name.unwrap(), "path:yes mine:given manifest:no");
}

#[tokio::test]
async fn a_program_that_is_not_there_is_an_error_that_names_it() {
    let error = McpClient::stdio(Command::new("no-such-server-anywhere")).list_tools().await.unwrap_err();
    let Error::Server(error) = error else { panic!("{error}") };
    assert!(error.to_string().contains("no-such-server-anywhere"), "{error}");
}
