//! Security: credentials, certificates, environment, hosts.

// The file of the gateway.

mod file {
    use std::path::Path;

    use mcp_openai_bridge::gateway::config::{Config, Reach};

    fn parse(text: &str) -> Result<Config, String> {
        let variable = |name: &str| (name == "KEY").then(|| "hunter2".to_owned());
        let parsed = Config::parse(text, Path::new("/etc/bridge"), &variable);
        parsed.map(|(config, _)| config).map_err(|error| error.to_string())
    }

    #[test]
    fn no_credential_of_the_file_is_shown() {
        let config = parse(
            "
general_settings: {master_key: os.environ/KEY}
model_list: [{model_name: m, litellm_params: {model: gpt-4o, api_key: hunter2}}]
mcp_servers:
  a: {url: 'https://a/hunter2/mcp', auth_type: api_key, auth_value: hunter2}
  b: {command: server, env: {TOKEN: hunter2}}
",
        );
        let shown = format!("{:?}", config.unwrap());
        assert!(!shown.contains("hunter2"), "{shown}");
    }

    #[test]
    fn no_credential_of_the_file_is_in_its_errors() {
        for text in [
            "mcp_servers: {a: {url: 'http://me:hunter2@a'}}",
            "mcp_servers: {a: {url: os.environ/KEY}}",
            "mcp_servers: {a: {url: 'http://a', auth_type: os.environ/KEY, auth_value: x}}",
            "mcp_servers: {a: {url: 'http://a', auth_type: token, auth_value: \"hunter2\\n\\t\\u0001\"}}",
            "mcp_servers: {a: {url: 'http://a', static_headers: {X: \"hunter2\\u0001\"}}}",
            "model_list: [{model_name: m, litellm_params: {model: m, api_key: [hunter2]}}]",
            "general_settings: {master_key: {hunter2: hunter2}}",
        ] {
            let error = parse(text).unwrap_err();
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    /// LiteLLM goes on with the usual certificates in silence (bridges 1.5).
    #[test]
    fn a_file_of_certificates_that_is_not_there_is_an_error() {
        let error = parse("mcp_servers: {a: {url: 'https://a', ssl_verify: gone.pem}}").unwrap_err();
        assert!(error.contains("cannot read the CA file `/etc/bridge/gone.pem`"), "{error}");
    }

    #[test]
    fn a_server_that_is_a_program_gets_only_the_environment_that_the_file_gives_it() {
        let config = parse("mcp_servers: {a: {command: server, env: {OWN: x}}}").unwrap();
        let Reach::Stdio(command) = &config.servers[0].reach else { panic!() };
        let shown = format!("{command:?}");
        assert!(shown.contains("inherits_env: false") && shown.contains(r#"env: ["OWN"]"#), "{shown}");
    }

    #[test]
    fn what_is_written_to_be_expanded_without_end_is_refused() {
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let alias = format!("*a{}", level - 1);
            bomb.push_str(&format!("a{level}: &a{level} [{}]\n", vec![alias; 10].join(", ")));
        }
        for text in [bomb, "[".repeat(100_000), "a: &a [*a]".to_owned(), "a: 1\na: 2\n".to_owned()] {
            let error = parse(&text).unwrap_err();
            assert!(error.len() < 200, "{error}");
        }
    }
}
