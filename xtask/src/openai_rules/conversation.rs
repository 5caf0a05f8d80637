//! What a conversation must keep: every call is answered, once, before anything else; and which parts may stand where.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::{Check, Fault};

/// Checks the `messages` of a request to `/v1/chat/completions`.
pub(crate) fn check_messages(messages: &[Value]) -> Vec<Fault> {
    let mut check = Check::default();
    // The calls of the last assistant message that nobody has answered yet.
    let mut open: BTreeSet<&str> = BTreeSet::new();
    if messages.is_empty() {
        check.fault("messages", "array too short: at least one message");
    }
    for (index, message) in messages.iter().enumerate() {
        let at = format!("messages[{index}]");
        let Some(message) = check.object(&at, message) else { continue };
        let role = message.get("role").and_then(Value::as_str).unwrap_or_default();
        if role != "tool" {
            check.unanswered(&at, &mut open);
        }
        let content = message.get("content");
        match role {
            "system" | "developer" => {
                check.only(&at, message, &["role", "content", "name"]);
                check.parts(&at, content, &["text"]);
            }
            "user" => {
                check.only(&at, message, &["role", "content", "name"]);
                check.parts(&at, content, &["text", "image_url", "input_audio", "file"]);
            }
            "assistant" => open = check.assistant(&at, message),
            "tool" => {
                check.only(&at, message, &["role", "content", "tool_call_id"]);
                check.parts(&at, content, &["text"]);
                let id = check.required_text(&at, message, "tool_call_id").unwrap_or_default();
                if !open.remove(id) {
                    check.fault(format!("{at}.tool_call_id"), &format!("{id:?} answers no call before it"));
                }
            }
            _ => check.fault(format!("{at}.role"), &format!("{role:?} is no role")),
        }
    }
    check.unanswered("messages", &mut open);
    check.faults
}

/// Checks the `input` of a request to `/v1/responses` that continues no earlier response.
pub(crate) fn check_responses_input(input: &[Value]) -> Vec<Fault> {
    let mut items = Items::default();
    for (index, item) in input.iter().enumerate() {
        let at = format!("input[{index}]");
        if let Some(item) = items.check.object(&at, item) {
            items.item(&at, item, index + 1 == input.len());
        }
    }
    for (id, is_answered) in items.calls {
        if !is_answered {
            items.check.fault("input", &format!("no tool output found for function call {id}"));
        }
    }
    items.check.faults
}

impl Check {
    fn unanswered(&mut self, at: &str, open: &mut BTreeSet<&str>) {
        if !open.is_empty() {
            let message = "an assistant message with 'tool_calls' must be followed by tool messages responding to each \
                           'tool_call_id'; no response to";
            self.fault(at, &format!("{message} {open:?}"));
            open.clear();
        }
    }

    fn assistant<'v>(&mut self, at: &str, message: &'v Map<String, Value>) -> BTreeSet<&'v str> {
        self.only(at, message, &["role", "content", "name", "refusal", "audio", "tool_calls", "function_call"]);
        let calls = message.get("tool_calls");
        let mut ids = BTreeSet::new();
        match message.get("content") {
            None | Some(Value::Null) if calls.is_some() || message.contains_key("refusal") => {}
            content => self.parts(at, content, &["text", "refusal"]),
        }
        let Some(calls) = calls else { return ids };
        let at = format!("{at}.tool_calls");
        let Some(calls) = calls.as_array().filter(|calls| !calls.is_empty()) else {
            self.fault(at, "must be a list of at least one call");
            return ids;
        };
        self.count(&at, calls.len(), MAX_CALLS);
        for (index, call) in calls.iter().enumerate() {
            let at = format!("{at}[{index}]");
            let Some(call) = self.object(&at, call) else { continue };
            let id = self.id(&at, call, "id", MAX_CALL_ID);
            if !ids.insert(id) {
                self.fault(format!("{at}.id"), &format!("two calls have the id {id:?}"));
            }
            let (kind, inputs) = match call.get("type").and_then(Value::as_str) {
                Some("function") => ("function", "arguments"),
                Some("custom") => ("custom", "input"),
                _ => {
                    self.fault(format!("{at}.type"), "must be `function` or `custom`");
                    continue;
                }
            };
            self.only(&at, call, &["id", "type", kind]);
            let at = format!("{at}.{kind}");
            let Some(called) = self.object_at(&at, call.get(kind)) else { continue };
            self.only(&at, called, &["name", inputs]);
            self.required_text(&at, called, inputs);
            let name = self.required_text(&at, called, "name").unwrap_or_default();
            self.legal_name(&format!("{at}.name"), name);
        }
        ids
    }

    /// Reads an identifier, which must be there and not too long.
    fn id<'v>(&mut self, at: &str, object: &'v Map<String, Value>, key: &str, most: usize) -> &'v str {
        let id = self.required_text(at, object, key).unwrap_or_default();
        let length = id.chars().count();
        if length == 0 || length > most {
            self.fault(format!("{at}.{key}"), &format!("{id:?} has {length} characters, of 1 to {most}"));
        }
        id
    }

    /// A text, or a list of parts of these types.
    fn parts(&mut self, at: &str, content: Option<&Value>, kinds: &[&str]) {
        let at = format!("{at}.content");
        let parts = match content {
            Some(Value::String(_)) => return,
            Some(Value::Array(parts)) if !parts.is_empty() => parts,
            _ => return self.fault(at, "must be a string or a list of at least one part"),
        };
        for (index, part) in parts.iter().enumerate() {
            let at = format!("{at}[{index}]");
            let Some(part) = self.object(&at, part) else { continue };
            let kind = part.get("type").and_then(Value::as_str).unwrap_or_default();
            if kinds.contains(&kind) {
                self.part(&at, kind, part);
            } else {
                self.fault(at, &format!("a part of the type {kind:?} is not allowed here, only {kinds:?}"));
            }
        }
    }

    fn part(&mut self, at: &str, kind: &str, part: &Map<String, Value>) {
        match kind {
            "text" | "refusal" => {
                self.only(at, part, &["type", kind]);
                self.required_text(at, part, kind);
            }
            "input_text" => {
                self.only(at, part, &["type", "text"]);
                self.required_text(at, part, "text");
            }
            "output_text" => drop(self.required_text(at, part, "text")),
            "image_url" => {
                self.only(at, part, &["type", "image_url"]);
                let at = format!("{at}.image_url");
                let Some(image) = self.object_at(&at, part.get("image_url")) else { return };
                self.only(&at, image, &["url", "detail"]);
                self.detail(&at, image, &["auto", "low", "high"]);
                let url = self.required_text(&at, image, "url").unwrap_or_default();
                self.image(&at, url);
            }
            "input_image" => {
                self.only(at, part, &["type", "image_url", "file_id", "detail"]);
                self.detail(at, part, &["auto", "low", "high", "original"]);
                let sources = ["image_url", "file_id"].map(|key| part.get(key).and_then(Value::as_str));
                match sources {
                    [Some(url), None] => self.image(at, url),
                    [None, Some(_)] => {}
                    _ => self.fault(at, "must have either `image_url` or `file_id`"),
                }
            }
            "input_audio" => {
                self.only(at, part, &["type", "input_audio"]);
                let at = format!("{at}.input_audio");
                let Some(audio) = self.object_at(&at, part.get("input_audio")) else { return };
                self.only(&at, audio, &["data", "format"]);
                let data = self.required_text(&at, audio, "data").unwrap_or_default();
                self.base64(&at, data);
                if !matches!(audio.get("format").and_then(Value::as_str), Some("wav" | "mp3")) {
                    self.fault(format!("{at}.format"), "must be `wav` or `mp3`");
                }
            }
            "file" => {
                self.only(at, part, &["type", "file"]);
                let at = format!("{at}.file");
                let Some(file) = self.object_at(&at, part.get("file")) else { return };
                self.only(&at, file, &["file_data", "file_id", "filename"]);
                self.file(&at, file, &["file_data", "file_id"]);
            }
            _ => {
                self.only(at, part, &["type", "file_data", "file_id", "file_url", "filename", "detail"]);
                self.file(at, part, &["file_data", "file_id", "file_url"]);
            }
        }
    }

    fn detail(&mut self, at: &str, image: &Map<String, Value>, known: &[&str]) {
        if image.get("detail").is_some_and(|detail| !detail.as_str().is_some_and(|detail| known.contains(&detail))) {
            self.fault(format!("{at}.detail"), &format!("must be one of {known:?}"));
        }
    }

    fn image(&mut self, at: &str, url: &str) {
        if url.starts_with("https://") || url.starts_with("http://") {
            return;
        }
        let data = url.strip_prefix("data:image/").and_then(|rest| rest.split_once(";base64,"));
        match data {
            Some(("png" | "jpeg" | "jpg" | "gif" | "webp", data)) => self.base64(at, data),
            _ => self.fault(at, "an image is a URL, or the data of a PNG, JPEG, GIF or WebP file in base64"),
        }
    }

    fn file(&mut self, at: &str, file: &Map<String, Value>, sources: &[&str]) {
        let given: Vec<&&str> = sources.iter().filter(|key| file.get(**key).is_some_and(Value::is_string)).collect();
        if given.len() != 1 {
            self.fault(at, &format!("must have one of {sources:?}"));
        }
        let Some(data) = file.get("file_data").and_then(Value::as_str) else { return };
        if !file.get("filename").is_some_and(Value::is_string) {
            self.fault(at, "data of a file needs `filename`");
        }
        match data.strip_prefix("data:").and_then(|rest| rest.split_once(";base64,")) {
            Some((_, data)) => self.base64(at, data),
            None => self.fault(at, "data of a file is a data URL in base64"),
        }
    }

    fn base64(&mut self, at: &str, data: &str) {
        let body = data.trim_end_matches('=');
        let is_legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
        if data.is_empty()
            || !data.len().is_multiple_of(4)
            || data.len() - body.len() > 2
            || !body.bytes().all(is_legal)
        {
            self.fault(at, "is no base64");
        }
    }
}

/// A walk over the items of an input.
#[derive(Debug, Default)]
struct Items<'v> {
    check: Check,
    /// The calls so far, and whether they are answered.
    calls: BTreeMap<&'v str, bool>,
    /// The requests for an approval so far, and whether they are answered.
    approvals: BTreeMap<&'v str, bool>,
}

impl<'v> Items<'v> {
    fn item(&mut self, at: &str, item: &'v Map<String, Value>, is_last: bool) {
        match item.get("type").and_then(Value::as_str) {
            None | Some("message") => self.message(at, item),
            Some("function_call") => {
                self.only(at, item, &["arguments", "call_id", "name", "namespace", "caller"]);
                self.check.required_text(at, item, "arguments");
                let name = self.check.required_text(at, item, "name").unwrap_or_default();
                self.check.legal_name(&format!("{at}.name"), name);
                self.call(at, item);
            }
            Some("custom_tool_call") => {
                self.check.required_text(at, item, "input");
                self.check.required_text(at, item, "name");
                self.call(at, item);
            }
            Some("function_call_output" | "custom_tool_call_output") => {
                self.only(at, item, &["call_id", "output", "name", "namespace", "caller"]);
                self.output(at, item);
            }
            Some("reasoning") => {
                if !item.get("summary").is_some_and(Value::is_array) {
                    self.check.fault(format!("{at}.summary"), "must be a list");
                }
                if is_last {
                    self.check.fault(at, "reasoning was provided without its required following item");
                }
            }
            Some("mcp_approval_request") => {
                let id = self.check.id(at, item, "id", MAX_ID);
                self.approvals.insert(id, false);
                for key in ["server_label", "name", "arguments"] {
                    self.check.required_text(at, item, key);
                }
            }
            Some("mcp_approval_response") => self.approval(at, item),
            Some("mcp_list_tools" | "mcp_call") => drop(self.check.required_text(at, item, "server_label")),
            Some("item_reference") => drop(self.check.id(at, item, "id", MAX_ID)),
            Some(kind) if HOSTED_ITEMS.iter().any(|hosted| kind.starts_with(hosted)) => {}
            Some(kind) => self.check.fault(format!("{at}.type"), &format!("{kind:?} is no type of an item")),
        }
    }

    fn message(&mut self, at: &str, item: &Map<String, Value>) {
        self.only(at, item, &["role", "content", "phase"]);
        let content = item.get("content");
        match item.get("role").and_then(Value::as_str) {
            Some("user" | "system" | "developer") => {
                self.check.parts(at, content, &["input_text", "input_image", "input_file"]);
            }
            Some("assistant") => self.check.parts(at, content, &["output_text", "refusal"]),
            role => self.check.fault(format!("{at}.role"), &format!("{role:?} is no role")),
        }
    }

    /// What every item may have, and these.
    fn only(&mut self, at: &str, item: &Map<String, Value>, own: &[&str]) {
        self.check.only(at, item, &[&["id", "type", "status"], own].concat());
        let status = item.get("status").filter(|status| !status.is_null());
        if status.is_some_and(|status| !STATES.iter().any(|state| status == state)) {
            self.check.fault(format!("{at}.status"), &format!("must be one of {STATES:?}"));
        }
    }

    fn call(&mut self, at: &str, item: &'v Map<String, Value>) {
        let id = self.check.id(at, item, "call_id", MAX_ID);
        if self.calls.insert(id, false).is_some() {
            self.check.fault(format!("{at}.call_id"), &format!("two calls have the id {id:?}"));
        }
    }

    fn output(&mut self, at: &str, item: &'v Map<String, Value>) {
        let id = self.check.id(at, item, "call_id", MAX_ID);
        match self.calls.insert(id, true) {
            Some(false) => {}
            Some(true) => self.check.fault(at, &format!("the call {id:?} is answered twice")),
            None => self.check.fault(at, &format!("no tool call found for function call output with call_id {id}")),
        }
        self.check.parts(at, item.get("output"), &["input_text", "input_image", "input_file"]);
    }

    fn approval(&mut self, at: &str, item: &'v Map<String, Value>) {
        let id = self.check.id(at, item, "approval_request_id", MAX_ID);
        if self.approvals.insert(id, true) != Some(false) {
            self.check.fault(at, &format!("{id:?} is no open request for an approval"));
        }
        if !item.get("approve").is_some_and(Value::is_boolean) {
            self.check.fault(format!("{at}.approve"), "must be a boolean");
        }
    }
}

/// How many calls one message may have.
const MAX_CALLS: usize = 128;
/// How long the id of a call of Chat Completions may be.
const MAX_CALL_ID: usize = 40;
/// How long an id of the Responses API may be.
const MAX_ID: usize = 64;
/// What an item may say of itself.
const STATES: [&str; 3] = ["in_progress", "completed", "incomplete"];
/// How the types of items begin that only tools of OpenAI itself produce.
const HOSTED_ITEMS: [&str; 10] = [
    "apply_patch_call",
    "code_interpreter_call",
    "compaction",
    "computer_call",
    "file_search_call",
    "image_generation_call",
    "local_shell_call",
    "shell_call",
    "tool_search",
    "web_search_call",
];
