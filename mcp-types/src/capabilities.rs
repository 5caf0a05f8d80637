//! What a client and a server can do (*Capabilities*, T-60 to T-64).
//!
//! The surprising thing: a capability is declared by being there. `{}` declares it, and so does an object full of
//! members that nobody here knows; those are kept.

use crate::json::JsonObject;
use crate::object::object;

object! {
    /// What a client can do for a server.
    pub struct ClientCapabilities {
        optional {
            /// Capabilities outside of the specification.
            experimental: JsonObject = "experimental",
            /// It can list the directories it works in; deprecated in 2026-07-28.
            roots: RootsCapability = "roots",
            /// It can ask a language model; deprecated in 2026-07-28.
            sampling: SamplingCapability = "sampling",
            /// It can ask its user; since 2025-06-18.
            elicitation: ElicitationCapability = "elicitation",
            /// Which of its requests may run as tasks; 2025-11-25 only (T-64).
            tasks: TasksCapability = "tasks",
            /// Extensions by identifier, each with its settings.
            extensions: JsonObject = "extensions",
        }
    }
}

object! {
    /// What a server offers.
    pub struct ServerCapabilities {
        optional {
            /// Capabilities outside of the specification.
            experimental: JsonObject = "experimental",
            /// It sends log messages; deprecated in 2026-07-28.
            logging: JsonObject = "logging",
            /// It completes arguments; since 2025-03-26, before which completion needed no capability.
            completions: JsonObject = "completions",
            /// It has prompts.
            prompts: PromptsCapability = "prompts",
            /// It has resources.
            resources: ResourcesCapability = "resources",
            /// It has tools.
            tools: ToolsCapability = "tools",
            /// Which of its requests may run as tasks; 2025-11-25 only (T-64).
            tasks: TasksCapability = "tasks",
            /// Extensions by identifier, each with its settings.
            extensions: JsonObject = "extensions",
        }
    }
}

object! {
    /// How a client lists roots.
    pub struct RootsCapability {
        optional {
            /// It tells when they change; up to 2025-11-25.
            list_changed: bool = "listChanged",
        }
    }
}

object! {
    /// How a client samples.
    pub struct SamplingCapability {
        optional {
            /// It can include context of servers; since 2025-11-25.
            context: JsonObject = "context",
            /// It can give tools to the model; since 2025-11-25.
            tools: JsonObject = "tools",
        }
    }
}

object! {
    /// How a client asks its user. `{}` means by form (T-60).
    pub struct ElicitationCapability {
        optional {
            /// With a form.
            form: JsonObject = "form",
            /// By opening a URL; since 2025-11-25.
            url: JsonObject = "url",
        }
    }
}

object! {
    /// How a server offers prompts.
    pub struct PromptsCapability {
        optional {
            /// It tells when the list changes.
            list_changed: bool = "listChanged",
        }
    }
}

object! {
    /// How a server offers resources.
    pub struct ResourcesCapability {
        optional {
            /// It tells when a resource changes that the client asked to watch.
            subscribe: bool = "subscribe",
            /// It tells when the list changes.
            list_changed: bool = "listChanged",
        }
    }
}

object! {
    /// How a server offers tools.
    pub struct ToolsCapability {
        optional {
            /// It tells when the list changes.
            list_changed: bool = "listChanged",
        }
    }
}

object! {
    /// Which requests a peer lets run as tasks; 2025-11-25 only.
    pub struct TasksCapability {
        optional {
            /// It answers `tasks/list`.
            list: JsonObject = "list",
            /// It answers `tasks/cancel`.
            cancel: JsonObject = "cancel",
            /// The requests, as nested objects such as `{"tools":{"call":{}}}`.
            requests: JsonObject = "requests",
        }
    }
}

impl ElicitationCapability {
    /// Returns whether the client can show a form: declared, or nothing is (T-60).
    pub fn has_form(&self) -> bool {
        self.form.is_some() || self.url.is_none()
    }

    /// Returns whether the client can open a URL.
    pub fn has_url(&self) -> bool {
        self.url.is_some()
    }
}

impl ClientCapabilities {
    /// Returns the settings of an extension that the client declares.
    ///
    /// Settings that are not an object declare nothing (T-61).
    pub fn extension(&self, id: &str) -> Option<JsonObject> {
        settings(self.extensions.as_ref(), id)
    }
}

impl ServerCapabilities {
    /// Returns the settings of an extension that the server declares.
    ///
    /// Settings that are not an object declare nothing (T-61).
    pub fn extension(&self, id: &str) -> Option<JsonObject> {
        settings(self.extensions.as_ref(), id)
    }
}

fn settings(extensions: Option<&JsonObject>, id: &str) -> Option<JsonObject> {
    extensions?.member(id)?.decode().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(text: &str) -> ClientCapabilities {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn an_empty_elicitation_capability_means_forms() {
        let check = |text: &str, form: bool, url: bool| {
            let elicitation = client(text).elicitation.unwrap();
            assert_eq!((elicitation.has_form(), elicitation.has_url()), (form, url), "{text}");
        };
        check(r#"{"elicitation":{}}"#, true, false);
        check(r#"{"elicitation":{"form":{}}}"#, true, false);
        check(r#"{"elicitation":{"url":{}}}"#, false, true);
        check(r#"{"elicitation":{"form":{},"url":{}}}"#, true, true);
        assert!(client(r#"{"elicitation":null}"#).elicitation.is_none());
    }

    #[test]
    fn only_an_object_declares_an_extension() {
        let capabilities = client(r#"{"extensions":{"a/b":{},"a/c":null,"a/d":true,"a/e":{"x":1}}}"#);
        assert!(capabilities.extension("a/b").unwrap().is_empty());
        assert_eq!(capabilities.extension("a/c"), None);
        assert_eq!(capabilities.extension("a/d"), None);
        assert_eq!(capabilities.extension("a/e").unwrap().len(), 1);
        assert_eq!(capabilities.extension("a/f"), None);
    }

    #[test]
    fn unknown_members_of_capabilities_survive() {
        let text = r#"{"sampling":{"newer":{}},"newest":1}"#;
        assert_eq!(serde_json::to_string(&client(text)).unwrap(), text);
    }
}
