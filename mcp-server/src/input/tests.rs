//! Rounds of requests against servers that share nothing but a key.

use std::time::Duration;

use mcp_types::{
    ClientCapabilities, CreateMessageRequestParams, ElicitRequestFormParams, ElicitRequestParams, ErrorCode,
    InputRequiredResult, Params, Project, RawJson, RequestedSchema, Revision, RpcError, StringSchema,
};

use super::answers::{Answers, ListRoots};
use super::seal::{Binding, KeyRing, Sealer, SealingKey};

const NOW: Duration = Duration::from_secs(1_800_000_000);
const EVERYTHING: &str = r#"{"elicitation":{},"sampling":{},"roots":{}}"#;

/// One process of a server.
struct Server {
    sealer: Sealer,
}

/// One request as a process sees it.
struct Request<'a> {
    params: String,
    client: &'a str,
    principal: Option<&'a str>,
    now: Duration,
}

type Handler = fn(&mut Answers, &ClientCapabilities) -> Result<Option<String>, RpcError>;

#[derive(Debug)]
enum Outcome {
    Complete(String),
    Asks(Box<InputRequiredResult>),
}

impl Server {
    fn new(key: u8) -> Self {
        let key = SealingKey::new(&[key; 32]).unwrap();
        Self { sealer: Sealer::new(KeyRing::new(key, [])) }
    }

    fn call(&self, handler: Handler, request: &Request<'_>) -> Result<Outcome, RpcError> {
        let params = Params::from_raw(RawJson::parse(request.params.clone()).unwrap()).unwrap();
        let binding = Binding::new("tools/call", &params, request.principal);
        let mut answers =
            Answers::receive(&params, |state| self.sealer.open(state, &binding, request.now))?.unwrap_or_default();
        let client = serde_json::from_str(request.client).unwrap();
        let complete = handler(&mut answers, &client)?;
        assert_eq!(complete.is_none(), answers.has_questions(), "a handler ends or waits for an answer");
        let mut asks = answers.into_result(|record| self.sealer.seal(record, &binding, request.now))?;
        asks.iter_mut().for_each(|asks| asks.project(Revision::LATEST.features()));
        Ok(complete.map_or_else(|| Outcome::Asks(Box::new(asks.unwrap())), Outcome::Complete))
    }
}

fn request(params: &str) -> Request<'_> {
    Request { params: params.to_owned(), client: EVERYTHING, principal: None, now: NOW }
}

/// The retry of a request to the tool `t`.
fn retry<'a>(responses: &str, state: Option<&str>) -> Request<'a> {
    let state = state.map_or(String::new(), |state| format!(r#","requestState":{state:?}"#));
    Request {
        params: format!(r#"{{"name":"t","inputResponses":{responses}{state}}}"#),
        client: EVERYTHING,
        principal: None,
        now: NOW,
    }
}

#[track_caller]
fn asks(outcome: Result<Outcome, RpcError>) -> (Vec<String>, String) {
    let Ok(Outcome::Asks(asks)) = outcome else { panic!("no question: {outcome:?}") };
    let keys = asks.input_requests.unwrap().iter().map(|(key, _)| key.to_owned()).collect();
    (keys, asks.request_state.unwrap())
}

#[track_caller]
fn completes(outcome: Result<Outcome, RpcError>, expected: &str) {
    let Ok(Outcome::Complete(text)) = outcome else { panic!("no answer: {outcome:?}") };
    assert_eq!(text, expected);
}

fn name_form() -> ElicitRequestParams {
    let form = RequestedSchema::new().required_property("name", StringSchema::new());
    ElicitRequestFormParams::new("What is your name?", form).into()
}

fn features() -> mcp_types::Features {
    Revision::LATEST.features()
}

fn ask_name(answers: &mut Answers, key: &str, client: &ClientCapabilities) -> Result<Option<String>, RpcError> {
    let answer = answers.ask(key, name_form(), client, features())?;
    Ok(answer.map(|answer| {
        let content = answer.content.unwrap_or_default();
        content.member("name").map_or(answer.action.to_string(), |name| name.decode().unwrap())
    }))
}

fn greet(answers: &mut Answers, client: &ClientCapabilities) -> Result<Option<String>, RpcError> {
    Ok(ask_name(answers, "user_name", client)?.map(|name| format!("Hello, {name}!")))
}

/// Asks for one thing after the other.
fn two_steps(answers: &mut Answers, client: &ClientCapabilities) -> Result<Option<String>, RpcError> {
    let Some(first) = ask_name(answers, "step1", client)? else { return Ok(None) };
    let Some(second) = ask_name(answers, "step2", client)? else { return Ok(None) };
    Ok(Some(format!("{first} and {second}")))
}

/// Asks for three things at once.
fn everything(answers: &mut Answers, client: &ClientCapabilities) -> Result<Option<String>, RpcError> {
    let name = ask_name(answers, "name", client)?;
    let model = answers.ask("model", CreateMessageRequestParams::new([], 100_u64), client, features())?;
    let roots = answers.ask("roots", ListRoots, client, features())?;
    let (Some(name), Some(model), Some(roots)) = (name, model, roots) else { return Ok(None) };
    Ok(Some(format!("{name}, {}, {}", model.model, roots.roots.len())))
}

const ANN: &str = r#"{"action":"accept","content":{"name":"Ann"}}"#;

#[test]
fn a_question_is_asked_and_its_answer_completes_the_request() {
    let server = Server::new(1);
    let (keys, state) = asks(server.call(greet, &request(r#"{"name":"t"}"#)));
    assert_eq!(keys, ["user_name"]);
    completes(server.call(greet, &retry(&format!(r#"{{"user_name":{ANN}}}"#), Some(&state))), "Hello, Ann!");
}

#[test]
fn the_retry_may_go_to_another_process_that_has_the_key() {
    let (_, state) = asks(Server::new(1).call(two_steps, &request(r#"{"name":"t"}"#)));
    let (keys, state) = asks(Server::new(1).call(two_steps, &retry(&format!(r#"{{"step1":{ANN}}}"#), Some(&state))));
    assert_eq!(keys, ["step2"]);
    let last = r#"{"step2":{"action":"accept","content":{"name":"Bob"}}}"#;
    completes(Server::new(1).call(two_steps, &retry(last, Some(&state))), "Ann and Bob");
    let error = Server::new(2).call(two_steps, &retry(last, Some(&state))).unwrap_err();
    assert_eq!(error.code, ErrorCode::INVALID_PARAMS);
}

#[test]
fn each_round_has_another_state() {
    let server = Server::new(1);
    let (_, first) = asks(server.call(two_steps, &request(r#"{"name":"t"}"#)));
    let (_, second) = asks(server.call(two_steps, &retry(&format!(r#"{{"step1":{ANN}}}"#), Some(&first))));
    assert_ne!(first, second);
}

#[test]
fn several_questions_are_asked_in_one_round_and_only_those_without_an_answer_again_p_16() {
    let server = Server::new(1);
    let (keys, state) = asks(server.call(everything, &request(r#"{"name":"t"}"#)));
    assert_eq!(keys, ["name", "model", "roots"]);
    let some = format!(r#"{{"name":{ANN},"roots":{{"roots":[{{"uri":"file:///a"}}]}}}}"#);
    let (keys, state) = asks(server.call(everything, &retry(&some, Some(&state))));
    assert_eq!(keys, ["model"]);
    let rest = r#"{"model":{"role":"assistant","content":{"type":"text","text":"x"},"model":"m"}}"#;
    completes(server.call(everything, &retry(rest, Some(&state))), "Ann, m, 1");
}

#[test]
fn the_questions_have_the_form_of_the_specification_t_150() {
    let server = Server::new(1);
    let Ok(Outcome::Asks(asks)) = server.call(everything, &request(r#"{"name":"t"}"#)) else { panic!("it asks") };
    let wire: serde_json::Value = serde_json::from_str(&serde_json::to_string(&asks).unwrap()).unwrap();
    assert_eq!(wire["resultType"], "input_required");
    assert_eq!(wire["inputRequests"]["roots"], serde_json::json!({"method": "roots/list"}));
    assert_eq!(wire["inputRequests"]["name"]["method"], "elicitation/create");
    assert_eq!(wire["inputRequests"]["name"]["params"]["message"], "What is your name?");
    assert_eq!(wire["inputRequests"]["model"]["params"]["maxTokens"], 100);
    assert!(wire["inputRequests"]["name"].get("id").is_none());
}

#[test]
fn unknown_keys_are_ignored_and_without_the_needed_one_it_asks_again_p_16() {
    let server = Server::new(1);
    let both = format!(r#"{{"user_name":{ANN},"other":{{"action":"accept"}},"x":7}}"#);
    completes(server.call(greet, &retry(&both, None)), "Hello, Ann!");
    let (keys, _) = asks(server.call(greet, &retry(&format!(r#"{{"wrong":{ANN}}}"#), None)));
    assert_eq!(keys, ["user_name"]);
    let (keys, _) = asks(server.call(greet, &retry("{}", None)));
    assert_eq!(keys, ["user_name"]);
}

#[test]
fn a_malformed_answer_is_invalid_params_that_says_what_is_wrong_p_16() {
    let check = |responses: &str, part: &str| {
        let error = Server::new(1).call(everything, &retry(responses, None)).unwrap_err();
        assert_eq!(error.code, ErrorCode::INVALID_PARAMS, "{responses}");
        assert!(error.message.contains(part), "{}", error.message);
    };
    check("null", "`inputResponses`");
    check("[]", "`inputResponses`");
    check(r#"{"name":12345}"#, "\"name\"");
    check(r#"{"name":{}}"#, "action");
    check(r#"{"name":{"action":"later"}}"#, "accept, decline or cancel");
    check(r#"{"name":{"action":"accept"}}"#, "`name` is required");
    check(r#"{"name":{"action":"accept","content":{"name":7}}}"#, "`name` must be a string");
    check(r#"{"name":{"action":"decline"},"name":{"action":"decline"}}"#, "stands twice");
    check(r#"{"model":{"role":"assistant"}}"#, "content");
    let call = r#"{"role":"assistant","model":"m","content":{"type":"tool_use","id":"1","name":"t","input":{}}}"#;
    check(&format!(r#"{{"model":{call}}}"#), "it was given none");
    check(r#"{"roots":{"roots":[{"uri":"https://example.com"}]}}"#, "file://");
}

#[test]
fn declining_is_an_answer_p_18() {
    for action in ["decline", "cancel"] {
        let responses = format!(r#"{{"user_name":{{"action":"{action}","content":{{"name":7}}}}}}"#);
        completes(Server::new(1).call(greet, &retry(&responses, None)), &format!("Hello, {action}!"));
    }
}

#[test]
fn what_the_client_did_not_declare_is_not_asked_p_11() {
    let mut first = request(r#"{"name":"t"}"#);
    first.client = r#"{"sampling":{}}"#;
    let error = Server::new(1).call(greet, &first).unwrap_err();
    assert_eq!(error.code, ErrorCode::MISSING_CLIENT_CAPABILITY);
    assert_eq!(error.data.unwrap().as_str(), r#"{"requiredCapabilities":{"elicitation":{}}}"#);
}

#[test]
fn a_state_that_is_tampered_expired_foreign_or_of_another_request_is_refused_p_15() {
    let server = Server::new(1);
    let mut first = request(r#"{"name":"t","arguments":{"n":1}}"#);
    first.principal = Some("ann");
    let (_, state) = asks(server.call(greet, &first));
    let with = |name: &str, state: &str, principal, now| Request {
        params: format!(r#"{{"name":{name},"inputResponses":{{"user_name":{ANN}}},"requestState":{state:?}}}"#),
        client: EVERYTHING,
        principal,
        now,
    };
    let same = r#""t","arguments":{"n":1}"#;
    let ann = Some("ann");
    completes(server.call(greet, &with(same, &state, ann, NOW)), "Hello, Ann!");
    let tampered = format!("{state}-TAMPERED");
    for (request, reason) in [
        (with(same, &tampered, ann, NOW), "invalid"),
        (with(same, "", ann, NOW), "invalid"),
        (with(same, &state, Some("eve"), NOW), "invalid"),
        (with(same, &state, None, NOW), "invalid"),
        (with(same, &state, ann, NOW + Duration::from_secs(3600)), "expired"),
        (with(r#""t","arguments":{"n":2}"#, &state, ann, NOW), "other_request"),
        (with(r#""u","arguments":{"n":1}"#, &state, ann, NOW), "other_request"),
    ] {
        let error = server.call(greet, &request).unwrap_err();
        assert_eq!(error.code, ErrorCode::INVALID_PARAMS);
        assert_eq!(error.data.unwrap().as_str(), format!(r#"{{"reason":"{reason}"}}"#));
    }
    let not_text = request(r#"{"name":"t","requestState":7}"#);
    assert_eq!(server.call(greet, &not_text).unwrap_err().code, ErrorCode::INVALID_PARAMS);
}

#[test]
fn a_lost_state_means_that_earlier_answers_are_asked_for_again_p_17() {
    let server = Server::new(1);
    let (keys, _) = asks(server.call(two_steps, &retry(r#"{"step2":{"action":"decline"}}"#, None)));
    assert_eq!(keys, ["step1"]);
}

#[test]
fn a_recorded_answer_is_not_changed_by_a_later_one() {
    let server = Server::new(1);
    let (_, state) = asks(server.call(two_steps, &retry(&format!(r#"{{"step1":{ANN}}}"#), None)));
    let other = r#"{"action":"accept","content":{"name":"Eve"}}"#;
    let both = format!(r#"{{"step1":{other},"step2":{other}}}"#);
    completes(server.call(two_steps, &retry(&both, Some(&state))), "Ann and Eve");
}

#[test]
fn an_answer_that_nobody_asked_for_in_this_round_does_not_travel() {
    let server = Server::new(1);
    let responses = format!(r#"{{"x":{ANN},"step2":{ANN}}}"#);
    let (_, state) = asks(server.call(two_steps, &retry(&responses, None)));
    // The second question was not reached, so its answer was not taken.
    let (keys, _) = asks(server.call(two_steps, &retry(&format!(r#"{{"step1":{ANN}}}"#), Some(&state))));
    assert_eq!(keys, ["step2"]);
}

#[test]
fn a_note_of_one_round_is_there_in_the_next_p_17() {
    fn pay(answers: &mut Answers, client: &ClientCapabilities) -> Result<Option<String>, RpcError> {
        if answers.note("reserved").is_none() {
            answers.set_note("reserved", RawJson::from(serde_json::json!("seat 7")));
        } else {
            answers.set_note("again", RawJson::null());
        }
        let confirmed = ask_name(answers, "confirm", client)?;
        let times = if answers.note("again").is_some() { "reserved before" } else { "reserved now" };
        Ok(confirmed.map(|_| times.to_owned()))
    }
    let server = Server::new(1);
    let (_, state) = asks(server.call(pay, &request(r#"{"name":"t"}"#)));
    let confirm = format!(r#"{{"confirm":{ANN}}}"#);
    completes(server.call(pay, &retry(&confirm, Some(&state))), "reserved before");
    completes(server.call(pay, &retry(&confirm, None)), "reserved now");
}

#[test]
fn one_key_for_two_questions_is_a_fault_of_the_handler() {
    fn other_form(answers: &mut Answers, client: &ClientCapabilities) -> Result<Option<String>, RpcError> {
        ask_name(answers, "k", client)?;
        let other = ElicitRequestFormParams::new("Another?", RequestedSchema::new());
        answers.ask("k", ElicitRequestParams::from(other), client, features())?;
        Ok(None)
    }
    fn other_kind(answers: &mut Answers, client: &ClientCapabilities) -> Result<Option<String>, RpcError> {
        ask_name(answers, "k", client)?;
        answers.ask("k", ListRoots, client, features())?;
        Ok(None)
    }
    fn twice_the_same(answers: &mut Answers, client: &ClientCapabilities) -> Result<Option<String>, RpcError> {
        ask_name(answers, "k", client)?;
        ask_name(answers, "k", client)
    }
    let server = Server::new(1);
    let first = request(r#"{"name":"t"}"#);
    for handler in [other_form as Handler, other_kind] {
        let error = server.call(handler, &first).unwrap_err();
        assert_eq!((error.code, error.message.contains("\"k\"")), (ErrorCode::INTERNAL, true));
    }
    assert_eq!(asks(server.call(twice_the_same, &first)).0, ["k"], "a future may be polled twice");
    let answered = retry(&format!(r#"{{"k":{ANN}}}"#), None);
    assert_eq!(server.call(other_kind, &answered).unwrap_err().code, ErrorCode::INTERNAL);
}

#[test]
fn what_is_too_large_to_travel_is_the_fault_of_the_server() {
    let server = Server::new(1);
    let long = "x".repeat(60_000);
    let answer = format!(r#"{{"step1":{{"action":"accept","content":{{"name":"{long}"}}}}}}"#);
    assert_eq!(server.call(two_steps, &retry(&answer, None)).unwrap_err().code, ErrorCode::INTERNAL);
}
