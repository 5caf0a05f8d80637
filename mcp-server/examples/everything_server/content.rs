//! Tools that show what a result may hold: texts, images, sounds, resources, several of them, an error.
//!
//! The surprising thing: what a handler returns decides. A plain text is enough; nothing has to be wrapped.

use mcp_server::types::{RawJson, ResourceContents};
use mcp_server::{Args, Audio, ContentBlock, Image, Tool, ToolError};

pub(crate) fn tools() -> Vec<Tool> {
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

/// Makes a text with an address of its own.
pub(crate) fn embedded(uri: &str, text: &str) -> ResourceContents {
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

const EMBEDDED: &str = "This is an embedded resource content.";

/// One red pixel.
pub(crate) const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x02\0\0\0\x90wS\xde\0\0\0\x0cIDATx\xdac\xf8\xcf\xc0\0\0\x03\x01\x01\0\xf7\x03AC\0\0\0\0IEND\xaeB`\x82";

/// Two silent samples.
const WAV: &[u8] = b"RIFF(\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0@\x1f\0\0\x80>\0\0\x02\0\x10\0data\x04\0\0\0\0\0\0\0";
