//! The book, as modules: each chapter is the documentation of one, so its samples are compiled as doc tests.
//!
//! A chapter is a file in `src`, a line in `src/SUMMARY.md`, and a module here; a test holds the three together. The
//! surprising thing: the tables of facts are tested too, against the code that they are about.

#[doc = include_str!("../README.md")]
pub mod readme {}

#[doc = include_str!("src/introduction.md")]
pub mod introduction {}

#[doc = include_str!("src/first-server.md")]
pub mod first_server {}

#[doc = include_str!("src/serving.md")]
pub mod serving {}

#[doc = include_str!("src/first-client.md")]
pub mod first_client {}

#[doc = include_str!("src/models.md")]
pub mod models {}

#[doc = include_str!("src/loop.md")]
pub mod tool_loop {}

#[doc = include_str!("src/approvals.md")]
pub mod approvals {}

#[doc = include_str!("src/program.md")]
pub mod program {}

#[doc = include_str!("src/gateway-file.md")]
pub mod gateway_file {}

#[doc = include_str!("src/gateway-openai.md")]
pub mod gateway_openai {}

#[doc = include_str!("src/litellm.md")]
pub mod litellm {}

#[doc = include_str!("src/litellm-more.md")]
pub mod litellm_more {}

#[doc = include_str!("src/litellm-gateway.md")]
pub mod litellm_gateway {}

#[doc = include_str!("src/revisions.md")]
pub mod revisions {}

#[doc = include_str!("src/limits.md")]
pub mod limits {}

#[doc = include_str!("src/inside.md")]
pub mod inside {}

#[doc = include_str!("src/speed.md")]
pub mod speed {}

#[doc = include_str!("src/speed-figures.md")]
pub mod speed_figures {}

#[cfg(test)]
mod tests;
