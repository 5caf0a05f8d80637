//! A prompt, with an argument that completes.

use mcp_server::{Args, Partial};
use schemars::JsonSchema;
use serde::Deserialize;

// What `summarize` takes.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Summarize {
    /// The text to summarize
    text: String,
    /// How the summary is written: `sentence`, `paragraph`, `bullets` or `headline`
    style: Option<String>,
}

/// Asks for a summary.
pub(super) async fn summarize(Args(Summarize { text, style }): Args<Summarize>) -> Result<String, String> {
    let wanted = style.as_deref().unwrap_or("paragraph");
    let (_, how) = STYLES
        .into_iter()
        .find(|(name, _)| *name == wanted)
        .ok_or_else(|| format!("there is no style `{wanted}`; take {}", STYLES.map(|(name, _)| name).join(", ")))?;
    Ok(format!("Summarize the following text {how}. Keep names and numbers exact, and add nothing.\n\n{text}"))
}

/// Completes the style.
pub(super) async fn complete_style(typed: Partial) -> Vec<String> {
    typed.among(STYLES.map(|(name, _)| name))
}

const STYLES: [(&str, &str); 4] = [
    ("bullets", "as a short list of bullet points"),
    ("headline", "as a headline of at most ten words"),
    ("paragraph", "in one paragraph"),
    ("sentence", "in one sentence"),
];
