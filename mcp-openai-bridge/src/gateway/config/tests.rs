//! Files and what is said of them. The surprising thing: most of these are of mistakes, which are texts for humans.

use std::path::Path;

use super::*;

fn env(name: &str) -> Option<String> {
    let value = match name {
        "KEY" => "hunter2",
        "TIMEOUT" => "2.5",
        "EMPTY" => "",
        _ => return None,
    };
    Some(value.to_owned())
}

fn parse(text: &str) -> Result<(Config, Vec<Warning>), ConfigError> {
    Config::parse(text, Path::new("/etc/bridge"), &env)
}

#[track_caller]
fn config(text: &str) -> Config {
    parse(text).unwrap().0
}

/// The errors of a file, without its name.
#[track_caller]
fn check(text: &str, expected: &[&str]) {
    let error = parse(text).map(|(config, _)| format!("{config:?}")).unwrap_err().to_string();
    let lines: Vec<_> = error.lines().map(|line| line.strip_prefix("config.yaml:").unwrap()).collect();
    assert_eq!(lines, expected);
}

#[track_caller]
fn check_warnings(text: &str, expected: &[&str]) {
    let warnings: Vec<_> = parse(text).unwrap().1.iter().map(Warning::to_string).collect();
    let lines: Vec<_> = warnings.iter().map(|line| line.strip_prefix("config.yaml:").unwrap()).collect();
    assert_eq!(lines, expected);
}

const SEED: &str = r#"model_list:
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
"#;

#[test]
fn the_file_of_the_second_seed_is_read_to_the_letter() {
    let (config, warnings) = parse(SEED).unwrap();
    assert!(warnings.is_empty(), "{warnings:?}");
    let [model] = &config.models[..] else { panic!("{:?}", config.models) };
    assert_eq!((model.name.value.as_str(), model.model.as_str()), ("gpt-4o", "gpt-4o"));
    assert_eq!(model.api_base, "https://api.openai.com/v1");
    assert_eq!(model.api_key, Some(Secret::from("sk-xxxxxxx")));
    let [tool] = &config.tools[..] else { panic!("{:?}", config.tools) };
    assert_eq!(tool.name, Located::new("get_current_time".to_owned(), Place { line: 10, column: 11 }));
    assert_eq!(
        tool.input_schema.value.as_str(),
        r#"{"type":"object","properties":{"format":{"type":"string","description":"The format of the time to return","enum":["short"]}}}"#
    );
    let HandlerSpec::Python { module, function } = &tool.handler.value else { panic!("{:?}", tool.handler) };
    assert_eq!((module.as_str(), function.as_str()), ("mcp_tools", "get_current_time"));
}

#[test]
fn no_secret_is_shown() {
    let (config, warnings) = parse(
        "
general_settings: {master_key: hunter2}
model_list:
  - model_name: m
    litellm_params: {model: gpt-4o, api_key: hunter2, api_base: 'http://h/?key=hunter2', extra_headers: {X-Token: hunter2}}
mcp_servers:
  a: {url: 'http://a/?key=hunter2', auth_type: basic, auth_value: 'me:hunter2', static_headers: {X-Token: hunter2}}
  b: {command: server, args: [--key, hunter2], env: {TOKEN: hunter2}}
mcp_tools:
  - {name: t, description: d, handler: {http: {url: 'http://h/?key=hunter2', headers: {Authorization: hunter2}}}}
",
    )
    .unwrap();
    let shown = format!("{config:?}{warnings:?}");
    assert!(!shown.contains("hunter2") && !shown.contains("bWU6"), "{shown}");
    for text in [
        "mcp_servers: {a: {url: os.environ/KEY}}",
        "mcp_servers: {a: {transport: os.environ/KEY, url: 'http://a'}}",
        "mcp_servers: {a: {url: 'http://a', auth_type: hunter, auth_value: \"hunter2\\n\"}}",
        "model_list: [{model_name: m, litellm_params: {model: m, api_key: [hunter2]}}]",
        "general_settings: {master_key: {hunter2: 1}}",
        "mcp_servers: {a: {url: 'http://me:hunter2@a'}}",
        "mcp_tools: [{name: os.environ/KEY, description: d, handler: os.environ/KEY}]",
    ] {
        let error = parse(text).unwrap_err().to_string();
        // The handler is the exception: it is the name of a function, and the user has to see which one.
        assert!(!error.contains("hunter2") || text.contains("handler"), "{error}");
    }
}

#[test]
fn a_variable_is_replaced_wherever_a_text_may_stand() {
    let config = config(
        "
model_list:
  - model_name: m
    litellm_params: {model: openai/x, api_key: os.environ/KEY, timeout: os.environ/TIMEOUT, user: os.environ/KEY}
mcp_servers:
  a: {url: 'http://a', static_headers: {X-Token: os.environ/KEY}}
general_settings: {master_key: os.environ/OWN}
environment_variables: {OWN: mine}
mcp_tools:
  - {name: t, description: os.environ/KEY, handler: a.b, input_schema: {description: os.environ/KEY}}
",
    );
    let model = &config.models[0];
    assert_eq!(model.api_key, Some(Secret::from("hunter2")));
    assert_eq!(model.timeout, Some(std::time::Duration::from_millis(2500)));
    assert_eq!(model.parameters[0].1.as_str(), r#""hunter2""#);
    let Reach::Http { headers, .. } = &config.servers[0].reach else { panic!() };
    assert_eq!(headers[..], [("X-Token".to_owned(), Secret::from("hunter2"))]);
    assert_eq!(config.master_key.unwrap().value, Secret::from("mine"));
    assert_eq!(config.tools[0].description, "hunter2");
    assert_eq!(config.tools[0].input_schema.value.as_str(), r#"{"type":"object","description":"hunter2"}"#);
}

#[test]
fn a_variable_that_is_not_set_is_an_error_that_names_it() {
    check(
        "model_list:\n  - model_name: m\n    litellm_params:\n      model: openai/x\n      api_key: os.environ/NOPE\n",
        &["5:16: the environment variable `NOPE` is not set; set it, or take this line out"],
    );
    check(
        "general_settings: {master_key: os.environ/EMPTY}",
        &["1:32: the environment variable `EMPTY` is not set; set it, or take this line out"],
    );
    // What is not used may be missing.
    check_warnings(
        "litellm_settings:\n  cache_params: {password: os.environ/NOPE}\n",
        &["2:3: `litellm_settings.cache_params` is not supported and has no effect"],
    );
}

#[test]
fn an_entry_that_is_not_complete_is_an_error() {
    check(
        "mcp_tools:\n  - description: d\n    handler: a.b\n  - name: t\n    handler: a.b\n  - name: u\n    description: d\n",
        &[
            "2:5: `mcp_tools[0]` has no `name`",
            "4:5: `mcp_tools[1]` has no `description`",
            "6:5: `mcp_tools[2]` has no `handler`",
        ],
    );
    check(
        "mcp_tools:\n  - name: t\n    descripton: d\n    handler: a.b\n",
        &["2:5: `mcp_tools[0]` has no `description`; is it what you wrote as `descripton`?"],
    );
    check("model_list:\n  - model_name: m\n", &["2:5: `model_list[0]` has no `litellm_params`"]);
    check("mcp_tools: [{name: '', description: d, handler: a.b}]", &["1:20: `mcp_tools[0].name` is empty"]);
    check(
        "model_list: [{model_name: m, litellm_params: {}}]",
        &["1:46: `model_list[0].litellm_params` has no `model`"],
    );
}

#[test]
fn all_that_is_wrong_is_told_at_once_in_the_order_of_the_file() {
    check(
        "
mcp_servers:
  a: {url: ftp://a}
  b: {transport: stdio}
mcp_tools:
  - {name: 't t', description: 7, handler: {builtn: x}}
  - {name: u, description: d, handler: a.b, input_schema: {type: string}, timeout: 0}
",
        &[
            "3:12: `mcp_servers.a.url`: expected a URL that begins with http:// or https://",
            "4:6: `mcp_servers.b` has `transport: stdio` and no `command`",
            "6:12: `mcp_tools[0].name`: a tool's name has at most 128 letters, digits and `_`, `-`, `.`, `/`",
            "6:32: `mcp_tools[0].description`: expected a text, got a number; put it in quotes",
            "6:44: `mcp_tools[0].handler` says nothing that runs; give one of `builtin`, `command`, `function`, `http`, `python`; is `builtin` what you wrote as `builtn`?",
            "7:59: `mcp_tools[1].input_schema`: the `type` must be `object`, because arguments have names",
            "7:84: `mcp_tools[1].timeout`: expected a number of seconds above zero",
        ],
    );
}

#[test]
fn a_name_that_is_taken_is_refused() {
    check(
        "mcp_tools:\n  - {name: t, description: d, handler: a.b}\n  - {name: t, description: d, handler: a.c}\n",
        &["3:12: the name `t` is taken by the tool of line 2"],
    );
    check(
        "mcp_servers:\n  a: {url: 'http://a'}\n  b: {url: 'http://b', alias: a}\n",
        &["3:31: the name `a` is taken by the server of line 2"],
    );
    check(
        "mcp_servers: {}\nmcp_servers: {}\n",
        &["2:1: the key `mcp_servers` stands twice in one map; keep one of them"],
    );
}

#[test]
fn what_is_not_yaml_is_told_with_its_place() {
    check("a: [1, 2\nb: 3\n", &["2:2: this is not YAML: illegal placement of ':' indicator"]);
    check("- a\n", &["1:1: `the file`: expected a map, got a list"]);
    check("a: 1\n---\nb: 2\n", &["3:1: there is more than one YAML document; keep one"]);
    check("a: *b\n", &["1:4: this is not YAML: alias references unknown anchor"]);
    assert!(parse("").unwrap().0.tools.is_empty());
    assert!(parse("# nothing\n").unwrap().0.tools.is_empty());
    assert!(parse("mcp_tools:\nmcp_servers:\nmodel_list:\n").unwrap().0.tools.is_empty());
}

#[test]
fn a_file_that_expands_to_more_than_is_needed_is_refused() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..9 {
        let alias = format!("*a{}", level - 1);
        bomb.push_str(&format!("a{level}: &a{level} [{}]\n", vec![alias; 10].join(", ")));
    }
    for (name, text) in [
        ("aliases", bomb),
        ("depth", format!("a: {}{}", "[".repeat(500), "]".repeat(500))),
        ("block depth", (0..500).map(|level| format!("{}a:\n", " ".repeat(level))).collect()),
        ("values", format!("a: [{}]", "1,".repeat(200_000))),
        ("bytes", format!("a: {}", "x".repeat(2 << 20))),
        ("cycle", "a: &a [*a]".to_owned()),
    ] {
        let error = parse(&text).map(|(config, _)| config.folder).unwrap_err().to_string();
        assert!(error.len() < 200, "{name}: {error}");
        println!("{name}: {error}");
    }
}

#[test]
fn a_key_without_effect_is_warned_of() {
    check_warnings(
        "
mcp_tool: []
guardrails: []
mcp_servers:
  a: {url: 'http://a', alowed_tools: [x], access_groups: [dev], wibble: 1}
litellm_settings: {drop_params: true}
general_settings: {master_key: sk-1234, database_url: x, masterkey: y}
model_list:
  - {model_name: a, litellm_params: {model: anthropic/claude, api_key: os.environ/NOPE}}
  - {model_name: b, litellm_params: {model: openai/x, rpm: 5, tmeperature: 1}, model_info: {id: 1}}
",
        &[
            "2:1: `mcp_tool` is unknown and has no effect; did you mean `mcp_tools`?",
            "3:1: `guardrails` is not supported and has no effect",
            "5:24: `mcp_servers.a.alowed_tools` is unknown and has no effect; did you mean `allowed_tools`?",
            "5:43: `mcp_servers.a.access_groups` is not supported and has no effect",
            "5:65: `mcp_servers.a.wibble` is unknown and has no effect",
            "6:20: `litellm_settings.drop_params` is not supported and has no effect",
            "7:32: `general_settings.master_key` is the key of the documentation, which everybody knows",
            "7:41: `general_settings.database_url` is not supported and has no effect",
            "7:58: `general_settings.masterkey` is unknown and has no effect; did you mean `master_key`?",
            "9:45: the model `a` is left out: `anthropic` has no API of OpenAI's kind here",
            "10:55: `model_list[1].litellm_params.rpm` is not supported and has no effect",
            "10:63: `model_list[1].litellm_params.tmeperature` is unknown and has no effect; did you mean `temperature`?",
        ],
    );
}

#[test]
fn a_server_is_reached_as_its_keys_say() {
    let config = config(
        "
mcp_servers:
  web:
    url: http://127.0.0.1:1/mcp
    transport: sse
    auth_type: bearer_token
    authentication_token: tok
    static_headers: {X-A: b}
    allowed_tools: [x]
    disallowed_tools: [y]
    allowed_params: {x: [a, b]}
    tool_name_to_display_name: {x: X}
    tool_name_to_description: {x: does x}
    timeout: 5
    max_concurrent_requests: 3
    protocol_version: '2025-06-18'
    allow_sampling: yes
    mcp_info: {logo_url: l}
  local:
    alias: near
    command: ./server
    args: ['--x']
    env: {A: b}
",
    );
    let [web, local] = &config.servers[..] else { panic!() };
    assert_eq!(web.label.value, "web");
    let Reach::Http { url, headers, .. } = &web.reach else { panic!() };
    assert_eq!(url, "http://127.0.0.1:1/mcp");
    assert_eq!(
        headers[..],
        [("X-A".to_owned(), Secret::from("b")), ("Authorization".to_owned(), Secret::from("Bearer tok"))]
    );
    assert_eq!(web.allowed_tools.as_deref(), Some(&["x".to_owned()][..]));
    assert_eq!(web.disallowed_tools, ["y"]);
    assert_eq!(web.allowed_params, [("x".to_owned(), vec!["a".to_owned(), "b".to_owned()])]);
    assert_eq!(web.display_names, [("x".to_owned(), "X".to_owned())]);
    assert_eq!(web.descriptions, [("x".to_owned(), "does x".to_owned())]);
    assert_eq!((web.timeout.unwrap().as_secs(), web.max_concurrent_requests), (5, Some(3)));
    assert_eq!(web.revision.unwrap().to_string(), "2025-06-18");
    assert!(web.allow_sampling && !web.allow_elicitation);
    assert_eq!(web.info.as_ref().unwrap().as_str(), r#"{"logo_url":"l"}"#);
    assert_eq!(local.label.value, "near");
    let Reach::Stdio(command) = &local.reach else { panic!() };
    let shown = format!("{command:?}");
    assert!(
        shown.contains("/etc/bridge/./server") && shown.contains("1 of them") && shown.contains("\"A\""),
        "{shown}"
    );
}

#[test]
fn a_server_that_cannot_be_reached_as_written_is_refused() {
    #[track_caller]
    fn server(entry: &str, expected: &str) {
        check(&format!("mcp_servers: {{a: {{{entry}}}}}"), &[expected]);
    }
    server("description: d", "1:18: `mcp_servers.a` has neither a `url` nor a `command`");
    server(
        "url: 'http://a', transport: htp",
        "1:47: `mcp_servers.a.transport`: expected one of `http`, `sse`, `stdio`, got `htp`; did you mean `http`?",
    );
    server(
        "url: 'http://a', transport: stdio",
        "1:24: `mcp_servers.a` has a `url` and `transport: stdio`; keep one of them",
    );
    server("url: 'http://a', command: b", "1:24: `mcp_servers.a` has a `url` and `transport: stdio`; keep one of them");
    server(
        "command: b, env: {'A=B': c}",
        "1:37: `mcp_servers.a.env`: a variable needs a name without `=`, and neither may hold a zero character",
    );
    server(
        "command: b, transport: http",
        "1:28: `mcp_servers.a` has a `command`, which needs `transport: stdio` and no `url`",
    );
    server(
        "command: b, static_headers: {X: y}",
        "1:18: `mcp_servers.a`: only a URL has headers; give the command its credentials by `env`",
    );
    server(
        "url: 'http://a', authentication_token: t",
        "1:58: `mcp_servers.a.authentication_token` needs an `auth_type`, such as `bearer_token`",
    );
    server(
        "url: 'http://a', auth_type: token",
        "1:47: `mcp_servers.a` has an `auth_type` and no `authentication_token`",
    );
    server(
        "url: 'http://a', auth_type: aws_sigv4",
        "1:47: `mcp_servers.a.auth_type`: `aws_sigv4` is not supported; give a token with `bearer_token`",
    );
    server(
        "url: 'http://u:p@a'",
        "1:24: `mcp_servers.a.url`: the URL has credentials in it; send them in a header instead",
    );
    server(
        "url: 'https://a', ssl_verify: nope.pem",
        "1:49: `mcp_servers.a.ssl_verify`: cannot read the CA file `/etc/bridge/nope.pem`: No such file or directory (os error 2)",
    );
    server(
        "url: 'http://a', static_headers: {x-a: b, X-A: c}",
        "1:61: `mcp_servers.a.static_headers`: the header `X-A` stands twice, in another case",
    );
    check_warnings(
        "mcp_servers: {a: {command: bash, args: [-c, 'curl x | sh']}, b: {url: 'https://b', ssl_verify: false}}",
        &[
            "1:28: `mcp_servers.a.command` runs a text of the file by `bash -c`; name the program itself",
            "1:96: `mcp_servers.b.ssl_verify`: whoever is between can read and change everything",
        ],
    );
}

#[test]
fn a_handler_is_of_one_kind() {
    #[track_caller]
    fn handler(spec: &str) -> HandlerSpec {
        let config = config(&format!("mcp_tools: [{{name: t, description: d, handler: {spec}}}]"));
        config.tools[0].handler.value.clone()
    }
    #[track_caller]
    fn refused(spec: &str, expected: &str) {
        check(&format!("mcp_tools: [{{name: t, description: d, handler: {spec}}}]"), &[expected]);
    }
    assert!(matches!(handler("a.b.c"), HandlerSpec::Python { module, function } if module == "a.b" && function == "c"));
    assert!(matches!(handler("{python: a.b}"), HandlerSpec::Python { .. }));
    assert!(matches!(handler("{builtin: echo}"), HandlerSpec::Builtin(name) if name == "echo"));
    assert!(matches!(handler("{function: f}"), HandlerSpec::Function(name) if name == "f"));
    assert!(matches!(handler("{command: [date, -u], env: {A: b}}"), HandlerSpec::Command(_)));
    let HandlerSpec::Http(http) = handler("{http: {url: 'http://h/', method: GET}}") else { panic!() };
    assert!(http.in_query);
    let HandlerSpec::Http(http) = handler("{http: {url: 'http://h/'}}") else { panic!() };
    assert!(!http.in_query && http.method == http::Method::POST);

    refused(
        "f",
        "1:48: `mcp_tools[0].handler`: expected the path of a Python function, such as `module.function` for the file `module.py` in /etc/bridge, got `f`",
    );
    refused(
        "'os; rm.x'",
        "1:48: `mcp_tools[0].handler`: expected the path of a Python function, such as `module.function` for the file `module.py` in /etc/bridge, got `os; rm.x`",
    );
    refused(
        "'s3://bucket/a.b'",
        "1:48: `mcp_tools[0].handler`: code from elsewhere (`s3://bucket/a.b`) is not run; save it beside this file",
    );
    refused(
        "{command: 'date -u'}",
        "1:58: `mcp_tools[0].handler.command`: expected a list of words, such as [\"program\", \"--option\"]",
    );
    refused("{command: []}", "1:58: `mcp_tools[0].handler.command` names no program");
    refused(
        "{builtin: a, function: b}",
        "1:48: `mcp_tools[0].handler` is of several kinds; keep one of `builtin`, `command`, `function`, `http`, `python`",
    );
    refused(
        "{http: {url: 'http://h', method: GET, arguments: body}}",
        "1:55: `mcp_tools[0].handler.http`: a GET request has no body; write `arguments: query`",
    );
    refused(
        "{http: {url: 'http://h', method: FETCH}}",
        "1:81: `mcp_tools[0].handler.http.method`: expected one of `DELETE`, `GET`, `PATCH`, `POST`, `PUT`, got `FETCH`",
    );
    refused("{function: f, cwd: x}", "1:67: `mcp_tools[0].handler.cwd` belongs to a `command`, and there is none");
    refused("7", "1:48: `mcp_tools[0].handler`: expected `module.function` or a map, got a number");
}

#[test]
fn a_schema_keeps_its_order_and_the_words_of_yaml_1_1_are_texts() {
    let config = config(
        "mcp_tools: [{name: t, description: d, handler: a.b, input_schema: {properties: {z: {enum: [yes, no, 1, 1.5, null, true]}, a: {}}, required: [z]}}]",
    );
    assert_eq!(
        config.tools[0].input_schema.value.as_str(),
        r#"{"type":"object","properties":{"z":{"enum":["yes","no",1,1.5,null,true]},"a":{}},"required":["z"]}"#
    );
}

#[test]
fn aliases_and_merged_maps_are_followed() {
    let config = config(
        "
base: &base {url: 'http://a', timeout: 3}
mcp_servers:
  a: *base
  b: {<<: *base, timeout: 4}
",
    );
    let timeouts: Vec<_> = config.servers.iter().map(|server| server.timeout.unwrap().as_secs()).collect();
    assert_eq!(timeouts, [3, 4]);
}

#[test]
fn a_model_is_found_by_its_name_and_by_a_pattern() {
    let config = config(
        "
model_list:
  - {model_name: 'openai/*', litellm_params: {model: 'openai/*'}}
  - {model_name: fast, litellm_params: {model: groq/llama, temperature: 0, extra_body: {x: [1]}}}
  - {model_name: fast, litellm_params: {model: hosted_vllm/llama, api_base: 'http://h:8000/v1/'}}
",
    );
    let find = |asked: &str| {
        let found = config.models_for(asked).into_iter();
        found.map(|(model, name)| format!("{} {name}", model.api_base)).collect::<Vec<_>>()
    };
    assert_eq!(find("fast"), ["https://api.groq.com/openai/v1 llama", "http://h:8000/v1 llama"]);
    assert_eq!(find("openai/gpt-5"), ["https://api.openai.com/v1 gpt-5"]);
    assert!(find("slow").is_empty());
    let parameters: Vec<_> =
        config.models[1].parameters.iter().map(|(key, value)| format!("{key}={}", value.as_str())).collect();
    assert_eq!(parameters, ["temperature=0", "x=[1]"]);
    check(
        "model_list: [{model_name: m, litellm_params: {model: hosted_vllm/x}}]",
        &["1:54: `model_list[0].litellm_params` has no `api_base`, and `hosted_vllm` has no usual one"],
    );
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let error = Config::read("/nowhere/config.yaml").unwrap_err();
    assert_eq!(error.to_string(), "/nowhere/config.yaml: there is no such file");
}

/// A file with something of everything.
const EVERYTHING: &str = r#"
python: python3
environment_variables: {A: b}
general_settings: {master_key: "k"}
model_list:
  - {model_name: "a*", litellm_params: {model: openai/x, timeout: 1.5, extra_body: {a: [1]}}}
mcp_servers:
  a: &a {url: "http://a:1/mcp", auth_type: basic, auth_value: 'u:p', allowed_tools: [x]}
  b: {command: ./b, args: [-x], env: {A: os.environ/A}}
mcp_tools:
  - name: t
    description: |
      several
      lines
    handler: {http: {url: "http://h", method: GET, headers: {A: b}}}
    input_schema: {"type": "object", "properties": {"a": {"enum": [1, ~, true]}}}
  - {name: u, description: d, handler: {command: [a, b]}, timeout: 1}
  - {name: v, description: d, handler: a.b.c}
"#;

#[test]
fn no_damage_to_a_file_ends_the_program_and_every_fault_is_one_line() {
    assert!(parse(EVERYTHING).is_ok());
    let parts = ["", "\"", "{", "}", "[", ":", "- ", "\n", "&a", "*a", "\u{0}", "é", "os.environ/", "9", "!!int "];
    let places = EVERYTHING.char_indices().map(|(place, _)| place).step_by(3);
    for (count, place) in places.enumerate() {
        let (before, after) = EVERYTHING.split_at(place);
        let part = parts[count % parts.len()];
        for text in [format!("{before}{part}{after}"), format!("{before}{part}"), format!("{before}{}", &after[1..])] {
            let Err(error) = parse(&text) else { continue };
            for fault in error.faults() {
                let line = fault.to_string();
                assert!(!line.contains('\n') && line.len() < 400, "{line}");
            }
        }
    }
}
