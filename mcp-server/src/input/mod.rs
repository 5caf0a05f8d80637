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
mod digest;
mod seal;
#[cfg(test)]
mod tests;

pub(crate) use answers::{Answers, ListRoots, Question, check};
pub(crate) use seal::{Binding, Sealer};
pub use seal::{KeyRing, KeyTooShort, SealingKey};
