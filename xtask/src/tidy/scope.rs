//! Where the rules hold: the tables of `cargo xtask tidy`.
//!
//! A path in a table is a file, or a folder when it ends in `/`. A path that matches no file is an error, so that a
//! renamed file does not leave its rule.

/// What may lie at the top of the tree, tracked or ignored.
pub(crate) const TOP_LEVEL: &[&str] = &[
    ".cargo",
    ".ci",
    ".git",
    ".github",
    ".gitignore",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "SECURITY.md",
    "clippy.toml",
    "deny.toml",
    "docs",
    "mcp-client",
    "mcp-openai-bridge",
    "mcp-server",
    "mcp-transport",
    "mcp-types",
    "rust-toolchain.toml",
    "rustfmt.toml",
    "target",
    "xtask",
];

/// Folders that hold no source of ours.
pub(crate) const NOT_OURS: &[&str] = &[".git", "__pycache__", "node_modules", "target", "docs/book"];

/// Modules without async, clock, entropy and sockets: codecs, state machines, rules. Whole crates where everything
/// is pure that is not named as a driver, and the files in a folder of drivers that hold its decisions.
pub(crate) const PURE: &[&str] = &[
    "mcp-client/src/era/",
    "mcp-openai-bridge/src/",
    "mcp-openai-bridge/src/client/auth.rs",
    "mcp-openai-bridge/src/client/convert.rs",
    "mcp-openai-bridge/src/driver/retry.rs",
    "mcp-openai-bridge/src/driver/sampling/convert.rs",
    "mcp-openai-bridge/src/gateway/config/credential.rs",
    "mcp-openai-bridge/src/gateway/config/handler.rs",
    "mcp-openai-bridge/src/gateway/config/model.rs",
    "mcp-openai-bridge/src/gateway/config/provider.rs",
    "mcp-openai-bridge/src/gateway/config/reader.rs",
    "mcp-openai-bridge/src/gateway/config/tool.rs",
    "mcp-openai-bridge/src/gateway/handler/outcome.rs",
    "mcp-openai-bridge/src/gateway/key.rs",
    "mcp-openai-bridge/src/gateway/offer.rs",
    "mcp-openai-bridge/src/gateway/rest/query.rs",
    "mcp-openai-bridge/src/gateway/v1/entry.rs",
    "mcp-openai-bridge/src/gateway/v1/input.rs",
    "mcp-openai-bridge/src/gateway/v1/plan.rs",
    "mcp-openai-bridge/src/gateway/v1/splice.rs",
    "mcp-openai-bridge/src/model/difference.rs",
    "mcp-openai-bridge/src/model/refusal.rs",
    "mcp-openai-bridge/src/model/retry_after.rs",
    "mcp-openai-bridge/src/servers/copy.rs",
    "mcp-openai-bridge/src/servers/filter.rs",
    "mcp-openai-bridge/src/servers/outcome.rs",
    "mcp-transport/src/",
    "mcp-transport/src/http/client/rules.rs",
    "mcp-transport/src/http/server/rules.rs",
    "mcp-types/src/",
];

/// What waits, in the crates above: the seams and their drivers. They hold no decision of the protocol.
pub(crate) const DRIVERS: &[&str] = &[
    "mcp-openai-bridge/src/bin/",
    "mcp-openai-bridge/src/client/",
    "mcp-openai-bridge/src/driver/",
    "mcp-openai-bridge/src/gateway/",
    "mcp-openai-bridge/src/model/",
    "mcp-openai-bridge/src/servers/",
    "mcp-transport/src/client.rs",
    "mcp-transport/src/http/",
    "mcp-transport/src/memory.rs",
    "mcp-transport/src/memory/",
    "mcp-transport/src/outbox.rs",
    "mcp-transport/src/pipe/",
    "mcp-transport/src/process/",
];

/// The places that may know a revision by its name.
pub(crate) const VERSIONS: &[&str] = &["mcp-types/src/revision.rs"];

/// Programs whose `Era` is an option of their own, and says nothing of what a revision has.
pub(crate) const OWN_ERAS: &[&str] = &["mcp-openai-bridge/src/bin/mcp-bridge/connect.rs"];

/// Test folders that drive real programs, where time is real too.
pub(crate) const REAL_TIME: &[&str] = &["mcp-server/conformance/"];

/// Crates whose types a peer sends.
pub(crate) const WIRE: &[&str] =
    &["mcp-client/src/", "mcp-openai-bridge/src/", "mcp-server/src/", "mcp-transport/src/", "mcp-types/src/"];

/// Whether `path` is one of `scope`, or lies in a folder of it.
pub(crate) fn holds(scope: &[&str], path: &str) -> bool {
    scope.iter().any(|entry| matches(entry, path))
}

/// Whether `path` is pure. Of two tables that hold it, the one that names it more closely counts.
pub(crate) fn is_pure(path: &str) -> bool {
    let closest = |scope: &[&str]| scope.iter().filter(|entry| matches(entry, path)).map(|entry| entry.len()).max();
    closest(PURE) > closest(DRIVERS)
}

/// Whether `path` is `entry`, or lies in it when it is a folder.
pub(crate) fn matches(entry: &str, path: &str) -> bool {
    if entry.ends_with('/') { path.starts_with(entry) } else { path == entry }
}
