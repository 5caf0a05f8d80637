//! Texts that are hard to carry.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "every character survives the way there and back (T-1, T-13, S-1)",
    exists: everywhere,
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let client = stage.client().await?;
    let texts = [
        "line\nfeed\r\nand \u{2028}\u{2029}\u{85}\u{b}\u{c}",
        "🦀👩‍👩‍👧 e\u{301} \u{202e}txet",
        "\u{0}\u{1}\u{1f}\u{7f}\u{80}\u{feff}\u{ffff}\u{10ffff}",
        r#"quotes " and \ and \u0041 and </script>"#,
        "data: event\n\ndata: x\n\n: comment",
        "",
    ];
    for text in texts {
        let result = client.call_tool("echo", json!({ text: [text] })).await?;
        let echoed: Value = serde_json::from_str(&result.text()).unwrap_or_default();
        same("the text", echoed, json!({ text: [text] }))?;
    }
    Ok(())
}
