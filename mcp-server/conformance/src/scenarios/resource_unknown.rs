//! Reading what is not there.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "reading what is not there is refused with the code of the era and the URI (T-101)",
    exists: everywhere,
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let code = match stage.has(Features::RESOURCE_NOT_FOUND_IS_INVALID_PARAMS) {
        true => ErrorCode::INVALID_PARAMS,
        false => ErrorCode::RESOURCE_NOT_FOUND,
    };
    let client = stage.client().await?;
    for uri in ["fixture://nothing", "fixture://rows/cats/100", "fixture://Text", "fixture://text/"] {
        let error = refused_with(uri, client.read_resource(uri).await, code)?;
        let data = present("the data of the error", error.data)?;
        same("the data", data.decode::<Value>().unwrap_or_default(), json!({ "uri": uri }))?;
    }
    Ok(())
}
