//! `lint` and `tools` on saved lists, as a shell sees them.

#![allow(clippy::unwrap_used, reason = "it is part of tests, which clippy cannot see")]

mod program_support;

use std::path::PathBuf;

use program_support::run;
use serde_json::{Value, json};

/// A file that is deleted when this is dropped.
struct Saved(PathBuf);

impl Saved {
    fn new(name: &str, content: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("mcp-bridge-lint-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("lab.json");
        std::fs::write(&path, content).unwrap();
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Saved {
    fn drop(&mut self) {
        // What is left is in a folder for such things.
        let _ = std::fs::remove_dir_all(self.0.parent().unwrap());
    }
}

fn tools() -> Value {
    json!([
        {
            "name": "get_weather",
            "description": "The weather of a city.",
            "inputSchema": {
                "$schema": "http://json-schema.org/draft-07/schema#",
                "type": "object",
                "properties": {"city": {"type": "string"}},
                "required": ["city"],
                "additionalProperties": false
            }
        },
        {
            "name": "list.all",
            "description": "Lists all.",
            "inputSchema": {"type": "object", "properties": {"tags": {"type": "array"}}}
        },
        {"name": "broken", "inputSchema": {"type": "string"}},
        {"name": "bare"}
    ])
}

#[test]
fn each_tool_is_judged_and_one_that_cannot_be_offered_is_exit_code_5() {
    let saved = Saved::new("judged", &json!({ "tools": tools() }).to_string());
    let lint = run(&["lint", saved.path()]);
    assert_eq!(lint.code, Some(5), "{lint:?}");
    assert_eq!(
        lint.stdout,
        "\
get_weather
    legal, strict, 49 tokens
list.all
    repaired, not strict, 38 tokens
    called `list_all_b0582716`: the name has characters that a function name cannot have
    /properties/tags: added `items`, because an array needs `items`
    not strict: the root: members are allowed that are not named, and strict mode needs `\"additionalProperties\": false`
broken
    held back: the input schema allows no object, and arguments are always one: \"string\"
bare
    held back: missing field `inputSchema` at line 1 column 15
4 tools: 1 legal, 1 repaired, 2 held back; 1 with strict mode; about 87 tokens in a request
"
    );
    assert!(lint.stderr.contains("2 of 4 tools cannot be offered to a model"), "{lint:?}");
}

#[test]
fn the_judgement_is_one_json_document() {
    let saved = Saved::new("json", &tools().to_string());
    let lint = run(&["lint", saved.path(), "--json"]);
    let document = lint.json();
    assert_eq!(
        document["summary"],
        json!({"tools": 4, "legal": 1, "repaired": 1, "held_back": 2, "strict": 1, "tokens": 87, "left_out": 0})
    );
    assert_eq!(
        document["tools"][1],
        json!({
            "server": "lab",
            "tool": "list.all",
            "verdict": "repaired",
            "name": "list_all_b0582716",
            "renamed": "the name has characters that a function name cannot have",
            "strict": false,
            "obstacle": {
                "path": "",
                "reason": "members are allowed that are not named, and strict mode needs `\"additionalProperties\": false`"
            },
            "tokens": 38,
            "description_length": 10,
            "rewrites": [
                {"path": "/properties/tags", "change": "added `items`", "reason": "an array needs `items`"}
            ],
            "notes": []
        })
    );
    // What says nothing to a human is there for a program.
    assert_eq!(document["tools"][0]["rewrites"][0]["change"], "left out `$schema`");
    assert_eq!(document["tools"][2]["verdict"], "held_back");
    assert_eq!(document["tools"][3]["tool"], "bare");
    assert_eq!(lint.error().0, "tool");
}

#[test]
fn the_tools_that_are_built_in_are_legal() {
    let lint = run(&["lint", "embedded", "--json"]);
    let summary = &lint.json()["summary"];
    assert_eq!((lint.code, &summary["held_back"], &summary["repaired"]), (Some(0), &json!(0), &json!(0)), "{lint:?}");
}

#[test]
fn saved_tools_become_functions() {
    let saved = Saved::new("functions", &tools().to_string());
    let openai = run(&["tools", saved.path(), "--strict", "auto", "--json"]);
    let functions = openai.json();
    let function = &functions[0]["function"];
    assert_eq!((openai.code, &function["name"], &function["strict"]), (Some(0), &json!("get_weather"), &json!(true)));
    assert_eq!(functions[1]["function"]["strict"], json!(false));
    assert_eq!(functions.as_array().unwrap().len(), 2);
    assert!(openai.stderr.contains("warning: the tool `bare` is left out"), "{openai:?}");
    assert!(openai.stderr.contains("lab/broken: not offered: "), "{openai:?}");
    let responses = run(&["tools", saved.path(), "--format", "responses", "--quiet"]);
    assert_eq!((&responses.json()[0]["strict"], responses.stderr.as_str()), (&json!(false), ""));
}

#[test]
fn no_more_functions_are_printed_than_a_request_takes_unless_all_are_wanted() {
    let many: Vec<Value> =
        (0..200).map(|n| json!({"name": format!("t{n}"), "inputSchema": {"type": "object"}})).collect();
    let saved = Saved::new("many", &json!(many).to_string());
    let count =
        |args: &[&str]| run(&[&["tools", saved.path(), "--json"], args].concat()).json().as_array().unwrap().len();
    assert_eq!([count(&[]), count(&["--all"]), count(&["--format", "mcp"])], [128, 200, 200]);
    let said = run(&["tools", saved.path()]).stderr;
    assert!(said.starts_with("74 of 200 tools are not offered, because OpenAI takes 128 functions at most"), "{said}");
    let lint = run(&["lint", saved.path()]).stdout;
    assert!(
        lint.ends_with("\na request takes 128 functions at most: 74 tools wait for a search of the model\n"),
        "{lint}"
    );
}

#[test]
fn a_file_that_is_no_list_of_tools_says_what_it_should_hold() {
    let check = |content: &str, expected: &str| {
        let saved = Saved::new("wrong", content);
        let lint = run(&["lint", saved.path()]);
        assert!(lint.code == Some(1) && lint.stderr.contains(expected), "{lint:?}");
    };
    check("{}", "is no list of tools: missing field `tools`");
    check("{}", "it holds an array of tools, or `{\"tools\": […]}`");
    check("nothing", "is no list of tools: expected ident");
    let absent = run(&["lint", "absent.json"]);
    assert!(absent.code == Some(1) && absent.stderr.contains("absent.json: cannot be opened"), "{absent:?}");
    let saved = Saved::new("more", "[]");
    let more = run(&["lint", saved.path(), "more"]);
    assert!(more.code == Some(1) && more.stderr.contains("`more` is one word too many"), "{more:?}");
    let header = run(&["lint", saved.path(), "--header", "A: b"]);
    assert!(header.stderr.contains("headers and tokens go to a URL only"), "{header:?}");
}
