//! Lists that are empty when they cannot be had.

use std::ops::Deref;

use super::Error;

/// A list that is empty when it could not be read, and why it could not.
///
/// It is for programs that go on without tools. The error stays where a human can be told of it.
///
/// # Examples
///
/// ```
/// use mcp_openai_bridge::client::{Graceful, McpClient};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let nobody = McpClient::http("http://127.0.0.1:1/mcp");
/// let tools = Graceful::from(nobody.list_tools().await);
/// assert!(tools.is_empty());
/// assert!(tools.error.is_some());
/// # }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct Graceful<T> {
    /// The list.
    pub items: Vec<T>,
    /// Why it is empty, when that is not because there is nothing.
    pub error: Option<Error>,
}

impl<T> From<Result<Vec<T>, Error>> for Graceful<T> {
    fn from(listed: Result<Vec<T>, Error>) -> Self {
        match listed {
            Ok(items) => Self { items, error: None },
            Err(error) => Self { items: Vec::new(), error: Some(error) },
        }
    }
}

impl<T> Deref for Graceful<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.items
    }
}

impl<T> IntoIterator for Graceful<T> {
    type IntoIter = std::vec::IntoIter<T>;
    type Item = T;

    fn into_iter(self) -> Self::IntoIter {
        self.items.into_iter()
    }
}
