//! Tools: something that a language model can call (T-80 to T-88).
//!
//! The surprising thing: what is wrong with a tool is found when the server is built, not when the tool is made, so that
//! a chain of builder calls stays a chain and every fault is reported at once.

use std::fmt;
use std::future::{Future, pending};
use std::sync::Arc;

use futures::FutureExt;
use mcp_transport::header::ParamHeaders;
use mcp_transport::{Answer, Limits};
use mcp_types::{
    CallToolResult, Features, Icon, Meta, RawJson, RpcError, ToolAnnotations, ToolsCallOutcome, is_object_schema,
};
use schemars::JsonSchema;

use crate::ask::{Came, rounds};
use crate::context::{Cx, Ending};
use crate::era;
use crate::error::Fault;
use crate::extract::{InTool, Needs, Unfit};
use crate::handler::{Erased, Handler, erase};
use crate::reply::{self, IntoToolResult, ToolReply};
use crate::run::{Bounds, Caught, Ended, Named, Stopped, caught};
use crate::schema::{self, Schema};
use crate::service::Core;
use crate::task::{self, TaskMode};

/// A tool, on its way into a server.
///
/// # Examples
///
/// ```
/// use mcp_server::{Args, Json, Tool};
///
/// #[derive(serde::Deserialize, schemars::JsonSchema)]
/// struct Query {
///     /// What to look for.
///     text: String,
///     limit: Option<u32>,
/// }
///
/// #[derive(serde::Serialize, schemars::JsonSchema)]
/// struct Found {
///     titles: Vec<String>,
/// }
///
/// async fn search(Args(query): Args<Query>) -> Result<Json<Found>, std::io::Error> {
///     Ok(Json(Found { titles: vec![query.text] }))
/// }
///
/// let tool = Tool::new("search", search).title("Search").description("Searches the library").read_only();
/// ```
#[must_use]
pub struct Tool {
    entity: mcp_types::Tool,
    needs: Needs,
    handler: Erased<ToolReply>,
    open: bool,
    checked: bool,
    task: Option<TaskMode>,
    aliases: Vec<String>,
}

impl Tool {
    /// Makes a tool from an `async fn` whose arguments are extractors.
    ///
    /// The input schema comes from its [`Args`](crate::Args), the output schema from its [`Json`](crate::Json).
    pub fn new<M, H>(name: impl Into<String>, handler: H) -> Self
    where
        M: 'static,
        H: Handler<InTool, M>,
        H::Output: IntoToolResult,
    {
        let mut needs = Needs::default();
        H::declare(&mut needs);
        let schema = needs.arguments.take().unwrap_or_else(schema::no_arguments);
        let mut entity = mcp_types::Tool::new(name, schema);
        entity.output_schema = H::Output::output_schema();
        let handler = erase::<InTool, M, H, ToolReply>(handler, IntoToolResult::into_tool_result);
        Self { entity, needs, handler, open: false, checked: true, task: None, aliases: Vec::new() }
    }

    /// Makes a tool from a JSON Schema and a function that takes the arguments as JSON.
    ///
    /// The schema is published as it is, to the byte, and arguments are checked against it.
    pub fn raw<F, R>(name: impl Into<String>, input_schema: impl Into<RawJson>, handler: F) -> Self
    where
        F: Fn(RawJson, Cx) -> R + Send + Sync + 'static,
        R: Future + Send + 'static,
        R::Output: IntoToolResult + 'static,
    {
        let entity = mcp_types::Tool::new(name, input_schema.into());
        Self::from_entity(entity, handler)
    }

    /// Makes a tool from all that is published of it and a function that takes the arguments as JSON.
    ///
    /// This is how a gateway offers a tool of somebody else.
    pub fn from_entity<F, R>(entity: mcp_types::Tool, handler: F) -> Self
    where
        F: Fn(RawJson, Cx) -> R + Send + Sync + 'static,
        R: Future + Send + 'static,
        R::Output: IntoToolResult + 'static,
    {
        let handler = Arc::new(handler);
        let handler: Erased<ToolReply> = Box::new(move |cx| {
            let handler = Arc::clone(&handler);
            async move { Ok(handler(arguments(&cx), cx).await.into_tool_result()) }.boxed()
        });
        Self { entity, needs: Needs::default(), handler, open: false, checked: true, task: None, aliases: Vec::new() }
    }

    /// Says what the tool does, for the language model.
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.entity.description = Some(text.into());
        self
    }

    /// Sets the name for humans.
    pub fn title(mut self, text: impl Into<String>) -> Self {
        self.entity.title = Some(text.into());
        self
    }

    /// Sets all annotations at once; they replace those set before.
    pub fn annotations(mut self, annotations: ToolAnnotations) -> Self {
        self.entity.annotations = Some(annotations);
        self
    }

    /// Says that the tool changes nothing (`readOnlyHint`).
    pub fn read_only(self) -> Self {
        self.annotate(|hints| hints.read_only_hint(true))
    }

    /// Says whether the tool may destroy something (`destructiveHint`); clients assume it does.
    pub fn destructive(self, destructive: bool) -> Self {
        self.annotate(|hints| hints.destructive_hint(destructive))
    }

    /// Says that a second call with the same arguments does no more than the first (`idempotentHint`).
    pub fn idempotent(self) -> Self {
        self.annotate(|hints| hints.idempotent_hint(true))
    }

    /// Says whether the tool deals with an open world, such as the web (`openWorldHint`); clients assume it does.
    pub fn open_world(self, open: bool) -> Self {
        self.annotate(|hints| hints.open_world_hint(open))
    }

    /// Adds a picture.
    pub fn icon(mut self, icon: Icon) -> Self {
        self.entity.icons.get_or_insert_default().push(icon);
        self
    }

    /// Adds a member to `_meta`.
    pub fn meta(mut self, key: impl Into<String>, value: impl Into<RawJson>) -> Self {
        self.entity.meta.get_or_insert_with(Meta::new).insert(key, value);
        self
    }

    /// Publishes the schema of `T` as the output schema, for handlers that return a bare
    /// [`CallToolResult`](mcp_types::CallToolResult).
    pub fn output<T: JsonSchema>(self) -> Self {
        self.output_schema(schema::output_of::<T>())
    }

    /// Publishes an output schema as it is.
    pub fn output_schema(mut self, schema: impl Into<RawJson>) -> Self {
        self.entity.output_schema = Some(schema.into());
        self
    }

    /// Lets callers send arguments that the type does not know; they are ignored.
    ///
    /// Only for derived schemas and only at their root; a schema of your own says for itself what it allows.
    pub fn allow_unknown_arguments(mut self) -> Self {
        self.open = true;
        self
    }

    /// Leaves the checking of arguments and output to the handler; the schemas are only published.
    ///
    /// For a gateway, whose upstream server checks them. Without this, a schema that is refused refuses the server.
    pub fn without_checks(mut self) -> Self {
        self.checked = false;
        self
    }

    /// Says that calls of the tool become tasks, for clients that can have them.
    ///
    /// A handler that decides for itself, or asks before it becomes one, calls
    /// [`Cx::become_task`](crate::Cx::become_task).
    pub fn task(mut self, mode: TaskMode) -> Self {
        self.task = Some(mode);
        self
    }

    /// Lets the tool be called by another name, too, which is not listed: for clients that remember a name of old. A name
    /// that another tool has stays that tool's.
    pub fn alias(mut self, name: impl Into<String>) -> Self {
        self.aliases.push(name.into());
        self
    }

    pub(crate) fn makes_tasks(&self) -> bool {
        self.task.is_some()
    }

    /// Returns the name.
    pub fn name(&self) -> &str {
        &self.entity.name
    }

    fn annotate(mut self, change: impl FnOnce(ToolAnnotations) -> ToolAnnotations) -> Self {
        let hints = self.entity.annotations.take().unwrap_or_default();
        self.entity.annotations = Some(change(hints));
        self
    }

    /// Checks the tool and makes it callable.
    pub(crate) fn compile(mut self, limits: &Limits) -> Result<Arc<ToolEntry>, Fault> {
        if self.open {
            self.entity.input_schema = opened(&self.entity.input_schema);
        }
        let owner = || format!("tool `{}`", self.entity.name);
        let input = Schema::of_arguments(self.entity.input_schema.clone(), limits, self.checked)
            .map_err(|fault| Fault::schema(owner(), "input schema", fault))?;
        let output = self.entity.output_schema.clone().map(|raw| Schema::new(raw, limits, self.checked));
        let output = output.transpose().map_err(|fault| Fault::schema(owner(), "output schema", fault))?;
        let headers =
            param_headers(input.raw()).map_err(|why| Fault::new(owner(), format!("its input schema: {why}")))?;
        let wraps = output.as_ref().is_some_and(|schema| !is_object_schema(schema.raw()));
        let Self { entity, handler, checked, task, aliases, .. } = self;
        Ok(Arc::new(ToolEntry { entity, input, output, wraps, headers, handler, checked, task, aliases }))
    }

    pub(crate) fn needs(&self) -> &Needs {
        &self.needs
    }
}

impl fmt::Debug for Tool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tool").field("entity", &self.entity).finish_non_exhaustive()
    }
}

/// A tool in a server.
pub(crate) struct ToolEntry {
    pub(crate) entity: mcp_types::Tool,
    input: Schema,
    output: Option<Schema>,
    /// Whether older clients see the output inside of `{"result": …}` (T-84).
    wraps: bool,
    /// How arguments are mirrored into HTTP headers, when some are.
    pub(crate) headers: Option<Arc<ParamHeaders>>,
    handler: Erased<ToolReply>,
    /// Whether what goes in and out is held against the schemas.
    checked: bool,
    task: Option<TaskMode>,
    /// Other names that it is called by.
    pub(crate) aliases: Vec<String>,
}

/// What came of one run of a handler.
pub(crate) type Ran = Result<ToolReply, Unfit>;

/// Answers `tools/call`.
pub(crate) async fn call(core: &Arc<Core>, cx: Cx) -> Answer {
    let cx = Ending(cx);
    let registry = core.registry();
    if !registry.has_tools() {
        return Err(RpcError::method_not_found("tools/call"));
    }
    let name =
        cx.params().name().ok_or_else(|| RpcError::invalid_params("`name` must be a string that names a tool"))?;
    let Some(tool) = registry.tools.find(&name) else {
        return Err(registry.tools.unknown("tool", &name));
    };
    if let Some(refused) = tool.refused(&cx) {
        return refused.and_then(|outcome| tool.encode(core, &cx, outcome));
    }
    let as_task = tool.task.is_some() && cx.may_become_task();
    if !as_task && tool.task == Some(TaskMode::Required) {
        era::check_task(cx.caller())?;
    }
    let handler = tool.start(&cx);
    if as_task {
        return Box::pin(task::begin(core, cx, Arc::clone(tool), handler)).await;
    }
    let named = Named { kind: "tool", name: &name };
    let detached = match rounds(&cx, named, handler, || tool.start(&cx), |ran| tool.told(ran)).await {
        Came::Detaches(run) => run,
        Came::Told(told) => return told.and_then(|outcome| tool.encode(core, &cx, outcome)),
        Came::Unasked(error) => {
            return reply::failed(error.into()).and_then(|outcome| tool.encode(core, &cx, outcome));
        }
        Came::Stopped(stopped) => return tool.stopped(stopped).and_then(|outcome| tool.encode(core, &cx, outcome)),
    };
    Box::pin(task::begin(core, cx, Arc::clone(tool), detached)).await
}

impl ToolEntry {
    pub(crate) fn makes_tasks(&self) -> bool {
        self.task.is_some()
    }

    /// Returns how a call is answered whose arguments are wrong.
    fn refused(&self, cx: &Cx) -> Option<ToolReply> {
        let name = &self.entity.name;
        let arguments = arguments(cx);
        if !arguments.is_object() {
            return Some(Err(RpcError::invalid_params("`arguments` must be an object")));
        }
        let faults = self.input.check(&arguments).err()?;
        Some(failed(format!("invalid arguments for tool `{name}`:\n{faults}\nCorrect them and call it again.")))
    }

    /// Begins a run of the handler, which does nothing before it is polled.
    pub(crate) fn start(&self, cx: &Cx) -> Caught<Ran> {
        caught((self.handler)(cx.clone()))
    }

    /// Runs the handler in the midst of another call, with the arguments and the caller of that call, and within the
    /// bounds of its own server.
    pub(crate) async fn run_within(&self, core: &Core, cx: &Cx) -> ToolReply {
        let mut reply = match self.refused(cx) {
            Some(refused) => refused,
            None => match self.run(core.bounds(), cx).await {
                Ok(ran) => self.told(ran),
                Err(stopped) => self.stopped(stopped),
            },
        };
        // Whoever answers the call wraps the output for its caller; wrapped twice it would follow no schema.
        if let Ok(ToolsCallOutcome::Complete(result)) = &mut reply {
            self.check_output(result);
        }
        reply
    }

    async fn run(&self, bounds: &Bounds, cx: &Cx) -> Result<Ran, Stopped> {
        let named = Named { kind: "tool", name: &self.entity.name };
        let run = self.start(cx);
        let run = match cx.asking().task() {
            Some(_) => run,
            None => match bounds.run(cx, named, run).await? {
                // Whoever runs the call sees the same question, and drops this.
                Ended::Asks => pending().await,
                Ended::Detaches(run) => run,
                Ended::Returned(ran) => return Ok(ran),
            },
        };
        // What goes on as a task has no bounds.
        run.await.map_err(|panic| {
            bounds.report(named, &*panic);
            Stopped::Panicked
        })
    }

    /// Says why a run gave no answer.
    fn stopped(&self, stopped: Stopped) -> ToolReply {
        let told = format!("tool `{}` {stopped}", self.entity.name);
        if stopped == Stopped::Panicked { Err(RpcError::internal(told)) } else { failed(told) }
    }

    /// Returns what a run says: a call that does not fit the handler is told to the model.
    pub(crate) fn told(&self, ran: Ran) -> ToolReply {
        let name = &self.entity.name;
        ran.unwrap_or_else(|Unfit { why }| {
            failed(format!("invalid arguments for tool `{name}`:\n- {why}\nCorrect them and call it again."))
        })
    }

    /// Encodes an outcome as the caller understands it, and within the bounds of this server.
    pub(crate) fn encode(&self, core: &Core, cx: &Cx, mut outcome: ToolsCallOutcome) -> Answer {
        if let ToolsCallOutcome::Complete(result) = &mut outcome {
            self.finish(result, cx.features());
        }
        era::check_available(&outcome, cx.caller())?;
        let answer = era::encode(core, cx.caller(), outcome)?;
        let (size, most) = (answer.as_bytes().len(), core.limits().result_bytes);
        if size <= most {
            return Ok(answer);
        }
        let name = &self.entity.name;
        let told = CallToolResult::error(format!(
            "the result of `{name}` has {size} bytes, more than the {most} that this server sends; ask for less"
        ));
        era::encode(core, cx.caller(), told)
    }

    /// Checks the structured output, and wraps it for callers that know only objects (T-83, T-84).
    fn finish(&self, result: &mut CallToolResult, features: Features) {
        self.check_output(result);
        let is_old = !features.has(Features::STRUCTURED_ANY) && features.has(Features::STRUCTURED_OUTPUT);
        if self.wraps && is_old && !result.failed() {
            result.wrap_structured_content();
        }
    }

    /// Holds a result against the output schema; one that does not follow it becomes an error.
    fn check_output(&self, result: &mut CallToolResult) {
        let Some(schema) = &self.output else { return };
        if result.failed() {
            return;
        }
        let checked = match &result.structured_content {
            Some(value) => schema.check(value),
            None if self.checked => Err("- `structuredContent` is missing".to_owned()),
            None => Ok(()),
        };
        if let Err(faults) = checked {
            let name = &self.entity.name;
            *result = CallToolResult::error(format!(
                "internal error: the result of tool `{name}` does not follow its output schema:\n{faults}"
            ));
        }
    }
}

fn failed(text: String) -> ToolReply {
    Ok(ToolsCallOutcome::Complete(CallToolResult::error(text)))
}

/// Returns the arguments of a call; absent ones are `{}`.
fn arguments(cx: &Cx) -> RawJson {
    cx.params().arguments().filter(|arguments| !arguments.is_null()).unwrap_or_else(RawJson::empty_object)
}

fn opened(schema: &RawJson) -> RawJson {
    let Ok(serde_json::Value::Object(mut root)) = schema.to_value() else { return schema.clone() };
    root.remove("additionalProperties");
    root.remove("unevaluatedProperties");
    root.into()
}

/// Reads the `x-mcp-header` annotations (H-31).
fn param_headers(schema: &RawJson) -> Result<Option<Arc<ParamHeaders>>, String> {
    // Most schemas have none, and looking for the word is cheaper than building a tree.
    if !schema.as_str().contains("x-mcp-header") {
        return Ok(None);
    }
    let value = schema.to_value().map_err(|error| error.to_string())?;
    match ParamHeaders::from_schema(&value) {
        Ok(headers) if headers.is_empty() => Ok(None),
        Ok(headers) => Ok(Some(Arc::new(headers))),
        Err(faults) => Err(faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")),
    }
}
