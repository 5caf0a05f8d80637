//! Changes, as a program hears of them.

use std::time::Duration;

use mcp_client::Change;
use mcp_client::types::SubscriptionFilter;

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "one `listen` hears of changed lists and resources in every revision, and its end is heard by the server (P-30, P-35, P-41, P-42)",
    exists: everywhere,
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let client = stage.client().await?;
    let wanted =
        SubscriptionFilter::new().tools_list_changed(true).resource_subscriptions(vec!["fixture://text".to_owned()]);
    let mut changes = client.listen(wanted.clone()).await?;
    same("what is promised", changes.acknowledged(), wanted)?;
    client.call_tool("touch", json!({})).await?;
    let mut heard = Vec::new();
    while heard.len() < 2 {
        let next = tokio::time::timeout(Duration::from_secs(5), changes.next()).await;
        let next = next.map_err(|_| broken("a change is heard within five seconds"))?;
        heard.push(present("the next change", next)??);
    }
    heard.sort_by_key(|change| *change != Change::Tools);
    same("what was heard", heard, vec![Change::Tools, Change::Resource("fixture://text".to_owned())])?;
    drop(changes);
    same("a text afterwards", client.call_tool("text", ()).await?.text().as_str(), fixture::TEXT)
}
