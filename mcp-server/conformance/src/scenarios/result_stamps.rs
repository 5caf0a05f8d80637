//! What stands on every result.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "results carry the stamps of the modern era, and none of them in the legacy one (T-27, T-40, T-43, T-153)",
    exists: everywhere,
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let mut wire = stage.wire().await?;
    let reference = json!({ "type": "ref/prompt", "name": "review" });
    let mut requests = vec![
        ("tools/list", json!({}), true),
        ("prompts/list", json!({}), true),
        ("resources/list", json!({}), true),
        ("resources/templates/list", json!({}), true),
        ("resources/read", json!({ "uri": "fixture://text" }), true),
        ("tools/call", json!({ "name": "text" }), false),
        ("tools/call", json!({ "name": "error" }), false),
        ("prompts/get", json!({ "name": "plain" }), false),
        ("completion/complete", json!({ "ref": reference, "argument": { "name": "code", "value": "" } }), false),
    ];
    if stage.has_method("server/discover") {
        requests.push(("server/discover", json!({}), true));
    }
    for (method, params, is_cacheable) in requests {
        let reply = wire.request(method, params).await?;
        let result = present(method, reply.result())?;
        let kind = stage.has(Features::RESULT_TYPE).then(|| json!("complete"));
        same(&format!("the type of {method}"), result.get("resultType"), kind.as_ref())?;
        let server = result.pointer("/_meta/io.modelcontextprotocol~1serverInfo/name");
        let named = stage.has(Features::RESULT_META).then(|| json!(fixture::NAME));
        same(&format!("the server of {method}"), server, named.as_ref())?;
        let hints = stage.has(Features::CACHE_HINTS) && is_cacheable;
        same(&format!("whether {method} has ttlMs"), result.get("ttlMs").is_some_and(Value::is_u64), hints)?;
        let scope = result.get("cacheScope").and_then(Value::as_str);
        same(
            &format!("whether {method} has cacheScope"),
            scope.is_some_and(|scope| matches!(scope, "public" | "private")),
            hints,
        )?;
        same(
            &format!("the hints of {method}"),
            result.get("ttlMs").is_some() || result.get("cacheScope").is_some(),
            hints,
        )?;
    }
    Ok(())
}
