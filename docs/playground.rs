// What the samples of the chapters about LiteLLM run against: an MCP server and a model behind an OpenAI-compatible API,
// each on a port of its own that the system chooses. The samples include this file; nobody else does.

mod playground {
    #![allow(dead_code, reason = "each sample uses its own part of it")]

    use std::error::Error;

    use futures::FutureExt;
    use futures::future::{BoxFuture, ready};
    use mcp_server::{Args, Cx, Guard, Http, Prompt, Resource, ResourceTemplate, RouteBody, Routes, Server, Tool, Vars};
    use schemars::JsonSchema;
    use serde::Deserialize;
    use serde_json::{Value, json};

    type Outcome<T> = Result<T, Box<dyn Error>>;

    #[derive(Deserialize, JsonSchema)]
    struct Query {
        query: String,
    }

    #[derive(Deserialize, JsonSchema)]
    struct Data {
        data: String,
    }

    #[derive(Deserialize, JsonSchema)]
    struct Review {
        language: String,
        file: String,
    }

    #[derive(Deserialize, JsonSchema)]
    struct Path {
        path: String,
    }

    async fn search_database(Args(Query { query }): Args<Query>) -> String {
        format!("2 rows for `{query}`: Ada, Grace")
    }

    async fn long_running_task(Args(Data { data }): Args<Data>, cx: Cx) -> String {
        for step in [1.0, 2.0, 3.0] {
            cx.progress(step, 4.0, None).await;
        }
        format!("{data} is done")
    }

    async fn code_review(Args(Review { language, file }): Args<Review>) -> String {
        format!("Review the {language} file {file}.")
    }

    async fn file(Vars(Path { path }): Vars<Path>) -> String {
        format!("what is in {path}")
    }

    fn server() -> Outcome<Server> {
        Ok(Server::builder(mcp_server::implementation!())
            .tool(Tool::new("search_database", search_database).description("Searches the database"))
            .tool(Tool::new("long_running_task", long_running_task).description("Takes long"))
            .prompt(Prompt::new("code_review", code_review).description("Reviews code"))
            .resource(Resource::text("file:///path/to/document.txt", "document", "the text of the document"))
            .resource(Resource::blob("file:///path/to/image.png", "image", vec![137, 80, 78, 71]))
            .template(ResourceTemplate::new("file:///documents/{path}", "documents", file))
            .build()?)
    }

    async fn bind() -> Outcome<(Http, String)> {
        let http = Http::bind("127.0.0.1:0").await?;
        let origin = format!("http://{}", http.local_addr());
        Ok((http, origin))
    }

    fn start(http: Http) -> Outcome<()> {
        let server = server()?;
        tokio::spawn(async move { server.serve(http).await });
        Ok(())
    }

    /// Starts the MCP server, and returns its URL.
    pub(crate) async fn mcp() -> Outcome<String> {
        let (http, origin) = bind().await?;
        start(http)?;
        Ok(format!("{origin}/mcp"))
    }

    struct Only(&'static str, &'static str);

    impl Guard for Only {
        fn admit(&self, head: &http::request::Parts) -> Result<(), http::Response<RouteBody>> {
            if head.headers.get_all(self.0).iter().eq([self.1]) {
                return Ok(());
            }
            let mut refusal = http::Response::new(RouteBody::from("who are you?".to_owned()));
            *refusal.status_mut() = http::StatusCode::UNAUTHORIZED;
            Err(refusal)
        }
    }

    /// Starts the MCP server for those who send one header, exactly so and once.
    pub(crate) async fn guarded(name: &'static str, value: &'static str) -> Outcome<String> {
        let (http, origin) = bind().await?;
        start(http.guard(Only(name, value)))?;
        Ok(format!("{origin}/mcp"))
    }

    /// A model that calls the first function, and then says what came of it.
    struct Provider;

    impl Routes for Provider {
        fn answer(&self, request: http::Request<bytes::Bytes>) -> BoxFuture<'static, http::Response<RouteBody>> {
            let asked: Value = serde_json::from_slice(request.body()).unwrap_or_default();
            let last = asked["messages"].as_array().and_then(|all| all.last()).cloned().unwrap_or_default();
            let function = &asked["tools"][0]["function"]["name"];
            let (message, reason) = if last["role"] == "tool" || function.is_null() {
                (json!({ "role": "assistant", "content": format!("I found {}", last["content"]) }), "stop")
            } else {
                let arguments = r#"{"query":"active users"}"#;
                let call = json!({ "id": "call_1", "type": "function", "function": { "name": function, "arguments": arguments } });
                (json!({ "role": "assistant", "content": null, "tool_calls": [call] }), "tool_calls")
            };
            let choice = json!({ "index": 0, "message": message, "finish_reason": reason });
            let reply = json!({ "id": "r", "object": "chat.completion", "created": 0, "model": asked["model"], "choices": [choice] });
            let mut response = http::Response::new(RouteBody::from(reply.to_string()));
            response.headers_mut().insert("content-type", http::HeaderValue::from_static("application/json"));
            ready(response).boxed()
        }
    }

    /// Starts the model, and returns the base URL of its API.
    pub(crate) async fn provider() -> Outcome<String> {
        let (http, origin) = bind().await?;
        start(http.routes(Provider))?;
        Ok(format!("{origin}/v1"))
    }
}
