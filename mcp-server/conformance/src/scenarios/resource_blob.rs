//! Reading bytes.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "bytes are read in standard base64 with their media type (T-75, T-78, T-107)",
    exists: everywhere,
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    use base64::Engine as _;
    let read = stage.client().await?.read_resource("fixture://blob").await?;
    let [mcp_types::ResourceContents::Blob(contents)] = read.contents.as_slice() else {
        return Err(broken("there are some bytes"));
    };
    same("the media type", contents.mime_type.as_deref(), Some("application/x-odd"))?;
    let bytes = base64::engine::general_purpose::STANDARD.decode(&contents.blob).unwrap_or_default();
    same("the bytes", bytes.as_slice(), fixture::BLOB)
}
