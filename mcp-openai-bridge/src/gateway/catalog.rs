//! From an offer to a catalog of `mcp-server`: every tool, prompt and resource with the closure that answers it.
//!
//! The surprising thing: the schemas of servers are published and not checked here. The server checks its arguments
//! itself, and a schema that we could not read would take its tool away from clients that can.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use mcp_server::{Catalog, Cx, Partial, Prompt, Resource, ResourceTemplate, Tool};
use mcp_types::{
    CompleteRequestParams, Completion, CompletionArgument, CompletionContext, GetPromptResult, PromptReference,
    RawJson, ReadResourceResult, RpcError, is_object_schema,
};
use serde_json::json;

use super::call::{Callees, Shared, without_hop};
use super::offer::{LOCAL, Offer, Offered};
use super::{OUTCOMES, OUTCOMES_OF_LITELLM};

/// Makes the catalog of an offer.
pub(super) fn catalog(offer: &Offer, callees: &Shared) -> Catalog {
    let outcomes = outcomes(offer);
    let catalog = Catalog::new().tools_meta(OUTCOMES, outcomes.clone()).tools_meta(OUTCOMES_OF_LITELLM, outcomes);
    // A server that has no prompts today may have some tomorrow, and clients ask only once what there is.
    let has_servers = callees.servers.labels().next().is_some();
    let catalog = if has_servers { catalog.offer_all().offer_completions() } else { catalog };
    let catalog = offer.with_aliases().fold(catalog, |catalog, (name, aliases, server, tool)| {
        let mut entity = tool.clone();
        entity.name = name.to_owned();
        catalog.tool(aliases.iter().fold(callable(entity, server, &tool.name, callees), Tool::alias))
    });
    beside_tools(catalog, offer, callees)
}

/// Says of each server whether its tools are there; why not is for whoever runs the gateway.
pub(super) fn outcomes(offer: &Offer) -> RawJson {
    let outcomes: serde_json::Map<_, _> = (offer.servers.iter())
        .filter(|server| server.label != LOCAL)
        .map(|server| {
            let outcome = json!({"status": server.status, "tool_count": server.tools.len()});
            (server.label.clone(), outcome)
        })
        .collect();
    outcomes.into()
}

fn callable(mut entity: mcp_types::Tool, server: &Offered, own: &str, callees: &Shared) -> Tool {
    let is_local = server.label == LOCAL;
    if !is_local && !is_object_schema(&entity.input_schema) {
        entity.input_schema = of_an_object(&entity.input_schema);
    }
    let callee = Arc::new((Arc::clone(callees), server.label.clone(), own.to_owned()));
    // Two kinds of closures, so that a call has no room for what only the other kind waits for.
    if is_local {
        return Tool::from_entity(entity, move |arguments: RawJson, cx: Cx| {
            let callee = Arc::clone(&callee);
            async move {
                let (callees, _, own) = &*callee;
                callees.answer_here(own, arguments, &cx).await
            }
        });
    }
    let tool = Tool::from_entity(entity, move |arguments: RawJson, cx: Cx| {
        let callee = Arc::clone(&callee);
        async move {
            let (callees, label, own) = &*callee;
            callees.answer(label, own, arguments, &cx).await
        }
    });
    tool.without_checks()
}

/// Adds the `"type": "object"` that a schema of arguments must have; one of another type is left to be refused.
fn of_an_object(schema: &RawJson) -> RawJson {
    let Ok(mut root) = schema.decode::<serde_json::Map<String, serde_json::Value>>() else { return schema.clone() };
    root.entry("type").or_insert_with(|| json!("object"));
    root.into()
}

/// Adds prompts and resources of the servers, each under its own name where no server before has it.
fn beside_tools(mut catalog: Catalog, offer: &Offer, callees: &Shared) -> Catalog {
    let mut uses: BTreeMap<&str, usize> = BTreeMap::new();
    for prompt in offer.servers.iter().flat_map(|server| &server.more.prompts) {
        *uses.entry(&prompt.name).or_default() += 1;
    }
    let mut uris = BTreeSet::new();
    for server in &offer.servers {
        for prompt in &server.more.prompts {
            let mut entity = prompt.clone();
            if uses.get(prompt.name.as_str()).is_some_and(|uses| *uses > 1) {
                entity.name = format!("{}__{}", server.label, prompt.name);
            }
            catalog = catalog.prompt(prompted(entity, server, &prompt.name, callees));
        }
        for resource in server.more.resources.iter().filter(|resource| uris.insert(resource.uri.clone())) {
            let (callees, label, uri) = (Arc::clone(callees), server.label.clone(), resource.uri.clone());
            let read = move |_: Cx| {
                let (callees, label, uri) = (Arc::clone(&callees), label.clone(), uri.clone());
                async move { callees.read(&label, &uri).await }
            };
            catalog = catalog.resource(Resource::from_entity(resource.clone(), read));
        }
        for template in server.more.templates.iter().filter(|known| uris.insert(known.uri_template.clone())) {
            let (callees, label) = (Arc::clone(callees), server.label.clone());
            let read = move |cx: Cx| {
                let (callees, label) = (Arc::clone(&callees), label.clone());
                let uri = cx.params().uri().unwrap_or_default().into_owned();
                async move { callees.read(&label, &uri).await }
            };
            catalog = catalog.template(ResourceTemplate::from_entity(template.clone(), read));
        }
    }
    catalog
}

fn prompted(entity: mcp_types::Prompt, server: &Offered, own: &str, callees: &Shared) -> Prompt {
    let arguments: Vec<String> =
        entity.arguments.iter().flatten().filter(|_| server.more.completes).map(|one| one.name.clone()).collect();
    let (answering, label, name) = (Arc::clone(callees), server.label.clone(), own.to_owned());
    let prompt = Prompt::from_entity(entity, move |cx: Cx| {
        let (callees, label, name) = (Arc::clone(&answering), label.clone(), name.clone());
        let arguments = cx.params().arguments().and_then(|arguments| arguments.decode().ok()).unwrap_or_default();
        async move { callees.prompt(&label, &name, arguments).await }
    });
    arguments.into_iter().fold(prompt, |prompt, argument| {
        let (callees, label, own) = (Arc::clone(callees), server.label.clone(), own.to_owned());
        let typed = argument.clone();
        prompt.complete(argument, move |partial: Partial| {
            let (callees, label) = (Arc::clone(&callees), label.clone());
            let (reference, typed) = (PromptReference::new(own.clone()), typed.clone());
            async move { callees.complete(&label, reference, typed, partial).await }
        })
    })
}

impl Callees {
    async fn read(&self, label: &str, uri: &str) -> Result<ReadResourceResult, RpcError> {
        let client = self.servers.client(label).await.map_err(|error| RpcError::internal(error.to_string()))?;
        let mut read = client.read_resource(uri).await.map_err(|error| passed_on(label, error))?;
        without_hop(&mut read.meta);
        Ok(read)
    }

    async fn complete(
        &self,
        label: &str,
        prompt: PromptReference,
        argument: String,
        typed: Partial,
    ) -> Result<Completion, RpcError> {
        let client = self.servers.client(label).await.map_err(|error| RpcError::internal(error.to_string()))?;
        let mut params = CompleteRequestParams::new(prompt, CompletionArgument::new(argument, typed.value));
        if !typed.known.is_empty() {
            params = params.context(CompletionContext::new().arguments(typed.known));
        }
        let completed = client.complete(params).await.map_err(|error| passed_on(label, error))?;
        Ok(completed.completion)
    }

    async fn prompt(
        &self,
        label: &str,
        name: &str,
        arguments: BTreeMap<String, String>,
    ) -> Result<GetPromptResult, RpcError> {
        let client = self.servers.client(label).await.map_err(|error| RpcError::internal(error.to_string()))?;
        let mut prompt = client.get_prompt(name, arguments).await.map_err(|error| passed_on(label, error))?;
        without_hop(&mut prompt.meta);
        Ok(prompt)
    }
}

/// Passes on what a server said; what went wrong on the way to it is told without details.
fn passed_on(label: &str, error: mcp_client::Error) -> RpcError {
    match error {
        mcp_client::Error::Rpc(error) => error,
        mcp_client::Error::TimedOut(_) => RpcError::internal(format!("server `{label}` did not answer in time")),
        _ => RpcError::internal(format!("server `{label}` did not answer as it should")),
    }
}
