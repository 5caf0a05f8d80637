//! The runs of a handler within one call (P-16, P-20, P-23).
//!
//! The surprising thing: a call has one run in the modern era, however many rounds it takes, because each round is a call
//! of its own. Only handlers that return `InputRequiredResult` on a legacy session are entered again here.

use mcp_types::{InputRequiredResult, RpcError};

use super::AskError;
use crate::context::Cx;
use crate::era::{self, Outcome, Wants};
use crate::run::{Caught, Ended, Named, Stopped};

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
pub(crate) async fn rounds<T, O>(
    cx: &Cx,
    named: Named<'_>,
    first: Caught<T>,
    again: impl Fn() -> Caught<T>,
    told: impl Fn(T) -> Result<O, RpcError>,
) -> Came<O, T>
where
    O: Outcome + From<InputRequiredResult>,
{
    let core = cx.core();
    let most = core.limits().input_shim_rounds;
    let mut run = first;
    for _ in 0..=most {
        let outcome = match core.bounds().run(cx, named, run).await {
            Ok(Ended::Asks) => return Came::Told(era::asks(cx).map(O::from)),
            Ok(Ended::Detaches(run)) => return Came::Detaches(run),
            Ok(Ended::Returned(ran)) => told(ran),
            Err(stopped) => return Came::Stopped(stopped),
        };
        let required = match outcome {
            Ok(asks) if matches!(asks.wants(), Wants::Input) => asks.required(),
            ended => return Came::Told(ended),
        };
        let required = match required {
            Ok(required) => required,
            Err(ended) => return Came::Told(Ok(ended)),
        };
        // Boxed, because hardly any call comes here and every call would carry the room for it.
        match Box::pin(era::required(cx, required)).await {
            Ok(Some(required)) => return Came::Told(Ok(O::from(required))),
            Ok(None) => run = again(),
            Err(error) => return Came::Unasked(error),
        }
    }
    Came::Unasked(AskError::TooManyRounds(most))
}
