//! Rounds with servers that ask rightly and wrongly.

use std::time::Duration;

use mcp_transport::Limits;
use mcp_types::{
    ClientCapabilities, CreateMessageResult, ElicitResult, InputRequest, InputRequiredResult, JsonObject,
    ListRootsResult, RawJson, Revision, Role, Root, SamplingMessageContentBlock, ToolUseContent,
};

use super::question::{self, QuestionFault};
use super::reply::{Reply, WrongReply};
use super::rounds::{AnswerFault, NotAnObject, Round, RoundFault, Rounds};

const EVERYTHING: &str = r#"{"elicitation":{"form":{},"url":{}},"sampling":{"tools":{}},"roots":{}}"#;
const NAME: &str = r#"{"method":"elicitation/create","params":{"message":"?","requestedSchema":{"type":"object","properties":{"name":{"type":"string"}},"required":["name"]}}}"#;

fn rounds(params: &str) -> Rounds {
    Rounds::new(&RawJson::parse(params.to_owned()).unwrap(), &Limits::default()).unwrap()
}

fn wanted(requests: &str, state: Option<&str>) -> InputRequiredResult {
    let state = state.map_or(String::new(), |state| format!(r#","requestState":{state}"#));
    serde_json::from_str(&format!(r#"{{"resultType":"input_required","inputRequests":{requests}{state}}}"#)).unwrap()
}

fn handle(rounds: &mut Rounds, wanted: InputRequiredResult) -> Result<Round, RoundFault> {
    let declared = serde_json::from_str(EVERYTHING).unwrap();
    rounds.handle(wanted, &declared, Revision::LATEST.features(), 0)
}

fn accept(content: &str) -> Reply {
    let content: JsonObject = serde_json::from_str(content).unwrap();
    Reply::Elicit(ElicitResult::new("accept").content(content))
}

#[test]
fn a_retry_is_the_same_request_with_the_answers_and_the_state_p_12() {
    let mut rounds = rounds(r#"{"name":"t","arguments":{"n":1.50,"z":1,"a":2},"_meta":{"a/b":1}}"#);
    let state = r#""s\"\u00e9\n+/=""#;
    let mut round = handle(&mut rounds, wanted(&format!(r#"{{"who":{NAME}}}"#), Some(state))).unwrap();
    let keys: Vec<_> = round.questions().map(|(key, question)| (key.to_owned(), question.method())).collect();
    assert_eq!(keys, [("who".to_owned(), "elicitation/create")]);
    round.answer("who", accept(r#"{"name":"Ann"}"#)).unwrap();
    assert_eq!(round.wait(), Duration::ZERO);
    assert_eq!(
        round.into_params().unwrap().as_str(),
        r#"{"name":"t","arguments":{"n":1.50,"z":1,"a":2},"_meta":{"a/b":1},"inputResponses":{"who":{"action":"accept","content":{"name":"Ann"}}},"requestState":"s\"é\n+/="}"#
    );
}

#[test]
fn a_state_is_sent_back_exactly_when_one_was_given_and_never_an_older_one_p_12() {
    let mut rounds = rounds(r#"{"name":"t"}"#);
    let mut first = handle(&mut rounds, wanted(&format!(r#"{{"a":{NAME}}}"#), Some(r#""one""#))).unwrap();
    first.answer("a", accept(r#"{"name":"x"}"#)).unwrap();
    first.into_params().unwrap();
    let mut second = handle(&mut rounds, wanted(&format!(r#"{{"b":{NAME}}}"#), None)).unwrap();
    second.answer("b", accept(r#"{"name":"y"}"#)).unwrap();
    assert_eq!(
        second.into_params().unwrap().as_str(),
        r#"{"name":"t","inputResponses":{"b":{"action":"accept","content":{"name":"y"}}}}"#,
        "only the answers of the latest round (P-13)"
    );
}

#[test]
fn an_empty_state_is_a_state() {
    let round = handle(&mut rounds(r#"{"name":"t"}"#), wanted("{}", Some(r#""""#))).unwrap();
    assert_eq!(round.into_params().unwrap().as_str(), r#"{"name":"t","requestState":""}"#);
}

#[test]
fn what_the_first_request_had_of_another_request_is_not_sent_p_13() {
    let mut rounds = rounds(r#"{"name":"t","requestState":"old","inputResponses":{"x":{}}}"#);
    let mut round = handle(&mut rounds, wanted(&format!(r#"{{"a":{NAME}}}"#), None)).unwrap();
    round.answer("a", Reply::Elicit(ElicitResult::new("decline"))).unwrap();
    let expected = r#"{"name":"t","inputResponses":{"a":{"action":"decline"}}}"#;
    assert_eq!(round.into_params().unwrap().as_str(), expected);
}

#[test]
fn every_question_is_answered_before_the_retry_and_in_any_order_p_12() {
    let requests = format!(
        r#"{{"who":{NAME},"model":{{"method":"sampling/createMessage","params":{{"messages":[],"maxTokens":9}}}},"where":{{"method":"roots/list"}}}}"#
    );
    let mut round = handle(&mut rounds(r#"{"uri":"a:b"}"#), wanted(&requests, None)).unwrap();
    round.answer("where", Reply::ListRoots(ListRootsResult::new([Root::new("file:///a")]))).unwrap();
    round.answer("who", Reply::Elicit(ElicitResult::new("cancel"))).unwrap();
    let mut round = round.into_params().unwrap_err();
    assert_eq!(round.questions().map(|(key, _)| key).collect::<Vec<_>>(), ["model"]);
    let said = CreateMessageResult::new(Role::Assistant, "hello", "m");
    round.answer("model", Reply::CreateMessage(said)).unwrap();
    assert_eq!(
        round.into_params().unwrap().as_str(),
        r#"{"uri":"a:b","inputResponses":{"where":{"roots":[{"uri":"file:///a"}]},"who":{"action":"cancel"},"model":{"role":"assistant","content":{"type":"text","text":"hello"},"model":"m"}}}"#
    );
}

#[test]
fn an_answer_that_no_message_could_carry_is_not_taken() {
    let asked = wanted(&format!(r#"{{"who":{NAME}}}"#), None);
    let mut round = handle(&mut rounds(r#"{"name":"t"}"#), asked).unwrap();
    // The parameters, their `inputResponses`, the answer and its `content` are four of the 127.
    let deep = |depth: usize| accept(&format!(r#"{{"name":"Ann","more":{}{}}}"#, "[".repeat(depth), "]".repeat(depth)));
    let fault = round.answer("who", deep(124)).unwrap_err();
    assert!(fault.to_string().contains("nested too deep"), "{fault}");
    round.answer("who", deep(123)).unwrap();
    assert!(round.into_params().is_ok());
}

#[test]
fn rounds_are_bounded_at_the_limit_and_not_before_it_t_113() {
    let mut rounds = rounds(r#"{"name":"t"}"#);
    for _ in 0..10 {
        assert!(handle(&mut rounds, wanted("{}", Some(r#""s""#))).is_ok());
    }
    assert_eq!(handle(&mut rounds, wanted("{}", Some(r#""s""#))).unwrap_err(), RoundFault::Rounds(10));
}

#[test]
fn without_questions_the_retry_waits_longer_and_longer_p_12() {
    let mut rounds = rounds(r#"{"name":"t"}"#);
    let declared = ClientCapabilities::new();
    let mut wait = |random, requests: &str, declared: &ClientCapabilities| {
        let round = rounds.handle(wanted(requests, Some(r#""s""#)), declared, Revision::LATEST.features(), random);
        round.unwrap().wait().as_millis()
    };
    assert_eq!([wait(0, "{}", &declared), wait(0, "{}", &declared)], [250, 500]);
    assert_eq!(wait(u32::MAX, "{}", &declared), 2000);
    let everything = serde_json::from_str(EVERYTHING).unwrap();
    assert_eq!(wait(0, &format!(r#"{{"a":{NAME}}}"#), &everything), 0);
    assert_eq!(wait(0, "{}", &declared), 250);
    assert_eq!([0; 4].map(|random| wait(random, "{}", &declared)), [500, 1000, 2000, 4000]);
}

#[test]
fn a_server_that_asks_for_nothing_or_too_much_is_refused() {
    let check = |wanted: InputRequiredResult, expected: RoundFault| {
        assert_eq!(handle(&mut rounds("{}"), wanted).unwrap_err(), expected);
    };
    check(wanted("{}", None), RoundFault::Empty);
    check(InputRequiredResult::new(), RoundFault::Empty);
    check(wanted(&format!(r#"{{"a":{NAME},"a":{NAME}}}"#), None), RoundFault::TwoQuestions("a".to_owned()));
    let many = |count: usize| {
        let requests: Vec<String> = (0..count).map(|at| format!(r#""{at}":{{"method":"roots/list"}}"#)).collect();
        wanted(&format!("{{{}}}", requests.join(",")), None)
    };
    assert!(handle(&mut rounds("{}"), many(64)).is_ok());
    check(many(65), RoundFault::Questions(64));
}

#[test]
fn what_was_not_declared_is_not_answered_p_11() {
    let declared = serde_json::from_str(r#"{"sampling":{}}"#).unwrap();
    let wanted = wanted(&format!(r#"{{"a":{NAME}}}"#), None);
    let refused = rounds("{}").handle(wanted, &declared, Revision::LATEST.features(), 0).unwrap_err();
    let RoundFault::Question { key, fault: QuestionFault::Undeclared { method, lacking } } = refused else {
        panic!("{refused:?}")
    };
    assert_eq!((&*key, method), ("a", "elicitation/create"));
    assert_eq!(serde_json::to_string(&lacking).unwrap(), r#"{"elicitation":{}}"#);
}

fn ask(text: &str) -> InputRequest {
    serde_json::from_str(text).unwrap()
}

#[test]
fn a_question_that_nobody_can_answer_is_refused_before_it_is_asked() {
    let check = |text: &str, part: &str| {
        let declared = serde_json::from_str(EVERYTHING).unwrap();
        let found = question::check(&ask(text), &declared, Revision::LATEST.features());
        match part {
            "" => assert_eq!(found, Ok(()), "{text}"),
            part => {
                let fault = found.unwrap_err();
                assert!(fault.to_string().contains(part), "{fault}");
                assert_eq!(fault.to_rpc().code.0, -32602);
            }
        }
    };
    let form = |schema: &str| {
        format!(r#"{{"method":"elicitation/create","params":{{"message":"?","requestedSchema":{schema}}}}}"#)
    };
    check(&form(r#"{"type":"object","properties":{}}"#), "");
    for schema in ["true", "[]", r#"{"type":"string"}"#, r#"{"type":"object","properties":[]}"#] {
        check(&form(schema), "not a form");
    }
    let url = |url: &str| {
        format!(r#"{{"method":"elicitation/create","params":{{"mode":"url","message":"?","url":"{url}"}}}}"#)
    };
    for right in ["https://example.com/a?b", "HTTPS://xn--e1afmkfd.example", "http://127.0.0.1:1/"] {
        check(&url(right), "");
    }
    for wrong in
        ["javascript:alert(1)", "file:///etc/passwd", "data:text/html,x", "//example.com", "https://", "https:///x"]
            .into_iter()
            .chain(["https://a b", "https://a\\nb", "vbscript://x", "", "--help", "https://@"])
    {
        check(&url(wrong), "https://");
    }
    let result = r#"{"role":"user","content":[{"type":"tool_result","toolUseId":"1","content":[]}]}"#;
    let sampling = format!(r#"{{"method":"sampling/createMessage","params":{{"maxTokens":1,"messages":[{result}]}}}}"#);
    check(&sampling, "which is not open");
}

#[test]
fn a_legacy_server_is_told_whether_the_method_or_the_mode_is_missing_t_138_t_140() {
    let check = |declared: &str, question: &str, code: i64| {
        let declared = serde_json::from_str(declared).unwrap();
        let fault = question::check(&ask(question), &declared, Revision::LATEST_LEGACY.features()).unwrap_err();
        assert_eq!(fault.to_rpc().code.0, code, "{fault}");
    };
    let url = r#"{"method":"elicitation/create","params":{"mode":"url","message":"?","url":"https://example.com"}}"#;
    check("{}", r#"{"method":"roots/list"}"#, -32601);
    check("{}", NAME, -32601);
    check(r#"{"elicitation":{}}"#, url, -32602);
    check(r#"{"elicitation":{"url":{}}}"#, NAME, -32602);
    let tools = r#"{"method":"sampling/createMessage","params":{"maxTokens":1,"messages":[],"tools":[]}}"#;
    check(r#"{"sampling":{}}"#, tools, -32602);
}

#[test]
fn the_defaults_of_a_form_are_filled_in_where_the_answer_leaves_them_out_t_134() {
    let form = r#"{"method":"elicitation/create","params":{"message":"?","requestedSchema":{"type":"object","properties":{
        "name":{"type":"string","default":"John Doe"},"age":{"type":"integer","default":30},
        "score":{"type":"number","default":95.5},"verified":{"type":"boolean","default":true},
        "status":{"type":"string","enum":["active","inactive"],"default":"active"}},"required":["name","age"]}}}"#;
    let mut round = handle(&mut rounds("{}"), wanted(&format!(r#"{{"a":{form}}}"#), None)).unwrap();
    round.answer("a", Reply::Elicit(ElicitResult::new("accept").content(JsonObject::new()))).unwrap();
    assert_eq!(
        round.into_params().unwrap().as_str(),
        r#"{"inputResponses":{"a":{"action":"accept","content":{"name":"John Doe","age":30,"score":95.5,"verified":true,"status":"active"}}}}"#
    );
    let mut round = handle(&mut rounds("{}"), wanted(&format!(r#"{{"a":{form}}}"#), None)).unwrap();
    round.answer("a", Reply::Elicit(ElicitResult::new("decline"))).unwrap();
    assert_eq!(round.into_params().unwrap().as_str(), r#"{"inputResponses":{"a":{"action":"decline"}}}"#);
}

#[test]
fn a_wrong_answer_is_not_sent_and_may_be_given_again_t_135() {
    let mut round = handle(&mut rounds("{}"), wanted(&format!(r#"{{"a":{NAME}}}"#), None)).unwrap();
    let AnswerFault::Wrong(WrongReply::Form(faults)) = round.answer("a", accept(r#"{"name":7}"#)).unwrap_err() else {
        panic!("the form is wrong")
    };
    assert_eq!(faults[0].to_string(), "`name` must be a string");
    let fault = round.answer("a", accept("{}")).unwrap_err();
    assert_eq!(fault.to_string(), "the form is not filled in as the server asks; `name` is required and not there");
    let roots = Reply::ListRoots(ListRootsResult::new([]));
    let kind = WrongReply::Kind { asked: "elicitation/create" };
    assert_eq!(round.answer("a", roots.clone()).unwrap_err(), AnswerFault::Wrong(kind));
    assert_eq!(round.answer("b", roots).unwrap_err(), AnswerFault::Unasked);
    assert_eq!(round.questions().count(), 1);
    round.answer("a", accept(r#"{"name":"Ann"}"#)).unwrap();
    assert_eq!(round.questions().count(), 0);
}

#[test]
fn an_answer_is_a_bare_value_t_42() {
    let meta: JsonObject = serde_json::from_str(r#"{"a/b":1}"#).unwrap();
    let requests = format!(r#"{{"a":{NAME},"b":{{"method":"roots/list"}}}}"#);
    let mut round = handle(&mut rounds("{}"), wanted(&requests, None)).unwrap();
    round.answer("a", Reply::Elicit(ElicitResult::new("decline").meta(meta.clone()))).unwrap();
    round.answer("b", Reply::ListRoots(ListRootsResult::new([]).meta(meta))).unwrap();
    assert_eq!(
        round.into_params().unwrap().as_str(),
        r#"{"inputResponses":{"a":{"action":"decline"},"b":{"roots":[]}}}"#
    );
}

#[test]
fn other_answers_have_their_rules_too() {
    let requests = r#"{"a":{"method":"sampling/createMessage","params":{"messages":[],"maxTokens":9}},"b":{"method":"roots/list"}}"#;
    let mut round = handle(&mut rounds("{}"), wanted(requests, None)).unwrap();
    let call = SamplingMessageContentBlock::ToolUse(ToolUseContent::new("1", "t", RawJson::empty_object()));
    let said = CreateMessageResult::new(Role::Assistant, call, "m");
    let fault = round.answer("a", Reply::CreateMessage(said)).unwrap_err();
    assert_eq!(fault.to_string(), "the model calls a tool, and it was given none");
    let roots = Reply::ListRoots(ListRootsResult::new([Root::new("https://example.com")]));
    assert!(round.answer("b", roots).unwrap_err().to_string().contains("file://"));
}

#[test]
fn the_state_is_not_shown_p_14() {
    let round = handle(&mut rounds("{}"), wanted(&format!(r#"{{"a":{NAME}}}"#), Some(r#""canary""#))).unwrap();
    let shown = format!("{round:?}");
    assert!(shown.contains("\"a\"") && !shown.contains("canary"), "{shown}");
}

#[test]
fn parameters_that_are_no_object_have_no_rounds() {
    let check = |text: &'static str| Rounds::new(&RawJson::parse(text).unwrap(), &Limits::default()).err();
    assert_eq!(check("[]"), Some(NotAnObject));
    assert_eq!(check("null"), Some(NotAnObject));
}
