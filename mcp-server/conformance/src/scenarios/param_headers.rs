//! Arguments that are repeated in headers.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "the client repeats annotated arguments in headers, whatever is in them, and the server finds them right (H-30, H-33, H-34, H-36, H-37)",
    exists: everywhere,
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let client = stage.client().await?;
    let regions = ["eu", "", " padded ", "zürich 🦀", "a\r\nb: c", "tab\t", "=?base64?eA==?=", "\u{7f}"];
    for region in regions {
        let arguments = json!({ "region": region, "deep": { "size": -9007199254740991_i64 }, "plain": "x" });
        let text = client.call_tool("headed", arguments.clone()).await?.text();
        same("the arguments", serde_json::from_str::<Value>(&text).unwrap_or_default(), arguments)?;
    }
    for arguments in [json!({}), json!({ "plain": "x" }), json!({ "deep": { "size": 42 } })] {
        let text = client.call_tool("headed", arguments.clone()).await?.text();
        same("the arguments", serde_json::from_str::<Value>(&text).unwrap_or_default(), arguments)?;
    }
    Ok(())
}
