//! The schema as it came, with a way from a reference to the schema it names.
//!
//! Only references into the same document are followed; nothing is ever fetched (T-115).

use std::cell::OnceCell;
use std::collections::HashMap;

use crate::json::{self, Value};

use super::keywords;

/// A schema document.
#[derive(Debug)]
pub(crate) struct Document<'a> {
    root: &'a Value,
    /// `$anchor`, `$dynamicAnchor` and `$id` to the pointer of the schema that has it; looked for when a reference has
    /// the first of them.
    names: OnceCell<HashMap<String, String>>,
}

impl<'a> Document<'a> {
    pub(crate) fn new(root: &'a Value) -> Self {
        Self { root, names: OnceCell::new() }
    }

    pub(crate) fn root(&self) -> &'a Value {
        self.root
    }

    /// Returns the pointer of the schema that has a name.
    fn named(&self, name: &str) -> Option<&str> {
        let names = self.names.get_or_init(|| {
            let mut names = HashMap::new();
            collect(self.root, "", &mut names);
            names
        });
        names.get(name).map(String::as_str)
    }

    /// Returns the pointer and the schema that `reference` names, if it is in this document.
    pub(crate) fn resolve(&self, reference: &str) -> Option<(String, &'a Value)> {
        let (base, fragment) = reference.split_once('#').unwrap_or((reference, ""));
        let start = if base.is_empty() { "" } else { self.named(base)? };
        let fragment = percent_decode(fragment)?;
        let pointer = if fragment.is_empty() {
            start.to_owned()
        } else if fragment.starts_with('/') {
            format!("{start}{fragment}")
        } else {
            self.named(&fragment)?.to_owned()
        };
        let target = self.root.pointer(&pointer)?;
        keywords::is_schema(target).then_some((pointer, target))
    }
}

/// The keywords that name another schema.
pub(crate) const REFERENCES: [&str; 3] = ["$ref", "$dynamicRef", "$recursiveRef"];

/// The reference that a schema consists of, if it has one.
pub(crate) fn reference(members: &json::Object) -> Option<(&'static str, &str)> {
    REFERENCES.into_iter().find_map(|keyword| Some((keyword, members.get(keyword)?.as_str()?)))
}

fn collect(schema: &Value, pointer: &str, names: &mut HashMap<String, String>) {
    let Some(members) = schema.as_object() else { return };
    for keyword in ["$anchor", "$dynamicAnchor", "$id"] {
        if let Some(name) = members.get(keyword).and_then(Value::as_str) {
            let name = name.trim_end_matches('#').trim_start_matches('#');
            names.entry(name.to_owned()).or_insert_with(|| pointer.to_owned());
        }
    }
    keywords::each_subschema(schema, pointer, |_, at, subschema| collect(subschema, &at, names));
}

/// Takes the percent-encoding off; `None` for what is none, or no text.
pub(crate) fn percent_decode(fragment: &str) -> Option<String> {
    if !fragment.contains('%') {
        return Some(fragment.to_owned());
    }
    let mut bytes = Vec::with_capacity(fragment.len());
    let mut rest = fragment.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let high = char::from(rest.next()?).to_digit(16)?;
            let low = char::from(rest.next()?).to_digit(16)?;
            bytes.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_resolve_by_pointer_anchor_and_identifier() {
        let root = Value::parse(
            r#"{"$id":"https://x.example/s","$defs":{"a b":{"type":"string"},"n":{"$anchor":"node","type":"null"}}}"#,
        )
        .unwrap();
        let document = Document::new(&root);
        let check = |reference: &str, expected: Option<&str>| {
            assert_eq!(document.resolve(reference).map(|(pointer, _)| pointer).as_deref(), expected, "{reference}");
        };
        check("#", Some(""));
        check("#/$defs/a%20b", Some("/$defs/a b"));
        check("#node", Some("/$defs/n"));
        check("https://x.example/s#/$defs/n", Some("/$defs/n"));
        check("https://elsewhere.example/s", None);
        check("file:///etc/passwd", None);
        check("#/$defs/absent", None);
        check("#/$id", None);
        check("#/%zz", None);
    }
}
