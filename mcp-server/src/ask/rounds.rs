//! The runs of a handler within one call (P-16, P-20, P-23).
//!
//! The surprising thing: a call has one run in the modern era, however many rounds it takes, because each round is a call
//! of its own. Only handlers that return `InputRequiredResult` on a legacy session are entered again here.

use std::future::poll_fn;
use std::task::Poll;

use futures::FutureExt;
use futures::future::BoxFuture;
use mcp_types::{InputRequiredResult, RpcError};

use super::AskError;
use crate::context::Cx;
use crate::era::{self, Outcome, Wants};
use crate::run::{Begun, Caught, Ended, Named, Stopped};

/// What came of a call.
pub(crate) enum Came<O, T> {
    /// Its handler wants to go on as a task.
    Detaches(Caught<T>),
    /// The handler gave no answer.
    Stopped(Stopped),
    /// It ended, or asks the client by its result.
    Told(Result<O, RpcError>),
    /// What its result asked for could not be asked.
    Unasked(AskError),
}

/// Runs a handler: `first`, and `again` as often as the client was asked here for what its result wants to know.
///
/// Whatever has to wait is boxed, so that the future of a call that need not stays small: it is made for every request.
pub(crate) fn rounds<'a, T, O>(
    cx: &'a Cx,
    named: Named<'a>,
    first: Caught<T>,
    again: impl Fn() -> Caught<T> + Send + Sync + 'a,
    told: impl Fn(T) -> Result<O, RpcError> + Send + Sync + 'a,
) -> impl Future<Output = Came<O, T>> + Send + 'a
where
    T: Send + 'a,
    O: Outcome + From<InputRequiredResult> + Send + 'a,
{
    let bounds = cx.core().bounds();
    let mut first = Some((first, again, told));
    let mut later: Option<BoxFuture<'a, Came<O, T>>> = None;
    poll_fn(move |task| {
        if let Some((run, again, told)) = first.take() {
            let mut run = Some(run);
            match bounds.begin(cx, named, &mut run, task) {
                Begun::Over(over) => match next(cx, over, &told) {
                    Next::Came(came) => return Poll::Ready(came),
                    Next::Asks(required) => later = Some(go_on(cx, named, required, again, told).boxed()),
                },
                Begun::Waits(place) => {
                    let waited = async move {
                        match next(cx, bounds.wait(cx, named, run, place).await, &told) {
                            Next::Came(came) => came,
                            Next::Asks(required) => go_on(cx, named, required, again, told).await,
                        }
                    };
                    later = Some(waited.boxed());
                }
            }
        }
        later.as_mut().map_or(Poll::Pending, |later| later.as_mut().poll(task))
    })
}

/// Goes on with a handler whose result asks the client for something.
async fn go_on<T, O>(
    cx: &Cx,
    named: Named<'_>,
    mut required: InputRequiredResult,
    again: impl Fn() -> Caught<T>,
    told: impl Fn(T) -> Result<O, RpcError>,
) -> Came<O, T>
where
    O: Outcome + From<InputRequiredResult>,
{
    let core = cx.core();
    let most = core.limits().input_shim_rounds;
    for left in (0..=most).rev() {
        match era::required(cx, required).await {
            Ok(Some(required)) => return Came::Told(Ok(O::from(required))),
            Ok(None) if left == 0 => break,
            Ok(None) => {}
            Err(error) => return Came::Unasked(error),
        }
        required = match next(cx, core.bounds().run(cx, named, again()).await, &told) {
            Next::Came(came) => return came,
            Next::Asks(required) => required,
        };
    }
    Came::Unasked(AskError::TooManyRounds(most))
}

/// What follows a run.
enum Next<O, T> {
    Came(Came<O, T>),
    /// Its result asks the client for something.
    Asks(InputRequiredResult),
}

fn next<T, O>(cx: &Cx, over: Result<Ended<T>, Stopped>, told: &impl Fn(T) -> Result<O, RpcError>) -> Next<O, T>
where
    O: Outcome + From<InputRequiredResult>,
{
    let outcome = match over {
        Ok(Ended::Asks) => era::asks(cx).map(O::from),
        Ok(Ended::Detaches(run)) => return Next::Came(Came::Detaches(run)),
        Ok(Ended::Returned(ran)) => match told(ran) {
            Ok(asks) if matches!(asks.wants(), Wants::Input) => match asks.required() {
                Ok(required) => return Next::Asks(required),
                Err(ended) => Ok(ended),
            },
            ended => ended,
        },
        Err(stopped) => return Next::Came(Came::Stopped(stopped)),
    };
    Next::Came(Came::Told(outcome))
}
