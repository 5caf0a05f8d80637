//! Requests and what comes of them, over a pipe (P-50 to P-64, T-41, T-87, V-16, V-21).

#![allow(clippy::unwrap_used, reason = "it is all test")]

mod support;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::StreamExt;
use mcp_client::types::{
    CallToolRequestParams, CompleteRequestParams, CompletionArgument, LoggingLevel, LoggingMessageNotificationParams,
    Notification, ProgressNotificationParams, PromptReference, SubscribeRequestParams, ToolsCallOutcome, methods,
};
use mcp_client::{Change, Client, ClientHandler, EraMode, Error, Implementation, Misuse, PeerMisbehaved, Revision};
use serde_json::json;
use support::{INITIALIZED, Server, legacy, modern, pipe, raw, value};

/// Writes down everything it is told.
#[derive(Clone, Default)]
struct Diary(Arc<Mutex<Vec<String>>>);

impl Diary {
    fn write(&self, entry: String) {
        self.0.lock().unwrap().push(entry);
    }

    fn entries(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    /// Waits until there are `count` entries.
    async fn wait_for(&self, count: usize) -> Vec<String> {
        while self.entries().len() < count {
            tokio::task::yield_now().await;
        }
        self.entries()
    }
}

impl ClientHandler for Diary {
    fn log(&self, message: LoggingMessageNotificationParams) {
        self.write(format!("log {} {}", message.level, message.data));
    }

    fn wants_progress(&self) -> bool {
        true
    }

    fn progress(&self, progress: ProgressNotificationParams) {
        self.write(format!("progress {}", progress.progress));
    }

    fn changed(&self, change: Change) {
        self.write(format!("changed {change:?}"));
    }

    fn notification(&self, notification: Notification) {
        self.write(format!("other {}", notification.method));
    }
}

/// Connects to a legacy server with a diary.
async fn legacy_with(diary: &Diary, level: Option<LoggingLevel>) -> (Client, Server) {
    let (target, mut server) = pipe();
    let mut builder = Client::builder(Implementation::new("t", "1")).era(EraMode::Legacy).handler(diary.clone());
    if let Some(level) = level {
        builder = builder.log_level(level);
    }
    let (client, ()) = tokio::join!(builder.connect(target), async {
        server.initialize().await;
        if let Some(level) = level {
            let request = server.expect("logging/setLevel").await;
            assert_eq!(request["params"]["level"], level.as_str());
            server.reply(&request, &json!({})).await;
        }
    });
    (client.unwrap(), server)
}

#[tokio::test]
async fn a_modern_call_carries_the_envelope_and_its_arguments_as_they_are() {
    let (client, mut server) = modern().await;
    let arguments = json!({"a": 1, "b": [null, 2.5]});
    let (result, ()) = tokio::join!(client.call_tool("add", &arguments), async {
        let request = server.expect("tools/call").await;
        let params = &request["params"];
        assert_eq!(params["name"], "add");
        assert_eq!(params["arguments"], arguments);
        assert_eq!(params["_meta"]["io.modelcontextprotocol/protocolVersion"], "2026-07-28");
        assert_eq!(params["_meta"].get("progressToken"), None, "nobody listens to progress");
        server.reply(&request, &json!({"resultType": "complete", "content": [{"type": "text", "text": "3"}]})).await;
    });
    assert_eq!(result.unwrap().text(), "3");
}

#[tokio::test]
async fn a_legacy_call_carries_no_envelope() {
    let (client, mut server) = legacy().await;
    let (result, ()) = tokio::join!(client.call_tool("add", ()), async {
        let request = server.expect("tools/call").await;
        assert_eq!(request["params"], json!({"name": "add"}));
        server.reply(&request, &json!({"content": []})).await;
    });
    assert_eq!(result.unwrap().text(), "");
}

#[tokio::test]
async fn arguments_that_are_no_object_are_refused_before_anything_is_sent() {
    let (client, server) = modern().await;
    for wrong in [json!([]), json!(7), json!("x")] {
        let error = client.call_tool("add", wrong).await.unwrap_err();
        assert!(matches!(error, Error::Misuse(Misuse::Params { .. })), "{error}");
    }
    drop(client);
    assert!(server.was_left().await);
}

#[tokio::test]
async fn a_failed_tool_is_a_result_until_the_caller_makes_an_error_of_it() {
    let (client, mut server) = modern().await;
    let (result, ()) = tokio::join!(client.call_tool("read", ()), async {
        let request = server.expect("tools/call").await;
        server.reply(&request, &json!({"content": [{"type": "text", "text": "no such file"}], "isError": true})).await;
    });
    let result = result.unwrap();
    assert!(result.failed());
    let error = Error::from(result.into_ok().unwrap_err());
    assert_eq!(error.to_string(), "the tool failed: no such file");
}

#[tokio::test]
async fn an_error_of_the_server_is_another_thing_than_a_failed_tool() {
    let (client, mut server) = modern().await;
    let (result, ()) = tokio::join!(client.call_tool("nothing", ()), async {
        let request = server.expect("tools/call").await;
        server.refuse(&request, -32602, Some(json!({"name": "nothing"}))).await;
    });
    let error = result.unwrap_err();
    assert_eq!(error.rpc().unwrap().code.0, -32602);
    assert_eq!(error.to_string(), "the server answered: scripted (code -32602)");
}

#[tokio::test]
async fn progress_goes_to_the_observer_of_its_call_and_to_no_other() {
    let (client, mut server) = modern().await;
    let (mut first, mut second) = (Vec::new(), Vec::new());
    let one = client.tool("one").on_progress(|progress| first.push(progress.progress)).call();
    let two = client.tool("two").on_progress(|progress| second.push(progress.progress)).call();
    let (one, two, ()) = tokio::join!(one, two, async {
        let one = server.expect("tools/call").await;
        let two = server.expect("tools/call").await;
        let token = |request: &serde_json::Value| request["params"]["_meta"]["progressToken"].clone();
        assert_ne!(token(&one), token(&two));
        for (request, progress) in [(&two, 0.5), (&one, 1.0), (&two, 2.0)] {
            let params = json!({"progressToken": token(request), "progress": progress});
            server.notify("notifications/progress", &params).await;
        }
        let nobodys = json!({"progressToken": "nobody's", "progress": 9.0});
        server.notify("notifications/progress", &nobodys).await;
        server.reply(&one, &json!({"content": []})).await;
        server.reply(&two, &json!({"content": []})).await;
    });
    one.unwrap();
    two.unwrap();
    assert_eq!((first, second), (vec![1.0], vec![0.5, 2.0]));
}

#[tokio::test]
async fn progress_without_an_observer_goes_to_the_handler_that_wants_it() {
    let diary = Diary::default();
    let (client, mut server) = legacy_with(&diary, None).await;
    let (result, ()) = tokio::join!(client.call_tool("t", ()), async {
        let request = server.expect("tools/call").await;
        let token = request["params"]["_meta"]["progressToken"].clone();
        server.notify("notifications/progress", &json!({"progressToken": token, "progress": 3})).await;
        server.reply(&request, &json!({"content": []})).await;
    });
    result.unwrap();
    assert_eq!(diary.entries(), ["progress 3"]);
}

#[tokio::test(start_paused = true)]
async fn a_call_without_a_sign_of_life_times_out_and_is_withdrawn() {
    let (client, mut server) = modern().await;
    let call = client.tool("slow").timeout(Duration::from_secs(7)).call();
    let (result, ()) = tokio::join!(call, async {
        let request = server.expect("tools/call").await;
        let cancelled = server.expect("notifications/cancelled").await;
        assert_eq!(cancelled["params"]["requestId"], request["id"]);
    });
    assert_eq!(
        result.unwrap_err().to_string(),
        "no answer and no progress within 7s while waiting for the answer to `tools/call`"
    );
}

#[tokio::test(start_paused = true)]
async fn progress_keeps_a_call_alive_but_not_beyond_its_total() {
    let (client, mut server) = modern().await;
    let begun = tokio::time::Instant::now();
    let (seen, mut sight) = futures_channel::mpsc::unbounded();
    let call = client
        .tool("slow")
        .on_progress(move |progress| seen.unbounded_send(progress.progress).unwrap())
        .timeout(Duration::from_secs(7))
        .total_timeout(Duration::from_secs(20))
        .call();
    let (result, ()) = tokio::join!(call, async {
        let request = server.expect("tools/call").await;
        let token = request["params"]["_meta"]["progressToken"].clone();
        for progress in 1..=3 {
            tokio::time::advance(Duration::from_secs(6)).await;
            server.notify("notifications/progress", &json!({"progressToken": token, "progress": progress})).await;
            // Time goes on only when the client knows of the progress.
            assert_eq!(sight.next().await, Some(f64::from(progress)));
        }
        server.expect("notifications/cancelled").await;
    });
    assert_eq!(begun.elapsed(), Duration::from_secs(20));
    assert_eq!(
        result.unwrap_err().to_string(),
        "no answer within 20s in all while waiting for the answer to `tools/call`"
    );
}

#[tokio::test]
async fn dropping_a_call_cancels_it() {
    let (client, mut server) = modern().await;
    let request = {
        let call = client.call_tool("slow", ());
        tokio::pin!(call);
        tokio::select! {
            _ = &mut call => panic!("nobody has answered"),
            request = server.expect("tools/call") => request,
        }
    };
    let cancelled = server.expect("notifications/cancelled").await;
    assert_eq!(cancelled["params"]["requestId"], request["id"]);
}

#[tokio::test]
async fn what_a_server_wants_first_is_an_error_that_holds_it() {
    let (client, mut server) = modern().await;
    let wanted = json!({
        "resultType": "input_required",
        "inputRequests": {"who": {"method": "roots/list"}},
        "requestState": "opaque and secret",
    });
    let (result, ()) = tokio::join!(client.call_tool("t", ()), async {
        let request = server.expect("tools/call").await;
        server.reply(&request, &wanted).await;
    });
    let error = result.unwrap_err();
    let told = error.to_string();
    assert!(told.contains("\"who\" (roots/list)"), "{told}");
    assert!(!format!("{error:?} {told}").contains("opaque"), "the state is nobody's to read");
    let Error::InputRequired(required) = error else { panic!("{error}") };
    assert!(required.result.input_requests.unwrap().request("who").is_some());
    assert_eq!(required.result.request_state.as_deref(), Some("opaque and secret"));
}

#[tokio::test]
async fn a_typed_call_gives_the_outcome_as_the_server_gave_it() {
    let (client, mut server) = modern().await;
    let call = client.call::<methods::ToolsCall>(CallToolRequestParams::new("t"));
    let (outcome, ()) = tokio::join!(call, async {
        let request = server.expect("tools/call").await;
        server.reply(&request, &json!({"resultType": "input_required", "requestState": "s"})).await;
    });
    assert!(matches!(outcome.unwrap(), ToolsCallOutcome::InputRequired(_)));
}

#[tokio::test]
async fn a_result_of_an_unknown_kind_is_an_error() {
    let (client, mut server) = modern().await;
    let (result, ()) = tokio::join!(client.list_tools(), async {
        let request = server.expect("tools/list").await;
        server.reply(&request, &json!({"resultType": "input_required", "tools": []})).await;
    });
    assert!(matches!(result.unwrap_err(), Error::Misbehaved(PeerMisbehaved::ResultType { .. })));
}

#[tokio::test]
async fn a_result_of_the_wrong_shape_is_an_error_that_names_the_method_and_the_member() {
    let (client, mut server) = modern().await;
    let (result, ()) = tokio::join!(client.list_prompts(), async {
        let request = server.expect("prompts/list").await;
        server.reply(&request, &json!({"prompts": [{"title": "T"}]})).await;
    });
    let told = result.unwrap_err().to_string();
    assert!(told.contains("`prompts/list`") && told.contains("name"), "{told}");
}

#[tokio::test]
async fn what_the_server_does_not_offer_is_refused_before_anything_is_sent() {
    let (target, mut server) = pipe();
    let (client, ()) = tokio::join!(Client::connect(target), async {
        let request = server.expect("server/discover").await;
        server.reply(&request, &json!({"supportedVersions": ["2026-07-28"], "capabilities": {}})).await;
    });
    let client = client.unwrap();
    let refused = |error: Error| match error {
        Error::Misuse(Misuse::NotOffered { capability, .. }) => capability,
        other => panic!("{other}"),
    };
    assert_eq!(refused(client.list_tools().await.unwrap_err()), "tools");
    assert_eq!(refused(client.call_tool("t", ()).await.unwrap_err()), "tools");
    assert_eq!(refused(client.list_prompts().await.unwrap_err()), "prompts");
    assert_eq!(refused(client.list_resources().await.unwrap_err()), "resources");
    assert_eq!(refused(client.list_resource_templates().await.unwrap_err()), "resources");
    assert_eq!(refused(client.read_resource("a:b").await.unwrap_err()), "resources");
    assert_eq!(refused(client.get_prompt("p", [("a", "b")]).await.unwrap_err()), "prompts");
    let ping = client.ping().await.unwrap_err();
    assert!(matches!(ping, Error::Misuse(Misuse::NotInRevision { revision: Revision::V2026_07_28, .. })), "{ping}");
    drop(client);
    assert!(server.was_left().await);
}

#[tokio::test]
async fn prompts_and_completions_are_asked_for_in_the_words_of_the_specification() {
    let (client, mut server) = modern().await;
    let (prompt, ()) = tokio::join!(client.get_prompt("greet", [("who", "you")]), async {
        let request = server.expect("prompts/get").await;
        assert_eq!(request["params"]["arguments"], json!({"who": "you"}));
        let message = json!({"role": "user", "content": {"type": "text", "text": "hello"}});
        server.reply(&request, &json!({"messages": [message]})).await;
    });
    assert_eq!(prompt.unwrap().messages.len(), 1);
    let params = CompleteRequestParams::new(PromptReference::new("greet"), CompletionArgument::new("who", "y"));
    let (completed, ()) = tokio::join!(client.complete(params), async {
        let request = server.expect("completion/complete").await;
        assert_eq!(request["params"]["ref"], json!({"type": "ref/prompt", "name": "greet"}));
        server.reply(&request, &json!({"completion": {"values": ["you"]}})).await;
    });
    assert_eq!(completed.unwrap().completion.values, ["you"]);
}

#[tokio::test]
async fn a_raw_call_keeps_what_this_library_does_not_know() {
    let (client, mut server) = modern().await;
    let params = raw(&json!({"x": 1, "_meta": {"traceparent": "t"}}));
    let (result, ()) = tokio::join!(client.call_raw("vendor/thing", params), async {
        let request = server.expect("vendor/thing").await;
        assert_eq!(request["params"]["x"], 1);
        assert_eq!(request["params"]["_meta"]["traceparent"], "t");
        assert_eq!(request["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"], "2026-07-28");
        server.reply(&request, &json!({"later": [1.5]})).await;
    });
    assert_eq!(value(result.unwrap().as_str()), json!({"later": [1.5]}));
}

#[tokio::test]
async fn logs_and_changes_go_to_the_handler() {
    let diary = Diary::default();
    let (client, mut server) = legacy_with(&diary, Some(LoggingLevel::Warning)).await;
    server.notify("notifications/message", &json!({"level": "error", "data": "x"})).await;
    server.notify("notifications/tools/list_changed", &json!({})).await;
    server.notify("notifications/resources/updated", &json!({"uri": "a:b"})).await;
    server.notify("notifications/vendor", &json!({})).await;
    server.notify("notifications/message", &json!({"level": "loud", "data": "x"})).await;
    server.notify("notifications/prompts/list_changed", &json!({})).await;
    let entries = diary.wait_for(5).await;
    assert_eq!(
        entries,
        [
            "log error \"x\"",
            "changed Tools",
            "changed Resource(\"a:b\")",
            "other notifications/vendor",
            "changed Prompts"
        ]
    );
    drop(client);
}

/// Panics on everything that changes.
struct Fragile(Diary);

impl ClientHandler for Fragile {
    fn log(&self, message: LoggingMessageNotificationParams) {
        self.0.log(message);
    }

    fn changed(&self, change: Change) {
        panic!("cannot bear that {change:?} changed");
    }
}

#[tokio::test]
async fn a_handler_that_panics_does_not_end_the_reading() {
    let diary = Diary::default();
    let (target, mut server) = pipe();
    let builder = Client::builder(Implementation::new("t", "1")).era(EraMode::Legacy).handler(Fragile(diary.clone()));
    let (client, ()) = tokio::join!(builder.connect(target), server.initialize());
    server.notify("notifications/tools/list_changed", &json!({})).await;
    server.notify("notifications/message", &json!({"level": "info", "data": 1})).await;
    assert_eq!(diary.wait_for(1).await, ["log info 1"]);
    drop(client.unwrap());
}

#[tokio::test]
async fn a_legacy_server_that_asks_gets_an_answer_also_before_the_handshake_is_over() {
    let (target, mut server) = pipe();
    let (client, ()) =
        tokio::join!(Client::builder(Implementation::new("t", "1")).era(EraMode::Legacy).connect(target), async {
            let request = server.expect("initialize").await;
            server.send(&json!({"jsonrpc": "2.0", "id": "p", "method": "ping"})).await;
            assert_eq!(server.receive().await, json!({"jsonrpc": "2.0", "id": "p", "result": {}}));
            server.reply(&request, &value(INITIALIZED)).await;
            server.expect("notifications/initialized").await;
        });
    let _client = client.unwrap();
    for method in ["roots/list", "sampling/createMessage", "elicitation/create", "vendor/thing"] {
        server.send(&json!({"jsonrpc": "2.0", "id": 7, "method": method, "params": {}})).await;
        let answer = server.receive().await;
        assert_eq!((&answer["id"], &answer["error"]["code"]), (&json!(7), &json!(-32601)), "{method}");
    }
}

#[tokio::test]
async fn the_wanted_log_level_travels_in_every_modern_request() {
    let (target, mut server) = pipe();
    let builder = Client::builder(Implementation::new("t", "1")).log_level(LoggingLevel::Notice);
    let (_client, ()) = tokio::join!(builder.connect(target), async {
        let request = server.expect("server/discover").await;
        assert_eq!(request["params"]["_meta"]["io.modelcontextprotocol/logLevel"], "notice");
        server.reply(&request, &value(support::DISCOVERED)).await;
    });
}

#[tokio::test]
async fn watching_a_resource_is_a_typed_call_that_the_legacy_era_has() {
    let (client, mut server) = legacy().await;
    let (watched, ()) =
        tokio::join!(client.call::<methods::ResourcesSubscribe>(SubscribeRequestParams::new("a:b")), async {
            let request = server.expect("resources/subscribe").await;
            server.reply(&request, &json!({})).await;
        });
    watched.unwrap();
}

#[tokio::test]
async fn clones_share_the_connection_and_closing_ends_it_for_all() {
    let (client, server) = modern().await;
    let other = client.clone();
    let ((), left) = tokio::join!(client.close(), server.was_left());
    assert!(left);
    assert!(other.list_tools().await.unwrap_err().is_closed());
}

#[tokio::test]
async fn calls_can_run_in_tasks_of_their_own() {
    let (client, mut server) = modern().await;
    let call = tokio::spawn(async move { client.call_tool("t", json!({})).await.map(|result| result.text()) });
    let request = server.expect("tools/call").await;
    server.reply(&request, &json!({"content": [{"type": "text", "text": "done"}]})).await;
    assert_eq!(call.await.unwrap().unwrap(), "done");
}
