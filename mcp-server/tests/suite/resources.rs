//! Resources and templates (T-100 to T-107).

use mcp_server::types::{Features, ReadResourceResult, ResourceContents};
use mcp_server::{BoxError, Json, Partial, Resource, ResourceTemplate, RpcError, Server, Uri, Vars, implementation};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::kit::{Client, clients, modern};

#[derive(Deserialize)]
struct Row {
    table: String,
    id: u32,
}

async fn row(Vars(row): Vars<Row>, Uri(uri): Uri) -> Option<Json<Value>> {
    (row.id < 100).then(|| Json(json!({"table": row.table, "id": row.id, "uri": uri})))
}

fn server() -> Server {
    Server::builder(implementation!())
        .resource(Resource::text("test://text", "text", "hello").mime_type("text/markdown"))
        .resource(Resource::blob("test://blob", "blob", vec![0xfb, 0xff]))
        .resource(Resource::new("test://made", "made", async |Uri(uri): Uri| format!("this is {uri}")))
        .resource(Resource::new("test://many", "many", async || {
            vec![ResourceContents::text("test://many/1", "1"), ResourceContents::blob("test://many/2", "Mg==")]
        }))
        .resource(Resource::new("test://empty", "empty", async || ReadResourceResult::new([])))
        .resource(Resource::new("test://broken", "broken", async || -> Result<String, BoxError> {
            Err("disk full".into())
        }))
        .resource(Resource::new("test://locked", "locked", async || {
            Err::<String, _>(RpcError::invalid_params("log in first"))
        }))
        .template(
            ResourceTemplate::new("test://rows/{table}/{id}", "rows", row)
                .complete("table", async |typed: Partial| typed.among(["users", "units", "orders"])),
        )
        .build()
        .unwrap()
}

async fn read(client: &Client, uri: &str) -> Value {
    client.ok("resources/read", json!({ "uri": uri })).await["contents"].clone()
}

#[tokio::test]
async fn resources_are_read_as_text_or_bytes_with_their_type() {
    for client in clients(&server()).await {
        assert_eq!(
            read(&client, "test://text").await,
            json!([{"uri": "test://text", "text": "hello", "mimeType": "text/markdown"}])
        );
        assert_eq!(
            read(&client, "test://blob").await,
            json!([{"uri": "test://blob", "blob": "+/8=", "mimeType": "application/octet-stream"}])
        );
        assert_eq!(
            read(&client, "test://made").await,
            json!([{"uri": "test://made", "text": "this is test://made", "mimeType": "text/plain"}])
        );
        assert_eq!(read(&client, "test://many").await[1], json!({"uri": "test://many/2", "blob": "Mg=="}));
    }
}

#[tokio::test]
async fn t_100_lists_show_size_and_templates_are_listed_by_themselves() {
    let client = modern(&server()).await;
    let list = client.ok("resources/list", json!({})).await;
    let first = json!({"uri": "test://text", "name": "text", "mimeType": "text/markdown", "size": 5});
    assert_eq!(list["resources"][0], first);
    assert_eq!(list["resources"].as_array().unwrap().len(), 7);
    let templates = client.ok("resources/templates/list", json!({})).await;
    assert_eq!(templates["resourceTemplates"], json!([{"uriTemplate": "test://rows/{table}/{id}", "name": "rows"}]));
}

#[tokio::test]
async fn the_variables_of_a_template_become_the_type_of_the_handler() {
    for client in clients(&server()).await {
        let contents = read(&client, "test://rows/us%20ers/7").await;
        assert_eq!(contents[0]["mimeType"], "application/json");
        let value: Value = serde_json::from_str(contents[0]["text"].as_str().unwrap()).unwrap();
        assert_eq!(value, json!({"table": "us ers", "id": 7, "uri": "test://rows/us%20ers/7"}));
        let error = client.error("resources/read", json!({"uri": "test://rows/users/many"})).await;
        assert_eq!(error.code.0, -32602);
        assert!(error.message.contains("`id`: expected a whole number that is not negative, got \"many\""), "{error}");
    }
}

#[tokio::test]
async fn t_101_an_unknown_resource_has_the_code_of_the_revision_and_names_its_uri() {
    for client in clients(&server()).await {
        let modern = client.features().has(Features::RESOURCE_NOT_FOUND_IS_INVALID_PARAMS);
        let code = if modern { -32602 } else { -32002 };
        for uri in ["test://absent", "test://TEXT", "test://rows/users/100", "test://rows/a/b/c", "test://empty", ""] {
            let error = client.error("resources/read", json!({ "uri": uri })).await;
            assert_eq!(error.code.0, code, "{uri}");
            assert_eq!(error.data.unwrap().decode::<Value>().unwrap(), json!({ "uri": uri }));
        }
        assert_eq!(client.error("resources/read", json!({})).await.code.0, -32602);
    }
}

#[tokio::test]
async fn a_resource_that_fails_is_an_internal_error_and_a_refusal_stays_one() {
    let client = modern(&server()).await;
    let error = client.error("resources/read", json!({"uri": "test://broken"})).await;
    assert_eq!((error.code.0, &*error.message), (-32603, "cannot read `test://broken`: disk full"));
    let error = client.error("resources/read", json!({"uri": "test://locked"})).await;
    assert_eq!((error.code.0, &*error.message), (-32602, "log in first"));
}

#[tokio::test]
async fn t_105_variables_of_templates_are_completed() {
    let client = modern(&server()).await;
    let complete = |variable: &str, value: &str| {
        json!({
            "ref": {"type": "ref/resource", "uri": "test://rows/{table}/{id}"},
            "argument": {"name": variable, "value": value}
        })
    };
    let result = client.ok("completion/complete", complete("table", "U")).await;
    assert_eq!(result["completion"]["values"], json!(["users", "units"]));
    let result = client.ok("completion/complete", complete("id", "")).await;
    assert_eq!(result["completion"]["values"], json!([]));
    assert_eq!(client.error("completion/complete", complete("other", "")).await.code.0, -32602);
}

#[test]
fn what_is_no_uri_or_no_template_is_refused_when_the_server_is_built() {
    let built = Server::builder(implementation!())
        .resource(Resource::text("no scheme", "a", ""))
        .template(ResourceTemplate::new("t://{x*}", "b", async || ""))
        .template(ResourceTemplate::new("u://{x}", "c", async || "").complete("y", async || ["a"]))
        .build();
    let told = built.err().unwrap().to_string();
    for part in ["resource `no scheme`: it is not a URI", "`{x*}` is not understood", "completes `y`"] {
        assert!(told.contains(part), "{part:?} is not in:\n{told}");
    }
}
