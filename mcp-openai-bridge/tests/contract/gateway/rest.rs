//! Plain HTTP in LiteLLM's shapes, with statuses that tell the truth (bridges 1.7).

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use mcp_client::Client;
use mcp_openai_bridge::gateway::Gateway;
use mcp_openai_bridge::servers::Upstream;
use mcp_server::types::{ContentBlock, RawJson, RpcError, implementation};
use mcp_server::{Changes, Cx, Server, Tool};
use serde_json::{Value, json};

use super::kit::{Counted, gateway, get, post, send};

fn lab() -> Server {
    let schema = json!({"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]});
    let anything = || json!({"type": "object"});
    Server::builder(implementation!())
        .changes(Changes::new())
        .tool(Tool::raw("echo", schema, async |arguments: RawJson, _: Cx| {
            arguments.decode::<Value>().unwrap()["text"].as_str().unwrap().to_owned()
        }))
        .tool(Tool::raw("fail", anything(), async |_: RawJson, _: Cx| Err::<(), _>("it broke")))
        .tool(Tool::raw("internal", anything(), async |_: RawJson, _: Cx| {
            Err::<(), _>(RpcError::internal("out of order"))
        }))
        .tool(Tool::raw("picture", anything(), async |_: RawJson, _: Cx| ContentBlock::image("aGk=", "image/png")))
        .tool(Tool::raw("secret_key", anything(), async |_: RawJson, _: Cx| "never"))
        .build()
        .unwrap()
}

async fn with_lab() -> (Gateway, Counted) {
    let lab = Counted::new(lab());
    let upstream = lab.upstream("lab").deny(["secret_*"]);
    let file = "
mcp_servers:
  lab:
    url: http://127.0.0.1:1/mcp
    description: The laboratory
    disallowed_tools: [secret_key]
    mcp_info:
      mcp_server_cost_info: {default_cost_per_query: 0.01}
";
    (gateway(file, [upstream]).await, lab)
}

#[tokio::test]
async fn the_endpoints_of_the_document_list_tools_in_the_shape_of_litellm_fault_0_1() {
    let (gateway, _) = with_lab().await;
    let listed = get(&gateway, "/mcp-rest/tools/list").await;
    let body = listed.json();
    assert_eq!(listed.status, 200);
    assert_eq!((&body["error"], &body["message"]), (&Value::Null, &json!("Successfully retrieved tools")));
    assert_eq!(body["server_outcomes"], json!({"lab": {"status": "ok", "tool_count": 4}}));
    let names: Vec<_> = body["tools"].as_array().unwrap().iter().map(|tool| tool["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["echo", "fail", "internal", "picture"]);
    let info = json!({
        "server_name": "lab", "server_id": "lab", "alias": "lab", "description": "The laboratory",
        "mcp_server_cost_info": {"default_cost_per_query": 0.01},
    });
    assert_eq!(body["tools"][0]["mcp_info"], info);
    assert_eq!(body["tools"][0]["inputSchema"]["required"], json!(["text"]));
    // The paths of the document say the same, by either method.
    for target in [
        "/mcp/list_tools",
        "/mcp/list_tools/",
        "/mcp-rest/tools/list?server_id=lab",
        "/mcp/list_tools?mcp_server_name=lab",
    ] {
        assert_eq!(get(&gateway, target).await.json(), body, "{target}");
    }
    for sent in ["", "{}", r#"{"server_id": "lab"}"#] {
        assert_eq!(post(&gateway, "/mcp/list_tools", sent).await.json(), body, "{sent}");
    }
}

#[tokio::test]
async fn a_call_is_answered_in_the_shape_of_litellm_and_costs_one_request() {
    let (gateway, lab) = with_lab().await;
    get(&gateway, "/mcp/list_tools").await;
    lab.taken();
    let expected = r#"{"content":[{"type":"text","text":"hi","annotations":null,"_meta":null}],"_meta":null,"structuredContent":null,"isError":false,"resultType":"complete"}"#;
    let expected: Value = serde_json::from_str(expected).unwrap();
    for target in ["/mcp-rest/tools/call", "/mcp/call_tool", "/mcp/call_tool/"] {
        for sent in [
            r#"{"server_id":"lab","name":"echo","arguments":{"text":"hi"}}"#,
            r#"{"server_id":"lab","name":"lab-echo","arguments":{"text":"hi"}}"#,
            r#"{"mcp_server_name":"lab","name":"echo","arguments":{"text":"hi"}}"#,
            r#"{"name":"echo","arguments":{"text":"hi"}}"#,
            r#"{"name":"lab-echo","arguments":{"text":"hi"}}"#,
        ] {
            let called = post(&gateway, target, sent).await;
            assert_eq!((called.status, called.json()), (200, expected.clone()), "{target} {sent}");
            assert_eq!(Vec::from_iter(lab.taken()), [("tools/call".to_owned(), 1)], "{target} {sent}");
        }
    }
}

#[tokio::test]
async fn a_tool_that_failed_is_a_result_and_a_picture_stays_one() {
    let (gateway, _) = with_lab().await;
    let failed = post(&gateway, "/mcp/call_tool", r#"{"name":"fail"}"#).await;
    assert_eq!((failed.status, &failed.json()["isError"]), (200, &json!(true)));
    assert!(failed.json()["content"][0]["text"].as_str().unwrap().contains("it broke"));
    let picture = post(&gateway, "/mcp/call_tool", r#"{"name":"picture","arguments":null}"#).await;
    assert_eq!(picture.json()["content"][0]["mimeType"], "image/png");
}

#[tokio::test]
async fn every_wrong_request_has_the_status_it_deserves() {
    let (gateway, lab) = with_lab().await;
    get(&gateway, "/mcp/list_tools").await;
    lab.taken();
    let check = async |body: &str, status: u16, error: &str| {
        for target in ["/mcp/call_tool", "/mcp-rest/tools/call"] {
            let got = post(&gateway, target, body).await;
            assert_eq!((got.status, got.error().as_str()), (status, error), "{target} {body} {got:?}");
            assert!(got.json()["detail"]["message"].as_str().is_some_and(|message| !message.is_empty()));
        }
        assert!(lab.taken().is_empty(), "nothing reaches the server: {body}");
    };
    check("", 400, "invalid_json").await;
    check("{", 400, "invalid_json").await;
    check("[]", 422, "invalid_request").await;
    check("{}", 400, "missing_parameter").await;
    check(r#"{"name":7}"#, 422, "invalid_request").await;
    check(r#"{"server_id":"lab"}"#, 400, "missing_parameter").await;
    check(r#"{"name":"nope"}"#, 404, "tool_not_found").await;
    check(r#"{"server_id":"lab","name":"nope"}"#, 404, "tool_not_found").await;
    check(r#"{"server_id":"nowhere","name":"echo"}"#, 404, "server_not_found").await;
    check(r#"{"server_id":"lab","name":"secret_key"}"#, 403, "tool_not_allowed").await;
    check(r#"{"name":"lab-secret_key"}"#, 403, "tool_not_allowed").await;
    check(r#"{"name":"echo","arguments":"{\"text\":\"hi\"}"}"#, 422, "invalid_request").await;
    check(r#"{"name":"echo","arguments":[]}"#, 422, "invalid_request").await;
    check(r#"{"name":"echo","arguments":{"text":1}}"#, 422, "invalid_arguments").await;
    check(r#"{"name":"echo"}"#, 422, "invalid_arguments").await;
    check(r#"{"name":"echo","name":"fail"}"#, 422, "invalid_request").await;
    let unknown = post(&gateway, "/mcp/call_tool", r#"{"name":"ehco"}"#).await;
    assert!(unknown.text.contains("did you mean `echo`?"), "{unknown:?}");
    let faults = post(&gateway, "/mcp/call_tool", r#"{"name":"echo","arguments":{}}"#).await.json();
    assert_eq!(faults["detail"]["faults"].as_array().map(Vec::len), Some(1), "{faults}");
}

#[tokio::test]
async fn a_path_takes_its_methods_and_nothing_else() {
    let (gateway, _) = with_lab().await;
    let check = async |method: &str, target: &str, status: u16, allow: Option<&str>| {
        let got = send(&gateway, Request::builder().method(method).uri(target).body(Bytes::new()).unwrap()).await;
        assert_eq!((got.status, got.allow.as_deref()), (status, allow), "{method} {target}");
    };
    check("PUT", "/mcp/list_tools", 405, Some("GET, POST")).await;
    check("POST", "/mcp-rest/tools/list", 405, Some("GET")).await;
    check("GET", "/mcp/call_tool", 405, Some("POST")).await;
    check("DELETE", "/mcp-rest/tools/call", 405, Some("POST")).await;
    check("POST", "/health/readiness", 405, Some("GET")).await;
    check("GET", "/mcp/elsewhere", 404, None).await;
    check("GET", "/", 404, None).await;
    for target in ["/health/liveliness", "/health/liveness", "/health/readiness", "/mcp/enabled"] {
        check("GET", target, 200, None).await;
    }
    let form = Request::post("/mcp/call_tool").header("content-type", "application/x-www-form-urlencoded");
    let got = send(&gateway, form.body(Bytes::from(r#"{"name":"fail"}"#)).unwrap()).await;
    assert_eq!((got.status, got.error().as_str()), (415, "unsupported_media_type"));
}

#[tokio::test]
async fn what_a_server_answers_instead_of_a_result_is_a_bad_gateway() {
    let (gateway, _) = with_lab().await;
    let got = post(&gateway, "/mcp/call_tool", r#"{"name":"internal"}"#).await;
    assert_eq!((got.status, got.error().as_str()), (502, "mcp_protocol_error"));
    assert_eq!(
        (&got.json()["detail"]["code"], &got.json()["detail"]["message"]),
        (&json!(-32603), &json!("out of order"))
    );
}

#[tokio::test(start_paused = true)]
async fn servers_that_are_not_there_are_told_apart_and_only_whoever_asks_for_them_is_refused() {
    let hanging = Upstream::new("hanging", std::future::pending);
    let failing = Upstream::new("failing", || async { Client::connect("http://127.0.0.1:1/mcp").await });
    let gateway = gateway("", [Counted::new(lab()).upstream("lab"), hanging, failing]).await;
    let all = tokio::time::timeout(Duration::from_secs(6), get(&gateway, "/mcp-rest/tools/list")).await.unwrap();
    assert_eq!((all.status, &all.json()["error"]), (200, &json!("partial_failure")));
    assert_eq!(all.json()["tools"].as_array().map(Vec::len), Some(5));
    assert_eq!(all.json()["server_outcomes"]["hanging"]["status"], "timeout");
    assert!(!all.text.contains("127.0.0.1"), "where servers are is nothing for clients: {}", all.text);
    let check = async |label: &str, status: u16, error: &str| {
        let listed = get(&gateway, &format!("/mcp-rest/tools/list?server_id={label}")).await;
        assert_eq!((listed.status, listed.error().as_str()), (status, error), "{label}");
        let body = json!({"server_id": label, "name": "echo"}).to_string();
        let called = post(&gateway, "/mcp-rest/tools/call", &body).await;
        assert_eq!((called.status, called.error().as_str()), (status, error), "{label}");
    };
    check("hanging", 504, "timeout").await;
    check("failing", 502, "unreachable").await;
}

#[tokio::test(start_paused = true)]
async fn tools_of_the_file_are_listed_and_called_like_those_of_a_server() {
    let tool =
        |name: &str, more: &str| format!("  - {{name: {name}, description: x, handler: {{function: {name}}}{more}}}\n");
    let file = format!("mcp_tools:\n{}{}{}", tool("clock", ""), tool("wait", ", timeout: 1"), tool("panic", ""));
    let gateway = gateway(&file, []).await;
    let listed = get(&gateway, "/mcp/list_tools").await.json();
    assert_eq!((&listed["tools"][0]["name"], &listed["server_outcomes"]), (&json!("clock"), &json!({})));
    assert_eq!(listed["tools"][0]["mcp_info"]["server_id"], "mcp_tools");
    for sent in [r#"{"name":"clock"}"#, r#"{"server_id":"mcp_tools","name":"clock","arguments":{}}"#] {
        let called = post(&gateway, "/mcp-rest/tools/call", sent).await;
        assert_eq!((called.status, &called.json()["content"][0]["text"]), (200, &json!("12:00 {}")), "{called:?}");
    }
    let late = post(&gateway, "/mcp/call_tool", r#"{"name":"wait"}"#).await;
    assert_eq!((late.status, late.error().as_str()), (504, "timeout"), "{late:?}");
    let panicked = post(&gateway, "/mcp/call_tool", r#"{"name":"panic"}"#).await;
    assert_eq!((panicked.status, panicked.error().as_str()), (500, "handler_panicked"), "{panicked:?}");
}

#[tokio::test(start_paused = true)]
async fn slow_servers_are_asked_side_by_side() {
    let slow = |label: &'static str| {
        let server = Counted::new(lab());
        Upstream::new(label, move || {
            let server = server.clone();
            async move {
                tokio::time::sleep(Duration::from_secs(1)).await;
                server.connect().await
            }
        })
    };
    let gateway = gateway("", ["a", "b", "c"].map(slow)).await;
    let start = tokio::time::Instant::now();
    let listed = get(&gateway, "/mcp-rest/tools/list").await;
    assert_eq!(listed.json()["tools"].as_array().map(Vec::len), Some(15));
    assert!(start.elapsed() <= Duration::from_millis(1100), "{:?}", start.elapsed());
}

#[tokio::test]
async fn of_several_servers_with_one_tool_the_one_that_is_meant_must_be_named() {
    let (one, two) = (Counted::new(lab()), Counted::new(lab()));
    let gateway = gateway("", [one.upstream("one"), two.upstream("two")]).await;
    let call = async |body: Value| post(&gateway, "/mcp/call_tool", &body.to_string()).await;
    let got = call(json!({"name": "echo", "arguments": {"text": "hi"}})).await;
    assert_eq!((got.status, got.error().as_str()), (400, "missing_parameter"));
    assert!(got.text.contains("`one`, `two`"), "{got:?}");
    for name in ["one-echo", "one__echo"] {
        assert_eq!(call(json!({"name": name, "arguments": {"text": "hi"}})).await.status, 200);
    }
    assert_eq!(call(json!({"server_id": "two", "name": "echo", "arguments": {"text": "hi"}})).await.status, 200);
}
