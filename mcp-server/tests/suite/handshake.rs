//! Who the server is and what it offers, in both eras (V-10 to V-38, T-62).

use mcp_server::types::Revision;
use mcp_server::{Changes, Prompt, Resource, Server, Tool, implementation};
use serde_json::json;

use crate::kit::{Client, clients, legacy, modern};

fn server() -> Server {
    Server::builder(implementation!())
        .instructions("Be nice.")
        .tool(Tool::new("hello", async || "hello"))
        .build()
        .unwrap()
}

#[tokio::test]
async fn v_11_a_served_legacy_revision_is_echoed_and_any_other_gets_the_latest_legacy_one() {
    for (asked, answered) in [
        ("2024-11-05", "2024-11-05"),
        ("2025-03-26", "2025-03-26"),
        ("2025-06-18", "2025-06-18"),
        ("2025-11-25", "2025-11-25"),
        ("2026-07-28", "2025-11-25"),
        ("1.0", "2025-11-25"),
    ] {
        let client = legacy(&server()).await;
        let hello = json!({"protocolVersion": asked, "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}});
        let (call, _outbox) = client.start("initialize", hello);
        let answer = mcp_transport::Service::call(&server(), call).await.unwrap();
        let result: serde_json::Value = answer.decode().unwrap();
        assert_eq!(result["protocolVersion"], answered, "asked for {asked}");
    }
}

#[tokio::test]
async fn v_23_initialize_says_who_the_server_is_and_stays_free_of_modern_members() {
    let client = legacy(&server()).await;
    let hello =
        json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}});
    let result = client.ok("initialize", hello).await;
    assert_eq!(
        result,
        json!({
            "protocolVersion": "2025-11-25",
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "mcp-server", "version": env!("CARGO_PKG_VERSION")},
            "instructions": "Be nice."
        })
    );
}

#[tokio::test]
async fn v_20_ping_is_answered_with_an_empty_object() {
    for revision in Revision::ALL.into_iter().filter(|revision| *revision != Revision::V2026_07_28) {
        let client = Client::new(&server(), revision).await;
        assert_eq!(client.ok("ping", json!({})).await, json!({}));
    }
}

#[tokio::test]
async fn v_34_discover_lists_modern_versions_capabilities_and_identity() {
    let result = modern(&server()).await.ok("server/discover", json!({})).await;
    assert_eq!(
        result,
        json!({
            "supportedVersions": ["2026-07-28"],
            "capabilities": {"tools": {}},
            "instructions": "Be nice.",
            "ttlMs": 0,
            "cacheScope": "private",
            "resultType": "complete",
            "_meta": {
                "io.modelcontextprotocol/serverInfo": {"name": "mcp-server", "version": env!("CARGO_PKG_VERSION")}
            }
        })
    );
}

#[tokio::test]
async fn v_36_a_server_without_legacy_revisions_names_its_versions_to_initialize() {
    let server = Server::builder(implementation!()).revisions([Revision::V2026_07_28]).build().unwrap();
    let session = std::sync::Arc::new(mcp_transport::era::legacy::Session::new());
    let text = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"x","version":"1"}}}"#;
    let Ok(mcp_server::types::Message::Request(request)) = mcp_server::types::Message::parse(text) else { panic!() };
    let (notifier, _outbox) = mcp_transport::outbox(&mcp_server::Limits::default());
    let call = mcp_transport::Call::new(request, mcp_transport::Caller::legacy(session), notifier);
    let error = mcp_transport::Service::call(&server, call).await.unwrap_err();
    assert_eq!(error.code.0, -32022);
    let data: serde_json::Value = error.data.unwrap().decode().unwrap();
    assert_eq!(data, json!({"supported": ["2026-07-28"], "requested": "2025-06-18"}));
}

#[tokio::test]
async fn v_32_a_server_without_modern_revisions_refuses_them_with_its_versions() {
    let server = Server::builder(implementation!()).revisions([Revision::V2025_11_25]).build().unwrap();
    let error = modern(&server).await.error("server/discover", json!({})).await;
    assert_eq!(error.code.0, -32022);
}

#[tokio::test]
async fn t_62_capabilities_are_what_is_registered() {
    let empty = Server::builder(implementation!()).build().unwrap();
    let discovered = modern(&empty).await.ok("server/discover", json!({})).await;
    assert_eq!(discovered["capabilities"], json!({}));

    let changes = Changes::new();
    let full = Server::builder(implementation!())
        .tool(Tool::new("t", async || ()))
        .resource(Resource::text("a:b", "r", "text"))
        .prompt(Prompt::new("p", async || "text"))
        .logging()
        .changes(changes)
        .extension("com.example/x", json!({"a": 1}))
        .build()
        .unwrap();
    let discovered = modern(&full).await.ok("server/discover", json!({})).await;
    assert_eq!(
        discovered["capabilities"],
        json!({
            "tools": {"listChanged": true},
            "resources": {"listChanged": true, "subscribe": true},
            "prompts": {"listChanged": true},
            "logging": {},
            "extensions": {"com.example/x": {"a": 1}}
        })
    );
}

#[tokio::test]
async fn t_11_a_method_whose_capability_is_not_offered_does_not_exist() {
    let empty = Server::builder(implementation!()).build().unwrap();
    for client in clients(&empty).await {
        for (method, params) in [
            ("tools/list", json!({})),
            ("tools/call", json!({"name": "x"})),
            ("resources/list", json!({})),
            ("resources/templates/list", json!({})),
            ("resources/read", json!({"uri": "a:b"})),
            ("prompts/list", json!({})),
            ("prompts/get", json!({"name": "x"})),
            (
                "completion/complete",
                json!({"ref": {"type": "ref/prompt", "name": "x"}, "argument": {"name": "a", "value": ""}}),
            ),
            ("no/such/method", json!({})),
        ] {
            assert_eq!(client.error(method, params).await.code.0, -32601, "{method}");
        }
    }
    let old = legacy(&empty).await;
    assert_eq!(old.error("logging/setLevel", json!({"level": "debug"})).await.code.0, -32601);
    assert_eq!(old.error("resources/subscribe", json!({"uri": "a:b"})).await.code.0, -32601);
    let new = modern(&empty).await;
    assert_eq!(new.error("subscriptions/listen", json!({"notifications": {}})).await.code.0, -32601);
}

#[tokio::test]
async fn p_42_legacy_subscriptions_are_answered_with_an_empty_object_when_they_are_offered() {
    let server = Server::builder(implementation!())
        .resource(Resource::text("a:b", "r", "text"))
        .changes(Changes::new())
        .build()
        .unwrap();
    let client = legacy(&server).await;
    assert_eq!(client.ok("resources/subscribe", json!({"uri": "a:b"})).await, json!({}));
    assert_eq!(client.ok("resources/unsubscribe", json!({"uri": "a:b"})).await, json!({}));
}

#[tokio::test]
async fn t_43_legacy_results_have_no_modern_members() {
    for client in clients(&server()).await {
        let modern = client.features().has(mcp_server::types::Features::RESULT_TYPE);
        for (method, params) in [("tools/list", json!({})), ("tools/call", json!({"name": "hello"}))] {
            let result = client.ok(method, params).await;
            assert_eq!(result.get("resultType").is_some(), modern, "{method}");
            assert_eq!(result.get("_meta").is_some(), modern, "{method}");
            assert_eq!(result.get("ttlMs").is_some(), modern && method == "tools/list", "{method}");
        }
    }
}

#[tokio::test]
async fn t_28_what_a_client_says_of_itself_reaches_the_handler() {
    let server = Server::builder(implementation!())
        .tool(Tool::new("who", async |cx: mcp_server::Cx| {
            let name = cx.client_info().map(|info| info.name);
            format!("{} {:?}", cx.revision(), name)
        }))
        .build()
        .unwrap();
    let named = legacy(&server).await.tool("who", json!({})).await;
    assert_eq!(crate::kit::text(&named), "2025-11-25 Some(\"kit\")");
    let client = Client::new(&server, Revision::V2026_07_28).await;
    assert_eq!(crate::kit::text(&client.tool("who", json!({})).await), "2026-07-28 None");
    let client = client.meta("io.modelcontextprotocol/clientInfo", json!({"name": "new", "version": "2"}));
    assert_eq!(crate::kit::text(&client.tool("who", json!({})).await), "2026-07-28 Some(\"new\")");
}
