//! Numbers as they are written.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "numbers reach the handler with the digits that they were sent with (T-14, T-10)",
    exists: everywhere,
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    const NUMBERS: &str =
        r#"{"a":1.0,"b":1e3,"c":12345678901234567890123,"d":-0.0,"e":0.1000,"f":9007199254740993,"g":1E-7}"#;
    let client = stage.client().await?;
    let arguments = RawJson::parse(NUMBERS).map_err(|error| broken(error.to_string()))?;
    same("the arguments", client.call_tool("echo", arguments).await?.text().as_str(), NUMBERS)
}
