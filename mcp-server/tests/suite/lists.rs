//! Lists: order, pages, cursors, hints (P-70, P-80, P-82, T-88).

use std::time::Duration;

use mcp_server::types::CacheScope;
use mcp_server::types::RawJson;
use mcp_server::{Catalog, Cx, Prompt, Resource, ResourceTemplate, Server, Tool, implementation};
use serde_json::{Value, json};

use crate::kit::{Client, clients, modern};

fn server(tools: usize) -> Server {
    let catalog =
        (0..tools).rev().fold(Catalog::new(), |catalog, n| catalog.tool(Tool::new(format!("t{n}"), async || ())));
    Server::builder(implementation!()).catalog(catalog).page_size(2).build().unwrap()
}

async fn names(client: &Client) -> Vec<String> {
    let mut names = Vec::new();
    let mut params = json!({});
    loop {
        let page = client.ok("tools/list", params).await;
        names.extend(page["tools"].as_array().unwrap().iter().map(|tool| tool["name"].as_str().unwrap().to_owned()));
        match &page["nextCursor"] {
            Value::Null => return names,
            cursor => params = json!({"cursor": cursor}),
        }
    }
}

#[tokio::test]
async fn t_88_lists_have_the_order_of_registration_over_all_pages_in_every_revision() {
    for client in clients(&server(5)).await {
        assert_eq!(names(&client).await, ["t4", "t3", "t2", "t1", "t0"]);
        assert_eq!(names(&client).await, ["t4", "t3", "t2", "t1", "t0"], "the second time from what is encoded");
    }
}

#[tokio::test]
async fn p_80_a_full_last_page_has_no_cursor_and_an_empty_list_is_a_page() {
    assert_eq!(names(&modern(&server(4)).await).await.len(), 4);
    let empty = Server::builder(implementation!()).catalog(Catalog::new().offer_all()).build().unwrap();
    for client in clients(&empty).await {
        assert_eq!(client.ok("tools/list", json!({})).await["tools"], json!([]));
        assert_eq!(client.ok("resources/templates/list", json!({})).await["resourceTemplates"], json!([]));
    }
}

#[tokio::test]
async fn p_80_a_cursor_that_is_not_of_this_list_is_refused() {
    let server = server(5);
    let client = modern(&server).await;
    let cursor = client.ok("tools/list", json!({})).await["nextCursor"].as_str().unwrap().to_owned();
    let tampered = [String::new(), "x".to_owned(), format!("{cursor}0"), cursor.to_uppercase() + "Z", "é".repeat(20)];
    for cursor in tampered {
        assert_eq!(client.error("tools/list", json!({ "cursor": cursor })).await.code.0, -32602, "{cursor}");
    }
    assert_eq!(client.error("tools/list", json!({"cursor": 7})).await.code.0, -32602);
}

#[tokio::test]
async fn a_list_reads_nothing_of_its_request_but_the_cursor() {
    let client = modern(&server(1)).await.meta("io.modelcontextprotocol/clientInfo", 7);
    for params in [json!({}), json!({"cursor": null})] {
        assert_eq!(client.ok("tools/list", params).await["tools"][0]["name"], "t0");
    }
}

#[tokio::test]
async fn p_82_a_cursor_is_read_by_every_instance_and_refused_after_a_change() {
    let (first, second) = (server(5), server(5));
    let cursor = modern(&first).await.ok("tools/list", json!({})).await["nextCursor"].clone();
    let page = modern(&second).await.ok("tools/list", json!({ "cursor": cursor })).await;
    assert_eq!(page["tools"][0]["name"], "t2");
    second.replace(Catalog::new().tool(Tool::new("new", async || ()))).unwrap();
    assert_eq!(modern(&second).await.error("tools/list", json!({ "cursor": cursor })).await.code.0, -32602);
    assert_eq!(names(&modern(&second).await).await, ["new"]);
}

#[tokio::test]
async fn a_catalog_that_cannot_work_leaves_the_offer_as_it_is() {
    let server = server(1);
    let twice = Catalog::new().tool(Tool::new("x", async || ())).tool(Tool::new("x", async || ()));
    assert!(server.replace(twice).is_err());
    assert_eq!(names(&modern(&server).await).await, ["t0"]);
}

#[tokio::test]
async fn p_70_hints_stand_on_every_list_and_on_contents_with_one_scope() {
    let server = Server::builder(implementation!())
        .tool(Tool::new("t", async || ()))
        .resource(Resource::text("a:b", "r", "x"))
        .template(ResourceTemplate::new("t:{x}", "t", async || "x"))
        .prompt(Prompt::new("p", async || "x"))
        .cache(Duration::from_secs(60), CacheScope::Public)
        .build()
        .unwrap();
    let client = modern(&server).await;
    for (method, params) in [
        ("server/discover", json!({})),
        ("tools/list", json!({})),
        ("resources/list", json!({})),
        ("resources/templates/list", json!({})),
        ("prompts/list", json!({})),
        ("resources/read", json!({"uri": "a:b"})),
    ] {
        let result = client.ok(method, params).await;
        assert_eq!((&result["ttlMs"], &result["cacheScope"]), (&json!(60_000), &json!("public")), "{method}");
        assert_eq!(result["resultType"], "complete", "{method}");
    }
    for (method, params) in [("tools/call", json!({"name": "t"})), ("prompts/get", json!({"name": "p"}))] {
        let result = client.ok(method, params).await;
        assert_eq!((result.get("ttlMs"), result.get("cacheScope")), (None, None), "{method}");
    }
}

#[tokio::test]
async fn an_offer_can_be_replaced_by_what_of_another_one_works() {
    let server = server(1);
    let broken = Tool::raw("broken", RawJson::from(json!({"type": "array"})), async |_: RawJson, _: Cx| ());
    let catalog = Catalog::new()
        .tool(Tool::new("x", async || "first"))
        .tool(Tool::new("x", async || "second"))
        .tool(broken)
        .tool(Tool::new("", async || ()))
        .tool(Tool::new("y", async || ()));
    let faults: Vec<_> = server.replace_working(catalog).iter().map(ToString::to_string).collect();
    assert_eq!(faults.len(), 3, "{faults:?}");
    for client in clients(&server).await {
        assert_eq!(names(&client).await, ["x", "y"]);
        let result = client.ok("tools/call", json!({"name": "x"})).await;
        assert_eq!(result["content"][0]["text"], "first");
    }
}

#[tokio::test]
async fn a_tool_is_called_by_its_aliases_and_listed_by_its_name() {
    let own = Tool::new("b", async || "b");
    let server = Server::builder(implementation!())
        .tool(Tool::new("a", async || "a").alias("server-a").alias("b"))
        .tool(own.alias("server-a"))
        .build()
        .unwrap();
    for client in clients(&server).await {
        assert_eq!(names(&client).await, ["a", "b"]);
        for (name, text) in [("a", "a"), ("server-a", "a"), ("b", "b")] {
            let result = client.ok("tools/call", json!({ "name": name })).await;
            assert_eq!(result["content"][0]["text"], text, "{name}");
        }
    }
}

#[tokio::test]
async fn a_list_of_tools_carries_what_the_catalog_says_in_meta_on_every_page() {
    let tools = (0..3).fold(Catalog::new(), |catalog, n| catalog.tool(Tool::new(format!("t{n}"), async || ())));
    let catalog = tools.tools_meta("example.com/outcomes", json!({"a": "ok"}));
    let server = Server::builder(implementation!()).page_size(2).catalog(catalog).build().unwrap();
    for client in clients(&server).await {
        let first = client.ok("tools/list", json!({})).await;
        let second = client.ok("tools/list", json!({"cursor": first["nextCursor"]})).await;
        for page in [first, second] {
            assert_eq!(page["_meta"]["example.com/outcomes"], json!({"a": "ok"}));
        }
        let prompts = client.error("prompts/list", json!({})).await;
        assert_eq!(prompts.code.0, -32601);
    }
}
