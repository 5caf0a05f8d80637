//! Where the official schemas are.

use std::path::PathBuf;

/// Returns the folder with one folder per revision: `MCP_SPEC_DIR`, or the one beside the workspace.
///
/// Says so and returns `None` when it is not there, so that the crate can be tested without it.
pub(crate) fn spec_dir() -> Option<PathBuf> {
    let dir = match std::env::var_os("MCP_SPEC_DIR") {
        Some(dir) => PathBuf::from(dir),
        None => PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/spec/schema"),
    };
    if dir.is_dir() {
        return Some(dir);
    }
    println!("skipped: no schemas in {}; set MCP_SPEC_DIR", dir.display());
    None
}
