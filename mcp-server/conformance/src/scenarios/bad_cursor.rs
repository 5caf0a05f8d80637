//! Cursors that the server did not make.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "a cursor that is not one of the list is refused as invalid params (P-80)",
    exists: everywhere,
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let client = stage.client_of(Fixture::Paged).await?;
    let first = present("a cursor", client.list_tools_page(None).await?.next_cursor)?;
    let longer = format!("{}0", first.as_str());
    for cursor in ["", "nonsense", "\u{1F980}", longer.as_str()] {
        let page = client.list_tools_page(Some(cursor.into())).await;
        refused_with(cursor, page, ErrorCode::INVALID_PARAMS)?;
    }
    let foreign = client.list_prompts_page(Some(first)).await;
    refused_with("a cursor of another list", foreign, ErrorCode::INVALID_PARAMS).map(drop)
}
