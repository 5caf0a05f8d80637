//! The first seed: what the document of LiteLLM's client shows works, and its faults are not here.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use mcp_client::Error as ClientError;
use mcp_openai_bridge::arguments::FAULT_LIMIT;
use mcp_openai_bridge::chat::{Arguments, Completion, ToolCall};
use mcp_openai_bridge::client::{
    Error, Format, Graceful, McpClient, call_mcp_tool, call_openai_tool, call_responses_tool, load_mcp_tools,
    to_mcp_call, to_openai_tool, to_responses_tool,
};
use mcp_openai_bridge::responses::FunctionCall;
use mcp_openai_bridge::tools::{Profile, ToolSet};
use mcp_server::{Args, Catalog, Cx, Prompt, Resource, Server, Tool, implementation};
use mcp_types::{CallToolRequestParams, RawJson};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize, JsonSchema)]
struct Text {
    text: String,
}

/// A client of a server in this process, and how often its tool ran.
fn client() -> (McpClient, Arc<AtomicUsize>) {
    let runs = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&runs);
    let echo = move |Args(Text { text }): Args<Text>| {
        counter.fetch_add(1, Ordering::SeqCst);
        async move { text }
    };
    let hello = async || "Say hello.".to_owned();
    let readme = async || "read me".to_owned();
    let catalog = Catalog::new()
        .tool(Tool::new("text.echo", echo).description("Says it again"))
        .prompt(Prompt::new("hello", hello).description("Greets"))
        .resource(Resource::new("file:///readme", "readme", readme));
    let server = Server::builder(implementation!()).catalog(catalog).build().unwrap();
    (McpClient::target(move || server.in_process()), runs)
}

fn function_name(tools: &[RawJson]) -> String {
    let tool: Value = tools[0].decode().unwrap();
    tool["function"]["name"].as_str().unwrap().to_owned()
}

/// Fact 0.2: `call_openai_tool` of LiteLLM fails with the reply of the official client.
#[tokio::test]
async fn a_call_of_a_reply_is_made_as_it_came_in_another_session_than_the_tools_were_loaded_in() {
    let (client, runs) = client();
    let tools = client.run_with_session(async |session| load_mcp_tools(&session, Format::OpenAi).await).await.unwrap();
    let name = function_name(&tools);
    assert_ne!(name, "text.echo", "no provider takes that name");
    let reply: Completion = serde_json::from_value(json!({ "id": "r", "object": "chat.completion", "choices": [{
        "index": 0, "finish_reason": "tool_calls", "logprobs": null,
        "message": { "role": "assistant", "content": null, "refusal": null, "tool_calls": [
            { "id": "call_1", "type": "function", "function": { "name": name, "arguments": "{\"text\":\"hi\"}" } }
        ] },
    }] }))
    .unwrap();
    for call in &reply.choices[0].message.tool_calls {
        let result = client.run_with_session(async |session| call_openai_tool(&session, call).await).await.unwrap();
        assert_eq!(result.content[0].as_text(), Some("hi"));
    }
    let flat = FunctionCall::new("call_2", name, Arguments::from(r#"{"text":"ho"}"#));
    let result = client.run_with_session(async |session| call_responses_tool(&session, &flat).await).await.unwrap();
    assert_eq!((result.content[0].as_text(), runs.load(Ordering::SeqCst)), (Some("ho"), 2));
}

/// Fact 0.4: LiteLLM runs the tool with `{}`.
#[tokio::test]
async fn broken_arguments_run_nothing() {
    let (client, runs) = client();
    let name = function_name(
        &client.run_with_session(async |session| load_mcp_tools(&session, Format::OpenAi).await).await.unwrap(),
    );
    for broken in
        [r#"{"text": "unterminated"#, "[1]", "null", r#"{"a":1}{"b":2}"#, r#"{"a":NaN}"#, r#"{"txet":"a"}"#, ""]
    {
        let call = ToolCall::new("call_1", name.as_str(), Arguments::from(broken));
        let error = client.run_with_session(async |session| call_openai_tool(&session, &call).await).await.unwrap_err();
        let Error::Arguments(rejection) = &error else { panic!("{broken}: {error}") };
        assert!((1..=FAULT_LIMIT).contains(&rejection.faults().len()));
        assert_eq!(error.to_result().is_error, Some(true));
    }
    assert_eq!(runs.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_function_that_does_not_exist_runs_nothing_and_says_what_there_is() {
    let (client, runs) = client();
    let call = ToolCall::new("call_1", "text_ekko", Arguments::from("{}"));
    let error = client.run_with_session(async |session| call_openai_tool(&session, &call).await).await.unwrap_err();
    assert!(error.to_string().contains("there is no tool `text_ekko`") && error.to_string().contains("text_echo"));
    assert_eq!(runs.load(Ordering::SeqCst), 0);
}

/// Field 1.4, as it is there where it is right, and refused where LiteLLM guesses.
#[test]
fn a_call_is_read_strictly() {
    let read = |arguments: Arguments| {
        let request = to_mcp_call(&ToolCall::new("id", "x y/é", arguments))?;
        assert_eq!(request.name, "x y/é");
        Ok::<_, Error>(request.arguments.unwrap().as_str().to_owned())
    };
    assert_eq!(read(Arguments::from("")).unwrap(), "{}");
    assert_eq!(read(Arguments::Absent).unwrap(), "{}");
    assert_eq!(read(Arguments::from(r#" {"a": 1.0} "#)).unwrap(), r#"{"a": 1.0}"#);
    assert_eq!(read(RawJson::parse(r#"{"a":1}"#).unwrap().into()).unwrap(), r#"{"a":1}"#);
    for broken in ["{bad", "[1]", "null", r#"{"a":1}{"b":2}"#, r#"{"a":NaN}"#, r#"{"a":1,"a":2}"#] {
        assert!(matches!(read(Arguments::from(broken)), Err(Error::Arguments(_))), "{broken}");
    }
}

/// Field 1.2.
#[test]
fn the_litellm_profile_converts_as_litellm_does() {
    let check = |schema: &str, parameters: &str| {
        let tool = mcp_types::Tool::new("x y/é", RawJson::parse(schema.to_owned()).unwrap()).title("T");
        let chat: Value = to_openai_tool(&tool, Profile::LiteLlm).unwrap().decode().unwrap();
        let parameters: Value = serde_json::from_str(parameters).unwrap();
        let function = json!({ "name": "x y/é", "description": "", "parameters": parameters, "strict": false });
        assert_eq!(chat, json!({ "type": "function", "function": function }));
        let flat: Value = to_responses_tool(&tool, Profile::LiteLlm).unwrap().decode().unwrap();
        let mut expected = function;
        expected["type"] = json!("function");
        assert_eq!(flat, expected);
    };
    check("{}", r#"{"type":"object","properties":{},"additionalProperties":false}"#);
    check(r#"{"type":"object"}"#, r#"{"type":"object","properties":{},"additionalProperties":false}"#);
    check(
        r#"{"type":"object","properties":null,"additionalProperties":true}"#,
        r#"{"type":"object","properties":null,"additionalProperties":true}"#,
    );
}

#[test]
fn a_tool_that_no_provider_would_take_is_an_error_and_not_a_function() {
    let tool = mcp_types::Tool::new("t", RawJson::parse(r#"{"type":"array"}"#).unwrap());
    assert!(matches!(to_openai_tool(&tool, Profile::Legal), Err(Error::Quarantined(_))));
}

#[tokio::test]
async fn tools_are_loaded_in_each_format() {
    let (client, _) = client();
    let load = async |format| {
        let loaded = client.run_with_session(async |session| load_mcp_tools(&session, format).await).await;
        loaded.unwrap()[0].decode::<Value>().unwrap()
    };
    assert_eq!(load(Format::Mcp).await["name"], "text.echo");
    let chat = load(Format::OpenAi).await;
    assert_eq!((&chat["type"], &chat["function"]["strict"]), (&json!("function"), &json!(false)));
    assert_eq!(load(Format::Responses).await["name"], chat["function"]["name"]);
    let exact = client.tool_set("mcp", ToolSet::builder().profile(Profile::LiteLlm));
    let loaded = exact.run_with_session(async |session| load_mcp_tools(&session, Format::OpenAi).await).await;
    assert_eq!(function_name(&loaded.unwrap()), "text.echo");
}

/// Field 1.5: LiteLLM answers a list that it cannot have by an empty one, and the error is gone.
#[tokio::test]
async fn a_list_that_cannot_be_had_is_an_error_or_an_empty_list_with_the_error_beside_it() {
    let gone = McpClient::http("http://127.0.0.1:1/mcp");
    assert!(matches!(gone.list_tools().await, Err(Error::Server(ClientError::Environment(_)))));
    let graceful = Graceful::from(gone.list_prompts().await);
    assert!(graceful.is_empty() && graceful.error.is_some());
    assert!(Graceful::from(gone.list_resources().await).into_iter().next().is_none());
    assert!(Graceful::from(gone.list_resource_templates().await).error.is_some());

    let (client, _) = client();
    let tools = Graceful::from(client.list_tools().await);
    assert!(tools.error.is_none() && tools[0].name == "text.echo");
    assert_eq!(client.list_prompts().await.unwrap()[0].name, "hello");
    assert_eq!(client.list_resources().await.unwrap()[0].uri, "file:///readme");
}

/// Field 1.5: a server that has no prompts has an empty list of them.
#[tokio::test]
async fn what_a_server_does_not_offer_it_has_none_of() {
    let bare = Server::builder(implementation!()).tool(Tool::new("t", async || String::new())).build().unwrap();
    let client = McpClient::target(move || bare.in_process());
    assert!(client.list_prompts().await.unwrap().is_empty());
    assert!(client.list_resources().await.unwrap().is_empty());
    assert!(client.list_resource_templates().await.unwrap().is_empty());
}

#[tokio::test]
async fn prompts_and_resources_are_had_and_what_is_missing_is_an_error() {
    let (client, _) = client();
    let none: [(&str, &str); 0] = [];
    let prompt = client.get_prompt("hello", none).await.unwrap();
    assert_eq!(prompt.messages.len(), 1);
    assert!(matches!(client.get_prompt("nothing", none).await, Err(Error::Server(ClientError::Rpc(_)))));
    assert_eq!(client.read_resource("file:///readme").await.unwrap().contents.len(), 1);
    assert!(client.read_resource("file:///nothing").await.is_err());
}

#[tokio::test]
async fn progress_is_told_while_a_call_runs() {
    let slow = async |cx: Cx| {
        cx.progress(1.0, Some(2.0), None).await;
        "done".to_owned()
    };
    let server = Server::builder(implementation!()).tool(Tool::new("slow", slow)).build().unwrap();
    let client = McpClient::target(move || server.in_process());
    let told = Mutex::new(Vec::new());
    let observe = |progress: mcp_types::ProgressNotificationParams| {
        told.lock().unwrap().push((progress.progress, progress.total));
    };
    let result = client.call_tool_with_progress(CallToolRequestParams::new("slow"), observe).await.unwrap();
    assert_eq!((result.content[0].as_text(), told.into_inner().unwrap()), (Some("done"), vec![(1.0, Some(2.0))]));
}

#[tokio::test]
async fn a_session_ends_with_its_operation_and_errors_reach_the_caller() {
    let (client, _) = client();
    let mut kept = None;
    let outcome: Result<(), Box<dyn std::error::Error>> = client
        .run_with_session(async |session| {
            let request = CallToolRequestParams::new("text.echo").arguments(json!({ "text": "a" }));
            let result = call_mcp_tool(&session, request).await?;
            assert_eq!(result.content[0].as_text(), Some("a"));
            kept = Some((*session).clone());
            Err("as asked".into())
        })
        .await;
    assert_eq!(outcome.unwrap_err().to_string(), "as asked");
    assert!(kept.unwrap().is_ended());
}
