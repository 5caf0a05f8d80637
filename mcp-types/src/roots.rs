//! The directories that a client works in (*Roots*, T-140); deprecated in 2026-07-28.
//!
//! The surprising thing: since 2026-07-28 `roots/list` is no request of its own but stands in `inputRequests`.

use crate::meta::Meta;
use crate::object::object;

object! {
    /// A directory or file that a server may work in.
    pub struct Root {
        required {
            /// A `file://` URI.
            uri: String = "uri",
        }
        optional {
            /// The name for humans.
            name: String = "name",
            /// Anything more; since 2025-06-18.
            meta: Meta = "_meta",
        }
    }
}

object! {
    /// The answer to `roots/list`.
    pub struct ListRootsResult {
        required {
            /// The roots, in the order of the client.
            roots: Vec<Root> = "roots",
        }
        optional {
            /// Anything more; up to 2025-11-25 (T-42).
            meta: Meta = "_meta",
        }
    }
}
