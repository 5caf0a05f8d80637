//! Handlers that need no process. The surprising thing: those that do are tested from outside, in `program_handlers`.

use std::collections::BTreeMap;
use std::path::Path;

use mcp_client::{ClientHandler, EraMode, HookFuture, Origin};
use mcp_server::{Server, implementation};
use mcp_types::{
    ClientCapabilities, ElicitRequestFormParams, ElicitRequestParams, ElicitResult, ElicitationCapability, JsonObject,
    RequestedSchema, StringSchema,
};

use super::*;
use crate::gateway::Gateway;
use crate::gateway::config::Config;

fn config(text: &str) -> Config {
    Config::parse(text, Path::new("/etc/bridge"), &|_| None).unwrap().0
}

fn registry() -> Registry {
    let echo = mcp_server::Tool::raw(
        "echo",
        RawJson::parse(r#"{"type":"object"}"#).unwrap(),
        |arguments: RawJson, _| async move { arguments.as_str().to_owned() },
    );
    Registry::default()
        .function("greet", |arguments: RawJson| async move {
            let arguments: BTreeMap<String, String> = arguments.decode()?;
            Ok::<_, serde_json::Error>(format!("Hello, {}", arguments["name"]))
        })
        .function("fail", |_| async { Err::<String, _>("no luck today") })
        .function("panic", |arguments: RawJson| async move {
            assert!(arguments.is_null(), "on purpose");
            "never"
        })
        .function("hang", |_| futures::future::pending::<String>())
        .builtins(Server::builder(implementation!()).tool(echo).build().unwrap())
}

const FILE: &str = "
mcp_tools:
  - {name: greet, description: d, handler: {function: greet}, input_schema: {properties: {name: {type: string}}, required: [name]}}
  - {name: fail, description: d, handler: {function: fail}}
  - {name: panic, description: d, handler: {function: panic}}
  - {name: hang, description: d, handler: {function: hang}, timeout: 7}
  - {name: again, description: d, handler: {builtin: echo}}
";

async fn call(tool: &str, arguments: &str) -> Result<CallToolResult, Failure> {
    let handlers = Handlers::start(&config(FILE), registry()).await.unwrap();
    let outcome =
        handlers.call(tool, RawJson::parse(arguments.to_owned()).unwrap(), &CallContext::unwatched("1")).await;
    handlers.close().await;
    outcome
}

async fn text(tool: &str, arguments: &str) -> (String, bool) {
    let result = call(tool, arguments).await.unwrap();
    (result.content[0].as_text().unwrap().to_owned(), result.failed())
}

#[tokio::test(start_paused = true)]
async fn a_registered_function_and_a_built_in_tool_answer_calls() {
    assert_eq!(text("greet", r#"{"name":"Ada"}"#).await, ("Hello, Ada".to_owned(), false));
    assert_eq!(text("fail", "{}").await, ("no luck today".to_owned(), true));
    assert_eq!(text("again", r#"{"a":1}"#).await, (r#"{"a":1}"#.to_owned(), false));
    // Who answers is the gateway, and not a server in it.
    assert_eq!(call("again", "{}").await.unwrap().meta, None);
}

#[tokio::test(start_paused = true)]
async fn a_built_in_tool_tells_whoever_calls_it_by_mcp_and_has_its_time() {
    let count = mcp_server::Tool::new("count", |cx: Cx| async move {
        cx.progress(1.0, 2.0, "half").await;
        tokio::time::sleep(Duration::from_secs(5)).await;
        "counted"
    });
    let registry = Registry::default().builtins(Server::builder(implementation!()).tool(count).build().unwrap());
    let file = "
mcp_tools:
  - {name: patient, description: d, handler: {builtin: count}, timeout: 6}
  - {name: hasty, description: d, handler: {builtin: count}, timeout: 4}
";
    let gateway = Gateway::builder(config(file)).registry(registry).build().await.unwrap();
    let client = Client::connect(gateway.in_process()).await.unwrap();
    let told = std::sync::Mutex::new(Vec::new());
    let call = client.tool("patient").on_progress(|progress| told.lock().unwrap().push(progress.message)).call();
    assert_eq!(call.await.unwrap().content[0].as_text(), Some("counted"));
    assert_eq!(*told.lock().unwrap(), [Some("half".to_owned())]);
    let late = client.tool("hasty").call().await.unwrap();
    assert!(late.failed() && late.content[0].as_text().unwrap().contains("4 seconds"), "{late:?}");
    client.close().await;
    gateway.close().await;
}

/// A gateway with the built-in tool `greet`, which has six seconds: it asks for a name, then waits.
async fn greets(waits: Duration) -> Gateway {
    let greet = mcp_server::Tool::new("greet", move |cx: Cx| async move {
        let form = RequestedSchema::new().required_property("name", StringSchema::new());
        let who: ElicitResult = cx.elicit("who", ElicitRequestFormParams::new("Your name?", form)).await?;
        tokio::time::sleep(waits).await;
        Ok::<_, mcp_server::AskError>(format!("Hello, {}", who.content.unwrap().member("name").unwrap().as_str()))
    });
    let registry = Registry::default().builtins(Server::builder(implementation!()).tool(greet).build().unwrap());
    let file = "
mcp_tools:
  - {name: greet, description: d, handler: {builtin: greet}, timeout: 6}
";
    Gateway::builder(config(file)).registry(registry).build().await.unwrap()
}

/// A user who thinks for 70 seconds.
struct Slow;

impl ClientHandler for Slow {
    fn capabilities(&self) -> ClientCapabilities {
        ClientCapabilities::new().elicitation(ElicitationCapability::new())
    }

    fn elicit(&self, _: ElicitRequestParams, _: Origin) -> HookFuture<'_, ElicitResult> {
        Box::pin(async {
            tokio::time::sleep(Duration::from_secs(70)).await;
            let mut content = JsonObject::new();
            content.insert("name", serde_json::json!("Ada"));
            Ok(ElicitResult::new("accept").content(content))
        })
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_user_takes_to_answer_a_built_in_tool_is_not_its_time() {
    let check = async |era, waits, expected: &str| {
        let gateway = greets(Duration::from_secs(waits)).await;
        let client = Client::builder(implementation!()).era(era).handler(Slow).limits(start::limits_of_calls());
        let client = client.connect(gateway.in_process()).await.unwrap();
        let told = client.tool("greet").call().await.unwrap();
        let text = told.content[0].as_text().unwrap();
        assert!(text.contains(expected), "{text}");
        client.close().await;
        gateway.close().await;
    };
    for era in [EraMode::Legacy, EraMode::Modern] {
        check(era, 5, "Hello, \"Ada\"").await;
        check(era, 7, "6 seconds").await;
    }
}

#[tokio::test(start_paused = true)]
async fn calls_of_built_in_tools_fail_once_the_gateway_is_closed() {
    let gateway = Gateway::builder(config(FILE)).registry(registry()).build().await.unwrap();
    let client = Client::connect(gateway.in_process()).await.unwrap();
    assert!(!client.tool("again").call().await.unwrap().failed());
    gateway.close().await;
    assert!(client.tool("again").call().await.unwrap().failed());
    client.close().await;
}

#[tokio::test(start_paused = true)]
async fn arguments_that_do_not_follow_the_schema_run_nothing() {
    let (text, failed) = text("greet", r#"{"nmae":"Ada"}"#).await;
    assert!(failed && text.contains("the tool was not run") && text.contains("`name`: missing"), "{text}");
    for arguments in ["[1]", "7", r#"{"name":"a","name":"b"}"#] {
        let result = call("greet", arguments).await.unwrap();
        assert!(result.failed(), "{arguments}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_panics_or_hangs_harms_only_its_call() {
    assert_eq!(call("panic", "{}").await.unwrap_err(), Failure::Panicked);
    assert_eq!(call("hang", "{}").await.unwrap_err(), Failure::TimedOut { after: Duration::from_secs(7) });
}

#[tokio::test(start_paused = true)]
async fn an_unknown_tool_says_which_was_meant() {
    let Err(Failure::Protocol { message, .. }) = call("geet", "{}").await else { panic!() };
    assert_eq!(message, "there is no tool `geet`; did you mean `greet`?");
}

#[tokio::test(start_paused = true)]
async fn names_that_lead_to_nothing_are_told_with_their_places() {
    let file = "
mcp_tools:
  - {name: a, description: d, handler: {function: great}}
  - {name: b, description: d, handler: {builtin: time}}
";
    let error = Handlers::start(&config(file), registry()).await.unwrap_err();
    let lines: Vec<_> = error.faults().iter().map(ToString::to_string).collect();
    assert_eq!(
        lines,
        [
            "config.yaml:3:40: this program has registered no function `great`; did you mean `greet`?",
            "config.yaml:4:40: there is no built-in tool `time`; there are `echo`",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_schema_that_cannot_be_checked_is_warned_of() {
    let file = "
mcp_tools:
  - {name: greet, description: d, handler: {function: greet}, input_schema: {properties: {name: {pattern: '('}}}}
";
    let handlers = Handlers::start(&config(file), registry()).await.unwrap();
    let warning = handlers.warnings()[0].to_string();
    assert!(warning.starts_with("config.yaml:3:77: `greet`: arguments are checked by the server only: "), "{warning}");
}
