//! Ids that are no ids.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "an id that is no string and no integer is an invalid request and not a notification (T-2)",
    exists: everywhere,
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let mut wire = stage.wire().await?;
    let params = wire.enveloped(json!({}));
    for id in ["null", "1.5", "true", "{}", "[]", "[1]", "1e400", "92233720368547758080"] {
        let text = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/list","params":{params}}}"#);
        let reply = wire.ask(text).await?;
        let is_refused = matches!(reply.code(), Some(ErrorCode::PARSE | ErrorCode::INVALID_REQUEST));
        holds(&format!("the id {id} is refused"), is_refused)?;
        same(&format!("the id that answers {id}"), reply.id(), Value::Null)?;
    }
    let reply = wire.call_tool("text", json!({})).await?;
    same("the text", reply.at("/content/0/text"), json!(fixture::TEXT))
}
