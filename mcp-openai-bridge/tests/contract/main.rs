//! The behaviour contract of the bridge, a test for each of its lines, and a test for each fault that others have.

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
mod strict;
