//! Plain `async fn`s as handlers, and their erasure to one type.
//!
//! The surprising thing: the marker `M` is the list of argument types. Without it two implementations for functions of
//! different arity would overlap; nobody ever names it.

use std::future::Future;

use futures::FutureExt;
use futures::future::BoxFuture;

use crate::context::Cx;
use crate::extract::{FromCall, Needs, Unfit};

/// An `async fn` whose arguments are extractors, as a handler in the place `P`.
///
/// It is implemented for functions and closures of up to twelve arguments, each of which is [`FromCall<P>`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a handler",
    label = "not an `async fn` whose arguments are all extractors",
    note = "every argument must be an extractor: `Args<T>`, `Vars<T>`, `Uri`, `State<T>` or `Cx`, as far as the place allows",
    note = "`T` in `Args<T>` needs `#[derive(serde::Deserialize, schemars::JsonSchema)]` with schemars 1",
    note = "the future must be `Send`: hold no `Rc` and no lock guard of `std` across an `.await`"
)]
pub trait Handler<P, M>: Send + Sync + 'static {
    /// What the handler returns.
    type Output: Send + 'static;

    /// Collects what the extractors need.
    fn declare(needs: &mut Needs);

    /// Handles one call.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the handler's.
    fn call(&self, cx: &Cx) -> impl Future<Output = Result<Self::Output, Unfit>> + Send;
}

macro_rules! handlers {
    ($( ($($argument:ident)*) )+) => {$(
        impl<P, F, R, $($argument,)*> Handler<P, (R, $($argument,)*)> for F
        where
            F: Fn($($argument,)*) -> R + Send + Sync + 'static,
            R: Future + Send,
            R::Output: Send + 'static,
            $($argument: FromCall<P>,)*
        {
            type Output = R::Output;

            #[allow(unused_variables)]
            fn declare(needs: &mut Needs) {
                $($argument::declare(needs);)*
            }

            #[allow(unused_variables, non_snake_case)]
            async fn call(&self, cx: &Cx) -> Result<Self::Output, Unfit> {
                $(let $argument = $argument::from_call(cx)?;)*
                Ok(self($($argument,)*).await)
            }
        }
    )+};
}

handlers! {
    ()
    (A1)
    (A1 A2)
    (A1 A2 A3)
    (A1 A2 A3 A4)
    (A1 A2 A3 A4 A5)
    (A1 A2 A3 A4 A5 A6)
    (A1 A2 A3 A4 A5 A6 A7)
    (A1 A2 A3 A4 A5 A6 A7 A8)
    (A1 A2 A3 A4 A5 A6 A7 A8 A9)
    (A1 A2 A3 A4 A5 A6 A7 A8 A9 A10)
    (A1 A2 A3 A4 A5 A6 A7 A8 A9 A10 A11)
    (A1 A2 A3 A4 A5 A6 A7 A8 A9 A10 A11 A12)
}

/// A handler whose type is forgotten; its answer is already converted to `T`.
pub(crate) type Erased<T> = Box<dyn Fn(Cx) -> BoxFuture<'static, Result<T, Unfit>> + Send + Sync>;

/// Forgets the type of a handler.
pub(crate) fn erase<P, M, H, T>(handler: H, convert: fn(H::Output) -> T) -> Erased<T>
where
    P: 'static,
    M: 'static,
    H: Handler<P, M>,
    T: Send + 'static,
{
    let handler = std::sync::Arc::new(handler);
    Box::new(move |cx| {
        let handler = std::sync::Arc::clone(&handler);
        async move { handler.call(&cx).await.map(convert) }.boxed()
    })
}
