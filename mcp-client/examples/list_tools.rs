//! Lists the tools of a server, and calls one when it is named.
//!
//! ```text
//! list_tools http://127.0.0.1:4000/mcp
//! list_tools -- my-server --verbose
//! list_tools http://127.0.0.1:4000/mcp add '{"a":1,"b":2}'
//! ```

use std::error::Error;

use mcp_client::{Client, Command, Target, implementation};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (target, rest) = match arguments.next().as_deref() {
        Some("--") => {
            let program = arguments.next().ok_or("name the program after `--`")?;
            (Target::from(Command::new(program).args(arguments)), Vec::new())
        }
        Some(url) => (Target::from(url), arguments.collect()),
        None => return Err("give a URL, or `--` and a command".into()),
    };
    let client = Client::builder(implementation!()).connect(target).await?;
    let name = client.server_info().map_or_else(|| "the server".to_owned(), |info| info.name);
    println!("{name} speaks {}", client.revision());
    match rest.as_slice() {
        [] => {
            for tool in client.list_tools().await? {
                println!("{}: {}", tool.display_name(), tool.description.as_deref().unwrap_or("no description"));
            }
        }
        [tool, arguments @ ..] => {
            let arguments = arguments.first().map_or("{}", String::as_str);
            let result = client.call_tool(tool, serde_json::from_str::<serde_json::Value>(arguments)?).await?;
            println!("{}", result.into_ok()?.text());
        }
    }
    client.close().await;
    Ok(())
}
