//! Calls that somebody must approve.

use super::super::approval::{Approval, Policy, Rule, Verdict};
use super::*;

fn lab() -> Arc<ToolSet> {
    let tool = |name: &str, read_only: Option<bool>| {
        let tool = json!({"name": name, "inputSchema": {"type": "object"}, "annotations": {"readOnlyHint": read_only}});
        serde_json::from_value::<Tool>(tool).unwrap()
    };
    let files = [tool("look", Some(true)), tool("erase", Some(false)), tool("plain", None)];
    Arc::new(ToolSet::builder().server("files", &files).server("bank", &[tool("pay", None)]).build())
}

fn asking(policy: Policy) -> Turn {
    let options = Options { approval: policy, ..Options::default() };
    Turn::new(Request::new("m", [Message::user("go")]), lab(), options)
}

#[test]
fn a_policy_decides_by_server_tool_and_hint() {
    let check = |policy: &Policy, server: &str, tool: &str, expected: Verdict| {
        let tools = lab();
        let tool = tools.iter().find(|found| found.server() == server && found.tool() == tool).unwrap();
        assert_eq!(policy.verdict(tool), expected, "{server}/{}", tool.tool());
    };
    check(&Policy::default(), "bank", "pay", Verdict::Allow);
    let careful = Policy::ask().rule(Rule::deny("closed").server("bank")).rule(Rule::allow().read_only());
    check(&careful, "files", "look", Verdict::Allow);
    check(&careful, "files", "erase", Verdict::Ask);
    check(&careful, "files", "plain", Verdict::Ask);
    check(&careful, "bank", "pay", Verdict::Deny("closed".to_owned()));
    let named = Policy::allow().rule(Rule::ask().server("files").tools(["erase", "pay"]));
    check(&named, "files", "erase", Verdict::Ask);
    check(&named, "files", "look", Verdict::Allow);
    check(&named, "bank", "pay", Verdict::Allow);
    let writing = Policy::deny("no").rule(Rule::ask().writing());
    check(&writing, "files", "look", Verdict::Deny("no".to_owned()));
    check(&writing, "files", "plain", Verdict::Ask);
    let first_wins = Policy::allow().rule(Rule::ask()).rule(Rule::allow().server("files"));
    check(&first_wins, "files", "look", Verdict::Ask);
}

#[test]
fn what_needs_no_approval_is_made_before_anybody_is_asked() {
    let mut turn = asking(Policy::ask().rule(Rule::allow().read_only()));
    let reply = calls(&[("a", "files__erase", "{}"), ("b", "files__look", "{}"), ("c", "files__erase", "{\"x\":")]);
    let free = ready(turn.handle_model(reply).unwrap());
    assert_eq!(free.iter().map(|call| call.id.as_str()).collect::<Vec<_>>(), ["b"]);
    let Step::Approve(asked) = turn.handle_results([result(&free[0], "seen")]).unwrap() else { panic!() };
    assert_eq!(
        asked.iter().map(|call| call.id.as_str()).collect::<Vec<_>>(),
        ["a"],
        "nobody is asked about a broken call"
    );
    let made = ready(turn.handle_approvals([(asked[0].index, Approval::Allowed)]).unwrap());
    assert_eq!(made[0].id, "a");
    assert!(matches!(turn.handle_results([result(&made[0], "gone")]).unwrap(), Step::Ask));
    let answers = answers(&turn);
    let texts: Vec<&str> = answers.as_array().unwrap()[..2].iter().filter_map(|m| m["content"].as_str()).collect();
    assert_eq!(texts, ["gone", "seen"]);
}

#[test]
fn a_call_that_is_denied_is_answered_and_the_others_go_on() {
    let mut turn = asking(Policy::ask());
    let reply = calls(&[("a", "files__erase", "{}"), ("b", "bank__pay", "{}")]);
    let Step::Approve(asked) = turn.handle_model(reply).unwrap() else { panic!() };
    let step = turn.handle_approvals([(asked[0].index, Approval::denied("too dangerous"))]).unwrap();
    let Step::Approve(left) = step else { panic!() };
    assert_eq!(left[0].id, "b");
    let Step::Approve(left) = turn.handle_approvals([(left[0].index, Approval::Later)]).unwrap() else { panic!() };
    let made = ready(turn.handle_approvals([(left[0].index, Approval::Allowed)]).unwrap());
    let _ = turn.handle_results([result(&made[0], "paid")]).unwrap();
    assert_eq!(
        answers(&turn),
        json!([
            {"role":"tool","tool_call_id":"a","content":"error: denied by user: too dangerous"},
            {"role":"tool","tool_call_id":"b","content":"paid"}
        ])
    );
}

#[test]
fn a_call_that_is_forbidden_is_answered_at_once() {
    let mut turn = asking(Policy::deny("the rules say so"));
    assert!(matches!(turn.handle_model(calls(&[("a", "bank__pay", "{}")])).unwrap(), Step::Ask));
    assert_eq!(turn.rejected()[0].why, Refusal::Forbidden { reason: "the rules say so".to_owned() });
    assert_eq!(answers(&turn)[0]["content"], "error: denied by policy, and nothing was run: the rules say so");
}

#[test]
fn an_approval_that_nobody_waits_for_is_an_error() {
    let mut turn = asking(Policy::allow());
    let calls = ready(turn.handle_model(calls(&[("a", "bank__pay", "{}")])).unwrap());
    let error = turn.handle_approvals([(calls[0].index, Approval::Allowed)]);
    assert!(matches!(error, Err(Error::Misuse(Misuse::NoApprovalExpected))));
    assert!(matches!(turn.step(), Step::Call(_)));
}

#[test]
fn a_call_has_no_result_before_it_is_approved_and_cancelling_answers_it() {
    let mut turn = asking(Policy::ask());
    let Step::Approve(asked) = turn.handle_model(calls(&[("a", "bank__pay", "{}")])).unwrap() else { panic!() };
    assert!(matches!(turn.handle_results([result(&asked[0], "paid")]), Err(Error::Misuse(Misuse::NoResultExpected))));
    assert!(matches!(turn.handle_cancel(), Step::Ask));
    assert_eq!(answers(&turn)[0]["content"], "error: cancelled: the call was cancelled before it had a result");
}
