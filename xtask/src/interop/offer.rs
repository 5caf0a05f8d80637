//! What each server of the matrix must offer, and what a client does with it. The drivers get it as JSON.

use serde_json::{Value, json};

use crate::interop::cells::{Era, Server};

/// The last revision of the legacy era.
pub(crate) const LEGACY: &str = "2025-11-25";
/// The first revision of the modern era.
pub(crate) const MODERN: &str = "2026-07-28";

/// What a client must find on one server.
#[derive(Debug)]
pub(crate) struct Offer {
    pub(crate) tools: &'static [&'static str],
    pub(crate) calls: &'static [Call],
    /// Calls that must fail, with an error of the tool or of the protocol, but fast and readable.
    pub(crate) refused: &'static [Call],
    pub(crate) resource: Option<Resource>,
    pub(crate) prompt: Option<Prompt>,
}

/// A call of a tool.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) tool: &'static str,
    /// The arguments, as JSON.
    pub(crate) arguments: &'static str,
    /// What the text of the answer holds.
    pub(crate) answer: &'static str,
}

/// A resource to read.
#[derive(Debug)]
pub(crate) struct Resource {
    pub(crate) uri: &'static str,
    /// What its text holds; empty for whatever it says.
    pub(crate) text: &'static str,
}

/// A prompt to expand.
#[derive(Debug)]
pub(crate) struct Prompt {
    pub(crate) name: &'static str,
    /// The arguments, as JSON; every value is a string.
    pub(crate) arguments: &'static str,
    /// What the text of its messages holds.
    pub(crate) text: &'static str,
}

impl Offer {
    /// Returns what a server offers.
    pub(crate) fn of(server: Server) -> &'static Self {
        match server {
            Server::Everything => &EVERYTHING,
            Server::Ours | Server::Python | Server::TypeScript => &HOUSE,
            Server::Time => &TIME,
        }
    }

    /// Writes it for a driver; `version` is the revision that it must negotiate.
    pub(crate) fn to_json(&self, version: &str) -> String {
        let calls = |calls: &[Call]| -> Vec<Value> {
            let one = |call: &Call| json!({"tool": call.tool, "arguments": parse(call.arguments), "answer": call.answer});
            calls.iter().map(one).collect()
        };
        let resource = self
            .resource
            .as_ref()
            .map(|resource| json!({"uri": resource.uri, "text": resource.text}));
        let prompt = self.prompt.as_ref().map(|prompt| {
            json!({"name": prompt.name, "arguments": parse(prompt.arguments), "text": prompt.text})
        });
        json!({
            "version": version,
            "modern": MODERN,
            "tools": self.tools,
            "calls": calls(self.calls),
            "refused": calls(self.refused),
            "resource": resource,
            "prompt": prompt,
        })
        .to_string()
    }
}

/// Returns the revision that two programs must agree on.
pub(crate) fn agreed(server: Server, era: Era) -> &'static str {
    match era {
        Era::Legacy => LEGACY,
        Era::Modern => MODERN,
        // Whoever asks gets the best that the server knows.
        Era::Auto => match server {
            Server::Everything => LEGACY,
            Server::Ours | Server::Python | Server::Time | Server::TypeScript => MODERN,
        },
    }
}

fn parse(text: &str) -> Value {
    serde_json::from_str(text).expect("the arguments in this file are JSON")
}

/// What our server offers by default, and what the drivers `server.mjs` and `server.py` offer.
const HOUSE: Offer = Offer {
    tools: &["echo", "add"],
    calls: &[
        Call {
            tool: "add",
            arguments: r#"{"a": 2, "b": 40}"#,
            answer: "42",
        },
        Call {
            tool: "echo",
            arguments: r#"{"text": "Grüße, \"🦀\""}"#,
            answer: "Grüße, \"🦀\"",
        },
    ],
    refused: &[
        Call {
            tool: "add",
            arguments: r#"{"a": "two", "b": 40}"#,
            answer: "",
        },
        Call {
            tool: "nowhere",
            arguments: "{}",
            answer: "",
        },
    ],
    resource: Some(Resource {
        uri: "embedded://about",
        text: "",
    }),
    prompt: Some(Prompt {
        name: "summarize",
        arguments: r#"{"text": "a long story"}"#,
        text: "a long story",
    }),
};

const EVERYTHING: Offer = Offer {
    tools: &["echo", "get-sum"],
    calls: &[
        Call {
            tool: "get-sum",
            arguments: r#"{"a": 2, "b": 40}"#,
            answer: "42",
        },
        Call {
            tool: "echo",
            arguments: r#"{"message": "Grüße"}"#,
            answer: "Grüße",
        },
    ],
    refused: &[Call {
        tool: "nowhere",
        arguments: "{}",
        answer: "",
    }],
    resource: Some(Resource {
        uri: "demo://resource/static/document/features.md",
        text: "Everything Server",
    }),
    prompt: Some(Prompt {
        name: "args-prompt",
        arguments: r#"{"city": "Lisbon"}"#,
        text: "Lisbon",
    }),
};

const TIME: Offer = Offer {
    tools: &["get_current_time", "convert_time"],
    calls: &[Call {
        tool: "convert_time",
        arguments: r#"{"source_timezone": "UTC", "time": "16:30", "target_timezone": "Asia/Tokyo"}"#,
        answer: "01:30",
    }],
    refused: &[Call {
        tool: "get_current_time",
        arguments: r#"{"timezone": "Nowhere/Town"}"#,
        answer: "",
    }],
    resource: None,
    prompt: None,
};
