//! The APIs of OpenAI with MCP servers behind them.
