//! Puts together the members of deltas that are not known here.
//!
//! A rule for all of them: texts and lists go on, objects are put together member by member, `null` says nothing, and
//! anything else is replaced. The surprising thing: a text that names something (`id`, `type`, …) does not go on, because
//! providers repeat it.

use mcp_types::{JsonObject, RawJson};

use super::fault::StreamFault;
use crate::json::{Object, Value};

/// Members that come in parts.
#[derive(Clone, Debug, Default)]
pub(super) struct Members {
    known: Vec<(String, Value)>,
}

impl Members {
    /// Adds what came.
    pub(super) fn merge(&mut self, more: &JsonObject) -> Result<(), StreamFault> {
        for (name, value) in more.iter().filter(|(_, value)| !value.is_null()) {
            // What cannot be read here, such as a duplicate key, cannot be sent on either.
            let Ok(value) = Value::parse(value.as_str()) else { continue };
            if let Some((_, known)) = self.known.iter_mut().find(|(known, _)| known == name) {
                merge(known, value, name)?;
                continue;
            }
            bounded(self.known.len())?;
            self.known.push((name.to_owned(), value));
        }
        Ok(())
    }

    /// Takes what came in place of what was known.
    pub(super) fn replace(&mut self, name: &str, value: &RawJson) -> Result<(), StreamFault> {
        self.known.retain(|(known, _)| known != name);
        self.merge(&[(name, value.clone())].into_iter().collect())
    }

    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.known.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    pub(super) fn finish(self) -> JsonObject {
        let members = self.known.into_iter().filter_map(|(name, value)| Some((name, raw(&value)?)));
        members.collect()
    }
}

fn merge(known: &mut Value, more: Value, name: &str) -> Result<(), StreamFault> {
    match (known, more) {
        (_, Value::Null) => {}
        (Value::String(known), Value::String(more)) if !NAMES.contains(&name) => known.push_str(&more),
        (Value::Array(known), Value::Array(more)) => {
            return more.into_iter().try_for_each(|item| merge_item(known, item));
        }
        (Value::Object(known), Value::Object(more)) => return merge_objects(known, &more),
        (known, more) => *known = more,
    }
    Ok(())
}

/// An item that says of itself that it continues the last one does so.
fn merge_item(known: &mut Vec<Value>, item: Value) -> Result<(), StreamFault> {
    let index = |value: &Value| value.as_object().and_then(|item| item.get("index").cloned());
    match (known.last_mut(), item) {
        (Some(last @ Value::Object(_)), item) if index(&item).is_some() && index(&item) == index(last) => {
            return merge(last, item, "");
        }
        (_, item) => known.push(item),
    }
    Ok(())
}

fn merge_objects(known: &mut Object, more: &Object) -> Result<(), StreamFault> {
    let mut len = known.iter().count();
    for (name, value) in more.iter() {
        match known.get_mut(name) {
            Some(known) => merge(known, value.clone(), name)?,
            None => {
                bounded(len)?;
                len += 1;
                known.set(name, value.clone());
            }
        }
    }
    Ok(())
}

/// Members are looked for one by one, so that they must be few.
fn bounded(len: usize) -> Result<(), StreamFault> {
    if len >= MEMBER_LIMIT {
        return Err(StreamFault::TooLong { what: "members in one object", limit: MEMBER_LIMIT });
    }
    Ok(())
}

/// A value that was read within the bounds of raw JSON is within them again, unless its parts made it too deep.
pub(super) fn raw(value: &Value) -> Option<RawJson> {
    RawJson::parse(value.to_string()).ok()
}

/// Texts that name something.
const NAMES: [&str; 9] = ["format", "id", "index", "model", "name", "object", "role", "status", "type"];
const MEMBER_LIMIT: usize = 128;
