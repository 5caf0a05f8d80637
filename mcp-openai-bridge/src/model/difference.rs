//! Where two JSON documents differ first, as a JSON pointer (RFC 6901).

use std::fmt;

use serde_json::Value;

/// The first difference between what was recorded and what is there now.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Difference {
    /// Empty for the whole document.
    pointer: String,
    recorded: Option<Value>,
    now: Option<Value>,
}

/// Finds the first difference, in the order of the recorded document; what is new comes last in its object.
pub(super) fn difference(recorded: &Value, now: &Value) -> Option<Difference> {
    find(&mut String::new(), recorded, now)
}

fn find(pointer: &mut String, recorded: &Value, now: &Value) -> Option<Difference> {
    match (recorded, now) {
        (Value::Object(recorded), Value::Object(now)) => {
            let known = recorded.iter().map(|(key, value)| (key.as_str(), Some(value), now.get(key)));
            let new = now.iter().filter(|(key, _)| !recorded.contains_key(*key));
            let new = new.map(|(key, value)| (key.as_str(), None, Some(value)));
            known.chain(new).find_map(|(key, recorded, now)| step(pointer, &escaped(key), recorded, now))
        }
        (Value::Array(recorded), Value::Array(now)) => {
            let length = recorded.len().max(now.len());
            (0..length).find_map(|index| step(pointer, &index.to_string(), recorded.get(index), now.get(index)))
        }
        _ if recorded == now => None,
        _ => Some(Difference { pointer: pointer.clone(), recorded: Some(recorded.clone()), now: Some(now.clone()) }),
    }
}

fn step(pointer: &mut String, key: &str, recorded: Option<&Value>, now: Option<&Value>) -> Option<Difference> {
    let length = pointer.len();
    pointer.push('/');
    pointer.push_str(key);
    let found = match (recorded, now) {
        (Some(recorded), Some(now)) => find(pointer, recorded, now),
        (recorded, now) => {
            Some(Difference { pointer: pointer.clone(), recorded: recorded.cloned(), now: now.cloned() })
        }
    };
    pointer.truncate(length);
    found
}

fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |value: &Option<Value>| match value {
            None => "nothing".to_owned(),
            Some(value) => {
                let text = value.to_string();
                match text.char_indices().nth(SHOWN_CHARS) {
                    Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
                    None => text,
                }
            }
        };
        let place = if self.pointer.is_empty() { "the whole" } else { self.pointer.as_str() };
        write!(f, "at {place}: {} was recorded, {} is there now", shown(&self.recorded), shown(&self.now))
    }
}

/// Characters of a value that are shown.
const SHOWN_CHARS: usize = 120;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_first_difference_is_shown_by_its_pointer() {
        let check = |recorded: Value, now: Value, expected: Option<&str>| {
            assert_eq!(difference(&recorded, &now).map(|found| found.to_string()).as_deref(), expected);
        };
        check(json!({"a":[1,{"b":2}]}), json!({"a":[1,{"b":2}]}), None);
        check(json!({"a":1,"b":2}), json!({"b":2,"a":1}), None);
        check(json!({"a":[1,{"b":2}]}), json!({"a":[1,{"b":3}]}), Some("at /a/1/b: 2 was recorded, 3 is there now"));
        check(json!({"a":[1]}), json!({"a":[1,2]}), Some("at /a/1: nothing was recorded, 2 is there now"));
        check(json!({"x~/y":1}), json!({}), Some("at /x~0~1y: 1 was recorded, nothing is there now"));
        check(json!({}), json!({"n":null}), Some("at /n: nothing was recorded, null is there now"));
        check(json!(1), json!("1"), Some("at the whole: 1 was recorded, \"1\" is there now"));
    }
}
