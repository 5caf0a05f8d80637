//! The APIs of OpenAI with MCP servers behind them (bridges.md 1.10, 5.1.7, 5.1.8, and the gateway of section 7).

mod cell;
mod chat;
mod responses;

use serde_json::{Value, json};

use cell::{Answer, Cell, mcp};

use crate::scripted::says;

fn user(text: &str) -> Value {
    json!({"role": "user", "content": text})
}

#[tokio::test]
async fn a_request_without_mcp_tools_passes_through_and_only_the_name_of_the_model_changes() {
    for path in ["/v1/chat/completions", "/chat/completions", "/v1/responses"] {
        let reply = json!({"id": "x", "choices": [], "unheard_of": {"a": 1.5}, "output": []});
        let cell = Cell::replying([reply.clone()]).await;
        let request = json!({"model": "gpt", "messages": [user("hi")], "input": "hi", "tools": [{"type": "function", "function": {"name": "f"}}], "new_member": [1], "temperature": 0.1});
        assert_eq!(cell.ask(path, &request).await, reply);
        let (asked_at, key, body) = cell.asked().remove(0);
        assert_eq!(asked_at, if path.ends_with("responses") { "/v1/responses" } else { "/v1/chat/completions" });
        assert_eq!(key, "Bearer sk-canary");
        let mut expected = request.clone();
        expected["model"] = json!("gpt-real");
        assert_eq!(body, expected);
    }
}

#[tokio::test]
async fn a_stream_without_mcp_tools_passes_through_as_it_is() {
    let cell = Cell::replying([says(1, "noon")]).await;
    let (events, is_done) =
        cell.stream("/v1/chat/completions", &json!({"model": "gpt", "messages": [user("hi")]})).await;
    assert!(is_done);
    assert_eq!(events, crate::scripted::pieces(&says(1, "noon")));
    assert_eq!(cell.asked()[0].2["temperature"], json!(0.5), "what the client left out comes from the file");
}

#[tokio::test]
async fn an_error_of_the_provider_keeps_its_status_and_its_body() {
    let error =
        json!({"error": {"message": "slow down, Bearer sk-canary", "type": "rate", "code": "rate_limit_exceeded"}});
    // Without MCP tools the body is the provider's, but for the key.
    let cell = Cell::new([Answer::Status(429, error.clone())]).await;
    let response = cell.send("/v1/chat/completions", &json!({"model": "gpt", "messages": []})).await;
    assert_eq!((response.status().as_u16(), response.headers()["retry-after"].to_str().unwrap()), (429, "7"));
    let (_, text) = (0, futures::StreamExt::collect::<Vec<_>>(response.into_body()).await.concat());
    let text = String::from_utf8(text).unwrap();
    assert!(
        text.contains("slow down") && text.contains("rate_limit_exceeded") && !text.contains("sk-canary"),
        "{text}"
    );
    // With them the message, the code and the wait are.
    for (path, stream) in [
        ("/v1/chat/completions", false),
        ("/v1/chat/completions", true),
        ("/v1/responses", false),
        ("/v1/responses", true),
    ] {
        let cell = Cell::new([Answer::Status(429, error.clone())]).await;
        let request = json!({"model": "gpt", "messages": [user("hi")], "input": "hi", "stream": stream, "tools": [mcp("t", "clock")]});
        let response = cell.send(path, &request).await;
        assert_eq!((response.status().as_u16(), response.headers()["retry-after"].to_str().unwrap()), (429, "7"));
        let text =
            String::from_utf8(futures::StreamExt::collect::<Vec<_>>(response.into_body()).await.concat()).unwrap();
        assert!(text.contains("slow down") && text.contains("rate_limit_exceeded"), "{text}");
        assert!(!text.contains("sk-canary") && !text.contains("127.0.0.1"), "{text}");
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_said_in_openais_shape() {
    let cell = Cell::replying([]).await;
    let check = async |path: &str, body: Value, status: u16, code: Value, words: &str| {
        let (got, text) = cell.post(path, &body).await;
        let error = serde_json::from_str::<Value>(&text).unwrap()["error"].clone();
        assert_eq!((got, &error["code"]), (status, &code), "{text}");
        assert!(error["message"].as_str().unwrap().contains(words), "{text}");
    };
    let chat = "/v1/chat/completions";
    let with = |tool: Value| json!({"model": "gpt", "messages": [], "input": [], "tools": [tool]});
    check(chat, json!({"model": "gpd", "messages": []}), 404, json!("model_not_found"), "did you mean `gpt`?").await;
    check(chat, json!({"messages": []}), 400, Value::Null, "`model`").await;
    check(chat, json!([]), 400, Value::Null, "").await;
    check("/v1/embeddings", json!({}), 404, json!("not_found"), "/v1/responses").await;
    check(chat, with(json!({"type": "mcp"})), 400, Value::Null, "`tools[0].server_label`: it is required").await;
    check(chat, with(mcp("t", "clokc")), 400, Value::Null, "did you mean `clock`?").await;
    check("/v1/responses", with(mcp("t", "clokc")), 400, Value::Null, "did you mean `clock`?").await;
    let mut two = with(mcp("t", "clock"));
    two["n"] = json!(2);
    check(chat, two, 400, Value::Null, "`n`").await;
    let mut background = with(mcp("t", "clock"));
    background["background"] = json!(true);
    check("/v1/responses", background, 400, Value::Null, "`background`").await;
    assert!(cell.asked().is_empty());
}

/// A URL of a request is never asked (T-72).
#[tokio::test]
async fn a_server_url_is_one_of_the_file_or_it_is_refused() {
    for (url, allowed) in [
        ("https://mcp.example.com/mcp/", true),
        ("https://MCP.example.com/mcp", true),
        ("http://gate:4000/mcp/web", true),
        ("https://mcp.example.com.evil.com/mcp", false),
        ("https://mcp.example.com/mcp/../admin", false),
        ("http://169.254.169.254/latest/meta-data", false),
        ("http://127.0.0.1:1/mcp", false),
        ("file:///etc/passwd", false),
    ] {
        let cell = Cell::replying([says(1, "ok")]).await;
        let tool = json!({"type": "mcp", "server_label": "t", "server_url": url, "require_approval": "never"});
        let (status, text) = cell
            .post("/v1/chat/completions", &json!({"model": "gpt", "messages": [user("hi")], "tools": [tool]}))
            .await;
        assert_eq!(status, if allowed { 200 } else { 400 }, "{url}: {text}");
        if allowed {
            assert_eq!(cell.asked()[0].2["tools"][0]["function"]["name"], "fetch");
        } else {
            assert!(text.contains("not one of the gateway's servers"), "{text}");
        }
    }
}

#[tokio::test]
async fn the_models_of_the_file_are_listed() {
    let cell = Cell::replying([]).await;
    let get = async |path: &str| {
        let request = http::Request::get(path).body(bytes::Bytes::new()).unwrap();
        let response = mcp_server::Routes::answer(&cell.gateway.routes(), request).await;
        let status = response.status().as_u16();
        let body = futures::StreamExt::collect::<Vec<_>>(response.into_body()).await.concat();
        (status, serde_json::from_slice::<Value>(&body).unwrap())
    };
    let model = |name: &str| json!({"id": name, "object": "model", "created": 0, "owned_by": "mcp-bridge"});
    let all = ["gpt", "vendor/deep", "hasty", "twins"].map(model);
    assert_eq!(get("/v1/models").await, (200, json!({"object": "list", "data": all})));
    assert_eq!(get("/v1/models/gpt").await, (200, model("gpt")));
    // The openai package writes the second.
    for path in ["/v1/models/vendor/deep", "/v1/models/vendor%2Fdeep"] {
        assert_eq!(get(path).await, (200, model("vendor/deep")), "{path}");
    }
    assert_eq!(get("/v1/models/nope").await.0, 404);
    for (request, allow) in
        [(http::Request::get("/v1/chat/completions"), "POST"), (http::Request::post("/v1/models"), "GET")]
    {
        let request = request.body(bytes::Bytes::new()).unwrap();
        let response = mcp_server::Routes::answer(&cell.gateway.routes(), request).await;
        assert_eq!((response.status().as_u16(), response.headers()["allow"].to_str().unwrap()), (405, allow));
    }
}

#[tokio::test]
async fn a_provider_that_breaks_off_its_error_or_points_elsewhere_is_told_as_one_that_failed() {
    for (answer, expected) in
        [(Answer::Torn(503), (503, "broke off")), (Answer::Status(302, json!({})), (502, "redirects"))]
    {
        let cell = Cell::new([answer]).await;
        let request = json!({"model": "hasty", "messages": [user("hi")]});
        let answered = tokio::time::timeout(std::time::Duration::from_secs(30), cell.post("/v1/responses", &request));
        let (status, text) = answered.await.expect("nobody waits for the rest of an error");
        assert!(status == expected.0 && text.contains(expected.1) && text.contains("`hasty`"), "{status} {text}");
    }
}

#[tokio::test]
async fn the_rounds_of_a_request_stay_with_one_provider_until_it_fails() {
    let busy = || Answer::Status(503, json!({"error": {"message": "busy"}}));
    let time = chat::function("get.time").await;
    let round = |n: usize| Answer::Reply(crate::scripted::calls(n, &[("c", &time, "{}")]));
    let cell = Cell::new([round(1), round(2), busy(), Answer::Reply(says(3, "noon"))]).await;
    let request = json!({"model": "twins", "messages": [user("hi")], "tools": [mcp("t", "clock")]});
    cell.ask("/v1/chat/completions", &request).await;
    let models: Vec<String> = cell.asked().iter().map(|asked| asked.2["model"].as_str().unwrap().to_owned()).collect();
    assert!(models[0] == models[1] && models[1] == models[2] && models[2] != models[3], "{models:?}");
}

#[tokio::test]
async fn a_request_cannot_make_the_gateway_write_out_its_servers_without_end() {
    let cell = Cell::replying([says(1, "ok")]).await;
    let tools = |count: usize| (0..count).map(|at| mcp(&format!("t{at}"), "clock")).collect::<Vec<_>>();
    let request = |tools: Vec<Value>| json!({"model": "gpt", "messages": [user("hi")], "input": "hi", "tools": tools});
    for path in ["/v1/chat/completions", "/v1/responses"] {
        let (status, text) = cell.post(path, &request(tools(129))).await;
        assert!(status == 400 && text.contains("128"), "{status} {text}");
        let (status, text) = cell.post(path, &request(vec![mcp(&"x".repeat(257), "clock")])).await;
        assert!(status == 400 && text.contains("256"), "{status} {text}");
    }
    // A server that is named twice is one, and its tools keep their names.
    cell.ask("/v1/chat/completions", &request(vec![mcp("t", "clock,clock")])).await;
    let asked = cell.asked().remove(0).2;
    assert_eq!(asked["tools"][0]["function"]["name"], json!(chat::function("get.time").await));
}
