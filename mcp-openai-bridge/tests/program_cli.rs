//! The program `mcp-bridge` from outside: what it prints where, and how it ends.

mod program_support;

use std::io::Write;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Stdio;

use program_support::{Run, Serving, program, run, run_beside, serve_bare};
#[cfg(unix)]
use program_support::{Running, Talking};
use serde_json::json;

fn ok(stdout: &str) -> Run {
    Run { code: Some(0), stdout: stdout.to_owned(), stderr: String::new() }
}

fn failed(code: i32, stderr: &str) -> Run {
    Run { code: Some(code), stdout: String::new(), stderr: stderr.to_owned() }
}

#[test]
fn a_call_prints_the_result_and_nothing_else() {
    assert_eq!(run(&["call", "embedded", "echo", "text=hello there"]), ok("hello there\n"));
    assert_eq!(run(&["call", "embedded", "add", "a=1", "b=2"]), ok("{\"sum\":3}\n"));
    assert_eq!(run(&["call", "embedded", "add", "a=1", "--args-json", r#"{"b":0.5}"#]), ok("{\"sum\":1.5}\n"));
    assert_eq!(
        run(&["call", "embedded", "date_difference", "from=2026-11-20", "to=2026-12-25"]),
        ok("{\"days\":35,\"text\":\"1 month, 5 days\"}\n")
    );
}

#[test]
fn the_current_time_has_the_form_that_is_asked_for() {
    let short = run(&["call", "embedded", "get_current_time"]);
    let time = short.stdout.trim_end();
    assert!(short.code == Some(0) && time.len() == 5 && time.as_bytes()[2] == b':', "{short:?}");
    let iso = run(&["call", "embedded", "get_current_time", "format=iso", "timezone=Asia/Kolkata"]);
    assert!(iso.stdout.ends_with("+05:30\n") && iso.stdout.len() == 26, "{iso:?}");
}

#[test]
fn arguments_are_read_from_standard_input() {
    let mut child = program(&["call", "embedded", "echo", "--args-json", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(br#"{"text":"from a pipe"}"#).unwrap();
    assert_eq!(Run::from(child.wait_with_output().unwrap()), ok("from a pipe\n"));
}

#[test]
fn with_json_a_result_is_one_document() {
    let run = run(&["call", "embedded", "add", "a=1", "b=2", "--json"]);
    let result = run.json();
    assert_eq!((run.code, run.stdout.lines().count()), (Some(0), 1));
    assert_eq!(result["structuredContent"], json!({ "sum": 3 }));
    assert_eq!(result["content"], json!([{ "type": "text", "text": "{\"sum\":3}" }]));
}

#[test]
fn progress_is_told_in_lines_when_nobody_watches() {
    let args = ["call", "embedded", "countdown", "seconds=0", "steps=3"];
    let told = run(&args);
    assert_eq!(told.stdout, "Counted down 0 seconds in 3 steps.\n");
    assert_eq!(told.stderr, "progress 1/3 2 to go\nprogress 2/3 1 to go\nprogress 3/3 done\n");
    let quiet = run(&[&args[..], &["--quiet"]].concat());
    assert_eq!(quiet, ok("Counted down 0 seconds in 3 steps.\n"));
}

#[test]
fn tools_are_printed_in_the_form_that_is_asked_for() {
    let names = |run: &Run, pointer: &str| -> Vec<String> {
        let tools = run.json();
        let tools = tools.as_array().unwrap().iter();
        tools.map(|tool| tool.pointer(pointer).unwrap().as_str().unwrap().to_owned()).collect()
    };
    let expected = ["get_current_time", "convert_time", "date_difference", "add", "echo", "count_text", "countdown"];
    let openai = run(&["tools", "embedded"]);
    assert_eq!((openai.code, names(&openai, "/function/name")), (Some(0), expected.map(str::to_owned).to_vec()));
    assert_eq!(openai.json()[0]["type"], "function");
    assert_eq!(names(&run(&["tools", "embedded", "--format", "responses"]), "/name"), expected);
    let mcp = run(&["tools", "embedded", "--format", "mcp", "--json"]);
    assert_eq!(names(&mcp, "/name"), expected);
    for tool in mcp.json().as_array().unwrap() {
        assert_eq!(tool["annotations"]["readOnlyHint"], true, "{tool}");
        assert_eq!(tool["annotations"]["openWorldHint"], false, "{tool}");
    }
    let lines = run(&["tools", "embedded", "--format", "list"]).stdout;
    assert!(lines.contains("add(a: number, b: number)\n    Add two numbers\n"), "{lines}");
}

#[test]
fn resources_and_prompts_are_listed_read_and_filled_in() {
    assert_eq!(run(&["resources", "embedded"]), ok("embedded://about\n    What this server offers\n"));
    assert_eq!(run(&["prompts", "embedded"]), ok("summarize(text, style?)\n    Ask for a summary of a text\n"));
    assert!(run(&["templates", "embedded"]).stdout.starts_with("time://{timezone}\n"));
    let about = run(&["read", "embedded", "embedded://about"]);
    assert!(about.stdout.starts_with("This is the server that is built into mcp-bridge.\n"), "{about:?}");
    let time = run(&["read", "embedded", "time://Asia%2FKolkata"]);
    assert!(time.stdout.trim_end().ends_with("+05:30"), "{time:?}");
    assert_eq!(
        run(&["prompt", "embedded", "summarize", "text=Rust is fast.", "style=sentence"]),
        ok(
            "user: Summarize the following text in one sentence. Keep names and numbers exact, and add nothing.\n\nRust is fast.\n"
        )
    );
    assert_eq!(run(&["resources", "embedded", "--json"]).json()[0]["uri"], "embedded://about");
}

#[test]
fn a_command_after_the_dashes_is_the_server() {
    let program = env!("CARGO_BIN_EXE_mcp-bridge");
    assert_eq!(run(&["call", "echo", "text=hi", "--", program, "serve", "--stdio", "--quiet"]), ok("hi\n"));
    for era in ["legacy", "modern"] {
        let run = run(&["call", "add", "a=1", "b=2", "--era", era, "--", program, "serve", "--stdio"]);
        assert_eq!((run.code, run.stdout.as_str()), (Some(0), "{\"sum\":3}\n"), "{era}: {}", run.stderr);
    }
}

#[test]
fn a_server_over_http_is_served_and_called_in_both_eras() {
    let serving = Serving::start(&[]);
    for era in ["auto", "legacy", "modern"] {
        assert_eq!(run(&["call", &serving.url, "echo", "text=hi", "--era", era]), ok("hi\n"));
    }
    let said = serving.said.join("\n");
    for snippet in ["mcpServers", ".vscode/mcp.json", "curl", "openai", "mcp-bridge call"] {
        assert!(said.contains(snippet) && said.contains(&serving.url), "{snippet}: {said}");
    }
}

#[test]
fn what_is_offered_is_said_in_the_greeting_and_in_the_resource_about_it() {
    let listed = |command: &str, name: &str| {
        let args = [command, "embedded", "--json"];
        let format = ["--format", "mcp"];
        let run = run(&[&args[..], if command == "tools" { &format } else { &[] }].concat());
        let entries = run.json();
        let names = entries.as_array().unwrap().iter().map(|entry| entry[name].as_str().unwrap().to_owned());
        names.collect::<Vec<_>>()
    };
    let about = run(&["read", "embedded", "embedded://about"]).stdout;
    let greeting = Serving::start(&[]).said.join("\n");
    let kinds = [("tools", "name"), ("resources", "uri"), ("templates", "uriTemplate"), ("prompts", "name")];
    for (kind, name) in kinds {
        let names = listed(kind, name).join(", ");
        assert!(!names.is_empty() && greeting.contains(&format!("\n  {kind}: {names}\n")), "{kind}: {greeting}");
        assert!(about.contains(&names), "{kind}: {about}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_does_not_offer_is_an_empty_list() {
    let url = serve_bare().await;
    for kind in ["tools", "resources", "templates", "prompts"] {
        let json = run_beside(&[kind, &url, "--json"]).await;
        assert_eq!((json.code, json.stdout.as_str()), (Some(0), "[]\n"), "{kind}: {}", json.stderr);
        assert_eq!(json.stderr, format!("127.0.0.1 has no {kind}\n"));
    }
    let lines = run_beside(&["prompts", &url]).await;
    assert_eq!(lines, Run { stderr: "127.0.0.1 has no prompts\n".to_owned(), ..ok("") });
    // A call of what is not there is still wrong.
    let call = run_beside(&["call", &url, "echo"]).await;
    assert!(call.code == Some(1) && call.stderr.contains("There are no tools"), "{call:?}");
}

#[test]
fn a_wrong_path_is_exit_code_4_and_says_what_the_path_often_is() {
    let serving = Serving::start(&["--quiet"]);
    let wrong = serving.url.replace("/mcp", "/wrong");
    for era in ["auto", "legacy", "modern"] {
        let run = run(&["tools", &wrong, "--era", era, "--json"]);
        assert_eq!(
            (run.code, run.stdout.as_str(), run.error().0.as_str()),
            (Some(4), "", "protocol"),
            "{era}: {run:?}"
        );
        assert!(run.stderr.contains("the path is often `/mcp`"), "{era}: {}", run.stderr);
    }
}

#[test]
fn a_token_comes_from_a_variable_or_from_standard_input_and_never_from_the_command_line() {
    let secret = "tok-do-not-print-me";
    let refused = run(&["tools", "http://127.0.0.1:1/mcp", "--bearer", secret]);
    assert_eq!(refused.code, Some(1));
    assert!(refused.stderr.contains("--bearer-env") && !refused.stderr.contains(secret), "{}", refused.stderr);
    let serving = Serving::start(&["--quiet"]);
    let piped = |args: &[&str], input: &str| {
        let mut child =
            program(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        Run::from(child.wait_with_output().unwrap())
    };
    let call = ["call", &serving.url, "echo", "text=hi", "--bearer", "-"];
    assert_eq!(piped(&call, "tok\n"), ok("hi\n"));
    let none = piped(&call, "\n");
    assert!(none.code == Some(3) && none.stderr.contains("there is no token on standard input"), "{none:?}");
    let both = piped(&["call", &serving.url, "echo", "--args-json", "-", "--bearer", "-"], "tok");
    assert!(both.code == Some(1) && both.stderr.contains("which was read already"), "{both:?}");
    let unset = run(&["tools", &serving.url, "--bearer-env", "MCP_BRIDGE_NO_SUCH_VARIABLE"]);
    assert_eq!(unset.code, Some(3));
}

#[cfg(unix)]
#[test]
fn a_signal_ends_serving_in_good_order() {
    for signal in ["TERM", "INT"] {
        let serving = Serving::start(&["--quiet"]);
        assert_eq!(serving.said, Vec::<String>::new());
        serving.running.signal(signal);
        assert_eq!(serving.running.finish(), (Some(0), String::new()));
    }
}

#[cfg(unix)]
#[test]
fn an_interrupt_ends_a_call_with_exit_code_130() {
    let mut running = Running::start(&["call", "embedded", "countdown", "seconds=10", "steps=100"]);
    running.wait_for("progress 1/100");
    running.signal("INT");
    let (code, said) = running.finish();
    assert_eq!(code, Some(130));
    assert!(said.ends_with("error: interrupted\n"), "{said}");
}

#[cfg(unix)]
#[test]
fn an_interrupt_ends_the_program_also_while_somebody_types() {
    for args in [
        &["ask", "embedded", "--model", "m", "-"][..],
        &["call", "embedded", "add", "--args-json", "-"],
        &["tools", "http://127.0.0.1:1/mcp", "--bearer", "-"],
    ] {
        let mut talking = Talking::start(program(args));
        // More than a pipe holds: when it is written, the program reads, and has not seen the end.
        talking.say(&" ".repeat(1 << 20));
        talking.signal("INT");
        assert_eq!(talking.finish(), Some(130), "{args:?}");
    }
}

#[test]
fn a_port_that_is_taken_is_exit_code_4_with_a_way_out() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let run = run(&["serve", "--port", &port.to_string()]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(4), ""));
    // The library says what happened, and the program what to do; neither says both.
    let [what, hint] = run.stderr.lines().collect::<Vec<_>>()[..] else { panic!("{}", run.stderr) };
    assert!(what.starts_with(&format!("error: cannot bind to `127.0.0.1:{port}`: the port is taken: ")), "{what}");
    assert_eq!(hint, format!("  hint: take another port by `--port {}`, or any free one by `--port 0`", port + 1));
}

#[test]
fn an_address_for_others_needs_the_names_it_answers_to() {
    let run = run(&["serve", "--host", "0.0.0.0", "--port", "0"]);
    assert_eq!(run.code, Some(1));
    assert!(run.stderr.contains("--allow-host"), "{}", run.stderr);
    let serving = Serving::start(&["--host", "0.0.0.0", "--allow-host", "127.0.0.1:*", "--quiet"]);
    assert!(serving.said[0].starts_with("warning: everybody who can reach this address"), "{:?}", serving.said);
}

#[test]
fn a_server_that_cannot_be_reached_is_exit_code_4() {
    let run = run(&["tools", "http://127.0.0.1:1/mcp", "--json"]);
    assert_eq!((run.code, run.stdout.as_str(), run.error().0.as_str()), (Some(4), "", "unreachable"));
    assert!(run.error().1.starts_with("cannot connect to `127.0.0.1:1`: "), "{}", run.stderr);
    assert!(run.stderr.contains("is the server running, and is this its address?"), "{}", run.stderr);
    assert_eq!(run.stderr.matches('?').count(), 1, "the hint is given once: {}", run.stderr);
    assert_eq!(run.stderr.lines().count(), 1);
}

#[test]
fn a_command_that_is_no_server_is_exit_code_4() {
    let missing = run(&["tools", "--", "mcp-bridge-no-such-program"]);
    assert_eq!(missing.code, Some(4));
    assert!(missing.stderr.contains("mcp-bridge-no-such-program"), "{}", missing.stderr);
    let ends = run(&["tools", "--", env!("CARGO_BIN_EXE_mcp-bridge"), "no-such-command"]);
    assert_eq!(ends.code, Some(4));
    assert!(ends.stderr.contains("unrecognized subcommand"), "its last words are missing: {}", ends.stderr);
}

#[test]
fn a_tool_that_fails_is_exit_code_5_with_its_reason() {
    let args = ["call", "embedded", "get_current_time", "timezone=tokyo"];
    let reason = "there is no timezone `tokyo`; did you mean `Asia/Tokyo`?";
    assert_eq!(run(&args), failed(5, &format!("error: the tool `get_current_time` failed: {reason}\n")));
    let json = run(&[&args[..], &["--json"]].concat());
    assert_eq!((json.code, json.json()["isError"].as_bool(), json.error().0.as_str()), (Some(5), Some(true), "tool"));
}

#[test]
fn wrong_arguments_are_found_before_the_call() {
    let wrong = run(&["call", "embedded", "add", "a=one"]);
    assert_eq!((wrong.code, wrong.stdout.as_str()), (Some(1), ""));
    for part in [
        "error: wrong arguments for `add`, which was not called:",
        "- `a`: expected a number, got \"one\"",
        "- `b`: missing, expected a number",
        "a: number, b: number",
    ] {
        assert!(wrong.stderr.contains(part), "{part}: {}", wrong.stderr);
    }
    let mistyped = run(&["call", "embedded", "echo", "txt=hi"]);
    assert_eq!(mistyped.code, Some(1));
    assert!(mistyped.stderr.contains("did you mean `text`?"), "{}", mistyped.stderr);
    let unchecked = run(&["call", "embedded", "echo", "txt=hi", "--unchecked"]);
    assert_eq!(unchecked.code, Some(5), "{}", unchecked.stderr);
    let unknown = run(&["call", "embedded", "ecko"]);
    assert_eq!(unknown.code, Some(1));
    assert!(unknown.stderr.contains("Did you mean `echo`?"), "{}", unknown.stderr);
}

#[test]
fn a_server_that_refuses_is_exit_code_1() {
    let run = run(&["read", "embedded", "embedded://nothing", "--json"]);
    assert_eq!((run.code, run.error().0.as_str()), (Some(1), "refused"));
    assert!(run.error().1.contains("embedded://nothing"), "{}", run.stderr);
}

#[test]
fn a_wrong_command_line_is_exit_code_1_and_says_what_to_write() {
    let check = |args: &[&str], parts: &[&str]| {
        let run = run(args);
        assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""), "{args:?}: {}", run.stderr);
        for part in parts {
            assert!(run.stderr.contains(part), "{part}: {}", run.stderr);
        }
    };
    check(&[], &["Usage: mcp-bridge"]);
    check(&["cal"], &["unrecognized subcommand", "call"]);
    check(&["tools"], &["a target is missing", "mcp-bridge tools -- COMMAND"]);
    check(&["tools", "node server.js stdio"], &["mcp-bridge … -- node server.js stdio", "without a shell"]);
    check(&["tools", "localhost:4000/mcp"], &["did you mean `http://localhost:4000/mcp`?"]);
    check(&["tools", "embedded", "more"], &["`more` is one word too many"]);
    check(&["call", "embedded"], &["the name of a tool is missing"]);
    check(&["call", "embedded", "echo", "hello"], &["`hello` is not an argument", "key=value"]);
    check(&["call", "embedded", "echo", "--args-json", "{"], &["are not a JSON object"]);
    check(&["tools", "embedded", "--header", "X-Key: v"], &["headers and tokens go to a URL only"]);
    check(&["tools", "embedded", "--env", "A=b"], &["are for a command after `--`"]);
    check(&["serve", "--stdio", "--port", "1"], &["cannot be used with"]);
    check(&["ask", "embedded", "--model", "m"], &["the question behind it is missing"]);
    check(
        &["tools", "embedded", "--json", "--what"],
        &[r#"{"error":{"hint":"see `mcp-bridge --help`","kind":"usage","#],
    );
}

#[test]
fn completions_are_written_for_every_shell() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let run = run(&["completions", shell]);
        assert!(run.code == Some(0) && run.stdout.contains("mcp-bridge"), "{shell}");
    }
}

/// The help is compared with files; `UPDATE_GOLDEN=1` writes them anew.
#[test]
fn the_help_is_what_it_was() {
    let commands = [
        "",
        "ask",
        "call",
        "chat",
        "completions",
        "lint",
        "prompt",
        "prompts",
        "read",
        "replay",
        "resources",
        "serve",
        "templates",
        "tools",
    ];
    for command in commands {
        let args: Vec<&str> = [command, "--help"].into_iter().filter(|word| !word.is_empty()).collect();
        let run = run(&args);
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
        let name = if command.is_empty() { "mcp-bridge".to_owned() } else { format!("mcp-bridge-{command}") };
        let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(format!("{name}.txt"));
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&file, &run.stdout).unwrap();
        }
        let golden = std::fs::read_to_string(&file).unwrap_or_default();
        assert_eq!(run.stdout, golden, "{} differs; UPDATE_GOLDEN=1 writes it anew", file.display());
    }
}
