//! The behaviour contract of the bridge, a test for each of its lines, and a test for each fault that others have.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "it is all test")]

#[path = "../lab/mod.rs"]
mod lab;

mod approval;
mod arguments;
mod gateway;
mod lists;
mod names;
mod questions;
mod results;
mod rounds;
mod schemas;
mod scripted;
mod security;
mod seed;
mod strict;
mod v1;
