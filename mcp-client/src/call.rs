//! The way of a request: gate, envelope, exchange, recovery, answer.
//!
//! The surprising thing: everything that may be sent twice goes through one loop, and what may be is decided in
//! [`recovery`](crate::recovery), not here.

use std::borrow::Cow;
use std::pin::pin;
use std::sync::Arc;

use futures::future::{BoxFuture, Either, select};
use mcp_transport::{Outgoing, Patience};
use mcp_types::{Features, Params, ProgressNotificationParams, ProgressToken, RawJson, method, methods};
use serde::Serialize;

use crate::answer::Answer;
use crate::client::Client;
use crate::connection::Connection;
use crate::era::legacy::Memory;
use crate::era::probe::{Medium, Outcome};
use crate::error::Error;
use crate::input::rounds::Rounds;
use crate::patience::Waiting;
use crate::recovery::{Recovery, Remedies, Situation};
use crate::{gate, mirror, patience};

/// Takes the progress of one request.
pub(crate) type Observer<'a> = dyn FnMut(ProgressNotificationParams) + Send + 'a;

/// What a client asks for, before an era gives it its form.
pub(crate) struct Question<'a> {
    pub(crate) method: Cow<'static, str>,
    pub(crate) params: Given,
    pub(crate) patience: Patience,
    pub(crate) observer: Option<Box<Observer<'a>>>,
}

/// The parameters of a question, before an era adds what it wants.
pub(crate) enum Given {
    /// A call of a tool and nothing else: no `_meta`, and no answer to what a server asked. It is written once, with what
    /// the era adds.
    Call(BareCall),
    /// An object, with the members that the caller wants in `_meta`.
    Params(RawJson),
}

/// A call of a tool, as HTTP mirrors it into headers.
#[derive(Debug, Serialize)]
pub(crate) struct BareCall {
    pub(crate) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) arguments: Option<RawJson>,
}

impl Given {
    fn raw(&self) -> Result<RawJson, serde_json::Error> {
        match self {
            Self::Call(call) => RawJson::encode(call),
            Self::Params(params) => Ok(params.clone()),
        }
    }
}

/// What came of a question.
pub(crate) struct Answered {
    pub(crate) result: RawJson,
    /// Whether the server goes on in a task, which the result describes.
    pub(crate) is_task: bool,
    /// Whether the server asked back before; then the result must not be cached (P-21).
    pub(crate) asked_back: bool,
}

impl Question<'_> {
    pub(crate) fn new(method: Cow<'static, str>, params: RawJson, patience: Patience) -> Self {
        Self { method, params: Given::Params(params), patience, observer: None }
    }
}

impl Client {
    /// Asks, answers what the server asks back, and returns what came of it.
    #[expect(
        clippy::manual_async_fn,
        reason = "an async fn keeps its arguments twice, and this is made for every request"
    )]
    pub(crate) fn answer_to<'q>(
        &'q self,
        mut question: Question<'q>,
    ) -> impl Future<Output = Result<Answered, Error>> + Send {
        async move {
            let first = self.exchange(&mut question).await?;
            self.answer_from(question, first).await
        }
    }

    /// Does the rest of [`answer_to`](Self::answer_to) when there is a first result.
    #[expect(
        clippy::manual_async_fn,
        reason = "an async fn keeps its arguments twice, and this is made for every request"
    )]
    pub(crate) fn answer_from<'q>(
        &'q self,
        mut question: Question<'q>,
        first: (RawJson, Arc<Connection>),
    ) -> impl Future<Output = Result<Answered, Error>> + Send {
        async move {
            let (mut result, mut connection) = first;
            let mut rounds: Option<Rounds> = None;
            loop {
                let wanted = match self.read(&question.method, result, &connection)? {
                    Answer::Complete(result) => {
                        return Ok(Answered { result, is_task: false, asked_back: rounds.is_some() });
                    }
                    Answer::Task(result) => {
                        return Ok(Answered { result, is_task: true, asked_back: rounds.is_some() });
                    }
                    Answer::InputRequired(wanted) => wanted,
                };
                let rounds = match &mut rounds {
                    Some(rounds) => rounds,
                    None => {
                        let params = question.params.raw().map_err(|error| Error::params(&question.method, error))?;
                        let begun = Rounds::new(&params, &self.inner.limits);
                        rounds.insert(begun.map_err(|_| Error::params(&question.method, "they are no object"))?)
                    }
                };
                // Boxed, as everything on this way that is rare, so that the usual call is small.
                let answered = Box::pin(self.answer_round(rounds, &question.method, wanted, &connection)).await?;
                question.params = Given::Params(answered);
                (result, connection) = self.exchange(&mut question).await?;
            }
        }
    }

    /// Reads the kind of a result.
    pub(crate) fn read(&self, method: &str, result: RawJson, connection: &Connection) -> Result<Answer, Error> {
        Answer::read(method, result, connection.agreement.revision.features(), &self.inner.identity.capabilities)
    }

    /// Asks and returns the result as it came, with the connection that it came over.
    pub(crate) async fn exchange(&self, question: &mut Question<'_>) -> Result<(RawJson, Arc<Connection>), Error> {
        let mut remedies = Remedies::default();
        loop {
            let connection = self.inner.alive().await?;
            let agreement = &connection.agreement;
            gate::admit(&question.method, agreement.revision, agreement.capabilities.as_ref())?;
            let wants_progress = question.observer.is_some() || self.inner.inbox.wants_progress();
            let token = wants_progress.then(|| self.inner.next_token());
            let request = self.prepare(&connection, question, token.as_ref())?;
            let outcome = self.send(&connection, request, token.as_ref(), &mut question.observer).await;
            self.inner.observe(&connection, &outcome);
            let situation = Situation {
                method: &question.method,
                spoken: agreement.revision,
                is_assumed: agreement.capabilities.is_none(),
                medium: self.inner.medium,
                wanted: &self.inner.revisions,
            };
            let Some(recovery) = remedies.against(&outcome, situation) else {
                if let Ok(Ok(_)) = &outcome {
                    self.inner.note(&connection, question);
                }
                return Ok((report(outcome, &question.method)?, connection));
            };
            if !Box::pin(self.recover(recovery, &connection)).await? {
                return Ok((report(outcome, &question.method)?, connection));
            }
        }
    }

    /// Applies a remedy; returns whether to ask again.
    ///
    /// # Errors
    ///
    /// Fails when that says more than what the request itself was told.
    async fn recover(&self, recovery: Recovery, connection: &Connection) -> Result<bool, Error> {
        match recovery {
            Recovery::Version(revision) => self.inner.speak(connection, revision).map(|()| true),
            Recovery::ParamHeaders => Ok(self.refresh_tools().await.is_ok()),
            Recovery::Probe => match self.inner.probe(connection).await {
                // Another request has asked in vain; what this one was told says more.
                Err(Error::SessionEnded) => Ok(false),
                Err(error) => Err(error),
                Ok(()) => Ok(self.inner.connection().agreement.revision.era() != connection.agreement.revision.era()),
            },
            Recovery::Session { ask_again: true } => self.inner.renew(connection).await.map(|()| true),
            Recovery::Session { ask_again: false } => {
                // The next request needs the session even if this one is not repeated.
                let _ = self.inner.renew(connection).await;
                Err(Error::SessionEnded)
            }
        }
    }

    /// Gives the question the form of the era.
    fn prepare(
        &self,
        connection: &Connection,
        question: &Question<'_>,
        token: Option<&ProgressToken>,
    ) -> Result<Outgoing, Error> {
        let refused = |why: String| Error::params(&question.method, why);
        let is_http = self.inner.medium == Medium::Http;
        let (wrapped, name, param_headers) = match &question.params {
            Given::Call(call) => {
                let wrapped = connection.wrap_call(call, token).map_err(refused)?;
                let headers = self.param_headers(connection, Some(&call.name), || call.arguments.clone());
                (wrapped, is_http.then(|| call.name.clone()), headers)
            }
            Given::Params(params) => {
                // The only walk over the parameters: whatever follows knows from it where things stand.
                let params = Params::from_raw(params.clone()).map_err(|error| refused(error.to_string()))?;
                let wrapped = connection.wrap(&params, token).map_err(refused)?;
                let entry = method::entry(&question.method).filter(|_| is_http);
                let name = entry.and_then(|entry| entry.mirrored_name(&params)).map(Cow::into_owned);
                let tool = name.as_deref().filter(|_| question.method == "tools/call");
                let headers = self.param_headers(connection, tool, || params.arguments());
                (wrapped, name, headers)
            }
        };
        let mut request = Outgoing::new(question.method.clone(), wrapped.params);
        request.hearing = Some(wrapped.hearing);
        request.revision = Some(connection.agreement.revision);
        request.name = name;
        request.param_headers = param_headers.map_err(refused)?;
        request.patience = question.patience;
        Ok(request)
    }

    /// Sends a request, which is put together at once: what waits for the answer has no room for what is asked.
    fn send<'s>(
        &'s self,
        connection: &'s Connection,
        request: Outgoing,
        token: Option<&'s ProgressToken>,
        observer: &'s mut Option<Box<Observer<'_>>>,
    ) -> impl Future<Output = Outcome> + Send {
        let inbox = &self.inner.inbox;
        if connection.agreement.revision.features().has(Features::SESSION) && inbox.can_be_asked() {
            // Boxed, because it has a timer in it.
            return Either::Left(Box::pin(self.send_while_asked(connection, request, token, observer)));
        }
        let opened = connection.link.transport().open(request);
        Either::Right(async move {
            let exchange = opened.await?;
            exchange.finish(|told| inbox.take_of_exchange(told, token, observer.as_deref_mut())).await
        })
    }

    /// Sends a request whose server may ask something before it answers.
    async fn send_while_asked(
        &self,
        connection: &Connection,
        mut request: Outgoing,
        token: Option<&ProgressToken>,
        observer: &mut Option<Box<Observer<'_>>>,
    ) -> Outcome {
        let inbox = &self.inner.inbox;
        let waiting = Waiting::new(request.patience, inbox.answering());
        request.patience = patience::without_end();
        let answer = async {
            let exchange = connection.link.transport().open(request).await?;
            let observe = |told| {
                waiting.heard();
                inbox.take_of_exchange(told, token, observer.as_deref_mut());
            };
            exchange.finish(observe).await
        };
        match select(pin!(answer), pin!(waiting.over())).await {
            Either::Left((outcome, _)) => outcome,
            Either::Right((deadline, _)) => Err(mcp_transport::Error::TimedOut(deadline)),
        }
    }

    /// Returns the headers that repeat arguments of a tool; none when no tool is called.
    fn param_headers(
        &self,
        connection: &Connection,
        tool: Option<&str>,
        arguments: impl FnOnce() -> Option<RawJson>,
    ) -> Result<Vec<(String, String)>, String> {
        let Some(tool) = tool.filter(|_| self.inner.mirrors_params(connection)) else { return Ok(Vec::new()) };
        // Without a list nothing is known of the tool; the server then says so, and the list is read (H-37).
        let mirror = self.inner.mirrors().of(tool);
        mirror.map_or(Ok(Vec::new()), |mirror| mirror::headers(&mirror, arguments().as_ref()))
    }

    /// Reads the list of tools again, whatever is cached.
    ///
    /// It is boxed because reading a list is itself a request.
    fn refresh_tools(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move {
            self.inner.inbox.cache().changed(crate::cache::Stale::Lists(&["tools/list"]));
            self.list_all::<methods::ToolsList>().await.map(drop)
        })
    }
}

impl crate::client::Inner {
    /// Takes note of what a legacy session was told to remember.
    fn note(&self, connection: &Connection, question: &Question<'_>) {
        if connection.agreement.revision.features().has(Features::SESSION)
            && Memory::concerns(&question.method)
            && let Ok(params) = question.params.raw()
            && let Ok(params) = Params::from_raw(params)
        {
            self.memory().note(&question.method, &params);
        }
    }

    /// Returns whether arguments are mirrored into headers: over HTTP, since the revision that has it (H-30).
    pub(crate) fn mirrors_params(&self, connection: &Connection) -> bool {
        self.medium == Medium::Http && connection.agreement.revision.features().has(Features::PARAM_HEADERS)
    }
}

fn report(outcome: Outcome, method: &str) -> Result<RawJson, Error> {
    match outcome {
        Ok(Ok(result)) => Ok(result),
        Ok(Err(error)) => Err(Error::Rpc(error)),
        Err(failure) => Err(Error::of_transport(failure, || format!("the answer to `{method}`"))),
    }
}
