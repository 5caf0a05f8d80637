//! Approval: who may run what, and how a turn goes on after the answer.
