//! What every chapter shares: bare parameters, bare results, pages and caching (*Base Protocol*, *Pagination*, *Caching*).
//!
//! The surprising thing: parameters are optional on the wire up to 2025-11-25 and required since, because they carry
//! `_meta`. Here they are always a value; absent ones decode like `{}` (T-155).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::meta::{Meta, RequestMeta, ResultMeta};
use crate::object::{object, words};

object! {
    /// The parameters of a request that has none of its own.
    pub struct RequestParams {
        optional {
            /// What every request may carry.
            meta: RequestMeta = "_meta",
        }
    }
}

object! {
    /// The parameters of a notification that has none of its own.
    pub struct NotificationParams {
        optional {
            /// What every notification may carry.
            meta: Meta = "_meta",
        }
    }
}

object! {
    /// The parameters of a request for one page of a list.
    pub struct PaginatedRequestParams {
        optional {
            /// Where to go on; absent for the first page.
            cursor: Cursor = "cursor",
            /// What every request may carry.
            meta: RequestMeta = "_meta",
        }
    }
}

object! {
    /// A result that says only that the request was done.
    pub struct EmptyResult {
        optional {
            /// What kind of result it is; since 2026-07-28.
            result_type: ResultType = "resultType",
            /// What every result may carry.
            meta: ResultMeta = "_meta",
        }
    }
}

words! {
    /// What kind of result a response holds; absent means complete (T-40, T-41).
    pub enum ResultType {
        /// The answer to the request.
        Complete = "complete",
        /// The server needs something from the client first.
        InputRequired = "input_required",
        /// The server goes on in a task; only for clients that declare the extension.
        Task = "task",
    }
}

words! {
    /// Who may share a cached result (T-153).
    pub enum CacheScope {
        /// Only the user whom it was given to.
        Private = "private",
        /// Everybody.
        Public = "public",
    }
}

/// A place in a list, opaque to clients. An empty one is a cursor too (P-80).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cursor(String);

impl Cursor {
    /// Returns the text that the server gave.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for Cursor {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for Cursor {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
