//! From what the file says to handlers that can be called.
//!
//! The surprising thing: Python modules are loaded here, before the first call, so that a mistake in one of them is told
//! with its line when the gateway is started, and not to a model.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use mcp_client::types::Implementation;
use mcp_client::{Client, Error, Limits};
use mcp_transport::limits::FOREVER;
use mcp_types::RawJson;

use super::command::Program;
use super::http::Requested;
use super::python::{Parameters, Python};
use super::registry::Registry;
use super::remote::Remote;
use super::{Builtin, Entry, Handler, Handlers, Inner};
use crate::arguments::Checker;
use crate::gateway::config::{Config, ConfigError, HandlerSpec, Place, Remark, Tool, Warning};
use crate::json::{Object, Value};
use crate::servers::with_causes;
use crate::similar::closest;

impl Handlers {
    /// Starts the handlers of a configuration.
    ///
    /// # Errors
    ///
    /// Fails when a name leads to nothing, when Python cannot be started, and when a Python function cannot be loaded;
    /// all of it is told, each with its place in the file.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends what was started.
    pub async fn start(config: &Config, registry: Registry) -> Result<Self, ConfigError> {
        let mut starting = Starting {
            config,
            registry,
            limits: Limits::default(),
            python: None,
            builtins: None,
            faults: Vec::new(),
            warnings: Vec::new(),
        };
        starting.start_python().await;
        starting.start_builtins().await;
        let mut tools = HashMap::new();
        for tool in &config.tools {
            let checker = starting.checker(tool);
            if let Some(handler) = starting.handler(tool) {
                let timeout = tool.timeout.unwrap_or(TIMEOUT);
                let builtin = starting.lent(tool);
                tools.insert(tool.name.value.clone(), Entry { handler, checker, timeout, builtin });
            }
        }
        let Starting { python, builtins, faults, warnings, .. } = starting;
        let clients: Vec<Client> =
            python.map(|python| python.client).into_iter().chain(builtins.map(|(client, _)| client)).collect();
        if !faults.is_empty() {
            futures::future::join_all(clients.into_iter().map(Client::close)).await;
            return Err(ConfigError::new(faults));
        }
        Ok(Self { inner: Arc::new(Inner { tools, clients, warnings, closed: AtomicBool::new(false) }) })
    }
}

/// What is known while handlers are started.
struct Starting<'a> {
    config: &'a Config,
    registry: Registry,
    limits: Limits,
    python: Option<Python>,
    /// What is built in, with its names.
    builtins: Option<(Client, Vec<String>)>,
    faults: Vec<Remark>,
    warnings: Vec<Warning>,
}

impl Starting<'_> {
    async fn start_python(&mut self) {
        let mut paths = BTreeSet::new();
        let mut first = None;
        for tool in &self.config.tools {
            if let HandlerSpec::Python { module, function } = &tool.handler.value {
                paths.insert(path(module, function));
                first = first.or(Some(tool.handler.place));
            }
        }
        let Some(place) = first else { return };
        match Python::start(&self.config.python, &self.config.folder, paths).await {
            Ok(python) => self.python = Some(python),
            Err(error) => {
                let interpreter = self.config.python.display();
                let why = match error {
                    // The whole of its command line says nothing to anybody.
                    Error::Exited(exit) => {
                        let status = exit.status.unwrap_or_else(|| "its output ended".to_owned());
                        format!("`{interpreter}` ended before it was ready ({status}), and says why on standard error")
                    }
                    error => with_causes(&error),
                };
                self.fault(place, format!("Python handlers cannot run: {why}"));
            }
        }
    }

    async fn start_builtins(&mut self) {
        let place = self
            .config
            .tools
            .iter()
            .find_map(|tool| matches!(tool.handler.value, HandlerSpec::Builtin(_)).then_some(tool.handler.place));
        let (Some(place), Some(server)) = (place, self.registry.server()) else { return };
        let info = Implementation::new("mcp-bridge", env!("CARGO_PKG_VERSION"));
        let started = async {
            let client = Client::builder(info).limits(limits_of_calls()).connect(server.in_process()).await?;
            let tools = client.list_tools().await?;
            Ok::<_, Error>((client, tools.into_iter().map(|tool| tool.name).collect()))
        };
        match started.await {
            Ok(started) => self.builtins = Some(started),
            Err(error) => self.fault(place, format!("what is built in cannot run: {}", with_causes(&error))),
        }
    }

    fn handler(&mut self, tool: &Tool) -> Option<Arc<dyn Handler>> {
        let place = tool.handler.place;
        match &tool.handler.value {
            HandlerSpec::Builtin(name) => self.builtin(name, place),
            HandlerSpec::Command(command) => {
                Some(Arc::new(Program { command: (**command).clone(), limits: self.limits.clone() }))
            }
            HandlerSpec::Function(name) => {
                let found = self.registry.functions().get(name).cloned();
                if found.is_none() {
                    let known: Vec<_> = self.registry.functions().keys().map(String::as_str).collect();
                    let text = format!("this program has registered no function `{name}`{}", meant(name, &known));
                    self.fault(place, text);
                }
                found
            }
            HandlerSpec::Http(spec) => Some(Arc::new(Requested::new((**spec).clone(), &self.limits))),
            HandlerSpec::Python { module, function } => self.function(tool, &path(module, function)),
        }
    }

    fn builtin(&mut self, name: &str, place: Place) -> Option<Arc<dyn Handler>> {
        let known: Vec<&str> = self.builtins.iter().flat_map(|(_, names)| names).map(String::as_str).collect();
        match &self.builtins {
            Some((client, _)) if known.contains(&name) => {
                Some(Arc::new(Remote { client: client.clone(), tool: name.to_owned() }))
            }
            _ => {
                let text = format!("there is no built-in tool `{name}`{}", meant(name, &known));
                self.fault(place, text);
                None
            }
        }
    }

    fn lent(&self, tool: &Tool) -> Option<Builtin> {
        let HandlerSpec::Builtin(name) = &tool.handler.value else { return None };
        Some(Builtin { server: self.registry.server()?.clone(), tool: name.clone() })
    }

    fn function(&mut self, tool: &Tool, path: &str) -> Option<Arc<dyn Handler>> {
        let python = self.python.as_ref()?;
        let client = python.client.clone();
        let Some(parameters) = python.functions.get(path) else {
            let why = python.faults.get(path).map_or("it was not found", String::as_str);
            let text = format!("`{path}` cannot be loaded: {why}");
            self.fault(tool.handler.place, text);
            return None;
        };
        for text in differences(&tool.input_schema.value, parameters, path) {
            self.warn(tool.input_schema.place, text);
        }
        Some(Arc::new(Remote { client, tool: path.to_owned() }))
    }

    fn checker(&mut self, tool: &Tool) -> Option<Checker> {
        let compiled = Checker::compile(&tool.input_schema.value);
        compiled.map_err(|why| self.warn(tool.input_schema.place, format!("`{}`: {why}", tool.name.value))).ok()
    }

    fn fault(&mut self, place: Place, text: String) {
        self.faults.push(Remark::new(&self.config.file, Some(place), text));
    }

    fn warn(&mut self, place: Place, text: String) {
        self.warnings.push(Warning::new(&self.config.file, place, text));
    }
}

/// Limits of a client whose calls get their deadline from their tools.
pub(super) fn limits_of_calls() -> Limits {
    Limits::default().request_timeout(FOREVER).request_total(FOREVER)
}

/// Says how the members that a schema allows differ from what a function takes.
fn differences(schema: &RawJson, parameters: &Parameters, path: &str) -> Vec<String> {
    let Ok(Value::Object(schema)) = Value::parse(schema.as_str()) else { return Vec::new() };
    let empty = Object::default();
    let properties = schema.get("properties").and_then(Value::as_object).unwrap_or(&empty);
    let not_taken = properties.iter().map(|(name, _)| name);
    let not_taken = not_taken.filter(|name| !parameters.is_open && !parameters.properties.contains_key(*name));
    let not_taken = not_taken.map(|name| format!("the schema has `{name}`, which `{path}` does not take"));
    let is_given = |name: &String| properties.contains_key(name);
    let missing = parameters.required.iter().filter(|name| !is_given(name));
    let missing = missing.map(|name| format!("`{path}` needs `{name}`, which the schema does not have"));
    not_taken.chain(missing).collect()
}

/// The path of a function, as the file has it.
fn path(module: &str, function: &str) -> String {
    format!("{module}.{function}")
}

/// What was probably meant, or what there is.
fn meant(name: &str, known: &[&str]) -> String {
    if let Some(meant) = closest(name, known.iter().copied()) {
        return format!("; did you mean `{meant}`?");
    }
    let listed = known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    if known.is_empty() { String::new() } else { format!("; there are {listed}") }
}

/// How long a handler may run, unless the file says otherwise.
const TIMEOUT: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_that_its_function_does_not_follow_is_noticed() {
        #[track_caller]
        fn check(schema: &str, parameters: &str, expected: &[&str]) {
            let schema = RawJson::parse(schema.to_owned()).unwrap();
            let found = differences(&schema, &serde_json::from_str(parameters).unwrap(), "m.f");
            assert_eq!(found, expected);
        }
        let takes_a = r#"{"properties":{"a":{}},"required":["a"],"additionalProperties":false}"#;
        check(r#"{"properties":{"a":{}}}"#, takes_a, &[]);
        check(
            r#"{"properties":{"b":{}}}"#,
            takes_a,
            &["the schema has `b`, which `m.f` does not take", "`m.f` needs `a`, which the schema does not have"],
        );
        check("{}", takes_a, &["`m.f` needs `a`, which the schema does not have"]);
        let takes_any = r#"{"properties":{},"required":[],"additionalProperties":true}"#;
        check(r#"{"properties":{"b":{}}}"#, takes_any, &[]);
    }
}
