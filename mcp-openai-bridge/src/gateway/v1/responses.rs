//! `POST /v1/responses`.
//!
//! The surprising thing: the id of a response is ours and never the provider's, which has made several of them for one of
//! ours, or none. What it leads to is remembered here, as long as there is room; a client that sends the whole
//! conversation needs no memory at all.

use std::collections::HashMap;
use std::sync::Arc;

use http::Response as HttpResponse;
use mcp_server::RouteBody;
use mcp_types::{JsonObject, RawJson};
use serde::{Deserialize, Serialize};

use super::deployment::{RESPONSES, Served};
use super::entry::{self, Entry};
use super::face::ResponsesFace;
use super::input::{self, Input};
use super::plan::Plan;
use super::refusal::Refusal;
use super::routed::Routed;
use super::work::Work;
use super::{State, ids};
use crate::gateway::Gateway;
use crate::responses::mcp::{ListTools, ListedTool};
use crate::responses::{Item, Relay, Request};
use crate::turn::approval::Approval;
use crate::turn::{Responses, Turn};

/// What is remembered of a response.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Kept {
    /// The conversation up to its end, in the words of the provider.
    pub(super) items: Vec<Item>,
    /// The response of the provider that the conversation goes on from.
    pub(super) previous: Option<String>,
    /// Of each request for approval its id, and that of the call.
    pub(super) approvals: Vec<(String, String)>,
    /// Of each list that the client has the label and the names of the tools.
    pub(super) lists: Vec<(String, Vec<String>)>,
}

/// Answers a request.
pub(super) async fn answer(
    gateway: Gateway,
    state: Arc<State>,
    host: Option<&str>,
    body: &RawJson,
) -> Result<HttpResponse<RouteBody>, Refusal> {
    let members: JsonObject = body.decode().map_err(|error| Refusal::unreadable(error.to_string()))?;
    if !is_ours(&members) {
        return pass(&gateway, &state, members).await;
    }
    let mut request: Request = body.decode().map_err(|error| Refusal::unreadable(error.to_string()))?;
    let served = state.deployments.serve(gateway.config(), &request.model)?;
    let shown_tools = RawJson::encode(&request.tools).unwrap_or_default();
    let entries = entry::take(&mut request.tools, host)?;
    check(&request)?;
    let job = Job { gateway, state, served, entries, shown_tools };
    job.answer(request).await
}

/// Whether a request has to do with MCP: by its tools, by its items, or by the response that it goes on from.
fn is_ours(members: &JsonObject) -> bool {
    let list =
        |name: &str| -> Vec<RawJson> { members.member(name).and_then(|value| value.decode().ok()).unwrap_or_default() };
    let kind = |item: &RawJson| item.members(["type"]).ok().and_then(|[kind]| kind?.decode::<String>().ok());
    list("tools").iter().any(entry::is_mcp)
        || list("input").iter().any(|item| kind(item).is_some_and(|kind| kind.starts_with("mcp_")))
        || text(members, PREVIOUS).is_some_and(|id| id.starts_with(ID))
}

/// Passes a request through that has nothing to do with MCP.
async fn pass(gateway: &Gateway, state: &State, members: JsonObject) -> Result<HttpResponse<RouteBody>, Refusal> {
    let model = text(&members, "model");
    let model = model.ok_or_else(|| Refusal::invalid("model", "`model` is required, as a text"))?;
    let served = state.deployments.serve(gateway.config(), &model)?;
    let accept = if is_true(&members, "stream") { "text/event-stream" } else { "application/json" };
    served.forward(RESPONSES, accept, members).await
}

/// Refuses what cannot be done together with MCP tools.
fn check(request: &Request) -> Result<(), Refusal> {
    if is_true(&request.extra, "background") {
        let message = "MCP tools are called while the client waits: leave `background` out";
        return Err(Refusal::invalid("background", message));
    }
    if request.extra.member("conversation").is_some_and(|value| !value.is_null()) {
        let message = "with MCP tools, go on by `previous_response_id` or send the whole conversation as `input`";
        return Err(Refusal::invalid("conversation", message));
    }
    Ok(())
}

/// A request with MCP tools.
struct Job {
    gateway: Gateway,
    state: Arc<State>,
    served: Served,
    entries: Vec<Entry>,
    /// The tools as the client gave them.
    shown_tools: RawJson,
}

impl Job {
    async fn answer(self, mut request: Request) -> Result<HttpResponse<RouteBody>, Refusal> {
        let kept = self.recall(&mut request)?;
        let own = request.tool_names();
        let offer = self.gateway.offer().await;
        let mut lists = kept.lists.clone();
        lists.extend(input::lists(&request.input));
        let known = |label: &str| {
            let list = lists.iter().rfind(|(of, _)| of == label);
            list.map(|(_, names)| names.clone())
        };
        let plan = Plan::new(&self.entries, self.gateway.config(), &offer, &own, &known)?;
        let functions: HashMap<_, _> =
            plan.functions().map(|(function, label, tool, _)| ((label, tool), function)).collect();
        let input = input::read(std::mem::take(&mut request.input), &|label, tool| {
            functions.get(&(label, tool)).map(|function| (*function).to_owned())
        });
        let (approvals, decisions) = decided(&kept, &input)?;
        let asked = request.tool_choice.take();
        request.tool_choice = asked.as_ref().map(|choice| plan.choice(choice)).transpose()?;
        request.input = kept.items;
        request.input.extend(input.items);
        let streams = is_true(&request.extra, "stream");
        request.extra.take("stream");

        let id = ids::new(ID);
        let relay = self.relay(&id, &own, &plan, &lists, asked, &request);
        let is_stored = request.extra.member("store").is_none_or(|store| store.as_str() != "false");
        let shown = plan
            .lists
            .iter()
            .filter(|list| list.error.is_none())
            .map(|list| (list.label.clone(), list.tools.iter().map(|tool| tool.name.clone()).collect()));
        let kept = Kept { items: Vec::new(), previous: kept.previous, approvals: Vec::new(), lists: shown.collect() };
        let turn = Turn::<Responses>::resume(request, Arc::clone(&plan.tools), plan.options());
        let face = ResponsesFace::new(relay, streams, decisions, approvals, kept);
        let face = if is_stored { face.remembered_in(Arc::clone(&self.state), id) } else { face };
        Work { model: self.served, tools: Routed::new(self.gateway, plan), turn, face, streams }.answer().await
    }

    /// Finds what the request goes on from.
    fn recall(&self, request: &mut Request) -> Result<Kept, Refusal> {
        let Some(previous) = text(&request.extra, PREVIOUS) else { return Ok(Kept::default()) };
        if !previous.starts_with(ID) {
            // The provider knows it.
            return Ok(Kept { previous: Some(previous), ..Kept::default() });
        }
        request.extra.take(PREVIOUS);
        let kept = self.state.store.get(&previous).and_then(|kept| kept.decode::<Kept>().ok());
        let kept = kept.ok_or_else(|| {
            let previous: String = previous.chars().take(128).collect();
            let message = format!(
                "the response `{previous}` is not remembered (any more); send the whole conversation as `input`"
            );
            Refusal::invalid(PREVIOUS, message).code("previous_response_not_found")
        })?;
        if let Some(id) = &kept.previous {
            request.extra.insert(PREVIOUS, crate::members::text_json(id));
        }
        Ok(kept)
    }

    fn relay(
        &self,
        id: &str,
        own: &[String],
        plan: &Plan,
        lists: &[(String, Vec<String>)],
        choice: Option<RawJson>,
        request: &Request,
    ) -> Relay {
        let auto = || crate::members::text_json("auto");
        let mut relay = Relay::new(own.iter().cloned())
            .id(id)
            .member("tools", self.shown_tools.clone())
            .member("tool_choice", choice.unwrap_or_else(auto));
        if let Some(previous) = request.extra.member(PREVIOUS) {
            relay = relay.member(PREVIOUS, previous.clone());
        }
        for (function, label, tool, needs_approval) in plan.functions() {
            relay = match needs_approval {
                true => relay.function_with_approval(function, label, tool),
                false => relay.function(function, label, tool),
            };
        }
        // A list that the client has is not sent again.
        let new = plan.lists.iter().filter(|list| !lists.iter().any(|(label, _)| *label == list.label));
        new.fold(relay, |relay, list| {
            let tools: Vec<ListedTool> = list.tools.iter().map(ListedTool::from).collect();
            // Of several servers, one that is not there takes nothing from the tools of the others.
            relay.list(ListTools { error: list.error.clone(), ..ListTools::new("", &list.label, tools) })
        })
    }
}

/// From the id of a call to that of the request by which it was approved, and to what the client said.
type Decided = (HashMap<String, String>, HashMap<String, Approval>);

/// Matches what the client said about calls with the calls that wait for it.
fn decided(kept: &Kept, input: &Input) -> Result<Decided, Refusal> {
    let waiting: HashMap<&str, &str> = kept
        .approvals
        .iter()
        .map(|(id, call)| (id.as_str(), call.as_str()))
        .chain(input.requests.iter().map(|id| (id.as_str(), id.as_str())))
        .collect();
    let (mut approvals, mut decisions) = (HashMap::new(), HashMap::new());
    for (id, approval) in &input.decisions {
        if input.made.contains(id) {
            continue;
        }
        let Some(call) = waiting.get(id.as_str()) else {
            let id: String = id.chars().take(128).collect();
            let message =
                format!("no call waits for the approval `{id}`; send the `mcp_approval_request` with its answer");
            return Err(Refusal::invalid("input", message));
        };
        approvals.insert((*call).to_owned(), id.clone());
        decisions.insert((*call).to_owned(), approval.clone());
    }
    if let Some((id, _)) = waiting.iter().find(|(_, call)| !decisions.contains_key(**call)) {
        let message = format!("a call waits for the approval `{id}`; answer it with an `mcp_approval_response`");
        return Err(Refusal::invalid("input", message));
    }
    Ok((approvals, decisions))
}

fn text(members: &JsonObject, name: &str) -> Option<String> {
    members.member(name)?.decode().ok()
}

fn is_true(members: &JsonObject, name: &str) -> bool {
    members.member(name).is_some_and(|value| value.as_str() == "true")
}

const PREVIOUS: &str = "previous_response_id";
/// What the ids of our responses begin with.
const ID: &str = "resp_mcp_";
