//! x
mod digest;
mod seal;
