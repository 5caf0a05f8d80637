//! What each server of the matrix must offer, and what a client does with it. The drivers get it as JSON.
//!
//! The surprising thing: the texts are exact wherever a server does not decide them by the day, because "it holds 42"
//! is also true of an error that repeats the question.

use serde_json::{Value, json};

use crate::interop::cells::{Era, Server};

/// The last revision of the legacy era.
pub(crate) const LEGACY: &str = "2025-11-25";
/// The first revision of the modern era.
pub(crate) const MODERN: &str = "2026-07-28";

/// What a client must find on one server.
#[derive(Debug)]
pub(crate) struct Offer {
    pub(crate) tools: &'static [Tool],
    pub(crate) calls: &'static [Call],
    /// A call that tells how far it has come.
    pub(crate) progress: Option<Progress>,
    /// A call without arguments whose result has a PNG picture.
    pub(crate) picture: Option<&'static str>,
    /// Calls that must fail.
    pub(crate) refused: &'static [Refused],
    pub(crate) resource: Option<Resource>,
    pub(crate) prompt: Option<Prompt>,
}

/// A tool that must be in the list.
#[derive(Debug)]
pub(crate) struct Tool {
    pub(crate) name: &'static str,
    /// The arguments it takes and their JSON types; no others.
    pub(crate) takes: &'static [(&'static str, &'static str)],
    /// Those that must be given.
    pub(crate) required: &'static [&'static str],
}

/// A call of a tool.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) tool: &'static str,
    /// The arguments, as JSON.
    pub(crate) arguments: &'static str,
    pub(crate) answer: Text,
}

/// What a text must be.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Text {
    /// All of these must be in it.
    Holds(&'static [&'static str]),
    Is(&'static str),
    /// It is this, where a zero stands for any digit.
    Like(&'static str),
}

/// A call that tells how far it has come.
#[derive(Debug)]
pub(crate) struct Progress {
    pub(crate) call: Call,
    /// How many times it tells, and out of how many.
    pub(crate) steps: u32,
}

/// A call that must fail, fast and readable.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) tool: &'static str,
    /// The arguments, as JSON.
    pub(crate) arguments: &'static str,
    pub(crate) fault: Fault,
}

/// Why a call fails.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The arguments do not fit the schema: our client lists these faults and sends nothing; the server that gets them
    /// anyway answers with an error of the tool that has these texts.
    Arguments { listed: &'static [&'static str], answered: &'static [&'static str] },
    /// The tool itself fails, with these texts.
    Tool { answered: &'static [&'static str] },
    /// There is no such tool; the code of the JSON-RPC error, where the server answers with one.
    Unknown { code: Option<i64> },
}

/// A resource to read.
#[derive(Debug)]
pub(crate) struct Resource {
    pub(crate) uri: &'static str,
    pub(crate) text: Text,
    /// The code that a resource which is not there is refused with: in the legacy era, and in the modern one.
    pub(crate) absent: [i64; 2],
}

/// A prompt to expand.
#[derive(Debug)]
pub(crate) struct Prompt {
    pub(crate) name: &'static str,
    /// The arguments, as JSON; every value is a string.
    pub(crate) arguments: &'static str,
    /// The text of its one message.
    pub(crate) text: Text,
}

impl Offer {
    /// Returns what a server offers.
    pub(crate) fn of(server: Server) -> &'static Self {
        match server {
            Server::Everything => &EVERYTHING,
            Server::Gateway => &GATEWAY,
            Server::Book | Server::Corpus | Server::Ours => &OURS,
            Server::Python => &PYTHON,
            Server::PythonLegacy => &PYTHON_LEGACY,
            Server::Rust => &RUST,
            Server::Time => &TIME,
            Server::TypeScript => &TYPESCRIPT,
            Server::TypeScriptLegacy => &TYPESCRIPT_LEGACY,
        }
    }

    /// Writes it for a driver; `version` is the revision that it must negotiate.
    pub(crate) fn to_json(&self, version: &str) -> String {
        let all = |calls: &[Call]| -> Vec<Value> { calls.iter().map(Call::to_json).collect() };
        let progress = self.progress.as_ref();
        let progress = progress.map(|progress| json!({"call": progress.call.to_json(), "steps": progress.steps}));
        let resource = self.resource.as_ref();
        let resource = resource.map(|resource| json!({"uri": resource.uri, "text": resource.text.to_json()}));
        let prompt = self.prompt.as_ref().map(
            |prompt| json!({"name": prompt.name, "arguments": parse(prompt.arguments), "text": prompt.text.to_json()}),
        );
        json!({
            "version": version,
            "modern": MODERN,
            "tools": self.tools.iter().map(Tool::to_json).collect::<Vec<_>>(),
            "calls": all(self.calls),
            "progress": progress,
            "picture": self.picture,
            "refused": self.refused.iter().map(Refused::to_json).collect::<Vec<_>>(),
            "resource": resource,
            "prompt": prompt,
        })
        .to_string()
    }
}

impl Tool {
    fn to_json(&self) -> Value {
        let takes = self.takes.iter().map(|&(name, kind)| (name.to_owned(), Value::from(kind)));
        json!({"name": self.name, "takes": Value::Object(takes.collect()), "required": self.required})
    }
}

impl Call {
    fn to_json(&self) -> Value {
        json!({"tool": self.tool, "arguments": parse(self.arguments), "answer": self.answer.to_json()})
    }
}

impl Refused {
    fn to_json(&self) -> Value {
        let (code, answered) = match self.fault {
            Fault::Arguments { answered, .. } | Fault::Tool { answered } => (None, Some(answered)),
            Fault::Unknown { code } => (code, None),
        };
        json!({"tool": self.tool, "arguments": parse(self.arguments), "code": code, "answered": answered})
    }
}

impl Text {
    fn to_json(self) -> Value {
        match self {
            Self::Holds(parts) => json!({ "holds": parts }),
            Self::Is(text) => json!({ "is": text }),
            Self::Like(text) => json!({ "like": text }),
        }
    }

    /// Whether a text is what it must be.
    pub(crate) fn fits(self, text: &str) -> bool {
        match self {
            Self::Holds(parts) => parts.iter().all(|part| text.contains(part)),
            Self::Is(exact) => text == exact,
            Self::Like(shape) => shape == text.replace(|c: char| c.is_ascii_digit(), "0"),
        }
    }
}

/// Returns the revision that two programs must agree on.
pub(crate) fn agreed(server: Server, era: Era) -> &'static str {
    match era {
        Era::Legacy => LEGACY,
        Era::Modern => MODERN,
        // Whoever asks gets the best that the server knows.
        Era::Auto if server.is_modern() => MODERN,
        Era::Auto => LEGACY,
    }
}

fn parse(text: &str) -> Value {
    serde_json::from_str(text).expect("the arguments in this file are JSON")
}

const ECHO: Tool = Tool { name: "echo", takes: &[("text", "string")], required: &["text"] };
const ADD: Tool = Tool { name: "add", takes: &[("a", "number"), ("b", "number")], required: &["a", "b"] };
const CALL_ECHO: Call =
    Call {
        tool: "echo", arguments: r#"{"text": "Grüße,\n\"🦀\" \u0001"}"#, answer: Text::Is("Grüße,\n\"🦀\" \u{1}")
    };
const COUNT_DOWN: Progress = Progress {
    call: Call {
        tool: "countdown",
        arguments: r#"{"seconds": 0.5, "steps": 4}"#,
        answer: Text::Is("Counted down 0.5 seconds in 4 steps."),
    },
    steps: 4,
};
const ABOUT: Resource = Resource {
    uri: "embedded://about",
    text: Text::Is("A server of the Model Context Protocol."),
    absent: [-32602, -32602],
};
const SUMMARIZE: Prompt = Prompt {
    name: "summarize",
    arguments: r#"{"text": "a long story"}"#,
    text: Text::Is("Summarize (short): a long story"),
};

/// What our client says of `{"a": "two"}`.
const ADD_LISTED: &[&str] = &["`a`: expected a number, got \"two\"", "`b`: missing, expected a number"];

/// What our server offers by default.
const OURS: Offer = Offer {
    tools: &[
        ECHO,
        ADD,
        Tool { name: "countdown", takes: &[("seconds", "number"), ("steps", "integer")], required: &[] },
        Tool {
            name: "convert_time",
            takes: &[("from", "string"), ("time", "string"), ("to", "string")],
            required: &["from", "time", "to"],
        },
    ],
    calls: &[
        CALL_ECHO,
        Call { tool: "add", arguments: r#"{"a": 2, "b": 40}"#, answer: Text::Is(r#"{"sum":42}"#) },
        Call {
            tool: "date_difference",
            arguments: r#"{"from": "2026-07-28", "to": "2026-11-20"}"#,
            answer: Text::Is(r#"{"days":115,"text":"3 months, 23 days"}"#),
        },
    ],
    progress: Some(COUNT_DOWN),
    picture: None,
    refused: &[
        Refused {
            tool: "add",
            arguments: r#"{"a": "two"}"#,
            fault: Fault::Arguments {
                listed: ADD_LISTED,
                answered: &["`b`: missing, expected a number", "`a`: expected a number, got \"two\""],
            },
        },
        Refused {
            tool: "convert_time",
            arguments: r#"{"time": "16:30", "from": "Nowhere/Town", "to": "UTC"}"#,
            fault: Fault::Tool { answered: &["Nowhere/Town"] },
        },
        Refused { tool: "nowhere", arguments: "{}", fault: Fault::Unknown { code: Some(-32602) } },
    ],
    resource: Some(Resource {
        uri: "embedded://about",
        text: Text::Holds(&["This is the server that is built into mcp-bridge.\n", "embedded://about"]),
        absent: [-32002, -32602],
    }),
    prompt: Some(Prompt {
        text: Text::Is(
            "Summarize the following text in one paragraph. Keep names and numbers exact, and add nothing.\n\n\
             a long story",
        ),
        ..SUMMARIZE
    }),
};

/// What the driver `server.py` offers.
const PYTHON: Offer = Offer {
    refused: &[
        Refused {
            tool: "add",
            arguments: r#"{"a": "two"}"#,
            fault: Fault::Arguments { listed: ADD_LISTED, answered: &["2 validation errors for addArguments"] },
        },
        Refused { tool: "nowhere", arguments: "{}", fault: Fault::Unknown { code: None } },
    ],
    ..TYPESCRIPT
};

/// What the driver `server.mjs` offers.
const TYPESCRIPT: Offer = Offer {
    tools: &[
        ECHO,
        ADD,
        Tool {
            name: "countdown",
            takes: &[("seconds", "number"), ("steps", "integer")],
            required: &["seconds", "steps"],
        },
        Tool { name: "picture", takes: &[], required: &[] },
    ],
    calls: &[CALL_ECHO, Call { tool: "add", arguments: r#"{"a": 2, "b": 40}"#, answer: Text::Is("42") }],
    progress: Some(COUNT_DOWN),
    picture: Some("picture"),
    refused: &[
        Refused {
            tool: "add",
            arguments: r#"{"a": "two"}"#,
            fault: Fault::Arguments {
                listed: ADD_LISTED,
                answered: &["a: Invalid input: expected number", "b: Invalid input: expected number"],
            },
        },
        Refused { tool: "nowhere", arguments: "{}", fault: Fault::Unknown { code: None } },
    ],
    resource: Some(ABOUT),
    prompt: Some(SUMMARIZE),
};

/// What the driver `legacy/server.py` offers. The SDK of that time has no code for a resource that is not there.
const PYTHON_LEGACY: Offer = Offer { resource: Some(Resource { absent: [0, 0], ..ABOUT }), ..PYTHON };

/// What the driver `rmcp/src/bin/server.rs` offers. The SDK stops at the first argument that does not fit.
const RUST: Offer = Offer {
    refused: &[
        Refused {
            tool: "add",
            arguments: r#"{"a": "two"}"#,
            fault: Fault::Arguments {
                listed: ADD_LISTED,
                answered: &["failed to deserialize parameters: invalid type: string \"two\", expected f64"],
            },
        },
        Refused { tool: "nowhere", arguments: "{}", fault: Fault::Unknown { code: Some(-32602) } },
    ],
    resource: Some(Resource { absent: [-32002, -32602], ..ABOUT }),
    ..TYPESCRIPT
};

/// What the driver `legacy/server.mjs` offers.
const TYPESCRIPT_LEGACY: Offer = Offer {
    refused: &[
        Refused {
            tool: "add",
            arguments: r#"{"a": "two"}"#,
            fault: Fault::Arguments {
                listed: ADD_LISTED,
                answered: &["expected number, received string at a", "expected number, received undefined at b"],
            },
        },
        Refused { tool: "nowhere", arguments: "{}", fault: Fault::Unknown { code: None } },
    ],
    ..TYPESCRIPT
};

/// What the configuration of the second seed offers.
const GATEWAY: Offer = Offer {
    tools: &[Tool { name: "get_current_time", takes: &[("format", "string")], required: &[] }],
    calls: &[
        Call { tool: "get_current_time", arguments: r#"{"format": "short"}"#, answer: Text::Like("00:00") },
        Call { tool: "get_current_time", arguments: "{}", answer: Text::Like("00:00") },
    ],
    progress: None,
    picture: None,
    refused: &[
        Refused {
            tool: "get_current_time",
            arguments: r#"{"format": "tiny"}"#,
            fault: Fault::Arguments {
                listed: &["`format`: expected one of \"short\", got \"tiny\""],
                answered: &["format", "short", "tiny"],
            },
        },
        Refused { tool: "nowhere", arguments: "{}", fault: Fault::Unknown { code: Some(-32602) } },
    ],
    resource: None,
    prompt: None,
};

const EVERYTHING: Offer = Offer {
    tools: &[
        Tool { name: "echo", takes: &[("message", "string")], required: &["message"] },
        Tool { name: "get-sum", ..ADD },
        Tool { name: "get-tiny-image", takes: &[], required: &[] },
        Tool {
            name: "trigger-long-running-operation",
            takes: &[("duration", "number"), ("steps", "number")],
            required: &[],
        },
    ],
    calls: &[
        Call { tool: "get-sum", arguments: r#"{"a": 2, "b": 40}"#, answer: Text::Is("The sum of 2 and 40 is 42.") },
        Call { tool: "echo", arguments: r#"{"message": "Grüße"}"#, answer: Text::Is("Echo: Grüße") },
    ],
    progress: Some(Progress {
        call: Call {
            tool: "trigger-long-running-operation",
            arguments: r#"{"duration": 1, "steps": 4}"#,
            answer: Text::Is("Long running operation completed. Duration: 1 seconds, Steps: 4."),
        },
        steps: 4,
    }),
    picture: Some("get-tiny-image"),
    refused: &[
        Refused {
            tool: "get-sum",
            arguments: r#"{"a": "two"}"#,
            fault: Fault::Arguments {
                listed: ADD_LISTED,
                answered: &["expected number, received string at a", "expected number, received undefined at b"],
            },
        },
        Refused { tool: "nowhere", arguments: "{}", fault: Fault::Unknown { code: None } },
    ],
    resource: Some(Resource {
        uri: "demo://resource/static/document/features.md",
        text: Text::Holds(&["# Everything Server - Features\n"]),
        absent: [-32602, -32602],
    }),
    prompt: Some(Prompt {
        name: "args-prompt",
        arguments: r#"{"city": "Lisbon"}"#,
        text: Text::Is("What's weather in Lisbon?"),
    }),
};

const TIME: Offer = Offer {
    tools: &[
        Tool { name: "get_current_time", takes: &[("timezone", "string")], required: &["timezone"] },
        Tool {
            name: "convert_time",
            takes: &[("source_timezone", "string"), ("target_timezone", "string"), ("time", "string")],
            required: &["source_timezone", "target_timezone", "time"],
        },
    ],
    calls: &[Call {
        tool: "convert_time",
        arguments: r#"{"source_timezone": "UTC", "time": "16:30", "target_timezone": "Asia/Tokyo"}"#,
        // The date is that of today.
        answer: Text::Holds(&["T01:30:00+09:00", "\"time_difference\": \"+9.0h\""]),
    }],
    progress: None,
    picture: None,
    refused: &[
        Refused {
            tool: "convert_time",
            arguments: r#"{"time": 5, "source_timezone": "UTC"}"#,
            fault: Fault::Arguments {
                listed: &["`target_timezone`: missing, expected a string", "`time`: expected a string, got 5"],
                answered: &["2 validation errors for convert_timeArguments"],
            },
        },
        Refused {
            tool: "get_current_time",
            arguments: r#"{"timezone": "Nowhere/Town"}"#,
            fault: Fault::Tool { answered: &["Invalid timezone", "Nowhere/Town"] },
        },
        Refused { tool: "nowhere", arguments: "{}", fault: Fault::Unknown { code: None } },
    ],
    resource: None,
    prompt: None,
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interop::cells::THEIRS;

    #[test]
    fn every_offer_is_written_for_the_drivers() {
        for server in [Server::Ours, Server::Gateway].into_iter().chain(THEIRS) {
            let offer: Value = serde_json::from_str(&Offer::of(server).to_json(MODERN)).unwrap();
            assert_eq!(offer["version"], MODERN);
            let names: Vec<&str> = Offer::of(server).tools.iter().map(|tool| tool.name).collect();
            let called = offer["calls"].as_array().unwrap();
            let is_listed = |call: &Value| names.contains(&call["tool"].as_str().unwrap());
            assert!(called.iter().any(is_listed), "{server:?}");
        }
    }

    #[test]
    fn a_text_is_exact_or_has_every_part() {
        assert!(Text::Is("42").fits("42") && !Text::Is("42").fits("not 42"));
        assert!(Text::Like("00:00").fits("23:59") && !Text::Like("00:00").fits("noon") && !Text::Like("0").fits("12"));
        assert!(Text::Holds(&["a", "b"]).fits("b a") && !Text::Holds(&["a", "b"]).fits("a"));
    }
}
