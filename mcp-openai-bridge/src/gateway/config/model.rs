//! `model_list`: the models that clients may ask for.
//!
//! The surprising thing: several entries may have one name. They are deployments of the same model, and who serves it
//! chooses among them.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use mcp_client::{Secret, Tls};
use mcp_types::RawJson;

use super::credential;
use super::files;
use super::place::Located;
use super::provider::{self, Known, Provider};
use super::reader::{Members, Reader};
use super::yaml::Node;

/// A model of the file, behind an API of OpenAI's kind.
#[derive(Clone)]
#[non_exhaustive]
pub struct Model {
    /// The name that clients ask for; it may hold one `*`, which stands for any text.
    pub name: Located<String>,
    /// The name that the provider knows it by; a `*` is what that of `name` stood for.
    pub model: String,
    /// The provider, such as `openai`.
    pub provider: String,
    /// The URL before `/chat/completions`.
    pub api_base: String,
    /// The key that the provider wants.
    pub api_key: Option<Secret>,
    /// The organization that pays.
    pub organization: Option<String>,
    /// Headers of every request.
    pub headers: Vec<(String, Secret)>,
    /// How the provider's certificate is checked.
    pub tls: Tls,
    /// How long to wait for an answer.
    pub timeout: Option<Duration>,
    /// How long to wait for the next event of a streamed answer.
    pub stream_timeout: Option<Duration>,
    /// How often a request is repeated.
    pub max_retries: Option<usize>,
    /// Members of a request that the client leaves out, such as `temperature`.
    pub parameters: Vec<(String, RawJson)>,
}

impl Model {
    /// Returns the provider's name for a model that a client asks for, if this entry is about it.
    pub fn serves(&self, asked: &str) -> Option<String> {
        let Some((before, after)) = self.name.value.split_once('*') else {
            return (self.name.value == asked).then(|| self.model.clone());
        };
        let middle = asked.strip_prefix(before)?.strip_suffix(after)?;
        Some(self.model.replacen('*', middle, 1))
    }
}

impl fmt::Debug for Model {
    /// Leaves out the URL, whose query may hold a key, and the parameters, which are anybody's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Model")
            .field("name", &self.name)
            .field("model", &self.model)
            .field("provider", &self.provider)
            .finish_non_exhaustive()
    }
}

/// Reads `model_list`.
pub(super) fn models(reader: &Reader<'_>, node: &Node, folder: &Path) -> Vec<Model> {
    reader.list(node, "model_list", |node, path| model(reader, reader.members(node, path)?, folder))
}

fn model(reader: &Reader<'_>, entry: Members<'_>, folder: &Path) -> Option<Model> {
    let name = entry.required("model_name", KEYS).and_then(|(node, path)| reader.name(node, &path));
    let params = entry.required("litellm_params", KEYS).and_then(|(node, path)| reader.members(node, &path));
    entry.take("model_info");
    entry.finish(&["tpm", "rpm"]);
    let (name, params) = (name?, params?);
    let model = params.required("model", &[]).and_then(|(node, path)| reader.name(node, &path))?;
    let explicit = params.at("custom_llm_provider").and_then(|(node, path)| reader.name(node, &path));
    let (provider, model_name, found) = split(&model.value, explicit.as_ref().map(|text| text.value.as_str()));
    let Some(found) = found else {
        // What is written for another program is not read further.
        reader.warn(
            model.place,
            format!("the model `{}` is left out: `{provider}` has no API of OpenAI's kind here", name.value),
        );
        return None;
    };
    let (base, other) = (params.at("api_base"), params.at("base_url"));
    let base = base.or(other).map(|(node, path)| reader.url(node, &path));
    let base = match base {
        Some(base) => base.map(|base| base.value),
        None => default_base(reader, &provider, &found).or_else(|| {
            reader
                .fault(model.place, format!("`{}` has no `api_base`, and `{provider}` has no usual one", params.path));
            None
        }),
    };
    let api_key = match params.at("api_key") {
        Some((node, path)) => Some(reader.secret(node, &path)?),
        None => reader.variable(found.key).map(Secret::from),
    };
    let read = Model {
        model: model_name,
        api_base: base?.trim_end_matches('/').to_owned(),
        api_key,
        provider,
        organization: params.at("organization").and_then(|(node, path)| Some(reader.name(node, &path)?.value)),
        headers: params
            .at("extra_headers")
            .map(|(node, path)| credential::map(reader, node, &path))
            .unwrap_or_default(),
        tls: files::tls(reader, &params, folder),
        timeout: params.at("timeout").and_then(|(node, path)| reader.seconds(node, &path)),
        stream_timeout: params.at("stream_timeout").and_then(|(node, path)| reader.seconds(node, &path)),
        max_retries: params.at("max_retries").and_then(|(node, path)| reader.count(node, &path)),
        parameters: parameters(reader, &params),
        name,
    };
    params.finish(UNSUPPORTED);
    Some(read)
}

/// Splits `openai/gpt-4o` into the provider, its name for the model, and what is known of the provider.
fn split(model: &str, explicit: Option<&str>) -> (String, String, Option<Provider>) {
    let (first, rest) = model.split_once('/').unwrap_or(("", model));
    let first = first.to_owned();
    // With an explicit provider the model may still begin with its name.
    let (name, rest) = match explicit {
        Some(explicit) if explicit == first => (explicit.to_owned(), rest),
        Some(explicit) => (explicit.to_owned(), model),
        None if first.is_empty() => ("openai".to_owned(), model),
        None => (first, rest),
    };
    match provider::known(&name) {
        Known::Foreign => (name, rest.to_owned(), None),
        Known::OpenAi(provider) => (name, rest.to_owned(), Some(provider)),
        // A name with a `/`, as open models have.
        Known::Unknown => ("openai".to_owned(), model.to_owned(), Some(Provider { base: None, key: "OPENAI_API_KEY" })),
    }
}

fn default_base(reader: &Reader<'_>, provider: &str, found: &Provider) -> Option<String> {
    let own = || reader.variable("OPENAI_BASE_URL").or_else(|| reader.variable("OPENAI_API_BASE"));
    let own = if provider == "openai" { own() } else { None };
    own.or_else(|| found.base.map(str::to_owned))
}

fn parameters(reader: &Reader<'_>, params: &Members<'_>) -> Vec<(String, RawJson)> {
    let read = |key: &'static str| {
        let (node, path) = params.at(key)?;
        Some((key.to_owned(), reader.json(node, &path)?))
    };
    let mut parameters: Vec<_> = PARAMETERS.iter().copied().filter_map(read).collect();
    if let Some((node, path)) = params.at("extra_body") {
        let more = reader.map(node, &path, |node, path| reader.json(node, path));
        parameters.extend(more.into_iter().map(|(key, value)| (key.value, value)));
    }
    parameters
}

const KEYS: &[&str] = &["litellm_params", "model_info", "model_name"];

/// Members of a request to OpenAI.
const PARAMETERS: &[&str] = &[
    "frequency_penalty",
    "logit_bias",
    "logprobs",
    "max_completion_tokens",
    "max_tokens",
    "metadata",
    "modalities",
    "n",
    "parallel_tool_calls",
    "prediction",
    "presence_penalty",
    "prompt_cache_key",
    "reasoning_effort",
    "response_format",
    "safety_identifier",
    "seed",
    "service_tier",
    "stop",
    "store",
    "temperature",
    "top_logprobs",
    "top_p",
    "user",
    "verbosity",
];

/// Keys that mean something to LiteLLM and nothing here.
const UNSUPPORTED: &[&str] = &[
    "allowed_openai_params",
    "api_version",
    "azure_ad_token",
    "budget_duration",
    "cache_control_injection_points",
    "client_id",
    "client_secret",
    "configurable_clientside_auth_params",
    "default_api_key_rpm_limit",
    "default_api_key_tpm_limit",
    "drop_params",
    "input_cost_per_second",
    "input_cost_per_token",
    "keepalive_seconds",
    "litellm_credential_name",
    "litellm_trace_id",
    "max_budget",
    "max_file_size_mb",
    "max_parallel_requests",
    "merge_reasoning_content_in_choices",
    "mock_response",
    "model_info",
    "num_retries",
    "order",
    "output_cost_per_second",
    "output_cost_per_token",
    "region_name",
    "rpm",
    "tags",
    "tenant_id",
    "thinking",
    "tpm",
    "use_in_pass_through",
    "use_litellm_proxy",
    "vertex_credentials",
    "vertex_location",
    "vertex_project",
    "weight",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(model: &str, explicit: Option<&str>, expected: (&str, &str, bool)) {
        let (provider, name, found) = split(model, explicit);
        assert_eq!((provider.as_str(), name.as_str(), found.is_some()), expected, "{model}");
    }

    #[test]
    fn a_model_is_split_from_its_provider() {
        check("openai/gpt-4o", None, ("openai", "gpt-4o", true));
        check("gpt-4o", None, ("openai", "gpt-4o", true));
        check("ollama/llama3", None, ("ollama", "llama3", true));
        check("openrouter/meta-llama/llama-3", None, ("openrouter", "meta-llama/llama-3", true));
        check("meta-llama/llama-3", None, ("openai", "meta-llama/llama-3", true));
        check("llama-3", Some("groq"), ("groq", "llama-3", true));
        check("groq/llama-3", Some("groq"), ("groq", "llama-3", true));
        check("anthropic/claude", None, ("anthropic", "claude", false));
    }
}
