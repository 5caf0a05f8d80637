//! Which of the wanted changes a server will tell (P-32, P-37, P-38).
//!
//! The surprising thing: nothing that cannot be honoured is an error. The acknowledgement says what is left, and a
//! client compares.

use std::collections::HashSet;

use mcp_types::{
    ClientCapabilities, JsonObject, MissingRequiredClientCapabilityError, RawJson, RpcError, SubscriptionFilter,
    TASKS_EXTENSION,
};

/// Which changes a server declares that it tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Offered {
    /// Changes of the list of prompts.
    pub(crate) prompts: bool,
    /// Changes of the list of resources.
    pub(crate) resources: bool,
    /// Changes of single resources.
    pub(crate) subscribe: bool,
    /// Changes of the list of tools.
    pub(crate) tools: bool,
}

impl Offered {
    /// Returns whether there is anything to listen to; without it `subscriptions/listen` does not exist (P-37).
    pub(crate) fn is_anything(self) -> bool {
        self != Self::default()
    }

    /// Returns what of a filter is honoured, with at most so many URIs, each once.
    pub(crate) fn honoured(self, wanted: &SubscriptionFilter, most_uris: usize) -> SubscriptionFilter {
        // `false` asks for nothing, as absence does (P-32).
        let keep = |wanted: Option<bool>, offered: bool| wanted.filter(|wanted| *wanted && offered);
        let mut seen: HashSet<&str> = HashSet::new();
        let uris = wanted.resource_subscriptions.as_ref().filter(|_| self.subscribe);
        let uris = uris.map(|uris| uris.iter().filter(|uri| seen.insert(uri)).take(most_uris).cloned().collect());
        let mut honoured = SubscriptionFilter::new();
        honoured.tools_list_changed = keep(wanted.tools_list_changed, self.tools);
        honoured.prompts_list_changed = keep(wanted.prompts_list_changed, self.prompts);
        honoured.resources_list_changed = keep(wanted.resources_list_changed, self.resources);
        honoured.resource_subscriptions = uris;
        honoured
    }
}

/// Refuses a filter for tasks of a client that did not declare them (P-38).
///
/// # Errors
///
/// Returns −32021 with the extension.
pub(crate) fn check_tasks(wanted: &SubscriptionFilter, client: &ClientCapabilities) -> Result<(), RpcError> {
    if wanted.task_ids.is_none() || client.extension(TASKS_EXTENSION).is_some() {
        return Ok(());
    }
    let extensions: JsonObject = [(TASKS_EXTENSION, RawJson::empty_object())].into_iter().collect();
    Err(MissingRequiredClientCapabilityError::new(ClientCapabilities::new().extensions(extensions)).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(text: &str) -> SubscriptionFilter {
        serde_json::from_str(text).unwrap()
    }

    const EVERYTHING: Offered = Offered { prompts: true, resources: true, subscribe: true, tools: true };

    #[track_caller]
    fn check(offered: Offered, wanted: &str, honoured: &str) {
        let found = offered.honoured(&filter(wanted), 2);
        assert_eq!(serde_json::to_string(&found).unwrap(), honoured);
    }

    #[test]
    fn only_what_is_wanted_and_offered_is_honoured_p_32() {
        let all = r#"{"toolsListChanged":true,"promptsListChanged":true,"resourcesListChanged":true,"resourceSubscriptions":["a:b"]}"#;
        check(EVERYTHING, all, all);
        check(EVERYTHING, r#"{"toolsListChanged":false,"promptsListChanged":true}"#, r#"{"promptsListChanged":true}"#);
        check(Offered { tools: true, ..Offered::default() }, all, r#"{"toolsListChanged":true}"#);
        check(Offered { subscribe: true, ..Offered::default() }, all, r#"{"resourceSubscriptions":["a:b"]}"#);
        check(EVERYTHING, r#"{"taskIds":["1"],"later":{}}"#, "{}");
    }

    #[test]
    fn uris_are_honoured_once_each_and_up_to_a_bound() {
        let wanted = r#"{"resourceSubscriptions":["a:1","a:1","a:2","a:3"]}"#;
        check(EVERYTHING, wanted, r#"{"resourceSubscriptions":["a:1","a:2"]}"#);
    }

    #[test]
    fn a_server_that_tells_nothing_has_nothing_to_listen_to_p_37() {
        assert!(!Offered::default().is_anything());
        assert!(Offered { prompts: true, ..Offered::default() }.is_anything());
    }

    #[test]
    fn tasks_are_refused_to_a_client_without_the_extension_p_38() {
        let declared: ClientCapabilities =
            serde_json::from_str(r#"{"extensions":{"io.modelcontextprotocol/tasks":{}}}"#).unwrap();
        let wanted = filter(r#"{"taskIds":[]}"#);
        assert_eq!(check_tasks(&wanted, &declared), Ok(()));
        assert_eq!(check_tasks(&filter("{}"), &ClientCapabilities::new()), Ok(()));
        let error = check_tasks(&wanted, &ClientCapabilities::new()).unwrap_err();
        assert_eq!(error.code.0, -32021);
        let data = error.data.unwrap();
        assert_eq!(data.as_str(), r#"{"requiredCapabilities":{"extensions":{"io.modelcontextprotocol/tasks":{}}}}"#);
    }
}
