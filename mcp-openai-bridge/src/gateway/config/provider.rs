//! Providers whose API is that of OpenAI, by the names that LiteLLM has for them.
//!
//! The surprising thing: a provider with an API of its own is not an error. Files are shared between programs, and one
//! model that only another program can use should not keep this one from starting.

/// Where a provider is, unless the file says otherwise.
pub(super) struct Provider {
    pub(super) base: Option<&'static str>,
    /// The variable that has the key.
    pub(super) key: &'static str,
}

/// What is known of the word before the `/` of a model.
pub(super) enum Known {
    /// It has an API of its own.
    Foreign,
    OpenAi(Provider),
    /// It is no provider: the word belongs to the model.
    Unknown,
}

pub(super) fn known(name: &str) -> Known {
    if FOREIGN.contains(&name) {
        return Known::Foreign;
    }
    match OPENAI.iter().find(|(known, ..)| *known == name) {
        Some((_, base, key)) => Known::OpenAi(Provider { base: Some(*base).filter(|base| !base.is_empty()), key }),
        None => Known::Unknown,
    }
}

const OPENAI: &[(&str, &str, &str)] = &[
    ("aiml", "https://api.aimlapi.com/v1", "AIML_API_KEY"),
    ("cerebras", "https://api.cerebras.ai/v1", "CEREBRAS_API_KEY"),
    ("custom_openai", "", "OPENAI_API_KEY"),
    ("dashscope", "https://dashscope-intl.aliyuncs.com/compatible-mode/v1", "DASHSCOPE_API_KEY"),
    ("deepinfra", "https://api.deepinfra.com/v1/openai", "DEEPINFRA_API_KEY"),
    ("deepseek", "https://api.deepseek.com/v1", "DEEPSEEK_API_KEY"),
    ("docker_model_runner", "http://localhost:12434/engines/v1", "DOCKER_MODEL_RUNNER_API_KEY"),
    ("fireworks_ai", "https://api.fireworks.ai/inference/v1", "FIREWORKS_API_KEY"),
    ("groq", "https://api.groq.com/openai/v1", "GROQ_API_KEY"),
    ("hosted_vllm", "", "HOSTED_VLLM_API_KEY"),
    ("hyperbolic", "https://api.hyperbolic.xyz/v1", "HYPERBOLIC_API_KEY"),
    ("lambda_ai", "https://api.lambda.ai/v1", "LAMBDA_API_KEY"),
    ("litellm_proxy", "", "LITELLM_PROXY_API_KEY"),
    ("llamafile", "http://127.0.0.1:8080/v1", "LLAMAFILE_API_KEY"),
    ("lm_studio", "http://localhost:1234/v1", "LM_STUDIO_API_KEY"),
    ("mistral", "https://api.mistral.ai/v1", "MISTRAL_API_KEY"),
    ("moonshot", "https://api.moonshot.ai/v1", "MOONSHOT_API_KEY"),
    ("nebius", "https://api.studio.nebius.ai/v1", "NEBIUS_API_KEY"),
    ("novita", "https://api.novita.ai/v3/openai", "NOVITA_API_KEY"),
    ("nvidia_nim", "https://integrate.api.nvidia.com/v1", "NVIDIA_NIM_API_KEY"),
    ("ollama", "http://localhost:11434/v1", "OLLAMA_API_KEY"),
    ("ollama_chat", "http://localhost:11434/v1", "OLLAMA_API_KEY"),
    ("openai", "https://api.openai.com/v1", "OPENAI_API_KEY"),
    ("openai_like", "", "OPENAI_LIKE_API_KEY"),
    ("openrouter", "https://openrouter.ai/api/v1", "OPENROUTER_API_KEY"),
    ("perplexity", "https://api.perplexity.ai", "PERPLEXITYAI_API_KEY"),
    ("sambanova", "https://api.sambanova.ai/v1", "SAMBANOVA_API_KEY"),
    ("together_ai", "https://api.together.xyz/v1", "TOGETHERAI_API_KEY"),
    ("vllm", "", "HOSTED_VLLM_API_KEY"),
    ("volcengine", "https://ark.cn-beijing.volces.com/api/v3", "VOLCENGINE_API_KEY"),
    ("xai", "https://api.x.ai/v1", "XAI_API_KEY"),
];

const FOREIGN: &[&str] = &[
    "anthropic",
    "azure",
    "azure_ai",
    "bedrock",
    "clarifai",
    "cloudflare",
    "cohere",
    "cohere_chat",
    "databricks",
    "gemini",
    "github_copilot",
    "huggingface",
    "jina_ai",
    "nlp_cloud",
    "oci",
    "petals",
    "predibase",
    "replicate",
    "sagemaker",
    "sagemaker_chat",
    "snowflake",
    "text-completion-openai",
    "triton",
    "vertex_ai",
    "vertex_ai_beta",
    "voyage",
    "watsonx",
];
