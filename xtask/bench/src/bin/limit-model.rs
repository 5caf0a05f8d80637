//! The scripted model of the loops: a bare hyper server of Chat Completions.
//!
//! To a question it answers with a call of the first tool that is offered whose name holds `echo`, and to the result of
//! that call with a text.

use std::{convert::Infallible, io};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{Request, Response, body::Incoming, header, header::HeaderValue, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;

fn main() -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(serve())
}

async fn serve() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    eprintln!("listening on http://{}/v1", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(async move {
            // A client that goes away is no fault of ours.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(answer)).await;
        });
    }
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let body = request.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let request: Value = serde_json::from_slice(&body).unwrap_or_default();
    let is_stream = request["stream"] == true;
    let (kind, body) =
        if is_stream { ("text/event-stream", stream(&request)) } else { ("application/json", whole(&request)) };
    let mut response = Response::new(Full::new(Bytes::from(body)));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    Ok(response)
}

/// The message, and why it ends.
fn message(request: &Value) -> (Value, &'static str) {
    let messages = request["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
    if messages.last().is_some_and(|message| message["role"] == "tool") {
        return (json!({"role": "assistant", "content": "It said hello."}), "stop");
    }
    let names = request["tools"].as_array().into_iter().flatten();
    let mut names = names.filter_map(|tool| tool["function"]["name"].as_str());
    let name = names.find(|name| name.contains("echo")).unwrap_or("echo");
    let function = json!({"name": name, "arguments": "{\"text\":\"hello\"}"});
    let call = json!({"id": "call_1", "type": "function", "function": function});
    (json!({"role": "assistant", "content": null, "tool_calls": [call]}), "tool_calls")
}

fn whole(request: &Value) -> String {
    let (message, reason) = message(request);
    json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "scripted",
        "choices": [{"index": 0, "message": message, "logprobs": null, "finish_reason": reason}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
    })
    .to_string()
}

fn stream(request: &Value) -> String {
    let (mut message, reason) = message(request);
    for (index, call) in message["tool_calls"].as_array_mut().into_iter().flatten().enumerate() {
        call["index"] = index.into();
    }
    let chunk = |delta: Value, reason: Value| {
        let choice = json!({"index": 0, "delta": delta, "logprobs": null, "finish_reason": reason});
        let chunk = json!({
            "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "scripted",
            "choices": [choice],
        });
        format!("data: {chunk}\n\n")
    };
    [chunk(message, Value::Null), chunk(json!({}), reason.into()), "data: [DONE]\n\n".to_owned()].concat()
}
