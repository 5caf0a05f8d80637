//! A tool that gives a picture.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "a tool gives a picture, its bytes in standard base64 (T-75)",
    exists: everywhere,
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    use base64::Engine as _;
    let result = stage.client().await?.call_tool("image", ()).await?;
    let Some(mcp_types::ContentBlock::Image(image)) = result.content.first() else {
        return Err(broken("the block is a picture"));
    };
    same("the media type", image.mime_type.as_str(), "image/png")?;
    let bytes = base64::engine::general_purpose::STANDARD.decode(&image.data).unwrap_or_default();
    same("the bytes", bytes.as_slice(), fixture::PICTURE)
}
