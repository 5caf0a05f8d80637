//! Where the two APIs differ for a client: the path, the members about streaming, and how a stream becomes a reply.

use mcp_types::{JsonObject, RawJson};
use serde_json::{Error, Value, json};

use crate::chat::{self, StreamFault};
use crate::members::Read;
use crate::responses;
use crate::turn::{Api, Chat, Responses};

/// An API as it is spoken over HTTP.
pub(super) trait Wire: Api<Reply: Read, Chunk: Read> {
    /// What stands behind the base URL.
    const PATH: &'static str;
    /// Puts the chunks of a stream together.
    type Assembler: Send;

    fn extra(request: &Self::Request) -> &JsonObject;
    /// Writes a request with other `extra` members than its own.
    fn write(request: &Self::Request, extra: &JsonObject) -> Result<RawJson, Error>;
    /// Adds the members that ask for a stream.
    fn ask_for_stream(extra: &mut JsonObject, options: StreamOptions);

    fn assembler(limit: usize) -> Self::Assembler;
    fn push(assembler: &mut Self::Assembler, chunk: &Self::Chunk) -> Result<(), StreamFault>;
    fn done(assembler: &mut Self::Assembler);
    fn finish(assembler: Self::Assembler) -> Result<Self::Reply, StreamFault>;
    /// Returns whether nothing follows a chunk, although `[DONE]` has not come.
    fn is_last(chunk: &Self::Chunk) -> bool;
}

/// What is asked for beside a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum StreamOptions {
    /// Nothing: there are providers that refuse what they do not know.
    Absent,
    /// The tokens that the reply costs, which a stream does not have by itself.
    #[default]
    Usage,
}

impl Wire for Chat {
    const PATH: &'static str = "/chat/completions";
    type Assembler = chat::Assembler;

    fn extra(request: &chat::Request) -> &JsonObject {
        &request.extra
    }

    fn write(request: &chat::Request, extra: &JsonObject) -> Result<RawJson, Error> {
        RawJson::encode(&request.with(extra))
    }

    fn ask_for_stream(extra: &mut JsonObject, options: StreamOptions) {
        extra.insert("stream", Value::Bool(true));
        if options == StreamOptions::Usage {
            let asked = extra.take("stream_options").and_then(|asked| asked.decode().ok());
            let mut asked: JsonObject = asked.unwrap_or_default();
            asked.insert("include_usage", Value::Bool(true));
            // An object of texts and truths can always be written.
            extra.insert(
                "stream_options",
                RawJson::encode(&asked).unwrap_or_else(|_| json!({"include_usage": true}).into()),
            );
        }
    }

    fn assembler(limit: usize) -> chat::Assembler {
        chat::Assembler::with_limit(limit)
    }

    fn push(assembler: &mut chat::Assembler, chunk: &chat::Chunk) -> Result<(), StreamFault> {
        assembler.push(chunk)
    }

    fn done(assembler: &mut chat::Assembler) {
        assembler.done();
    }

    fn finish(assembler: chat::Assembler) -> Result<chat::Completion, StreamFault> {
        assembler.finish()
    }

    fn is_last(_: &chat::Chunk) -> bool {
        false
    }
}

impl Wire for Responses {
    const PATH: &'static str = "/responses";
    type Assembler = responses::Assembler;

    fn extra(request: &responses::Request) -> &JsonObject {
        &request.extra
    }

    fn write(request: &responses::Request, extra: &JsonObject) -> Result<RawJson, Error> {
        RawJson::encode(&request.with(extra))
    }

    fn ask_for_stream(extra: &mut JsonObject, _: StreamOptions) {
        extra.insert("stream", Value::Bool(true));
    }

    fn assembler(limit: usize) -> responses::Assembler {
        responses::Assembler::with_limit(limit)
    }

    fn push(assembler: &mut responses::Assembler, event: &responses::Event) -> Result<(), StreamFault> {
        assembler.push(event)
    }

    fn done(assembler: &mut responses::Assembler) {
        assembler.done();
    }

    fn finish(assembler: responses::Assembler) -> Result<responses::Response, StreamFault> {
        assembler.finish()
    }

    fn is_last(event: &responses::Event) -> bool {
        event.is_last()
    }
}

/// Writes a request whose reply is to come as a whole.
pub(super) fn whole<A: Wire>(request: &A::Request) -> Result<RawJson, Error> {
    let mut extra = A::extra(request).clone();
    extra.take("stream");
    extra.take("stream_options");
    A::write(request, &extra)
}

/// Writes a request whose reply is to come as a stream.
pub(super) fn streamed<A: Wire>(request: &A::Request, options: StreamOptions) -> Result<RawJson, Error> {
    let mut extra = A::extra(request).clone();
    A::ask_for_stream(&mut extra, options);
    A::write(request, &extra)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(extra: &Value) -> chat::Request {
        let mut request = chat::Request::new("m", []);
        request.extra = serde_json::from_value(extra.clone()).unwrap();
        request
    }

    #[test]
    fn a_request_says_whether_it_is_to_be_streamed_whatever_it_said_before() {
        let check = |extra: Value, whole_extra: Value, streamed_extra: Value| {
            let with = |extra: Value| {
                let mut all = json!({"model": "m", "messages": []});
                all.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
                all
            };
            let request = request(&extra);
            assert_eq!(whole::<Chat>(&request).unwrap().decode::<Value>().unwrap(), with(whole_extra));
            let written = streamed::<Chat>(&request, StreamOptions::Usage).unwrap();
            assert_eq!(written.decode::<Value>().unwrap(), with(streamed_extra));
        };
        check(json!({}), json!({}), json!({"stream": true, "stream_options": {"include_usage": true}}));
        check(
            json!({"seed": 1, "stream": false, "stream_options": {"include_obfuscation": false}}),
            json!({"seed": 1}),
            json!({"seed": 1, "stream": true, "stream_options": {"include_obfuscation": false, "include_usage": true}}),
        );
        check(
            json!({"stream": true, "stream_options": null}),
            json!({}),
            json!({"stream": true, "stream_options": {"include_usage": true}}),
        );
    }

    #[test]
    fn stream_options_are_for_those_who_know_them() {
        let written = streamed::<Chat>(&request(&json!({})), StreamOptions::Absent).unwrap();
        assert_eq!(written.decode::<Value>().unwrap(), json!({"model": "m", "messages": [], "stream": true}));
        let request = responses::Request::new("m", []);
        let written = streamed::<Responses>(&request, StreamOptions::Usage).unwrap();
        assert_eq!(written.decode::<Value>().unwrap(), json!({"model": "m", "input": [], "stream": true}));
    }
}
