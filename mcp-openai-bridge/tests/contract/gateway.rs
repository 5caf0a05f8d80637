//! The gateway: its file, its endpoints, its keys.

mod kit;
mod rest;
mod serving;

// The file.

mod file {
    use std::path::Path;

    use mcp_openai_bridge::gateway::config::{Config, HandlerSpec, Reach};

    fn lines(text: &str) -> Result<Vec<String>, String> {
        match Config::parse(text, Path::new("."), &|_| None) {
            Ok((_, warnings)) => Ok(warnings.iter().map(ToString::to_string).collect()),
            Err(error) => Err(error.to_string()),
        }
    }

    #[tokio::test]
    async fn a_schema_that_is_none_is_an_error_with_its_place() {
        let text = r#"
mcp_tools:
  - name: good
    description: d
    handler: {command: [cat]}
  - name: bad
    description: d
    handler: {command: [cat]}
    input_schema: {type: object, properties: {n: {type: strnig}}}
"#;
        let (config, _) = Config::parse(text, Path::new("."), &|_| None).unwrap();
        let error = mcp_openai_bridge::gateway::Gateway::builder(config).build().await.unwrap_err().to_string();
        let expected =
            "config.yaml:6:11: tool `bad`: its input schema is refused: it is not valid at `/properties/n/type`";
        assert!(error.starts_with(expected), "{error}");
    }

    #[test]
    fn mcp_tools_and_mcp_servers_of_litellm_are_accepted() {
        let text = r#"
model_list:
  - model_name: gpt-4o
    litellm_params:
      model: openai/gpt-4o
      api_key: sk-xxxxxxx

mcp_tools:
  - name: "get_current_time"
    description: "Get the current time"
    input_schema: {
      "type": "object",
      "properties": {
        "format": {
          "type": "string",
          "description": "The format of the time to return",
          "enum": ["short"]
        }
      }
    }
    handler: "mcp_tools.get_current_time"

mcp_servers:
  deepwiki_mcp:
    url: "https://mcp.deepwiki.com/mcp"
  zapier_mcp:
    url: "https://actions.zapier.com/mcp/sk-akxxxxx/sse"
    transport: "sse"
    auth_type: "bearer_token"
    auth_value: "token"
    static_headers:
      X-Team: "a"
  circleci_mcp:
    transport: "stdio"
    command: "npx"
    args: ["-y", "@circleci/mcp-server-circleci"]
    env:
      CIRCLECI_BASE_URL: "https://circleci.com"
"#;
        let (config, warnings) = Config::parse(text, Path::new("."), &|_| None).unwrap();
        assert!(warnings.is_empty(), "{warnings:?}");
        assert_eq!(config.models_for("gpt-4o").len(), 1);
        assert!(matches!(config.tools[0].handler.value, HandlerSpec::Python { .. }));
        let reached: Vec<_> = config.servers.iter().map(|server| matches!(server.reach, Reach::Http { .. })).collect();
        assert_eq!(reached, [true, true, false]);
    }

    #[test]
    fn an_unknown_key_is_warned_of_with_its_place_and_what_was_meant() {
        let text = "mcp_servers:\n  a: {url: 'http://a', alowed_tools: [x]}\n";
        assert_eq!(
            lines(text).unwrap(),
            [
                "config.yaml:2:24: `mcp_servers.a.alowed_tools` is unknown and has no effect; did you mean `allowed_tools`?"
            ]
        );
    }

    /// LiteLLM leaves such a tool out in silence (bridges 1.6).
    #[test]
    fn a_tool_without_name_description_or_handler_is_an_error() {
        for (entry, missing) in [
            ("{description: d, handler: a.b}", "name"),
            ("{name: n, handler: a.b}", "description"),
            ("{name: n, description: d}", "handler"),
        ] {
            let expected = format!("config.yaml:1:13: `mcp_tools[0]` has no `{missing}`");
            assert_eq!(lines(&format!("mcp_tools: [{entry}]")).unwrap_err(), expected);
        }
    }

    /// LiteLLM lets the last one win (bridges 1.6).
    #[test]
    fn two_tools_of_one_name_are_an_error() {
        let text =
            "mcp_tools:\n  - {name: t, description: d, handler: a.b}\n  - {name: t, description: d, handler: a.c}\n";
        assert_eq!(lines(text).unwrap_err(), "config.yaml:3:12: the name `t` is taken by the tool of line 2");
    }

    #[test]
    fn a_variable_that_is_not_set_is_an_error_that_names_it() {
        let text = "general_settings:\n  master_key: os.environ/NO_SUCH_KEY\n";
        let expected =
            "config.yaml:2:15: the environment variable `NO_SUCH_KEY` is not set; set it, or take this line out";
        assert_eq!(lines(text).unwrap_err(), expected);
    }
}

// The handlers of `mcp_tools`.

mod handlers {
    use std::path::Path;

    use mcp_openai_bridge::driver::CallContext;
    use mcp_openai_bridge::gateway::config::Config;
    use mcp_openai_bridge::gateway::handler::{Handlers, Registry};
    use mcp_types::RawJson;

    /// LiteLLM registers such a tool and never runs it (bridges 0.1), and answers a missing argument with a dump (1.7).
    #[tokio::test(start_paused = true)]
    async fn a_tool_of_the_file_runs_and_its_arguments_are_checked_before() {
        let text = "mcp_tools: [{name: t, description: d, handler: {function: f}, input_schema: {required: [a]}}]";
        let (config, _) = Config::parse(text, Path::new("."), &|_| None).unwrap();
        let registry =
            Registry::default().function("f", |arguments: RawJson| async move { arguments.as_str().to_owned() });
        let handlers = Handlers::start(&config, registry).await.unwrap();
        for (arguments, expected, failed) in [(r#"{"a":1}"#, r#"{"a":1}"#, false), ("{}", "the tool was not run", true)]
        {
            let arguments = RawJson::parse(arguments).unwrap();
            let result = handlers.call("t", arguments, &CallContext::unwatched("1")).await.unwrap();
            let text = result.content[0].as_text().unwrap();
            assert!(text.contains(expected) && result.failed() == failed, "{text}");
        }
        assert!(handlers.call("u", RawJson::empty_object(), &CallContext::unwatched("1")).await.is_err());
    }
}
