//! What a server asks back, in both eras (P-10 to P-22, T-120 to T-141).

#![allow(clippy::unwrap_used, reason = "it is all test")]

mod support;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mcp_client::types::{
    ClientCapabilities, CreateMessageRequestParams, CreateMessageResult, ElicitRequestParams, ElicitResult, JsonObject,
    ListRootsResult, RawJson, Role, Root, RpcError,
};
use mcp_client::{
    Client, ClientHandler, EraMode, Error, HookFuture, Implementation, Limits, Misuse, Origin, PeerMisbehaved,
};
use serde_json::{Value, json};
use support::{Server, pipe, value};
use tokio::sync::Notify;

/// Answers everything, and writes down what it was asked.
#[derive(Clone)]
struct User {
    declares: &'static str,
    content: Result<&'static str, &'static str>,
    asked: Arc<Mutex<Vec<String>>>,
    /// Elicitations are answered when this says so.
    gate: Option<Arc<Notify>>,
    dropped: Arc<AtomicUsize>,
}

const EVERYTHING: &str = r#"{"elicitation":{"form":{},"url":{}},"sampling":{"tools":{}},"roots":{"listChanged":true}}"#;

impl User {
    fn new(declares: &'static str) -> Self {
        let (asked, dropped) = Default::default();
        Self { declares, content: Ok("{}"), asked, gate: None, dropped }
    }

    fn filling_in(self, content: &'static str) -> Self {
        Self { content: Ok(content), ..self }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    fn note(&self, what: &str, origin: &Origin) {
        let server = origin.server.as_ref().map_or("nobody", |server| &server.name);
        let key = origin.key.as_deref().unwrap_or("-");
        self.asked.lock().unwrap().push(format!("{what} by {server} as {key}"));
    }
}

/// Counts the hooks that were given up.
struct Hook<'a>(&'a AtomicUsize, bool);

impl Drop for Hook<'_> {
    fn drop(&mut self) {
        if !self.1 {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl ClientHandler for User {
    fn capabilities(&self) -> ClientCapabilities {
        serde_json::from_str(self.declares).unwrap()
    }

    fn elicit(&self, question: ElicitRequestParams, origin: Origin) -> HookFuture<'_, ElicitResult> {
        self.note(question.message(), &origin);
        Box::pin(async move {
            let mut hook = Hook(&self.dropped, false);
            if let Some(gate) = &self.gate {
                gate.notified().await;
            }
            hook.1 = true;
            match self.content {
                Ok(content) => {
                    let content: JsonObject = serde_json::from_str(content).unwrap();
                    Ok(ElicitResult::new("accept").content(content))
                }
                Err(why) => Err(RpcError::internal(why)),
            }
        })
    }

    fn sample(&self, _question: CreateMessageRequestParams, origin: Origin) -> HookFuture<'_, CreateMessageResult> {
        self.note("a model", &origin);
        Box::pin(async { Ok(CreateMessageResult::new(Role::Assistant, "hello", "m")) })
    }

    fn roots(&self, origin: Origin) -> HookFuture<'_, ListRootsResult> {
        self.note("roots", &origin);
        Box::pin(async { Ok(ListRootsResult::new([Root::new("file:///home")])) })
    }
}

async fn modern(user: &User) -> (Client, Server) {
    let (target, mut server) = pipe();
    let builder = Client::builder(Implementation::new("t", "1")).handler(user.clone());
    let (client, ()) = tokio::join!(builder.connect(target), server.discover());
    (client.unwrap(), server)
}

async fn legacy(user: &User) -> (Client, Server) {
    legacy_in(user, "2025-11-25").await
}

async fn legacy_in(user: &User, version: &str) -> (Client, Server) {
    let (target, mut server) = pipe();
    let builder = Client::builder(Implementation::new("t", "1")).era(EraMode::Legacy).handler(user.clone());
    let (client, ()) = tokio::join!(builder.connect(target), async {
        let request = server.expect("initialize").await;
        let mut result = value(support::INITIALIZED);
        result["protocolVersion"] = version.into();
        server.reply(&request, &result).await;
        server.expect("notifications/initialized").await;
    });
    (client.unwrap(), server)
}

fn form(message: &str, schema: &Value) -> Value {
    json!({"method": "elicitation/create", "params": {"message": message, "requestedSchema": schema}})
}

fn name_form() -> Value {
    form("your name?", &json!({"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}))
}

fn wants(requests: &Value, state: Option<&str>) -> Value {
    let mut result = json!({"resultType": "input_required", "inputRequests": requests});
    if let Some(state) = state {
        result["requestState"] = state.into();
    }
    result
}

const DONE: &str = r#"{"resultType":"complete","content":[{"type":"text","text":"done"}]}"#;

#[tokio::test]
async fn a_question_is_answered_and_the_request_asked_again_with_the_state_as_it_was_p_12() {
    let user = User::new(EVERYTHING).filling_in(r#"{"name":"Ann"}"#);
    let (client, mut server) = modern(&user).await;
    let (result, ()) = tokio::join!(client.call_tool("greet", json!({"loud": true})), async {
        let first = server.expect("tools/call").await;
        server.reply(&first, &wants(&json!({"who": name_form()}), Some("a\"é+/=\n"))).await;
        let second = server.expect("tools/call").await;
        assert_ne!(first["id"], second["id"]);
        assert_eq!(second["params"]["name"], "greet");
        assert_eq!(second["params"]["arguments"], json!({"loud": true}));
        assert_eq!(second["params"]["requestState"], "a\"é+/=\n");
        let answers = json!({"who": {"action": "accept", "content": {"name": "Ann"}}});
        assert_eq!(second["params"]["inputResponses"], answers);
        assert_eq!(second["params"]["_meta"], first["params"]["_meta"]);
        server.reply(&second, &value(DONE)).await;
    });
    assert_eq!(result.unwrap().text(), "done");
    assert_eq!(user.asked(), ["your name? by scripted as who"]);
}

#[tokio::test]
async fn without_a_state_none_is_sent_and_another_call_sends_nothing_of_either_p_13() {
    let user = User::new(EVERYTHING).filling_in(r#"{"name":"Ann"}"#);
    let (client, mut server) = modern(&user).await;
    let (results, ()) =
        tokio::join!(async { tokio::join!(client.call_tool("a", ()), client.call_tool("b", ())) }, async {
            let mut calls = [server.expect("tools/call").await, server.expect("tools/call").await];
            calls.sort_by_key(|call| call["params"]["name"].to_string());
            let [a, b] = calls;
            server.reply(&a, &wants(&json!({"who": name_form()}), None)).await;
            let again = server.expect("tools/call").await;
            assert_eq!((&again["params"]["name"], again["params"].get("requestState")), (&json!("a"), None));
            server.reply(&b, &wants(&json!({}), Some("of b"))).await;
            let b_again = server.expect("tools/call").await;
            assert_eq!(b_again["params"]["requestState"], "of b");
            assert_eq!(b_again["params"].get("inputResponses"), None);
            server.reply(&b_again, &value(DONE)).await;
            server.reply(&again, &value(DONE)).await;
        });
    assert!(results.0.is_ok() && results.1.is_ok());
    let (result, ()) = tokio::join!(client.call_tool("c", ()), async {
        let call = server.expect("tools/call").await;
        assert_eq!((call["params"].get("requestState"), call["params"].get("inputResponses")), (None, None));
        // A result without a kind is complete (T-40).
        server.reply(&call, &json!({"content": []})).await;
    });
    result.unwrap();
}

#[tokio::test]
async fn several_questions_are_asked_at_once_p_12() {
    let gate = Arc::new(Notify::new());
    let user = User { gate: Some(Arc::clone(&gate)), ..User::new(EVERYTHING).filling_in(r#"{"name":"Ann"}"#) };
    let (client, mut server) = modern(&user).await;
    let sample = json!({"method": "sampling/createMessage", "params": {"messages": [], "maxTokens": 9}});
    let questions = json!({"a": name_form(), "b": sample, "c": {"method": "roots/list"}});
    let ((result, ()), ()) = tokio::join!(
        async {
            tokio::join!(client.get_prompt("p", [("", ""); 0]), async {
                let first = server.expect("prompts/get").await;
                server.reply(&first, &wants(&questions, Some("s"))).await;
                let second = server.expect("prompts/get").await;
                let answers = json!({
                    "a": {"action": "accept", "content": {"name": "Ann"}},
                    "b": {"role": "assistant", "content": {"type": "text", "text": "hello"}, "model": "m"},
                    "c": {"roots": [{"uri": "file:///home"}]},
                });
                assert_eq!(second["params"]["inputResponses"], answers);
                server.reply(&second, &json!({"resultType": "complete", "messages": []})).await;
            })
        },
        async {
            while user.asked().len() < 3 {
                tokio::task::yield_now().await;
            }
            gate.notify_one();
        }
    );
    result.unwrap();
}

#[tokio::test]
async fn what_was_read_after_a_question_is_not_kept_p_21() {
    let user = User::new(EVERYTHING).filling_in(r#"{"name":"Ann"}"#);
    let (client, mut server) = modern(&user).await;
    let contents = json!({"resultType": "complete", "contents": [], "ttlMs": 60_000, "cacheScope": "private"});
    for _ in 0..2 {
        let (read, ()) = tokio::join!(client.read_resource("a:b"), async {
            let first = server.expect("resources/read").await;
            server.reply(&first, &wants(&json!({"who": name_form()}), None)).await;
            let second = server.expect("resources/read").await;
            server.reply(&second, &contents).await;
        });
        read.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_only_wants_to_be_asked_again_is_asked_later_and_not_for_ever_p_12() {
    let user = User::new("{}");
    let (target, mut server) = pipe();
    let limits = Limits::default().input_rounds(3);
    let builder = Client::builder(Implementation::new("t", "1")).handler(user).limits(limits);
    let (client, ()) = tokio::join!(builder.connect(target), server.discover());
    let client = client.unwrap();
    let (result, waits) = tokio::join!(client.call_tool("slow", ()), async {
        let mut waits = Vec::new();
        for _ in 0..4 {
            let before = tokio::time::Instant::now();
            let call = server.expect("tools/call").await;
            waits.push(before.elapsed());
            server.reply(&call, &json!({"resultType": "input_required", "requestState": "later"})).await;
        }
        waits
    });
    assert_eq!(waits[0], Duration::ZERO);
    assert!(waits[1] >= Duration::from_millis(250) && waits[3] >= Duration::from_secs(1), "{waits:?}");
    let Err(Error::Misbehaved(PeerMisbehaved::Questions { method, why })) = result else { panic!("{result:?}") };
    assert_eq!(method, "tools/call");
    assert!(why.contains("3 times"), "{why}");
}

#[tokio::test]
async fn a_hook_that_fails_ends_the_call_here_and_nothing_is_sent_p_18() {
    let user = User { content: Err("the terminal is gone"), ..User::new(EVERYTHING) };
    let (client, mut server) = modern(&user).await;
    let (result, ()) = tokio::join!(client.call_tool("greet", ()), async {
        let call = server.expect("tools/call").await;
        server.reply(&call, &wants(&json!({"who": name_form()}), None)).await;
    });
    let Err(Error::Refused(refused)) = result else { panic!("{result:?}") };
    assert_eq!(refused.method, "elicitation/create");
    drop(client);
    assert!(server.was_left().await);
}

#[tokio::test]
async fn an_answer_that_does_not_fit_the_form_is_not_sent_t_135() {
    let user = User::new(EVERYTHING).filling_in(r#"{"name":7}"#);
    let (client, mut server) = modern(&user).await;
    let (result, ()) = tokio::join!(client.call_tool("greet", ()), async {
        let call = server.expect("tools/call").await;
        server.reply(&call, &wants(&json!({"who": name_form()}), None)).await;
    });
    let Err(Error::Misuse(Misuse::Answer { method, why })) = result else { panic!("{result:?}") };
    assert_eq!(method, "elicitation/create");
    assert!(why.contains("name"), "{why}");
}

#[tokio::test]
async fn what_was_not_declared_is_asked_of_nobody_p_11() {
    let user = User::new(r#"{"roots":{}}"#);
    let (client, mut server) = modern(&user).await;
    let (result, ()) = tokio::join!(client.call_tool("greet", ()), async {
        let call = server.expect("tools/call").await;
        assert_eq!(call["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"], json!({"roots": {}}));
        server.reply(&call, &wants(&json!({"who": name_form()}), None)).await;
    });
    assert!(matches!(result, Err(Error::InputRequired(_))), "{result:?}");
    assert!(user.asked().is_empty());
}

#[tokio::test]
async fn a_legacy_server_asks_by_a_request_of_its_own_and_defaults_are_filled_in_t_134() {
    let user = User::new(EVERYTHING);
    let (client, mut server) = legacy(&user).await;
    let schema = json!({"type": "object", "properties": {
        "name": {"type": "string", "default": "John"}, "age": {"type": "integer", "default": 30},
        "score": {"type": "number", "default": 95.5}, "verified": {"type": "boolean", "default": true},
        "status": {"type": "string", "enum": ["active", "inactive"], "default": "active"},
    }});
    let (result, ()) = tokio::join!(client.call_tool("t", ()), async {
        let call = server.expect("tools/call").await;
        let mut question = form("?", &schema);
        question["jsonrpc"] = "2.0".into();
        question["id"] = "q".into();
        server.send(&question).await;
        let answer = server.receive().await;
        assert_eq!(answer["id"], "q");
        let content = json!({"name": "John", "age": 30, "score": 95.5, "verified": true, "status": "active"});
        assert_eq!(answer["result"], json!({"action": "accept", "content": content}));
        server.reply(&call, &json!({"content": []})).await;
    });
    result.unwrap();
    assert_eq!(user.asked(), ["? by scripted as -"]);
}

/// Asks a legacy client, and returns the code of its refusal.
async fn refusal(user: &User, version: &str, method: &str, params: Value) -> Value {
    let (_client, mut server) = legacy_in(user, version).await;
    server.send(&json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})).await;
    server.receive().await["error"]["code"].clone()
}

#[tokio::test]
async fn a_legacy_server_is_told_what_it_cannot_ask_t_122_t_138_t_140() {
    let (all, forms, nothing) = (User::new(EVERYTHING), User::new(r#"{"elicitation":{}}"#), User::new("{}"));
    let url = json!({"mode": "url", "message": "?", "url": "https://example.com", "elicitationId": "1"});
    let create = "elicitation/create";
    assert_eq!(refusal(&forms, "2025-11-25", create, url.clone()).await, -32602);
    assert_eq!(refusal(&all, "2025-06-18", create, url).await, -32602);
    assert_eq!(refusal(&all, "2025-11-25", create, json!({"mode": "voice", "message": "?"})).await, -32602);
    assert_eq!(refusal(&nothing, "2025-11-25", create, name_form()["params"].clone()).await, -32601);
    assert_eq!(refusal(&nothing, "2025-11-25", "roots/list", json!({})).await, -32601);
    assert_eq!(refusal(&all, "2025-11-25", "vendor/thing", json!({})).await, -32601);
    let unanswered = json!([{"role": "assistant", "content": {"type": "tool_use", "id": "1", "name": "t", "input": {}}},
        {"role": "user", "content": {"type": "text", "text": "?"}}]);
    let sample = json!({"messages": unanswered, "maxTokens": 9});
    assert_eq!(refusal(&all, "2025-11-25", "sampling/createMessage", sample).await, -32602);
    for user in [all, forms, nothing] {
        assert!(user.asked().is_empty());
    }
}

#[tokio::test]
async fn questions_of_a_legacy_server_do_not_wait_for_each_other_and_can_be_withdrawn_p_60() {
    let gate = Arc::new(Notify::new());
    let user = User { gate: Some(Arc::clone(&gate)), ..User::new(EVERYTHING).filling_in(r#"{"name":"Ann"}"#) };
    let (_client, mut server) = legacy(&user).await;
    for id in [1, 2] {
        let mut question = name_form();
        question["jsonrpc"] = "2.0".into();
        question["id"] = id.into();
        server.send(&question).await;
    }
    server.send(&json!({"jsonrpc": "2.0", "id": 3, "method": "roots/list"})).await;
    assert_eq!(server.receive().await["id"], 3);
    server.notify("notifications/cancelled", &json!({"requestId": 1})).await;
    while user.dropped.load(Ordering::Relaxed) == 0 {
        tokio::task::yield_now().await;
    }
    gate.notify_one();
    assert_eq!(server.receive().await["id"], 2, "nothing is said to what was withdrawn");
    assert_eq!(user.dropped.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_modern_server_that_sends_requests_is_not_answered_s_3() {
    let user = User::new(EVERYTHING);
    let (client, mut server) = modern(&user).await;
    server.send(&json!({"jsonrpc": "2.0", "id": 3, "method": "roots/list"})).await;
    let (result, ()) = tokio::join!(client.call_tool("t", ()), async {
        let call = server.expect("tools/call").await;
        server.reply(&call, &value(DONE)).await;
    });
    result.unwrap();
    assert!(user.asked().is_empty());
}

#[tokio::test]
async fn a_legacy_server_is_told_of_other_roots_if_that_was_declared_t_140() {
    let (client, mut server) = legacy(&User::new(EVERYTHING)).await;
    client.roots_changed().await.unwrap();
    server.expect("notifications/roots/list_changed").await;
    let (quiet, server) = legacy(&User::new(r#"{"roots":{}}"#)).await;
    quiet.roots_changed().await.unwrap();
    let (modern, modern_server) = modern(&User::new(EVERYTHING)).await;
    modern.roots_changed().await.unwrap();
    drop((quiet, modern));
    assert!(server.was_left().await && modern_server.was_left().await);
}

#[tokio::test]
async fn a_raw_call_gets_the_questions_as_they_came() {
    let user = User::new(EVERYTHING);
    let (client, mut server) = modern(&user).await;
    let params = RawJson::parse(r#"{"name":"greet"}"#.to_owned()).unwrap();
    let (result, ()) = tokio::join!(client.call_raw("tools/call", params), async {
        let call = server.expect("tools/call").await;
        server.reply(&call, &wants(&json!({"who": name_form()}), Some("s"))).await;
    });
    assert_eq!(value(result.unwrap().as_str())["requestState"], "s");
    assert!(user.asked().is_empty());
}
