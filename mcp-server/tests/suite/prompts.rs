//! Prompts and the completion of their arguments (T-103 to T-106, P-100).

use mcp_server::types::{Completion, ContentBlock, PromptMessage, Role};
use mcp_server::{Args, Partial, Prompt, Server, State, Tool, implementation};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::kit::{Client, clients, legacy, modern};

#[derive(Deserialize, JsonSchema)]
struct Review {
    /// What to review.
    code: String,
    /// How many remarks.
    remarks: Option<u32>,
    language: Option<String>,
}

async fn review(Args(review): Args<Review>) -> Vec<PromptMessage> {
    vec![
        PromptMessage::new(Role::User, ContentBlock::text(review.code)),
        PromptMessage::new(Role::Assistant, ContentBlock::text(format!("{:?} {:?}", review.remarks, review.language))),
    ]
}

struct Languages(Vec<&'static str>);

async fn languages(typed: Partial, State(languages): State<Languages>) -> Vec<String> {
    match typed.known.get("code") {
        Some(code) => vec![format!("{} of {code}", typed.value)],
        None => typed.among(languages.0.iter().copied()),
    }
}

fn server() -> Server {
    Server::builder(implementation!())
        .state(Languages(vec!["rust", "ruby"]))
        .prompt(
            Prompt::new("review", review)
                .title("Review")
                .description("Reviews code")
                .complete("language", languages)
                .complete("remarks", async || (0..250).map(|n| n.to_string()).collect::<Vec<_>>()),
        )
        .prompt(Prompt::new("plain", async || "Say something."))
        .build()
        .unwrap()
}

#[tokio::test]
async fn t_103_arguments_come_from_the_type_and_arrive_as_texts() {
    for client in clients(&server()).await {
        let list = client.ok("prompts/list", json!({})).await;
        assert_eq!(
            list["prompts"][0]["arguments"],
            json!([
                {"name": "code", "description": "What to review.", "required": true},
                {"name": "language", "required": false},
                {"name": "remarks", "description": "How many remarks.", "required": false}
            ])
        );
        let filled = json!({"name": "review", "arguments": {"code": "x = 1", "remarks": "3"}});
        let result = client.ok("prompts/get", filled).await;
        assert_eq!(result["description"], "Reviews code");
        assert_eq!(
            result["messages"],
            json!([
                {"role": "user", "content": {"type": "text", "text": "x = 1"}},
                {"role": "assistant", "content": {"type": "text", "text": "Some(3) None"}}
            ])
        );
    }
}

#[tokio::test]
async fn t_104_an_unknown_prompt_or_a_wrong_argument_is_a_wrong_call() {
    for client in clients(&server()).await {
        for (params, part) in [
            (json!({"name": "reviw"}), "did you mean `review`?"),
            (json!({"name": "review"}), "needs the arguments `code`"),
            (json!({"name": "review", "arguments": {"code": 1}}), "`code` must be a string"),
            (
                json!({"name": "review", "arguments": {"code": "", "remarks": "x"}}),
                "`remarks`: expected a whole number",
            ),
            (json!({"name": "review", "arguments": []}), "`arguments` must be an object"),
            (json!({}), "`name` must be a string"),
        ] {
            let error = client.error("prompts/get", params).await;
            assert_eq!(error.code.0, -32602);
            assert!(error.message.contains(part), "{part:?} is not in {error}");
        }
        assert_eq!(client.ok("prompts/get", json!({"name": "plain"})).await["messages"][0]["role"], "user");
    }
}

async fn complete(client: &Client, argument: &str, value: &str) -> Value {
    let params = json!({
        "ref": {"type": "ref/prompt", "name": "review"},
        "argument": {"name": argument, "value": value}
    });
    client.ok("completion/complete", params).await["completion"].clone()
}

#[tokio::test]
async fn t_105_arguments_are_completed_with_what_is_known() {
    for client in clients(&server()).await {
        assert_eq!(complete(&client, "language", "ru").await["values"], json!(["rust", "ruby"]));
        assert_eq!(complete(&client, "code", "x").await["values"], json!([]));
    }
    let params = json!({
        "ref": {"type": "ref/prompt", "name": "review"},
        "argument": {"name": "language", "value": "ru"},
        "context": {"arguments": {"code": "c"}}
    });
    let result = modern(&server()).await.ok("completion/complete", params).await;
    assert_eq!(result["completion"]["values"], json!(["ru of c"]));
}

#[tokio::test]
async fn t_106_more_than_100_values_are_cut_and_counted() {
    let completion = complete(&legacy(&server()).await, "remarks", "").await;
    assert_eq!(completion["values"].as_array().unwrap().len(), 100);
    assert_eq!((&completion["total"], &completion["hasMore"]), (&json!(250), &json!(true)));
    let own = Server::builder(implementation!())
        .prompt(
            Prompt::new("p", async |_: Args<Review>| "x")
                .complete("code", async || Completion::new((0..101).map(|n| n.to_string()).collect::<Vec<_>>())),
        )
        .build()
        .unwrap();
    let params = json!({"ref": {"type": "ref/prompt", "name": "p"}, "argument": {"name": "code", "value": ""}});
    let result = modern(&own).await.ok("completion/complete", params).await;
    assert_eq!(result["completion"]["values"].as_array().unwrap().len(), 100);
    assert_eq!(result["completion"]["hasMore"], true);
}

#[tokio::test]
async fn p_100_what_does_not_exist_is_not_completed() {
    let client = modern(&server()).await;
    for (reference, argument) in [
        (json!({"type": "ref/prompt", "name": "other"}), "code"),
        (json!({"type": "ref/prompt", "name": "review"}), "other"),
        (json!({"type": "ref/resource", "uri": "a:{b}"}), "b"),
        (json!({"type": "ref/tool", "name": "x"}), "a"),
    ] {
        let params = json!({"ref": reference, "argument": {"name": argument, "value": ""}});
        assert_eq!(client.error("completion/complete", params).await.code.0, -32602, "{reference}");
    }
    let none = Server::builder(implementation!())
        .prompt(Prompt::new("p", async || "x"))
        .tool(Tool::new("t", async || ()))
        .build()
        .unwrap();
    let params = json!({"ref": {"type": "ref/prompt", "name": "p"}, "argument": {"name": "a", "value": ""}});
    assert_eq!(modern(&none).await.error("completion/complete", params).await.code.0, -32601);
}

#[test]
fn a_completion_of_an_argument_that_does_not_exist_is_refused_when_the_server_is_built() {
    let built =
        Server::builder(implementation!()).prompt(Prompt::new("p", async || "x").complete("a", async || ["b"])).build();
    assert!(built.err().unwrap().to_string().contains("prompt `p`: it completes `a`"));
}
