//! What a server says of keeping its results.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "every page and every reading says for how long and by whom it may be kept (P-70, T-153)",
    exists: |setting| setting.has(Features::CACHE_HINTS),
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let mut wire = stage.silent_wire(Fixture::Cached).await?;
    wire.shake_hands().await?;
    let requests = [
        ("server/discover", json!({})),
        ("tools/list", json!({})),
        ("prompts/list", json!({})),
        ("resources/list", json!({})),
        ("resources/templates/list", json!({})),
        ("resources/read", json!({ "uri": "fixture://text" })),
        ("resources/read", json!({ "uri": "fixture://rows/cats/7" })),
    ];
    for (method, params) in requests {
        let reply = wire.request(method, params).await?;
        same(
            &format!("ttlMs of {method}"),
            reply.at("/ttlMs").as_u64().map(u128::from),
            Some(fixture::TTL.as_millis()),
        )?;
        same(&format!("cacheScope of {method}"), reply.at("/cacheScope"), json!("public"))?;
    }
    Ok(())
}
