//! A client that does what the official conformance suite asks of a client.
//!
//! The suite gives the URL of a server as the last argument, and in the environment the scenario, the revision that the
//! server speaks and what the scenario needs to know. `cargo xtask conformance --official` runs it. A client proves
//! nothing by connecting, so every scenario does at least one thing that the server can see; one that is not known here
//! is an error.

use std::env;
use std::error::Error;
use std::time::Duration;

use mcp_client::types::{
    BooleanSchema, ClientCapabilities, CreateMessageRequestParams, CreateMessageResult, ElicitRequestParams,
    ElicitResult, ElicitationCapability, Era, JsonObject, ListRootsResult, PrimitiveSchemaDefinition, ProtocolVersion,
    RawJson, RequestedSchema, Revision, Role, Root, RootsCapability, SamplingCapability,
};
use mcp_client::{Client, ClientHandler, EraMode, HookFuture, Origin, implementation};

type Outcome = Result<(), Box<dyn Error>>;

#[tokio::main]
async fn main() -> Outcome {
    let url = env::args().next_back().filter(|_| env::args().len() > 1).ok_or("give the URL of a server")?;
    let scenario = env::var("MCP_CONFORMANCE_SCENARIO")?;
    let revision = ProtocolVersion::from(env::var("MCP_CONFORMANCE_PROTOCOL_VERSION")?.as_str());
    let revision = revision.known().ok_or_else(|| format!("the revision {revision} is not known"))?;
    // The suite ends the shell around a client that hangs, not the client.
    tokio::time::timeout(PATIENCE, run(&scenario, &url, revision)).await?
}

async fn run(scenario: &str, url: &str, revision: Revision) -> Outcome {
    let client = connect(url, revision).await?;
    match scenario {
        // This server offers nothing, so the handshake is all there is.
        "initialize" => {}
        "json-schema-ref-no-deref" => drop(client.list_tools().await?),
        "request-metadata" => ask_unprobed(url, revision).await?,
        "tools_call" => add_numbers(&client).await?,
        "elicitation-sep1034-client-defaults" => call(&client, "test_client_elicitation_defaults").await?,
        "sep-2322-client-request-state" => be_asked(&client).await?,
        "sse-retry" => reconnect(&client).await?,
        "http-standard-headers" => one_of_everything(&client).await?,
        "http-custom-headers" => given_calls(&client).await?,
        "http-invalid-tool-headers" => every_tool(&client).await?,
        "json-schema-2020-12-preservation" => echo_schema(&client).await?,
        unknown => return Err(format!("this client does not know the scenario `{unknown}`").into()),
    }
    client.close().await;
    Ok(())
}

/// Connects in the revision that the server speaks: each server of the suite speaks one and does not negotiate.
async fn connect(url: &str, revision: Revision) -> Result<Client, mcp_client::Error> {
    let era = match revision.era() {
        Era::Legacy => EraMode::Legacy,
        Era::Modern => EraMode::Modern,
    };
    Client::builder(implementation!()).era(era).revisions([revision]).handler(Agreeable).connect(url).await
}

/// Agrees to everything. In a form, what has a default gets it, and what can be ticked is ticked.
struct Agreeable;

impl ClientHandler for Agreeable {
    fn capabilities(&self) -> ClientCapabilities {
        let elicitation = ElicitationCapability::new().form(JsonObject::new());
        ClientCapabilities::new()
            .elicitation(elicitation)
            .sampling(SamplingCapability::new())
            .roots(RootsCapability::new().list_changed(true))
    }

    fn sample(&self, _question: CreateMessageRequestParams, _origin: Origin) -> HookFuture<'_, CreateMessageResult> {
        Box::pin(async { Ok(CreateMessageResult::new(Role::Assistant, "Yes.", "everything")) })
    }

    fn roots(&self, _origin: Origin) -> HookFuture<'_, ListRootsResult> {
        Box::pin(async { Ok(ListRootsResult::new([Root::new("file:///everything")])) })
    }

    fn elicit(&self, question: ElicitRequestParams, _origin: Origin) -> HookFuture<'_, ElicitResult> {
        let schema: Option<RequestedSchema> = match &question {
            ElicitRequestParams::Form(form) => form.requested_schema.decode().ok(),
            _ => None,
        };
        let is_box = |property: &PrimitiveSchemaDefinition| {
            matches!(property, PrimitiveSchemaDefinition::Boolean(BooleanSchema { default: None, .. }))
        };
        let mut content = JsonObject::new();
        for (name, _) in schema.iter().flat_map(RequestedSchema::definitions).filter(|(_, property)| is_box(property)) {
            content.insert(name, RawJson::from(serde_json::json!(true)));
        }
        Box::pin(async { Ok(ElicitResult::new("accept").content(content)) })
    }
}

async fn call(client: &Client, tool: &str) -> Outcome {
    client.list_tools().await?;
    client.call_tool(tool, ()).await?.into_ok()?;
    Ok(())
}

/// Calls tools that ask back, and one beside them that does not.
async fn be_asked(client: &Client) -> Outcome {
    client.list_tools().await?;
    let beside = client.call_tool("test_mrtr_unrelated", ());
    let (asked, beside) = tokio::join!(client.call_tool("test_mrtr_echo_state", ()), beside);
    asked?.into_ok()?;
    beside?.into_ok()?;
    for tool in ["test_mrtr_no_state", "test_mrtr_unrelated", "test_mrtr_no_result_type"] {
        client.call_tool(tool, ()).await?.into_ok()?;
    }
    Ok(())
}

/// Lists the tools of a server that says it has none, which only a client does that has not asked.
async fn ask_unprobed(url: &str, revision: Revision) -> Outcome {
    let builder = Client::builder(implementation!()).known_revision(revision).handler(Agreeable);
    let client = builder.connect(url).await?;
    client.list_tools().await?;
    client.close().await;
    Ok(())
}

async fn add_numbers(client: &Client) -> Outcome {
    client.list_tools().await?;
    client.call_tool("add_numbers", serde_json::json!({ "a": 5, "b": 3 })).await?.into_ok()?;
    Ok(())
}

/// The server closes the stream of this call before the result; the client must come back for it.
async fn reconnect(client: &Client) -> Outcome {
    client.list_tools().await?;
    // The server of the suite gives the result to the next stream that is opened, whichever it is, so the stream of the
    // session must be open before the call.
    tokio::time::sleep(Duration::from_millis(500)).await;
    client.call_tool("test_reconnection", ()).await?.into_ok()?;
    Ok(())
}

/// Lists and takes one of every kind.
async fn one_of_everything(client: &Client) -> Outcome {
    if let Some(tool) = client.list_tools().await?.first() {
        client.call_tool(&tool.name, ()).await?;
    }
    if let Some(resource) = client.list_resources().await?.first() {
        client.read_resource(&resource.uri).await?;
    }
    if let Some(prompt) = client.list_prompts().await?.first() {
        client.get_prompt(&prompt.name, [("", ""); 0]).await?;
    }
    Ok(())
}

/// Makes the calls that the scenario names, after the list that says which arguments are repeated in headers.
async fn given_calls(client: &Client) -> Outcome {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Context {
        tool_calls: Vec<Call>,
    }
    #[derive(serde::Deserialize)]
    struct Call {
        name: String,
        arguments: serde_json::Value,
    }
    let context: Context = serde_json::from_str(&env::var("MCP_CONFORMANCE_CONTEXT")?)?;
    client.list_tools().await?;
    for Call { name, arguments } in context.tool_calls {
        client.call_tool(name, arguments).await?;
    }
    Ok(())
}

/// Calls every tool that is left in the list; those whose headers cannot be sent must not be (H-32).
async fn every_tool(client: &Client) -> Outcome {
    for tool in client.list_tools().await? {
        client.call_tool(&tool.name, serde_json::json!({ "region": "us-west1" })).await?;
    }
    Ok(())
}

/// Sends the schema of a tool back as it came.
async fn echo_schema(client: &Client) -> Outcome {
    const TOOL: &str = "json_schema_2020_12_tool";
    let tools = client.list_tools().await?;
    let tool = tools.into_iter().find(|tool| tool.name == TOOL).ok_or_else(|| format!("there is no tool `{TOOL}`"))?;
    let mut arguments = JsonObject::new();
    arguments.insert("schema", tool.input_schema);
    client.call_tool("json_schema_echo", RawJson::encode(&arguments)?).await?.into_ok()?;
    Ok(())
}

/// How long a scenario may take; the suite waits for 30 seconds.
const PATIENCE: Duration = Duration::from_secs(25);
