//! Calling a server without a transport, and holding what it emits against the published schemas.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock};

use futures::FutureExt;
use mcp_server::types::{Message, RawJson, Request, Response, Revision, RpcError};
use mcp_server::{Limits, Server};
use mcp_transport::era::legacy::Session;
use mcp_transport::era::{Served, Verdict, classify};
use mcp_transport::{Call, Caller, Outbox, Service, outbox};
use serde_json::{Value, json};

/// A client of a server, in one revision.
pub(crate) struct Client {
    server: Server,
    revision: Revision,
    session: Option<Arc<Session>>,
    meta: Value,
}

/// What came of a request: the answer, and what was told before it.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) answer: Result<Value, RpcError>,
    pub(crate) notifications: Vec<Value>,
}

impl Client {
    /// Makes a client that has shaken hands, when its revision has that.
    pub(crate) async fn new(server: &Server, revision: Revision) -> Self {
        Self::with(server, revision, json!({})).await
    }

    /// Makes a client that declares capabilities, on its session or with every request.
    pub(crate) async fn with(server: &Server, revision: Revision, capabilities: Value) -> Self {
        let client = Self::unbegun(server, revision);
        if client.session.is_none() {
            return client.meta("io.modelcontextprotocol/clientCapabilities", capabilities);
        }
        let hello = json!({
            "protocolVersion": revision.as_str(),
            "capabilities": capabilities,
            "clientInfo": {"name": "kit", "version": "1"},
        });
        client.ok("initialize", hello).await;
        client
    }

    /// Makes a client that has not shaken hands.
    pub(crate) fn unbegun(server: &Server, revision: Revision) -> Self {
        let modern = revision == Revision::V2026_07_28;
        let session = (!modern).then(|| Arc::new(Session::new()));
        let meta = json!({
            "io.modelcontextprotocol/protocolVersion": revision.as_str(),
            "io.modelcontextprotocol/clientCapabilities": {},
        });
        Self { server: server.clone(), revision, session, meta: if modern { meta } else { json!({}) } }
    }

    /// Returns the session of a legacy client.
    pub(crate) fn session(&self) -> Arc<Session> {
        Arc::clone(self.session.as_ref().expect("a legacy client"))
    }

    /// Sends the requests that follow to another server.
    #[cfg(feature = "sealing")]
    pub(crate) fn moved_to(mut self, server: &Server) -> Self {
        self.server = server.clone();
        self
    }

    /// Adds a member to the `_meta` of every request.
    pub(crate) fn meta(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.meta[key] = value.into();
        self
    }

    pub(crate) fn features(&self) -> mcp_server::types::Features {
        self.revision.features()
    }

    /// Sends a request and returns the call, for tests that poll it themselves.
    pub(crate) fn start(&self, method: &str, params: Value) -> (Call, Outbox) {
        let mut params = params;
        if self.meta.as_object().is_some_and(|meta| !meta.is_empty()) {
            params["_meta"] = self.meta.clone();
        }
        let text = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string();
        let message = Message::parse(text).unwrap();
        let caller = match (&self.session, classify(&message, None, &Served::default())) {
            (Some(session), _) => Caller::legacy(Arc::clone(session)),
            (None, Verdict::Modern(caller)) => caller,
            (None, verdict) => panic!("{method} is not modern: {verdict:?}"),
        };
        let Message::Request(request) = message else { unreachable!() };
        let request: Request = request;
        let (notifier, outbox) = outbox(&Limits::default());
        (Call::new(request, caller, notifier), outbox)
    }

    /// Sends a request and waits for its answer, which the transport may give.
    pub(crate) async fn request(&self, method: &str, params: Value) -> Told {
        let exists = mcp_server::types::method::entry(method).is_none_or(|entry| entry.exists_in(self.revision));
        if !exists {
            return Told { answer: Err(RpcError::method_not_found(method)), notifications: Vec::new() };
        }
        let (call, mut outbox) = self.start(method, params);
        let answer = self.server.call(call).await;
        let mut notifications = Vec::new();
        while let Some(text) = outbox.try_next() {
            let notification: Value = serde_json::from_slice(&text).unwrap();
            if notification.get("id").is_some() {
                // A question, to a client that does not answer.
                continue;
            }
            check_notification(self.revision, &notification);
            notifications.push(notification);
        }
        let answer = answer.map(|result| result.decode::<Value>().unwrap());
        if let Ok(result) = &answer {
            check_result(self.revision, method, result);
        }
        Told { answer, notifications }
    }

    /// Sends a request, answers what the server asks, in the way of the era, and returns the last answer.
    ///
    /// `person` is given the method and the parameters of each question, and says what the client answers.
    pub(crate) async fn converse(
        &self,
        method: &str,
        params: Value,
        mut person: impl FnMut(&str, &Value) -> Result<Value, RpcError>,
    ) -> Result<Value, RpcError> {
        let mut round = params.clone();
        for _ in 0..10 {
            let result = match &self.session {
                Some(session) => self.interrogated(session, method, round.clone(), &mut person).await?,
                None => self.request(method, round.clone()).await.answer?,
            };
            if result["resultType"] != "input_required" {
                return Ok(result);
            }
            round = params.clone();
            let mut responses = json!({});
            for (key, asked) in result["inputRequests"].as_object().into_iter().flatten() {
                responses[key] = person(asked["method"].as_str().unwrap(), &asked["params"])?;
            }
            round["inputResponses"] = responses;
            if let Some(state) = result.get("requestState") {
                round["requestState"] = state.clone();
            }
        }
        panic!("{method} asks without end")
    }

    /// Sends a request of a legacy session and answers the requests that come back before its answer.
    async fn interrogated(
        &self,
        session: &Arc<Session>,
        method: &str,
        params: Value,
        person: &mut impl FnMut(&str, &Value) -> Result<Value, RpcError>,
    ) -> Result<Value, RpcError> {
        let (call, mut outbox) = self.start(method, params);
        let mut call = Box::pin(self.server.call(call));
        loop {
            if let Some(answer) = (&mut call).now_or_never() {
                let result: Value = answer?.decode().unwrap();
                check_result(self.revision, method, &result);
                return Ok(result);
            }
            let mut asked = false;
            while let Some(text) = outbox.try_next() {
                let message: Value = serde_json::from_slice(&text).unwrap();
                let Some(id) = message.get("id") else { continue };
                asked = true;
                let definition = match message["method"].as_str().unwrap() {
                    "elicitation/create" => "ElicitRequest",
                    "sampling/createMessage" => "CreateMessageRequest",
                    _ => "ListRootsRequest",
                };
                check(self.revision, definition, &message);
                let outcome = person(message["method"].as_str().unwrap(), &message["params"]).map(RawJson::from);
                let id = Some(id.as_i64().unwrap().into());
                assert!(session.answered(Response { id, outcome }), "somebody waits for the answer");
            }
            assert!(asked, "{method} waits for nothing");
        }
    }

    #[track_caller]
    pub(crate) fn ok(&self, method: &str, params: Value) -> impl Future<Output = Value> {
        let method = method.to_owned();
        async move {
            let answer = self.request(&method, params).await.answer;
            answer.unwrap_or_else(|error| panic!("{method} was refused: {error}"))
        }
    }

    pub(crate) async fn error(&self, method: &str, params: Value) -> RpcError {
        match self.request(method, params).await.answer {
            Ok(result) => panic!("{method} was answered: {result}"),
            Err(error) => error,
        }
    }

    /// Calls a tool and returns its result.
    pub(crate) async fn tool(&self, name: &str, arguments: Value) -> Value {
        self.ok("tools/call", json!({"name": name, "arguments": arguments})).await
    }

    /// Calls a tool that fails and returns what it tells the model.
    pub(crate) async fn tool_error(&self, name: &str, arguments: Value) -> String {
        let result = self.tool(name, arguments).await;
        assert_eq!(result["isError"], true, "{result}");
        text(&result)
    }
}

/// Returns the first text of a result.
pub(crate) fn text(result: &Value) -> String {
    result["content"][0]["text"].as_str().unwrap_or_else(|| panic!("no text in {result}")).to_owned()
}

/// Makes a client of every revision.
pub(crate) async fn clients(server: &Server) -> Vec<Client> {
    let mut clients = Vec::new();
    for revision in Revision::ALL {
        clients.push(Client::new(server, revision).await);
    }
    clients
}

/// Makes a modern client.
pub(crate) async fn modern(server: &Server) -> Client {
    Client::new(server, Revision::V2026_07_28).await
}

/// Makes a client of the latest legacy revision.
pub(crate) async fn legacy(server: &Server) -> Client {
    Client::new(server, Revision::V2025_11_25).await
}

/// Polls a call once and says whether it is still running.
pub(crate) fn is_pending(call: &mut (impl Future + Unpin)) -> bool {
    call.now_or_never().is_none()
}

fn check_result(revision: Revision, method: &str, result: &Value) {
    let definition = match method {
        "initialize" => "InitializeResult",
        "server/discover" => "DiscoverResult",
        "tools/list" => "ListToolsResult",
        "tools/call" => "CallToolResult",
        "resources/list" => "ListResourcesResult",
        "resources/templates/list" => "ListResourceTemplatesResult",
        "resources/read" => "ReadResourceResult",
        "prompts/list" => "ListPromptsResult",
        "prompts/get" => "GetPromptResult",
        "completion/complete" => "CompleteResult",
        _ => "EmptyResult",
    };
    let definition = match result["resultType"].as_str() {
        Some("input_required") => "InputRequiredResult",
        // What an extension has is not in the schema.
        Some("task") => return,
        _ if method.starts_with("tasks/") => "Result",
        _ => definition,
    };
    check(revision, definition, result);
}

/// Holds a notification against the published schema.
pub(crate) fn check_notification(revision: Revision, notification: &Value) {
    let definition = match notification["method"].as_str().unwrap() {
        "notifications/cancelled" => "CancelledNotification",
        "notifications/progress" => "ProgressNotification",
        "notifications/message" => "LoggingMessageNotification",
        "notifications/resources/updated" => "ResourceUpdatedNotification",
        "notifications/tools/list_changed" => "ToolListChangedNotification",
        "notifications/prompts/list_changed" => "PromptListChangedNotification",
        "notifications/resources/list_changed" => "ResourceListChangedNotification",
        "notifications/subscriptions/acknowledged" => "SubscriptionsAcknowledgedNotification",
        // What an extension has is not in the schema.
        "notifications/tasks" => return,
        other => panic!("a notification that nobody expects: {other}"),
    };
    check(revision, definition, notification);
}

/// Holds a value against a definition of the published schema, when that is there.
#[cfg(feature = "validate")]
fn check(revision: Revision, definition: &str, value: &Value) {
    type Validators = Mutex<HashMap<(Revision, String), Arc<jsonschema::Validator>>>;
    static VALIDATORS: OnceLock<Validators> = OnceLock::new();
    let Some(schemas) = schemas() else { return };
    let mut validators = VALIDATORS.get_or_init(Mutex::default).lock().unwrap();
    let key = (revision, definition.to_owned());
    let validator = validators.entry(key).or_insert_with(|| {
        let text = std::fs::read_to_string(schemas.join(revision.as_str()).join("schema.json")).unwrap();
        let mut schema: Value = serde_json::from_str(&text).unwrap();
        let root = if schema.get("$defs").is_some() { "$defs" } else { "definitions" };
        assert!(schema[root].get(definition).is_some(), "{revision} has no {definition}");
        schema["$ref"] = format!("#/{root}/{definition}").into();
        Arc::new(jsonschema::options().build(&schema).unwrap())
    });
    if let Err(error) = validator.validate(value) {
        panic!("{revision} {definition}: {error} at {} in {value}", error.instance_path());
    }
}

#[cfg(not(feature = "validate"))]
fn check(_: Revision, _: &str, _: &Value) {
    let _: (Option<PathBuf>, Option<Mutex<HashMap<(), ()>>>) = (schemas(), None);
}

/// Finds the published schemas; says once when they are not there.
fn schemas() -> Option<PathBuf> {
    static FOUND: OnceLock<Option<PathBuf>> = OnceLock::new();
    FOUND
        .get_or_init(|| {
            let default = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/spec/schema");
            let folder = std::env::var_os("MCP_SPEC_DIR").map_or_else(default, PathBuf::from);
            let found = folder.join("2026-07-28/schema.json").exists();
            if !found {
                eprintln!("skipped: no published schemas in {}; set MCP_SPEC_DIR", folder.display());
            }
            found.then_some(folder)
        })
        .clone()
}
