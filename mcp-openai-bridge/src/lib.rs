#![doc = include_str!("../README.md")]

pub mod arguments;
pub mod chat;
pub mod content;
#[cfg(feature = "driver")]
pub mod driver;
pub mod error;
mod json;
pub mod names;
pub mod schema;
mod similar;
pub mod tools;
pub mod turn;
