//! Who wants to know of which changes, and what each has not been told yet (P-30 to P-42).
//!
//! The surprising thing: there is no queue. What changed is a set, so a storm is one notification, a slow reader costs
//! no more than what it asked for, and nothing has to be dropped.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Weak};

use mcp_transport::Limits;
use mcp_transport::era::legacy::Session;
use mcp_types::{
    ElicitationCompleteNotificationParams, Meta, NotificationMethod, NotificationParams, RawJson, RequestId,
    ResourceUpdatedNotificationParams, ResultMeta, RpcError, SubscriptionFilter,
    SubscriptionsAcknowledgedNotificationParams, SubscriptionsListenResult, meta, notifications,
};
use serde::Serialize;

use super::filter::Offered;

/// Something that changed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub(crate) enum Change {
    /// A visit to a URL is complete (T-138).
    Elicitation(String),
    /// The list of prompts.
    Prompts,
    /// What can be read at this URI.
    Resource(String),
    /// The list of resources, or of templates.
    Resources,
    /// The list of tools.
    Tools,
}

/// A notification, ready to be sent.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Notice {
    pub(crate) method: &'static str,
    pub(crate) params: RawJson,
}

/// What a subscriber is told next.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Told {
    /// Nothing comes any more; a listen request is now answered with [`closing`].
    End,
    Notice(Notice),
    /// Nothing yet.
    Nothing,
}

/// Why nobody can subscribe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub(crate) enum Full {
    /// The principal has as many subscriptions as one may have.
    Principal(usize),
    /// The server has as many as it may have.
    Total(usize),
}

/// The number of a subscriber, until it is removed: then the next one gets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SubscriberId(pub(super) usize);

/// The subscribers of a server, of both eras.
#[derive(Debug)]
pub(crate) struct Table {
    /// By their numbers.
    subscribers: Vec<Option<Subscriber>>,
    /// The numbers that nobody has.
    free: Vec<usize>,
    /// How many listen requests each principal has.
    of_principal: HashMap<Arc<str>, usize>,
    /// How many listen requests there are.
    listening: usize,
    most_of_principal: usize,
    most: usize,
    /// Whose user was asked to visit a URL, by the id of the visit.
    visits: HashMap<String, Weak<Session>>,
}

#[derive(Debug)]
struct Subscriber {
    interest: Interest,
    /// In their order, each once.
    pending: Vec<Change>,
    /// What was told last: the next one is behind it, so that what changes often does not hold up the rest.
    last: Option<Change>,
    ending: bool,
}

#[derive(Debug)]
enum Interest {
    Listen { id: RequestId, honoured: SubscriptionFilter, acknowledged: bool, principal: Option<Arc<str>> },
    Session { session: Weak<Session>, offered: Offered },
}

impl Table {
    /// Takes the bounds `subscriptions` and `subscriptions_total`.
    pub(crate) fn bound(&mut self, limits: &Limits) {
        self.most_of_principal = limits.subscriptions;
        self.most = limits.subscriptions_total;
    }

    /// Makes an empty table, bounded by `subscriptions` and `subscriptions_total`.
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            subscribers: Vec::new(),
            free: Vec::new(),
            of_principal: HashMap::new(),
            listening: 0,
            most_of_principal: limits.subscriptions,
            most: limits.subscriptions_total,
            visits: HashMap::new(),
        }
    }

    /// Adds a `subscriptions/listen` request with what of its filter is honoured.
    ///
    /// From here on no change is lost for it, and none is told before the acknowledgement (P-30). Without a principal
    /// only the total is bounded.
    ///
    /// # Errors
    ///
    /// Fails when there are as many as there may be.
    pub(crate) fn listen(
        &mut self,
        id: RequestId,
        honoured: SubscriptionFilter,
        principal: Option<&str>,
    ) -> Result<SubscriberId, Full> {
        if self.listening >= self.most {
            return Err(Full::Total(self.most));
        }
        let principal: Option<Arc<str>> = principal.map(Into::into);
        if let Some(principal) = &principal {
            let count = self.of_principal.get(principal).copied().unwrap_or_default();
            if count >= self.most_of_principal {
                return Err(Full::Principal(self.most_of_principal));
            }
            self.of_principal.insert(Arc::clone(principal), count + 1);
        }
        self.listening += 1;
        Ok(self.add(Interest::Listen { id, honoured, acknowledged: false, principal }))
    }

    /// Adds a legacy session that is ready: it is told of the lists that `offered` declares, and of the resources that
    /// it is subscribed to when the time comes (P-41). How many there are is bounded where sessions are opened.
    ///
    /// The session is not held, so that it can end.
    pub(crate) fn session(&mut self, session: &Arc<Session>, offered: Offered) -> SubscriberId {
        self.add(Interest::Session { session: Arc::downgrade(session), offered })
    }

    fn add(&mut self, interest: Interest) -> SubscriberId {
        let id = self.free.pop().unwrap_or_else(|| {
            self.subscribers.push(None);
            self.subscribers.len() - 1
        });
        if let Some(place) = self.subscribers.get_mut(id) {
            *place = Some(Subscriber { interest, pending: Vec::new(), last: None, ending: false });
        }
        SubscriberId(id)
    }

    fn subscriber(&mut self, id: SubscriberId) -> Option<&mut Subscriber> {
        self.subscribers.get_mut(id.0)?.as_mut()
    }

    /// Notes a change for those whose interest it is; returns who has something new to be told.
    fn note(&mut self, change: &Change, concerns: impl Fn(&Interest) -> bool) -> Vec<SubscriberId> {
        let mut noted = Vec::new();
        for (id, subscriber) in self.subscribers.iter_mut().enumerate() {
            if let Some(subscriber) = subscriber
                && concerns(&subscriber.interest)
                && subscriber.note(change)
            {
                noted.push(SubscriberId(id));
            }
        }
        noted
    }

    /// Notes a change; returns those who have something new to be told.
    pub(crate) fn tell(&mut self, change: &Change) -> Vec<SubscriberId> {
        self.note(change, |_| true)
    }

    /// Notes whose user is asked to visit a URL. Beyond a bound nothing is noted, and its end is not told.
    pub(crate) fn visit(&mut self, id: &str, session: &Arc<Session>) {
        if self.visits.len() >= MOST_VISITS {
            self.visits.retain(|_, session| session.strong_count() > 0);
        }
        if self.visits.len() < MOST_VISITS {
            self.visits.insert(id.to_owned(), Arc::downgrade(session));
        }
    }

    /// Notes that a visit is complete, for the session that was asked and for nobody else (T-138).
    pub(crate) fn visited(&mut self, id: &str) -> Vec<SubscriberId> {
        let Some(asked) = self.visits.remove(id) else { return Vec::new() };
        self.note(&Change::Elicitation(id.to_owned()), |interest| match interest {
            Interest::Session { session, .. } => session.ptr_eq(&asked),
            Interest::Listen { .. } => false,
        })
    }

    /// Returns what a subscriber is told next.
    pub(crate) fn next(&mut self, id: SubscriberId) -> Told {
        let Some(subscriber) = self.subscriber(id) else { return Told::End };
        if let Some(notice) = subscriber.acknowledgement().or_else(|| subscriber.take()) {
            return Told::Notice(notice);
        }
        if subscriber.ending { Told::End } else { Told::Nothing }
    }

    /// Ends a subscription in good order: what is noted is still told, nothing more is noted (P-35, P-39).
    pub(crate) fn end(&mut self, id: SubscriberId) {
        if let Some(subscriber) = self.subscriber(id) {
            subscriber.ending = true;
        }
    }

    /// Forgets a subscriber: its stream is gone, or its end was told.
    pub(crate) fn remove(&mut self, id: SubscriberId) {
        let Some(subscriber) = self.subscribers.get_mut(id.0).and_then(Option::take) else { return };
        self.free.push(id.0);
        let Interest::Listen { principal, .. } = subscriber.interest else { return };
        self.listening -= 1;
        let Some(principal) = principal else { return };
        match self.of_principal.get_mut(&principal) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(self.of_principal.remove(&principal)),
        }
    }

    /// Returns how many subscribers there are, of both eras.
    pub(crate) fn len(&self) -> usize {
        self.subscribers.len() - self.free.len()
    }
}

impl Subscriber {
    /// Notes a change; returns whether it is wanted and new.
    fn note(&mut self, change: &Change) -> bool {
        if self.ending || !self.interest.covers(change) {
            return false;
        }
        let Err(at) = self.pending.binary_search(change) else { return false };
        self.pending.insert(at, change.clone());
        if let Interest::Session { .. } = self.interest
            && self.pending.len() > MOST_NOTED
        {
            // A session may have subscribed and unsubscribed any number of times since it read.
            self.pending.retain(|change| self.interest.covers(change));
        }
        true
    }

    fn acknowledgement(&mut self) -> Option<Notice> {
        let Interest::Listen { id, honoured, acknowledged, .. } = &mut self.interest else { return None };
        if std::mem::replace(acknowledged, true) {
            return None;
        }
        let mut params = SubscriptionsAcknowledgedNotificationParams::new(honoured.clone());
        params.meta = Some(tag(id));
        Some(notice::<notifications::SubscriptionsAcknowledged>(&params))
    }

    fn take(&mut self) -> Option<Notice> {
        loop {
            let last = self.last.take();
            let next = last.map_or(0, |last| self.pending.partition_point(|change| *change <= last));
            let next = if next < self.pending.len() { next } else { 0 };
            if self.pending.is_empty() {
                // Most of the time nothing is noted, so that takes no place.
                self.pending = Vec::new();
                return None;
            }
            let change = self.pending.remove(next);
            self.last = Some(change.clone());
            // A session may have unsubscribed since.
            if self.interest.covers(&change) {
                return Some(self.interest.notice(change));
            }
        }
    }
}

impl Interest {
    fn covers(&self, change: &Change) -> bool {
        match (self, change) {
            (Self::Listen { honoured, .. }, Change::Tools) => honoured.tools_list_changed == Some(true),
            (Self::Listen { honoured, .. }, Change::Prompts) => honoured.prompts_list_changed == Some(true),
            (Self::Listen { honoured, .. }, Change::Resources) => honoured.resources_list_changed == Some(true),
            (Self::Listen { honoured, .. }, Change::Resource(uri)) => {
                honoured.resource_subscriptions.iter().flatten().any(|watched| watched == uri)
            }
            // It is noted only where it is wanted.
            (Self::Listen { .. }, Change::Elicitation(_)) => false,
            (Self::Session { .. }, Change::Elicitation(_)) => true,
            (Self::Session { offered, .. }, Change::Tools) => offered.tools,
            (Self::Session { offered, .. }, Change::Prompts) => offered.prompts,
            (Self::Session { offered, .. }, Change::Resources) => offered.resources,
            (Self::Session { session, offered }, Change::Resource(uri)) => {
                offered.subscribe && session.upgrade().is_some_and(|session| session.is_subscribed(uri))
            }
        }
    }

    fn notice(&self, change: Change) -> Notice {
        let tag = match self {
            Self::Listen { id, .. } => Some(tag(id)),
            Self::Session { .. } => None,
        };
        let mut list = NotificationParams::new();
        match change {
            Change::Resource(uri) => {
                let mut params = ResourceUpdatedNotificationParams::new(uri);
                params.meta = tag;
                notice::<notifications::ResourcesUpdated>(&params)
            }
            Change::Elicitation(id) => {
                notice::<notifications::ElicitationComplete>(&ElicitationCompleteNotificationParams::new(id))
            }
            Change::Prompts => {
                list.meta = tag;
                notice::<notifications::PromptsListChanged>(&list)
            }
            Change::Resources => {
                list.meta = tag;
                notice::<notifications::ResourcesListChanged>(&list)
            }
            Change::Tools => {
                list.meta = tag;
                notice::<notifications::ToolsListChanged>(&list)
            }
        }
    }
}

/// Makes the answer to a listen request that the server ends (P-35).
pub(crate) fn closing(id: &RequestId) -> SubscriptionsListenResult {
    let mut meta = ResultMeta::new();
    meta.subscription_id = Some(id.clone());
    SubscriptionsListenResult::new(meta)
}

/// Names a subscription by the id of its request, as the JSON type that it has (P-31).
pub(crate) fn tag(id: &RequestId) -> Meta {
    let id = RawJson::encode(id).expect("an id is a string or an integer, and both encode");
    [(meta::SUBSCRIPTION_ID, id)].into_iter().collect()
}

fn notice<N: NotificationMethod>(params: &N::Params) -> Notice
where
    N::Params: Serialize,
{
    let params = RawJson::encode(params).expect("an object whose keys are strings always encodes");
    Notice { method: N::NAME, params }
}

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Principal(most) => write!(f, "you have {most} subscriptions; end one before you open another"),
            Self::Total(most) => {
                write!(f, "this server has {most} subscriptions and no room for more; try again later")
            }
        }
    }
}

impl std::error::Error for Full {}

impl From<Full> for RpcError {
    fn from(full: Full) -> Self {
        Self::internal(full.to_string())
    }
}

/// How many changes a session may have noted before those that it no longer wants are looked for; a session has at most
/// 1024 subscriptions.
const MOST_NOTED: usize = 2 * 1024;
/// How many visits to URLs may be open.
const MOST_VISITS: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_that_subscribes_again_and_again_without_reading_costs_a_bounded_place() {
        let session = Arc::new(Session::new());
        let mut table = Table::new(&Limits::default());
        let offered = Offered { subscribe: true, ..Offered::default() };
        let id = table.session(&session, offered);
        for number in 0..10_000 {
            let uri = format!("a:{number}");
            session.subscribe(&uri).unwrap();
            table.tell(&Change::Resource(uri.clone()));
            if number < 9_999 {
                session.unsubscribe(&uri);
            }
            assert!(table.subscriber(id).unwrap().pending.len() <= MOST_NOTED);
        }
        let Told::Notice(notice) = table.next(id) else { panic!("the last one is subscribed") };
        assert_eq!(notice.params.as_str(), r#"{"uri":"a:9999"}"#);
        assert_eq!(table.next(id), Told::Nothing);
    }
}
