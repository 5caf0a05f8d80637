//! The methods of the protocol: their parameters, their results, and in which revisions they exist (digest 1.17).
//!
//! This is one of the four places that know versions. The surprising thing: `tasks/get` and `tasks/cancel` are two
//! methods each, because 2025-11-25 and the extension give the same names different shapes.

use std::borrow::Cow;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::capabilities::ServerCapabilities;
use crate::project::Project;
use crate::revision::Features;
use crate::revision::Revision::{
    self, V2024_11_05 as R1, V2025_03_26 as R2, V2025_06_18 as R3, V2025_11_25 as R4, V2026_07_28 as R5,
};
use crate::rpc::Params;

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

/// The member of the parameters that names what a request is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// `name`, of a tool or a prompt.
    Name,
    /// `taskId`.
    TaskId,
    /// `uri`, of a resource.
    Uri,
}

/// What a server declares in its capabilities before a client may ask for it (T-62).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capability {
    /// `completions`, in the revisions that have it.
    Completions,
    /// `logging`.
    Logging,
    /// `prompts`.
    Prompts,
    /// `resources`.
    Resources,
    /// `resources.subscribe`.
    ResourcesSubscribe,
    /// `tools`.
    Tools,
}

impl Capability {
    /// Returns the path of the member that declares it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Completions => "completions",
            Self::Logging => "logging",
            Self::Prompts => "prompts",
            Self::Resources => "resources",
            Self::ResourcesSubscribe => "resources.subscribe",
            Self::Tools => "tools",
        }
    }

    /// Returns whether the server declares it.
    pub fn is_offered(self, offered: &ServerCapabilities) -> bool {
        match self {
            Self::Completions => offered.completions.is_some(),
            Self::Logging => offered.logging.is_some(),
            Self::Prompts => offered.prompts.is_some(),
            Self::Resources => offered.resources.is_some(),
            Self::ResourcesSubscribe => {
                offered.resources.as_ref().and_then(|resources| resources.subscribe) == Some(true)
            }
            Self::Tools => offered.tools.is_some(),
        }
    }

    /// Returns whether a revision with these features has it; before, what it declares needed no declaration.
    pub const fn exists_in(self, features: Features) -> bool {
        match self {
            Self::Completions => features.has(Features::COMPLETIONS_CAPABILITY),
            _ => true,
        }
    }
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
    /// The capability of the server without which a client does not send it; tasks have theirs by the kind of task.
    pub capability: Option<Capability>,
    /// What a request is about: `Mcp-Name` repeats it over HTTP in the modern era (H-7).
    pub subject: Option<Subject>,
    /// Whether sending the request twice does no more than sending it once, so that it may be repeated when nobody knows
    /// whether it was carried out (F51).
    pub is_repeatable: bool,
    /// Whether its result may be `input_required`, where a revision has that (P-10).
    pub asks_back: bool,
}

impl Entry {
    /// Returns whether the method is a message of its own in `revision`; with its extension, when it has one.
    pub fn exists_in(&self, revision: Revision) -> bool {
        self.revisions.contains(&revision)
    }

    /// Returns what a server lacks that offers `offered` in a revision with `features`; `None` when the method may be
    /// sent to it. It does not ask whether the method exists there.
    pub fn lacking(&self, features: Features, offered: &ServerCapabilities) -> Option<&'static str> {
        match self.extension {
            // What a session negotiates is a capability; extensions are negotiated where every request stands alone.
            Some(extension) if !features.has(Features::SESSION) => {
                offered.extension(extension).is_none().then_some(extension)
            }
            _ => {
                let capability = self.capability.filter(|capability| capability.exists_in(features))?;
                (!capability.is_offered(offered)).then(|| capability.as_str())
            }
        }
    }

    /// Returns what the header `Mcp-Name` repeats of the parameters (H-7); `None` when the method has no such header, or
    /// when the member is not there.
    pub fn mirrored_name<'p>(&self, params: &'p Params) -> Option<Cow<'p, str>> {
        match self.subject? {
            Subject::Name => params.name(),
            Subject::TaskId => params.task_id(),
            Subject::Uri => params.uri(),
        }
    }

    const fn of(mut self, capability: Capability) -> Self {
        self.capability = Some(capability);
        self
    }

    const fn about(mut self, subject: Subject) -> Self {
        self.subject = Some(subject);
        self
    }

    const fn asking_back(mut self) -> Self {
        self.asks_back = true;
        self
    }

    const fn repeatable(mut self) -> Self {
        self.is_repeatable = true;
        self
    }
}

/// Returns what is known about `name`, whatever its revision.
pub fn entry(name: &str) -> Option<&'static Entry> {
    entry_of(name.as_bytes())
}

/// Does as [`entry`] does, for a name that may not be UTF-8.
pub(crate) fn entry_of(name: &[u8]) -> Option<&'static Entry> {
    // Only names of the same length are compared, and of most lengths there are one or two.
    let first = *FIRST_OF_LENGTH.get(name.len())?;
    let same = BY_LENGTH.get(first..)?.iter().take_while(|entry| entry.name.len() == name.len());
    // Of those, most differ in how they end.
    let ends_alike = |entry: &&Entry| entry.name.as_bytes().last() == name.last();
    same.copied().filter(ends_alike).find(|entry| entry.name.as_bytes() == name)
}

/// The entries, those with short names first.
static BY_LENGTH: [&Entry; ENTRIES.len()] = {
    let mut sorted = [&ENTRIES[0]; ENTRIES.len()];
    let mut at = 0;
    while at < ENTRIES.len() {
        let mut place = at;
        while place > 0 && sorted[place - 1].name.len() > ENTRIES[at].name.len() {
            sorted[place] = sorted[place - 1];
            place -= 1;
        }
        sorted[place] = &ENTRIES[at];
        at += 1;
    }
    sorted
};

/// Where in [`BY_LENGTH`] the names of each length begin.
static FIRST_OF_LENGTH: [usize; LONGEST + 1] = {
    let mut first = [0; LONGEST + 1];
    let mut at = 0;
    while at < ENTRIES.len() {
        let mut longer = ENTRIES[at].name.len() + 1;
        while longer <= LONGEST {
            first[longer] += 1;
            longer += 1;
        }
        at += 1;
    }
    first
};

/// The length of the longest name.
const LONGEST: usize = {
    let mut longest = 0;
    let mut at = 0;
    while at < ENTRIES.len() {
        if ENTRIES[at].name.len() > longest {
            longest = ENTRIES[at].name.len();
        }
        at += 1;
    }
    longest
};

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
    Entry {
        name,
        kind,
        sender,
        revisions,
        extension,
        capability: None,
        subject: None,
        is_repeatable: false,
        asks_back: false,
    }
}

const ALL: &[Revision] = &Revision::ALL;
const LEGACY: &[Revision] = &[R1, R2, R3, R4];
const TASKS: Option<&str> = Some(crate::tasks::TASKS_EXTENSION);
const SKILLS: Option<&str> = Some("io.modelcontextprotocol/skills");

/// Sorted by name, which a test checks.
const ENTRIES: &[Entry] = {
    use Capability::{Completions, Logging, Prompts, Resources, ResourcesSubscribe, Tools};
    use Kind::{Notification, Request};
    use Sender::{Both, Client, Server};
    use Subject::{Name, TaskId, Uri};
    &[
        row("completion/complete", Request, Client, ALL, None).of(Completions).repeatable(),
        row("elicitation/create", Request, Server, &[R3, R4], None),
        row("initialize", Request, Client, LEGACY, None),
        row("logging/setLevel", Request, Client, LEGACY, None).of(Logging).repeatable(),
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
        row("ping", Request, Both, LEGACY, None).repeatable(),
        row("prompts/get", Request, Client, ALL, None).of(Prompts).about(Name).repeatable().asking_back(),
        row("prompts/list", Request, Client, ALL, None).of(Prompts).repeatable(),
        row("resources/directory/read", Request, Client, &[R5], SKILLS).repeatable(),
        row("resources/list", Request, Client, ALL, None).of(Resources).repeatable(),
        row("resources/read", Request, Client, ALL, None).of(Resources).about(Uri).repeatable().asking_back(),
        row("resources/subscribe", Request, Client, LEGACY, None).of(ResourcesSubscribe).repeatable(),
        row("resources/templates/list", Request, Client, ALL, None).of(Resources).repeatable(),
        row("resources/unsubscribe", Request, Client, LEGACY, None).of(ResourcesSubscribe).repeatable(),
        row("roots/list", Request, Server, LEGACY, None),
        row("sampling/createMessage", Request, Server, LEGACY, None),
        row("server/discover", Request, Client, &[R5], None).repeatable(),
        row("skills/get", Request, Client, &[R5], SKILLS).repeatable(),
        row("skills/list", Request, Client, &[R5], SKILLS).repeatable(),
        row("subscriptions/listen", Request, Client, &[R5], None),
        row("tasks/cancel", Request, Both, &[R4, R5], TASKS).about(TaskId),
        row("tasks/get", Request, Both, &[R4, R5], TASKS).about(TaskId).repeatable(),
        row("tasks/list", Request, Both, &[R4], None).repeatable(),
        row("tasks/result", Request, Both, &[R4], None),
        row("tasks/update", Request, Client, &[R5], TASKS).about(TaskId),
        row("tools/call", Request, Client, ALL, None).of(Tools).about(Name).asking_back(),
        row("tools/list", Request, Client, ALL, None).of(Tools).repeatable(),
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

    /// What a request needs, which member it is about, and whether it may be repeated: every request that has one of them.
    const FACTS: &[(&str, &str, &str, bool)] = &[
        ("completion/complete", "completions", "", true),
        ("logging/setLevel", "logging", "", true),
        ("ping", "", "", true),
        ("prompts/get", "prompts", "name", true),
        ("prompts/list", "prompts", "", true),
        ("resources/directory/read", "", "", true),
        ("resources/list", "resources", "", true),
        ("resources/read", "resources", "uri", true),
        ("resources/subscribe", "resources.subscribe", "", true),
        ("resources/templates/list", "resources", "", true),
        ("resources/unsubscribe", "resources.subscribe", "", true),
        ("server/discover", "", "", true),
        ("skills/get", "", "", true),
        ("skills/list", "", "", true),
        ("tasks/cancel", "", "taskId", false),
        ("tasks/get", "", "taskId", true),
        ("tasks/list", "", "", true),
        ("tasks/update", "", "taskId", false),
        ("tools/call", "tools", "name", false),
        ("tools/list", "tools", "", true),
    ];

    #[test]
    fn the_facts_about_each_request_are_those_of_the_table() {
        let raw = crate::RawJson::parse(r#"{"name":"name","taskId":"taskId","uri":"uri"}"#).unwrap();
        let params = Params::from_raw(raw).unwrap();
        for entry in entries() {
            let row = FACTS.iter().find(|(name, ..)| *name == entry.name);
            let (_, capability, subject, is_repeatable) = row.copied().unwrap_or((entry.name, "", "", false));
            assert_eq!(entry.capability.map_or("", Capability::as_str), capability, "{}", entry.name);
            assert_eq!(entry.mirrored_name(&params).unwrap_or_default(), subject, "{}", entry.name);
            assert_eq!(entry.is_repeatable, is_repeatable, "{}", entry.name);
            let asks_back = ["prompts/get", "resources/read", "tools/call"].contains(&entry.name);
            assert_eq!(entry.asks_back, asks_back, "{}: these three and no other (P-10)", entry.name);
        }
        assert!(FACTS.iter().all(|(name, ..)| entry(name).is_some()), "no row is of a name that nobody knows");
    }

    #[test]
    fn a_subject_that_is_absent_or_no_text_is_not_mirrored() {
        let call = entry("tools/call").unwrap();
        assert_eq!(call.mirrored_name(&Params::absent()), None);
        let number = Params::from_raw(crate::RawJson::parse(r#"{"name":7,"uri":"a:b"}"#).unwrap()).unwrap();
        assert_eq!(call.mirrored_name(&number), None);
    }

    #[test]
    fn a_method_lacks_what_the_server_does_not_declare_in_this_revision_t_62() {
        let check = |name: &str, revision: Revision, offered: &str, lacking: Option<&str>| {
            let offered: ServerCapabilities = serde_json::from_str(offered).unwrap();
            let found = entry(name).unwrap().lacking(revision.features(), &offered);
            assert_eq!(found, lacking, "{name} {revision}");
        };
        const EVERYTHING: &str = r#"{"completions":{},"logging":{},"prompts":{},"resources":{"subscribe":true},"tools":{},"extensions":{"io.modelcontextprotocol/tasks":{},"io.modelcontextprotocol/skills":{}}}"#;
        for entry in entries() {
            for revision in Revision::ALL {
                check(entry.name, revision, EVERYTHING, None);
                let capability = entry.capability.filter(|_| revision != R1 || entry.name != "completion/complete");
                let extension = entry.extension.filter(|_| revision == R5);
                check(entry.name, revision, "{}", extension.or(capability.map(Capability::as_str)));
            }
        }
        check("resources/subscribe", R4, r#"{"resources":{}}"#, Some("resources.subscribe"));
        check("resources/subscribe", R4, r#"{"resources":{"subscribe":false}}"#, Some("resources.subscribe"));
    }

    #[test]
    fn the_registry_is_sorted_and_every_name_is_found() {
        assert!(entries().is_sorted_by(|a, b| a.name < b.name));
        for known in entries() {
            assert_eq!(entry(known.name), Some(known));
        }
        assert_eq!(entry("tools/Call"), None);
        assert_eq!(entry(""), None);
        assert_eq!(entry(&"x".repeat(LONGEST)), None);
        assert_eq!(entry(&"x".repeat(LONGEST + 1)), None);
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
