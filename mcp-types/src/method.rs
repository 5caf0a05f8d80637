//! The methods of the protocol: their parameters, their results, and in which revisions they exist (digest 1.17).
//!
//! This is one of the four places that know versions. The surprising thing: `tasks/get` and `tasks/cancel` are two
//! methods each, because 2025-11-25 and the extension give the same names different shapes.

use std::borrow::Cow;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::project::Project;
use crate::revision::Revision::{
    self, V2024_11_05 as R1, V2025_03_26 as R2, V2025_06_18 as R3, V2025_11_25 as R4, V2026_07_28 as R5,
};

/// A method that is answered.
pub trait Method: sealed::Sealed + 'static {
    /// The name on the wire.
    const NAME: &'static str;
    /// What it takes.
    type Params: Serialize + DeserializeOwned + Project + Send + Sync + 'static;
    /// What it answers.
    type Result: Serialize + DeserializeOwned + Project + Send + Sync + 'static;
}

/// A method that is never answered.
pub trait NotificationMethod: sealed::Sealed + 'static {
    /// The name on the wire.
    const NAME: &'static str;
    /// What it tells.
    type Params: Serialize + DeserializeOwned + Project + Send + Sync + 'static;
}

/// A method that a server asks a client with, by itself up to 2025-11-25 and in `inputRequests` since (T-150).
pub trait InputMethod: Method {}

impl InputMethod for methods::ElicitationCreate {}
impl InputMethod for methods::RootsList {}
impl InputMethod for methods::SamplingCreateMessage {}

mod sealed {
    pub trait Sealed {}
}

/// Declares the methods, one line each.
macro_rules! methods {
    ($($(#[$attr:meta])* $name:ident = $wire:literal ($params:ty) -> $result:ty;)+) => {
        /// The methods that are answered.
        pub mod methods {
            use super::{Method, sealed};
            use crate::*;

            $(
                $(#[$attr])*
                #[derive(Clone, Copy, Debug)]
                pub struct $name;

                impl sealed::Sealed for $name {}

                impl Method for $name {
                    const NAME: &'static str = $wire;
                    type Params = $params;
                    type Result = $result;
                }
            )+
        }
    };
}

/// Declares the notifications, one line each.
macro_rules! notifications {
    ($($(#[$attr:meta])* $name:ident = $wire:literal ($params:ty);)+) => {
        /// The methods that are never answered.
        pub mod notifications {
            use super::{NotificationMethod, sealed};
            use crate::*;

            $(
                $(#[$attr])*
                #[derive(Clone, Copy, Debug)]
                pub struct $name;

                impl sealed::Sealed for $name {}

                impl NotificationMethod for $name {
                    const NAME: &'static str = $wire;
                    type Params = $params;
                }
            )+
        }
    };
}

methods! {
    /// Completes an argument.
    CompletionComplete = "completion/complete" (CompleteRequestParams) -> CompleteResult;
    /// Asks the user.
    ElicitationCreate = "elicitation/create" (ElicitRequestParams) -> ElicitResult;
    /// Begins a legacy session.
    Initialize = "initialize" (InitializeRequestParams) -> InitializeResult;
    /// Cancels a task of 2025-11-25.
    LegacyTasksCancel = "tasks/cancel" (CancelTaskRequestParams) -> LegacyTask;
    /// Looks at a task of 2025-11-25.
    LegacyTasksGet = "tasks/get" (GetTaskRequestParams) -> LegacyTask;
    /// Lists the tasks of 2025-11-25.
    LegacyTasksList = "tasks/list" (PaginatedRequestParams) -> LegacyListTasksResult;
    /// Waits for the result of a task of 2025-11-25, which has the shape of the request that became the task.
    LegacyTasksResult = "tasks/result" (GetTaskRequestParams) -> JsonObject;
    /// Sets the least severe level of log messages.
    LoggingSetLevel = "logging/setLevel" (SetLevelRequestParams) -> EmptyResult;
    /// Asks whether the peer is there.
    Ping = "ping" (RequestParams) -> EmptyResult;
    /// Fills in a prompt.
    PromptsGet = "prompts/get" (GetPromptRequestParams) -> PromptsGetOutcome;
    /// Lists the prompts.
    PromptsList = "prompts/list" (PaginatedRequestParams) -> ListPromptsResult;
    /// Lists the resources.
    ResourcesList = "resources/list" (PaginatedRequestParams) -> ListResourcesResult;
    /// Reads a resource.
    ResourcesRead = "resources/read" (ReadResourceRequestParams) -> ResourcesReadOutcome;
    /// Watches a resource.
    ResourcesSubscribe = "resources/subscribe" (SubscribeRequestParams) -> EmptyResult;
    /// Lists the templates of resources.
    ResourcesTemplatesList = "resources/templates/list" (PaginatedRequestParams) -> ListResourceTemplatesResult;
    /// Watches a resource no longer.
    ResourcesUnsubscribe = "resources/unsubscribe" (UnsubscribeRequestParams) -> EmptyResult;
    /// Lists the roots.
    RootsList = "roots/list" (RequestParams) -> ListRootsResult;
    /// Asks the language model.
    SamplingCreateMessage = "sampling/createMessage" (CreateMessageRequestParams) -> CreateMessageResult;
    /// Asks a server what it is.
    ServerDiscover = "server/discover" (RequestParams) -> DiscoverResult;
    /// Stays open and brings changes.
    SubscriptionsListen = "subscriptions/listen" (SubscriptionsListenRequestParams) -> SubscriptionsListenResult;
    /// Cancels a task of the extension.
    TasksCancel = "tasks/cancel" (CancelTaskRequestParams) -> EmptyResult;
    /// Looks at a task of the extension.
    TasksGet = "tasks/get" (GetTaskRequestParams) -> DetailedTask;
    /// Answers what a task of the extension asks for.
    TasksUpdate = "tasks/update" (UpdateTaskRequestParams) -> EmptyResult;
    /// Calls a tool.
    ToolsCall = "tools/call" (CallToolRequestParams) -> ToolsCallOutcome;
    /// Lists the tools.
    ToolsList = "tools/list" (PaginatedRequestParams) -> ListToolsResult;
}

notifications! {
    /// Withdraws a request.
    Cancelled = "notifications/cancelled" (CancelledNotificationParams);
    /// Says that an elicitation by URL is complete.
    ElicitationComplete = "notifications/elicitation/complete" (ElicitationCompleteNotificationParams);
    /// Says that a legacy session is ready.
    Initialized = "notifications/initialized" (NotificationParams);
    /// Says how a task of 2025-11-25 is doing.
    LegacyTasksStatus = "notifications/tasks/status" (LegacyTask);
    /// Logs something.
    Message = "notifications/message" (LoggingMessageNotificationParams);
    /// Says how far a request has come.
    Progress = "notifications/progress" (ProgressNotificationParams);
    /// Says that the list of prompts changed.
    PromptsListChanged = "notifications/prompts/list_changed" (NotificationParams);
    /// Says that the list of resources changed.
    ResourcesListChanged = "notifications/resources/list_changed" (NotificationParams);
    /// Says that a resource changed.
    ResourcesUpdated = "notifications/resources/updated" (ResourceUpdatedNotificationParams);
    /// Says that the list of roots changed.
    RootsListChanged = "notifications/roots/list_changed" (NotificationParams);
    /// Says which changes a subscription brings.
    SubscriptionsAcknowledged = "notifications/subscriptions/acknowledged" (SubscriptionsAcknowledgedNotificationParams);
    /// Says how a task of the extension is doing.
    Tasks = "notifications/tasks" (TaskNotificationParams);
    /// Says that the list of tools changed.
    ToolsListChanged = "notifications/tools/list_changed" (NotificationParams);
}

/// Whether a method is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It is not.
    Notification,
    /// It is.
    Request,
}

/// Who sends a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    /// Either side, at least in one revision.
    Both,
    /// The client.
    Client,
    /// The server.
    Server,
}

/// What the registry knows about a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// The name on the wire.
    pub name: &'static str,
    /// Whether it is answered.
    pub kind: Kind,
    /// Who sends it.
    pub sender: Sender,
    /// The revisions in which it is a message of its own.
    pub revisions: &'static [Revision],
    /// The extension that has to be negotiated for it in the modern era.
    pub extension: Option<&'static str>,
}

impl Entry {
    /// Returns whether the method is a message of its own in `revision`; with its extension, when it has one.
    pub fn exists_in(&self, revision: Revision) -> bool {
        self.revisions.contains(&revision)
    }
}

/// Returns what is known about `name`, whatever its revision.
pub fn entry(name: &str) -> Option<&'static Entry> {
    let at = ENTRIES.binary_search_by(|entry| entry.name.cmp(name)).ok()?;
    ENTRIES.get(at)
}

/// Returns `name` without keeping a copy when the registry knows it.
pub fn intern(name: &str) -> Cow<'static, str> {
    match entry(name) {
        Some(entry) => Cow::Borrowed(entry.name),
        None => Cow::Owned(name.to_owned()),
    }
}

/// Every name, in order.
pub fn entries() -> &'static [Entry] {
    ENTRIES
}

const fn row(
    name: &'static str,
    kind: Kind,
    sender: Sender,
    revisions: &'static [Revision],
    extension: Option<&'static str>,
) -> Entry {
    Entry { name, kind, sender, revisions, extension }
}

const ALL: &[Revision] = &Revision::ALL;
const LEGACY: &[Revision] = &[R1, R2, R3, R4];
const TASKS: Option<&str> = Some(crate::tasks::TASKS_EXTENSION);
const SKILLS: Option<&str> = Some("io.modelcontextprotocol/skills");

/// Sorted by name: [`entry`] searches by halves, which a test checks.
static ENTRIES: &[Entry] = {
    use Kind::{Notification, Request};
    use Sender::{Both, Client, Server};
    &[
        row("completion/complete", Request, Client, ALL, None),
        row("elicitation/create", Request, Server, &[R3, R4], None),
        row("initialize", Request, Client, LEGACY, None),
        row("logging/setLevel", Request, Client, LEGACY, None),
        row("notifications/cancelled", Notification, Both, ALL, None),
        row("notifications/elicitation/complete", Notification, Server, &[R4], None),
        row("notifications/initialized", Notification, Client, LEGACY, None),
        row("notifications/message", Notification, Server, ALL, None),
        row("notifications/progress", Notification, Both, ALL, None),
        row("notifications/prompts/list_changed", Notification, Server, ALL, None),
        row("notifications/resources/list_changed", Notification, Server, ALL, None),
        row("notifications/resources/updated", Notification, Server, ALL, None),
        row("notifications/roots/list_changed", Notification, Client, LEGACY, None),
        row("notifications/subscriptions/acknowledged", Notification, Server, &[R5], None),
        row("notifications/tasks", Notification, Server, &[R5], TASKS),
        row("notifications/tasks/status", Notification, Both, &[R4], None),
        row("notifications/tools/list_changed", Notification, Server, ALL, None),
        row("ping", Request, Both, LEGACY, None),
        row("prompts/get", Request, Client, ALL, None),
        row("prompts/list", Request, Client, ALL, None),
        row("resources/directory/read", Request, Client, &[R5], SKILLS),
        row("resources/list", Request, Client, ALL, None),
        row("resources/read", Request, Client, ALL, None),
        row("resources/subscribe", Request, Client, LEGACY, None),
        row("resources/templates/list", Request, Client, ALL, None),
        row("resources/unsubscribe", Request, Client, LEGACY, None),
        row("roots/list", Request, Server, LEGACY, None),
        row("sampling/createMessage", Request, Server, LEGACY, None),
        row("server/discover", Request, Client, &[R5], None),
        row("skills/get", Request, Client, &[R5], SKILLS),
        row("skills/list", Request, Client, &[R5], SKILLS),
        row("subscriptions/listen", Request, Client, &[R5], None),
        row("tasks/cancel", Request, Both, &[R4, R5], TASKS),
        row("tasks/get", Request, Both, &[R4, R5], TASKS),
        row("tasks/list", Request, Both, &[R4], None),
        row("tasks/result", Request, Both, &[R4], None),
        row("tasks/update", Request, Client, &[R5], TASKS),
        row("tools/call", Request, Client, ALL, None),
        row("tools/list", Request, Client, ALL, None),
    ]
};

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of digest 1.17: names, who sends them, and in which of the five revisions they are messages.
    const ROWS: &[(&[&str], Sender, &str)] = &[
        (&["initialize", "notifications/initialized"], Sender::Client, "xxxx-"),
        (&["ping"], Sender::Both, "xxxx-"),
        (&["server/discover", "subscriptions/listen"], Sender::Client, "----x"),
        (&["tools/list", "tools/call", "prompts/list", "prompts/get"], Sender::Client, "xxxxx"),
        (&["resources/list", "resources/read", "resources/templates/list"], Sender::Client, "xxxxx"),
        (&["completion/complete"], Sender::Client, "xxxxx"),
        (&["resources/subscribe", "resources/unsubscribe", "logging/setLevel"], Sender::Client, "xxxx-"),
        (&["sampling/createMessage", "roots/list"], Sender::Server, "xxxx-"),
        (&["elicitation/create"], Sender::Server, "--xx-"),
        (&["tasks/result", "tasks/list"], Sender::Both, "---x-"),
        (&["tasks/get", "tasks/cancel"], Sender::Both, "---xx"),
        (&["tasks/update"], Sender::Client, "----x"),
        (&["notifications/cancelled", "notifications/progress"], Sender::Both, "xxxxx"),
        (&["notifications/message", "notifications/resources/updated"], Sender::Server, "xxxxx"),
        (&["notifications/tools/list_changed", "notifications/prompts/list_changed"], Sender::Server, "xxxxx"),
        (&["notifications/resources/list_changed"], Sender::Server, "xxxxx"),
        (&["notifications/roots/list_changed"], Sender::Client, "xxxx-"),
        (&["notifications/elicitation/complete"], Sender::Server, "---x-"),
        (&["notifications/tasks/status"], Sender::Both, "---x-"),
        (&["notifications/subscriptions/acknowledged"], Sender::Server, "----x"),
        (&["notifications/tasks"], Sender::Server, "----x"),
        (&["skills/list", "skills/get", "resources/directory/read"], Sender::Client, "----x"),
    ];

    #[test]
    fn the_registry_is_the_table_of_the_specification() {
        let mut count = 0;
        for (names, sender, revisions) in ROWS {
            for name in *names {
                let entry = entry(name).unwrap_or_else(|| panic!("{name} is not known"));
                let found: String = Revision::ALL.map(|r| if entry.exists_in(r) { 'x' } else { '-' }).iter().collect();
                assert_eq!((entry.sender, &*found), (*sender, *revisions), "{name}");
                assert_eq!(entry.kind == Kind::Notification, name.starts_with("notifications/"), "{name}");
                count += 1;
            }
        }
        assert_eq!(count, entries().len(), "every name of the registry is in the table");
    }

    #[test]
    fn the_registry_is_sorted_so_that_every_name_is_found() {
        assert!(entries().is_sorted_by(|a, b| a.name < b.name));
        for known in entries() {
            assert_eq!(entry(known.name), Some(known));
        }
        assert_eq!(entry("tools/Call"), None);
        assert_eq!(entry(""), None);
    }

    #[test]
    fn a_known_name_is_not_copied() {
        assert!(matches!(intern("tools/call"), Cow::Borrowed("tools/call")));
        assert!(matches!(intern("x/y"), Cow::Owned(_)));
    }

    #[test]
    fn every_typed_method_is_in_the_registry() {
        fn check(name: &str, kind: Kind) {
            assert_eq!(entry(name).map(|entry| entry.kind), Some(kind), "{name}");
        }
        check(methods::ToolsCall::NAME, Kind::Request);
        check(methods::TasksUpdate::NAME, Kind::Request);
        check(methods::LegacyTasksResult::NAME, Kind::Request);
        check(methods::ServerDiscover::NAME, Kind::Request);
        check(notifications::Tasks::NAME, Kind::Notification);
        check(notifications::LegacyTasksStatus::NAME, Kind::Notification);
        check(notifications::SubscriptionsAcknowledged::NAME, Kind::Notification);
    }
}
