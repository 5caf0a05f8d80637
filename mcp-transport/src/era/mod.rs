//! Which era a message belongs to: the decision table of digest 2.4, as one pure function.
//!
//! `modern` and [`legacy`] are siblings that do not know each other. When the legacy era ends, deleting it is
//! deleting a file.

mod classify;
pub mod legacy;
pub(crate) mod modern;

pub use classify::{Rejection, Served, Verdict, classify};
