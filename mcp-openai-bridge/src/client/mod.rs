//! One MCP server, used the way the documents of LiteLLM's client use it.
