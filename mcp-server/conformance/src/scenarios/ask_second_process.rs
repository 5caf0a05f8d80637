//! A round that goes on in another process than the one that asked.

use crate::prelude::*;
use crate::setting::Transport;
use crate::wire::{Reply, Wire, WireError};

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "a question that one process asked goes on in another with the sealing key, and with no other state or key (P-15, P-16)",
    exists: |setting| setting.transport == Transport::Stdio && setting.has(Features::INPUT_REQUIRED),
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let (mut first, mut second) = (stage.asking_process(KEY)?, stage.asking_process(KEY)?);

    let state = asked(&call(&mut first, "greet", json!({})).await?, "who")?;
    let retry = json!({ "inputResponses": { "who": ann() }, "requestState": state });
    let there = call(&mut second, "greet", retry.clone()).await?;
    same("what the second process says", there.at("/content/0/text"), json!("Hello, Ann!"))?;
    let here = call(&mut first, "greet", retry.clone()).await?;
    same("its whole result beside that of the first process", there.result(), here.result())?;

    // The first answer is nowhere but in the state now: the second process sealed it, the first one opens it.
    let state_of_two = asked(&call(&mut first, "two_rounds", json!({})).await?, "first")?;
    let round = json!({ "inputResponses": { "first": ann() }, "requestState": state_of_two });
    let state_of_two = asked(&call(&mut second, "two_rounds", round).await?, "second")?;
    let round = json!({ "inputResponses": { "second": ann() }, "requestState": state_of_two });
    let done = call(&mut first, "two_rounds", round).await?;
    same("the result after two rounds", done.at("/content/0/text"), json!("Ann Ann"))?;

    for forged in [changed_at(&state, 0), changed_at(&state, state.len() / 2), format!("{state}-TAMPERED")] {
        let round = json!({ "inputResponses": { "who": ann() }, "requestState": forged });
        let refusal = call(&mut second, "greet", round).await?;
        same("the refusal of a changed state", refusal.code(), Some(ErrorCode::INVALID_PARAMS))?;
    }
    let mut stranger = stage.asking_process(OTHER_KEY)?;
    let refusal = call(&mut stranger, "greet", retry.clone()).await?;
    same("the refusal by a process with another key", refusal.code(), Some(ErrorCode::INVALID_PARAMS))?;
    let again = call(&mut second, "greet", retry).await?;
    same("the true state after the forged ones", again.result(), here.result())
}

/// Calls a tool as a client that can be asked by a form, with what belongs to the round.
async fn call(wire: &mut Wire, tool: &str, round: Value) -> Result<Reply, WireError> {
    let mut params = round;
    params["name"] = json!(tool);
    params["_meta"] = json!({ "io.modelcontextprotocol/clientCapabilities": { "elicitation": { "form": {} } } });
    wire.request("tools/call", params).await
}

/// Takes the state out of a result that asks one thing.
fn asked(reply: &Reply, key: &str) -> Result<String, crate::failure::Failure> {
    same("the kind of the result", reply.at("/resultType"), json!("input_required"))?;
    same("what is asked", reply.at(&format!("/inputRequests/{key}/method")), json!("elicitation/create"))?;
    present("the state", reply.at("/requestState").as_str().map(str::to_owned))
}

fn ann() -> Value {
    json!({ "action": "accept", "content": { "name": "Ann" } })
}

/// Returns the state with another character at a place.
fn changed_at(state: &str, place: usize) -> String {
    let other = |found| if found == 'A' { 'B' } else { 'A' };
    state.chars().enumerate().map(|(at, found)| if at == place { other(found) } else { found }).collect()
}

/// The key of the two processes, which protects nothing.
const KEY: &str = "the key that both of the processes share";
/// The key of a third one.
const OTHER_KEY: &str = "the key that only the third process has!!";
