//! The loop: rounds, order, parallel calls, mixed ownership, streams.
