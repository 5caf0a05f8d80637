//! The rounds that a client of Chat Completions did not see, put back where they were.
//!
//! Pure. When the model calls functions of the client in a later round, the client gets one message with those calls, and
//! sends it back with their answers. The model must find what it said itself: the rounds before, and in the last one the
//! calls that were made here, with their answers.

use mcp_types::{JsonObject, RawJson};
use serde::{Deserialize, Serialize};

use crate::chat::{Message, PassedCall};

/// What stands in the place of a message that was handed to a client.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Hidden {
    /// Of each call the id that the client knows and the one that the model gave it.
    ids: Vec<(String, String)>,
    /// The messages; the answer of the client to a call stands where an empty one is.
    messages: Vec<Message>,
}

impl Hidden {
    /// Keeps what was said since the client's request. `said` ends with a message whose calls are all answered, some of
    /// them only in form: those that were passed on.
    pub(super) fn new(said: &[Message], passed: &[PassedCall]) -> Option<Self> {
        let at = said.iter().rposition(|message| !message.tool_calls.is_empty())?;
        let last = said.get(at)?;
        let ids = passed.iter().map(|call| Some((call.id.clone(), last.tool_calls.get(call.position)?.id.clone())));
        let ids: Vec<(String, String)> = ids.collect::<Option<_>>()?;
        let mut messages = said.to_vec();
        // Many providers give the same ids in every round, so that only answers of this one can be meant.
        for message in messages.iter_mut().skip(at) {
            if ids.iter().any(|(_, id)| message.tool_call_id.as_ref() == Some(id)) {
                message.content = None;
            }
        }
        Some(Self { ids, messages })
    }

    /// Returns the messages with the answers of the client in their places.
    fn filled(mut self, answers: &mut Vec<Message>) -> Vec<Message> {
        self.messages.retain_mut(|message| {
            let place = self.ids.iter().find(|(_, id)| message.tool_call_id.as_ref() == Some(id));
            let Some((seen, id)) = place.filter(|_| message.content.is_none()) else { return true };
            let at = answers.iter().position(|answer| answer.tool_call_id.as_ref() == Some(seen));
            let Some(at) = at else { return false };
            *message = Message { tool_call_id: Some(id.clone()), ..answers.remove(at) };
            true
        });
        self.messages
    }
}

/// Puts back what the client did not see; returns whether there was anything. `recall` finds it by the id of a call.
pub(super) fn splice(messages: &mut Vec<Message>, mut recall: impl FnMut(&str) -> Option<RawJson>) -> bool {
    let mut found = false;
    let mut whole = Vec::with_capacity(messages.len());
    let mut rest = std::mem::take(messages).into_iter().peekable();
    while let Some(message) = rest.next() {
        let kept = message.tool_calls.iter().find_map(|call| recall(&call.id));
        let Some(hidden) = kept.and_then(|kept| kept.decode::<Hidden>().ok()) else {
            whole.push(message);
            continue;
        };
        found = true;
        let mut answers = Vec::new();
        while let Some(answer) = rest.next_if(|message| message.role == "tool") {
            answers.push(answer);
        }
        whole.extend(hidden.filled(&mut answers));
        whole.append(&mut answers);
    }
    *messages = whole;
    found
}

/// Reads the messages of a request that is passed through otherwise.
pub(super) fn messages_of(members: &JsonObject) -> Option<Vec<Message>> {
    members.member("messages")?.decode().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::{Arguments, Relay, ToolCall};

    fn calls(ids: &[&str]) -> Message {
        let mut message = Message::new("assistant", "");
        message.content = None;
        message.tool_calls = ids.iter().map(|id| ToolCall::new(*id, "f", Arguments::from("{}"))).collect();
        message
    }

    fn passed(position: usize, id: &str) -> PassedCall {
        // Only a relay makes one.
        let mut relay = Relay::new(["mine"]).id(format!("x-{id}"));
        for at in 0..=position {
            let name = if at == position { "mine" } else { "other" };
            let text = format!(
                r#"{{"choices":[{{"delta":{{"tool_calls":[{{"index":{at},"id":"c","function":{{"name":"{name}","arguments":"{{}}"}}}}]}}}}]}}"#
            );
            relay.push(&serde_json::from_str(&text).unwrap()).unwrap();
        }
        relay.passed()[0].clone()
    }

    #[test]
    fn answers_of_the_client_stand_among_those_of_the_servers() {
        let said = [
            calls(&["a", "b"]),
            Message::tool("a", "round one"),
            Message::tool("b", "round one"),
            calls(&["a", "b"]),
            Message::tool("a", "made here"),
            Message::tool("b", "cancelled"),
            Message::new("user", "a picture"),
        ];
        let passed = passed(1, "seen");
        let hidden = RawJson::encode(&Hidden::new(&said, std::slice::from_ref(&passed)).unwrap()).unwrap();
        let recall = |id: &str| (id == passed.id).then(|| hidden.clone());
        let mut messages = vec![
            Message::user("hi"),
            calls(&[&passed.id]),
            Message::tool(&passed.id, "of the client"),
            Message::user("and then?"),
        ];
        assert!(splice(&mut messages, recall));
        let mut expected = vec![Message::user("hi")];
        expected.extend(said);
        expected[6] = Message::tool("b", "of the client");
        expected.push(Message::user("and then?"));
        assert_eq!(messages, expected);

        // What the client did not answer is not answered for it.
        let mut messages = vec![calls(&[&passed.id])];
        assert!(splice(&mut messages, recall));
        let of_b = messages.iter().filter(|message| message.tool_call_id.as_deref() == Some("b"));
        assert_eq!(of_b.collect::<Vec<_>>(), [&Message::tool("b", "round one")]);
    }

    #[test]
    fn what_nobody_remembers_stays_as_it_is() {
        let before = vec![Message::user("hi"), calls(&["a"]), Message::tool("a", "b")];
        let mut messages = before.clone();
        assert!(!splice(&mut messages, |_| None));
        assert_eq!(messages, before);
    }
}
