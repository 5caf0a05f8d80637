//! A server with one of everything: what the official conformance suite asks of a server.
//!
//! It listens on `127.0.0.1` at the port that the environment names in `PORT`, path `/mcp`, in every revision. Names and
//! contents are those that the suite looks for; `cargo xtask conformance --official` runs it. The order of the tools
//! matters: the suite calls the first one without arguments.
//!
//! Try it: `PORT=4000 cargo run --example everything_server`.

use std::time::Duration;

use mcp_server::types::{ClientCapabilities, RawJson};
use mcp_server::types::{
    ElicitRequestFormParams, ElicitRequestParams, InputRequests, InputRequiredResult,
    MissingRequiredClientCapabilityError, PromptMessage, RequestedSchema, ResourceContents, Role, SamplingCapability,
    StringSchema,
};
use mcp_server::{
    Args, Audio, BoxError, CacheScope, Changes, ContentBlock, Cx, Http, Image, Json, LoggingLevel, Partial, Prompt,
    Resource, ResourceTemplate, RpcError, Server, State, Tool, ToolError, Vars, implementation,
};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let port: u16 = std::env::var("PORT").map_err(|error| format!("PORT: {error}; name a port in it"))?.parse()?;
    let http = Http::bind(format!("127.0.0.1:{port}")).await?;
    eprintln!("serving at http://{}/mcp", http.local_addr());
    Ok(server()?.serve(http).await?)
}

fn server() -> Result<Server, mcp_server::Error> {
    let changes = Changes::new();
    let builder = Server::builder(implementation!())
        .instructions("Has one of everything, for the conformance suite.")
        .logging()
        .changes(changes.clone())
        .state(changes)
        .cache(Duration::from_secs(60), CacheScope::Public);
    let builder = content_tools().into_iter().chain(protocol_tools()).fold(builder, |builder, tool| builder.tool(tool));
    let builder = resources().into_iter().fold(builder, |builder, resource| builder.resource(resource));
    let builder = builder.template(
        ResourceTemplate::new("test://template/{id}/data", "template", from_template)
            .description("A resource for every identifier")
            .mime_type("application/json"),
    );
    prompts().into_iter().fold(builder, |builder, prompt| builder.prompt(prompt)).build()
}

/// Tools that show what a result may hold.
fn content_tools() -> Vec<Tool> {
    vec![
        Tool::new("test_simple_text", async || "This is a simple text response for testing.")
            .description("Returns a text"),
        Tool::new("test_image_content", async || Image::png(PNG)).description("Returns an image"),
        Tool::new("test_audio_content", async || Audio::wav(WAV)).description("Returns a sound"),
        Tool::new("test_embedded_resource", async || embedded("test://embedded-resource", EMBEDDED))
            .description("Returns a resource inside of the result"),
        Tool::new("test_multiple_content_types", multiple_content_types)
            .description("Returns a text, an image and a resource"),
        Tool::new("test_error_handling", async || {
            Err::<(), _>(ToolError::new("This tool intentionally returns an error for testing"))
        })
        .description("Fails"),
        Tool::raw("json_schema_2020_12_tool", json_schema(), async |_, _| "The schema is what this tool is about.")
            .description("Has a schema with the keywords of JSON Schema 2020-12"),
        Tool::new("greet", greet).description("Greets somebody"),
    ]
}

/// Tools that show what happens around a call.
fn protocol_tools() -> Vec<Tool> {
    vec![
        Tool::new("test_tool_with_progress", progress).description("Reports its progress"),
        Tool::new("test_tool_with_logging", logging).description("Sends log messages"),
        Tool::new("test_logging_tool", logging).description("Sends log messages to those who asked for them"),
        Tool::new("test_custom_header", async |Args(Custom { value }): Args<Custom>| value)
            .description("Returns an argument that is repeated in a header"),
        Tool::new("test_missing_capability", missing_capability).description("Needs a client that can sample"),
        Tool::new("test_streaming_elicitation", ask_for_a_name).description("Asks the user for a name"),
        Tool::new("test_trigger_tool_change", async |changes: State<Changes>| {
            changes.tools();
            "The list of tools changed."
        })
        .description("Says that the list of tools changed"),
        Tool::new("test_trigger_prompt_change", async |changes: State<Changes>| {
            changes.prompts();
            "The list of prompts changed."
        })
        .description("Says that the list of prompts changed"),
    ]
}

fn resources() -> [Resource; 3] {
    [
        Resource::text("test://static-text", "static text", "This is the content of the static text resource.")
            .description("A text that never changes")
            .mime_type("text/plain"),
        Resource::blob("test://static-binary", "static binary", PNG)
            .description("An image that never changes")
            .mime_type("image/png"),
        Resource::text("test://watched-resource", "watched resource", "This is the content of the watched resource.")
            .description("A text to subscribe to")
            .mime_type("text/plain"),
    ]
}

fn prompts() -> [Prompt; 4] {
    [
        Prompt::new("test_simple_prompt", async || "This is a simple prompt for testing.")
            .description("Has no arguments"),
        Prompt::new("test_prompt_with_arguments", prompt_with_arguments)
            .description("Has two arguments")
            .complete("arg1", async |typed: Partial| typed.among(["test", "testing", "text"])),
        Prompt::new("test_prompt_with_embedded_resource", prompt_with_resource).description("Holds a resource"),
        Prompt::new("test_prompt_with_image", async || {
            [user(Image::png(PNG)), user(ContentBlock::text("Please analyze the image above."))]
        })
        .description("Holds an image"),
    ]
}

fn embedded(uri: &str, text: &str) -> ResourceContents {
    with_type(ResourceContents::text(uri, text), "text/plain")
}

fn with_type(mut contents: ResourceContents, mime_type: &str) -> ResourceContents {
    if let ResourceContents::Text(text) = &mut contents {
        text.mime_type = Some(mime_type.to_owned());
    }
    contents
}

async fn multiple_content_types() -> Vec<ContentBlock> {
    let mixed = ResourceContents::text("test://mixed-content-resource", r#"{"test":"data","value":123}"#);
    vec![
        ContentBlock::text("Multiple content types test:"),
        Image::png(PNG).into(),
        ContentBlock::resource(with_type(mixed, "application/json")),
    ]
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Greet {
    /// Whom to greet.
    name: String,
}

async fn greet(Args(Greet { name }): Args<Greet>) -> String {
    format!("Hello, {name}!")
}

async fn progress(cx: Cx) -> &'static str {
    for step in [0.0, 50.0, 100.0] {
        cx.progress(step, 100.0, None).await;
        tokio::time::sleep(PAUSE).await;
    }
    "Done, in three steps."
}

async fn logging(cx: Cx) -> &'static str {
    for message in ["Tool execution started", "Tool processing data", "Tool execution completed"] {
        cx.log(LoggingLevel::Info, message).await;
        tokio::time::sleep(PAUSE).await;
    }
    "Logged three messages."
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Custom {
    /// What to return; over HTTP the header `Mcp-Param-Value` repeats it (H-31).
    #[schemars(extend("x-mcp-header" = "Value"))]
    value: String,
}

async fn missing_capability(cx: Cx) -> Result<&'static str, RpcError> {
    if cx.capabilities().sampling.is_some() {
        return Ok("The client can sample.");
    }
    let needed = ClientCapabilities::new().sampling(SamplingCapability::new());
    Err(MissingRequiredClientCapabilityError::new(needed).into())
}

async fn ask_for_a_name() -> InputRequiredResult {
    let form = RequestedSchema::new().required_property("name", StringSchema::new());
    let form = ElicitRequestParams::from(ElicitRequestFormParams::new("What is your name?", form));
    InputRequiredResult::new().input_requests(InputRequests::from_iter([("user_name", form)]))
}

#[derive(serde::Deserialize)]
struct Id {
    id: String,
}

#[derive(serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Templated {
    id: String,
    template_test: bool,
    data: String,
}

async fn from_template(Vars(Id { id }): Vars<Id>) -> Json<Templated> {
    let data = format!("Data for ID: {id}");
    Json(Templated { id, template_test: true, data })
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Two {
    /// The first argument.
    arg1: String,
    /// The second argument.
    arg2: String,
}

async fn prompt_with_arguments(Args(Two { arg1, arg2 }): Args<Two>) -> String {
    format!("Prompt with arguments: arg1='{arg1}', arg2='{arg2}'")
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
struct OfResource {
    /// The URI that the resource shall have.
    resource_uri: String,
}

async fn prompt_with_resource(Args(OfResource { resource_uri }): Args<OfResource>) -> [PromptMessage; 2] {
    let resource = embedded(&resource_uri, "Embedded resource content for testing.");
    let text = "Please process the embedded resource above.";
    [user(ContentBlock::resource(resource)), user(ContentBlock::text(text))]
}

fn user(content: impl Into<ContentBlock>) -> PromptMessage {
    PromptMessage::new(Role::User, content)
}

/// The schema that must arrive as it is: its keywords are not those that a derived schema has.
fn json_schema() -> RawJson {
    serde_json::json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "$defs": {
            "address": {
                "$anchor": "addressDef",
                "type": "object",
                "properties": { "street": { "type": "string" }, "city": { "type": "string" } }
            }
        },
        "properties": {
            "name": { "type": "string" },
            "address": { "$ref": "#/$defs/address" },
            "contactMethod": { "type": "string", "enum": ["phone", "email"] },
            "phone": { "type": "string" },
            "email": { "type": "string" }
        },
        "allOf": [{ "anyOf": [{ "required": ["phone"] }, { "required": ["email"] }] }],
        "if": { "properties": { "contactMethod": { "const": "phone" } }, "required": ["contactMethod"] },
        "then": { "required": ["phone"] },
        "else": { "required": ["email"] },
        "additionalProperties": false
    })
    .into()
}

/// How far apart the notifications of one call are.
const PAUSE: Duration = Duration::from_millis(50);

const EMBEDDED: &str = "This is an embedded resource content.";

/// One red pixel.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x02\0\0\0\x90wS\xde\0\0\0\x0cIDATx\xdac\xf8\xcf\xc0\0\0\x03\x01\x01\0\xf7\x03AC\0\0\0\0IEND\xaeB`\x82";

/// Two silent samples.
const WAV: &[u8] = b"RIFF(\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0@\x1f\0\0\x80>\0\0\x02\0\x10\0data\x04\0\0\0\0\0\0\0";
