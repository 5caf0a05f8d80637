//! Many MCP servers as one: each with its filter, its deadline and its outcome.
