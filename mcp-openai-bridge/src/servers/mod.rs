//! Many MCP servers as one: their tools in one set, their outcomes side by side, their connections kept.
//!
//! ```text
//!   Servers::list ──► member ──► copy      which list to give out, what to read (pure)
//!        │              │ ▲
//!        │              │ └── watch        the server tells of changes
//!        ▼              ▼
//!   tools::ToolSet    mcp_client::Client   connected when it is needed, by one at a time
//!        │              ▲
//!        └─► model ──► Servers::call
//! ```
//!
//! The surprising thing: listing never fails and never waits longer than the deadline. A server that is slow or gone is
//! an outcome, and its tools are those it had before, if it ever had any.
//!
//! # Requests
//!
//! | what | requests to the server |
//! |---|---|
//! | the first list, or the first call | the handshake of its era |
//! | the first list | one for the list, and one to hear of changes if the server tells of them |
//! | further lists | none while the list is fresh: until the server tells of a change, or for as long as it says |
//! | each call | one |

mod call;
mod copy;
mod filter;
mod member;
mod outcome;
mod upstream;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::join_all;
use mcp_client::Client;
use mcp_types::Tool;
use tokio::sync::watch;

use crate::tools::{self, ToolSet};
use copy::{Given, Patience};
#[cfg(feature = "gateway")]
pub(crate) use filter::Filter;
use member::Member;
#[cfg(feature = "connect")]
pub(crate) use outcome::with_causes;
pub use outcome::{Listing, ServerOutcome, Status, Unavailable};
pub use upstream::Upstream;

/// A set of MCP servers, which is used as one.
///
/// Cloning is cheap, and clones are the same set. It ends with the last of them, or with [`close`](Self::close).
///
/// # Examples
///
/// ```no_run
/// use mcp_client::Client;
/// use mcp_openai_bridge::servers::{Servers, Upstream};
///
/// # async fn example() {
/// let servers = Servers::builder()
///     .server(Upstream::new("time", || Client::connect("http://127.0.0.1:4000/mcp")))
///     .server(Upstream::new("files", || Client::connect(mcp_client::Command::new("my-files"))).deny(["delete_*"]))
///     .build();
/// let listing = servers.list().await;
/// for failure in listing.failures() {
///     eprintln!("{failure}");
/// }
/// println!("{} functions", listing.tools.len());
/// servers.close().await;
/// # }
/// ```
#[derive(Clone)]
pub struct Servers {
    inner: Arc<Inner>,
}

struct Inner {
    members: Vec<Arc<Member>>,
    template: tools::Builder,
    /// What was given out last.
    offered: Mutex<Offered>,
    changes: watch::Sender<()>,
}

#[derive(Default)]
struct Offered {
    /// What the set was made of, a copy for each member.
    copies: Vec<Arc<[Tool]>>,
    tools: Arc<ToolSet>,
}

impl Servers {
    /// Starts a set of servers.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Returns the tools of all servers, each as it is or as it was, with what came of each server.
    ///
    /// All are asked side by side, and only those whose list may have changed. The tools of a server that is not there
    /// are those it had before.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing: what was begun goes on for those who ask next.
    pub async fn list(&self) -> Listing {
        let given = join_all(self.inner.members.iter().map(|member| member.list())).await;
        let tools = self.inner.offer(&given);
        let outcomes =
            self.inner.members.iter().zip(given).map(|(member, Given { tools, left_out, status, fault })| {
                let (error, cause) = fault.map(|fault| (fault.text, fault.cause)).unzip();
                let (label, tool_count, cause) = (member.label.clone(), tools.len(), cause.flatten());
                ServerOutcome { label, status, tool_count, error, tools, left_out, cause }
            });
        Listing { tools, outcomes: outcomes.collect() }
    }

    /// Returns the client of a server, which is connected first when it has to be; by one at a time, however many ask.
    ///
    /// # Errors
    ///
    /// Fails when there is no such server, and when it cannot be connected to. For a second after that, whoever asks is
    /// told the same.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing: the connecting goes on for those who ask next.
    pub async fn client(&self, label: &str) -> Result<Client, Unavailable> {
        match self.member(label) {
            Some(member) => member.client().await,
            None => Err(Unavailable::unknown(label)),
        }
    }

    /// Returns the labels of the servers, in the order in which they were added.
    pub fn labels(&self) -> impl Iterator<Item = &str> {
        self.inner.members.iter().map(|member| member.label.as_str())
    }

    /// Returns a receiver that is told when the tools of a server changed or may have; the next [`list`](Self::list) says
    /// how.
    pub fn changes(&self) -> Changes {
        Changes { receiver: self.inner.changes.subscribe() }
    }

    /// Ends all connections in good order, side by side. What is asked for afterwards fails.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the rest of the ending to the drop of the clients, which does not wait.
    pub async fn close(&self) {
        let clients: Vec<Client> = self.inner.members.iter().filter_map(|member| member.stop()).collect();
        join_all(clients.into_iter().map(Client::close)).await;
    }

    fn member(&self, label: &str) -> Option<&Arc<Member>> {
        self.inner.members.iter().find(|member| member.label == label)
    }
}

impl Inner {
    /// Makes functions of the tools, unless they are those of the last time.
    fn offer(&self, given: &[Given]) -> Arc<ToolSet> {
        let mut offered = self.offered.lock().unwrap_or_else(PoisonError::into_inner);
        let is_same = offered.copies.len() == given.len()
            && offered.copies.iter().zip(given).all(|(copy, given)| Arc::ptr_eq(copy, &given.tools));
        if !is_same {
            let servers = self.members.iter().zip(given);
            // A server without tools is named too: that it is gone for a while must not rename the tools of the others.
            let add = |builder: tools::Builder, (member, given): (&Arc<Member>, &Given)| {
                builder.server(member.label.as_str(), &given.tools)
            };
            offered.tools = Arc::new(servers.fold(self.template.clone(), add).build());
            offered.copies = given.iter().map(|given| Arc::clone(&given.tools)).collect();
        }
        Arc::clone(&offered.tools)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // Their tasks hold the members.
        self.members.iter().for_each(|member| drop(member.stop()));
    }
}

impl fmt::Debug for Servers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Servers").field("labels", &self.labels().collect::<Vec<_>>()).finish_non_exhaustive()
    }
}

/// Makes a set of servers.
#[derive(Debug)]
#[must_use]
pub struct Builder {
    upstreams: Vec<Upstream>,
    patience: Patience,
    template: tools::Builder,
}

impl Default for Builder {
    fn default() -> Self {
        let patience = Patience { without_copy: DEADLINE, with_copy: STALE_DEADLINE, max_age: MAX_AGE };
        Self { upstreams: Vec::new(), patience, template: ToolSet::builder() }
    }
}

impl Builder {
    /// Adds a server. One that had its label before is replaced.
    pub fn server(mut self, upstream: Upstream) -> Self {
        self.upstreams.retain(|known| known.label != upstream.label);
        self.upstreams.push(upstream);
        self
    }

    /// Sets how long a list waits for a server whose tools nobody knows yet; 5 seconds unless set.
    ///
    /// It counts from when the server was asked, so that one that hangs costs those who ask later nothing.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.patience.without_copy = deadline;
        self
    }

    /// Sets how long a list waits for a server whose tools of some time ago are known; 2 seconds unless set.
    pub fn stale_deadline(mut self, deadline: Duration) -> Self {
        self.patience.with_copy = deadline;
        self
    }

    /// Sets how long a list is taken for the present one when the server does not say for how long, or says when it
    /// changes; 5 minutes unless set.
    pub fn max_age(mut self, age: Duration) -> Self {
        self.patience.max_age = age;
        self
    }

    /// Sets how tools become functions: a tool set that is being built, to which the tools are added.
    ///
    /// # Examples
    ///
    /// ```
    /// use mcp_openai_bridge::names::Prefix;
    /// use mcp_openai_bridge::servers::Servers;
    /// use mcp_openai_bridge::tools::ToolSet;
    ///
    /// let servers = Servers::builder().tool_set(ToolSet::builder().prefix(Prefix::Always).reserve(["my_function"]));
    /// ```
    pub fn tool_set(mut self, template: tools::Builder) -> Self {
        self.template = template;
        self
    }

    /// Makes the set. Nothing is opened before it is needed.
    #[must_use]
    pub fn build(self) -> Servers {
        let changes = watch::Sender::default();
        let members = self.upstreams.into_iter().map(|upstream| Member::new(upstream, self.patience, changes.clone()));
        let (members, offered) = (members.collect(), Mutex::default());
        Servers { inner: Arc::new(Inner { members, template: self.template, offered, changes }) }
    }
}

/// Hears that tools changed; made by [`Servers::changes`].
#[derive(Clone, Debug)]
pub struct Changes {
    receiver: watch::Receiver<()>,
}

impl Changes {
    /// Waits for a change since the last one that was heard of. Returns `None` when the servers are gone.
    ///
    /// # Cancel safety
    ///
    /// No change is lost when the future is dropped.
    pub async fn next(&mut self) -> Option<()> {
        self.receiver.changed().await.ok()
    }
}

const DEADLINE: Duration = Duration::from_secs(5);

const STALE_DEADLINE: Duration = Duration::from_secs(2);

const MAX_AGE: Duration = Duration::from_secs(300);

#[cfg(test)]
mod tests;
