//! Python functions, in a child that is kept warm.
//!
//! The child needs a Python 3.8 and no package: the script that it runs, `runner.py`, is part of this program. The
//! functions are the user's own code, so the child inherits all of the environment; what they print goes to standard
//! error. The surprising thing: the script goes in by a variable of the environment, which it takes out again. A file
//! would have to be written somewhere, and an argument would be seen by every user of the machine.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use mcp_client::types::Implementation;
use mcp_client::{Client, EraMode, Error};
use mcp_transport::process::{Command, Stderr};
use mcp_types::RawJson;
use serde::Deserialize;

use super::start::limits_of_calls;

/// The child with its functions.
pub(super) struct Python {
    pub(super) client: Client,
    /// What each function takes, by its path.
    pub(super) functions: BTreeMap<String, Parameters>,
    /// Why functions could not be loaded, by their paths.
    pub(super) faults: BTreeMap<String, String>,
}

/// The parameters of a function.
#[derive(Debug, Default, Deserialize, PartialEq, Eq)]
pub(super) struct Parameters {
    pub(super) properties: BTreeMap<String, RawJson>,
    pub(super) required: Vec<String>,
    /// Whether it takes any others, too.
    #[serde(rename = "additionalProperties")]
    pub(super) is_open: bool,
}

impl Python {
    /// Starts the child and loads the functions of these paths, as seen from the folder.
    ///
    /// What their modules say is not among the errors but in `faults`.
    pub(super) async fn start(
        interpreter: &Path,
        folder: &Path,
        paths: impl IntoIterator<Item = String>,
    ) -> Result<Self, Error> {
        let command = Command::new(interpreter)
            // What is printed is seen at once.
            .arg("-u")
            .arg("-c")
            .arg(LAUNCH)
            .arg(folder)
            .args(paths)
            .inherit_env()
            .env("MCP_BRIDGE_RUNNER", RUNNER)
            .stderr(Stderr::Inherited);
        let info = Implementation::new("mcp-bridge", env!("CARGO_PKG_VERSION"));
        let started = async {
            let builder = Client::builder(info).limits(limits_of_calls()).era(EraMode::Legacy);
            let client = builder.connect(command).await?;
            let listed = client.call_raw("tools/list", RawJson::empty_object()).await?;
            Ok::<_, Error>((client, listed))
        };
        let Ok(started) = tokio::time::timeout(LOADING, started).await else {
            let text = format!("its modules were not loaded within {} seconds", LOADING.as_secs());
            return Err(mcp_transport::Error::config(text).into());
        };
        let (client, listed) = started?;
        let listed: Listed = listed.decode().map_err(|error| {
            Error::from(mcp_transport::Error::malformed("the list of functions", error.to_string()))
        })?;
        let functions = listed.tools.into_iter().map(|tool| (tool.name, tool.schema)).collect();
        Ok(Self { client, functions, faults: listed.meta.faults })
    }
}

/// What the child says of its functions.
#[derive(Deserialize)]
struct Listed {
    tools: Vec<Function>,
    #[serde(rename = "_meta")]
    meta: Meta,
}

#[derive(Deserialize)]
struct Function {
    name: String,
    #[serde(rename = "inputSchema")]
    schema: Parameters,
}

#[derive(Deserialize)]
struct Meta {
    #[serde(rename = "mcp-bridge/faults")]
    faults: BTreeMap<String, String>,
}

/// The script that the child runs.
const RUNNER: &str = include_str!("runner.py");

/// Runs the script, and hides it from the programs that the functions start. Any Python can read this much.
const LAUNCH: &str = concat!(
    "import os,sys;",
    r#"sys.version_info<(3,8) and sys.exit("mcp-bridge needs Python 3.8 or newer, not "+sys.version.split()[0]);"#,
    r#"exec(compile(os.environ.pop("MCP_BRIDGE_RUNNER"),"mcp-bridge","exec"))"#,
);

/// How long modules may take to load. Some load a neural network.
const LOADING: Duration = Duration::from_secs(300);
