//! Approval: who may run what, and how a turn goes on after the answer.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use mcp_openai_bridge::chat::{self, Message};
use mcp_openai_bridge::driver::{self, Driver, End, Host};
use mcp_openai_bridge::responses::{Item, Request};
use mcp_openai_bridge::tools::ToolSet;
use mcp_openai_bridge::turn::approval::{Approval, Policy, Rule};
use mcp_openai_bridge::turn::{Call, Options, Responses, Step, Turn};
use mcp_types::Tool;
use serde_json::json;

use crate::scripted::{Lab, Script, calls, item, message, response, says};

fn tools() -> Arc<ToolSet> {
    let tool = |name: &str, read_only: bool| {
        let tool = json!({"name":name,"inputSchema":{"type":"object"},"annotations":{"readOnlyHint":read_only}});
        serde_json::from_value::<Tool>(tool).unwrap()
    };
    let (files, bank) = ([tool("look", true), tool("erase", false)], [tool("pay", false)]);
    Arc::new(ToolSet::builder().server("files", &files).server("bank", &bank).build())
}

fn turn(policy: Policy) -> Turn {
    let mut options = Options::default();
    options.approval = policy;
    Turn::new(chat::Request::new("m", [Message::user("go")]), tools(), options)
}

fn three_calls() -> [serde_json::Value; 2] {
    let asked = [("a", "files__look", "{}"), ("b", "files__erase", "{}"), ("c", "bank__pay", "{}")];
    [calls(0, &asked), says(1, "done")]
}

/// Approves what it is told to, and keeps what it was asked.
#[derive(Default)]
struct Human {
    approves: &'static [&'static str],
    asked: Mutex<Vec<String>>,
}

#[async_trait]
impl Host for Human {
    async fn approve(&self, call: &Call) -> Approval {
        self.asked.lock().unwrap().push(call.tool.tool().to_owned());
        let is_approved = self.approves.contains(&call.tool.tool());
        if is_approved { Approval::Allowed } else { Approval::denied("not today") }
    }
}

/// Runs a turn and returns which tools ran, which were asked about, and the answers.
async fn ran(policy: Policy, approves: &'static [&'static str]) -> (Vec<String>, Vec<String>, Vec<String>) {
    let (script, lab) = (Script::new(three_calls()), Lab::default());
    let human = Human { approves, ..Human::default() };
    let mut turn = turn(policy);
    let end = Driver::new(&script, &lab).host(&human).run(&mut turn).await.unwrap();
    assert!(matches!(end, End::Done(_)));
    let mut tools: Vec<String> =
        lab.calls().iter().filter_map(|call| Some(call.split_once(' ')?.0.to_owned())).collect();
    tools.sort_unstable();
    let answers = turn.messages()[2..5].iter().map(Message::text).collect();
    (tools, human.asked.into_inner().unwrap(), answers)
}

#[tokio::test(start_paused = true)]
async fn by_default_everything_is_allowed_and_nobody_is_asked() {
    let (tools, asked, _) = ran(Policy::default(), &[]).await;
    assert_eq!((tools.len(), asked.len()), (3, 0));
}

#[tokio::test(start_paused = true)]
async fn a_policy_asks_by_server_by_tool_and_by_the_hint_that_a_tool_only_reads() {
    let check = async |policy: Policy, expected: &[&str]| {
        assert_eq!(ran(policy, &["look", "erase", "pay"]).await.1, expected);
    };
    check(Policy::allow().rule(Rule::ask().server("bank")), &["pay"]).await;
    check(Policy::allow().rule(Rule::ask().tools(["look"])), &["look"]).await;
    check(Policy::ask().rule(Rule::allow().read_only()), &["erase", "pay"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_denied_is_not_run_and_the_model_is_told_why() {
    let (tools, asked, answers) = ran(Policy::ask().rule(Rule::allow().read_only()), &["erase"]).await;
    assert_eq!(
        (tools, asked),
        (vec!["erase".to_owned(), "look".to_owned()], vec!["erase".to_owned(), "pay".to_owned()])
    );
    assert_eq!(answers[2], "error: denied by user: not today");
}

#[tokio::test(start_paused = true)]
async fn a_rule_may_deny_without_asking() {
    let (tools, asked, answers) = ran(Policy::allow().rule(Rule::deny("the bank is closed").server("bank")), &[]).await;
    assert_eq!((tools.len(), asked.len()), (2, 0));
    assert_eq!(answers[2], "error: denied by policy, and nothing was run: the bank is closed");
}

#[tokio::test(start_paused = true)]
async fn a_kept_conversation_goes_on_with_the_approvals_that_came_from_outside() {
    let (script, lab) = (Script::new(three_calls()), Lab::default());
    struct Later;
    #[async_trait]
    impl Host for Later {
        async fn approve(&self, _: &Call) -> Approval {
            Approval::Later
        }
    }
    let policy = Policy::ask().rule(Rule::allow().read_only());
    let mut first = turn(policy.clone());
    let End::Approve(waiting) = Driver::new(&script, &lab).host(&Later).run(&mut first).await.unwrap() else {
        panic!()
    };
    assert_eq!(waiting.iter().map(|call| call.id.as_str()).collect::<Vec<_>>(), ["b", "c"]);
    assert_eq!(lab.calls(), ["look {}"]);

    // Nothing is kept but what was said; somebody sends it again with the approvals.
    let mut options = Options::default();
    options.approval = policy;
    let request = chat::Request::new("m", first.into_messages());
    let mut turn = Turn::resume(request, tools(), options);
    let Step::Approve(waiting) = turn.step() else { panic!("what has run is not run again") };
    assert_eq!(waiting.len(), 2);
    let said = |call: &Call| if call.id == "b" { Approval::Allowed } else { Approval::denied("no") };
    let _ = turn.handle_approvals(waiting.iter().map(|call| (call.index, said(call)))).unwrap();
    let end = driver::run(&mut turn, &script, &lab, &driver::Options::default()).await.unwrap();
    assert!(matches!(end, End::Done(_)));
    let texts: Vec<String> = turn.messages()[2..5].iter().map(Message::text).collect();
    assert_eq!(texts, ["look says null", "erase says null", "error: denied by user: no"]);
    assert_eq!(lab.calls(), ["look {}", "erase {}"]);
}

#[tokio::test(start_paused = true)]
async fn responses_are_approved_by_the_same_policy() {
    let items = [item("a", "files__erase", "{}"), item("b", "bank__pay", "{}")];
    let (script, lab) = (Script::new([response(1, &items), response(2, &[message("done")])]), Lab::default());
    let mut options = Options::default();
    options.approval = Policy::allow().rule(Rule::ask().server("bank"));
    let mut turn: Turn<Responses> = Turn::new(Request::new("m", [Item::user("go")]), tools(), options);
    let end = driver::run(&mut turn, &script, &lab, &driver::Options::default()).await.unwrap();
    assert!(matches!(end, End::Done(_)));
    assert_eq!(lab.calls(), ["erase {}"]);
    let outputs = serde_json::to_value(&turn.input()[3..5]).unwrap();
    assert_eq!(outputs[1]["output"], "error: denied by user: nobody can be asked");
}
