//! What servers ask in the middle of a call, and calls that become tasks.
//!
//! The servers are real ones of this workspace, in this process; the program around the loop is the host.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use mcp_client::{Client, ClientBuilder};
use mcp_openai_bridge::chat::{Message, Request};
use mcp_openai_bridge::driver::{Driver, End, Event, Host, HostHandler, Model, Questions, SampleWithModel};
use mcp_openai_bridge::servers::{Servers, Upstream};
use mcp_openai_bridge::turn::{Options, Turn};
use mcp_server::{AskError, Catalog, Cx, Form, Server, TaskMode, Tool, implementation};
use mcp_types::{
    ClientCapabilities, CreateMessageRequestParams, CreateMessageResult, ElicitRequestParams, ElicitResult,
    ElicitationCapability, JsonObject, Revision, Role, RpcError, SamplingCapability, SamplingMessage,
    SamplingMessageContentBlock,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use crate::scripted::{Script, calls, says};

#[derive(Deserialize, JsonSchema)]
struct Name {
    name: String,
}

async fn greet(cx: Cx) -> Result<String, AskError> {
    let who: Name = cx.elicit("who", Form::new("Your name?")).await?;
    Ok(format!("Hello, {}!", who.name))
}

async fn wonder(cx: Cx) -> Result<String, AskError> {
    let question = SamplingMessage::new(Role::User, "What is six times seven?".to_owned());
    let result = cx.sample("sum", CreateMessageRequestParams::new(vec![question], 100_u64)).await?;
    let texts = result.content.blocks().iter().filter_map(|block| match block {
        SamplingMessageContentBlock::Text(text) => Some(text.text.as_str()),
        _ => None,
    });
    Ok(format!("The model says {}", texts.collect::<String>()))
}

async fn build(cx: Cx) -> String {
    cx.progress(1.0, 2.0, "compiling").await;
    cx.progress(2.0, 2.0, "linking").await;
    "built".to_owned()
}

fn server() -> Server {
    let catalog = Catalog::new()
        .tool(Tool::new("greet", greet))
        .tool(Tool::new("wonder", wonder))
        .tool(Tool::new("build", build))
        .tool(Tool::new("slow", async || "at last").task(TaskMode::Required));
    Server::builder(implementation!()).catalog(catalog).build().unwrap()
}

/// A program that answers forms, and gives its own model to servers that ask for one.
struct Program {
    sampling: SampleWithModel,
    questions: Questions,
    /// How long the user thinks.
    thinks: Duration,
    seen: Mutex<Vec<String>>,
}

impl Program {
    fn new(model: Arc<Script>) -> Arc<Self> {
        Self::thinking(model, Duration::ZERO)
    }

    fn thinking(model: Arc<Script>, thinks: Duration) -> Arc<Self> {
        let sampling = SampleWithModel::new(model as Arc<dyn Model>, "m");
        Arc::new(Self { sampling, questions: Questions::new(), thinks, seen: Mutex::default() })
    }

    fn saw(&self, what: String) {
        self.seen.lock().unwrap().push(what);
    }

    fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

#[async_trait]
impl Host for Program {
    fn event(&self, event: Event<'_>) {
        if let Event::Progress { call, progress } = event {
            self.saw(format!("{} {} {}", call.id, progress.progress, progress.message.clone().unwrap_or_default()));
        }
    }

    fn capabilities(&self) -> ClientCapabilities {
        ClientCapabilities::new().elicitation(ElicitationCapability::new()).sampling(SamplingCapability::new())
    }

    fn questions(&self) -> Option<&Questions> {
        Some(&self.questions)
    }

    async fn elicit(&self, server: &str, question: ElicitRequestParams) -> ElicitResult {
        let ElicitRequestParams::Form(form) = question else { return ElicitResult::new("decline") };
        self.saw(format!("{server} asks: {}", form.message));
        let _ = tokio::time::timeout(self.thinks, std::future::pending::<()>()).await;
        let mut content = JsonObject::new();
        content.insert("name", json!("Ada"));
        ElicitResult::new("accept").content(content)
    }

    async fn sample(
        &self,
        server: &str,
        question: CreateMessageRequestParams,
    ) -> Result<CreateMessageResult, RpcError> {
        self.saw(format!("{server} asks the model"));
        self.sampling.answer(question).await
    }
}

/// Runs a turn in which the model calls one tool, and returns what the model was told.
async fn told(script: Arc<Script>, program: &Arc<Program>, client: ClientBuilder) -> String {
    let handler = HostHandler::new(Arc::clone(program) as Arc<dyn Host>, "lab");
    let client = client.handler(handler).connect(server().in_process()).await.unwrap();
    let servers = Servers::builder().server(Upstream::connected("lab", client)).build();
    let tools = servers.list().await.tools;
    let mut turn = Turn::new(Request::new("m", [Message::user("go")]), tools, Options::default());
    let end = Driver::new(&*script, &servers).host(&**program).run(&mut turn).await.unwrap();
    assert!(matches!(end, End::Done(_)));
    turn.messages()[2].text()
}

fn script(tool: &str) -> Arc<Script> {
    Arc::new(Script::new([calls(0, &[("a", tool, "{}")]), says(1, "done")]))
}

#[tokio::test]
async fn a_form_of_a_server_is_answered_by_the_host_in_both_eras() {
    for revision in [Revision::V2025_11_25, Revision::V2026_07_28] {
        let script = script("greet");
        let program = Program::new(Arc::clone(&script));
        let told = told(script, &program, Client::builder(implementation!()).revisions([revision])).await;
        assert_eq!((told.as_str(), program.seen()), ("Hello, Ada!", vec!["lab asks: Your name?".to_owned()]));
    }
}

#[tokio::test(start_paused = true)]
async fn a_user_who_thinks_for_nine_minutes_makes_no_call_late() {
    for revision in [Revision::V2025_11_25, Revision::V2026_07_28] {
        let script = script("greet");
        let program = Program::thinking(Arc::clone(&script), Duration::from_secs(540));
        let told = told(script, &program, Client::builder(implementation!()).revisions([revision])).await;
        assert_eq!(told, "Hello, Ada!", "{revision:?}");
    }
}

#[tokio::test]
async fn a_server_that_asks_for_a_model_may_get_the_one_of_the_loop() {
    let replies = [calls(0, &[("a", "wonder", "{}")]), says(1, "forty-two"), says(2, "done")];
    let script = Arc::new(Script::new(replies));
    let program = Program::new(Arc::clone(&script));
    let told = told(Arc::clone(&script), &program, Client::builder(implementation!())).await;
    assert_eq!(told, "The model says forty-two");
    assert_eq!(program.seen(), ["lab asks the model"]);
    let asked = &script.requests()[1];
    assert_eq!(asked["messages"], json!([{"role":"user","content":"What is six times seven?"}]));
    assert_eq!(asked.get("tools"), None, "it gets no tools of the loop");
}

#[tokio::test]
async fn progress_of_a_call_is_an_event() {
    let script = script("build");
    let program = Program::new(Arc::clone(&script));
    assert_eq!(told(script, &program, Client::builder(implementation!())).await, "built");
    assert_eq!(program.seen(), ["a 1 compiling", "a 2 linking"]);
}

#[tokio::test]
async fn a_call_that_becomes_a_task_is_waited_for() {
    let script = script("slow");
    let program = Program::new(Arc::clone(&script));
    assert_eq!(told(script, &program, Client::builder(implementation!()).tasks()).await, "at last");
}

#[tokio::test]
async fn a_host_that_answers_nothing_declares_nothing() {
    struct Mute;
    #[async_trait]
    impl Host for Mute {}
    let handler = HostHandler::<mcp_openai_bridge::turn::Chat>::new(Arc::new(Mute), "lab");
    let client = Client::builder(implementation!()).handler(handler).connect(server().in_process()).await.unwrap();
    let servers = Servers::builder().server(Upstream::connected("lab", client)).build();
    let script = script("greet");
    let mut turn = Turn::new(Request::new("m", [Message::user("go")]), servers.list().await.tools, Options::default());
    let _ = Driver::new(&*script, &servers).run(&mut turn).await.unwrap();
    let told = turn.messages()[2].text();
    assert!(told.starts_with("error: mcp_protocol_error -32021"), "{told}");
}
