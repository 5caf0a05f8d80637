//! What is different over HTTP: mirrored headers and lost sessions (H-7, H-30 to H-37, HL-10, F51).

#![allow(clippy::unwrap_used, reason = "it is all test")]

mod support;

use futures::future::join_all;
use mcp_client::types::{LoggingLevel, SetLevelRequestParams, SubscribeRequestParams, methods};
use mcp_client::{Error, Misuse, Revision};
use mcp_transport::Error as WireError;
use serde_json::{Value, json};
use support::{INITIALIZED, http_legacy, http_modern};

/// A list with one tool that has its argument `region` in a header of this name.
fn tools(header: &str) -> String {
    json!({"resultType": "complete", "tools": [{"name": "query", "inputSchema": schema(header, "string")}]}).to_string()
}

fn schema(header: &str, kind: &str) -> Value {
    json!({"type": "object", "properties": {"region": {"type": kind, "x-mcp-header": header}}})
}

const DONE: &str = r#"{"resultType":"complete","content":[{"type":"text","text":"done"}]}"#;

#[tokio::test]
async fn names_and_uris_are_mirrored() {
    let (client, mut desk) = http_modern().await;
    let (_, _, _, _, ()) = tokio::join!(
        client.call_tool("query", ()),
        client.get_prompt("greet", [("a", "b")]),
        client.read_resource("file:///ä"),
        client.list_prompts(),
        async {
            for (method, name) in [
                ("tools/call", Some("query")),
                ("prompts/get", Some("greet")),
                ("resources/read", Some("file:///ä")),
                ("prompts/list", None),
            ] {
                let asked = desk.expect(method).await;
                assert_eq!(asked.request.name.as_deref(), name);
                assert_eq!(asked.request.revision, Some(Revision::V2026_07_28));
                asked.refuse(-32603);
            }
        }
    );
}

#[tokio::test]
async fn annotated_arguments_go_into_headers_once_the_list_is_known() {
    let (client, mut desk) = http_modern().await;
    let (listed, ()) =
        tokio::join!(client.list_tools(), async { desk.expect("tools/list").await.reply(&tools("Region")) });
    assert_eq!(listed.unwrap().len(), 1);
    let (called, ()) = tokio::join!(client.call_tool("query", json!({"region": "eu"})), async {
        let asked = desk.expect("tools/call").await;
        assert_eq!(asked.request.param_headers, [("Mcp-Param-Region".to_owned(), "eu".to_owned())]);
        asked.reply(DONE);
    });
    called.unwrap();
    let (called, ()) = tokio::join!(client.call_tool("query", json!({"region": null})), async {
        let asked = desk.expect("tools/call").await;
        assert_eq!(asked.request.param_headers, []);
        asked.reply(DONE);
    });
    called.unwrap();
    let error = client.call_tool("query", json!({"region": [1]})).await.unwrap_err();
    assert!(matches!(error, Error::Misuse(Misuse::Params { .. })), "{error}");
}

#[tokio::test]
async fn a_header_mismatch_reads_the_list_again_and_repeats_the_call_once() {
    let (client, mut desk) = http_modern().await;
    let (called, ()) = tokio::join!(client.call_tool("query", json!({"region": "eu"})), async {
        let first = desk.expect("tools/call").await;
        assert_eq!(first.request.param_headers, [], "nothing is known of the tool yet");
        first.refuse(-32020);
        desk.expect("tools/list").await.reply(&tools("Region"));
        let second = desk.expect("tools/call").await;
        assert_eq!(second.request.param_headers.len(), 1);
        second.reply(DONE);
    });
    assert_eq!(called.unwrap().text(), "done");

    let (called, ()) = tokio::join!(client.call_tool("query", json!({"region": "eu"})), async {
        desk.expect("tools/call").await.refuse(-32020);
        desk.expect("tools/list").await.reply(&tools("Region"));
        desk.expect("tools/call").await.refuse(-32020);
    });
    assert_eq!(called.unwrap_err().rpc().unwrap().code.0, -32020);
}

#[tokio::test]
async fn a_list_that_cannot_be_read_again_leaves_the_first_error() {
    let (client, mut desk) = http_modern().await;
    let (called, ()) = tokio::join!(client.call_tool("query", ()), async {
        desk.expect("tools/call").await.refuse(-32020);
        desk.expect("tools/list").await.refuse(-32603);
    });
    assert_eq!(called.unwrap_err().rpc().unwrap().code.0, -32020);
}

#[tokio::test]
async fn tools_with_wrong_annotations_are_left_out_with_the_reason() {
    let (client, mut desk) = http_modern().await;
    let listed = json!({"resultType": "complete", "tools": [
        {"name": "good", "inputSchema": schema("Region", "string")},
        {"name": "bad", "inputSchema": schema("Region", "number")},
        {"name": "worse", "inputSchema": schema("not a token", "string")},
    ]});
    let (tools, ()) =
        tokio::join!(client.list_tools(), async { desk.expect("tools/list").await.reply(&listed.to_string()) });
    let names: Vec<String> = tools.unwrap().into_iter().map(|tool| tool.name).collect();
    assert_eq!(names, ["good"]);
    let refused = client.refused_tools();
    assert_eq!(refused.iter().map(|tool| tool.name.as_str()).collect::<Vec<_>>(), ["bad", "worse"]);
    assert!(refused.iter().all(|tool| tool.reason.contains("x-mcp-header")), "{refused:?}");
}

#[tokio::test]
async fn a_legacy_server_gets_no_mirrored_arguments() {
    let (client, mut desk) = http_legacy().await;
    let (listed, ()) =
        tokio::join!(client.list_tools(), async { desk.expect("tools/list").await.reply(&tools("not a token")) });
    assert_eq!(listed.unwrap().len(), 1, "the annotation has no meaning before 2026-07-28");
    let (called, ()) = tokio::join!(client.call_tool("query", json!({"region": "eu"})), async {
        let asked = desk.expect("tools/call").await;
        assert_eq!(asked.request.param_headers, []);
        asked.reply(DONE);
    });
    called.unwrap();
}

#[tokio::test]
async fn a_lost_session_is_begun_anew_once_for_all_requests_and_lists_are_asked_again() {
    let (client, mut desk) = http_legacy().await;
    let lists = join_all((0..5).map(|_| client.list_tools()));
    let (listed, ()) = tokio::join!(lists, async {
        let mut lost = Vec::new();
        for _ in 0..5 {
            lost.push(desk.expect("tools/list").await);
        }
        for asked in lost {
            asked.fail(WireError::SessionEnded);
        }
        desk.expect("initialize").await.reply(INITIALIZED);
        for _ in 0..5 {
            desk.expect("tools/list").await.reply(r#"{"tools":[]}"#);
        }
    });
    for tools in listed {
        assert_eq!(tools.unwrap(), []);
    }
    assert!(desk.is_idle());
}

#[tokio::test]
async fn a_tool_call_is_not_repeated_in_the_new_session() {
    let (client, mut desk) = http_legacy().await;
    let (called, ()) = tokio::join!(client.call_tool("pay", ()), async {
        desk.expect("tools/call").await.fail(WireError::SessionEnded);
        desk.expect("initialize").await.reply(INITIALIZED);
    });
    assert!(matches!(called, Err(Error::SessionEnded)), "{called:?}");
    let (listed, ()) =
        tokio::join!(client.list_tools(), async { desk.expect("tools/list").await.reply(r#"{"tools":[]}"#) });
    assert_eq!(listed.unwrap(), [], "the new session is there for the next request");
}

#[tokio::test]
async fn a_new_session_is_told_what_the_lost_one_knew() {
    let (client, mut desk) = http_legacy().await;
    let watch = client.call::<methods::ResourcesSubscribe>(SubscribeRequestParams::new("a:b"));
    let (watched, ()) = tokio::join!(watch, async { desk.expect("resources/subscribe").await.reply("{}") });
    watched.unwrap();
    let level = client.call::<methods::LoggingSetLevel>(SetLevelRequestParams::new(LoggingLevel::Error));
    let (set, ()) = tokio::join!(level, async { desk.expect("logging/setLevel").await.reply("{}") });
    set.unwrap();
    let (listed, ()) = tokio::join!(client.list_tools(), async {
        desk.expect("tools/list").await.fail(WireError::SessionEnded);
        desk.expect("initialize").await.reply(INITIALIZED);
        let asked = desk.expect("logging/setLevel").await;
        assert_eq!(asked.params(), json!({"level": "error"}));
        asked.reply("{}");
        let asked = desk.expect("resources/subscribe").await;
        assert_eq!(asked.params(), json!({"uri": "a:b"}));
        asked.refuse(-32602);
        desk.expect("tools/list").await.reply(r#"{"tools":[]}"#);
    });
    assert_eq!(listed.unwrap(), []);
}

#[tokio::test]
async fn a_session_that_cannot_be_begun_anew_is_tried_once_for_all_who_wait() {
    let (client, mut desk) = http_legacy().await;
    let lists = join_all((0..3).map(|_| client.list_tools()));
    let (listed, ()) = tokio::join!(lists, async {
        let mut lost = Vec::new();
        for _ in 0..3 {
            lost.push(desk.expect("tools/list").await);
        }
        for asked in lost {
            asked.fail(WireError::SessionEnded);
        }
        desk.expect("initialize").await.refuse(-32603);
    });
    assert!(listed.iter().all(Result::is_err));
    assert!(desk.is_idle(), "one attempt and not one for each request");
}

#[tokio::test]
async fn a_session_that_is_lost_again_at_once_is_reported() {
    let (client, mut desk) = http_legacy().await;
    let (listed, ()) = tokio::join!(client.list_tools(), async {
        desk.expect("tools/list").await.fail(WireError::SessionEnded);
        desk.expect("initialize").await.reply(INITIALIZED);
        desk.expect("tools/list").await.fail(WireError::SessionEnded);
    });
    assert!(matches!(listed, Err(Error::SessionEnded)), "{listed:?}");
}

#[tokio::test]
async fn notifications_of_an_exchange_reach_its_observer_and_dropping_it_drops_the_exchange() {
    let (client, mut desk) = http_modern().await;
    let mut seen = Vec::new();
    {
        let call = client.tool("slow").on_progress(|progress| seen.push(progress.progress)).call();
        tokio::pin!(call);
        let asked = tokio::select! {
            _ = &mut call => panic!("nobody has answered"),
            asked = desk.expect("tools/call") => asked,
        };
        let token = asked.params()["_meta"]["progressToken"].clone();
        asked.notify("notifications/progress", &json!({"progressToken": token, "progress": 1}));
        asked.notify("notifications/progress", &json!({"progressToken": "another", "progress": 2}));
        assert!(futures::poll!(&mut call).is_pending());
        let dropping = asked.dropped();
        tokio::pin!(dropping);
        assert!(futures::poll!(&mut dropping).is_pending());
    }
    assert_eq!(seen, [1.0]);
}

#[tokio::test]
async fn a_dropped_call_gives_up_its_exchange() {
    let (client, mut desk) = http_modern().await;
    let asked = {
        let call = client.call_tool("slow", ());
        tokio::pin!(call);
        tokio::select! {
            _ = &mut call => panic!("nobody has answered"),
            asked = desk.expect("tools/call") => asked,
        }
    };
    asked.dropped().await;
}

#[tokio::test]
async fn a_legacy_server_is_answered_outside_of_every_exchange() {
    let (_client, desk) = http_legacy().await;
    desk.request(1, "ping");
    desk.request(2, "roots/list");
    assert_eq!(desk.said(4).await[2..], ["answer 1 true", "answer 2 false"]);
}

#[tokio::test]
async fn a_modern_server_that_asks_is_not_answered() {
    let (client, desk) = http_modern().await;
    desk.request(1, "ping");
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    client.close().await;
    assert_eq!(desk.said(2).await, ["settle 2026-07-28", "close"]);
}

#[tokio::test]
async fn closing_closes_the_transport() {
    let (client, desk) = http_modern().await;
    client.close().await;
    assert_eq!(*desk.said.lock().unwrap(), ["settle 2026-07-28", "close"]);
}
