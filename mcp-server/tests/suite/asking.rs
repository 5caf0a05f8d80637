//! One line asks the client, in both eras and in any process that has the key (P-10 to P-24, T-130 to T-141).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use futures::{FutureExt, StreamExt};
use mcp_server::types::{
    CreateMessageRequestParams, ElicitRequestFormParams, ElicitRequestParams, ElicitResult, InputRequests,
    InputRequiredResult, RequestedSchema, Revision, RpcError, SamplingMessage, StringSchema, methods,
};
use mcp_server::{
    AskError, BoxError, Changes, Cx, Form, KeyRing, Limits, Prompt, Resource, SealingKey, Server, ServerBuilder, State,
    Tool, Url, implementation,
};
use mcp_transport::{Outbox, Service};
use serde_json::{Value, json};

use crate::kit::{Client, is_pending, legacy, modern, text};

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Name {
    /// How to call you.
    name: String,
}

async fn greet(cx: Cx) -> Result<String, AskError> {
    let who: Name = cx.elicit("who", Form::new("Your name?")).await?;
    Ok(format!("Hello, {}!", who.name))
}

async fn steps(cx: Cx, runs: State<AtomicUsize>) -> Result<String, AskError> {
    runs.fetch_add(1, Ordering::SeqCst);
    let first: Name = cx.elicit("step1", Form::new("First?")).await?;
    cx.remember("length", &first.name.len())?;
    let second: Name = cx.elicit("step2", Form::new("Second?")).await?;
    let length: usize = cx.remembered("length").unwrap();
    Ok(format!("{} ({length}) {}", first.name, second.name))
}

fn question() -> CreateMessageRequestParams {
    CreateMessageRequestParams::new([SamplingMessage::new("user", "What is the capital of France?")], 100_u64)
}

async fn everything(cx: Cx) -> Result<String, BoxError> {
    let asked = cx.ask().elicit::<Name>("who", Form::new("Your name?")).sample("capital", question()).roots("where");
    let (who, capital, roots) = asked.await?;
    let capital = serde_json::to_value(&capital)?["content"]["text"].clone();
    Ok(format!("{} {capital} {}", who.name, roots.len()))
}

/// A handler that makes its results itself: it asks for a name, then for another one.
async fn by_hand(cx: Cx) -> Result<String, InputOr<RpcError>> {
    let ask = |key: &str, state: &str| {
        let form = RequestedSchema::new().required_property("name", StringSchema::new());
        let form = ElicitRequestParams::from(ElicitRequestFormParams::new(format!("{key}?"), form));
        InputRequiredResult::new().input_requests(InputRequests::from_iter([(key, form)])).request_state(state)
    };
    let answered = |key: &str| {
        let answer = cx.input_responses().answer::<methods::ElicitationCreate>(key)?.ok()?;
        answer.content?.member("name")?.decode::<String>().ok()
    };
    match cx.request_state().as_deref() {
        None => Err(InputOr::Input(Box::new(ask("first", "")))),
        Some("") => Err(InputOr::Input(Box::new(ask("second", &answered("first").unwrap_or_default())))),
        Some(first) => Ok(format!("{first} {}", answered("second").unwrap_or_default())),
    }
}

enum InputOr<E> {
    Input(Box<InputRequiredResult>),
    #[allow(dead_code)]
    Failed(E),
}

struct ByHand(Result<String, InputOr<RpcError>>);

impl mcp_server::IntoToolResult for ByHand {
    fn into_tool_result(self) -> mcp_server::ToolReply {
        match self.0 {
            Ok(text) => text.into_tool_result(),
            Err(InputOr::Input(required)) => required.into_tool_result(),
            Err(InputOr::Failed(error)) => Err(error),
        }
    }
}

fn builder(key: u8) -> ServerBuilder {
    Server::builder(implementation!())
        .state_keys(KeyRing::new(SealingKey::new(&[key; 32]).unwrap(), []))
        .state(AtomicUsize::new(0))
        .tool(Tool::new("greet", greet))
        .tool(Tool::new("steps", steps))
        .tool(Tool::new("everything", everything))
        .tool(Tool::new("by_hand", async |cx: Cx| ByHand(by_hand(cx).await)))
        .tool(Tool::new("login", async |cx: Cx| cx.elicit("login", Url::new("Log in", "https://example.com")).await))
        .prompt(Prompt::new("greeting", greet))
        .resource(Resource::new("a:greeting", "greeting", greet))
}

fn server(key: u8) -> Server {
    builder(key).build().unwrap()
}

fn capable() -> Value {
    json!({"elicitation": {"form": {}, "url": {}}, "sampling": {}, "roots": {}})
}

/// Answers every question, as somebody called so.
fn called(name: &str) -> impl FnMut(&str, &Value) -> Result<Value, RpcError> {
    let name = name.to_owned();
    move |method, _| {
        Ok(match method {
            "elicitation/create" => json!({"action": "accept", "content": {"name": name}}),
            "roots/list" => json!({"roots": [{"uri": "file:///home"}]}),
            _ => json!({"role": "assistant", "content": {"type": "text", "text": "Paris"}, "model": "m"}),
        })
    }
}

fn calling(tool: &str) -> Value {
    json!({"name": tool, "arguments": {}})
}

#[tokio::test]
async fn p_24_one_handler_asks_clients_of_both_eras_and_goes_on_in_another_process() {
    let first = server(7);
    let old = Client::with(&first, Revision::V2025_11_25, capable()).await;
    let new = Client::with(&first, Revision::V2026_07_28, capable()).await;
    let in_session = old.converse("tools/call", calling("greet"), called("Ann")).await.unwrap();
    let in_rounds = new.converse("tools/call", calling("greet"), called("Ann")).await.unwrap();
    assert_eq!((text(&in_session), text(&in_rounds)), ("Hello, Ann!".to_owned(), "Hello, Ann!".to_owned()));

    let asks = new.ok("tools/call", calling("greet")).await;
    assert_eq!(asks["inputRequests"]["who"]["method"], "elicitation/create");
    let mut retry = calling("greet");
    retry["inputResponses"] = json!({"who": {"action": "accept", "content": {"name": "Ann"}}});
    retry["requestState"] = asks["requestState"].clone();
    let elsewhere = new.moved_to(&server(7)).ok("tools/call", retry.clone()).await;
    assert_eq!(elsewhere, in_rounds);
    let stranger = Client::with(&server(8), Revision::V2026_07_28, capable()).await;
    assert_eq!(stranger.error("tools/call", retry).await.code.0, -32602);
}

#[tokio::test]
async fn p_10_prompts_and_resources_ask_too_and_nothing_else_does() {
    let server = server(1);
    for revision in [Revision::V2025_06_18, Revision::V2025_11_25, Revision::V2026_07_28] {
        let client = Client::with(&server, revision, capable()).await;
        let got = client.converse("prompts/get", json!({"name": "greeting"}), called("Ann")).await.unwrap();
        assert_eq!(got["messages"][0]["content"]["text"], "Hello, Ann!");
        let read = client.converse("resources/read", json!({"uri": "a:greeting"}), called("Ann")).await.unwrap();
        assert_eq!(read["contents"][0]["text"], "Hello, Ann!");
    }
}

#[tokio::test]
async fn p_17_each_round_runs_the_handler_from_its_start_and_knows_the_rounds_before() {
    let server = server(1);
    let client = Client::with(&server, Revision::V2026_07_28, capable()).await;
    let first = client.ok("tools/call", calling("steps")).await;
    let answer = |key: &str, name: &str| json!({key: {"action": "accept", "content": {"name": name}}});
    let mut retry = calling("steps");
    retry["inputResponses"] = answer("step1", "Ann");
    retry["requestState"] = first["requestState"].clone();
    let second = client.ok("tools/call", retry.clone()).await;
    assert_eq!(second["inputRequests"].as_object().unwrap().keys().collect::<Vec<_>>(), ["step2"]);
    assert_ne!(second["requestState"], first["requestState"]);
    retry["inputResponses"] = answer("step2", "Bob");
    retry["requestState"] = second["requestState"].clone();
    assert_eq!(text(&client.ok("tools/call", retry).await), "Ann (3) Bob");

    // A lost answer is asked for again, and the same retry twice is the same round twice.
    let mut empty = calling("steps");
    empty["inputResponses"] = json!({"other": 1});
    empty["requestState"] = second["requestState"].clone();
    assert_eq!(client.ok("tools/call", empty).await["inputRequests"], second["inputRequests"]);
    let old = Client::with(&server, Revision::V2025_11_25, capable()).await;
    let mut names = ["Ann", "Bob"].into_iter();
    let person = |_: &str, _: &Value| Ok(json!({"action": "accept", "content": {"name": names.next()}}));
    assert_eq!(text(&old.converse("tools/call", calling("steps"), person).await.unwrap()), "Ann (3) Bob");
}

#[tokio::test]
async fn several_questions_are_asked_in_one_round() {
    let server = server(1);
    let client = Client::with(&server, Revision::V2026_07_28, capable()).await;
    let asks = client.ok("tools/call", calling("everything")).await;
    let methods: Vec<_> = asks["inputRequests"].as_object().unwrap().values().map(|asked| &asked["method"]).collect();
    assert_eq!(methods.len(), 3, "{asks}");
    for revision in [Revision::V2025_06_18, Revision::V2025_11_25, Revision::V2026_07_28] {
        let client = Client::with(&server, revision, capable()).await;
        let result = client.converse("tools/call", calling("everything"), called("Ann")).await.unwrap();
        assert_eq!(text(&result), "Ann \"Paris\" 1");
    }
}

#[tokio::test]
async fn p_11_what_a_client_did_not_declare_it_is_not_asked() {
    let server = server(1);
    let cases = [
        ("greet", json!({}), json!({"elicitation": {}})),
        ("greet", json!({"elicitation": {"url": {}}}), json!({"elicitation": {"form": {}}})),
        ("login", json!({"elicitation": {}}), json!({"elicitation": {"url": {}}})),
        ("everything", json!({"elicitation": {}, "roots": {}}), json!({"sampling": {}})),
        ("by_hand", json!({"sampling": {}}), json!({"elicitation": {}})),
    ];
    for (tool, declared, lacking) in cases {
        let client = Client::with(&server, Revision::V2026_07_28, declared.clone()).await;
        let error = client.error("tools/call", calling(tool)).await;
        assert_eq!(error.code.0, -32021, "{tool}");
        assert_eq!(error.data.unwrap().decode::<Value>().unwrap(), json!({ "requiredCapabilities": lacking }));
        let client = Client::with(&server, Revision::V2025_11_25, declared).await;
        let told = client.tool_error(tool, json!({})).await;
        assert!(told.starts_with("this needs a client that can be asked"), "{told}");
        assert!(told.ends_with(&lacking.to_string()), "{told}");
    }
}

#[tokio::test]
async fn p_23_a_revision_without_elicitation_is_told_so_by_the_tool() {
    let server = server(1);
    for revision in [Revision::V2024_11_05, Revision::V2025_03_26] {
        let client = Client::with(&server, revision, capable()).await;
        let told = client.tool_error("greet", json!({})).await;
        assert!(told.starts_with("this needs a client that can be asked"), "{told}");
        assert_eq!(client.error("prompts/get", json!({"name": "greeting"})).await.code.0, -32602);
    }
    let client = Client::with(&server, Revision::V2025_06_18, capable()).await;
    let told = client.tool_error("login", json!({})).await;
    assert!(told.contains("url"), "a revision without visits to URLs: {told}");
}

#[tokio::test]
async fn t_139_a_visit_to_a_url_has_an_id_where_the_revision_wants_one() {
    let server = server(1);
    for (revision, has_id) in [(Revision::V2025_11_25, true), (Revision::V2026_07_28, false)] {
        let client = Client::with(&server, revision, capable()).await;
        let mut seen = Value::Null;
        let person = |_: &str, params: &Value| {
            seen = params.clone();
            Ok(json!({"action": "accept"}))
        };
        client.converse("tools/call", calling("login"), person).await.unwrap();
        assert_eq!((&seen["mode"], &seen["url"]), (&json!("url"), &json!("https://example.com")));
        assert_eq!(seen["elicitationId"].as_str().is_some_and(|id| id.len() == 32), has_id, "{seen}");
    }
}

#[tokio::test]
async fn t_138_a_visit_that_is_complete_is_told_to_the_session_that_was_asked_and_to_no_other() {
    let changes = Changes::new();
    let visit = async |cx: Cx| cx.elicit("v", Url::new("Log in", "https://example.com").id("visit 1")).await;
    let server = builder(1).tool(Tool::new("visit", visit)).changes(changes.clone()).build().unwrap();
    let asked = Client::with(&server, Revision::V2025_11_25, capable()).await;
    let other = Client::with(&server, Revision::V2025_11_25, capable()).await;
    let mut pushes = [&asked, &other].map(|client| server.pushes(&client.session()).unwrap());
    let person = |_: &str, _: &Value| Ok(json!({"action": "accept"}));
    asked.converse("tools/call", calling("visit"), person).await.unwrap();
    for _ in 0..2 {
        changes.elicitation_complete("visit 1");
        changes.elicitation_complete("visit 2");
    }
    let told: Value = serde_json::from_slice(&pushes[0].next().now_or_never().unwrap().unwrap()).unwrap();
    assert_eq!(told["method"], "notifications/elicitation/complete");
    assert_eq!(told["params"], json!({"elicitationId": "visit 1"}));
    assert!(pushes.iter_mut().all(|pushes| pushes.next().now_or_never().is_none()));
}

#[tokio::test]
async fn t_133_declining_and_closing_are_answers() {
    let server = server(1);
    for revision in [Revision::V2025_11_25, Revision::V2026_07_28] {
        let client = Client::with(&server, revision, capable()).await;
        for (action, expected) in
            [("decline", "the user declined to answer"), ("cancel", "the user closed the question without an answer")]
        {
            let person = |_: &str, _: &Value| Ok(json!({ "action": action }));
            let result = client.converse("tools/call", calling("greet"), person).await.unwrap();
            assert_eq!((&result["isError"], &*text(&result)), (&json!(true), expected));
        }
    }
}

#[tokio::test]
async fn p_23_a_legacy_client_that_fails_to_answer_is_told_to_the_model() {
    let server = server(1);
    let client = Client::with(&server, Revision::V2025_11_25, capable()).await;
    let refuses = |_: &str, _: &Value| Err(RpcError::internal("no screen"));
    let result = client.converse("tools/call", calling("greet"), refuses).await.unwrap();
    assert_eq!(text(&result), "the user closed the question without an answer");
    let mut ann = called("Ann");
    let no_model = |method: &str, params: &Value| match method {
        "sampling/createMessage" => Err(RpcError::internal("no model")),
        _ => ann(method, params),
    };
    let result = client.converse("tools/call", calling("everything"), no_model).await.unwrap();
    assert_eq!((&result["isError"], &*text(&result)), (&json!(true), "the client could not answer: no model"));
    let wrong = |_: &str, _: &Value| Ok(json!({"action": "accept", "content": {"name": 7}}));
    let result = client.converse("tools/call", calling("greet"), wrong).await.unwrap();
    assert_eq!(text(&result), "the answer to \"who\": `name` must be a string");
}

#[tokio::test]
async fn p_16_answers_that_do_not_fit_are_refused_and_missing_ones_asked_for_again() {
    let client = Client::with(&server(1), Revision::V2026_07_28, capable()).await;
    let retry = |responses: Value| {
        let mut retry = calling("greet");
        retry["inputResponses"] = responses;
        retry
    };
    for wrong in [
        json!({"who": 12_345}),
        json!({"who": {"action": "accept", "content": {"name": 7}}}),
        json!({"who": {"action": "accept"}}),
        json!({"who": {"action": "later"}}),
        json!([]),
        Value::Null,
    ] {
        let told = client.request("tools/call", retry(wrong.clone())).await.answer;
        let asks_again = told.as_ref().is_ok_and(|result| result["resultType"] == "input_required");
        assert!(asks_again || told.as_ref().is_err_and(|error| error.code.0 == -32602), "{wrong}: {told:?}");
    }
    let asks = client.ok("tools/call", retry(json!({"whom": {"action": "accept"}}))).await;
    assert_eq!(asks["resultType"], "input_required");
    let extra = json!({"who": {"action": "accept", "content": {"name": "Ann"}}, "more": 1});
    assert_eq!(text(&client.ok("tools/call", retry(extra)).await), "Hello, Ann!");
}

#[tokio::test]
async fn p_15_a_state_that_is_not_of_this_request_is_refused() {
    let clock = Arc::new(AtomicUsize::new(0));
    let now = Arc::clone(&clock);
    let server = builder(1)
        // A stand-in for authentication.
        .principal(|caller| caller.client_info().map(|client| client.name))
        .clock(move || {
            let seconds = u64::try_from(now.load(Ordering::SeqCst)).unwrap();
            SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000 + seconds)
        })
        .state_life(Duration::from_secs(60))
        .build()
        .unwrap();
    let client = async |name: &str| {
        let client = Client::with(&server, Revision::V2026_07_28, capable()).await;
        client.meta("io.modelcontextprotocol/clientInfo", json!({"name": name, "version": "1"}))
    };
    let ann = client("ann").await;
    let state = ann.ok("tools/call", calling("steps")).await["requestState"].as_str().unwrap().to_owned();
    let retry = |tool: &str, state: &str| {
        let mut retry = calling(tool);
        retry["requestState"] = state.into();
        retry["inputResponses"] = json!({"step1": {"action": "accept", "content": {"name": "x"}}});
        retry
    };
    let good = ann.ok("tools/call", retry("steps", &state)).await;
    assert_eq!(good["inputRequests"].as_object().unwrap().len(), 1);
    let reason = |error: RpcError| {
        assert_eq!(error.code.0, -32602, "{error}");
        error.data.unwrap().decode::<Value>().unwrap()["reason"].as_str().unwrap().to_owned()
    };
    let tampered = format!("{state}-TAMPERED");
    assert_eq!(reason(ann.error("tools/call", retry("steps", &tampered)).await), "invalid");
    let flipped = state.replace(&state[60..61], if &state[60..61] == "A" { "B" } else { "A" });
    assert_eq!(reason(ann.error("tools/call", retry("steps", &flipped)).await), "invalid");
    assert_eq!(reason(client("bob").await.error("tools/call", retry("steps", &state)).await), "invalid");
    assert_eq!(reason(ann.error("tools/call", retry("greet", &state)).await), "other_request");
    clock.store(121, Ordering::SeqCst);
    assert_eq!(reason(ann.error("tools/call", retry("steps", &state)).await), "expired");
}

#[tokio::test]
async fn p_21_the_answer_of_a_later_round_has_no_hints_for_caches_of_its_own() {
    let server = builder(1).cache(Duration::from_secs(60), mcp_server::CacheScope::Public).build().unwrap();
    let client = Client::with(&server, Revision::V2026_07_28, capable()).await;
    let asks = client.ok("resources/read", json!({"uri": "a:greeting"})).await;
    assert_eq!((asks.get("ttlMs"), asks.get("cacheScope")), (None, None), "P-70");
    let read = client.converse("resources/read", json!({"uri": "a:greeting"}), called("Ann")).await.unwrap();
    assert_eq!((&read["ttlMs"], &read["cacheScope"]), (&json!(0), &json!("private")));
}

#[tokio::test]
async fn p_23_a_handler_that_returns_its_questions_is_entered_again_on_a_legacy_session() {
    let server = server(1);
    for revision in [Revision::V2025_06_18, Revision::V2025_11_25, Revision::V2026_07_28] {
        let client = Client::with(&server, revision, capable()).await;
        let mut names = ["Ann", "Bob"].into_iter();
        let person = |_: &str, _: &Value| Ok(json!({"action": "accept", "content": {"name": names.next()}}));
        let result = client.converse("tools/call", calling("by_hand"), person).await.unwrap();
        assert_eq!(text(&result), "Ann Bob", "{revision}");
    }
    let client = Client::with(&server, Revision::V2026_07_28, capable()).await;
    let asks = client.ok("tools/call", calling("by_hand")).await;
    let mut retry = calling("by_hand");
    retry["requestState"] = "Eve".into();
    assert_eq!(client.error("tools/call", retry).await.code.0, -32602, "P-15: its own state is sealed too");
    assert!(asks["requestState"].as_str().unwrap().len() > 100);
}

#[tokio::test]
async fn p_20_a_handler_that_never_has_enough_is_stopped_on_a_legacy_session() {
    let server = Server::builder(implementation!())
        .tool(Tool::new("more", async || {
            let form = ElicitRequestParams::from(ElicitRequestFormParams::new("More?", RequestedSchema::new()));
            InputRequiredResult::new().input_requests(InputRequests::from_iter([("more", form)]))
        }))
        .build()
        .unwrap();
    let client = Client::with(&server, Revision::V2025_11_25, capable()).await;
    let mut asked = 0;
    let person = |_: &str, _: &Value| {
        asked += 1;
        Ok(json!({"action": "accept", "content": {}}))
    };
    let result = client.converse("tools/call", calling("more"), person).await.unwrap();
    assert_eq!(text(&result), "the client was asked in 8 rounds and is needed for more");
    assert_eq!(asked, 9);
}

#[tokio::test]
async fn t_134_what_the_client_leaves_out_is_at_its_default() {
    #[derive(serde::Deserialize, schemars::JsonSchema)]
    struct Order {
        #[serde(default = "two")]
        count: u32,
    }
    fn two() -> u32 {
        2
    }
    async fn order(cx: Cx) -> Result<u32, AskError> {
        cx.elicit("order", Form::new("How many?").schema(schema())).await.map(|order: Order| order.count)
    }
    fn schema() -> RequestedSchema {
        RequestedSchema::new().property("count", mcp_server::types::NumberSchema::integer().default(3.0))
    }
    let server = Server::builder(implementation!()).tool(Tool::new("order", order)).build().unwrap();
    for revision in [Revision::V2025_11_25, Revision::V2026_07_28] {
        let client = Client::with(&server, revision, capable()).await;
        let person = |_: &str, _: &Value| Ok(json!({"action": "accept"}));
        assert_eq!(text(&client.converse("tools/call", calling("order"), person).await.unwrap()), "3");
    }
}

#[tokio::test]
async fn whatever_the_user_did_is_there_for_a_handler_that_wants_it() {
    async fn raw(cx: Cx) -> Result<String, AskError> {
        let form = RequestedSchema::new().property("name", StringSchema::new());
        let result: ElicitResult = cx.elicit("raw", ElicitRequestFormParams::new("Name?", form)).await?;
        Ok(result.action.to_string())
    }
    let server = Server::builder(implementation!()).tool(Tool::new("raw", raw)).build().unwrap();
    for revision in [Revision::V2025_06_18, Revision::V2026_07_28] {
        let client = Client::with(&server, revision, capable()).await;
        let person = |_: &str, _: &Value| Ok(json!({"action": "decline"}));
        assert_eq!(text(&client.converse("tools/call", calling("raw"), person).await.unwrap()), "decline");
    }
}

#[tokio::test]
async fn a_completion_cannot_ask_and_a_form_that_is_not_flat_is_the_handlers_fault() {
    #[derive(serde::Deserialize, schemars::JsonSchema)]
    #[allow(dead_code)]
    struct Nested {
        inner: Name,
    }
    #[derive(serde::Deserialize, schemars::JsonSchema)]
    #[allow(dead_code)]
    struct Topic {
        topic: String,
    }
    let asks = async |cx: Cx| cx.roots("r").await.map(|roots| vec![roots.len().to_string()]);
    let server = Server::builder(implementation!())
        .tool(Tool::new("nested", async |cx: Cx| cx.elicit::<Nested>("n", Form::new("?")).await.map(drop)))
        .prompt(Prompt::new("p", async |_: mcp_server::Args<Topic>| "x").complete("topic", asks))
        .build()
        .unwrap();
    for client in [modern(&server).await, legacy(&server).await] {
        let error = client.error("tools/call", calling("nested")).await;
        assert_eq!(error.code.0, -32603);
        assert!(error.message.contains("`inner`"), "{error}");
        let params = json!({"ref": {"type": "ref/prompt", "name": "p"}, "argument": {"name": "topic", "value": ""}});
        assert_eq!(client.error("completion/complete", params).await.code.0, -32603);
    }
}

#[tokio::test(start_paused = true)]
async fn v_21_the_time_of_the_user_is_not_the_handlers_and_ends_too() {
    let limits = Limits::default().handler_timeout(Duration::from_secs(1)).request_total(Duration::from_secs(30));
    let server = builder(1).limits(limits).build().unwrap();
    let client = Client::with(&server, Revision::V2025_11_25, capable()).await;
    let begun = tokio::time::Instant::now();
    let told = client.tool_error("greet", json!({})).await;
    assert_eq!(told, "the client did not answer within 30s");
    assert_eq!(begun.elapsed().as_secs(), 30);
}

#[tokio::test]
async fn p_60_a_call_that_is_dropped_withdraws_its_question() {
    let server = server(1);
    let client = Client::with(&server, Revision::V2025_11_25, capable()).await;
    let (call, mut outbox) = client.start("tools/call", calling("greet"));
    let mut call = Box::pin(server.call(call));
    assert!(is_pending(&mut call));
    let said = |outbox: &mut Outbox| serde_json::from_slice::<Value>(&outbox.try_next().unwrap()).unwrap();
    let asked = said(&mut outbox);
    drop(call);
    let withdrawn = said(&mut outbox);
    assert_eq!(withdrawn["method"], "notifications/cancelled");
    assert_eq!(withdrawn["params"]["requestId"], asked["id"]);
}

#[tokio::test]
async fn an_error_that_wraps_a_refusal_is_one() {
    #[derive(Debug)]
    struct Wrapped(AskError);
    impl std::fmt::Display for Wrapped {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("cannot greet")
        }
    }
    impl std::error::Error for Wrapped {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(&self.0)
        }
    }
    let server = Server::builder(implementation!())
        .tool(Tool::new("greet", async |cx: Cx| greet(cx).await.map_err(Wrapped)))
        .build()
        .unwrap();
    assert_eq!(modern(&server).await.error("tools/call", calling("greet")).await.code.0, -32021);
    let told = legacy(&server).await.tool_error("greet", json!({})).await;
    assert!(told.starts_with("cannot greet: this needs a client"), "{told}");
}

/// Remembers that it was dropped.
struct Note(Cx);

impl Drop for Note {
    fn drop(&mut self) {
        self.0.remember("dropped", &true).unwrap();
    }
}

/// Asks, at once or after it waited, and says whether the round before noted that it was dropped.
async fn noting(cx: Cx, waits: bool) -> Result<String, AskError> {
    let noted = cx.remembered::<bool>("dropped");
    let _note = Note(cx.clone());
    if waits {
        tokio::task::yield_now().await;
    }
    let who: Name = cx.elicit("who", Form::new("Your name?")).await?;
    Ok(format!("{} {noted:?}", who.name))
}

#[tokio::test]
async fn p_17_what_is_remembered_when_a_round_is_dropped_is_there_in_the_next() {
    let lent = Server::builder(implementation!()).tool(Tool::new("lent", |cx: Cx| noting(cx, true))).build().unwrap();
    let server = Server::builder(implementation!())
        .tool(Tool::new("at once", |cx: Cx| noting(cx, false)))
        .tool(Tool::new("later", |cx: Cx| noting(cx, true)))
        .tool(Tool::new("within", move |cx: Cx| {
            let lent = lent.clone();
            async move { lent.run_within("lent", &cx).await.unwrap() }
        }))
        .build()
        .unwrap();
    let client = Client::with(&server, Revision::V2026_07_28, json!({"elicitation": {}})).await;
    for tool in ["at once", "later", "within"] {
        let answer = json!({"action": "accept", "content": {"name": "Ada"}});
        let told = client.converse("tools/call", json!({"name": tool}), |_, _| Ok(answer.clone())).await.unwrap();
        assert_eq!(text(&told), "Ada Some(true)", "{tool}");
    }
}
