//! Answering what a server asks in the middle of a request (*Multi Round-Trip Requests*, P-10 to P-22).
//!
//! ```text
//! result: input_required ─► Rounds::handle ─► Round ─► its questions ─► the hooks of the program
//!                                               │                              │
//! request: the same params + answers + state ◄──┴──────── Round::answer ◄──────┘
//! ```
//!
//! The surprising thing: what may be asked ([`question`]) and answered ([`reply`]) is the same when a legacy server asks
//! by a request of its own, so only [`rounds`] belongs to one era.

pub(crate) mod question;
pub(crate) mod reply;
pub(crate) mod rounds;
#[cfg(test)]
mod tests;
