//! Conversations that somebody kept, gone on with.

use super::super::approval::{Approval, Policy};
use super::*;

/// A conversation that ends with calls, and what came after them.
fn kept(asked: &[(&str, &str)], after: impl IntoIterator<Item = Message>) -> Request {
    let mut said = Message::with_content("assistant", RawJson::null());
    said.tool_calls = asked.iter().map(|(id, name)| ToolCall::new(*id, *name, Arguments::from("{}"))).collect();
    let mut request = Request::new("m", [Message::user("go"), said]);
    request.messages.extend(after);
    request
}

fn resumed(request: Request) -> Turn {
    Turn::resume(request, tools(), Options::default())
}

fn ids(turn: &Turn) -> Vec<String> {
    turn.messages().iter().filter_map(|message| message.tool_call_id.clone()).collect()
}

#[test]
fn calls_without_an_answer_are_made_and_answers_that_there_are_count() {
    let mut turn = resumed(kept(&[("a", "add"), ("b", "add"), ("c", "nope")], [Message::tool("b", "2")]));
    let calls = ready(turn.step());
    assert_eq!(calls.iter().map(|call| call.id.as_str()).collect::<Vec<_>>(), ["a"]);
    assert_eq!(turn.rejected()[0].id, "c");
    assert!(matches!(turn.handle_results([result(&calls[0], "1")]).unwrap(), Step::Ask));
    assert_eq!(ids(&turn), ["a", "b", "c"]);
    assert_eq!(turn.messages()[3].text(), "2");
    assert_eq!(turn.rounds(), 1);
}

#[test]
fn answers_stand_before_what_was_said_after_the_calls() {
    let mut turn = resumed(kept(&[("a", "add")], [Message::user("hurry")]));
    let calls = ready(turn.step());
    let _ = turn.handle_results([result(&calls[0], "1")]).unwrap();
    let roles: Vec<&str> = turn.messages().iter().map(|message| message.role.as_str()).collect();
    assert_eq!(roles, ["user", "assistant", "tool", "user"]);
}

#[test]
fn a_conversation_without_open_calls_is_left_as_it_is() {
    let check = |request: Request| {
        let messages = request.messages.clone();
        let turn = resumed(request);
        assert!(matches!(turn.step(), Step::Ask));
        assert_eq!((turn.messages(), turn.rounds()), (messages.as_slice(), 0));
    };
    check(Request::new("m", [Message::user("go")]));
    check(kept(
        &[("a", "add"), ("b", "add")],
        [Message::tool("b", "2"), Message::tool("a", "1"), Message::user("so?")],
    ));
}

#[test]
fn what_was_to_be_approved_is_asked_for_again() {
    let options = Options { approval: Policy::ask(), ..Options::default() };
    let mut turn = Turn::resume(kept(&[("a", "add"), ("b", "add")], []), tools(), options);
    let Step::Approve(asked) = turn.step() else { panic!() };
    let said = |id: &str| if id == "a" { Approval::Allowed } else { Approval::denied("no") };
    let step = turn.handle_approvals(asked.iter().map(|call| (call.index, said(&call.id)))).unwrap();
    let calls = ready(step);
    let _ = turn.handle_results([result(&calls[0], "1")]).unwrap();
    assert_eq!(
        answers(&turn),
        json!([
            {"role":"tool","tool_call_id":"a","content":"1"},
            {"role":"tool","tool_call_id":"b","content":"error: denied by user: no"}
        ])
    );
}

#[test]
fn a_client_that_answers_its_own_function_does_so_in_the_conversation() {
    let mut request = kept(&[("a", "mine"), ("b", "add")], [Message::tool("a", "42")]);
    request.tools.push(RawJson::parse(r#"{"type":"function","function":{"name":"mine"}}"#).unwrap());
    let mut turn = Turn::resume(request, tools(), Options::default());
    let calls = ready(turn.step());
    assert_eq!((calls.len(), calls[0].id.as_str()), (1, "b"));
    assert!(matches!(turn.handle_results([result(&calls[0], "7")]).unwrap(), Step::Ask));
}

#[test]
fn a_loop_that_stops_after_its_rounds_needs_no_reply_of_its_own() {
    let options = Options { max_rounds: 1, exhausted: Exhausted::Stop, ..Options::default() };
    let mut turn = Turn::resume(kept(&[("a", "add")], []), tools(), options);
    let calls = ready(turn.step());
    // There is no reply to end with, so the model is asked for a last one, without tools.
    assert!(matches!(turn.handle_results([result(&calls[0], "1")]).unwrap(), Step::Ask));
    assert_eq!(turn.next_request().tool_choice.unwrap().as_str(), "\"none\"");
}

#[test]
fn an_answer_can_be_given_in_the_form_of_the_api() {
    let mut request = kept(&[("a", "mine")], []);
    request.tools.push(RawJson::parse(r#"{"type":"function","function":{"name":"mine"}}"#).unwrap());
    let mut turn = Turn::resume(request, tools(), Options::default());
    let Step::HandBack(theirs) = turn.step() else { panic!() };
    let mut answer = Message::tool("a", "42");
    answer.content = Some(RawJson::parse(r#"[{"type":"text","text":"42"}]"#).unwrap());
    assert!(matches!(turn.handle_items([(theirs[0].index, answer.clone())]).unwrap(), Step::Ask));
    assert_eq!(turn.messages().last(), Some(&answer));
}

#[test]
fn what_is_kept_of_an_open_round_has_the_answers_that_there_are() {
    let mut request = Request::new("m", [Message::user("go")]);
    request.tools.push(RawJson::parse(r#"{"type":"function","function":{"name":"mine"}}"#).unwrap());
    let mut turn = Turn::new(request.clone(), tools(), Options::default());
    let reply = calls(&[("a", "mine", "{}"), ("b", "add", "{}"), ("c", "add", "{}")]);
    let ours = ready(turn.handle_model(reply).unwrap());
    let picture = CallToolResult::new().content([ContentBlock::image("iVBORw0KGgo=", "image/png")]);
    let _ = turn.handle_results([(ours[0].index, Outcome::Result(picture)), result(&ours[1], "7")]).unwrap();
    request.messages = turn.into_messages();
    let roles: Vec<&str> = request.messages.iter().map(|message| message.role.as_str()).collect();
    assert_eq!(roles, ["user", "assistant", "tool", "tool", "user"], "the picture stands behind the answers");

    let mut turn = Turn::resume(request, tools(), Options::default());
    let Step::HandBack(theirs) = turn.step() else { panic!() };
    let _ = turn.handle_results([(theirs[0].index, Outcome::Text("42".to_owned()))]).unwrap();
    assert_eq!(ids(&turn), ["a", "b", "c"]);
    assert_eq!(turn.messages().last().unwrap().role, "user");
}

#[test]
fn a_long_conversation_is_resumed_in_time_that_grows_with_its_length() {
    // Compared each with each, these would take minutes.
    let ids: Vec<String> = (0..50_000).map(|number| number.to_string()).collect();
    let asked: Vec<(&str, &str)> = ids.iter().map(|id| (id.as_str(), "nope")).collect();
    let turn = resumed(kept(&asked, ids.iter().rev().skip(1).map(|id| Message::tool(id, "1"))));
    assert!(matches!(turn.step(), Step::Ask));
    assert_eq!(turn.rejected().iter().map(|call| call.id.as_str()).collect::<Vec<_>>(), ["49999"]);
    assert_eq!(self::ids(&turn), ids);
}
