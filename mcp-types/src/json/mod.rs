//! JSON that is checked once, at the edge, and then carried as bytes.
//!
//! The surprising thing: nothing here builds a document tree. [`scan`] walks the bytes and [`RawJson`] keeps them.

pub(crate) mod encode;
pub(crate) mod lent;
mod object;
mod raw;
pub mod scan;
mod unread;
mod walk;
pub(crate) mod write;

pub use encode::MAX_ENCODED_DEPTH;
pub use object::JsonObject;
pub use raw::RawJson;
pub(crate) use raw::{find_members, read_scanned};
pub use scan::{ScanError, ScanErrorKind};
pub use unread::Unread;
pub use walk::{Kind, Walk};
