//! What a result is: complete, or a question back (T-40, T-41, P-10 to P-14).
//!
//! This is the one place where the kind of a result is looked at. The surprising thing: a result without a kind is
//! complete, and one with an unknown kind is an error, however complete it looks.

use mcp_types::{ClientCapabilities, Features, InputRequiredResult, RawJson, ResultType, TASKS_EXTENSION, method};

use crate::error::{Error, PeerMisbehaved};

/// What a request led to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answer {
    /// The answer.
    Complete(RawJson),
    /// The server needs something first.
    InputRequired(Box<InputRequiredResult>),
    /// The server goes on in a task, as the client's extension allows it to.
    Task(RawJson),
}

impl Answer {
    /// Reads the kind of a result of `method`; in a revision without kinds every result is complete.
    ///
    /// # Errors
    ///
    /// Fails when the result is of a kind that this method, or this client, does not allow.
    pub(crate) fn read(
        method: &str,
        result: RawJson,
        features: Features,
        client: &ClientCapabilities,
    ) -> Result<Self, Error> {
        if !features.has(Features::RESULT_TYPE) {
            return Ok(Self::Complete(result));
        }
        let unreadable = |why: String| Error::malformed("a result", format!("`{method}`: {why}"));
        let [found] = result.members(["resultType"]).map_err(|error| unreadable(error.to_string()))?;
        let Some(found) = found.filter(|found| !found.is_null()) else {
            return Ok(Self::Complete(result));
        };
        if found.as_bytes() == COMPLETE {
            return Ok(Self::Complete(result));
        }
        let kind: ResultType = found.decode().map_err(|error| unreadable(format!("`resultType`: {error}")))?;
        match kind {
            ResultType::Complete => Ok(Self::Complete(result)),
            ResultType::InputRequired if may_ask_back(method) => {
                let wanted = result.decode().map_err(|error| unreadable(error.to_string()))?;
                Ok(Self::InputRequired(Box::new(wanted)))
            }
            ResultType::Task if method == "tools/call" && client.extension(TASKS_EXTENSION).is_some() => {
                Ok(Self::Task(result))
            }
            // What the examples of the extension show, against its text (XT-6).
            ResultType::Task if method == "tasks/get" => Ok(Self::Complete(result)),
            other => {
                Err(PeerMisbehaved::ResultType { method: method.to_owned(), found: other.as_str().to_owned() }.into())
            }
        }
    }
}

/// How nearly all results say that they are complete.
const COMPLETE: &[u8] = br#""complete""#;

/// Returns whether the method is one that may lead to questions (P-10).
fn may_ask_back(method: &str) -> bool {
    method::entry(method).is_some_and(|entry| entry.asks_back)
}

#[cfg(test)]
mod tests {
    use mcp_types::Revision;

    use super::*;

    fn read(method: &str, text: &str) -> Result<Answer, Error> {
        Answer::read(
            method,
            RawJson::parse(text.to_owned()).unwrap(),
            Revision::LATEST.features(),
            &ClientCapabilities::new(),
        )
    }

    #[test]
    fn a_result_without_a_kind_is_complete() {
        for text in ["{}", r#"{"resultType":null}"#, r#"{"resultType":"complete"}"#] {
            assert!(matches!(read("tools/list", text), Ok(Answer::Complete(_))), "{text}");
        }
    }

    #[test]
    fn the_result_of_a_legacy_server_has_no_kind() {
        let text = r#"{"resultType":"input_required"}"#;
        let raw = RawJson::parse(text.to_owned()).unwrap();
        let read =
            Answer::read("tools/call", raw.clone(), Revision::LATEST_LEGACY.features(), &ClientCapabilities::new());
        assert_eq!(read.unwrap(), Answer::Complete(raw));
    }

    #[test]
    fn a_question_is_read_only_where_there_may_be_one() {
        let text = r#"{"resultType":"input_required","requestState":"s"}"#;
        for method in ["tools/call", "prompts/get", "resources/read"] {
            let Ok(Answer::InputRequired(wanted)) = read(method, text) else { panic!("{method} may ask") };
            assert_eq!(wanted.request_state.as_deref(), Some("s"));
        }
        for method in ["tools/list", "server/discover", "completion/complete"] {
            assert!(matches!(read(method, text), Err(Error::Misbehaved(_))), "{method}");
        }
    }

    #[test]
    fn an_unknown_kind_makes_the_result_invalid() {
        let error = read("tools/call", r#"{"resultType":"later","content":[]}"#).unwrap_err();
        let expected = PeerMisbehaved::ResultType { method: "tools/call".to_owned(), found: "later".to_owned() };
        assert!(matches!(error, Error::Misbehaved(found) if found == expected));
        for text in [r#"{"resultType":7}"#, r#"{"resultType":"complete","resultType":"complete"}"#] {
            assert!(matches!(read("tools/call", text), Err(Error::Malformed(_))), "{text}");
        }
    }

    #[test]
    fn a_task_is_accepted_only_by_a_client_that_declared_the_extension() {
        let text = r#"{"resultType":"task","taskId":"1"}"#;
        assert!(matches!(read("tools/call", text), Err(Error::Misbehaved(_))));
        let declared: ClientCapabilities =
            serde_json::from_str(r#"{"extensions":{"io.modelcontextprotocol/tasks":{}}}"#).unwrap();
        let read = |method| Answer::read(method, RawJson::parse(text).unwrap(), Revision::LATEST.features(), &declared);
        assert!(matches!(read("tools/call"), Ok(Answer::Task(_))));
        assert!(matches!(read("prompts/get"), Err(Error::Misbehaved(_))));
    }
}
