//! What a subscription is about (P-30 to P-32, P-36).
//!
//! Pure. The surprising thing: what a server acknowledges without having been asked is not believed.

use mcp_types::{ServerCapabilities, SubscriptionFilter};

use crate::cache::contains;
use crate::handler::Change;

/// Returns what was both asked for and acknowledged.
pub(crate) fn granted(requested: &SubscriptionFilter, acknowledged: &SubscriptionFilter) -> SubscriptionFilter {
    combine(
        requested,
        acknowledged,
        |asked, answered| asked && answered,
        |asked, answered| asked.iter().filter(|one| answered.contains(one)).cloned().collect(),
    )
}

/// Returns what was asked for and not granted.
pub(crate) fn missing(requested: &SubscriptionFilter, granted: &SubscriptionFilter) -> SubscriptionFilter {
    combine(
        requested,
        granted,
        |asked, answered| asked && !answered,
        |asked, answered| asked.iter().filter(|one| !answered.contains(one)).cloned().collect(),
    )
}

fn combine(
    left: &SubscriptionFilter,
    right: &SubscriptionFilter,
    flags: impl Fn(bool, bool) -> bool,
    lists: impl Fn(&[String], &[String]) -> Vec<String>,
) -> SubscriptionFilter {
    let flag = |left: Option<bool>, right: Option<bool>| flags(left == Some(true), right == Some(true)).then_some(true);
    let list = |left: &Option<Vec<String>>, right: &Option<Vec<String>>| {
        let both = lists(left.as_deref().unwrap_or_default(), right.as_deref().unwrap_or_default());
        (!both.is_empty()).then_some(both)
    };
    let mut both = SubscriptionFilter::new();
    both.tools_list_changed = flag(left.tools_list_changed, right.tools_list_changed);
    both.prompts_list_changed = flag(left.prompts_list_changed, right.prompts_list_changed);
    both.resources_list_changed = flag(left.resources_list_changed, right.resources_list_changed);
    both.resource_subscriptions = list(&left.resource_subscriptions, &right.resource_subscriptions);
    both.task_ids = list(&left.task_ids, &right.task_ids);
    both
}

/// Returns whether a change is among those that were granted.
pub(crate) fn covers(granted: &SubscriptionFilter, change: &Change) -> bool {
    match change {
        Change::Missed => true,
        Change::Prompts => granted.prompts_list_changed == Some(true),
        // The resource may be one within the one that is watched (P-36).
        Change::Resource(uri) => granted.resource_subscriptions.iter().flatten().any(|watched| contains(watched, uri)),
        Change::Resources => granted.resources_list_changed == Some(true),
        Change::Task { id, .. } => granted.task_ids.iter().flatten().any(|watched| watched == id),
        Change::Tools => granted.tools_list_changed == Some(true),
    }
}

/// Returns what a legacy server tells of, by its capabilities (P-42).
pub(crate) fn of_legacy(requested: &SubscriptionFilter, offered: Option<&ServerCapabilities>) -> SubscriptionFilter {
    let Some(offered) = offered else { return SubscriptionFilter::new() };
    let mut told = SubscriptionFilter::new();
    told.tools_list_changed = offered.tools.as_ref().and_then(|tools| tools.list_changed);
    told.prompts_list_changed = offered.prompts.as_ref().and_then(|prompts| prompts.list_changed);
    if let Some(resources) = &offered.resources {
        told.resources_list_changed = resources.list_changed;
        if resources.subscribe == Some(true) {
            told.resource_subscriptions.clone_from(&requested.resource_subscriptions);
        }
    }
    granted(requested, &told)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(text: &str) -> SubscriptionFilter {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn an_acknowledgement_counts_as_far_as_it_was_asked_for_p_32() {
        let requested =
            filter(r#"{"toolsListChanged":true,"promptsListChanged":false,"resourceSubscriptions":["a:1","a:2"]}"#);
        let answered = filter(
            r#"{"promptsListChanged":true,"resourcesListChanged":true,"resourceSubscriptions":["a:2","a:3"],"taskIds":["1"]}"#,
        );
        let given = granted(&requested, &answered);
        assert_eq!(given, filter(r#"{"resourceSubscriptions":["a:2"]}"#));
        assert_eq!(missing(&requested, &given), filter(r#"{"toolsListChanged":true,"resourceSubscriptions":["a:1"]}"#));
    }

    #[test]
    fn a_change_is_told_only_when_it_was_granted_p_32_p_36() {
        let given = filter(r#"{"toolsListChanged":true,"resourceSubscriptions":["file:///a"],"taskIds":["1"]}"#);
        let task = |id: &str| Change::Task { id: id.to_owned(), status: "working".into() };
        for change in [
            Change::Tools,
            Change::Missed,
            Change::Resource("file:///a".to_owned()),
            Change::Resource("file:///a/b".to_owned()),
            task("1"),
        ] {
            assert!(covers(&given, &change), "{change:?}");
        }
        for change in [Change::Prompts, Change::Resources, Change::Resource("file:///ab".to_owned()), task("2")] {
            assert!(!covers(&given, &change), "{change:?}");
        }
    }

    #[test]
    fn a_legacy_server_tells_of_what_its_capabilities_say() {
        let requested = filter(
            r#"{"toolsListChanged":true,"resourcesListChanged":true,"resourceSubscriptions":["a:1"],"taskIds":["1"]}"#,
        );
        let check = |offered: &str, expected: &str| {
            let offered = serde_json::from_str(offered).unwrap();
            assert_eq!(of_legacy(&requested, Some(&offered)), filter(expected));
        };
        check(r#"{"tools":{},"resources":{}}"#, "{}");
        check(r#"{"tools":{"listChanged":true},"prompts":{"listChanged":true}}"#, r#"{"toolsListChanged":true}"#);
        check(
            r#"{"resources":{"subscribe":true,"listChanged":true}}"#,
            r#"{"resourcesListChanged":true,"resourceSubscriptions":["a:1"]}"#,
        );
    }
}
