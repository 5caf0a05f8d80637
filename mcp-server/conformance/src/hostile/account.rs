//! Whether every id was answered exactly once. Pure.

use serde_json::Value;

/// An id that was sent, and the codes of the answers to it; 0 stands for a result.
#[derive(Clone, Debug)]
pub(super) struct Owed {
    pub(super) id: &'static str,
    pub(super) codes: &'static [i64],
    /// Whether the fault may stand in the way of reading the id.
    pub(super) is_hidden: bool,
}

/// Checks that `answers` are what is owed, in any order, and so many answers without an id besides (O1).
pub(super) fn check(owed: &[Owed], nameless: usize, answers: &[Value]) -> Result<(), String> {
    let id = |answer: &Value| answer.get("id").filter(|id| !id.is_null()).cloned();
    let mut hidden = 0;
    for one in owed {
        let own = answers.iter().filter(|answer| id(answer).as_ref().and_then(Value::as_str) == Some(one.id));
        let mut codes: Vec<_> = own.map(code).collect();
        codes.sort_unstable();
        if codes.is_empty() && one.is_hidden {
            hidden += one.codes.len();
        } else if codes != one.codes {
            return Err(format!("the id {:?} is answered with {codes:?}, not {:?} (O1)", one.id, one.codes));
        }
    }
    let unknown = answers.iter().filter_map(id).find(|id| !owed.iter().any(|one| id.as_str() == Some(one.id)));
    if let Some(id) = unknown {
        return Err(format!("an answer has the id {id}, which nobody sent (O2)"));
    }
    let found = answers.iter().filter(|answer| id(answer).is_none()).count();
    if found == nameless + hidden {
        Ok(())
    } else {
        Err(format!("{found} answers have no id, not {}", nameless + hidden))
    }
}

/// Returns the code of an answer; 0 stands for a result.
fn code(answer: &Value) -> i64 {
    answer.pointer("/error/code").map_or(0, |code| code.as_i64().unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const OWED: [Owed; 2] =
        [Owed { id: "a", codes: &[-32600, 0], is_hidden: false }, Owed { id: "b", codes: &[-32700], is_hidden: true }];

    fn error(id: &Value, code: i64) -> Value {
        json!({ "id": id, "error": { "code": code } })
    }

    fn check(answers: &[Value]) -> Result<(), String> {
        super::check(&OWED, 1, answers)
    }

    #[test]
    fn every_id_is_owed_exactly_its_answers() {
        let (result, refusal) = (json!({ "id": "a", "result": {} }), error(&json!("a"), -32600));
        let (named, nameless) = (error(&json!("b"), -32700), error(&Value::Null, -32600));
        let all = [result.clone(), refusal.clone(), named, nameless.clone()];
        assert_eq!(check(&all), Ok(()));
        assert_eq!(check(&[result, refusal.clone(), nameless.clone(), nameless]), Ok(()));
        assert!(check(&all[1..]).unwrap_err().contains("\"a\""));
        assert!(check(&all[..3]).unwrap_err().contains("no id"));
        assert!(check(&[&all[..], &[refusal]].concat()).unwrap_err().contains("\"a\""));
        assert!(check(&[&all[..], &[error(&json!("c"), 1)]].concat()).unwrap_err().contains("nobody sent"));
    }
}
