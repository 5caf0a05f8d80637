//! What MCP clients see of the gateway, and what it costs the servers behind.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use mcp_client::{Change, Client, ClientHandler, EraMode};
use mcp_openai_bridge::gateway::{OUTCOMES, OUTCOMES_OF_LITELLM};
use mcp_openai_bridge::servers::Upstream;
use mcp_server::transport::memory::InProcess;
use mcp_server::transport::{Answer, Call, Limits, Service};
use mcp_server::types::{
    CallToolResult, CompleteRequestParams, CompletionArgument, ContentBlock, PromptArgument, PromptReference, RawJson,
    RpcError, ToolAnnotations, implementation,
};
use mcp_server::{Catalog, Changes, Cx, Partial, Prompt, Resource, ResourceTemplate, Server, Tool};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::kit::{Counted, clients, gateway, settle};

/// A server with tools that do what their names say.
fn lab(changes: &Changes) -> Server {
    let schema = json!({"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]});
    let steps = async |_: RawJson, cx: Cx| {
        for step in 1..=3 {
            cx.progress(f64::from(step), 3.0, "working").await;
        }
        "done"
    };
    Server::builder(implementation!())
        .changes(changes.clone())
        .tool(Tool::raw("double", schema, async |arguments: RawJson, _: Cx| arguments.to_string()).read_only())
        .tool(Tool::raw("steps", json!({"type": "object"}), steps))
        .tool(Tool::raw("refuse", json!({"type": "object"}), async |_: RawJson, _: Cx| {
            Err::<(), _>(RpcError::invalid_params("not today"))
        }))
        .prompt(
            Prompt::new("greet", async || "Say hello.")
                .argument(PromptArgument::new("tone"))
                .complete("tone", async |typed: Partial| typed.among(["formal", "friendly", "short"])),
        )
        .resource(Resource::text("lab://notes", "notes", "the notes"))
        .template(ResourceTemplate::new("lab://{room}", "room", async |uri: mcp_server::Uri| format!("in {}", uri.0)))
        .build()
        .unwrap()
}

/// The seed's tool, with a function of this program in the place of Python.
const FILE: &str = r#"
mcp_tools:
  - name: "get_current_time"
    description: "Get the current time"
    input_schema: {
      "type": "object",
      "properties": {
        "format": {
          "type": "string",
          "description": "The format of the time to return",
          "enum": ["short"]
        }
      }
    }
    handler: {function: clock}
"#;

fn names(tools: &[mcp_server::types::Tool]) -> Vec<&str> {
    tools.iter().map(|tool| tool.name.as_str()).collect()
}

#[tokio::test]
async fn tools_of_the_file_and_of_servers_stand_behind_one_endpoint_for_every_era() {
    let one = Counted::new(lab(&Changes::new()));
    let gateway = gateway(FILE, [one.upstream("lab")]).await;
    for client in clients(&gateway).await {
        let tools = client.list_tools().await.unwrap();
        assert_eq!(names(&tools), ["get_current_time", "double", "steps", "refuse"]);
        assert_eq!(tools[1].annotations, Some(ToolAnnotations::new().read_only_hint(true)));
    }
}

#[tokio::test]
async fn names_begin_with_their_server_only_where_there_are_several() {
    let (one, two) = (Counted::new(lab(&Changes::new())), Counted::new(lab(&Changes::new())));
    let gateway = gateway("", [one.upstream("one"), two.upstream("my two")]).await;
    let [client, _] = clients(&gateway).await;
    let tools = client.list_tools().await.unwrap();
    assert_eq!(names(&tools)[..3], ["one__double", "one__steps", "one__refuse"]);
    assert!(tools[3].name.starts_with("my_two__double_"), "{:?}", tools[3].name);
    // The names that LiteLLM has for them are understood, a bare one only where one server has it.
    for name in ["one__double", "one-double", "my_two-double", "my_two__double"] {
        let result = client.call_tool(name, json!({"n": 1})).await.unwrap();
        assert_eq!(result.text(), r#"{"n":1}"#, "{name}");
    }
    assert!(client.call_tool("double", json!({"n": 1})).await.is_err());
}

#[tokio::test]
async fn a_call_is_one_request_to_one_server_and_nothing_is_listed_for_it_fault_0_9() {
    let (one, two) = (Counted::new(lab(&Changes::new())), Counted::new(lab(&Changes::new())));
    let gateway = gateway("", [one.upstream("one"), two.upstream("two")]).await;
    for client in clients(&gateway).await {
        client.list_tools().await.unwrap();
        settle().await;
        one.taken();
        two.taken();
        for n in 0..10 {
            let result = client.call_tool("one__double", json!({ "n": n })).await.unwrap();
            assert_eq!(result.text(), format!(r#"{{"n":{n}}}"#));
        }
        assert_eq!(Vec::from_iter(one.taken()), [("tools/call".to_owned(), 10)]);
        assert!(two.taken().is_empty());
        // Further lists cost nothing either, until a server says that something changed.
        for _ in 0..5 {
            client.list_tools_page(None).await.unwrap();
        }
        assert!(one.taken().is_empty() && two.taken().is_empty());
    }
}

#[tokio::test]
async fn a_call_without_a_list_before_it_finds_its_tool() {
    let gateway = gateway("", [Counted::new(lab(&Changes::new())).upstream("lab")]).await;
    for client in clients(&gateway).await {
        assert_eq!(client.call_tool("double", json!({"n": 2})).await.unwrap().text(), r#"{"n":2}"#);
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_hangs_costs_a_list_its_deadline_and_takes_nothing_from_the_others() {
    let hanging = Upstream::new("hanging", std::future::pending);
    let failing = Upstream::new("failing", || async { Client::connect("http://127.0.0.1:1/mcp").await });
    let gateway = gateway("", [hanging, Counted::new(lab(&Changes::new())).upstream("lab"), failing]).await;
    let [client, _] = clients(&gateway).await;
    let start = Instant::now();
    let page = client.list_tools_page(None).await.unwrap();
    assert!(start.elapsed() <= Duration::from_secs(6), "{:?}", start.elapsed());
    assert_eq!(names(&page.tools), ["lab__double", "lab__steps", "lab__refuse"]);
    let meta = RawJson::encode(&page.meta).unwrap().decode::<Value>().unwrap();
    let expected = json!({
        "hanging": {"status": "timeout", "tool_count": 0},
        "lab": {"status": "ok", "tool_count": 3},
        "failing": {"status": "unreachable", "tool_count": 0},
    });
    assert_eq!((&meta[OUTCOMES], &meta[OUTCOMES_OF_LITELLM]), (&expected, &expected));
    // A call of another server does not wait for it at all (fault 0.9: 40.8 s).
    let start = Instant::now();
    assert_eq!(client.call_tool("lab__double", json!({"n": 3})).await.unwrap().text(), r#"{"n":3}"#);
    assert!(start.elapsed() < Duration::from_millis(100), "{:?}", start.elapsed());
    let start = Instant::now();
    client.list_tools_page(None).await.unwrap();
    assert!(start.elapsed() <= Duration::from_secs(5), "{:?}", start.elapsed());
}

struct Heard(mpsc::UnboundedSender<Change>);

impl ClientHandler for Heard {
    fn changed(&self, change: Change) {
        let _ = self.0.send(change);
    }
}

#[tokio::test]
async fn what_changes_on_a_server_is_told_to_clients_of_the_gateway() {
    let changes = Changes::new();
    let server = lab(&changes);
    let gateway = gateway("", [Counted::new(server.clone()).upstream("lab")]).await;
    let (sender, mut heard) = mpsc::unbounded_channel();
    let builder = Client::builder(implementation!()).era(EraMode::Legacy).handler(Heard(sender));
    let client = builder.connect(gateway.in_process()).await.unwrap();
    assert_eq!(client.list_tools().await.unwrap().len(), 3);
    settle().await;
    server.replace(Catalog::new().offer_all().tool(Tool::new("fresh", async || "new"))).unwrap();
    let fresh = async {
        // The first list of all is a change, too.
        while heard.recv().await.unwrap() != Change::Tools || names(&client.list_tools().await.unwrap()) != ["fresh"] {}
    };
    tokio::time::timeout(Duration::from_secs(5), fresh).await.unwrap();
    assert_eq!(client.call_tool("fresh", ()).await.unwrap().text(), "new");
}

#[tokio::test]
async fn progress_comes_through_to_whoever_asked_for_it() {
    let gateway = gateway("", [Counted::new(lab(&Changes::new())).upstream("lab")]).await;
    for client in clients(&gateway).await {
        let mut seen = Vec::new();
        let call = client.tool("steps").on_progress(|step| seen.push((step.progress, step.total, step.message)));
        assert_eq!(call.call().await.unwrap().text(), "done");
        let expected = [1.0, 2.0, 3.0].map(|step| (step, Some(3.0), Some("working".to_owned())));
        assert_eq!(seen, expected);
    }
}

#[tokio::test]
async fn a_call_that_is_cancelled_in_front_is_cancelled_behind() {
    struct Running(Arc<AtomicUsize>);
    impl Drop for Running {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::SeqCst);
        }
    }
    let running = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&running);
    let wait = move |_: RawJson, _: Cx| {
        let counter = Arc::clone(&counter);
        async move {
            counter.fetch_add(1, Ordering::SeqCst);
            let _running = Running(counter);
            std::future::pending::<()>().await;
        }
    };
    let server = Server::builder(implementation!()).tool(Tool::raw("wait", json!({"type": "object"}), wait));
    let gateway = gateway("", [Counted::new(server.build().unwrap()).upstream("lab")]).await;
    for client in clients(&gateway).await {
        let reaches = async |wanted: usize| {
            while running.load(Ordering::SeqCst) != wanted {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            result = client.call_tool("wait", ()) => panic!("{result:?}"),
            () = reaches(1) => {}
        }
        tokio::time::timeout(Duration::from_secs(5), reaches(0)).await.unwrap();
    }
}

#[tokio::test]
async fn prompts_and_resources_of_servers_are_passed_through() {
    let gateway = gateway("", [Counted::new(lab(&Changes::new())).upstream("lab")]).await;
    for client in clients(&gateway).await {
        assert_eq!(client.list_prompts().await.unwrap()[0].name, "greet");
        let prompt = client.get_prompt("greet", [("", "")].into_iter().take(0)).await.unwrap();
        assert_eq!(prompt.messages[0].content.as_text(), Some("Say hello."));
        let tone = CompletionArgument::new("tone", "f");
        let completed = client.complete(CompleteRequestParams::new(PromptReference::new("greet"), tone)).await.unwrap();
        assert_eq!(completed.completion.values, ["formal", "friendly"]);
        assert_eq!(client.list_resources().await.unwrap()[0].uri, "lab://notes");
        assert_eq!(client.list_resource_templates().await.unwrap()[0].uri_template, "lab://{room}");
        let text = async |uri: &str| {
            let read = client.read_resource(uri).await.unwrap();
            RawJson::encode(&read.contents[0]).unwrap().decode::<Value>().unwrap()["text"].clone()
        };
        assert_eq!(text("lab://notes").await, "the notes");
        assert_eq!(text("lab://attic").await, "in lab://attic");
    }
}

#[tokio::test]
async fn prompts_of_two_servers_with_one_name_are_told_apart() {
    let (one, two) = (Counted::new(lab(&Changes::new())), Counted::new(lab(&Changes::new())));
    let gateway = gateway("", [one.upstream("one"), two.upstream("two")]).await;
    let [client, _] = clients(&gateway).await;
    let prompts = client.list_prompts().await.unwrap();
    assert_eq!(prompts.iter().map(|prompt| prompt.name.as_str()).collect::<Vec<_>>(), ["one__greet", "two__greet"]);
    assert!(client.get_prompt("two__greet", [("", "")].into_iter().take(0)).await.is_ok());
    // A URI cannot be changed, because results point to each other by it; the first server has it.
    assert_eq!(client.list_resources().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_result_comes_through_as_the_server_gave_it() {
    let structured = RawJson::parse(r#"{"z":12345678901234567890123,"a":1.10,"list":[1,{"b":null}]}"#).unwrap();
    let result = CallToolResult::new()
        .content([
            ContentBlock::text("text"),
            ContentBlock::image("aGk=", "image/png"),
            ContentBlock::audio("aGk=", "audio/wav"),
        ])
        .structured_content(structured.clone())
        .is_error(true);
    let given = result.clone();
    let tool = Tool::raw("all", json!({"type": "object"}), move |_: RawJson, _: Cx| {
        let given = given.clone();
        async move { given }
    });
    let server = Server::builder(implementation!()).tool(tool).build().unwrap();
    let gateway = gateway("", [Counted::new(server).upstream("lab")]).await;
    for client in clients(&gateway).await {
        let got = client.call_tool("all", ()).await.unwrap().into_inner();
        assert_eq!(got.content, result.content);
        assert_eq!(got.structured_content.as_ref().map(RawJson::as_str), Some(structured.as_str()));
        assert_eq!(got.is_error, Some(true));
    }
}

#[tokio::test]
async fn what_a_server_refuses_is_refused_in_its_words() {
    let gateway = gateway("", [Counted::new(lab(&Changes::new())).upstream("lab")]).await;
    for client in clients(&gateway).await {
        let mcp_client::Error::Rpc(error) = client.call_tool("refuse", ()).await.unwrap_err() else { panic!() };
        assert_eq!((error.code.0, error.message.as_str()), (-32602, "not today"));
        let mcp_client::Error::Rpc(error) = client.call_tool("doubel", ()).await.unwrap_err() else { panic!() };
        assert_eq!((error.code.0, error.message.as_str()), (-32602, "unknown tool `doubel`; did you mean `double`?"));
    }
}

/// A server that lists tools as they stand here, whether or not they can be.
fn lists(label: &str, tools: &Value) -> Upstream {
    struct Lists(Value);
    impl Service for Lists {
        async fn call(&self, call: Call) -> Answer {
            match &*call.request.method {
                "server/discover" => Ok(RawJson::from(json!({
                    "resultType": "complete", "supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}},
                    "ttlMs": 0, "cacheScope": "private",
                }))),
                "tools/list" => Ok(RawJson::from(json!({
                    "resultType": "complete", "tools": self.0, "ttlMs": 0, "cacheScope": "private",
                }))),
                method => Err(RpcError::method_not_found(method)),
            }
        }
    }
    let service = Arc::new(Lists(tools.clone()));
    Upstream::new(label, move || {
        let server = InProcess::serve(Arc::clone(&service), Limits::default());
        async move { Client::connect(server).await }
    })
}

#[tokio::test]
async fn one_tool_that_cannot_be_served_takes_none_of_the_others_away() {
    let tool = |name: &str, schema: Value| Tool::raw(name, schema, async |_: RawJson, _: Cx| ()).without_checks();
    let built = Server::builder(implementation!())
        .tool(tool("good", json!({"type": "object"})))
        .tool(tool("odd", json!({"type": "object", "$ref": "#/nowhere", "properties": null})))
        .build();
    let server = Counted::new(built.unwrap());
    let twin = json!([{"name": "odd", "inputSchema": {"type": "array"}}, {"name": "fine", "inputSchema": {}}]);
    let gateway = gateway("", [server.upstream("lab"), lists("raw", &twin)]).await;
    for client in clients(&gateway).await {
        assert_eq!(names(&client.list_tools().await.unwrap()), ["lab__good", "lab__odd", "raw__fine"]);
    }
    let offer = gateway.offer().await;
    assert!(offer.left_out.len() == 1 && offer.left_out[0].contains("odd"), "{:?}", offer.left_out);
}

/// LiteLLM splits names where it likes (bridges 1.8).
#[tokio::test]
async fn no_server_is_given_the_calls_of_its_neighbour_by_what_it_or_its_tools_are_called() {
    let server = |name: &'static str, says: &'static str| {
        let server = Server::builder(implementation!()).tool(Tool::new(name, move || async move { says }));
        Counted::new(server.build().unwrap())
    };
    // The first two stand before those whose calls they want.
    let servers = [
        server("bank-pay", "a thief").upstream("thief"),
        server("two-pay", "one").upstream("one"),
        server("pay", "the bank").upstream("bank"),
        server("pay", "one-two").upstream("one-two"),
    ];
    let gateway = gateway("", servers).await;
    for client in clients(&gateway).await {
        let says = async |name: &str| client.call_tool(name, ()).await.ok().map(|result| result.text());
        for name in ["bank-pay", "one-two-pay"] {
            assert_eq!(says(name).await, None, "{name} could mean either");
        }
        for (name, expected) in
            [("bank__pay", "the bank"), ("one-two__pay", "one-two"), ("thief-bank-pay", "a thief"), ("two-pay", "one")]
        {
            assert_eq!(says(name).await.as_deref(), Some(expected), "{name}");
        }
    }
}

#[tokio::test]
async fn prompts_that_change_on_a_server_are_told_and_listed() {
    let changes = Changes::new();
    let server = lab(&changes);
    let gateway = gateway("", [Counted::new(server.clone()).upstream("lab")]).await;
    let (sender, mut heard) = mpsc::unbounded_channel();
    let builder = Client::builder(implementation!()).era(EraMode::Legacy).handler(Heard(sender));
    let client = builder.connect(gateway.in_process()).await.unwrap();
    assert_eq!(client.list_prompts().await.unwrap().len(), 1);
    settle().await;
    let two = Catalog::new().offer_all().prompt(Prompt::new("a", async || "a")).prompt(Prompt::new("b", async || "b"));
    server.replace(two).unwrap();
    let fresh = async {
        while heard.recv().await.unwrap() != Change::Prompts || client.list_prompts().await.unwrap().len() != 2 {}
    };
    tokio::time::timeout(Duration::from_secs(5), fresh).await.unwrap();
}

#[tokio::test]
async fn tools_of_the_file_are_listed_and_run_which_litellm_does_no_more_fault_0_1() {
    let gateway = gateway(FILE, []).await;
    for client in clients(&gateway).await {
        let tools = client.list_tools().await.unwrap();
        assert_eq!(tools[0].description.as_deref(), Some("Get the current time"));
        let result = client.call_tool("get_current_time", json!({"format": "short"})).await.unwrap();
        assert_eq!(result.text(), r#"12:00 {"format":"short"}"#);
        // What is wrong with arguments is told to the model, and nothing runs.
        let wrong = client.call_tool("get_current_time", json!({"format": "tiny"})).await.unwrap();
        assert!(wrong.failed() && ["format", "short", "tiny"].iter().all(|word| wrong.text().contains(word)));
    }
}

#[tokio::test]
async fn a_tool_of_the_file_keeps_its_name_beside_one_of_a_server() {
    let taken = Server::builder(implementation!()).tool(Tool::new("get_current_time", async || "theirs"));
    let gateway = gateway(FILE, [Counted::new(taken.build().unwrap()).upstream("lab")]).await;
    let [client, _] = clients(&gateway).await;
    let tools = client.list_tools().await.unwrap();
    assert_eq!(tools[0].name, "get_current_time");
    assert!(tools[1].name.starts_with("get_current_time_"), "{}", tools[1].name);
    assert!(client.call_tool("get_current_time", ()).await.unwrap().text().starts_with("12:00"));
    for name in [tools[1].name.as_str(), "lab-get_current_time"] {
        assert_eq!(client.call_tool(name, ()).await.unwrap().text(), "theirs");
    }
}
