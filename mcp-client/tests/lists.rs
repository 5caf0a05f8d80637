//! Lists by pages and from the cache (P-70 to P-82).

#![allow(clippy::unwrap_used, reason = "it is all test")]

mod support;

use std::time::Duration;

use mcp_client::{Client, Error, Implementation, Limits, PeerMisbehaved};
use serde_json::{Value, json};
use support::{Server, http_modern, legacy, modern, pipe};

fn tool(name: &str) -> Value {
    json!({"name": name, "inputSchema": {"type": "object"}})
}

fn page(names: &[&str], next: Option<&str>) -> Value {
    let tools: Vec<Value> = names.iter().copied().map(tool).collect();
    let mut page = json!({"resultType": "complete", "tools": tools});
    if let Some(next) = next {
        page["nextCursor"] = json!(next);
    }
    page
}

/// A page that may be kept for a minute.
fn kept(mut page: Value) -> Value {
    page["ttlMs"] = json!(60_000);
    page["cacheScope"] = json!("private");
    page
}

/// Answers `tools/list` requests by these pages, each with the cursor that it must be asked for by.
async fn serve(server: &mut Server, pages: impl IntoIterator<Item = (Option<&str>, Value)>) {
    for (cursor, page) in pages {
        let request = server.expect("tools/list").await;
        assert_eq!(request["params"].get("cursor"), cursor.map(|cursor| json!(cursor)).as_ref());
        server.reply(&request, &page).await;
    }
}

async fn names(client: &Client) -> Result<Vec<String>, Error> {
    Ok(client.list_tools().await?.into_iter().map(|tool| tool.name).collect())
}

async fn modern_with(limits: Limits) -> (Client, Server) {
    let (target, mut server) = pipe();
    let connect = Client::builder(Implementation::new("t", "1")).limits(limits).connect(target);
    let (client, ()) = tokio::join!(connect, server.discover());
    (client.unwrap(), server)
}

#[tokio::test]
async fn a_list_is_read_to_its_end_and_the_empty_cursor_is_not_the_end() {
    let (client, mut server) = modern().await;
    let pages =
        [(None, page(&["a"], Some(""))), (Some(""), page(&["b", "c"], Some("2"))), (Some("2"), page(&[], None))];
    let (names, ()) = tokio::join!(names(&client), serve(&mut server, pages));
    assert_eq!(names.unwrap(), ["a", "b", "c"]);
}

#[tokio::test]
async fn one_page_is_asked_for_by_its_cursor() {
    let (client, mut server) = modern().await;
    let pages = [(Some("x"), page(&["a"], Some("y")))];
    let (page, ()) = tokio::join!(client.list_tools_page(Some("x".into())), serve(&mut server, pages));
    let page = page.unwrap();
    assert_eq!((page.tools.len(), page.next_cursor.unwrap().as_str().to_owned()), (1, "y".to_owned()));
}

#[tokio::test]
async fn every_list_pages_by_itself() {
    let (client, mut server) = legacy().await;
    let answer = async |server: &mut Server, method: &str, member: &str, item: Value| {
        for next in [Some("2"), None] {
            let request = server.expect(method).await;
            let mut result = json!({});
            result[member] = json!([item]);
            if let Some(next) = next {
                result["nextCursor"] = json!(next);
            }
            server.reply(&request, &result).await;
        }
    };
    let (prompts, ()) =
        tokio::join!(client.list_prompts(), answer(&mut server, "prompts/list", "prompts", json!({"name": "p"})));
    assert_eq!(prompts.unwrap().len(), 2);
    let resource = json!({"name": "r", "uri": "a:b"});
    let (resources, ()) =
        tokio::join!(client.list_resources(), answer(&mut server, "resources/list", "resources", resource));
    assert_eq!(resources.unwrap().len(), 2);
    let template = json!({"name": "r", "uriTemplate": "a:{b}"});
    let (templates, ()) = tokio::join!(
        client.list_resource_templates(),
        answer(&mut server, "resources/templates/list", "resourceTemplates", template)
    );
    assert_eq!(templates.unwrap().len(), 2);
}

#[tokio::test]
async fn a_circle_of_pages_is_an_error_and_not_a_loop() {
    let (client, mut server) = modern().await;
    let pages = [(None, page(&["a"], Some("x"))), (Some("x"), page(&["b"], Some("x")))];
    let (listed, ()) = tokio::join!(names(&client), serve(&mut server, pages));
    assert!(matches!(listed, Err(Error::Misbehaved(PeerMisbehaved::RepeatedCursor { .. }))), "{listed:?}");
}

#[tokio::test]
async fn a_list_without_end_stops_at_the_limit_and_names_it() {
    let (client, mut server) = modern_with(Limits::default().pages(2)).await;
    let pages = [(None, page(&["a"], Some("1"))), (Some("1"), page(&["b"], Some("2")))];
    let (listed, ()) = tokio::join!(names(&client), serve(&mut server, pages));
    assert_eq!(
        listed.unwrap_err().to_string(),
        "`tools/list` has more than 2 pages; raise the limit `pages` or read page by page"
    );
    let (client, mut server) = modern_with(Limits::default().items(2)).await;
    let (listed, ()) = tokio::join!(names(&client), serve(&mut server, [(None, page(&["a", "b", "c"], None))]));
    assert!(matches!(listed, Err(Error::Misbehaved(PeerMisbehaved::TooManyItems { limit: 2, .. }))), "{listed:?}");
}

#[tokio::test(start_paused = true)]
async fn a_fresh_list_is_not_asked_for_again_and_a_stale_one_is() {
    let (client, mut server) = modern().await;
    let pages = [(None, kept(page(&["a"], Some("2")))), (Some("2"), kept(page(&["b"], None)))];
    let (first, ()) = tokio::join!(names(&client), serve(&mut server, pages));
    assert_eq!(first.unwrap(), ["a", "b"]);

    tokio::time::advance(Duration::from_millis(59_999)).await;
    assert_eq!(names(&client).await.unwrap(), ["a", "b"], "nobody serves, so it can only be kept");

    tokio::time::advance(Duration::from_millis(1)).await;
    let (again, ()) = tokio::join!(names(&client), serve(&mut server, [(None, page(&["c"], None))]));
    assert_eq!(again.unwrap(), ["c"]);
}

#[tokio::test]
async fn a_list_without_a_time_to_live_is_asked_for_every_time() {
    let (client, mut server) = modern().await;
    for name in ["a", "b"] {
        let (listed, ()) = tokio::join!(names(&client), serve(&mut server, [(None, page(&[name], None))]));
        assert_eq!(listed.unwrap(), [name]);
    }
}

#[tokio::test]
async fn a_tool_that_cannot_be_read_is_left_out_and_named_also_when_the_list_comes_from_the_cache() {
    let (client, mut server) = modern().await;
    let mut broken = kept(page(&["a"], None));
    broken["tools"].as_array_mut().unwrap().insert(0, json!({"name": "broken"}));
    let (listed, ()) = tokio::join!(names(&client), serve(&mut server, [(None, broken)]));
    assert_eq!((listed.unwrap(), names(&client).await.unwrap()), (vec!["a".to_owned()], vec!["a".to_owned()]));
    let refused = client.refused_tools();
    assert_eq!(refused.iter().map(|tool| tool.name.as_str()).collect::<Vec<_>>(), ["broken"]);
    assert!(refused[0].reason.contains("inputSchema"), "{}", refused[0].reason);
}

#[tokio::test(start_paused = true)]
async fn whoever_keeps_a_list_is_told_for_how_much_longer_it_is_fresh() {
    let check = async |pages: Vec<(Option<&str>, Value)>, expected: Option<u64>| {
        let (client, mut server) = modern().await;
        let (listed, ()) = tokio::join!(client.list_tools_to_keep(), serve(&mut server, pages));
        assert_eq!(listed.unwrap().fresh_for, expected.map(Duration::from_secs));
        client
    };
    check(vec![(None, page(&["a"], None))], None).await;
    let mut soon = kept(page(&["b"], None));
    soon["ttlMs"] = json!(7_000);
    check(vec![(None, kept(page(&["a"], Some("2")))), (Some("2"), soon)], Some(7)).await;
    let client = check(vec![(None, kept(page(&["a"], None)))], Some(60)).await;
    tokio::time::advance(Duration::from_secs(20)).await;
    assert_eq!(client.list_tools_to_keep().await.unwrap().fresh_for, Some(Duration::from_secs(40)), "from the cache");
}

#[tokio::test]
async fn a_client_has_ended_when_its_stream_has_or_when_it_was_closed() {
    let (client, server) = modern().await;
    assert!(!client.is_ended());
    drop(server);
    assert!(client.list_tools().await.is_err());
    assert!(client.is_ended());
    let (client, server) = modern().await;
    let clone = client.clone();
    tokio::join!(client.close(), server.was_left());
    assert!(clone.is_ended());
}

#[tokio::test]
async fn an_announced_change_ends_the_freshness_of_a_list() {
    let (client, mut desk) = http_modern().await;
    let list = kept(page(&["a"], None)).to_string();
    let (listed, ()) = tokio::join!(names(&client), async { desk.expect("tools/list").await.reply(&list) });
    assert_eq!(listed.unwrap(), ["a"]);
    let (called, ()) = tokio::join!(client.call_tool("t", ()), async {
        let asked = desk.expect("tools/call").await;
        asked.notify("notifications/tools/list_changed", &json!({}));
        asked.reply(r#"{"content":[]}"#);
    });
    called.unwrap();
    let list = page(&["b"], None).to_string();
    let (listed, ()) = tokio::join!(names(&client), async { desk.expect("tools/list").await.reply(&list) });
    assert_eq!(listed.unwrap(), ["b"]);
}

#[tokio::test]
async fn a_list_that_changed_while_it_was_read_is_not_kept() {
    let (client, mut desk) = http_modern().await;
    for name in ["a", "b"] {
        let list = kept(page(&[name], None)).to_string();
        let (listed, ()) = tokio::join!(names(&client), async {
            let asked = desk.expect("tools/list").await;
            asked.notify("notifications/tools/list_changed", &json!({}));
            asked.reply(&list);
        });
        assert_eq!(listed.unwrap(), [name]);
    }
}

#[tokio::test]
async fn a_read_resource_is_kept_by_its_uri() {
    let (client, mut server) = modern().await;
    let read = |text: &str| json!({"resultType": "complete", "ttlMs": 60_000, "cacheScope": "public", "contents": [{"uri": "a:b", "text": text}]});
    let (first, ()) = tokio::join!(client.read_resource("a:b"), async {
        let request = server.expect("resources/read").await;
        assert_eq!(request["params"]["uri"], "a:b");
        server.reply(&request, &read("x")).await;
    });
    assert_eq!(client.read_resource("a:b").await.unwrap(), first.unwrap());
    let (other, ()) = tokio::join!(client.read_resource("a:c"), async {
        let request = server.expect("resources/read").await;
        server.refuse(&request, -32602, Some(json!({"uri": "a:c"}))).await;
    });
    assert_eq!(other.unwrap_err().rpc().unwrap().code.0, -32602);
}

#[tokio::test]
async fn a_cursor_that_is_no_longer_taken_starts_the_list_again_once() {
    let (client, mut server) = modern().await;
    let (listed, ()) = tokio::join!(names(&client), async {
        serve(&mut server, [(None, kept(page(&["old"], Some("2"))))]).await;
        let request = server.expect("tools/list").await;
        server.refuse(&request, -32602, None).await;
        serve(&mut server, [(None, page(&["new"], None))]).await;
    });
    assert_eq!(listed.unwrap(), ["new"]);

    let (listed, ()) = tokio::join!(names(&client), async {
        for _ in 0..2 {
            serve(&mut server, [(None, page(&["a"], Some("2")))]).await;
            let request = server.expect("tools/list").await;
            server.refuse(&request, -32602, None).await;
        }
    });
    assert_eq!(listed.unwrap_err().rpc().unwrap().code.0, -32602);
}

#[tokio::test]
async fn a_question_back_is_never_kept() {
    let (client, mut server) = modern().await;
    let asks =
        json!({"resultType": "input_required", "inputRequests": {"where": {"method": "roots/list"}}, "ttlMs": 60_000});
    for _ in 0..2 {
        let (read, ()) = tokio::join!(client.read_resource("a:b"), async {
            let request = server.expect("resources/read").await;
            server.reply(&request, &asks).await;
        });
        assert!(matches!(read, Err(Error::InputRequired(_))));
    }
}

#[tokio::test]
async fn a_tool_whose_schema_is_beyond_the_limit_is_left_out_and_named() {
    let (client, mut server) = modern_with(Limits::default().schema_bytes(20)).await;
    let long = json!({"name": "long", "inputSchema": {"type": "object", "description": "0123456789"}});
    let mut listed = page(&["short"], None);
    listed["tools"].as_array_mut().unwrap().push(long);
    let (names, ()) = tokio::join!(names(&client), serve(&mut server, [(None, listed)]));
    assert_eq!(names.unwrap(), ["short"]);
    assert_eq!(client.refused_tools()[0].name, "long");
}
