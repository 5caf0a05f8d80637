//! Asking the client in the middle of a request, without remembering it (*Multi Round-Trip Requests*, P-10 to P-24).
//!
//! ```text
//! round 1   params ─► Answers::receive ─► handler asks ─► no answer ─► Answers::into_result ─► input_required
//!                                                                          │ sealed record
//! round 2   params + inputResponses + requestState ─► Answers::receive ◄───┘   any process that has the key
//!                                                       └─► handler asks ─► answer ─► … ─► the result
//! ```
//!
//! The surprising thing: nothing is kept between the rounds. What earlier ones brought travels with the client, sealed
//! and bound to the request and to who made it.

mod answers;
#[cfg(feature = "sealing")]
mod digest;
mod refused;
#[cfg(feature = "sealing")]
mod seal;
#[cfg(test)]
#[cfg(feature = "sealing")]
mod tests;
#[cfg(not(feature = "sealing"))]
mod unsealed;

pub(crate) use answers::{Answers, ListRoots, Question, check};
#[cfg(feature = "sealing")]
pub(crate) use seal::{Binding, Sealer, Sealing};
#[cfg(feature = "sealing")]
pub use seal::{KeyRing, KeyTooShort, SealingKey};
#[cfg(not(feature = "sealing"))]
pub(crate) use unsealed::{Binding, Sealer, Sealing};
