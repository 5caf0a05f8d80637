//! Schemas in schemas that have an `$id`: references inside them are meant from there.
//!
//! Everything else here reads references from the root of the document. So, before anything is done with a schema, those
//! that are meant otherwise are written from the root. The surprising thing: most schemas have no such part, and then
//! nothing is changed at all.

use std::collections::HashMap;

use crate::json::Value;

use super::keywords;

/// Writes every reference so that it is meant from the root.
pub(crate) fn settled(root: Value) -> Value {
    let mut scopes = Scopes::default();
    scopes.collect(&root, "", &Scope::default());
    if scopes.resources.len() < 2 && !scopes.has_inner {
        return root;
    }
    scopes.rewritten(&root, "", &Scope::default())
}

/// What references are meant from.
#[derive(Clone, Debug, Default)]
struct Scope {
    /// The pointer of the schema that has the `$id`.
    pointer: String,
    uri: String,
}

impl Scope {
    /// The scope within a schema, which is another one when the schema has an `$id` of its own.
    fn within(&self, schema: &Value, pointer: &str) -> Self {
        let id = schema.as_object().and_then(|members| members.get("$id")).and_then(Value::as_str);
        // With `#` in front it is the name of a place, up to draft 7.
        match id.filter(|id| !id.starts_with('#')) {
            Some(id) => Self { pointer: pointer.to_owned(), uri: joined(&self.uri, id.trim_end_matches('#')) },
            None => self.clone(),
        }
    }
}

#[derive(Default)]
struct Scopes {
    /// From a URI to the pointer of the schema that has it.
    resources: HashMap<String, String>,
    /// From the pointer of a scope and a name in it to the pointer of the schema that has it.
    anchors: HashMap<(String, String), String>,
    /// Whether there is a scope below the root.
    has_inner: bool,
}

impl Scopes {
    fn collect(&mut self, schema: &Value, pointer: &str, outer: &Scope) {
        let scope = outer.within(schema, pointer);
        self.has_inner |= !scope.pointer.is_empty();
        self.resources.entry(scope.uri.clone()).or_insert_with(|| scope.pointer.clone());
        let members = schema.as_object();
        for keyword in ["$anchor", "$dynamicAnchor", "$id"] {
            let name = members.and_then(|members| members.get(keyword)).and_then(Value::as_str);
            let name = name.filter(|name| keyword != "$id" || name.starts_with('#'));
            if let Some(name) = name {
                let place = (scope.pointer.clone(), name.trim_start_matches('#').to_owned());
                self.anchors.entry(place).or_insert_with(|| pointer.to_owned());
            }
        }
        keywords::each_subschema(schema, pointer, |_, at, subschema| self.collect(subschema, &at, &scope));
    }

    fn rewritten(&self, schema: &Value, pointer: &str, outer: &Scope) -> Value {
        let scope = outer.within(schema, pointer);
        let mut schema = keywords::map_subschemas(schema, pointer, &mut |at, part| self.rewritten(part, at, &scope));
        if let Value::Object(members) = &mut schema {
            for keyword in ["$ref", "$dynamicRef", "$recursiveRef"] {
                let reference = members.get(keyword).and_then(Value::as_str);
                if let Some(pointer) = reference.and_then(|reference| self.resolve(reference, &scope)) {
                    members.set(keyword, format!("#{}", pointer.replace('%', "%25")));
                }
            }
        }
        schema
    }

    /// Finds the pointer from the root; `None` leaves the reference to whoever reads it.
    fn resolve(&self, reference: &str, scope: &Scope) -> Option<String> {
        let (uri, fragment) = reference.split_once('#').unwrap_or((reference, ""));
        let base = if uri.is_empty() { &scope.pointer } else { self.resources.get(&joined(&scope.uri, uri))? };
        if fragment.is_empty() || fragment.starts_with('/') {
            return Some(format!("{base}{}", super::document::percent_decode(fragment)?));
        }
        self.anchors.get(&(base.clone(), fragment.to_owned())).cloned()
    }
}

/// Reads a URI as it is meant from another one: as far as identifiers of schemas go.
fn joined(base: &str, uri: &str) -> String {
    if uri.contains("://") || uri.starts_with("urn:") {
        return uri.to_owned();
    }
    let authority = base.find("://").map_or(0, |end| end + 3);
    let path = match base.get(authority..).and_then(|rest| rest.find('/')) {
        Some(start) if authority > 0 => authority + start,
        None if authority > 0 => base.len(),
        _ => 0,
    };
    let folder = base.rfind('/').filter(|end| *end >= path).map_or(path, |end| end + 1);
    let (kept, uri) = match uri.strip_prefix('/') {
        Some(_) => (path, uri),
        None => (folder, uri.trim_start_matches("./")),
    };
    let slash = if kept == path && authority > 0 && !uri.starts_with('/') { "/" } else { "" };
    format!("{}{slash}{uri}", base.get(..kept).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relative_identifier_is_read_from_the_one_around_it() {
        let check = |base: &str, uri: &str, expected: &str| assert_eq!(joined(base, uri), expected);
        check("", "inner", "inner");
        check("https://h/a/b", "c", "https://h/a/c");
        check("https://h/a/b", "/c", "https://h/c");
        check("https://h", "c", "https://h/c");
        check("https://h/a/", "./c", "https://h/a/c");
        check("https://h/a", "https://other/x", "https://other/x");
        check("outer", "inner", "inner");
    }

    #[test]
    fn references_within_a_part_with_an_identifier_lead_from_the_root() {
        let check = |input: &str, expected: &str| {
            assert_eq!(settled(Value::parse(input).unwrap()).to_string(), expected);
        };
        check(
            r##"{"$id":"https://h/s","properties":{"a":{"$ref":"part#/$defs/x"},"b":{"$ref":"#/$defs/x"}},"$defs":{"x":{},"p":{"$id":"part","$ref":"#/$defs/x","$defs":{"x":{"$anchor":"n"},"y":{"$ref":"#n"}}}}}"##,
            r##"{"$id":"https://h/s","properties":{"a":{"$ref":"#/$defs/p/$defs/x"},"b":{"$ref":"#/$defs/x"}},"$defs":{"x":{},"p":{"$id":"part","$ref":"#/$defs/p/$defs/x","$defs":{"x":{"$anchor":"n"},"y":{"$ref":"#/$defs/p/$defs/x"}}}}}"##,
        );
        // Names of places are no scopes, and what leads nowhere stays.
        for same in [
            r##"{"$id":"https://h/s","$defs":{"p":{"$id":"#n","$ref":"#/$defs/x"}}}"##,
            r##"{"$defs":{"p":{"$id":"part","$ref":"https://elsewhere/x"}}}"##,
        ] {
            check(same, same);
        }
    }
}
