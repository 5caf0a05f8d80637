//! Which era does this server belong to? The decision of V-60 to V-68, as one state per request to send.
//!
//! ```text
//!                 modern error, once          legacy evidence            a version it names, once
//!               ┌───────────────┐                                       ┌───────────────┐
//!   Auto ──────►│ ExpectDiscover├──────────────────────────────────────►│ExpectInitialize│◄── Legacy
//!   Modern ────►└───────┬───────┘◄──────────────────────────────────────┴───────┬───────┘
//!                       │              it names only modern versions            │
//!                       └────────────► Settled, or an error ◄───────────────────┘
//! ```
//!
//! Where a URL takes no `initialize` by POST either, it is sent once more over the HTTP+SSE transport (V-62).
//!
//! The surprising thing: silence means "legacy" on a pipe and nothing at all over HTTP (V-63), where the network may
//! just be slow.

use mcp_transport::Error as WireError;
use mcp_types::{Era, ErrorCode, ProtocolVersion, RawJson, Revision, RpcError};

use super::{Agreement, Disagreement, EraMode, choose, legacy, modern};
use crate::error::{Error, Unsupported};

/// What a server is spoken to over, as far as it decides what silence or an exit means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Medium {
    /// A child process, which can be started again.
    Child,
    /// Streamable HTTP.
    Http,
    /// A byte stream or an in-process server.
    Stream,
}

/// What came back for a request: an answer of the peer, or a failure of the way to it.
pub(crate) type Outcome = Result<Result<RawJson, RpcError>, WireError>;

/// Where the probe stands.
#[derive(Debug)]
pub(crate) enum State {
    /// `server/discover` is to be sent, or is on its way.
    Discover(ExpectDiscover),
    /// `initialize` is to be sent, or is on its way.
    Initialize(ExpectInitialize),
    /// The era is known.
    Settled(Box<Agreement>),
}

/// Waits for the answer to `server/discover`.
#[derive(Debug)]
pub(crate) struct ExpectDiscover {
    /// The version to ask in.
    pub(crate) revision: Revision,
    plan: Plan,
    /// Whether this is the second and last attempt (V-33).
    is_retry: bool,
}

/// Waits for the answer to `initialize`.
#[derive(Debug)]
pub(crate) struct ExpectInitialize {
    /// The version to ask for.
    pub(crate) revision: Revision,
    /// What must be opened first in place of what is open.
    pub(crate) reopen: Option<Reopen>,
    plan: Plan,
    /// Whether the server has named its versions before.
    is_retry: bool,
}

/// What to open in place of what is open.
#[derive(Debug)]
pub(crate) enum Reopen {
    /// The child process, which has ended (V-61).
    Child,
    /// The HTTP+SSE transport of 2024-11-05 at the same URL; with what the server said to Streamable HTTP (V-62).
    HttpSse(WireError),
}

/// What the caller wants.
#[derive(Clone, Debug)]
struct Plan {
    mode: EraMode,
    medium: Medium,
    modern: Vec<Revision>,
    legacy: Vec<Revision>,
}

impl State {
    /// Decides what to send first. `revisions` are the ones that the client may speak.
    ///
    /// # Errors
    ///
    /// Fails when none of them belongs to the era that `mode` wants.
    pub(crate) fn start(mode: EraMode, revisions: &[Revision], medium: Medium) -> Result<Self, Error> {
        let of = |era: Era| revisions.iter().copied().filter(|revision| revision.era() == era).collect::<Vec<_>>();
        let plan = Plan { mode, medium, modern: of(Era::Modern), legacy: of(Era::Legacy) };
        let best_modern = plan.modern.iter().copied().max().filter(|_| mode != EraMode::Legacy);
        let best_legacy = plan.legacy.iter().copied().max().filter(|_| mode != EraMode::Modern);
        match (best_modern, best_legacy) {
            (Some(revision), _) => Ok(Self::Discover(ExpectDiscover { revision, plan, is_retry: false })),
            (None, Some(revision)) => Ok(plan.initialize(revision)),
            (None, None) => Err(Error::config(format!(
                "no revision is left to speak: the era mode is {mode:?} and the revisions are {revisions:?}"
            ))),
        }
    }
}

impl State {
    /// Takes the caller's word for what the server speaks: nothing is asked in the modern era, and in the legacy era the
    /// handshake begins with that revision (V-60).
    ///
    /// # Errors
    ///
    /// Fails when the revision is none of those that the client may speak.
    pub(crate) fn known(revision: Revision, revisions: &[Revision], medium: Medium) -> Result<Self, Error> {
        if !revisions.contains(&revision) {
            return Err(Error::config(format!(
                "the server is said to speak {revision}, which is none of the revisions that may be spoken"
            )));
        }
        if revision.era() == Era::Modern {
            return Ok(Self::Settled(Box::new(Agreement::assumed(revision))));
        }
        let up_to: Vec<Revision> = revisions.iter().copied().filter(|other| *other <= revision).collect();
        Self::start(EraMode::Legacy, &up_to, medium)
    }
}

impl ExpectDiscover {
    /// Returns whether silence leads to `initialize`, so that waiting for long only delays it (V-61).
    pub(crate) fn may_fall_back(&self) -> bool {
        self.plan.mode == EraMode::Auto && self.plan.best_legacy().is_some()
    }

    /// Decides by what came back for `server/discover`.
    ///
    /// # Errors
    ///
    /// Fails when the server cannot be spoken to, or when what came back says nothing about it (V-63).
    pub(crate) fn handle(self, outcome: Outcome) -> Result<State, Error> {
        match outcome {
            Ok(Ok(result)) => self.discovered(&result),
            Ok(Err(error)) => self.refused(error),
            Err(failure) => self.failed(failure),
        }
    }

    fn discovered(self, result: &RawJson) -> Result<State, Error> {
        match modern::agree(result, &self.plan.modern) {
            Ok(agreement) => Ok(State::Settled(Box::new(agreement))),
            Err(Disagreement::NoCommon(offered)) => self.plan.fall_back_to_named(offered, None),
            // Whatever answers `server/discover` without the members it must have does not know the method.
            Err(Disagreement::Unreadable(why)) => {
                self.plan.fall_back(|_| Error::malformed("the answer to `server/discover`", why))
            }
        }
    }

    fn refused(self, error: RpcError) -> Result<State, Error> {
        if let Some(offered) = modern::supported(&error) {
            return match choose(&offered, &self.plan.modern).filter(|_| !self.is_retry) {
                Some(revision) => Ok(State::Discover(Self { revision, is_retry: true, ..self })),
                None => self.plan.fall_back_to_named(offered, Some(error)),
            };
        }
        if modern::is_evidence(&error) {
            return Err(Error::Rpc(error));
        }
        self.plan.fall_back(|plan| Unsupported::error(&plan.modern, Vec::new(), Some(error)))
    }

    fn failed(self, failure: WireError) -> Result<State, Error> {
        if self.plan.mode == EraMode::Auto
            && self.plan.medium == Medium::Child
            && is_end(&failure)
            && let Some(revision) = self.plan.best_legacy()
        {
            // Old servers end when anything comes before `initialize`.
            return Ok(State::Initialize(ExpectInitialize {
                reopen: Some(Reopen::Child),
                ..self.plan.expect(revision)
            }));
        }
        let error = |failure| Error::of_transport(failure, || "the answer to `server/discover`".to_owned());
        if is_evidence_of_legacy(&failure, self.plan.medium) {
            return self.plan.fall_back(|_| error(failure));
        }
        Err(error(failure))
    }
}

impl ExpectInitialize {
    /// Decides by what came back for `initialize`.
    ///
    /// # Errors
    ///
    /// Fails when the server cannot be spoken to.
    pub(crate) fn handle(self, outcome: Outcome) -> Result<State, Error> {
        match outcome {
            Ok(Ok(result)) => match legacy::agree(&result, &self.plan.legacy) {
                Ok(agreement) => Ok(State::Settled(Box::new(agreement))),
                Err(Disagreement::NoCommon(offered)) => Err(Unsupported::error(&self.plan.legacy, offered, None)),
                Err(Disagreement::Unreadable(why)) => Err(Error::malformed("the answer to `initialize`", why)),
            },
            Ok(Err(error)) => self.refused(error),
            Err(failure) => self.failed(failure),
        }
    }

    fn failed(self, failure: WireError) -> Result<State, Error> {
        if self.reopen.is_none() && is_no_endpoint(&failure, self.plan.medium) {
            return Ok(State::Initialize(Self { reopen: Some(Reopen::HttpSse(failure)), ..self }));
        }
        Err(unanswered(failure))
    }

    /// Returns the error when what was to be opened is not there: what the server said before says more.
    pub(crate) fn unopened(self) -> Error {
        match self.reopen {
            Some(Reopen::HttpSse(before)) => unanswered(before),
            Some(Reopen::Child) | None => Error::Closed,
        }
    }

    fn refused(self, error: RpcError) -> Result<State, Error> {
        let Some(offered) = legacy::counter_offer(&error) else {
            return Err(Error::Rpc(error));
        };
        if self.is_retry {
            return Err(Unsupported::error(&self.plan.legacy, offered, Some(error)));
        }
        if let Some(revision) = choose(&offered, &self.plan.legacy) {
            return Ok(State::Initialize(Self { revision, reopen: None, is_retry: true, ..self }));
        }
        // A modern server that was too slow for the probe (V-36).
        match choose(&offered, &self.plan.modern) {
            Some(revision) if self.plan.mode == EraMode::Auto => {
                let plan = Plan { mode: EraMode::Modern, ..self.plan };
                Ok(State::Discover(ExpectDiscover { revision, plan, is_retry: false }))
            }
            _ => Err(Unsupported::error(&self.plan.legacy, offered, Some(error))),
        }
    }
}

impl Plan {
    /// Goes on with `initialize` in automatic mode; otherwise fails.
    fn fall_back(self, error: impl FnOnce(&Self) -> Error) -> Result<State, Error> {
        match self.best_legacy() {
            Some(revision) if self.mode == EraMode::Auto => Ok(self.initialize(revision)),
            _ => Err(error(&self)),
        }
    }

    /// Goes on with a legacy version that the server names (V-38, V-65); otherwise fails.
    fn fall_back_to_named(self, offered: Vec<ProtocolVersion>, answer: Option<RpcError>) -> Result<State, Error> {
        match choose(&offered, &self.legacy) {
            Some(revision) if self.mode == EraMode::Auto => Ok(self.initialize(revision)),
            _ => Err(Unsupported::error(&self.modern, offered, answer)),
        }
    }

    fn initialize(self, revision: Revision) -> State {
        State::Initialize(self.expect(revision))
    }

    fn expect(self, revision: Revision) -> ExpectInitialize {
        ExpectInitialize { revision, reopen: None, plan: self, is_retry: false }
    }

    fn best_legacy(&self) -> Option<Revision> {
        self.legacy.iter().copied().max()
    }
}

/// Returns whether a modern request can have led to this only because the server is a legacy one, which has not carried
/// it out then (V-60).
pub(crate) fn is_wrong_era(outcome: &Outcome, medium: Medium) -> bool {
    match outcome {
        Ok(Ok(_)) => false,
        Ok(Err(error)) => {
            matches!(error.code, ErrorCode::INVALID_REQUEST | ErrorCode::METHOD_NOT_FOUND | SERVER_NOT_INITIALIZED)
        }
        Err(WireError::Http(failure)) => medium == Medium::Http && is_legacy_status(failure.status),
        Err(failure) => medium == Medium::Child && is_end(failure),
    }
}

/// Returns whether this is what a server of the HTTP+SSE transport answers to a POST at its URL (HL-18).
fn is_no_endpoint(failure: &WireError, medium: Medium) -> bool {
    matches!(failure, WireError::Http(failure) if medium == Medium::Http && is_legacy_status(failure.status))
}

fn unanswered(failure: WireError) -> Error {
    Error::of_transport(failure, || "the answer to `initialize`".to_owned())
}

/// What many legacy servers answer before `initialize`.
const SERVER_NOT_INITIALIZED: ErrorCode = ErrorCode(-32000);

fn is_end(failure: &WireError) -> bool {
    matches!(failure, WireError::Exited(_) | WireError::Closed)
}

/// Returns whether a failure says that the server knows no `server/discover` (V-61 to V-63).
fn is_evidence_of_legacy(failure: &WireError, medium: Medium) -> bool {
    use mcp_transport::Deadline;
    match (failure, medium) {
        (WireError::Http(failure), Medium::Http) => is_legacy_status(failure.status),
        (WireError::TimedOut(Deadline::Idle(_) | Deadline::Total(_)), Medium::Child | Medium::Stream) => true,
        (WireError::Malformed(_), Medium::Child | Medium::Stream) => true,
        _ => false,
    }
}

/// Returns whether a server without the modern era would answer with this status. Not so: wrong credentials, too slow,
/// too many (V-63).
fn is_legacy_status(status: u16) -> bool {
    matches!(status, 400..=499) && !matches!(status, 401 | 403 | 407 | 408 | 429)
}

#[cfg(test)]
mod tests;
