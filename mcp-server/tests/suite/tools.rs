//! Tools: schemas, arguments, results (T-80 to T-98).

use mcp_server::types::{Features, Icon, RawJson};
use mcp_server::{
    Args, Audio, BoxError, CallToolResult, ContentBlock, Cx, Error, Image, Json, Limits, RpcError, Server, State, Tool,
    ToolError, implementation,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::kit::{clients, legacy, modern, text};

#[derive(Deserialize, JsonSchema)]
struct Add {
    a: i64,
    b: i64,
}

async fn add(Args(Add { a, b }): Args<Add>) -> String {
    (a + b).to_string()
}

fn server(tool: Tool) -> Server {
    Server::builder(implementation!()).tool(tool).build().unwrap()
}

#[tokio::test]
async fn a_plain_function_is_a_tool_in_every_revision() {
    let server = server(Tool::new("add", add).description("Add two numbers"));
    for client in clients(&server).await {
        let result = client.tool("add", json!({"a": 1, "b": 2})).await;
        assert_eq!(result["content"], json!([{"type": "text", "text": "3"}]));
        assert_eq!(result.get("isError"), None);
        let list = client.ok("tools/list", json!({})).await;
        assert_eq!(
            list["tools"],
            json!([{
                "name": "add",
                "description": "Add two numbers",
                "inputSchema": {
                    "type": "object",
                    "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
                    "required": ["a", "b"],
                    "additionalProperties": false
                }
            }])
        );
    }
}

#[tokio::test]
async fn t_87_an_unknown_tool_is_a_wrong_call_and_its_neighbour_is_named() {
    for client in clients(&server(Tool::new("add", add))).await {
        let error = client.error("tools/call", json!({"name": "ad"})).await;
        assert_eq!((error.code.0, &*error.message), (-32602, "unknown tool `ad`; did you mean `add`?"));
        for params in [json!({}), json!({"name": 7}), json!({"name": "add", "arguments": [1]})] {
            assert_eq!(client.error("tools/call", params).await.code.0, -32602);
        }
    }
}

#[cfg(feature = "validate")]
#[tokio::test]
async fn t_87_wrong_arguments_are_told_to_the_model_all_at_once() {
    for client in clients(&server(Tool::new("add", add))).await {
        let told = client.tool_error("add", json!({"a": "1", "c": 2})).await;
        for part in [
            "invalid arguments for tool `add`:",
            "`a`: expected an integer, got \"1\"",
            "`b`: missing, expected an integer",
            "`c`: unknown",
            "known are `a`, `b`",
        ] {
            assert!(told.contains(part), "{part:?} is not in:\n{told}");
        }
    }
}

#[cfg(not(feature = "validate"))]
#[tokio::test]
async fn t_87_without_the_validator_decoding_tells_one_fault() {
    let told = modern(&server(Tool::new("add", add))).await.tool_error("add", json!({"a": "1"})).await;
    assert!(told.contains("invalid type: string \"1\", expected i64"), "{told}");
    assert!(!told.contains("at line"), "{told}");
}

#[tokio::test]
async fn absent_and_null_arguments_are_an_empty_object() {
    let client = modern(&server(Tool::new("hi", async || "hi"))).await;
    for params in
        [json!({"name": "hi"}), json!({"name": "hi", "arguments": null}), json!({"name": "hi", "arguments": {}})]
    {
        assert_eq!(text(&client.ok("tools/call", params).await), "hi");
    }
}

#[cfg(feature = "validate")]
#[tokio::test]
async fn unknown_arguments_are_refused_unless_the_tool_allows_them() {
    let closed = modern(&server(Tool::new("hi", async || "hi"))).await;
    assert!(closed.tool_error("hi", json!({"x": 1})).await.contains("`x`: unknown; none are known here"));
    let open = modern(&server(Tool::new("add", add).allow_unknown_arguments())).await;
    assert_eq!(text(&open.tool("add", json!({"a": 1, "b": 2, "c": 3})).await), "3");
}

#[cfg(feature = "validate")]
#[tokio::test]
async fn constraints_that_the_type_cannot_prove_are_checked_too() {
    #[derive(Deserialize, JsonSchema)]
    struct Page {
        #[schemars(range(min = 1, max = 10))]
        number: i32,
        #[schemars(length(max = 3), regex(pattern = "^[a-z]*$"))]
        tag: String,
    }
    async fn page(Args(page): Args<Page>) -> String {
        format!("{} {}", page.number, page.tag)
    }
    let client = modern(&server(Tool::new("page", page))).await;
    assert_eq!(text(&client.tool("page", json!({"number": 10, "tag": "abc"})).await), "10 abc");
    let told = client.tool_error("page", json!({"number": 11, "tag": "ABCD"})).await;
    assert!(told.contains("`number`") && told.contains("`tag`"), "{told}");
}

#[tokio::test]
async fn what_the_schema_allows_and_the_type_does_not_is_a_tool_error() {
    #[derive(Deserialize, JsonSchema)]
    struct Small {
        #[schemars(with = "i64")]
        n: u8,
    }
    async fn small(Args(small): Args<Small>) -> u8 {
        small.n
    }
    let told = modern(&server(Tool::new("small", small))).await.tool_error("small", json!({"n": 300})).await;
    assert!(told.contains("invalid value: integer `300`, expected u8"), "{told}");
}

#[tokio::test]
async fn t_87_a_tool_that_fails_is_told_to_the_model_and_a_refusal_is_an_error() {
    #[derive(Deserialize, JsonSchema)]
    struct Which {
        which: String,
    }
    async fn fail(Args(Which { which }): Args<Which>) -> Result<&'static str, BoxError> {
        match which.as_str() {
            "text" => Err("no such city".into()),
            "io" => Err(std::io::Error::other("disk full").into()),
            "own" => Err(ToolError::content([ContentBlock::text("look"), Image::png(vec![1]).into()]).into()),
            "refusal" => Err(RpcError::invalid_params("no such session").into()),
            _ => Ok("fine"),
        }
    }
    let server = server(Tool::new("fail", fail));
    for client in clients(&server).await {
        assert_eq!(client.tool_error("fail", json!({"which": "text"})).await, "no such city");
        assert_eq!(client.tool_error("fail", json!({"which": "io"})).await, "disk full");
        assert_eq!(client.tool_error("fail", json!({"which": "own"})).await, "look");
        let refusal = client.error("tools/call", json!({"name": "fail", "arguments": {"which": "refusal"}})).await;
        assert_eq!((refusal.code.0, &*refusal.message), (-32602, "no such session"));
        assert_eq!(text(&client.tool("fail", json!({"which": "none"})).await), "fine");
    }
}

#[derive(Serialize, JsonSchema)]
struct Weather {
    degrees: f64,
}

#[tokio::test]
async fn t_83_structured_output_has_a_schema_and_a_text_copy_where_the_revision_has_them() {
    let server = server(Tool::new("weather", async || Json(Weather { degrees: 20.5 })));
    for client in clients(&server).await {
        let structured = client.features().has(Features::STRUCTURED_OUTPUT);
        let result = client.tool("weather", json!({})).await;
        assert_eq!(text(&result), r#"{"degrees":20.5}"#);
        assert_eq!(result.get("structuredContent").is_some(), structured);
        let tool = &client.ok("tools/list", json!({})).await["tools"][0];
        assert_eq!(tool.get("outputSchema").is_some(), structured);
    }
}

#[tokio::test]
async fn t_84_output_that_is_no_object_is_wrapped_for_revisions_that_know_only_objects() {
    let server = server(Tool::new("list", async || Json(vec![1, 2])));
    for client in clients(&server).await {
        let result = client.tool("list", json!({})).await;
        let schema = client.ok("tools/list", json!({})).await["tools"][0]["outputSchema"].clone();
        let expected = if client.features().has(Features::STRUCTURED_ANY) {
            assert_eq!(schema["type"], "array");
            json!([1, 2])
        } else if client.features().has(Features::STRUCTURED_OUTPUT) {
            assert_eq!(schema["type"], "object");
            json!({"result": [1, 2]})
        } else {
            assert_eq!(schema, Value::Null);
            Value::Null
        };
        assert_eq!(result["structuredContent"], expected);
    }
}

#[cfg(feature = "validate")]
#[tokio::test]
async fn t_83_output_that_does_not_follow_its_schema_is_an_internal_error_that_names_the_tool() {
    let wrong = Tool::new("wrong", async || CallToolResult::structured(json!({"degrees": "hot"}))).output::<Weather>();
    let told = modern(&server(wrong)).await.tool_error("wrong", json!({})).await;
    assert!(told.starts_with("internal error: the result of tool `wrong` does not follow"), "{told}");
    assert!(told.contains("`degrees`: expected a number"), "{told}");
    let absent = Tool::new("absent", async || CallToolResult::text("x")).output::<Weather>();
    let told = modern(&server(absent)).await.tool_error("absent", json!({})).await;
    assert!(told.contains("`structuredContent` is missing"), "{told}");
    let failed = Tool::new("failed", async || CallToolResult::error("x")).output::<Weather>();
    assert_eq!(modern(&server(failed)).await.tool_error("failed", json!({})).await, "x");
}

#[tokio::test]
async fn t_90_content_that_a_revision_lacks_is_replaced() {
    let tool = Tool::new("media", async || {
        vec![
            ContentBlock::from(Image::png(vec![1, 2, 3])),
            Audio::wav(vec![1]).into(),
            ContentBlock::resource_link("a:b", "link"),
        ]
    });
    for client in clients(&server(tool)).await {
        let result = client.tool("media", json!({})).await;
        let kinds: Vec<_> =
            result["content"].as_array().unwrap().iter().map(|block| block["type"].as_str().unwrap()).collect();
        let audio = if client.features().has(Features::AUDIO) { "audio" } else { "text" };
        assert_eq!(kinds[..2], ["image", audio]);
        assert_eq!(kinds[2] == "resource_link", client.features().has(Features::RESOURCE_LINK), "{result}");
    }
}

#[tokio::test]
async fn t_80_everything_about_a_tool_is_published_where_the_revision_has_it() {
    let tool = Tool::new("full", async || ())
        .title("Full")
        .read_only()
        .idempotent()
        .open_world(false)
        .destructive(false)
        .icon(Icon::new("https://example.com/x.png"))
        .meta("com.example/x", json!(1));
    let server = server(tool);
    for client in clients(&server).await {
        let tool = &client.ok("tools/list", json!({})).await["tools"][0];
        for (member, feature) in [
            ("title", Features::TITLE),
            ("annotations", Features::TOOL_ANNOTATIONS),
            ("icons", Features::ICONS),
            ("_meta", Features::ENTITY_META),
        ] {
            assert_eq!(tool.get(member).is_some(), client.features().has(feature), "{member}");
        }
    }
    let tool = &modern(&server).await.ok("tools/list", json!({})).await["tools"][0];
    let hints = json!({"readOnlyHint": true, "idempotentHint": true, "openWorldHint": false, "destructiveHint": false});
    assert_eq!(tool["annotations"], hints);
}

#[tokio::test]
async fn t_89_a_raw_schema_is_published_as_it_is_and_checked() {
    let schema = r##"{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object","properties":{"z":{"$ref":"#/$defs/n"},"a":{}},"$defs":{"n":{"$anchor":"n","type":"integer","x-mine":1.50}},"required":["z"],"additionalProperties":false}"##;
    let raw = RawJson::parse(schema).unwrap();
    let tool = Tool::raw("raw", raw, async |arguments: RawJson, cx: Cx| {
        CallToolResult::structured(arguments).is_error(cx.is_over())
    });
    let server = server(tool);
    let (call, _outbox) = modern(&server).await.start("tools/list", json!({}));
    let list = mcp_transport::Service::call(&server, call).await.unwrap();
    assert!(list.as_str().contains(schema), "{list}");
    let client = modern(&server).await;
    assert_eq!(client.tool("raw", json!({"z": 3})).await["structuredContent"], json!({"z": 3}));
    #[cfg(feature = "validate")]
    assert!(client.tool_error("raw", json!({"z": 3.5, "y": 1})).await.contains("`z`: expected an integer"));
}

#[tokio::test]
async fn t_95_draft_07_is_understood_and_an_unknown_dialect_is_refused() {
    let draft = json!({"$schema": "http://json-schema.org/draft-07/schema#", "type": "object", "definitions": {"a": {"type": "string"}}, "properties": {"a": {"$ref": "#/definitions/a"}}});
    let client =
        modern(&server(Tool::raw("old", draft, async |arguments: RawJson, _: Cx| arguments.to_string()))).await;
    assert_eq!(text(&client.tool("old", json!({"a": "x"})).await), r#"{"a":"x"}"#);
    #[cfg(feature = "validate")]
    {
        assert!(client.tool_error("old", json!({"a": 1})).await.contains("`a`: expected a string"));
        let fault = fault(Tool::raw("odd", json!({"$schema": "https://example.com/own", "type": "object"}), never));
        assert!(fault.contains("https://example.com/own"), "{fault}");
    }
}

async fn never(_: RawJson, _: Cx) -> &'static str {
    ""
}

#[track_caller]
fn fault(tool: Tool) -> String {
    match Server::builder(implementation!()).tool(tool).build() {
        Err(error @ Error::Build(_)) => error.to_string(),
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn t_97_schemas_that_cost_too_much_or_refer_elsewhere_are_refused_when_the_server_is_built() {
    assert!(fault(Tool::raw("t", json!({"type": "string"}), never)).contains("tool `t`: its input schema is refused"));
    assert!(fault(Tool::raw("t", json!({}), never)).contains("\"type\": \"object\""));
    let remote = json!({"type": "object", "properties": {"a": {"$ref": "https://example.com/x"}}});
    assert!(fault(Tool::raw("t", remote, never)).contains("never fetched"));
    let mut defs = serde_json::Map::new();
    for level in 0..22 {
        let next = json!({"$ref": format!("#/$defs/d{}", level + 1)});
        defs.insert(format!("d{level}"), json!({"anyOf": [next, next]}));
    }
    defs.insert("d22".to_owned(), json!({"type": "string"}));
    let bomb = json!({"type": "object", "properties": {"a": {"$ref": "#/$defs/d0"}}, "$defs": defs});
    assert!(fault(Tool::raw("t", bomb, never)).contains("100000 subschemas"));
    let large = json!({"type": "object", "description": "x".repeat(300_000)});
    assert!(fault(Tool::raw("t", large, never)).contains("262144 bytes"));
    #[cfg(feature = "validate")]
    assert!(fault(Tool::raw("t", json!({"type": "object", "required": "a"}), never)).contains("not valid"));
}

#[tokio::test]
async fn a_tool_without_checks_publishes_any_schema_and_takes_any_arguments() {
    let remote = json!({"type": "object", "properties": {"a": {"$ref": "https://example.com/x"}}});
    let tool =
        Tool::raw("far", remote.clone(), async |arguments: RawJson, _: Cx| arguments.to_string()).without_checks();
    let client = modern(&server(tool)).await;
    assert_eq!(client.ok("tools/list", json!({})).await["tools"][0]["inputSchema"], remote);
    assert_eq!(text(&client.tool("far", json!({"b": [1]})).await), r#"{"b":[1]}"#);
}

#[tokio::test]
async fn arguments_may_be_any_object() {
    async fn any(Args(value): Args<Value>) -> String {
        value.to_string()
    }
    let client = modern(&server(Tool::new("any", any))).await;
    assert_eq!(text(&client.tool("any", json!({"x": [1]})).await), r#"{"x":[1]}"#);
}

#[test]
fn every_fault_of_a_server_is_told_at_once() {
    struct Database;
    let built = Server::builder(implementation!())
        .tool(Tool::new("twice", async || ()))
        .tool(Tool::new("twice", async || ()))
        .tool(Tool::new("state", async |_: State<Database>| ()))
        .tool(Tool::raw("schema", json!(7), never))
        .revisions([])
        .build();
    let error = built.err().unwrap();
    let told = error.to_string();
    for part in ["`twice`: it is registered twice", "Database", ".state(…)", "tool `schema`", "revisions: at least one"]
    {
        assert!(told.contains(part), "{part:?} is not in:\n{told}");
    }
    assert_eq!(format!("{error:?}"), told, "a `main` that returns it prints what is wrong");
}

#[tokio::test]
async fn handlers_share_state() {
    struct Count(std::sync::atomic::AtomicU32);
    async fn count(State(count): State<Count>) -> u32 {
        count.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
    }
    let server =
        Server::builder(implementation!()).state(Count(5.into())).tool(Tool::new("count", count)).build().unwrap();
    let client = legacy(&server).await;
    assert_eq!(text(&client.tool("count", json!({})).await), "5");
    assert_eq!(text(&client.tool("count", json!({})).await), "6");
}

#[tokio::test]
async fn a_result_above_the_limit_becomes_an_error_that_says_so() {
    let server = Server::builder(implementation!())
        .limits(Limits::default().result_bytes(1_000))
        .tool(Tool::new("big", async || "x".repeat(2_000)))
        .build()
        .unwrap();
    for client in clients(&server).await {
        let told = client.tool_error("big", json!({})).await;
        assert!(told.starts_with("the result of `big` has 2"), "{told}");
        assert!(told.contains("more than the 1000 that this server sends"), "{told}");
    }
}

#[cfg(feature = "sealing")]
#[tokio::test]
async fn a_handler_that_returns_a_state_alone_is_entered_again_with_it() {
    use mcp_server::types::InputRequiredResult;
    use mcp_server::{Cx, IntoToolResult};
    let server = server(Tool::new("ask", async |cx: Cx| match cx.request_state() {
        Some(state) => state.into_tool_result(),
        None => InputRequiredResult::new().request_state("s").into_tool_result(),
    }));
    let client = modern(&server).await;
    let asks = client.tool("ask", json!({})).await;
    assert_eq!(asks["resultType"], "input_required");
    assert!(asks["_meta"]["io.modelcontextprotocol/serverInfo"].is_object());
    let retry = json!({"name": "ask", "arguments": {}, "requestState": asks["requestState"]});
    assert_eq!(text(&client.ok("tools/call", retry).await), "s");
    assert_eq!(text(&legacy(&server).await.tool("ask", json!({})).await), "s");
}

#[test]
fn h_31_parameters_that_are_mirrored_into_headers_are_known_to_the_transport() {
    use mcp_transport::Service;
    let schema = json!({"type": "object", "properties": {"v": {"type": "string", "x-mcp-header": "Value"}}});
    let server = server(Tool::raw("t", schema, never));
    assert_eq!(server.param_headers("t").unwrap().iter().count(), 1);
    assert!(server.param_headers("other").is_none());
    let bad = json!({"type": "object", "properties": {"v": {"type": "array", "x-mcp-header": "Value"}}});
    assert!(fault(Tool::raw("t", bad, never)).contains("tool `t`"));
}

#[tokio::test]
async fn a_tool_of_another_server_runs_in_the_midst_of_a_call_unless_it_needs_one_of_its_own() {
    async fn count(Args(Add { a, b }): Args<Add>, cx: Cx) -> Result<String, ToolError> {
        cx.progress(1.0, 2.0, None).await;
        if a > b { Err(ToolError::new("too many")) } else { Ok((a + b).to_string()) }
    }
    let lent = server(Tool::new("count", count));
    let busy = Server::builder(implementation!()).tool(Tool::new("count", count)).state(1_u8).build().unwrap();
    let any = RawJson::parse(r#"{"type":"object"}"#).unwrap();
    let outer = Tool::raw("outer", any, move |_: RawJson, cx: Cx| {
        let (lent, busy) = (lent.clone(), busy.clone());
        async move {
            assert!(lent.run_within("cuont", &cx).await.is_none());
            assert!(busy.run_within("count", &cx).await.is_none());
            lent.run_within("count", &cx).await.unwrap()
        }
    });
    for client in clients(&server(outer)).await {
        let client = client.meta("progressToken", 7);
        let call = |arguments: Value| client.request("tools/call", json!({"name": "outer", "arguments": arguments}));
        let told = call(json!({"a": 1, "b": 2})).await;
        assert_eq!(told.answer.unwrap()["content"][0]["text"], "3");
        assert_eq!(told.notifications.len(), 1, "{:?}", told.notifications);
        let told = call(json!({"a": 2, "b": 1})).await;
        assert_eq!(told.answer.unwrap()["isError"], true);
        // The arguments are held against the schema of the tool that runs.
        let told = call(json!({"a": "1", "b": 2})).await;
        assert_eq!(told.answer.unwrap()["isError"], true);
        assert!(told.notifications.is_empty());
    }
}

#[tokio::test]
async fn t_84_output_of_a_tool_of_another_server_is_wrapped_once_and_by_the_server_that_answers() {
    let lent = server(Tool::new("list", async || Json(vec![1])));
    let schema = json!({"type": "array", "items": {"type": "integer"}});
    let any = RawJson::parse(r#"{"type":"object"}"#).unwrap();
    let outer = Tool::raw("outer", any, move |_: RawJson, cx: Cx| {
        let lent = lent.clone();
        async move { lent.run_within("list", &cx).await.unwrap() }
    });
    for client in clients(&server(outer.output_schema(schema))).await {
        let result = client.tool("outer", json!({})).await;
        let expected = if client.features().has(Features::STRUCTURED_ANY) {
            json!([1])
        } else if client.features().has(Features::STRUCTURED_OUTPUT) {
            json!({"result": [1]})
        } else {
            Value::Null
        };
        assert_eq!(result["structuredContent"], expected);
        assert_ne!(result["isError"], true, "{result}");
    }
}
