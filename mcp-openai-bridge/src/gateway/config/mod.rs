//! What a `config.yaml` says.
//!
//! The file is LiteLLM's: `model_list`, `mcp_tools`, `mcp_servers` and `general_settings` mean here what they mean there,
//! and `os.environ/NAME` is a variable wherever a text may stand. Its other sections are tolerated and warned of.
//!
//! The surprising thing: nothing is started by reading it. What is wrong is told with file, line and column, all of it at
//! once; what has no effect is a [`Warning`] that says so.
//!
//! ```text
//!   text ──► yaml ──► reader ──┬─► model     model_list
//!           places    faults   ├─► tool      mcp_tools ──► handler
//!                              └─► server    mcp_servers ──► credential
//! ```

mod credential;
mod files;
mod handler;
mod model;
mod place;
mod provider;
mod reader;
mod server;
mod tool;
mod yaml;

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use mcp_client::Secret;

pub use handler::{HandlerSpec, HttpSpec};
pub use model::Model;
pub use place::{ConfigError, Located, Place, Remark, Warning};
pub use server::{Reach, Server};
pub use tool::Tool;

use reader::{Members, Reader};
use yaml::{Kind, Node};

/// A configuration.
///
/// # Examples
///
/// ```
/// use std::path::Path;
///
/// use mcp_openai_bridge::gateway::config::Config;
///
/// let text = "
/// mcp_tools:
///   - name: get_current_time
///     description: Get the current time
///     handler: mcp_tools.get_current_time
/// ";
/// let (config, warnings) = Config::parse(text, Path::new("."), &|_| None).unwrap();
/// assert_eq!(config.tools[0].name.value, "get_current_time");
/// assert!(warnings.is_empty());
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// The file.
    pub file: PathBuf,
    /// The folder of the file, from which other files are named.
    pub folder: PathBuf,
    /// `model_list`.
    pub models: Vec<Model>,
    /// `mcp_tools`.
    pub tools: Vec<Tool>,
    /// `mcp_servers`.
    pub servers: Vec<Server>,
    /// `general_settings.master_key`: the key that every client must show.
    pub master_key: Option<Located<Secret>>,
    /// `python`: the interpreter that runs Python handlers; `MCP_BRIDGE_PYTHON`, or `python3`, when it is not given.
    pub python: PathBuf,
}

impl Config {
    /// Reads a file, with the environment of this process.
    ///
    /// # Errors
    ///
    /// Fails when the file cannot be read, is larger than a megabyte, or says something that cannot be meant.
    pub fn read(path: impl AsRef<Path>) -> Result<(Self, Vec<Warning>), ConfigError> {
        let path = path.as_ref();
        let text = text_of(path).map_err(|error| ConfigError::unreadable(path, error))?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        // Children are started in other folders than this process.
        let folder = std::path::absolute(folder).map_err(|error| ConfigError::unreadable(path, error))?;
        Self::parse_file(&text, path, &folder, &|name| std::env::var(name).ok())
    }

    /// Reads a text as if it were the file `config.yaml` in `folder`; `env` knows the variables.
    ///
    /// # Errors
    ///
    /// Fails when the text says something that cannot be meant.
    pub fn parse(
        text: &str,
        folder: &Path,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<(Self, Vec<Warning>), ConfigError> {
        Self::parse_file(text, Path::new("config.yaml"), folder, env)
    }

    fn parse_file(
        text: &str,
        file: &Path,
        folder: &Path,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<(Self, Vec<Warning>), ConfigError> {
        let fault = |place, text| ConfigError::new(vec![Remark::new(file, place, text)]);
        if text.len() > MAX_BYTES {
            return Err(fault(None, format!("the file has more than {MAX_BYTES} bytes")));
        }
        let node = Node::parse(text).map_err(|(place, text)| fault(place, text))?;
        let reader = Reader::new(file, env);
        let config = Self::of(&reader, &node, folder);
        let warnings = reader.finish()?;
        // Without a fault there is a configuration: whoever returns none has noted why.
        config.map(|config| (config, warnings)).ok_or_else(|| fault(None, "the file says nothing".to_owned()))
    }

    fn of(reader: &Reader<'_>, node: &Node, folder: &Path) -> Option<Self> {
        let empty = Node { place: node.place, kind: Kind::Map(Vec::new()) };
        let node = if matches!(node.kind, Kind::Null) { &empty } else { node };
        let file = reader.members(node, "")?;
        if let Some((node, path)) = file.at("environment_variables") {
            for (name, value) in reader.map(node, &path, |node, path| reader.text(node, path)) {
                reader.set_variable(name.value, value.value);
            }
        }
        let python = file.at("python").and_then(|(node, path)| reader.name(node, &path)).map(|text| text.value);
        let python = python.or_else(|| reader.variable("MCP_BRIDGE_PYTHON")).unwrap_or_else(|| "python3".to_owned());
        let config = Self {
            file: reader.file.to_owned(),
            folder: folder.to_owned(),
            models: file.take("model_list").map(|node| model::models(reader, node, folder)).unwrap_or_default(),
            tools: file.take("mcp_tools").map(|node| tool::tools(reader, node, folder)).unwrap_or_default(),
            servers: file.take("mcp_servers").map(|node| server::servers(reader, node, folder)).unwrap_or_default(),
            master_key: master_key(reader, &file),
            python: files::program(folder, &python),
        };
        tolerated(reader, &file);
        file.finish(UNSUPPORTED);
        Some(config)
    }

    /// Returns the entries for a model that a client asks for, each with the provider's name for it. Entries with that
    /// very name go before those with a `*`.
    pub fn models_for(&self, asked: &str) -> Vec<(&Model, String)> {
        let find = |is_open: bool| {
            let models = self.models.iter().filter(move |model| model.name.value.contains('*') == is_open);
            models.filter_map(|model| Some((model, model.serves(asked)?))).collect::<Vec<_>>()
        };
        let exact = find(false);
        if exact.is_empty() { find(true) } else { exact }
    }
}

/// Reads a file that is not larger than it may be.
fn text_of(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    // One byte more shows that there is more of it.
    std::fs::File::open(path)?.take(MAX_BYTES as u64 + 1).read_to_string(&mut text)?;
    Ok(text)
}

fn master_key(reader: &Reader<'_>, file: &Members<'_>) -> Option<Located<Secret>> {
    let (node, path) = file.at("general_settings")?;
    let settings = reader.members(node, &path)?;
    let key = settings.at("master_key").and_then(|(node, path)| reader.name(node, &path));
    settings.finish(GENERAL_SETTINGS);
    let key = key?;
    if key.value == "sk-1234" {
        reader.warn(key.place, "`general_settings.master_key` is the key of the documentation, which everybody knows");
    }
    Some(Located::new(Secret::from(key.value), key.place))
}

/// Warns of each key in the sections that are LiteLLM's own business.
fn tolerated(reader: &Reader<'_>, file: &Members<'_>) {
    for section in ["litellm_settings", "router_settings"] {
        let Some((node, path)) = file.at(section) else { continue };
        let Some(settings) = reader.members(node, &path) else { continue };
        for (key, _) in settings.rest() {
            let path = settings.path_of(&reader::shortened(&key.name));
            reader.warn(key.place, format!("`{path}` is not supported and has no effect"));
        }
    }
}

/// Bytes of a file.
const MAX_BYTES: usize = 1 << 20;

/// Sections that mean something to LiteLLM and nothing here.
const UNSUPPORTED: &[&str] = &[
    "agents",
    "assistant_settings",
    "callback_settings",
    "credential_list",
    "files_settings",
    "finetune_settings",
    "guardrails",
    "include",
    "mcp_semantic_tool_filter",
    "mcp_toolsets",
    "prompts",
    "sandbox_tools",
    "search_tools",
    "vector_store_registry",
    "worker_registry",
];

/// Keys of `general_settings` that mean something to LiteLLM and nothing here.
const GENERAL_SETTINGS: &[&str] = &[
    "alert_to_webhook_url",
    "alert_types",
    "alerting",
    "alerting_args",
    "alerting_threshold",
    "allow_client_side_credentials",
    "allow_requests_on_db_unavailable",
    "allow_user_auth",
    "allowed_ips",
    "allowed_routes",
    "always_include_stream_usage",
    "apply_guardrails",
    "background_health_checks",
    "completion_model",
    "control_plane_url",
    "custom_auth",
    "custom_key_generate",
    "custom_sso",
    "database_connection_pool_limit",
    "database_connection_timeout",
    "database_type",
    "database_url",
    "disable_adding_master_key_hash_to_db",
    "disable_error_logs",
    "disable_master_key_return",
    "disable_prisma_schema_update",
    "disable_reset_budget",
    "disable_responses_id_security",
    "disable_retry_on_max_parallel_request_limit_error",
    "disable_spend_logs",
    "enable_health_check_routing",
    "enable_jwt_auth",
    "enable_mcp_registry",
    "enable_oauth2_auth",
    "enable_oauth2_proxy_auth",
    "enforce_user_param",
    "enforced_params",
    "forward_client_headers_to_llm_api",
    "forward_openai_org_id",
    "global_max_parallel_requests",
    "health_check_details",
    "health_check_interval",
    "infer_model_from_keys",
    "key_management_settings",
    "key_management_system",
    "litellm_jwtauth",
    "litellm_key_header_name",
    "max_parallel_requests",
    "max_request_size_mb",
    "max_response_size_mb",
    "maximum_spend_logs_retention_interval",
    "maximum_spend_logs_retention_period",
    "mcp_client_side_auth_header_name",
    "mcp_internal_ip_ranges",
    "mcp_required_fields",
    "otel",
    "pass_through_endpoints",
    "proxy_batch_write_at",
    "proxy_budget_rescheduler_max_time",
    "proxy_budget_rescheduler_min_time",
    "public_routes",
    "role_permissions",
    "service_account_settings",
    "store_model_in_db",
    "store_prompts_in_spend_logs",
    "supported_db_objects",
    "token_rate_limit_type",
    "ui_access_mode",
    "use_azure_key_vault",
    "use_client_credentials_pass_through_routes",
    "use_google_kms",
    "use_redis_transaction_buffer",
    "use_x_forwarded_for",
    "user_api_key_cache_ttl",
    "user_header_mappings",
    "user_header_name",
];

#[cfg(test)]
mod tests;
