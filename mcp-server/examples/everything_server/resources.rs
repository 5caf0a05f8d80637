//! Resources: a text, an image, one to subscribe to, and a template for as many as there are identifiers.

use mcp_server::{Json, Resource, ResourceTemplate, Vars};

use crate::content::PNG;

pub(crate) fn all() -> [Resource; 3] {
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

pub(crate) fn template() -> ResourceTemplate {
    ResourceTemplate::new("test://template/{id}/data", "template", from_template)
        .description("A resource for every identifier")
        .mime_type("application/json")
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
