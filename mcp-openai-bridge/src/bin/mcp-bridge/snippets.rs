//! What to paste where, to use a server that is being served.
//!
//! The surprising thing: every snippet is complete. Whoever reads this has the terminal open and no manual.

use std::fmt;

use mcp_client::{Client, Error as ClientError};
use mcp_types::Revision;
use mcp_types::meta::{CLIENT_CAPABILITIES, PROTOCOL_VERSION};

/// What a server offers, by name.
#[derive(Debug)]
pub(crate) struct Offer {
    tools: Vec<String>,
    resources: Vec<String>,
    templates: Vec<String>,
    prompts: Vec<String>,
}

impl Offer {
    /// Asks a server.
    pub(crate) async fn of(client: &Client) -> Result<Self, ClientError> {
        let (tools, prompts) = (client.list_tools().await?, client.list_prompts().await?);
        let (resources, templates) = (client.list_resources().await?, client.list_resource_templates().await?);
        Ok(Self {
            tools: tools.into_iter().map(|tool| tool.name).collect(),
            resources: resources.into_iter().map(|resource| resource.uri).collect(),
            templates: templates.into_iter().map(|template| template.uri_template).collect(),
            prompts: prompts.into_iter().map(|prompt| prompt.name).collect(),
        })
    }
}

impl fmt::Display for Offer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds = [
            ("tools", &self.tools),
            ("resources", &self.resources),
            ("templates", &self.templates),
            ("prompts", &self.prompts),
        ];
        for (kind, names) in kinds {
            write!(f, "\n  {kind}: {}", names.join(", "))?;
        }
        Ok(())
    }
}

/// Says what is served, and how to reach it.
pub(crate) fn greeting(url: &str, offer: &Offer) -> String {
    format!(
        r#"Serving what is built in:{offer}

Claude, Cursor and most others (`mcpServers`):
  {{"mcpServers": {{"mcp-bridge": {{"type": "http", "url": "{url}"}}}}}}
the same, started by the client:
  {{"mcpServers": {{"mcp-bridge": {{"command": "mcp-bridge", "args": ["serve", "--stdio"]}}}}}}
VS Code (`.vscode/mcp.json`):
  {{"servers": {{"mcp-bridge": {{"type": "http", "url": "{url}"}}}}}}
curl:
{}
Python with `openai`:
  import json, subprocess, openai
  tools = json.loads(subprocess.check_output(["mcp-bridge", "tools", "{url}"]))
  openai.OpenAI().chat.completions.create(model="gpt-4o-mini", tools=tools,
      messages=[{{"role": "user", "content": "What time is it in Tokyo?"}}])
this program:
  mcp-bridge call {url} get_current_time timezone=Asia/Tokyo
  mcp-bridge ask {url} --model gpt-4o-mini "What time is it in Tokyo?"
"#,
        curl(url)
    )
}

/// A call of a tool in one request, as the modern era has it.
fn curl(url: &str) -> String {
    let revision = Revision::LATEST;
    let meta = format!(r#"{{"{PROTOCOL_VERSION}":"{revision}","{CLIENT_CAPABILITIES}":{{}}}}"#);
    let params = format!(r#"{{"name":"get_current_time","arguments":{{"timezone":"Asia/Tokyo"}},"_meta":{meta}}}"#);
    let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{params}}}"#);
    format!(
        "  curl {url} -H 'Content-Type: application/json' -H 'Accept: application/json, text/event-stream' \\\n    \
         -H 'MCP-Protocol-Version: {revision}' -H 'Mcp-Method: tools/call' -H 'Mcp-Name: get_current_time' \\\n    \
         -d '{body}'"
    )
}
