//! What is written for a revision is what the official schema of that revision allows, and nothing more.
//!
//! Each sample has every optional member set. It is projected for each revision that has its type, and checked against
//! the schema of that revision *closed*: every object that lists its properties allows no others, at any depth.

#![allow(clippy::unwrap_used)] // Clippy takes only the functions marked as tests for tests.

use std::collections::BTreeSet;
use std::fs;

use jsonschema::Validator;
use mcp_types::*;
use serde::Serialize;
use serde_json::{Map, Value, json};

mod spec;

/// The official schema of a revision.
struct Schema {
    revision: Revision,
    document: Map<String, Value>,
    /// Where its definitions are: `definitions`, or since 2026-07-28 `$defs`.
    definitions: &'static str,
}

/// Every sample that was checked, as revision and name.
#[derive(Default)]
struct Checked {
    done: BTreeSet<(Revision, &'static str)>,
    faults: Vec<String>,
}

impl Schema {
    fn load(revision: Revision, text: &str) -> Self {
        let mut document: Value = serde_json::from_str(text).unwrap();
        let definitions = if document.get("$defs").is_some() { "$defs" } else { "definitions" };
        close(&mut document, "");
        let Value::Object(document) = document else { panic!("the schema of {revision} is not an object") };
        Self { revision, document, definitions }
    }

    /// Returns the validator of a definition, or of `/properties/params` in one, when this revision has it.
    fn validator(&self, path: &str) -> Option<Validator> {
        let pointer = format!("/{}/{path}", self.definitions);
        Value::Object(self.document.clone()).pointer(&pointer)?;
        let mut root = self.document.clone();
        root.insert("$ref".to_owned(), format!("#{pointer}").into());
        root.remove("anyOf");
        Some(jsonschema::validator_for(&Value::Object(root)).unwrap())
    }
}

/// Closes every object that lists its properties. Parameters may always carry `_meta`, which old schemas say elsewhere.
fn close(schema: &mut Value, name: &str) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(|item| close(item, "")),
        Value::Object(members) => {
            let lists = members.get("properties").is_some_and(Value::is_object) && members.get("type").is_some();
            if lists && !members.contains_key("additionalProperties") {
                members.insert("additionalProperties".to_owned(), false.into());
                if name == "params" {
                    members["properties"].as_object_mut().unwrap().entry("_meta").or_insert(json!({}));
                }
            }
            members.iter_mut().for_each(|(name, member)| close(member, name));
        }
        _ => {}
    }
}

impl Checked {
    fn check<T: Project + Serialize + Clone>(&mut self, schema: &Schema, path: &'static str, sample: &T) {
        let Some(validator) = schema.validator(path) else { return };
        self.done.insert((schema.revision, path));
        let mut projected = sample.clone();
        projected.project(schema.revision.features());
        let mut value = serde_json::to_value(&projected).unwrap();
        allow_extensions(&mut value, schema.revision, path);
        for error in validator.iter_errors(&value) {
            self.faults.push(format!("{} {path} at {}: {error}", schema.revision, error.instance_path()));
        }
    }
}

/// `extensions` are sent in every revision (T-63), though only the last schema has them.
fn allow_extensions(value: &mut Value, revision: Revision, path: &str) {
    if revision != Revision::LATEST && (path.contains("Capabilities") || path.contains("Initialize")) {
        let capabilities = if path.contains("Capabilities") { Some(value) } else { value.get_mut("capabilities") };
        capabilities.and_then(Value::as_object_mut).and_then(|members| members.remove("extensions"));
    }
}

fn raw(value: Value) -> RawJson {
    value.into()
}

fn object(value: Value) -> JsonObject {
    serde_json::from_value(value).unwrap()
}

fn meta() -> Meta {
    object(json!({"com.example/a": 1}))
}

fn icons() -> Vec<Icon> {
    vec![Icon::new("https://example.com/i.png").mime_type("image/png").sizes(json!(["48x48"])).theme("dark")]
}

fn implementation() -> Implementation {
    Implementation::new("n", "1").title("N").description("d").website_url("https://example.com").icons(icons())
}

fn client_capabilities() -> ClientCapabilities {
    ClientCapabilities::new()
        .experimental(object(json!({"e": {}})))
        .roots(RootsCapability::new().list_changed(true))
        .sampling(SamplingCapability::new().context(JsonObject::new()).tools(JsonObject::new()))
        .elicitation(ElicitationCapability::new().form(JsonObject::new()).url(JsonObject::new()))
        .tasks(tasks_capability(json!({"sampling": {"createMessage": {}}})))
        .extensions(object(json!({"com.example/e": {}})))
}

fn tasks_capability(requests: Value) -> TasksCapability {
    TasksCapability::new().list(JsonObject::new()).cancel(JsonObject::new()).requests(object(requests))
}

fn server_capabilities() -> ServerCapabilities {
    ServerCapabilities::new()
        .experimental(object(json!({"e": {}})))
        .logging(JsonObject::new())
        .completions(JsonObject::new())
        .prompts(PromptsCapability::new().list_changed(true))
        .resources(ResourcesCapability::new().list_changed(true).subscribe(true))
        .tools(ToolsCapability::new().list_changed(true))
        .tasks(tasks_capability(json!({"tools": {"call": {}}})))
        .extensions(object(json!({"com.example/e": {}})))
}

fn request_meta() -> RequestMeta {
    RequestMeta::new()
        .progress_token("t")
        .protocol_version(Revision::LATEST)
        .client_capabilities(client_capabilities())
        .client_info(implementation())
        .log_level(LoggingLevel::Info)
}

fn result_meta() -> ResultMeta {
    ResultMeta::new().server_info(implementation())
}

fn notification_meta() -> Meta {
    object(json!({"io.modelcontextprotocol/subscriptionId": 1}))
}

fn annotations() -> Annotations {
    Annotations::new().audience([Role::User, Role::Assistant]).priority(0.5).last_modified("2025-01-01T00:00:00Z")
}

fn contents() -> ResourceContents {
    TextResourceContents::new("a:b", "t").mime_type("text/plain").meta(meta()).into()
}

fn blob() -> ResourceContents {
    BlobResourceContents::new("a:b", "AA==").mime_type("a/b").meta(meta()).into()
}

fn resource() -> Resource {
    Resource::new("a:b", "n")
        .title("T")
        .description("d")
        .mime_type("a/b")
        .annotations(annotations())
        .size(7_u64)
        .icons(icons())
        .meta(meta())
}

fn resource_template() -> ResourceTemplate {
    ResourceTemplate::new("a:{b}", "n")
        .title("T")
        .description("d")
        .mime_type("a/b")
        .annotations(annotations())
        .icons(icons())
        .meta(meta())
}

fn text() -> TextContent {
    TextContent::new("t").annotations(annotations()).meta(meta())
}

fn image() -> ImageContent {
    ImageContent::new("AA==", "image/png").annotations(annotations()).meta(meta())
}

fn audio() -> AudioContent {
    AudioContent::new("AA==", "audio/wav").annotations(annotations()).meta(meta())
}

fn embedded() -> EmbeddedResource {
    EmbeddedResource::new(contents()).annotations(annotations()).meta(meta())
}

fn blocks() -> Vec<ContentBlock> {
    vec![text().into(), image().into(), audio().into(), ResourceLink::from(resource()).into(), embedded().into()]
}

fn blocks_of_legacy_servers() -> Vec<ContentBlock> {
    let mut blocks = blocks();
    blocks.push(ContentBlock::Unknown(raw(json!({"type": "hologram"}))));
    blocks
}

fn tool(output_schema: Value) -> Tool {
    Tool::new("t", json!({"type": "object", "properties": {"a": {}}, "required": ["a"]}))
        .title("T")
        .description("d")
        .output_schema(output_schema)
        .annotations(
            ToolAnnotations::new()
                .title("T")
                .read_only_hint(true)
                .destructive_hint(false)
                .idempotent_hint(true)
                .open_world_hint(false),
        )
        .execution(ToolExecution::new().task_support("optional"))
        .icons(icons())
        .meta(meta())
}

fn tools() -> Vec<Tool> {
    vec![tool(json!({"type": "object", "properties": {}, "required": []})), tool(json!({"type": "array"}))]
}

fn prompt() -> Prompt {
    Prompt::new("p")
        .title("P")
        .description("d")
        .arguments([PromptArgument::new("a").title("A").description("d").required(true)])
        .icons(icons())
        .meta(meta())
}

fn sampling_blocks() -> Vec<SamplingMessageContentBlock> {
    vec![
        SamplingMessageContentBlock::Text(text()),
        SamplingMessageContentBlock::Image(image()),
        SamplingMessageContentBlock::Audio(audio()),
        SamplingMessageContentBlock::ToolUse(tool_use()),
        SamplingMessageContentBlock::ToolResult(tool_result()),
    ]
}

fn tool_use() -> ToolUseContent {
    ToolUseContent::new("1", "t", json!({"a": 1})).meta(meta())
}

fn tool_result() -> ToolResultContent {
    ToolResultContent::new("1").content(blocks()).is_error(false).structured_content(json!([1])).meta(meta())
}

fn create_message() -> CreateMessageRequestParams {
    let many = SamplingMessage::new("assistant", sampling_blocks()).meta(meta());
    let one = SamplingMessage::new("user", SamplingMessageContentBlock::Audio(audio())).meta(meta());
    CreateMessageRequestParams::new([many, one], 100_u64)
        .model_preferences(
            ModelPreferences::new()
                .hints([ModelHint::new().name("m")])
                .cost_priority(0.1)
                .speed_priority(0.2)
                .intelligence_priority(1.0),
        )
        .system_prompt("s")
        .include_context("thisServer")
        .temperature(0.7)
        .stop_sequences(["x".to_owned()])
        .metadata(meta())
        .tools(tools())
        .tool_choice(ToolChoice::new().mode("auto"))
        .task(TaskMetadata::new().ttl(1_u64))
        .meta(request_meta())
}

fn requested_schema() -> RequestedSchema {
    let option = || EnumOption::new("a", "A");
    RequestedSchema::new()
        .schema("https://json-schema.org/draft/2020-12/schema")
        .required_property(
            "text",
            StringSchema::new()
                .title("T")
                .description("d")
                .min_length(1_u64)
                .max_length(9_u64)
                .format("email")
                .default("a"),
        )
        .property("number", NumberSchema::number().title("T").description("d").minimum(0.0).maximum(9.0).default(1.0))
        .property("integer", NumberSchema::integer())
        .property("boolean", BooleanSchema::new().title("T").description("d").default(true))
        .property("one", UntitledSingleSelectEnumSchema::new(["a".to_owned()]).title("T").description("d").default("a"))
        .required_property(
            "titled",
            TitledSingleSelectEnumSchema::new([option()]).title("T").description("d").default("a"),
        )
        .required_property(
            "many",
            UntitledMultiSelectEnumSchema::new(UntitledItems::new(["a".to_owned()]))
                .title("T")
                .description("d")
                .min_items(0_u64)
                .max_items(1_u64)
                .default(["a".to_owned()]),
        )
        .property(
            "titled many",
            TitledMultiSelectEnumSchema::new(TitledItems::new([option()])).min_items(0_u64).max_items(1_u64),
        )
        .property(
            "legacy",
            LegacyTitledEnumSchema::new(["a".to_owned()]).enum_names(["A".to_owned()]).title("T").default("a"),
        )
}

fn form() -> ElicitRequestFormParams {
    ElicitRequestFormParams::new("m", requested_schema())
        .mode("form")
        .task(TaskMetadata::new().ttl(1_u64))
        .meta(request_meta())
}

fn url() -> ElicitRequestUrlParams {
    ElicitRequestUrlParams::new("m", "https://example.com")
        .elicitation_id("e")
        .task(TaskMetadata::new().ttl(1_u64))
        .meta(request_meta())
}

fn input_requests() -> InputRequests {
    [
        ("form", InputRequest::from(ElicitRequestParams::from(form()))),
        ("url", ElicitRequestParams::from(url()).into()),
        ("sample", create_message().into()),
        ("roots", InputRequest::ListRoots(None)),
    ]
    .into_iter()
    .collect()
}

fn input_responses() -> InputResponses {
    let mut responses = InputResponses::new();
    let accepted = ElicitResult::new("accept").content(object(json!({"a": ["b"]})));
    responses.insert::<methods::ElicitationCreate>("form", &accepted).unwrap();
    responses
}

fn legacy_task() -> LegacyTask {
    LegacyTask::new("1", "working", "2025-01-01T00:00:00Z", "2025-01-01T00:00:00Z")
        .ttl(7_u64)
        .status_message("s")
        .poll_interval(5_u64)
}

fn strings(key: &str, value: &str) -> std::collections::BTreeMap<String, String> {
    [(key.to_owned(), value.to_owned())].into()
}

fn check_shared(checked: &mut Checked, schema: &Schema) {
    checked.check(schema, "Annotations", &annotations());
    checked.check(schema, "Implementation", &implementation());
    checked.check(schema, "ClientCapabilities", &client_capabilities());
    checked.check(schema, "ServerCapabilities", &server_capabilities());
    checked.check(schema, "TextContent", &text());
    checked.check(schema, "ImageContent", &image());
    checked.check(schema, "AudioContent", &audio());
    checked.check(schema, "ResourceLink", &ResourceLink::from(resource()));
    checked.check(schema, "EmbeddedResource", &embedded());
    checked.check(schema, "EmptyResult", &EmptyResult::new().meta(result_meta()));
    let paginated = PaginatedRequestParams::new().cursor("c").meta(request_meta());
    for list in ["ListToolsRequest", "ListPromptsRequest", "ListResourcesRequest", "ListResourceTemplatesRequest"] {
        checked.check(schema, params_of(list), &paginated);
    }
}

/// Returns where the parameters of a request or a notification are defined.
fn params_of(name: &str) -> &'static str {
    format!("{name}/properties/params").leak()
}

fn check_tools(checked: &mut Checked, schema: &Schema) {
    for tool in tools() {
        checked.check(schema, "Tool", &tool);
    }
    let list = ListToolsResult::new(tools()).next_cursor("c").meta(result_meta());
    checked.check(schema, "ListToolsResult", &list);
    let call = CallToolRequestParams::new("t")
        .arguments(json!({"a": 1}))
        .input_responses(input_responses())
        .request_state("s")
        .task(TaskMetadata::new().ttl(1_u64))
        .meta(request_meta());
    checked.check(schema, params_of("CallToolRequest"), &call);
    for structured in [json!({"a": 1}), json!([1]), Value::Null] {
        let blocks = if schema.revision == Revision::LATEST { blocks() } else { blocks_of_legacy_servers() };
        let result = CallToolResult::new().content(blocks).is_error(true).meta(result_meta());
        checked.check(schema, "CallToolResult", &ToolsCallOutcome::from(result.structured_content(structured)));
    }
}

fn check_resources(checked: &mut Checked, schema: &Schema) {
    checked.check(schema, "Resource", &resource());
    checked.check(schema, "ResourceTemplate", &resource_template());
    checked.check(schema, "TextResourceContents", &contents());
    checked.check(schema, "BlobResourceContents", &blob());
    let list = ListResourcesResult::new([resource()]).next_cursor("c").meta(result_meta());
    checked.check(schema, "ListResourcesResult", &list);
    let list = ListResourceTemplatesResult::new([resource_template()]).next_cursor("c").meta(result_meta());
    checked.check(schema, "ListResourceTemplatesResult", &list);
    let read = ReadResourceRequestParams::new("a:b")
        .input_responses(input_responses())
        .request_state("s")
        .meta(request_meta());
    checked.check(schema, params_of("ReadResourceRequest"), &read);
    let result = ReadResourceResult::new([contents(), blob()]).ttl_ms(5_u64).cache_scope("public").meta(result_meta());
    checked.check(schema, "ReadResourceResult", &ResourcesReadOutcome::from(result));
    let subscribe = SubscribeRequestParams::new("a:b").meta(request_meta());
    checked.check(schema, params_of("SubscribeRequest"), &subscribe);
    let unsubscribe = UnsubscribeRequestParams::new("a:b").meta(request_meta());
    checked.check(schema, params_of("UnsubscribeRequest"), &unsubscribe);
    let updated = ResourceUpdatedNotificationParams::new("a:b").meta(notification_meta());
    checked.check(schema, params_of("ResourceUpdatedNotification"), &updated);
}

fn check_prompts(checked: &mut Checked, schema: &Schema) {
    checked.check(schema, "Prompt", &prompt());
    let list = ListPromptsResult::new([prompt()]).next_cursor("c").meta(result_meta());
    checked.check(schema, "ListPromptsResult", &list);
    let get = GetPromptRequestParams::new("p")
        .arguments(strings("a", "b"))
        .input_responses(input_responses())
        .request_state("s")
        .meta(request_meta());
    checked.check(schema, params_of("GetPromptRequest"), &get);
    let messages: Vec<_> = blocks().into_iter().map(|block| PromptMessage::new("user", block)).collect();
    let result = GetPromptResult::new(messages).description("d").meta(result_meta());
    checked.check(schema, "GetPromptResult", &PromptsGetOutcome::from(result));
    for reference in [
        CompletionReference::from(PromptReference::new("p").title("P")),
        ResourceTemplateReference::new("a:{b}").into(),
    ] {
        let complete = CompleteRequestParams::new(reference, CompletionArgument::new("a", "b"))
            .context(CompletionContext::new().arguments(strings("c", "d")))
            .meta(request_meta());
        checked.check(schema, params_of("CompleteRequest"), &complete);
    }
    let result = CompleteResult::new(Completion::new(["a".to_owned()]).total(2_u64).has_more(true)).meta(result_meta());
    checked.check(schema, "CompleteResult", &result);
}

fn check_asks(checked: &mut Checked, schema: &Schema) {
    checked.check(schema, "Root", &Root::new("file:///a").name("n").meta(meta()));
    let roots = ListRootsResult::new([Root::new("file:///a").name("n").meta(meta())]).meta(meta());
    checked.check(schema, "ListRootsResult", &roots);
    checked.check(schema, "ToolUseContent", &tool_use());
    checked.check(schema, "ToolResultContent", &tool_result());
    checked.check(schema, "SamplingMessage", &SamplingMessage::new("user", sampling_blocks()).meta(meta()));
    checked.check(schema, params_of("CreateMessageRequest"), &create_message());
    let result = CreateMessageResult::new("assistant", sampling_blocks(), "m").stop_reason("endTurn").meta(meta());
    checked.check(schema, "CreateMessageResult", &result);
    checked.check(schema, params_of("ElicitRequest"), &ElicitRequestParams::from(form()));
    if schema.revision.features().has(Features::ELICITATION_URL) {
        checked.check(schema, params_of("ElicitRequest"), &ElicitRequestParams::from(url()));
    }
    let result = ElicitResult::new("accept").content(object(json!({"a": "b", "c": 1, "d": true}))).meta(meta());
    checked.check(schema, "ElicitResult", &result);
    let complete = ElicitationCompleteNotificationParams::new("e");
    checked.check(schema, params_of("ElicitationCompleteNotification"), &complete);
    let asked = InputRequiredResult::new().input_requests(input_requests()).request_state("s").meta(result_meta());
    checked.check(schema, "InputRequiredResult", &asked);
}

fn check_utilities(checked: &mut Checked, schema: &Schema) {
    let initialize = InitializeRequestParams::new(Revision::LATEST_LEGACY, client_capabilities(), implementation());
    checked.check(schema, params_of("InitializeRequest"), &initialize.meta(request_meta()));
    let result = InitializeResult::new(Revision::LATEST_LEGACY, server_capabilities(), implementation());
    checked.check(schema, "InitializeResult", &result.instructions("i").meta(result_meta()));
    let versions = [ProtocolVersion::from(Revision::LATEST)];
    let discovered = DiscoverResult::new(versions, server_capabilities()).instructions("i").meta(result_meta());
    checked.check(schema, "DiscoverResult", &discovered);
    let filter = SubscriptionFilter::new()
        .tools_list_changed(true)
        .prompts_list_changed(true)
        .resources_list_changed(false)
        .resource_subscriptions(["a:b".to_owned()]);
    let listen = SubscriptionsListenRequestParams::new(filter.clone()).meta(request_meta());
    checked.check(schema, params_of("SubscriptionsListenRequest"), &listen);
    let ended = SubscriptionsListenResult::new(result_meta().subscription_id(1));
    checked.check(schema, "SubscriptionsListenResult", &ended);
    let acknowledged = SubscriptionsAcknowledgedNotificationParams::new(filter).meta(notification_meta());
    checked.check(schema, params_of("SubscriptionsAcknowledgedNotification"), &acknowledged);
    let level = SetLevelRequestParams::new(LoggingLevel::Alert).meta(request_meta());
    checked.check(schema, params_of("SetLevelRequest"), &level);
    let message = LoggingMessageNotificationParams::new(LoggingLevel::Debug, json!(null)).logger("l");
    checked.check(schema, params_of("LoggingMessageNotification"), &message.meta(notification_meta()));
    let progress = ProgressNotificationParams::new("t", 0.5).total(2.0).message("m").meta(notification_meta());
    checked.check(schema, params_of("ProgressNotification"), &progress);
    let cancelled = CancelledNotificationParams::new(7).reason("r").meta(notification_meta());
    checked.check(schema, params_of("CancelledNotification"), &cancelled);
    let changed = NotificationParams::new().meta(notification_meta());
    for name in ["InitializedNotification", "RootsListChangedNotification", "ToolListChangedNotification"] {
        checked.check(schema, params_of(name), &changed);
    }
    checked.check(schema, params_of("PingRequest"), &RequestParams::new().meta(request_meta()));
}

fn check_tasks(checked: &mut Checked, schema: &Schema) {
    checked.check(schema, "Task", &legacy_task());
    checked.check(schema, "CreateTaskResult", &LegacyCreateTaskResult::new(legacy_task()).meta(result_meta()));
    let list = LegacyListTasksResult::new([legacy_task()]).next_cursor("c").meta(result_meta());
    checked.check(schema, "ListTasksResult", &list);
    checked.check(schema, params_of("GetTaskRequest"), &GetTaskRequestParams::new("1"));
    checked.check(schema, params_of("CancelTaskRequest"), &CancelTaskRequestParams::new("1"));
}

#[test]
fn what_is_written_for_a_revision_is_in_its_schema_and_nothing_else_is() {
    let Some(dir) = spec::spec_dir() else { return };
    let mut checked = Checked::default();
    for revision in Revision::ALL {
        let text = fs::read_to_string(dir.join(revision.as_str()).join("schema.json")).unwrap();
        let schema = Schema::load(revision, &text);
        check_shared(&mut checked, &schema);
        check_tools(&mut checked, &schema);
        check_resources(&mut checked, &schema);
        check_prompts(&mut checked, &schema);
        check_asks(&mut checked, &schema);
        check_utilities(&mut checked, &schema);
        check_tasks(&mut checked, &schema);
    }
    assert!(checked.faults.is_empty(), "{} faults:\n{}", checked.faults.len(), checked.faults.join("\n"));
    let counts = Revision::ALL.map(|revision| checked.done.iter().filter(|(of, _)| *of == revision).count());
    // A type that is no longer found in a schema would be skipped in silence; the numbers say so.
    assert_eq!(counts, [47, 49, 52, 60, 51]);
}

#[test]
fn a_closed_schema_refuses_what_is_not_in_it() {
    let Some(dir) = spec::spec_dir() else { return };
    let text = fs::read_to_string(dir.join("2024-11-05/schema.json")).unwrap();
    let schema = Schema::load(Revision::V2024_11_05, &text);
    let validator = schema.validator("Tool").unwrap();
    assert!(validator.is_valid(&json!({"name": "t", "inputSchema": {"type": "object"}})));
    assert!(!validator.is_valid(&json!({"name": "t", "inputSchema": {"type": "object"}, "title": "T"})));
    assert!(!validator.is_valid(&serde_json::to_value(tool(json!({}))).unwrap()));
}
