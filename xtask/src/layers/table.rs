//! The one table of what may depend on what.
//!
//! A new line here is a decision about the house, so it has its own pull request. A line that nothing uses is an error
//! as well: the table is exact.

/// What one crate of the workspace may depend on, in its normal and build dependencies.
pub(crate) struct Room {
    pub(crate) name: &'static str,
    /// Crates of this workspace.
    pub(crate) ours: &'static [&'static str],
    /// Crates of others.
    pub(crate) others: &'static [&'static str],
    /// Crates of this workspace that only its tests may use.
    pub(crate) ours_in_tests: &'static [&'static str],
}

/// Every crate of the workspace.
pub(crate) const ROOMS: &[Room] = &[
    Room {
        name: "docs",
        ours: &[],
        others: &[],
        ours_in_tests: &["mcp-client", "mcp-openai-bridge", "mcp-server", "mcp-transport", "mcp-types"],
    },
    Room {
        name: "mcp-client",
        ours: &["mcp-transport", "mcp-types"],
        others: &["bytes", "futures-util", "serde", "serde_json", "tokio"],
        ours_in_tests: &[],
    },
    Room {
        name: "mcp-conformance",
        ours: &["mcp-client", "mcp-server", "mcp-transport", "mcp-types"],
        others: &["base64", "futures-util", "schemars", "serde", "serde_json", "tokio"],
        ours_in_tests: &[],
    },
    Room {
        name: "mcp-openai-bridge",
        // All but mcp-types, jsonschema, serde and serde_json stand behind a feature: `driver` or, most, `program`.
        ours: &["mcp-client", "mcp-server", "mcp-transport", "mcp-types"],
        others: &[
            "async-trait",
            "base64",
            "bytes",
            "clap",
            "clap_complete",
            "futures-util",
            "getrandom",
            "http",
            "indicatif",
            "jiff",
            "jsonschema",
            "schemars",
            "serde",
            "serde-saphyr",
            "serde_json",
            "tokio",
        ],
        ours_in_tests: &[],
    },
    Room {
        name: "mcp-server",
        ours: &["mcp-transport", "mcp-types"],
        others: &[
            "base64",
            "bytes",
            "futures-util",
            "getrandom",
            "hmac",
            "jsonschema",
            "schemars",
            "serde",
            "serde_json",
            "sha2",
            "tokio",
        ],
        // For the client's end of a pipe, which no server needs.
        ours_in_tests: &["mcp-transport"],
    },
    Room {
        name: "mcp-transport",
        ours: &["mcp-types"],
        others: &[
            "base64",
            "bytes",
            "futures-channel",
            "futures-util",
            "getrandom",
            "http",
            "http-body-util",
            "hyper",
            "hyper-util",
            "rustix",
            "rustls",
            "rustls-platform-verifier",
            "serde",
            "serde_json",
            "tokio",
            "tokio-rustls",
        ],
        ours_in_tests: &[],
    },
    Room { name: "mcp-types", ours: &[], others: &["bytes", "serde", "serde_json"], ours_in_tests: &[] },
    Room { name: "xtask", ours: &[], others: &["serde_json"], ours_in_tests: &[] },
];

/// What one set of features of a crate must never reach, however long the way.
pub(crate) struct Reach {
    pub(crate) name: &'static str,
    /// The features, as cargo takes them.
    pub(crate) features: &'static [&'static str],
    pub(crate) never: &'static [&'static str],
}

/// What must stay out of reach.
pub(crate) const REACHES: &[Reach] = &[
    Reach { name: "mcp-types", features: &["--all-features"], never: IO },
    Reach { name: "mcp-transport", features: &["--no-default-features", "--features", "http"], never: IO },
    Reach { name: "mcp-client", features: &["--all-features"], never: &["mcp-server", "schemars", "jsonschema"] },
    Reach { name: "mcp-server", features: &["--all-features"], never: &["mcp-client", "rustls", "url"] },
    Reach { name: "mcp-server", features: &["--no-default-features"], never: &["hyper", "jsonschema"] },
    Reach {
        name: "mcp-openai-bridge",
        features: &["--no-default-features", "--features", "driver,validate"],
        never: &["clap", "hyper", "indicatif", "jiff", "mcp-client", "mcp-server", "mcp-transport", "mio", "rustls"],
    },
    Reach { name: "mcp-openai-bridge", features: &["--all-features"], never: NATIVE },
    Reach { name: "mcp-client", features: &["--all-features"], never: NATIVE },
    Reach { name: "mcp-server", features: &["--all-features"], never: NATIVE },
];

/// What only a driver may know.
const IO: &[&str] = &["http", "hyper", "hyper-util", "mio", "rustls", "tokio", "url"];

/// What needs a C++ compiler, cmake or a library of the system, or brings a second HTTP stack.
const NATIVE: &[&str] = &["aws-lc-rs", "aws-lc-sys", "native-tls", "openssl", "openssl-sys", "reqwest"];

/// How many crates of others a set of features may cost.
pub(crate) struct Budget {
    pub(crate) what: &'static str,
    pub(crate) name: &'static str,
    pub(crate) features: &'static [&'static str],
    pub(crate) at_most: usize,
}

/// The budgets of the house.
pub(crate) const BUDGETS: &[Budget] = &[
    Budget { what: "the messages", name: "mcp-types", features: &["--all-features"], at_most: 12 },
    // With the three of ours it is the 35 of the house.
    Budget { what: "a stdio server", name: "mcp-server", features: &["--no-default-features"], at_most: 32 },
    Budget {
        what: "a stdio server that seals",
        name: "mcp-server",
        features: &["--no-default-features", "--features", "sealing"],
        at_most: 42,
    },
    // The house says 70 in all, but jsonschema without its default features brings 48 that nothing else needs.
    Budget {
        what: "a stdio server that validates",
        name: "mcp-server",
        features: &["--no-default-features", "--features", "validate"],
        at_most: 80,
    },
    Budget { what: "an HTTP client with TLS", name: "mcp-client", features: &["--all-features"], at_most: 60 },
    Budget {
        what: "the bridge as a library",
        name: "mcp-openai-bridge",
        features: &["--no-default-features", "--features", "driver,validate"],
        at_most: 74,
    },
    Budget { what: "the program", name: "mcp-openai-bridge", features: &[], at_most: 155 },
];
