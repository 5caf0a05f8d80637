//! The way back: `null` for "not given" leaves the arguments again.
//!
//! The surprising thing: the schema that is walked is the one before strict mode. It still knows which members may be
//! left out, and where the server wants to see a `null`.

use crate::json::{Object, Value};
use crate::schema::document::Document;

use super::alternatives::{may_be, resolved};
use super::pieces::allowed_values;
use super::{admits_null, names};

/// Takes away what stands for nothing; tells whether there was any.
pub(super) fn strip<'a>(document: &Document<'a>, schema: &'a Value, value: &mut Value) -> bool {
    let Some(members) = resolved(document, schema) else { return false };
    for keyword in ["anyOf", "oneOf", "allOf"] {
        if let Some(alternatives) = members.get(keyword).and_then(Value::as_array) {
            let meant = alternatives.iter().find(|alternative| fits(document, alternative, value));
            return meant.is_some_and(|meant| strip(document, meant, value));
        }
    }
    match value {
        Value::Array(items) => {
            let Some(schema) = members.get("items") else { return false };
            let mut changed = false;
            for item in items {
                changed |= strip(document, schema, item);
            }
            changed
        }
        Value::Object(object) => {
            let properties = members.get("properties").and_then(Value::as_object);
            let required = names(members.get("required"));
            let mut changed = false;
            for (name, schema) in properties.into_iter().flat_map(Object::iter) {
                let Some(member) = object.get_mut(name) else { continue };
                if *member != Value::Null {
                    changed |= strip(document, schema, member);
                } else if !required.contains(&name) && !admits_null(document, schema) {
                    object.remove(name);
                    changed = true;
                }
            }
            changed
        }
        _ => false,
    }
}

/// Whether a value is of this alternative: of its kind, and with its tags. The subset has no others to tell apart.
fn fits<'a>(document: &Document<'a>, alternative: &'a Value, value: &Value) -> bool {
    if !may_be(document, alternative, value.kind()) {
        return false;
    }
    let (Some(members), Some(object)) = (resolved(document, alternative), value.as_object()) else { return true };
    let lists = ["anyOf", "oneOf", "allOf"].into_iter().filter_map(|keyword| members.get(keyword)?.as_array());
    let has_fitting = lists.into_iter().all(|list| list.iter().any(|one| fits(document, one, value)));
    let properties = members.get("properties").and_then(Value::as_object);
    has_fitting
        && names(members.get("required")).into_iter().all(|name| {
            let schema = properties.and_then(|properties| properties.get(name));
            let values = schema.and_then(|schema| allowed_values(resolved(document, schema)?));
            values.is_none_or(|values| object.get(name).is_some_and(|member| values.contains(member)))
        })
}
