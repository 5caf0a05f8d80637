//! Many rounds of a tool loop as one stream, for a client that gave the tools as `{"type": "mcp"}`.
//!
//! What the client gets is one response: one id, one `response.created`, numbers without a gap, the items of all rounds,
//! the usage of all rounds once. A call of a function that stands for a tool of an MCP server becomes an `mcp_call`, or an
//! `mcp_approval_request`. The surprising thing: an `mcp_call` begins when the model begins to write it and ends when the
//! tool has answered, which is after the model's reply has ended.

mod output;

use std::collections::{BTreeMap, BTreeSet};

use mcp_types::{JsonObject, RawJson};

use super::event::kind;
use super::mcp::{ApprovalRequest, CallError, ListTools, McpCall};
use super::{Event, Item, Response};
use crate::chat::fault::StreamFault;
use crate::chat::{Arguments, Usage};
use output::Output;

/// Many rounds of a tool loop as one stream.
///
/// Give it the events of each round in their order, then what came of the calls, by their place among the calls of the
/// round, then [`end_round`](Self::end_round); after the last round, [`finish`](Self::finish). It is pure, and each event
/// that it returns goes to the client as it is.
///
/// Calls of functions that are neither the client's [own](Self::new) nor [those of an MCP server](Self::function) are left
/// out.
#[derive(Clone, Debug, Default)]
pub struct Relay {
    own: BTreeSet<String>,
    functions: BTreeMap<String, McpFunction>,
    /// Members of the response that say what the client asked for, and not what was asked of the provider.
    members: JsonObject,
    id: Option<String>,
    lists: Vec<ListTools>,
    /// The response around the output, as far as it is known.
    envelope: Option<Response>,
    has_begun: bool,
    output: Output,
    /// What becomes of the items of this round, by their places in it.
    routes: BTreeMap<u64, Route>,
    usage: Option<Usage>,
}

/// A function that stands for a tool of an MCP server.
#[derive(Clone, Debug, PartialEq, Eq)]
struct McpFunction {
    server_label: String,
    name: String,
    needs_approval: bool,
}

/// What becomes of an item.
#[derive(Clone, Debug)]
enum Route {
    /// It is the client's; this is its place in the client's output.
    Pass { index: u64, is_call: bool },
    /// A call that is shown when it is known what becomes of it.
    Held(McpCall),
    /// A call that was shown and is at its end.
    Ended,
    /// A call that is not shown.
    Hidden,
    /// It is shown as an `mcp_call` at this place.
    Shown { index: u64, call: McpCall, is_written: bool },
}

impl Relay {
    /// Makes a relay for a client that has these functions of its own.
    pub fn new(own: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { own: own.into_iter().map(Into::into).collect(), ..Self::default() }
    }

    /// Shows the calls of a function as those of a tool of an MCP server.
    #[must_use]
    pub fn function(
        self,
        function: impl Into<String>,
        server_label: impl Into<String>,
        tool: impl Into<String>,
    ) -> Self {
        self.add(function.into(), server_label.into(), tool.into(), false)
    }

    /// Shows the calls of a function as those of a tool of an MCP server, which begin only when they were approved.
    #[must_use]
    pub fn function_with_approval(
        self,
        function: impl Into<String>,
        server_label: impl Into<String>,
        tool: impl Into<String>,
    ) -> Self {
        self.add(function.into(), server_label.into(), tool.into(), true)
    }

    /// Sets the id of the response; the ids of the items that are made here are made of it.
    #[must_use]
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// Sets a member of the response to what the client asked for: `tools`, `tool_choice`, `previous_response_id`.
    #[must_use]
    pub fn member(mut self, name: impl Into<String>, value: RawJson) -> Self {
        self.members.insert(name, value);
        self
    }

    /// Shows the tools of a server before everything else.
    #[must_use]
    pub fn list(mut self, list: ListTools) -> Self {
        self.lists.push(list);
        self
    }

    /// Takes an event of the round; returns what the client gets of it.
    ///
    /// # Errors
    ///
    /// Fails when the event is an error of the provider, or a last event without a response.
    pub fn push(&mut self, event: &Event) -> Result<Vec<Event>, StreamFault> {
        let mut out = Vec::new();
        match event.kind.as_str() {
            kind::ERROR => return Err(super::assembler::error(event)),
            kind::CREATED | kind::IN_PROGRESS | kind::QUEUED => {
                if !self.has_begun {
                    let response = event.response().unwrap_or_default();
                    let is_first = self.envelope.is_none();
                    self.envelope.get_or_insert(response);
                    if is_first || event.kind != kind::CREATED {
                        out.push(self.state(&event.kind));
                    }
                }
            }
            kind::COMPLETED | kind::FAILED | kind::INCOMPLETE => {
                let response = event.response().ok_or(StreamFault::NoResponse)?;
                self.end(response, &mut out);
            }
            kind::ITEM_ADDED | kind::ITEM_DONE => {
                self.begin(&mut out);
                if let (Some(at), Some(raw)) = (event.output_index(), event.members.member("item")) {
                    self.push_item(at, raw, event.kind == kind::ITEM_DONE, &mut out);
                }
            }
            _ => {
                self.begin(&mut out);
                self.push_part(event, &mut out);
            }
        }
        Ok(out)
    }

    /// Says of a call that is left out, by its place among the calls of the round, that it is one of a tool of an MCP
    /// server: the model reached the tool through a function that stands for many.
    pub fn reveal(&mut self, position: usize, server_label: &str, tool: &str, arguments: Arguments) {
        if !matches!(self.call_mut(position), Some(Route::Hidden)) {
            return;
        }
        let id = self.output.new_id("mcp", self.id.as_deref());
        if let Some(route) = self.call_mut(position) {
            *route = Route::Held(McpCall::new(id, server_label, tool, arguments));
        }
    }

    /// Shows that a call waits for an approval, by its place among the calls of the round.
    ///
    /// Returns the id by which it is answered, and what the client gets; nothing when there is no such call.
    pub fn ask(&mut self, position: usize) -> Option<(String, Vec<Event>)> {
        let route = self.call_mut(position)?;
        if !matches!(route, Route::Held(_)) {
            return None;
        }
        let Route::Held(call) = std::mem::replace(route, Route::Ended) else { return None };
        let id = self.output.new_id("mcpr", self.id.as_deref());
        let request = ApprovalRequest::new(&id, call.server_label, call.name, call.arguments);
        let mut out = Vec::new();
        self.whole_item(&request.into(), &mut out);
        Some((id, out))
    }

    /// Takes what came of a call, by its place among the calls of the round; returns what the client gets of it.
    ///
    /// A call that was not made, because it was refused, failed.
    pub fn answer(&mut self, position: usize, answer: Result<String, CallError>) -> Vec<Event> {
        let Some(route) = self.call_mut(position) else { return Vec::new() };
        match std::mem::replace(route, Route::Ended) {
            Route::Shown { index, call, .. } => self.answered(index, call, answer),
            Route::Held(call) => {
                let mut out = Vec::new();
                let index = self.open_call(&call, &mut out);
                self.written(index, &call, &mut out);
                out.extend(self.answered(index, call, answer));
                out
            }
            other => {
                if let Some(route) = self.call_mut(position) {
                    *route = other;
                }
                Vec::new()
            }
        }
    }

    /// Shows a call that the client had approved or denied in an earlier response.
    pub fn resumed(&mut self, call: McpCall, answer: Result<String, CallError>) -> Vec<Event> {
        let mut out = Vec::new();
        self.begin(&mut out);
        let id = self.output.new_id("mcp", self.id.as_deref());
        let call = McpCall { id, ..call };
        let index = self.open_call(&call, &mut out);
        self.written(index, &call, &mut out);
        out.extend(self.answered(index, call, answer));
        out
    }

    /// Takes note that the round is over. Its calls take no answer any more.
    pub fn end_round(&mut self) {
        self.routes.clear();
    }

    /// Ends the stream with the response as a whole.
    pub fn finish(mut self) -> Vec<Event> {
        let mut out = Vec::new();
        self.begin(&mut out);
        let mut response = self.response();
        response.usage = self.usage.take();
        let last = Event::from(&response);
        out.push(self.output.numbered(last));
        out
    }

    /// Ends the stream with an error, and with the response as far as it came.
    pub fn fail(mut self, code: &str, message: &str) -> Vec<Event> {
        let mut out = Vec::new();
        self.begin(&mut out);
        let mut response = self.response();
        response.status = Some("failed".to_owned());
        response.usage = self.usage.take();
        response.extra.insert("error", serde_json::json!({"code": code, "message": message}));
        let last = Event::from(&response);
        out.push(self.output.numbered(last));
        out
    }

    /// Returns the response as it stands.
    pub fn response(&self) -> Response {
        let mut response = self.envelope.clone().unwrap_or_default();
        if let Some(id) = &self.id {
            response.id.clone_from(id);
        }
        for (name, value) in self.members.iter() {
            response.extra.insert(name, value.clone());
        }
        response.output = self.output.items();
        response.status.get_or_insert_with(|| "completed".to_owned());
        response
    }

    fn add(mut self, function: String, server_label: String, name: String, needs_approval: bool) -> Self {
        self.functions.insert(function, McpFunction { server_label, name, needs_approval });
        self
    }

    /// Begins the stream, if it has not begun: with what the provider left out, and with the tools.
    fn begin(&mut self, out: &mut Vec<Event>) {
        if std::mem::replace(&mut self.has_begun, true) {
            return;
        }
        if self.envelope.is_none() {
            self.envelope = Some(Response::default());
            out.push(self.state(kind::CREATED));
            out.push(self.state(kind::IN_PROGRESS));
        }
        for list in std::mem::take(&mut self.lists) {
            self.show_list(list, out);
        }
    }

    /// The response while it is in progress.
    fn state(&mut self, kind: &str) -> Event {
        let mut response = self.response();
        response.usage = None;
        let status = if kind == kind::QUEUED { "queued" } else { "in_progress" };
        response.status = Some(status.to_owned());
        let event = Event::new(kind).with("response", RawJson::encode(&response).unwrap_or_default());
        self.output.numbered(event)
    }

    fn show_list(&mut self, mut list: ListTools, out: &mut Vec<Event>) {
        if list.id.is_empty() {
            list.id = self.output.new_id("mcpl", self.id.as_deref());
        }
        let (id, is_listed) = (list.id.clone(), list.error.is_none() || !list.tools.is_empty());
        let open = ListTools { tools: Vec::new(), error: None, ..list.clone() };
        let index = self.output.open(&open.into(), out);
        let end = if is_listed { "response.mcp_list_tools.completed" } else { "response.mcp_list_tools.failed" };
        for kind in ["response.mcp_list_tools.in_progress", end] {
            let event = Event::new(kind).with_number("output_index", index).with_text("item_id", &id);
            out.push(self.output.numbered(event));
        }
        self.output.close(index, &list.into(), out);
    }

    /// Takes an item that begins or is done.
    fn push_item(&mut self, at: u64, raw: &RawJson, is_done: bool, out: &mut Vec<Event>) {
        if !self.routes.contains_key(&at) {
            let route = self.route(raw, out);
            self.routes.insert(at, route);
        }
        if !is_done {
            return;
        }
        let written = match raw.decode::<Item>() {
            Ok(Item::FunctionCall(call)) => call.arguments,
            _ => Arguments::Absent,
        };
        match self.routes.get_mut(&at) {
            Some(Route::Pass { index, .. }) => {
                let index = *index;
                self.output.close_raw(index, raw.clone(), out);
            }
            Some(Route::Held(call)) => call.arguments = written,
            Some(Route::Shown { index, call, is_written }) => {
                call.arguments = written;
                let (index, call, had) = (*index, call.clone(), std::mem::replace(is_written, true));
                if !had {
                    self.written(index, &call, out);
                }
            }
            Some(Route::Ended | Route::Hidden) | None => {}
        }
    }

    /// Decides what becomes of an item.
    fn route(&mut self, raw: &RawJson, out: &mut Vec<Event>) -> Route {
        let item = raw.decode::<Item>();
        let is_custom = |item: &Item| item.kind() == "custom_tool_call";
        let call = match item {
            Ok(Item::FunctionCall(call)) => call,
            item => {
                let is_call = item.is_ok_and(|item| is_custom(&item));
                return Route::Pass { index: self.output.open_raw(raw, out), is_call };
            }
        };
        if self.own.contains(&call.name) {
            return Route::Pass { index: self.output.open_raw(raw, out), is_call: true };
        }
        let Some(function) = self.functions.get(&call.name).cloned() else {
            return Route::Hidden;
        };
        let id = self.output.new_id("mcp", self.id.as_deref());
        let shown = McpCall::new(id, function.server_label, function.name, Arguments::Absent);
        if function.needs_approval {
            return Route::Held(shown);
        }
        let index = self.open_call(&shown, out);
        Route::Shown { index, call: shown, is_written: false }
    }

    /// Passes on an event about a part of an item.
    fn push_part(&mut self, event: &Event, out: &mut Vec<Event>) {
        let Some(at) = event.output_index() else {
            out.push(self.output.numbered(event.clone()));
            return;
        };
        match self.routes.get_mut(&at) {
            Some(Route::Pass { index, .. }) => {
                let event = event.clone().with_number("output_index", *index);
                out.push(self.output.numbered(event));
            }
            Some(Route::Shown { index, call, is_written }) => {
                let (index, id) = (*index, call.id.clone());
                if event.kind == kind::FUNCTION_ARGUMENTS_DELTA && !*is_written {
                    let delta = event.text("delta").unwrap_or_default();
                    let event = Event::new(kind::MCP_ARGUMENTS_DELTA).with_number("output_index", index);
                    out.push(self.output.numbered(event.with_text("item_id", id).with_text("delta", delta)));
                } else if event.kind == kind::FUNCTION_ARGUMENTS_DONE && !std::mem::replace(is_written, true) {
                    call.arguments = Arguments::Text(event.text("arguments").unwrap_or_default());
                    let call = call.clone();
                    self.written(index, &call, out);
                }
            }
            Some(Route::Ended | Route::Held(_) | Route::Hidden) | None => {}
        }
    }

    /// Takes the end of the model's reply. Items that only stand in it are shown now.
    fn end(&mut self, response: Response, out: &mut Vec<Event>) {
        if self.envelope.is_none() {
            self.envelope = Some(Response { output: Vec::new(), usage: None, ..response.clone() });
            out.push(self.state(kind::CREATED));
            out.push(self.state(kind::IN_PROGRESS));
        }
        self.begin(out);
        for (item, at) in response.output.iter().zip(0..) {
            if !self.routes.contains_key(&at)
                && let Ok(raw) = RawJson::encode(item)
            {
                self.push_item(at, &raw, true, out);
            }
        }
        if let Some(usage) = &response.usage {
            self.usage.get_or_insert_default().add(usage);
        }
        // What the last reply says of itself holds for the whole, but for who it is and when it began.
        let first = self.envelope.take().unwrap_or_default();
        let mut envelope = Response { id: first.id, output: Vec::new(), usage: None, ..response };
        if let Some(created_at) = first.extra.member("created_at") {
            envelope.extra.insert("created_at", created_at.clone());
        }
        self.envelope = Some(envelope);
    }

    fn whole_item(&mut self, item: &Item, out: &mut Vec<Event>) {
        let index = self.output.open(item, out);
        self.output.close(index, item, out);
    }

    fn open_call(&mut self, call: &McpCall, out: &mut Vec<Event>) -> u64 {
        let open = McpCall { arguments: Arguments::Absent, ..call.clone() };
        let index = self.output.open(&open.into(), out);
        let event = Event::new("response.mcp_call.in_progress").with_number("output_index", index);
        out.push(self.output.numbered(event.with_text("item_id", &call.id)));
        index
    }

    /// The arguments of a call are complete.
    fn written(&mut self, index: u64, call: &McpCall, out: &mut Vec<Event>) {
        let event = Event::new(kind::MCP_ARGUMENTS_DONE).with_number("output_index", index);
        let arguments = RawJson::encode(&as_text(&call.arguments)).unwrap_or_default();
        out.push(self.output.numbered(event.with_text("item_id", &call.id).with("arguments", arguments)));
        self.output.set(index, &call.clone().into());
    }

    fn answered(&mut self, index: u64, call: McpCall, answer: Result<String, CallError>) -> Vec<Event> {
        let (kind, call) = match answer {
            Ok(output) => ("response.mcp_call.completed", call.completed(output)),
            Err(error) => ("response.mcp_call.failed", call.failed(error)),
        };
        let call = McpCall { arguments: as_text(&call.arguments), ..call };
        let event = Event::new(kind).with_number("output_index", index).with_text("item_id", &call.id);
        let mut out = vec![self.output.numbered(event)];
        self.output.close(index, &call.into(), &mut out);
        out
    }

    /// Finds a call by its place among the calls of the round.
    fn call_mut(&mut self, position: usize) -> Option<&mut Route> {
        let is_call = |route: &&mut Route| !matches!(route, Route::Pass { is_call: false, .. });
        self.routes.values_mut().filter(is_call).nth(position)
    }
}

/// Arguments of an `mcp_call` are a text in every case.
fn as_text(arguments: &Arguments) -> Arguments {
    match arguments {
        Arguments::Json(value) => Arguments::Text(value.as_str().to_owned()),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests;
