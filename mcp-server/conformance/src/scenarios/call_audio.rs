//! A tool that gives a recording.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "a tool gives a recording, its bytes in standard base64 (T-75)",
    exists: |setting| setting.has(Features::AUDIO),
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    use base64::Engine as _;
    let result = stage.client().await?.call_tool("audio", ()).await?;
    let Some(mcp_types::ContentBlock::Audio(audio)) = result.content.first() else {
        return Err(broken("the block is a recording"));
    };
    same("the media type", audio.mime_type.as_str(), "audio/wav")?;
    let bytes = base64::engine::general_purpose::STANDARD.decode(&audio.data).unwrap_or_default();
    same("the bytes", bytes.as_slice(), fixture::RECORDING)
}
