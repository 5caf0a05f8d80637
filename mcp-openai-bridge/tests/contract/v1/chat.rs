//! Chat Completions.

use futures::StreamExt as _;
use mcp_openai_bridge::chat::{Assembler, Chunk};
use serde_json::{Value, json};

use super::cell::{Answer, Cell, mcp};
use super::user;
use crate::scripted::{calls, pieces, says};

const PATH: &str = "/v1/chat/completions";

fn request(tools: &[Value]) -> Value {
    json!({"model": "gpt", "messages": [user("hi")], "tools": tools})
}

/// The function of a tool of the server `clock`, as it is offered.
pub(super) async fn function(tool: &str) -> String {
    let cell = Cell::replying([says(1, "ok")]).await;
    cell.ask(PATH, &request(&[mcp("t", "clock")])).await;
    let asked = cell.asked().remove(0).2;
    let names = asked["tools"].as_array().unwrap().iter().map(|tool| tool["function"]["name"].as_str().unwrap());
    names.into_iter().find(|name| name.starts_with(&tool.replace('.', "_"))).unwrap().to_owned()
}

/// LiteLLM stops after one round and hands the next call to a client that cannot make it.
#[tokio::test]
async fn every_round_of_calls_is_followed() {
    let time = function("get.time").await;
    let mut script: Vec<Value> = (1..=5).map(|n| calls(n, &[("c", &time, "{}")])).collect();
    script.push(says(6, "noon"));
    let cell = Cell::replying(script).await;
    let reply = cell.ask(PATH, &request(&[mcp("t", "clock")])).await;
    assert_eq!(cell.calls().len(), 5);
    assert_eq!(reply["choices"].as_array().unwrap().len(), 1);
    assert_eq!(reply["choices"][0]["finish_reason"], "stop");
    assert!(reply["choices"][0]["message"]["content"].as_str().unwrap().ends_with("noon"));
    assert_eq!(reply["usage"]["total_tokens"], 72);
    assert_eq!(reply["object"], "chat.completion");
    assert!(reply["choices"][0]["message"].get("tool_calls").is_none());
}

#[tokio::test]
async fn a_model_that_never_ends_is_ended() {
    let time = function("get.time").await;
    let script: Vec<Value> = (0..11).map(|n| calls(n, &[("c", &time, "{}")])).collect();
    let cell = Cell::replying(script).await;
    let reply = cell.ask(PATH, &request(&[mcp("t", "clock")])).await;
    assert_eq!(reply["choices"][0]["finish_reason"], "stop");
    assert_eq!(cell.asked().len(), 11);
    assert_eq!(cell.asked()[10].2["tool_choice"], "none");
}

/// LiteLLM leaks the calls of inner rounds, their finish reasons and their ids into the stream (litellm#31910).
#[tokio::test]
async fn a_stream_of_many_rounds_is_one_clean_message() {
    let time = function("get.time").await;
    let mut script: Vec<Value> = (1..10).map(|n| calls(n, &[("c", &time, "{}"), ("d", &time, r#"{"z":1}"#)])).collect();
    script.push(says(10, "noon"));
    let cell = Cell::replying(script).await;
    let mut request = request(&[mcp("t", "clock")]);
    request["stream_options"] = json!({"include_usage": true});
    let (events, is_done) = cell.stream(PATH, &request).await;
    assert!(is_done);
    assert_eq!(cell.calls().len(), 18);
    let ids: std::collections::BTreeSet<&str> = events.iter().map(|event| event["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 1);
    let count = |what: &dyn Fn(&Value) -> bool| events.iter().filter(|event| what(event)).count();
    assert_eq!(count(&|event| event["choices"][0]["delta"].get("role").is_some()), 1);
    assert_eq!(count(&|event| event["choices"][0]["finish_reason"].is_string()), 1);
    assert_eq!(count(&|event| event.get("usage").is_some_and(|usage| !usage.is_null())), 1);
    assert_eq!(count(&|event| event["choices"][0]["delta"].get("tool_calls").is_some()), 0);
    assert_eq!(events.last().unwrap()["usage"]["total_tokens"], 120);

    // And it is the message that comes without a stream.
    let mut whole = Assembler::default();
    for event in &events {
        whole.push(&serde_json::from_value::<Chunk>(event.clone()).unwrap()).unwrap();
    }
    let mut expected: Vec<String> = (1..10).map(|n| format!("Round {n}.")).collect();
    expected.push("noon".to_owned());
    assert_eq!(whole.finish().unwrap().choices[0].message.text(), expected.join("\n\n"));
}

/// LiteLLM forces another call with every follow-up.
#[tokio::test]
async fn a_forced_choice_is_released_after_the_first_round() {
    let time = function("get.time").await;
    let cell = Cell::replying([calls(1, &[("c", &time, "{}")]), says(2, "noon")]).await;
    let mut request = request(&[mcp("t", "clock")]);
    request["tool_choice"] = json!("required");
    cell.ask(PATH, &request).await;
    let choices: Vec<Value> = cell.asked().into_iter().map(|asked| asked.2["tool_choice"].clone()).collect();
    assert_eq!(choices, ["required", "auto"]);
}

/// LiteLLM runs the tool with no arguments (bridges 0.4).
#[tokio::test]
async fn broken_arguments_are_not_executed_and_the_model_is_told() {
    let time = function("get.time").await;
    for arguments in [r#"{"z": 1"#, "[1]", r#"{"z":"five"}"#, r#"{"z":1}{"z":2}"#] {
        let cell = Cell::replying([calls(1, &[("c", &time, arguments)]), says(2, "sorry")]).await;
        cell.ask(PATH, &request(&[mcp("t", "clock")])).await;
        assert!(cell.calls().is_empty(), "{arguments}");
        let told = cell.asked()[1].2["messages"][2].clone();
        assert_eq!(told["tool_call_id"], "c");
        assert!(told["content"].as_str().unwrap().starts_with("error: "), "{told}");
    }
}

/// LiteLLM answers the client's own function with "Error executing tool" (litellm#37031).
#[tokio::test]
async fn functions_of_the_client_are_handed_back_in_the_same_turn_and_continued() {
    let time = function("get.time").await;
    for stream in [false, true] {
        let cell = Cell::replying([
            calls(1, &[("call_0", &time, "{}")]),
            calls(2, &[("call_0", &time, "{}"), ("call_1", "mine", r#"{"a":1}"#), ("call_2", &time, r#"{"z":1}"#)]),
            says(3, "noon"),
        ])
        .await;
        let mine = json!({"type": "function", "function": {"name": "mine", "parameters": {"type": "object", "properties": {}}}});
        let mut request = request(&[mine, mcp("t", "clock")]);
        let reply = if stream {
            let mut whole = Assembler::default();
            for event in cell.stream(PATH, &request).await.0 {
                whole.push(&serde_json::from_value::<Chunk>(event).unwrap()).unwrap();
            }
            serde_json::to_value(whole.finish().unwrap()).unwrap()
        } else {
            cell.ask(PATH, &request).await
        };
        // The calls of the servers were made; only the client's is there.
        assert_eq!(cell.calls().len(), 3);
        let choice = &reply["choices"][0];
        assert_eq!(choice["finish_reason"], "tool_calls");
        let handed = choice["message"]["tool_calls"].as_array().unwrap();
        assert_eq!(handed.len(), 1, "{handed:?}");
        assert_eq!(
            (&handed[0]["function"]["name"], &handed[0]["function"]["arguments"]),
            (&json!("mine"), &json!(r#"{"a":1}"#))
        );
        let id = handed[0]["id"].as_str().unwrap();
        assert!(id.len() <= 40 && id != "call_1", "{id}: ids of providers are not unique");

        // The client answers, and the model finds all that it said.
        let messages = request["messages"].as_array_mut().unwrap();
        messages.push(choice["message"].clone());
        messages.push(json!({"role": "tool", "tool_call_id": id, "content": "of the client"}));
        let reply = cell.ask(PATH, &request).await;
        assert_eq!(reply["choices"][0]["message"]["content"], "noon");
        let asked = cell.asked().remove(2).2;
        let seen: Vec<String> = asked["messages"]
            .as_array()
            .unwrap()
            .iter()
            .map(|message| {
                let ids = message["tool_calls"]
                    .as_array()
                    .map(|calls| calls.iter().map(|call| call["id"].as_str().unwrap()).collect::<Vec<_>>().join("+"));
                let id = message["tool_call_id"].as_str().map(str::to_owned).or(ids).unwrap_or_default();
                let content = if message["role"] == "tool" { message["content"].as_str().unwrap() } else { "" };
                format!("{} {id} {content}", message["role"].as_str().unwrap()).trim().to_owned()
            })
            .collect();
        assert_eq!(
            seen,
            [
                "user",
                "assistant call_0",
                "tool call_0 get.time is done",
                "assistant call_0+call_1+call_2",
                "tool call_0 get.time is done",
                "tool call_1 of the client",
                "tool call_2 get.time is done",
            ]
        );
        assert_eq!(cell.calls().len(), 3, "nothing is made twice");
    }
}

#[tokio::test]
async fn what_the_client_did_not_see_is_put_back_once_however_often_it_is_named() {
    let time = function("get.time").await;
    let cell =
        Cell::replying([calls(1, &[("call_0", &time, "{}")]), calls(2, &[("call_0", "mine", "{}")]), says(3, "noon")])
            .await;
    let mine = json!({"type": "function", "function": {"name": "mine", "parameters": {"type": "object"}}});
    let mut request = request(&[mine, mcp("t", "clock")]);
    let reply = cell.ask(PATH, &request).await;
    let said = &reply["choices"][0]["message"];
    let answer = json!({"role": "tool", "tool_call_id": said["tool_calls"][0]["id"], "content": "x"});
    let messages = request["messages"].as_array_mut().unwrap();
    for _ in 0..100 {
        messages.extend([said.clone(), answer.clone()]);
    }
    let sent = messages.len();
    cell.ask(PATH, &request).await;
    // The first is what the model said; a round and its answer come to it.
    assert_eq!(cell.asked().remove(2).2["messages"].as_array().unwrap().len(), sent + 2);
}

#[tokio::test]
async fn a_tool_that_needs_an_approval_is_handed_to_the_client() {
    let set = function("set_time").await;
    let tool = json!({"type": "mcp", "server_label": "t", "server_url": "litellm_proxy/mcp/clock", "require_approval": {"never": {"read_only": true}}});
    let time = function("get.time").await;
    let cell = Cell::replying([calls(1, &[("a", &set, "{}"), ("b", &time, "{}")]), says(2, "done")]).await;
    let mut request = request(&[tool]);
    let reply = cell.ask(PATH, &request).await;
    assert_eq!(cell.calls(), ["get.time {}"]);
    let message = &reply["choices"][0]["message"];
    assert_eq!(message["tool_calls"].as_array().unwrap().len(), 1);
    assert_eq!(message["tool_calls"][0]["function"]["name"], set.as_str());
    let messages = request["messages"].as_array_mut().unwrap();
    messages.push(message.clone());
    messages.push(json!({"role": "tool", "tool_call_id": message["tool_calls"][0]["id"], "content": "I did it"}));
    cell.ask(PATH, &request).await;
    let asked = cell.asked().remove(1).2;
    let contents: Vec<&str> =
        asked["messages"].as_array().unwrap()[2..].iter().map(|message| message["content"].as_str().unwrap()).collect();
    assert_eq!(contents, ["I did it", "get.time is done"]);
}

/// LiteLLM's `allowed_tools` of one entry holds for all (bridges 1.10).
#[tokio::test]
async fn a_filter_of_one_entry_says_nothing_about_another() {
    let cell = Cell::replying([says(1, "ok")]).await;
    let mut one = mcp("one", "clock");
    one["allowed_tools"] = json!(["get.time"]);
    let mut two = mcp("two", "disk");
    two["allowed_tools"] = json!({"read_only": true});
    cell.ask(PATH, &request(&[one, two])).await;
    let asked = cell.asked().remove(0).2;
    let offered: Vec<&str> = asked["tools"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tool| tool["function"]["description"].as_str().unwrap())
        .collect();
    assert_eq!(offered, ["Does get.time", "Does read", "Does meets"]);
}

#[tokio::test]
async fn a_tool_outside_of_the_filter_is_not_called_however_the_model_names_it() {
    let time = function("get.time").await;
    for name in [time.as_str(), "wipe", "disk__wipe", "disk-wipe", "clock-get.time"] {
        let cell = Cell::replying([calls(1, &[("a", name, "{}")]), says(2, "ok")]).await;
        let mut tool = mcp("t", "disk");
        tool["allowed_tools"] = json!(["read"]);
        cell.ask(PATH, &request(&[tool])).await;
        assert!(cell.calls().is_empty(), "{name}");
    }
}

#[tokio::test]
async fn a_failed_tool_is_told_as_failed() {
    let fails = function("fails").await;
    let cell = Cell::replying([calls(1, &[("a", &fails, "{}")]), says(2, "sorry")]).await;
    cell.ask(PATH, &request(&[mcp("t", "clock")])).await;
    assert_eq!(cell.asked()[1].2["messages"][2]["content"], "error: disk full");
}

#[tokio::test]
async fn an_error_after_the_stream_began_is_told_in_the_stream() {
    let time = function("get.time").await;
    let cell = Cell::new([
        Answer::Reply(calls(1, &[("a", &time, "{}")])),
        Answer::Status(400, json!({"error": {"message": "too long", "code": "context_length_exceeded"}})),
    ])
    .await;
    let (events, is_done) = cell.stream(PATH, &request(&[mcp("t", "clock")])).await;
    assert!(!is_done, "what failed is not done");
    let error = &events.last().unwrap()["error"];
    assert!(error["message"].as_str().unwrap().contains("too long"), "{error}");
    assert_eq!(error["code"], "context_length_exceeded");
}

#[tokio::test]
async fn a_client_that_goes_away_cancels_the_calls() {
    let hangs = function("hangs").await;
    let cell = Cell::replying([calls(1, &[("a", &hangs, "{}")])]).await;
    let mut request = request(&[mcp("t", "clock")]);
    request["stream"] = json!(true);
    let response = cell.send(PATH, &request).await;
    let mut body = response.into_body();
    let running = || cell.running.load(std::sync::atomic::Ordering::SeqCst);
    // The loop runs inside of the body.
    while running() == 0 {
        tokio::select! {
            _ = body.next() => {}
            () = tokio::task::yield_now() => {}
        }
    }
    drop(body);
    while running() > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(cell.asked().len(), 1);
}

#[tokio::test]
async fn a_client_that_goes_away_ends_the_stream_of_the_provider() {
    let cell = Cell::new([Answer::Hanging(pieces(&says(1, "a long story"))[..2].to_vec())]).await;
    let mut request = request(&[mcp("t", "clock")]);
    request["stream"] = json!(true);
    let mut body = cell.send(PATH, &request).await.into_body();
    let first = body.next().await.unwrap();
    assert!(first.starts_with(b"data: {"), "what came is there at once");
    drop(body);
}

#[tokio::test]
async fn a_server_that_is_not_there_takes_nothing_from_the_others() {
    let cell = Cell::replying([says(1, "ok")]).await;
    cell.ask(PATH, &request(&[mcp("a", "gone"), mcp("b", "disk")])).await;
    assert_eq!(cell.asked()[0].2["tools"].as_array().unwrap().len(), 3);
    // With no tool at all the model could only make something up.
    let (status, text) = cell.post(PATH, &request(&[mcp("a", "gone")])).await;
    assert!(status == 424 && text.contains("server `gone`"), "{status} {text}");
}

#[tokio::test]
async fn every_server_of_the_gateway_is_offered_as_one() {
    let cell = Cell::replying([says(1, "ok"), says(2, "ok")]).await;
    let tool =
        json!({"type": "mcp", "server_label": "litellm", "server_url": "litellm_proxy", "require_approval": "never"});
    cell.ask(PATH, &request(std::slice::from_ref(&tool))).await;
    assert_eq!(cell.asked()[0].2["tools"].as_array().unwrap().len(), 8);
    let mut narrow = tool;
    narrow["headers"] = json!({"x-litellm-api-key": "Bearer k", "x-mcp-servers": "disk,web"});
    narrow["allowed_tools"] = json!(["read", "fetch"]);
    cell.ask(PATH, &request(&[narrow])).await;
    let asked = cell.asked().remove(1).2;
    let described = asked["tools"].as_array().unwrap().iter().map(|tool| tool["function"]["description"].clone());
    assert_eq!(described.collect::<Vec<_>>(), ["Does read", "Does fetch"]);
}

/// LiteLLM makes one after the other: three calls of a second take three (bridges 0.5).
#[tokio::test]
async fn the_calls_of_a_round_are_made_at_once_and_answered_in_their_order() {
    // Each of them waits until three are there.
    let round = calls(1, &[("a", "meets", "{}"), ("b", "meets", r#"{"z":2}"#), ("c", "meets", r#"{"z":3}"#)]);
    let cell = Cell::replying([round, says(2, "done")]).await;
    cell.ask(PATH, &request(&[mcp("t", "disk")])).await;
    let told = cell.asked().remove(1).2;
    let ids: Vec<&str> = told["messages"].as_array().unwrap()[2..]
        .iter()
        .map(|answer| answer["tool_call_id"].as_str().unwrap())
        .collect();
    assert_eq!(ids, ["a", "b", "c"]);
}

/// LiteLLM lists every server with every request, twice (bridges 1.10).
#[tokio::test]
async fn nothing_is_listed_for_a_request_once_it_is_known() {
    let cell = Cell::replying([says(1, "a"), says(2, "b")]).await;
    cell.ask(PATH, &request(&[mcp("t", "disk")])).await;
    let before = cell.gateway.offer().await;
    cell.ask(PATH, &request(&[mcp("t", "disk")])).await;
    assert!(std::sync::Arc::ptr_eq(&before, &cell.gateway.offer().await));
}
