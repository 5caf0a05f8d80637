//! Whatever happens, the conversation is one that a provider accepts.

use std::collections::BTreeSet;

use super::super::approval::{Approval, Policy, Rule};
use super::*;
use crate::responses;

/// A small generator of choices, the same in every run.
struct Choices(u64);

impl Choices {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound
    }

    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }
}

/// Every call is answered right after it, once, and in the order of the calls; ids are neither empty nor equal.
fn is_legal_in_chat(messages: &[Message]) {
    let mut at = 0;
    while let Some(message) = messages.get(at) {
        at += 1;
        assert_ne!(message.role, "tool", "an answer to nothing, message {at}");
        let asked: Vec<&str> = message.tool_calls.iter().map(|call| call.id.as_str()).collect();
        let distinct: BTreeSet<&str> = asked.iter().copied().filter(|id| !id.is_empty()).collect();
        assert_eq!(distinct.len(), asked.len(), "{asked:?}");
        for id in asked {
            assert_eq!(messages[at].tool_call_id.as_deref(), Some(id));
            at += 1;
        }
    }
}

fn calls_by_chance(choices: &mut Choices) -> Vec<(&'static str, &'static str, &'static str)> {
    (0..choices.below(5))
        .map(|_| {
            let id = choices.one(&["a", "b", "c", "", "call_1_0"]);
            let name = choices.one(&["add", "add", "mine", "asked", "nope", "", "read_result"]);
            (id, name, choices.one(&["{}", "{\"n\":1}", "{\"n\":", "[]", "", "{\"handle\":\"a\"}"]))
        })
        .collect()
}

fn outcome_by_chance(choices: &mut Choices) -> Outcome {
    match choices.below(5) {
        0 => Outcome::Failed(Failure::Panicked),
        1 => Outcome::Result(CallToolResult::new().content([ContentBlock::image("iVBORw0KGgo=", "image/png")])),
        2 => Outcome::Result(CallToolResult::text("x".repeat(3000))),
        3 => Outcome::Result(CallToolResult::error("no")),
        _ => Outcome::Text("text".to_owned()),
    }
}

/// Does one thing that the step allows, or cancels.
fn go_on<A: Api>(turn: &mut Turn<A>, choices: &mut Choices, reply: impl FnOnce(&mut Choices) -> A::Reply) {
    if choices.below(20) == 0 {
        let _ = turn.handle_cancel();
        return;
    }
    let _ = match turn.step() {
        Step::Ask => turn.handle_model(reply(choices)),
        Step::Approve(calls) => {
            let approval = match choices.below(3) {
                0 => Approval::Allowed,
                1 => Approval::denied("no"),
                _ => Approval::Later,
            };
            let call = &calls[choices.below(calls.len())];
            turn.handle_approvals([(call.index, approval)])
        }
        Step::Call(calls) => {
            let call = &calls[choices.below(calls.len())];
            turn.handle_results([(call.index, outcome_by_chance(choices))])
        }
        Step::HandBack(calls) => {
            let call = &calls[choices.below(calls.len())];
            turn.handle_results([(call.index, outcome_by_chance(choices))])
        }
        Step::Done(_) | Step::OutOfRounds(_) => return,
    }
    .unwrap();
}

fn options() -> Options {
    let mut options = Options { max_rounds: 4, ..Options::default() };
    options.content.text_bytes = 1000;
    options.approval = Policy::allow().rule(Rule::ask().tools(["asked"]));
    options
}

fn set() -> Arc<ToolSet> {
    let schema = RawJson::parse(r#"{"type":"object","properties":{"n":{"type":"integer"}}}"#).unwrap();
    let tools = ["add", "asked"].map(|name| Tool::new(name, schema.clone()));
    Arc::new(ToolSet::builder().server("math", &tools).build())
}

#[test]
fn every_request_of_a_chat_is_legal() {
    for seed in 0..400 {
        let mut choices = Choices(seed);
        let mut request = Request::new("m", [Message::user("go")]);
        request.tools.push(RawJson::parse(r#"{"type":"function","function":{"name":"mine"}}"#).unwrap());
        let mut turn = Turn::new(request.clone(), set(), options());
        for _ in 0..40 {
            go_on(&mut turn, &mut choices, |choices| match calls_by_chance(choices) {
                asked if asked.is_empty() => says("done"),
                asked => calls(&asked),
            });
            if matches!(turn.step(), Step::Ask | Step::Done(_) | Step::OutOfRounds(_)) {
                is_legal_in_chat(turn.messages());
            } else if choices.below(10) == 0 {
                request.messages = turn.into_messages();
                turn = Turn::resume(request.clone(), set(), options());
            }
        }
        let _ = turn.handle_cancel();
        is_legal_in_chat(turn.messages());
    }
}

#[test]
fn every_request_of_responses_is_legal() {
    let is_legal = |input: &[responses::Item]| {
        let input = serde_json::to_value(input).unwrap();
        let ids = |kind: &str| {
            let items = input.as_array().unwrap().iter().filter(|item| item["type"] == kind);
            items.map(|item| item["call_id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        let (asked, answered) = (ids("function_call"), ids("function_call_output"));
        assert_eq!(asked, answered);
        assert!(asked.iter().all(|id| !id.is_empty()));
    };
    for seed in 0..400 {
        let mut choices = Choices(seed);
        let request = json!({"model":"m","input":"go","tools":[{"type":"function","name":"mine"}]});
        let mut request: responses::Request = serde_json::from_value(request).unwrap();
        let mut turn: Turn<Responses> = Turn::new(request.clone(), set(), options());
        for _ in 0..40 {
            go_on(&mut turn, &mut choices, |choices| {
                let items: Vec<responses::Item> = calls_by_chance(choices)
                    .iter()
                    .map(|(id, name, arguments)| {
                        responses::FunctionCall::new(*id, *name, Arguments::from(*arguments)).into()
                    })
                    .collect();
                responses::Response::new("r", items)
            });
            if matches!(turn.step(), Step::Ask | Step::Done(_) | Step::OutOfRounds(_)) {
                is_legal(turn.input());
            } else if choices.below(10) == 0 {
                request.input = turn.into_input();
                turn = Turn::resume(request.clone(), set(), options());
            }
        }
        let _ = turn.handle_cancel();
        is_legal(turn.input());
    }
}
