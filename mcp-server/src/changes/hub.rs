//! The one place where changes are told, and where both eras hear of them (P-40, P-41).
//!
//! The rules are the [`Table`]'s; here is only the lock, and who is to be woken. The surprising thing: nobody is woken
//! under the lock, so a waker may do what it likes.

use std::fmt;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use mcp_transport::Limits;
use mcp_transport::era::legacy::Session;
use mcp_types::{RequestId, SubscriptionFilter};

use super::filter::Offered;
use super::table::{Change, Full, Notice, SubscriberId, Table, Told};

/// A handle by which a program says what changed. Clones tell the same subscribers.
///
/// Give it to the server with [`ServerBuilder::changes`](crate::ServerBuilder::changes), and to handlers as
/// [`State`](crate::State). Clients of both eras hear of it: those that listen, and the sessions of those that cannot.
#[derive(Clone)]
pub struct Changes {
    shared: Arc<Mutex<State>>,
}

/// One subscription, of a listen request or of a legacy session; it ends when this is dropped.
pub(crate) struct Subscription {
    hub: Changes,
    id: SubscriberId,
}

struct State {
    table: Table,
    /// Who waits for something to be told, by their numbers.
    wakers: Vec<Option<Waker>>,
}

impl Changes {
    /// Makes a handle without subscribers.
    pub fn new() -> Self {
        Self::within(&Limits::default())
    }

    pub(crate) fn within(limits: &Limits) -> Self {
        let state = State { table: Table::new(limits), wakers: Vec::new() };
        Self { shared: Arc::new(Mutex::new(state)) }
    }

    /// Takes the bounds of the server that it is given to.
    pub(crate) fn bound(&self, limits: &Limits) {
        self.lock().table.bound(limits);
    }

    /// Says that the list of tools changed.
    pub fn tools(&self) {
        self.tell(&Change::Tools);
    }

    /// Says that the list of prompts changed.
    pub fn prompts(&self) {
        self.tell(&Change::Prompts);
    }

    /// Says that the list of resources or of templates changed.
    pub fn resources(&self) {
        self.tell(&Change::Resources);
    }

    /// Says that the contents of a resource changed.
    pub fn resource(&self, uri: &str) {
        self.tell(&Change::Resource(uri.to_owned()));
    }

    /// Says that the visit to a [`Url`](crate::Url) with this id is complete; the session whose user was asked hears of it
    /// (T-138). Only 2025-11-25 has that.
    pub fn elicitation_complete(&self, id: &str) {
        let mut state = self.lock();
        let concerned = state.table.visited(id);
        wake(state, &concerned);
    }

    /// Notes whose user is asked to visit a URL.
    pub(crate) fn visit(&self, id: &str, session: &Arc<Session>) {
        self.lock().table.visit(id, session);
    }

    fn tell(&self, change: &Change) {
        let mut state = self.lock();
        let concerned = state.table.tell(change);
        wake(state, &concerned);
    }

    /// Adds a `subscriptions/listen` request, with what of its filter is honoured.
    ///
    /// # Errors
    ///
    /// Fails when there are as many as there may be.
    pub(crate) fn listen(
        &self,
        id: RequestId,
        honoured: SubscriptionFilter,
        principal: Option<&str>,
    ) -> Result<Subscription, Full> {
        let id = self.lock().table.listen(id, honoured, principal)?;
        Ok(Subscription { hub: self.clone(), id })
    }

    /// Adds a legacy session, once it is ready.
    pub(crate) fn session(&self, session: &Arc<Session>, offered: Offered) -> Subscription {
        let id = self.lock().table.session(session, offered);
        Subscription { hub: self.clone(), id }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Every change of the state is whole before anything can panic, so poisoning means nothing.
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn wait(&mut self, id: SubscriberId, waker: &Waker) {
        if self.wakers.len() <= id.0 {
            self.wakers.resize(id.0 + 1, None);
        }
        if let Some(place) = self.wakers.get_mut(id.0) {
            *place = Some(waker.clone());
        }
    }

    fn waker(&mut self, id: SubscriberId) -> Option<Waker> {
        self.wakers.get_mut(id.0)?.take()
    }
}

impl Subscription {
    /// Returns what is to be told next; `None` when the subscription ended in good order.
    pub(crate) fn poll_next(&mut self, cx: &Context<'_>) -> Poll<Option<Notice>> {
        let mut state = self.hub.lock();
        match state.table.next(self.id) {
            Told::Notice(notice) => Poll::Ready(Some(notice)),
            Told::End => Poll::Ready(None),
            Told::Nothing => {
                state.wait(self.id, cx.waker());
                Poll::Pending
            }
        }
    }

    /// Waits for what is to be told next; `None` when the subscription ended in good order.
    ///
    /// # Cancel safety
    ///
    /// A dropped call has taken nothing.
    pub(crate) async fn next(&mut self) -> Option<Notice> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// Ends the subscription in good order: what is noted is still told (P-35, P-39).
    pub(crate) fn end(&self) {
        let mut state = self.hub.lock();
        state.table.end(self.id);
        wake(state, &[self.id]);
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut state = self.hub.lock();
        state.table.remove(self.id);
        let waker = state.waker(self.id);
        drop(state);
        drop(waker);
    }
}

/// Lets go of the lock, then wakes those who wait.
fn wake(mut state: MutexGuard<'_, State>, concerned: &[SubscriberId]) {
    let wakers: Vec<Waker> = concerned.iter().filter_map(|id| state.waker(*id)).collect();
    drop(state);
    wakers.into_iter().for_each(Waker::wake);
}

impl Default for Changes {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Changes").field("subscribers", &self.lock().table.len()).finish()
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").field("id", &self.id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
