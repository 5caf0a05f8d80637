//! The table of digest 1.16: in which of the five revisions a projected value still has a member.

#![allow(clippy::unwrap_used)] // Clippy takes only the functions marked as tests for tests.

use mcp_types::*;
use serde::Serialize;
use serde_json::{Value, json};

/// Returns one letter a revision: `x` where the projected value has something at `pointer`, `-` where it has not.
fn emitted<T: Project + Serialize + Clone>(value: &T, pointer: &str) -> String {
    Revision::ALL
        .map(|revision| if written(value, revision).pointer(pointer).is_some() { 'x' } else { '-' })
        .iter()
        .collect()
}

fn written<T: Project + Serialize + Clone>(value: &T, revision: Revision) -> Value {
    let mut projected = value.clone();
    projected.project(revision.features());
    serde_json::to_value(&projected).unwrap()
}

#[track_caller]
fn check<T: Project + Serialize + Clone>(value: &T, pointer: &str, expected: &str) {
    assert_eq!(emitted(value, pointer), expected, "{pointer}");
}

fn meta() -> Meta {
    serde_json::from_value(json!({"a": 1})).unwrap()
}

fn icons() -> Vec<Icon> {
    vec![Icon::new("https://example.com/i.png")]
}

fn server_info() -> ResultMeta {
    ResultMeta::new().server_info(Implementation::new("n", "1"))
}

#[test]
fn results_say_what_they_are_and_who_answers_only_in_the_modern_era() {
    let check_result = |result: &dyn Fn(&str) -> String| {
        assert_eq!(result("/resultType"), "----x");
        assert_eq!(result("/_meta"), "----x");
    };
    check_result(&|at| emitted(&CallToolResult::new().meta(server_info()), at));
    check_result(&|at| emitted(&GetPromptResult::new([]).meta(server_info()), at));
    check_result(&|at| emitted(&CompleteResult::new(Completion::new([])).meta(server_info()), at));
    check_result(&|at| emitted(&EmptyResult::new().meta(server_info()), at));
    check_result(&|at| emitted(&ListToolsResult::new([]).meta(server_info()), at));
    check_result(&|at| emitted(&EmptyResult::new().result_type("complete").meta(server_info()), at));
}

#[test]
fn six_results_say_how_they_may_be_cached_only_in_the_modern_era() {
    let check_result = |result: &dyn Fn(&str) -> String| {
        assert_eq!(result("/ttlMs"), "----x");
        assert_eq!(result("/cacheScope"), "----x");
    };
    check_result(&|at| emitted(&ListToolsResult::new([]).ttl_ms(5_u64).cache_scope("public"), at));
    check_result(&|at| emitted(&ListPromptsResult::new([]).ttl_ms(5_u64).cache_scope("public"), at));
    check_result(&|at| emitted(&ListResourcesResult::new([]).ttl_ms(5_u64).cache_scope("public"), at));
    check_result(&|at| emitted(&ListResourceTemplatesResult::new([]).ttl_ms(5_u64).cache_scope("public"), at));
    check_result(&|at| emitted(&ReadResourceResult::new([]).ttl_ms(5_u64).cache_scope("public"), at));
    check_result(&|at| emitted(&DiscoverResult::new([], ServerCapabilities::new()), at));
    check(&CallToolResult::new(), "/ttlMs", "-----");
}

#[test]
fn what_a_modern_result_must_say_is_filled_in_and_never_overwritten() {
    let unsaid = written(&ListToolsResult::new([]), Revision::LATEST);
    assert_eq!(unsaid, json!({"tools": [], "resultType": "complete", "ttlMs": 0, "cacheScope": "private"}));
    let said = ListToolsResult::new([]).ttl_ms(5_u64).cache_scope("public").result_type("other");
    let written = written(&said, Revision::LATEST);
    assert_eq!(written, json!({"tools": [], "resultType": "other", "ttlMs": 5, "cacheScope": "public"}));
}

#[test]
fn entities_have_meta_titles_and_icons_when_their_revision_has() {
    let tool = Tool::new("t", json!({"type": "object"})).title("T").icons(icons()).meta(meta());
    let prompt = Prompt::new("p").title("T").icons(icons()).meta(meta());
    let resource = Resource::new("a:b", "r").title("T").icons(icons()).meta(meta());
    let template = ResourceTemplate::new("a:{b}", "r").title("T").icons(icons()).meta(meta());
    for (pointer, expected) in [("/_meta", "--xxx"), ("/title", "--xxx"), ("/icons", "---xx")] {
        check(&tool, pointer, expected);
        check(&prompt, pointer, expected);
        check(&resource, pointer, expected);
        check(&template, pointer, expected);
    }
    check(&Prompt::new("p").arguments([PromptArgument::new("a").title("A")]), "/arguments/0/title", "--xxx");
    check(&PromptReference::new("p").title("P"), "/title", "--xxx");
    check(&Root::new("file:///a").meta(meta()), "/_meta", "--xxx");
    for contents in [ResourceContents::text("a:b", ""), ResourceContents::blob("a:b", "")] {
        check(&ReadResourceResult::new([with_meta(contents)]), "/contents/0/_meta", "--xxx");
    }
    check(&ContentBlock::from(TextContent::new("t").meta(meta())), "/_meta", "--xxx");
    check(&ContentBlock::from(ImageContent::new("", "a/b").meta(meta())), "/_meta", "--xxx");
    check(&ContentBlock::from(AudioContent::new("", "a/b").meta(meta())), "/_meta", "--xxx");
    check(
        &ContentBlock::from(EmbeddedResource::new(ResourceContents::text("a:b", "")).meta(meta())),
        "/_meta",
        "--xxx",
    );
}

fn with_meta(contents: ResourceContents) -> ResourceContents {
    match contents {
        ResourceContents::Text(contents) => contents.meta(meta()).into(),
        ResourceContents::Blob(contents) => contents.meta(meta()).into(),
        _ => unreachable!("there are two kinds of contents"),
    }
}

#[test]
fn an_implementation_is_described_when_its_revision_can() {
    let implementation =
        Implementation::new("n", "1").title("T").description("d").website_url("https://example.com").icons(icons());
    check(&implementation, "/title", "--xxx");
    check(&implementation, "/description", "---xx");
    check(&implementation, "/websiteUrl", "---xx");
    check(&implementation, "/icons", "---xx");
    let initialize = InitializeRequestParams::new("2025-11-25", ClientCapabilities::new(), implementation.clone());
    check(&initialize, "/clientInfo/description", "---xx");
    let result = InitializeResult::new("2025-11-25", ServerCapabilities::new(), implementation);
    check(&result, "/serverInfo/description", "---xx");
}

#[test]
fn annotations_have_a_date_since_2025_06_18() {
    let annotations = Annotations::new().last_modified("2025-01-01T00:00:00Z");
    check(&Resource::new("a:b", "r").annotations(annotations.clone()), "/annotations/lastModified", "--xxx");
    check(&ContentBlock::from(TextContent::new("t").annotations(annotations)), "/annotations/lastModified", "--xxx");
}

#[test]
fn tools_have_what_their_revision_has() {
    let tool = Tool::new("t", json!({"type": "object"}))
        .annotations(ToolAnnotations::new().read_only_hint(true))
        .output_schema(json!({"type": "object"}))
        .execution(ToolExecution::new());
    check(&tool, "/annotations", "-xxxx");
    check(&tool, "/outputSchema", "--xxx");
    check(&tool, "/execution", "---x-");
    check(&CallToolResult::structured(json!({"a": 1})), "/structuredContent", "--xxx");
}

#[test]
fn structured_output_that_is_no_object_is_wrapped_where_it_must_be_one() {
    let tool = Tool::new("t", json!({"type": "object"})).output_schema(json!({"type": "integer"}));
    check(&tool, "/outputSchema/properties/result/type", "--xx-");
    assert_eq!(written(&tool, Revision::LATEST)["outputSchema"], json!({"type": "integer"}));
    let result = CallToolResult::structured(json!(7));
    check(&result, "/structuredContent/result", "--xx-");
    assert_eq!(written(&result, Revision::LATEST)["structuredContent"], json!(7));
    let null = CallToolResult::structured(Value::Null);
    assert_eq!(written(&null, Revision::V2025_06_18)["structuredContent"], json!({"result": null}));
    assert_eq!(written(&null, Revision::LATEST).get("structuredContent"), Some(&Value::Null));
}

#[test]
fn a_block_that_does_not_exist_yet_becomes_a_text() {
    let kinds = |block: ContentBlock| {
        Revision::ALL.map(|revision| written(&block, revision)["type"].as_str().unwrap().to_owned())
    };
    assert_eq!(kinds(ContentBlock::audio("AA==", "audio/wav")), ["text", "audio", "audio", "audio", "audio"]);
    let link = || ContentBlock::resource_link("a:b", "n");
    assert_eq!(kinds(link()), ["text", "text", "resource_link", "resource_link", "resource_link"]);
    assert_eq!(written(&link(), Revision::V2025_03_26), json!({"type": "text", "text": "a:b"}));
    let unknown = ContentBlock::Unknown(json!({"type": "hologram"}).into());
    assert_eq!(kinds(unknown), ["text", "text", "text", "text", "hologram"]);
    let message = PromptMessage::new("user", ContentBlock::audio("AA==", "audio/wav"));
    let text = &written(&message, Revision::V2024_11_05)["content"]["text"];
    assert_eq!(text, "[audio content of type audio/wav]");
}

#[test]
fn sampling_has_tools_and_lists_since_2025_11_25() {
    let call = SamplingMessageContentBlock::ToolUse(ToolUseContent::new("1", "t", json!({"a": 1})));
    let both = vec![SamplingMessageContentBlock::text("hello"), call];
    let params = CreateMessageRequestParams::new([SamplingMessage::new("assistant", both.clone()).meta(meta())], 1_u64)
        .tools([Tool::new("t", json!({"type": "object"}))])
        .tool_choice(ToolChoice::new())
        .task(TaskMetadata::new())
        .meta(RequestMeta::new().progress_token(1));
    check(&params, "/tools", "---xx");
    check(&params, "/toolChoice", "---xx");
    check(&params, "/messages/0/content/0", "---xx");
    check(&params, "/messages/0/_meta", "---xx");
    check(&params, "/messages/1/content/text", "xxx--");
    check(&params, "/task", "---x-");
    check(&params, "/_meta/progressToken", "xxxx-");
    let older = written(&params, Revision::V2025_06_18);
    assert_eq!(older["messages"][0]["content"], json!({"type": "text", "text": "hello"}));
    assert_eq!(older["messages"][1]["content"], json!({"type": "text", "text": "[call of tool t: {\"a\":1}]"}));
    let answer = CreateMessageResult::new("assistant", both, "m");
    let older = written(&answer, Revision::V2024_11_05);
    assert_eq!(older["content"], json!({"type": "text", "text": "hello\n[call of tool t: {\"a\":1}]"}));
}

#[test]
fn progress_completion_and_elicitation_have_what_their_revision_has() {
    check(&ProgressNotificationParams::new(1, 1.0).message("m"), "/message", "-xxxx");
    let complete = CompleteRequestParams::new(ResourceTemplateReference::new("a:b"), CompletionArgument::new("a", ""));
    check(&complete.context(CompletionContext::new()), "/context", "--xxx");
    let url = ElicitRequestUrlParams::new("m", "https://example.com").elicitation_id("e").task(TaskMetadata::new());
    check(&url, "/elicitationId", "---x-");
    check(&url, "/task", "---x-");
    let schema = RequestedSchema::new()
        .property("text", StringSchema::new().default("a"))
        .property("one", TitledSingleSelectEnumSchema::new([EnumOption::new("a", "A")]))
        .required_property("many", UntitledMultiSelectEnumSchema::new(UntitledItems::new(["a".to_owned()])));
    let form = ElicitRequestFormParams::new("m", schema).mode("form");
    check(&form, "/mode", "---xx");
    check(&form, "/requestedSchema/properties/text/default", "---xx");
    check(&form, "/requestedSchema/properties/one/oneOf", "---xx");
    check(&form, "/requestedSchema/properties/one/enumNames", "xxx--");
    check(&form, "/requestedSchema/properties/many", "---xx");
    check(&form, "/requestedSchema/required/0", "---xx");
}

#[test]
fn capabilities_are_those_of_the_revision() {
    let object = JsonObject::new;
    let client = ClientCapabilities::new()
        .roots(RootsCapability::new().list_changed(true))
        .sampling(SamplingCapability::new().tools(object()).context(object()))
        .elicitation(ElicitationCapability::new().form(object()).url(object()))
        .tasks(TasksCapability::new())
        .extensions(object());
    check(&client, "/roots", "xxxxx");
    check(&client, "/roots/listChanged", "xxxx-");
    check(&client, "/sampling/tools", "---xx");
    check(&client, "/sampling/context", "---xx");
    check(&client, "/elicitation", "--xxx");
    check(&client, "/elicitation/form", "---xx");
    check(&client, "/elicitation/url", "---xx");
    check(&client, "/tasks", "---x-");
    check(&client, "/extensions", "xxxxx");
    let only_url = ClientCapabilities::new().elicitation(ElicitationCapability::new().url(object()));
    check(&only_url, "/elicitation", "---xx");
    let server = ServerCapabilities::new().completions(object()).logging(object()).tasks(TasksCapability::new());
    check(&server, "/completions", "-xxxx");
    check(&server, "/logging", "xxxxx");
    check(&server, "/tasks", "---x-");
    check(&InitializeResult::new("2025-11-25", server, Implementation::new("n", "1")), "/capabilities/tasks", "---x-");
}

#[test]
fn requests_carry_what_their_revision_knows() {
    let request_meta = RequestMeta::new()
        .progress_token(1)
        .protocol_version(Revision::LATEST)
        .client_capabilities(ClientCapabilities::new())
        .client_info(Implementation::new("n", "1"))
        .log_level(LoggingLevel::Info);
    let call = CallToolRequestParams::new("t")
        .input_responses(InputResponses::new())
        .request_state("s")
        .task(TaskMetadata::new())
        .meta(request_meta);
    check(&call, "/inputResponses", "----x");
    check(&call, "/requestState", "----x");
    check(&call, "/task", "---x-");
    check(&call, "/_meta/progressToken", "xxxxx");
    for key in ["protocolVersion", "clientCapabilities", "clientInfo", "logLevel"] {
        check(&call, &format!("/_meta/io.modelcontextprotocol~1{key}"), "----x");
    }
    check(&ReadResourceRequestParams::new("a:b").request_state("s"), "/requestState", "----x");
    check(&GetPromptRequestParams::new("p").request_state("s"), "/requestState", "----x");
    let nothing_left = RequestMeta::new().protocol_version(Revision::LATEST);
    check(&PaginatedRequestParams::new().meta(nothing_left), "/_meta", "----x");
}

#[test]
fn notifications_carry_what_their_revision_knows() {
    let related =
        json!({"io.modelcontextprotocol/related-task": {"taskId": "1"}, "io.modelcontextprotocol/subscriptionId": 1});
    let notification = NotificationParams::new().meta(serde_json::from_value::<Meta>(related).unwrap());
    check(&notification, "/_meta/io.modelcontextprotocol~1subscriptionId", "----x");
    check(&notification, "/_meta/io.modelcontextprotocol~1related-task", "---x-");
    check(&notification, "/_meta", "---xx");
}

#[test]
fn what_is_asked_inside_a_result_has_no_meta_of_its_own() {
    let root = || Root::new("file:///a");
    check(&ListRootsResult::new([root()]).meta(meta()), "/_meta", "xxxx-");
    check(&ElicitResult::new("decline").meta(meta()), "/_meta", "xxxx-");
    let form = ElicitRequestFormParams::new("m", RequestedSchema::new()).meta(RequestMeta::new().progress_token(1));
    let requests: InputRequests = [("a", ElicitRequestParams::from(form))].into_iter().collect();
    let asked = ToolsCallOutcome::from(InputRequiredResult::new().input_requests(requests));
    check(&asked, "/inputRequests/a/params/_meta", "xxxx-");
    check(&asked, "/inputRequests/a/params/message", "xxxxx");
}

#[test]
fn members_that_are_not_known_stay() {
    let tool: Tool = serde_json::from_value(json!({"name": "t", "inputSchema": {}, "x": 1})).unwrap();
    check(&tool, "/x", "xxxxx");
}
