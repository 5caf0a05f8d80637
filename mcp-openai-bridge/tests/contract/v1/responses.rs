//! Responses.

use mcp_openai_bridge::responses::{Assembler, Event};
use serde_json::{Value, json};

use super::cell::{Answer, Cell, mcp};
use crate::scripted::{item, message, response};

const PATH: &str = "/v1/responses";

fn request(tools: &[Value]) -> Value {
    json!({"model": "gpt", "input": "hi", "tools": tools})
}

fn kinds(response: &Value) -> Vec<&str> {
    response["output"].as_array().unwrap().iter().map(|item| item["type"].as_str().unwrap()).collect()
}

fn approving(approval: &Value) -> Value {
    json!({"type": "mcp", "server_label": "t", "server_url": "litellm_proxy/mcp/clock", "require_approval": approval})
}

/// The function of a tool of the server `clock`, as it is offered.
async fn function(tool: &str) -> String {
    let cell = Cell::replying([response(1, &[message("ok")])]).await;
    cell.ask(PATH, &request(&[mcp("t", "clock")])).await;
    let asked = cell.asked().remove(0).2;
    let names = asked["tools"].as_array().unwrap().iter().map(|tool| tool["name"].as_str().unwrap());
    names.into_iter().find(|name| name.starts_with(&tool.replace('.', "_"))).unwrap().to_owned()
}

/// LiteLLM makes one round without a stream, calls every call completed, and every server `litellm` (bridges 1.10).
#[tokio::test]
async fn lists_and_calls_are_items_with_the_true_label_and_typed_errors() {
    let (time, fails) = (function("get.time").await, function("fails").await);
    let script = [
        response(1, &[item("a", &time, r#"{"z":1}"#), item("b", &fails, "{}")]),
        response(2, &[item("c", &time, r#"{"z":"x"}"#)]),
        response(3, &[message("noon")]),
    ];
    let cell = Cell::replying(script).await;
    let reply = cell.ask(PATH, &request(&[mcp("t", "clock")])).await;
    assert_eq!(kinds(&reply), ["mcp_list_tools", "mcp_call", "mcp_call", "mcp_call", "message"]);
    let output = reply["output"].as_array().unwrap();
    assert!(output[..4].iter().all(|item| item["server_label"] == "t"));
    let list = &output[0];
    assert_eq!(list["tools"].as_array().unwrap().len(), 4);
    assert_eq!(list["tools"][0]["annotations"], json!({"readOnlyHint": true}));
    assert_eq!((&list["error"], &list["tools"][0]["name"]), (&Value::Null, &json!("get.time")));
    let call = |at: usize| (output[at]["name"].clone(), output[at]["status"].clone(), output[at]["output"].clone());
    assert_eq!(call(1), (json!("get.time"), json!("completed"), json!("get.time is done")));
    assert_eq!((&output[1]["arguments"], &output[1]["error"]), (&json!(r#"{"z":1}"#), &Value::Null));
    assert_eq!(call(2), (json!("fails"), json!("failed"), Value::Null));
    assert_eq!(
        output[2]["error"],
        json!({"type": "mcp_tool_execution_error", "content": [{"type": "text", "text": "disk full"}]})
    );
    assert_eq!((&output[3]["status"], &output[3]["error"]["type"]), (&json!("failed"), &json!("mcp_protocol_error")));
    assert_eq!(cell.calls().len(), 2, "wrong arguments are not executed");
    assert_eq!(reply["usage"]["total_tokens"], 36);
    assert_eq!(reply["status"], "completed");
    assert_eq!(reply["tools"][0]["type"], "mcp", "the client sees the tools that it gave");
    // The whole input goes to the provider, once (litellm#33520).
    let asked = cell.asked().remove(2).2;
    assert!(asked.get("previous_response_id").is_none());
    assert_eq!(asked["input"].as_array().unwrap().len(), 7);
}

#[tokio::test]
async fn a_stream_has_the_same_items_and_numbers_without_a_gap() {
    let time = function("get.time").await;
    let script =
        || [response(1, &[item("a", &time, "{}"), item("b", &time, r#"{"z":1}"#)]), response(2, &[message("noon")])];
    let plain = Cell::replying(script()).await.ask(PATH, &request(&[mcp("t", "clock")])).await;
    let cell = Cell::replying(script()).await;
    let (events, _) = cell.stream(PATH, &request(&[mcp("t", "clock")])).await;
    let mut whole = Assembler::default();
    for (number, event) in events.iter().enumerate() {
        assert_eq!(event["sequence_number"], json!(number));
        whole.push(&serde_json::from_value::<Event>(event.clone()).unwrap()).unwrap();
    }
    let streamed = serde_json::to_value(whole.finish().unwrap()).unwrap();
    let items = |response: &Value| {
        let mut output = response["output"].clone();
        for item in output.as_array_mut().unwrap() {
            item["id"] = Value::Null;
        }
        output
    };
    assert_eq!(items(&streamed), items(&plain));
    let of = |kind: &str| events.iter().filter(|event| event["type"] == kind).count();
    assert_eq!(events[0]["type"], "response.created");
    assert_eq!(events.last().unwrap()["type"], "response.completed");
    assert_eq!((of("response.created"), of("response.completed")), (1, 1));
    for kind in ["in_progress", "completed"] {
        assert_eq!(of(&format!("response.mcp_call.{kind}")), 2, "{kind}");
        assert_eq!(of(&format!("response.mcp_list_tools.{kind}")), 1, "{kind}");
    }
    assert_eq!(of("response.mcp_call_arguments.done"), 2);
    assert_eq!(of("response.function_call_arguments.done"), 0, "a call is one item and not two");
}

#[tokio::test]
async fn what_nobody_decided_about_waits_for_an_approval_and_is_resumed_without_memory() {
    let time = function("get.time").await;
    for (approval, waits) in [
        (Value::Null, true),
        (json!("always"), true),
        (json!({"always": {"tool_names": ["get.time"]}}), true),
        (json!({"never": {"tool_names": ["set_time"]}}), true),
        (json!({"never": {"read_only": false}}), true),
        (json!({"never": {"tool_names": ["get.time"]}}), false),
        (json!({"never": {"read_only": true}}), false),
        (json!("never"), false),
    ] {
        let cell =
            Cell::replying([response(1, &[item("a", &time, r#"{"z":1}"#)]), response(2, &[message("noon")])]).await;
        let reply = cell.ask(PATH, &request(&[approving(&approval)])).await;
        if !waits {
            assert_eq!(kinds(&reply), ["mcp_list_tools", "mcp_call", "message"], "{approval}");
            continue;
        }
        assert_eq!(kinds(&reply), ["mcp_list_tools", "mcp_approval_request"], "{approval}");
        assert!(cell.calls().is_empty());
        let asked = &reply["output"][1];
        assert_eq!(
            (&asked["name"], &asked["arguments"], &asked["server_label"]),
            (&json!("get.time"), &json!(r#"{"z":1}"#), &json!("t"))
        );

        // Another gateway goes on, which knows nothing of the first.
        let cell = Cell::replying([response(2, &[message("noon")])]).await;
        let mut input = vec![json!({"role": "user", "content": "hi"})];
        input.extend(reply["output"].as_array().unwrap().iter().cloned());
        input.push(json!({"type": "mcp_approval_response", "approval_request_id": asked["id"], "approve": true}));
        let mut next = request(&[approving(&approval)]);
        next["input"] = json!(input);
        let reply = cell.ask(PATH, &next).await;
        assert_eq!(cell.calls(), [r#"get.time {"z":1}"#]);
        assert_eq!(kinds(&reply), ["mcp_call", "message"], "a list that the client has is not sent again");
        assert_eq!(reply["output"][0]["approval_request_id"], asked["id"]);
        let sent: Vec<String> = cell.asked()[0].2["input"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item["type"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(sent, ["message", "function_call", "function_call_output"]);
    }
}

#[tokio::test]
async fn an_approval_is_given_by_previous_response_id_as_well() {
    let time = function("get.time").await;
    for stream in [false, true] {
        let cell = Cell::replying([
            response(1, &[item("a", &time, "{}")]),
            response(2, &[message("noon")]),
            response(3, &[message("bye")]),
        ])
        .await;
        let first = cell.ask(PATH, &request(&[approving(&json!("always"))])).await;
        let mut next = request(&[approving(&json!("always"))]);
        next["previous_response_id"] = first["id"].clone();
        next["input"] = json!([{"type": "mcp_approval_response", "approval_request_id": first["output"][1]["id"], "approve": true}]);
        let second = if stream {
            cell.stream(PATH, &next).await.0.last().unwrap()["response"].clone()
        } else {
            cell.ask(PATH, &next).await
        };
        assert_eq!(kinds(&second), ["mcp_call", "message"]);
        assert_eq!(cell.calls(), ["get.time {}"]);
        assert_ne!(second["id"], first["id"]);
        // And once more, without tools.
        let third =
            cell.ask(PATH, &json!({"model": "gpt", "input": "bye", "previous_response_id": second["id"]})).await;
        assert_eq!(kinds(&third), ["message"]);
        let sent: Vec<String> = cell.asked()[2].2["input"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item["type"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(sent, ["message", "function_call", "function_call_output", "message", "message"]);
        assert!(cell.asked()[2].2.get("previous_response_id").is_none());
    }
}

#[tokio::test]
async fn a_call_that_was_denied_is_not_made_and_the_model_learns_why() {
    let time = function("get.time").await;
    let cell = Cell::replying([response(1, &[item("a", &time, "{}")]), response(2, &[message("well")])]).await;
    let first = cell.ask(PATH, &request(&[approving(&json!("always"))])).await;
    let mut next = request(&[approving(&json!("always"))]);
    next["previous_response_id"] = first["id"].clone();
    next["input"] = json!([{"type": "mcp_approval_response", "approval_request_id": first["output"][1]["id"], "approve": false, "reason": "not today"}]);
    cell.ask(PATH, &next).await;
    assert!(cell.calls().is_empty());
    let told = cell.asked()[1].2["input"][2]["output"].as_str().unwrap().to_owned();
    assert_eq!(told, "error: denied by user: not today");

    // The same without memory, where a later turn has the denial in its past.
    let cell = Cell::replying([response(2, &[message("well")])]).await;
    let mut input = vec![json!({"role": "user", "content": "hi"})];
    input.extend(first["output"].as_array().unwrap().iter().cloned());
    input.push(next["input"][0].clone());
    input.extend([message("well"), json!({"role": "user", "content": "and now?"})]);
    next["input"] = json!(input);
    next.as_object_mut().unwrap().remove("previous_response_id");
    let reply = cell.ask(PATH, &next).await;
    assert_eq!(kinds(&reply), ["message"]);
    let sent = cell.asked()[0].2["input"].clone();
    let kinds: Vec<&str> = sent.as_array().unwrap().iter().map(|item| item["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["message", "function_call", "function_call_output", "message", "message"]);
    assert_eq!(sent[2]["output"], told);
}

#[tokio::test]
async fn an_approval_that_nobody_asked_for_is_refused_and_so_is_a_missing_one() {
    let time = function("get.time").await;
    let cell = Cell::replying([response(1, &[item("a", &time, "{}")])]).await;
    let first = cell.ask(PATH, &request(&[approving(&json!("always"))])).await;
    let check = async |input: Value, previous: Value, words: &str| {
        let mut next = request(&[approving(&json!("always"))]);
        (next["input"], next["previous_response_id"]) = (input, previous);
        let (status, text) = cell.post(PATH, &next).await;
        assert!(status == 400 && text.contains(words), "{status} {text}");
    };
    let response = |id: &str| json!([{"type": "mcp_approval_response", "approval_request_id": id, "approve": true}]);
    check(response("mcpr_forged"), first["id"].clone(), "no call waits for the approval `mcpr_forged`").await;
    check(json!("go on"), first["id"].clone(), "a call waits for the approval").await;
    check(json!("hi"), json!("resp_mcp_gone"), "previous_response_not_found").await;
    assert!(cell.calls().is_empty());
}

#[tokio::test]
async fn calls_of_the_client_and_of_servers_stand_side_by_side_and_are_continued() {
    let time = function("get.time").await;
    let mine = json!({"type": "function", "name": "mine", "parameters": {"type": "object", "properties": {}}, "strict": false});
    let script = [response(1, &[item("a", &time, "{}"), item("b", "mine", "{}")]), response(2, &[message("noon")])];
    for by_id in [true, false] {
        let cell = Cell::replying(script.clone()).await;
        let mut request = request(&[mine.clone(), mcp("t", "clock")]);
        let first = cell.ask(PATH, &request).await;
        assert_eq!(kinds(&first), ["mcp_list_tools", "mcp_call", "function_call"]);
        assert_eq!(first["output"][2]["call_id"], "b");
        let answer = json!({"type": "function_call_output", "call_id": "b", "output": "of the client"});
        if by_id {
            request["previous_response_id"] = first["id"].clone();
            request["input"] = json!([answer]);
        } else {
            let mut input = vec![json!({"role": "user", "content": "hi"})];
            input.extend(first["output"].as_array().unwrap().iter().cloned());
            input.push(answer);
            request["input"] = json!(input);
        }
        let second = cell.ask(PATH, &request).await;
        assert_eq!(kinds(&second), ["message"]);
        let sent = cell.asked()[1].2["input"].clone();
        let outputs: Vec<&Value> = sent
            .as_array()
            .unwrap()
            .iter()
            .filter(|item| item["type"] == "function_call_output")
            .map(|item| &item["output"])
            .collect();
        assert_eq!(outputs, [&json!("get.time is done"), &json!("of the client")]);
        assert_eq!(cell.calls().len(), 1, "nothing is made twice");
    }
}

/// Many providers number the calls of every reply from 0.
#[tokio::test]
async fn answers_of_earlier_rounds_stay_where_the_client_answers_a_call_of_the_same_id() {
    let time = function("get.time").await;
    let mine = json!({"type": "function", "name": "mine", "parameters": {"type": "object", "properties": {}}});
    let cell = Cell::replying([
        response(1, &[item("call_0", &time, "{}")]),
        response(2, &[item("call_0", "mine", "{}")]),
        response(3, &[message("noon")]),
    ])
    .await;
    let mut request = request(&[mine, mcp("t", "clock")]);
    let first = cell.ask(PATH, &request).await;
    request["previous_response_id"] = first["id"].clone();
    request["input"] = json!([{"type": "function_call_output", "call_id": "call_0", "output": "of the client"}]);
    assert_eq!(kinds(&cell.ask(PATH, &request).await), ["message"]);
    let sent = cell.asked().remove(2).2["input"].clone();
    let told: Vec<&str> =
        sent.as_array().unwrap().iter().filter_map(|item| item["output"].as_str().or(item["name"].as_str())).collect();
    assert_eq!(told, [time.as_str(), "get.time is done", "mine", "of the client"]);
}

#[tokio::test]
async fn a_choice_of_an_mcp_tool_is_one_of_its_function() {
    let cell = Cell::replying([response(1, &[message("ok")]), response(2, &[message("ok")])]).await;
    let mut request = request(&[mcp("t", "clock")]);
    request["tool_choice"] = json!({"type": "mcp", "server_label": "t", "name": "set_time"});
    let reply = cell.ask(PATH, &request).await;
    assert_eq!(cell.asked()[0].2["tool_choice"], json!({"type": "function", "name": "set_time"}));
    assert_eq!(reply["tool_choice"], request["tool_choice"]);
    request["tool_choice"] = json!({"type": "mcp", "server_label": "t"});
    cell.ask(PATH, &request).await;
    let choice = cell.asked()[1].2["tool_choice"].clone();
    assert_eq!(
        (&choice["type"], &choice["mode"], choice["tools"].as_array().unwrap().len()),
        (&json!("allowed_tools"), &json!("required"), 4)
    );
}

#[tokio::test]
async fn items_of_the_model_go_back_to_it_as_they_were() {
    let time = function("get.time").await;
    let reasoning = json!({"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAA", "n": 1.5});
    let cell =
        Cell::replying([response(1, &[reasoning.clone(), item("a", &time, "{}")]), response(2, &[message("noon")])])
            .await;
    let reply = cell.ask(PATH, &request(&[mcp("t", "clock")])).await;
    assert_eq!(cell.asked()[1].2["input"][1], reasoning);
    assert_eq!(reply["output"][1], reasoning);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_an_error_of_its_list_and_of_nothing_else() {
    let cell = Cell::replying([response(1, &[message("ok")])]).await;
    let (events, _) = cell.stream(PATH, &request(&[mcp("a", "gone"), mcp("b", "disk")])).await;
    let reply = &events.last().unwrap()["response"];
    assert_eq!(kinds(reply), ["mcp_list_tools", "mcp_list_tools", "message"]);
    assert_eq!(reply["output"][0]["error"], "the tools of server `gone` are not there: unreachable");
    assert_eq!(reply["output"][1]["tools"].as_array().unwrap().len(), 3);
    assert!(events.iter().any(|event| event["type"] == "response.mcp_list_tools.failed"));

    // Among several servers of one entry it takes nothing from what the others have.
    let cell = Cell::replying([response(1, &[message("ok")])]).await;
    let both = json!({"type": "mcp", "server_label": "t", "server_url": "litellm_proxy/mcp/gone,disk", "require_approval": "never"});
    let reply = cell.ask(PATH, &request(&[both])).await;
    let list = &reply["output"][0];
    assert_eq!(list["tools"].as_array().unwrap().len(), 3);
    assert_eq!(list["error"], "the tools of server `gone` are not there: unreachable");
}

#[tokio::test]
async fn an_error_after_the_stream_began_fails_the_response() {
    let time = function("get.time").await;
    let cell = Cell::new([
        Answer::Reply(response(1, &[item("a", &time, "{}")])),
        Answer::Status(400, json!({"error": {"message": "too long", "code": "context_length_exceeded"}})),
    ])
    .await;
    let (events, _) = cell.stream(PATH, &request(&[mcp("t", "clock")])).await;
    let last = events.last().unwrap();
    assert_eq!((&last["type"], &last["response"]["status"]), (&json!("response.failed"), &json!("failed")));
    assert_eq!(last["response"]["error"]["code"], "context_length_exceeded");
    assert_eq!(kinds(&last["response"]), ["mcp_list_tools", "mcp_call"]);
}
