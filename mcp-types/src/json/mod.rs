//! JSON that is checked once, at the edge, and then carried as bytes.
//!
//! The surprising thing: nothing here builds a document tree. [`scan`] walks the bytes and [`RawJson`] keeps them.

pub(crate) mod encode;
mod object;
mod raw;
pub mod scan;
pub(crate) mod write;

pub use encode::MAX_ENCODED_DEPTH;
pub use object::JsonObject;
pub use raw::RawJson;
pub use scan::{ScanError, ScanErrorKind};
