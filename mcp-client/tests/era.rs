//! How a client finds out what a server speaks, over a pipe and over a transport of HTTP (V-10 to V-68, digest 2.6).

#![allow(clippy::unwrap_used, reason = "it is all test")]

mod support;

use mcp_client::types::Era;
use mcp_client::{Client, EraMode, Error, Implementation, Limits, Revision, Target};
use mcp_transport::{Error as WireError, HttpFailure};
use serde_json::json;
use support::{DISCOVERED, INITIALIZED, http_legacy, legacy, modern, pipe, value, wire};

fn builder(mode: EraMode) -> mcp_client::ClientBuilder {
    Client::builder(Implementation::new("tester", "7")).era(mode)
}

#[tokio::test]
async fn a_modern_server_is_asked_what_it_is_and_nothing_else() {
    let (client, server) = modern().await;
    assert_eq!(client.revision(), Revision::V2026_07_28);
    assert_eq!(client.server_info().unwrap().name, "scripted");
    assert_eq!(client.instructions().as_deref(), Some("be kind"));
    assert!(client.capabilities().unwrap().tools.is_some());
    let ((), left) = tokio::join!(client.close(), server.was_left());
    assert!(left);
}

#[tokio::test]
async fn a_legacy_server_is_initialized_on_the_same_pipe() {
    let (client, server) = legacy().await;
    assert_eq!(client.revision(), Revision::V2025_11_25);
    assert_eq!(client.revision().era(), Era::Legacy);
    assert_eq!(client.server_info().unwrap().name, "scripted");
    let ((), left) = tokio::join!(client.close(), server.was_left());
    assert!(left);
}

#[tokio::test]
async fn the_probe_is_itself_a_modern_request_and_names_its_sender() {
    let (target, mut server) = pipe();
    let connect = builder(EraMode::Auto).connect(target);
    let (client, ()) = tokio::join!(connect, async {
        let request = server.expect("server/discover").await;
        let meta = &request["params"]["_meta"];
        assert_eq!(meta["io.modelcontextprotocol/protocolVersion"], "2026-07-28");
        assert_eq!(meta["io.modelcontextprotocol/clientCapabilities"], json!({}));
        assert_eq!(meta["io.modelcontextprotocol/clientInfo"], json!({"name": "tester", "version": "7"}));
        server.reply(&request, &value(DISCOVERED)).await;
    });
    assert_eq!(client.unwrap().revision().era(), Era::Modern);
}

#[tokio::test(start_paused = true)]
async fn a_silent_server_is_initialized_after_the_probe_timeout_and_its_late_answer_is_dropped() {
    let (target, mut server) = pipe();
    let begun = tokio::time::Instant::now();
    let (client, ()) = tokio::join!(Client::connect(target), async {
        let probe = server.expect("server/discover").await;
        let mut request = server.receive().await;
        if request["method"] == "notifications/cancelled" {
            request = server.receive().await;
        }
        assert_eq!(request["method"], "initialize");
        assert_eq!(begun.elapsed(), Limits::default().probe_timeout);
        server.reply(&probe, &value(DISCOVERED)).await;
        server.reply(&request, &value(INITIALIZED)).await;
        server.expect("notifications/initialized").await;
    });
    let client = client.unwrap();
    assert_eq!(client.revision(), Revision::V2025_11_25);

    let (pinged, ()) = tokio::join!(client.ping(), async {
        let request = server.expect("ping").await;
        server.reply(&request, &json!({})).await;
    });
    pinged.unwrap();
}

#[tokio::test]
async fn a_server_that_rejects_the_first_request_and_names_the_same_version_is_asked_again() {
    let (target, mut server) = pipe();
    let (client, ()) = tokio::join!(Client::connect(target), async {
        let first = server.expect("server/discover").await;
        let data = json!({"supported": ["2026-07-28"], "requested": "2026-07-28"});
        server.refuse(&first, -32022, Some(data)).await;
        let second = server.expect("server/discover").await;
        assert_ne!(first["id"], second["id"], "a retry is a new request");
        server.reply(&second, &value(DISCOVERED)).await;
    });
    assert_eq!(client.unwrap().revision(), Revision::V2026_07_28);
}

#[tokio::test]
async fn a_version_error_of_a_later_request_is_answered_by_one_retry() {
    let (client, mut server) = modern().await;
    let data = json!({"supported": ["2026-07-28"], "requested": "2026-07-28"});
    let (result, ()) = tokio::join!(client.call_tool("t", ()), async {
        for _ in 0..2 {
            let request = server.expect("tools/call").await;
            server.refuse(&request, -32022, Some(data.clone())).await;
        }
    });
    assert_eq!(result.unwrap_err().rpc().unwrap().code.0, -32022);
}

#[tokio::test]
async fn legacy_mode_sends_initialize_first_with_the_latest_legacy_version() {
    let (target, mut server) = pipe();
    let (client, ()) = tokio::join!(builder(EraMode::Legacy).connect(target), async {
        let request = server.expect("initialize").await;
        let params = json!({
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": {"name": "tester", "version": "7"},
        });
        assert_eq!(request["params"], params);
        server.reply(&request, &value(INITIALIZED)).await;
        server.expect("notifications/initialized").await;
    });
    assert_eq!(client.unwrap().revision(), Revision::V2025_11_25);
}

#[tokio::test]
async fn a_modern_client_fails_on_a_legacy_server_with_a_typed_error() {
    let (target, mut server) = pipe();
    let (client, ()) = tokio::join!(builder(EraMode::Modern).connect(target), server.refuse_discover());
    let Err(Error::Unsupported(unsupported)) = client else { panic!("{client:?}") };
    assert_eq!(unsupported.wanted, [Revision::V2026_07_28]);
    assert!(server.was_left().await, "what was opened is closed again");
}

#[tokio::test]
async fn a_legacy_client_fails_on_a_modern_server_with_an_error_that_names_the_versions() {
    let (target, mut server) = pipe();
    let (client, ()) = tokio::join!(builder(EraMode::Legacy).connect(target), async {
        let request = server.expect("initialize").await;
        let data = json!({"supported": ["2026-07-28"], "requested": "2025-11-25"});
        server.refuse(&request, -32022, Some(data)).await;
    });
    let error = client.unwrap_err().to_string();
    assert!(error.contains("server speaks 2026-07-28"), "{error}");
}

#[tokio::test]
async fn a_server_may_answer_initialize_with_an_older_version() {
    let (target, mut server) = pipe();
    let (client, ()) = tokio::join!(builder(EraMode::Legacy).connect(target), async {
        let request = server.expect("initialize").await;
        server.reply(&request, &value(&INITIALIZED.replace("2025-11-25", "2024-11-05"))).await;
        server.expect("notifications/initialized").await;
    });
    assert_eq!(client.unwrap().revision(), Revision::V2024_11_05);
}

#[tokio::test]
async fn a_known_modern_revision_saves_the_probe() {
    let (target, mut server) = pipe();
    let client = builder(EraMode::Auto).known_revision(Revision::V2026_07_28).connect(target).await.unwrap();
    assert_eq!(client.capabilities(), None);
    let (tools, ()) = tokio::join!(client.list_tools(), async {
        let request = server.expect("tools/list").await;
        server.reply(&request, &json!({"resultType": "complete", "tools": []})).await;
    });
    assert_eq!(tools.unwrap(), []);
}

#[tokio::test]
async fn a_known_revision_that_is_wrong_is_followed_by_the_probe_and_the_request_is_asked_again() {
    let (target, mut server) = pipe();
    let client = builder(EraMode::Auto).known_revision(Revision::V2026_07_28).connect(target).await.unwrap();
    let (called, ()) = tokio::join!(client.call_tool("t", ()), async {
        let request = server.expect("tools/call").await;
        server.refuse(&request, -32600, None).await;
        server.refuse_discover().await;
        server.initialize().await;
        let request = server.expect("tools/call").await;
        assert_eq!(request["params"], json!({"name": "t"}), "in the words of the legacy era");
        server.reply(&request, &json!({"content": []})).await;
    });
    called.unwrap();
    assert_eq!(client.revision(), Revision::V2025_11_25);
}

#[tokio::test]
async fn a_known_revision_that_is_right_leaves_a_refusal_as_it_is() {
    let (target, mut server) = pipe();
    let client = builder(EraMode::Auto).known_revision(Revision::V2026_07_28).connect(target).await.unwrap();
    let (called, ()) = tokio::join!(client.call_tool("t", ()), async {
        let request = server.expect("tools/call").await;
        server.refuse(&request, -32601, None).await;
        server.discover().await;
    });
    assert_eq!(called.unwrap_err().rpc().unwrap().code.0, -32601);
    assert!(client.capabilities().is_some(), "what the probe found is kept");
}

#[tokio::test]
async fn a_known_legacy_revision_is_the_one_asked_for() {
    let (target, mut server) = pipe();
    let connect = builder(EraMode::Auto).known_revision(Revision::V2025_06_18).connect(target);
    let (client, ()) = tokio::join!(connect, async {
        let request = server.expect("initialize").await;
        assert_eq!(request["params"]["protocolVersion"], "2025-06-18");
        server.reply(&request, &value(&INITIALIZED.replace("2025-11-25", "2025-06-18"))).await;
        server.expect("notifications/initialized").await;
    });
    assert_eq!(client.unwrap().revision(), Revision::V2025_06_18);
}

#[tokio::test]
async fn a_pipe_that_closes_on_the_probe_is_an_error_at_once() {
    let (target, server) = pipe();
    drop(server);
    assert!(matches!(Client::connect(target).await, Err(Error::Closed)));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_answers_nothing_at_all_fails_the_handshake_with_its_deadline() {
    let (target, mut server) = pipe();
    let error = Client::connect(target).await.unwrap_err();
    assert!(error.is_timeout());
    assert_eq!(error.to_string(), "no answer and no progress within 60s while waiting for the answer to `initialize`");
    let mut withdrawn = Vec::new();
    let mut sent = Vec::new();
    while let Some(message) = server.next().await {
        match message["method"].as_str() {
            Some("notifications/cancelled") => withdrawn.push(message["params"]["requestId"].clone()),
            _ => sent.push(message),
        }
    }
    let methods: Vec<&str> = sent.iter().filter_map(|message| message["method"].as_str()).collect();
    assert_eq!(methods, ["server/discover", "initialize"]);
    assert!(!withdrawn.contains(&sent[1]["id"]), "`initialize` must not be cancelled (V-17)");
}

#[tokio::test]
async fn over_http_missing_credentials_are_reported_and_are_no_evidence() {
    let (wire, mut desk) = wire();
    let (client, ()) = tokio::join!(Client::connect(Target::http_transport(wire)), async {
        let failure = HttpFailure::new(401, "http://127.0.0.1/mcp");
        desk.expect("server/discover").await.fail(WireError::Http(failure));
    });
    assert!(client.unwrap_err().is_unauthorized());
    assert!(desk.is_idle());
}

#[tokio::test]
async fn over_http_the_transport_learns_the_version_after_the_handshake_and_before_the_next_message() {
    let (_client, desk) = http_legacy().await;
    assert_eq!(*desk.said.lock().unwrap(), ["settle 2025-11-25", "notifications/initialized"]);
}

#[tokio::test(start_paused = true)]
async fn where_there_is_nothing_to_fall_back_to_the_probe_has_the_deadline_of_any_request() {
    let (target, mut server) = pipe();
    let begun = tokio::time::Instant::now();
    let (client, _probe) = tokio::join!(builder(EraMode::Modern).connect(target), server.expect("server/discover"));
    assert!(client.unwrap_err().is_timeout());
    assert_eq!(begun.elapsed(), Limits::default().request_timeout);
}

#[tokio::test(start_paused = true)]
async fn over_http_the_probe_has_its_own_deadline() {
    let (wire, mut desk) = wire();
    let (client, ()) = tokio::join!(Client::connect(Target::http_transport(wire)), async {
        let asked = desk.expect("server/discover").await;
        assert_eq!(asked.request.patience.total, Limits::default().http_probe_timeout);
        assert_eq!(asked.request.revision, Some(Revision::V2026_07_28), "the header repeats the version");
        asked.fail(WireError::TimedOut(mcp_client::Deadline::Total(Limits::default().http_probe_timeout)));
    });
    assert!(client.unwrap_err().is_timeout());
}

#[tokio::test]
async fn no_revision_to_speak_is_an_error_of_the_configuration() {
    let (target, _server) = pipe();
    let connect = builder(EraMode::Modern).revisions([Revision::V2025_11_25]).connect(target);
    assert!(matches!(connect.await, Err(Error::Config(_))));
}

#[tokio::test]
async fn a_header_for_a_pipe_is_an_error_of_the_configuration_that_keeps_the_secret() {
    let (target, _server) = pipe();
    let configured = builder(EraMode::Auto).bearer_token("hunter2");
    assert!(!format!("{configured:?}").contains("hunter2"));
    let error = configured.connect(target).await.unwrap_err();
    assert!(matches!(error, Error::Config(_)));
    assert!(!format!("{error} {error:?}").contains("hunter2"));
}
