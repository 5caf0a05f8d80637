//! Which requests make sense with this server (V-16, T-62, digest 1.17).
//!
//! Pure. The surprising thing: a client that skipped the probe knows no capabilities, and then everything is tried.

use mcp_types::{Revision, ServerCapabilities, method};

use crate::error::Misuse;

/// Decides whether `name` can be asked of a server that speaks `revision` and offers `capabilities`.
///
/// # Errors
///
/// Fails when the revision does not have the method, or when the server does not offer what the method needs.
pub(crate) fn admit(name: &str, revision: Revision, capabilities: Option<&ServerCapabilities>) -> Result<(), Misuse> {
    let entry = method::entry(name);
    if entry.is_some_and(|entry| !entry.exists_in(revision)) {
        return Err(Misuse::NotInRevision { method: name.to_owned(), revision });
    }
    let Some(capabilities) = capabilities else {
        return Ok(());
    };
    let missing = entry.and_then(|entry| entry.lacking(revision.features(), capabilities));
    missing.map_or(Ok(()), |capability| Err(Misuse::NotOffered { method: name.to_owned(), capability }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const R1: Revision = Revision::V2024_11_05;
    const R4: Revision = Revision::V2025_11_25;
    const R5: Revision = Revision::V2026_07_28;

    fn offers(text: &str) -> ServerCapabilities {
        serde_json::from_str(text).unwrap()
    }

    #[track_caller]
    fn check(name: &str, revision: Revision, capabilities: &str, missing: Option<&'static str>) {
        let expected =
            missing.map_or(Ok(()), |capability| Err(Misuse::NotOffered { method: name.to_owned(), capability }));
        assert_eq!(admit(name, revision, Some(&offers(capabilities))), expected, "{name} {revision} {capabilities}");
    }

    #[test]
    fn a_method_needs_its_capability_in_both_eras() {
        for revision in [R4, R5] {
            check("tools/list", revision, "{}", Some("tools"));
            check("tools/call", revision, r#"{"tools":{}}"#, None);
            check("prompts/get", revision, r#"{"tools":{}}"#, Some("prompts"));
            check("prompts/list", revision, r#"{"prompts":{}}"#, None);
            check("resources/templates/list", revision, "{}", Some("resources"));
            check("resources/read", revision, r#"{"resources":{}}"#, None);
            check("completion/complete", revision, "{}", Some("completions"));
            check("completion/complete", revision, r#"{"completions":{}}"#, None);
        }
        check("logging/setLevel", R4, "{}", Some("logging"));
        check("ping", R4, "{}", None);
    }

    #[test]
    fn completion_needs_no_capability_in_the_first_revision() {
        check("completion/complete", R1, "{}", None);
    }

    #[test]
    fn watching_a_resource_needs_more_than_resources() {
        check("resources/subscribe", R4, r#"{"resources":{}}"#, Some("resources.subscribe"));
        check("resources/unsubscribe", R4, r#"{"resources":{"subscribe":false}}"#, Some("resources.subscribe"));
        check("resources/subscribe", R4, r#"{"resources":{"subscribe":true}}"#, None);
    }

    #[test]
    fn an_extension_is_needed_by_its_methods_in_the_modern_era() {
        check("tasks/get", R5, "{}", Some("io.modelcontextprotocol/tasks"));
        check("tasks/get", R5, r#"{"extensions":{"io.modelcontextprotocol/tasks":{}}}"#, None);
        check("tasks/get", R4, "{}", None);
    }

    #[test]
    fn a_method_of_another_revision_is_refused_here() {
        for name in ["ping", "logging/setLevel", "resources/subscribe", "initialize"] {
            let refused = Err(Misuse::NotInRevision { method: name.to_owned(), revision: R5 });
            assert_eq!(admit(name, R5, None), refused);
        }
        assert!(admit("server/discover", R4, None).is_err());
    }

    #[test]
    fn a_method_nobody_knows_and_a_server_nobody_asked_are_tried() {
        assert_eq!(admit("vendor/thing", R5, Some(&offers("{}"))), Ok(()));
        assert_eq!(admit("tools/call", R5, None), Ok(()));
    }
}
