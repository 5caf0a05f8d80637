//! The Rust SDK as a client: connects to one server in one era and checks what it offers.
//!
//! `client ERA OFFER http URL` or `client ERA OFFER stdio COMMAND [ARGUMENT...]`. ERA is `legacy`, `modern` or `auto`.
//! OFFER is the JSON that `xtask/src/interop/offer.rs` writes: what the server must have. Each check prints one line of
//! JSON, `{"check","ok","detail"}`. The exit code is 0 when every check ran, also when some are red: the harness reads
//! the lines.

use std::{
    env,
    error::Error,
    sync::{Arc, Mutex},
    time::Duration,
};

use rmcp::{
    ClientHandler, ClientLifecycleMode, ClientServiceExt, RoleClient, ServiceError,
    model::{
        CallToolRequestParams, ClientCapabilities, ClientConfig, GetPromptRequestParams, Implementation, JsonObject,
        ProgressNotificationParam, ProtocolVersion, ReadResourceRequestParams,
    },
    service::{NotificationContext, RunningService},
    transport::{StreamableHttpClientTransport, TokioChildProcess},
};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::{process::Command, time::timeout};

type Outcome<T = String> = Result<T, Box<dyn Error>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [era, offer, kind, target @ ..] = &arguments[..] else {
        return Err("usage: client ERA OFFER http URL | client ERA OFFER stdio COMMAND [ARGUMENT...]".into());
    };
    let offer: Value = serde_json::from_str(offer)?;
    let told = Told::default();
    let client = match timeout(PATIENCE, connect(told.clone(), era, kind, target)).await {
        Ok(Ok(client)) => Asking { client, told, offer: &offer },
        Ok(Err(error)) => return report("connect", Err(error)).and(report("close", Ok(String::new()))),
        Err(late) => return report("connect", Err(late.into())).and(report("close", Ok(String::new()))),
    };
    for check in ["connect", "list", "call", "progress", "picture", "refuse", "read", "prompt"] {
        let wanted = match check {
            "read" => &offer["resource"],
            "progress" | "picture" | "prompt" => &offer[check],
            _ => &offer,
        };
        if !wanted.is_null() {
            let outcome = timeout(PATIENCE, client.check(check, wanted)).await;
            report(check, outcome.unwrap_or_else(|late| Err(late.into())))?;
        }
    }
    let closed = client.client.cancel().await;
    report("close", closed.map(|reason| format!("{reason:?}")).map_err(Into::into))
}

fn report(check: &str, outcome: Outcome) -> Outcome<()> {
    let is_green = outcome.is_ok();
    let detail = outcome.unwrap_or_else(|error| format!("{error} ({error:?})"));
    println!("{}", json!({"check": check, "ok": is_green, "detail": detail}));
    Ok(())
}

async fn connect(told: Told, era: &str, kind: &str, target: &[String]) -> Outcome<RunningService<RoleClient, Told>> {
    let preferred_versions = vec![ProtocolVersion::V_2026_07_28];
    let lifecycle = match era {
        "legacy" => ClientLifecycleMode::Initialize,
        "modern" => ClientLifecycleMode::Discover { preferred_versions },
        _ => ClientLifecycleMode::Auto { preferred_versions, legacy_version: Some(ProtocolVersion::V_2025_11_25) },
    };
    let (program, arguments) = target.split_first().ok_or("there is no target")?;
    if kind == "http" {
        let transport = StreamableHttpClientTransport::from_uri(program.as_str());
        return Ok(told.serve_with_lifecycle(transport, lifecycle).await?);
    }
    let mut command = Command::new(program);
    command.args(arguments);
    Ok(told.serve_with_lifecycle(TokioChildProcess::new(command)?, lifecycle).await?)
}

/// How far a call has come, as the server told it.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<[Option<f64>; 2]>>>);

impl Told {
    fn take(&self) -> Vec<[Option<f64>; 2]> {
        std::mem::take(&mut *self.0.lock().expect("nobody panics while it holds the steps"))
    }
}

impl ClientHandler for Told {
    fn get_info(&self) -> ClientConfig {
        let mut info =
            ClientConfig::new(ClientCapabilities::default(), Implementation::new("interop-rust-client", "1.0.0"));
        info.protocol_version = ProtocolVersion::V_2025_11_25;
        info
    }

    async fn on_progress(&self, step: ProgressNotificationParam, _context: NotificationContext<RoleClient>) {
        self.0.lock().expect("nobody panics while it holds the steps").push([Some(step.progress), step.total]);
    }
}

/// A client that is connected.
struct Asking<'a> {
    client: RunningService<RoleClient, Told>,
    told: Told,
    offer: &'a Value,
}

impl Asking<'_> {
    async fn check(&self, name: &str, wanted: &Value) -> Outcome {
        match name {
            "connect" => self.connected(),
            "list" => self.list().await,
            "call" => self.calls().await,
            "progress" => self.progress(wanted).await,
            "picture" => self.picture(text(wanted)).await,
            "refuse" => self.refuse().await,
            "read" => self.read(wanted).await,
            _ => self.prompt(wanted).await,
        }
    }

    fn connected(&self) -> Outcome {
        let info = self.client.peer_info().ok_or("the server has not said who it is")?;
        let (version, expected) = (info.protocol_version.as_str(), text(&self.offer["version"]));
        expect(version == expected, || format!("negotiated {version}, expected {expected}"))?;
        Ok(version.to_owned())
    }

    async fn list(&self) -> Outcome {
        let tools = json(self.client.list_all_tools().await?)?;
        for wanted in items(&self.offer["tools"]) {
            let tool = found(&tools, "name", &wanted["name"])?;
            expect_schema(&tool["inputSchema"], wanted)?;
        }
        if let Some(uri) = self.offer.pointer("/resource/uri") {
            found(&json(self.client.list_all_resources().await?)?, "uri", uri)?;
        }
        if let Some(name) = self.offer.pointer("/prompt/name") {
            found(&json(self.client.list_all_prompts().await?)?, "name", name)?;
        }
        Ok(format!("{} tools", items(&tools).len()))
    }

    async fn calls(&self) -> Outcome {
        for call in items(&self.offer["calls"]) {
            self.call(call).await?;
        }
        Ok(format!("{} calls", items(&self.offer["calls"]).len()))
    }

    /// A call that must succeed with the text that it must have.
    async fn call(&self, call: &Value) -> Outcome<()> {
        let result = self.result_of(text(&call["tool"]), &call["arguments"]).await??;
        expect(result["isError"] != true && fits(&said(&result), &call["answer"]), || format!("{call}: {result}"))
    }

    /// The result of a call, or the error that the server answered with; what else goes wrong is the outer error.
    async fn result_of(&self, tool: &str, arguments: &Value) -> Outcome<Result<Value, rmcp::ErrorData>> {
        let asked = CallToolRequestParams::new(tool.to_owned()).with_arguments(object(arguments));
        match self.client.call_tool(asked).await {
            Ok(result) => Ok(Ok(json(result)?)),
            Err(ServiceError::McpError(error)) => Ok(Err(error)),
            Err(error) => Err(error.into()),
        }
    }

    async fn progress(&self, wanted: &Value) -> Outcome {
        self.told.take();
        self.call(&wanted["call"]).await?;
        // The SDK runs the handler of a notification on a task of its own, which may come after the result.
        for _ in 0..TURNS {
            tokio::task::yield_now().await;
        }
        let steps = wanted["steps"].as_f64().unwrap_or_default();
        let told = self.told.take();
        let expected: Vec<_> =
            (1_u32..).map(f64::from).take_while(|&step| step <= steps).map(|step| [Some(step), Some(steps)]).collect();
        expect(told == expected, || format!("told {told:?}"))?;
        Ok(format!("{} times", told.len()))
    }

    async fn picture(&self, tool: &str) -> Outcome {
        let result = self.result_of(tool, &json!({})).await??;
        let picture = found(&result["content"], "type", &json!("image"))?;
        // The eight bytes that every PNG begins with.
        let is_png = picture["mimeType"] == "image/png" && text(&picture["data"]).starts_with("iVBORw0KGgo");
        expect(is_png, || result.to_string())?;
        Ok(format!("{} characters", text(&picture["data"]).len()))
    }

    async fn refuse(&self) -> Outcome {
        let mut refused = Vec::new();
        for wanted in items(&self.offer["refused"]) {
            let (code, answered) = (&wanted["code"], items(&wanted["answered"]));
            let has_all = |said: &str| answered.iter().all(|part| said.contains(text(part)));
            match self.result_of(text(&wanted["tool"]), &wanted["arguments"]).await? {
                Ok(result) => {
                    let is_refused = result["isError"] == true && code.is_null() && has_all(&said(&result));
                    expect(is_refused, || format!("{wanted} was answered {result}"))?;
                    refused.push("isError".to_owned());
                }
                Err(error) => {
                    let is_refused = answered.is_empty() && (code.is_null() || *code == error.code.0);
                    expect(is_refused, || format!("{wanted} was refused with {error}"))?;
                    refused.push(error.code.0.to_string());
                }
            }
        }
        Ok(refused.join(", "))
    }

    async fn read(&self, wanted: &Value) -> Outcome {
        let result = json(self.client.read_resource(ReadResourceRequestParams::new(text(&wanted["uri"]))).await?)?;
        let [contents] = items(&result["contents"]) else { return Err(result.to_string().into()) };
        let is_it = contents["uri"] == wanted["uri"] && fits(text(&contents["text"]), &wanted["text"]);
        expect(is_it, || result.to_string())?;
        Ok(text(&contents["mimeType"]).to_owned())
    }

    async fn prompt(&self, wanted: &Value) -> Outcome {
        let asked = GetPromptRequestParams::new(text(&wanted["name"])).with_arguments(object(&wanted["arguments"]));
        let result = json(self.client.get_prompt(asked).await?)?;
        let [message] = items(&result["messages"]) else { return Err(result.to_string().into()) };
        let is_it = message["role"] == "user" && fits(text(&message["content"]["text"]), &wanted["text"]);
        expect(is_it, || result.to_string())?;
        Ok("1 message".to_owned())
    }
}

fn expect(is_so: bool, why: impl FnOnce() -> String) -> Outcome<()> {
    if is_so { Ok(()) } else { Err(why().into()) }
}

/// A tool takes what it must take, and nothing else.
fn expect_schema(schema: &Value, wanted: &Value) -> Outcome<()> {
    let properties = schema["properties"].as_object();
    let takes = properties.into_iter().flatten().map(|(name, of)| (name.clone(), of["type"].clone()));
    let mut required = items(&schema["required"]).to_vec();
    required.sort_unstable_by_key(Value::to_string);
    let is_it = schema["type"] == "object"
        && Value::Object(takes.collect()) == wanted["takes"]
        && Value::Array(required) == wanted["required"];
    expect(is_it, || format!("expected {wanted}, got {schema}"))
}

/// Finds the one member of an array that has a value at a key.
fn found<'a>(array: &'a Value, key: &str, value: &Value) -> Outcome<&'a Value> {
    let all: Vec<&Value> = items(array).iter().filter(|item| item[key] == *value).collect();
    let [item] = all[..] else { return Err(format!("{} items have {key} = {value}: {array}", all.len()).into()) };
    Ok(item)
}

fn fits(said: &str, wanted: &Value) -> bool {
    if let Some(shape) = wanted["like"].as_str() {
        return shape == said.replace(|c: char| c.is_ascii_digit(), "0");
    }
    match wanted["is"].as_str() {
        Some(exact) => said == exact,
        None => items(&wanted["holds"]).iter().all(|part| said.contains(text(part))),
    }
}

/// The text of the blocks of a result.
fn said(result: &Value) -> String {
    items(&result["content"]).iter().filter_map(|block| block["text"].as_str()).collect::<Vec<_>>().join("\n")
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn object(value: &Value) -> JsonObject {
    value.as_object().cloned().unwrap_or_default()
}

/// A value of the SDK as the JSON that it stands for, so that the checks are those of the other clients.
fn json(value: impl Serialize) -> Outcome<Value> {
    Ok(serde_json::to_value(value)?)
}

/// How long the connection or one check may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// How many turns of the runtime the last notification of a call gets to be handled.
const TURNS: usize = 32;
