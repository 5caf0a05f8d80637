//! Several questions in one round.
//!
//! The surprising thing: the answers come as a tuple, in the order of the questions, so that each has its own type.

use std::future::{Future, IntoFuture};

use futures::FutureExt;
use futures::future::{BoxFuture, ready, try_join};
use mcp_types::{CreateMessageRequestParams, CreateMessageResult, InputRequest, Root};

use super::{AskError, Elicitation};
use crate::context::Cx;

/// Questions that are asked at once when this is awaited; [`Cx::ask`](crate::Cx::ask) begins it.
#[must_use = "nothing is asked before it is awaited"]
pub struct Round<'c, A> {
    cx: &'c Cx,
    answers: BoxFuture<'c, Result<A, AskError>>,
    /// The first question that cannot be asked; none of them is then.
    refused: Option<AskError>,
}

impl<'c> Round<'c, ()> {
    pub(super) fn new(cx: &'c Cx) -> Self {
        Self { cx, answers: ready(Ok(())).boxed(), refused: None }
    }
}

impl<'c, A: Send + 'c> Round<'c, A> {
    /// Adds a question to the user; see [`Cx::elicit`](crate::Cx::elicit).
    pub fn elicit<T>(
        self,
        key: &'c str,
        question: impl Elicitation<T> + Send + Sync + 'c,
    ) -> Round<'c, <A as Append<T>>::With>
    where
        A: Append<T>,
        T: Send + 'c,
    {
        let cx = self.cx;
        let request = question.question().map(InputRequest::from);
        self.and(request, cx.elicit(key, question))
    }

    /// Adds a question to the language model; see [`Cx::sample`](crate::Cx::sample).
    pub fn sample(
        self,
        key: &'c str,
        params: impl Into<CreateMessageRequestParams> + Send + 'c,
    ) -> Round<'c, <A as Append<CreateMessageResult>>::With>
    where
        A: Append<CreateMessageResult>,
    {
        let (cx, params) = (self.cx, params.into());
        self.and(Ok(params.clone().into()), cx.sample(key, params))
    }

    /// Adds a question for the roots; see [`Cx::roots`](crate::Cx::roots).
    pub fn roots(self, key: &'c str) -> Round<'c, <A as Append<Vec<Root>>>::With>
    where
        A: Append<Vec<Root>>,
    {
        let cx = self.cx;
        self.and(Ok(InputRequest::ListRoots(None)), cx.roots(key))
    }

    fn and<T>(
        self,
        request: Result<InputRequest, AskError>,
        question: impl Future<Output = Result<T, AskError>> + Send + 'c,
    ) -> Round<'c, <A as Append<T>>::With>
    where
        A: Append<T>,
        T: Send + 'c,
    {
        let both = try_join(self.answers, question).map(|both| both.map(|(answers, answer)| answers.append(answer)));
        let refused = self.refused.or_else(|| request.and_then(|request| self.cx.may_ask(&request)).err());
        Round { cx: self.cx, answers: both.boxed(), refused }
    }
}

impl<'c, A: Send + 'c> IntoFuture for Round<'c, A> {
    type Output = Result<A, AskError>;
    type IntoFuture = BoxFuture<'c, Result<A, AskError>>;

    fn into_future(self) -> Self::IntoFuture {
        match self.refused {
            Some(refused) => ready(Err(refused)).boxed(),
            None => self.answers,
        }
    }
}

impl<A> std::fmt::Debug for Round<'_, A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Round").field("cx", self.cx).finish_non_exhaustive()
    }
}

/// A tuple that can have one more; up to eight.
pub trait Append<T>: sealed::Tuple {
    /// The tuple with one more.
    type With;

    /// Adds a value at the end.
    fn append(self, value: T) -> Self::With;
}

mod sealed {
    pub trait Tuple {}
}

macro_rules! appends {
    ($(($($name:ident)*))+) => {$(
        impl<$($name,)*> sealed::Tuple for ($($name,)*) {}

        impl<$($name,)* Last> Append<Last> for ($($name,)*) {
            type With = ($($name,)* Last,);

            #[allow(non_snake_case)]
            fn append(self, value: Last) -> Self::With {
                let ($($name,)*) = self;
                ($($name,)* value,)
            }
        }
    )+};
}

appends! {
    ()
    (A)
    (A B)
    (A B C)
    (A B C D)
    (A B C D E)
    (A B C D E F)
    (A B C D E F G)
}
