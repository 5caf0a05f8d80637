//! A transport that has been opened, and what was agreed on over it.
//!
//! The surprising thing: what was agreed on can change without the transport (a server that names another version) and
//! the transport without what was agreed on (a lost session). So both stand in one value that is replaced as a whole.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;

use mcp_transport::{Limits, Outgoing, Patience, Transport};
use mcp_types::{Features, Params, ProgressToken, RawJson, Revision};
use tokio::sync::watch;

use crate::call::BareCall;
use crate::client::now;
use crate::endpoint::Endpoint;
use crate::era::legacy::{self, Memory};
use crate::era::meta::Wrapped;
use crate::era::modern::Envelope;
use crate::era::probe::{ExpectDiscover, Medium, Outcome, Reopen, State};
use crate::era::{Agreement, Identity};
use crate::error::Error;
use crate::gate;
use crate::inbox::{Inbox, Pump};
use crate::reverse::Spoken;

/// An open transport, and the reading of what comes over it outside of exchanges.
pub(crate) struct Link {
    transport: Arc<dyn Transport>,
    /// What was agreed on; none before the handshake.
    spoken: Arc<RwLock<Option<Spoken>>>,
    /// When it ended.
    lost: watch::Sender<Option<Instant>>,
    /// Whether somebody has counted its end.
    is_mourned: AtomicBool,
    _pump: Option<Pump>,
}

/// A link with what was agreed on over it.
pub(crate) struct Connection {
    pub(crate) link: Arc<Link>,
    pub(crate) agreement: Agreement,
    /// What every modern request carries; `None` in the legacy era.
    envelope: Option<Envelope>,
    /// Counts the sessions of one client.
    pub(crate) generation: u64,
}

/// What every step of the opening needs.
pub(crate) struct Opening<'a> {
    pub(crate) identity: &'a Identity,
    pub(crate) limits: &'a Limits,
    pub(crate) inbox: &'a Arc<Inbox>,
}

impl Link {
    fn new(transport: Box<dyn Transport>, inbox: &Arc<Inbox>) -> Arc<Self> {
        let transport: Arc<dyn Transport> = transport.into();
        let spoken: Arc<RwLock<Option<Spoken>>> = Arc::default();
        let known = {
            let spoken = Arc::clone(&spoken);
            move || spoken.read().unwrap_or_else(PoisonError::into_inner).clone()
        };
        let lost = watch::Sender::default();
        let lose = {
            let lost = lost.clone();
            move || lose(&lost)
        };
        let pump = transport
            .inbound()
            .map(|incoming| Pump::start(incoming, Arc::downgrade(&transport), Arc::clone(inbox), known, lose));
        Arc::new(Self { transport, spoken, lost, is_mourned: AtomicBool::new(false), _pump: pump })
    }

    /// Returns the transport.
    pub(crate) fn transport(&self) -> &dyn Transport {
        &*self.transport
    }

    /// Notes that nothing comes over the link any more.
    pub(crate) fn lose(&self) {
        lose(&self.lost);
    }

    /// Returns when the link ended; none while it is there.
    pub(crate) fn lost_at(&self) -> Option<Instant> {
        *self.lost.borrow()
    }

    /// Returns whether the end of the link is news; so once.
    pub(crate) fn mourn(&self) -> bool {
        !self.is_mourned.swap(true, Ordering::AcqRel)
    }

    /// Waits for the end of the link.
    pub(crate) fn lost(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut lost = self.lost.subscribe();
        // A link that is dropped has ended too.
        async move { drop(lost.wait_for(Option::is_some).await) }
    }

    /// Tells the transport and the hooks what is spoken from now on.
    pub(crate) fn settle(&self, agreement: &Agreement) {
        let spoken = Spoken { revision: agreement.revision, server: agreement.server_info.clone() };
        *self.spoken.write().unwrap_or_else(PoisonError::into_inner) = Some(spoken);
        self.transport.settle(agreement.revision);
    }

    async fn ask(
        &self,
        method: &'static str,
        params: RawJson,
        revision: Option<Revision>,
        patience: Patience,
    ) -> Outcome {
        let mut request = Outgoing::new(method, params);
        request.revision = revision;
        request.patience = patience;
        self.transport.open(request).await?.finish(|_| {}).await
    }
}

impl Connection {
    /// Puts a connection together.
    ///
    /// # Errors
    ///
    /// Fails when the identity cannot be encoded.
    pub(crate) fn new(
        link: Arc<Link>,
        agreement: Agreement,
        identity: &Identity,
        generation: u64,
    ) -> Result<Self, Error> {
        let envelope = if agreement.revision.features().has(Features::SESSION) {
            None
        } else {
            Some(Envelope::new(agreement.revision, identity).map_err(unencodable)?)
        };
        Ok(Self { link, agreement, envelope, generation })
    }

    /// Returns parameters as the era wants them.
    ///
    /// # Errors
    ///
    /// Says what is wrong with the parameters when their `_meta` is no object.
    pub(crate) fn wrap(&self, params: &Params, token: Option<&ProgressToken>) -> Result<Wrapped, String> {
        match &self.envelope {
            Some(envelope) => envelope.wrap(params, token),
            None => legacy::wrap(params, token),
        }
    }

    /// Returns the parameters of a call as the era wants them.
    ///
    /// # Errors
    ///
    /// Says what is wrong with its arguments when they cannot be sent.
    pub(crate) fn wrap_call(&self, call: &BareCall, token: Option<&ProgressToken>) -> Result<Wrapped, String> {
        match &self.envelope {
            Some(envelope) => envelope.wrap_call(call, token),
            None => legacy::wrap_call(call, token),
        }
    }
}

impl Opening<'_> {
    /// Opens the endpoint and finds out what the server speaks.
    pub(crate) async fn open(
        &self,
        endpoint: &mut Endpoint,
        state: State,
        memory: &Memory,
    ) -> Result<(Arc<Link>, Agreement), Error> {
        let link = Link::new(endpoint.open(self.limits).await?, self.inbox);
        self.settle(link, endpoint, state, memory).await
    }

    /// Finds out over an open link what the server speaks, and begins to speak it.
    pub(crate) async fn settle(
        &self,
        mut link: Arc<Link>,
        endpoint: &mut Endpoint,
        mut state: State,
        memory: &Memory,
    ) -> Result<(Arc<Link>, Agreement), Error> {
        let agreement = loop {
            state = match state {
                State::Discover(expect) => {
                    let envelope = Envelope::new(expect.revision, self.identity).map_err(unencodable)?;
                    let params =
                        envelope.wrap(&Params::absent(), None).map_err(|why| Error::params(DISCOVER, why))?.params;
                    let patience = self.probe_patience(&expect, endpoint.medium());
                    let outcome = link.ask(DISCOVER, params, Some(expect.revision), patience).await;
                    expect.handle(outcome)?
                }
                State::Initialize(expect) => {
                    match &expect.reopen {
                        None => {}
                        Some(Reopen::Child) => {
                            link.transport.close().await;
                            link = Link::new(endpoint.open(self.limits).await?, self.inbox);
                        }
                        Some(Reopen::HttpSse(_)) => match endpoint.open_http_sse(self.limits).await {
                            Some(transport) => link = Link::new(transport, self.inbox),
                            None => return Err(expect.unopened()),
                        },
                    }
                    let params = legacy::initialize(expect.revision, self.identity).map_err(unencodable)?;
                    let outcome = link.ask(INITIALIZE, params, None, Patience::from(self.limits)).await;
                    expect.handle(outcome)?
                }
                State::Settled(agreement) => break *agreement,
            };
        };
        self.begin(&link, &agreement, memory).await?;
        Ok((link, agreement))
    }

    /// Tells the transport what is spoken, and a legacy server that the session begins (V-13) and what it is to remember.
    async fn begin(&self, link: &Link, agreement: &Agreement, memory: &Memory) -> Result<(), Error> {
        link.settle(agreement);
        if !agreement.revision.features().has(Features::SESSION) {
            return Ok(());
        }
        let failed = |error| Error::of_transport(error, || "the start of the session".to_owned());
        link.transport.notify("notifications/initialized", None).await.map_err(failed)?;
        let capabilities = agreement.capabilities.as_ref();
        for (method, params) in memory.replay() {
            if gate::admit(method, agreement.revision, capabilities).is_ok() {
                let answered = link.ask(method, params, Some(agreement.revision), Patience::from(self.limits)).await;
                // A server that refuses what it took before is no reason to do without it.
                let _refused = answered.map_err(failed)?;
            }
        }
        Ok(())
    }

    fn probe_patience(&self, expect: &ExpectDiscover, medium: Medium) -> Patience {
        if !expect.may_fall_back() {
            // There is nothing else to try, so a child may start as slowly as any other request may take.
            return Patience::from(self.limits);
        }
        let timeout = match medium {
            Medium::Http => self.limits.http_probe_timeout,
            Medium::Child | Medium::Stream => self.limits.probe_timeout,
        };
        Patience { idle: timeout, total: timeout }
    }
}

fn lose(lost: &watch::Sender<Option<Instant>>) {
    lost.send_if_modified(|lost| {
        let is_first = lost.is_none();
        lost.get_or_insert_with(now);
        is_first
    });
}

pub(crate) fn unencodable(error: serde_json::Error) -> Error {
    Error::Config(mcp_transport::Fault {
        what: "the name or the capabilities of the client cannot be encoded".to_owned(),
        cause: Some(Box::new(error)),
    })
}

const DISCOVER: &str = "server/discover";
const INITIALIZE: &str = "initialize";
