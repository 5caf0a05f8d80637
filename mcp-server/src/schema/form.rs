//! The form that asks for a Rust type: a flat object of primitive members (T-130 to T-132).
//!
//! The surprising thing: what JSON Schema can say and a form cannot is left out where it only narrows, such as a
//! `pattern`. The type reads the answer in the end, and finds what the form could not say.

use mcp_types::RawJson;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

type Keywords = Map<String, Value>;

/// Returns the form whose members are those of `T`.
///
/// # Errors
///
/// Says which member a form cannot have.
pub(crate) fn form_of<T: JsonSchema>() -> Result<RawJson, String> {
    let mut settings = SchemaSettings::draft2020_12().for_deserialize();
    settings.inline_subschemas = true;
    let schema = settings.into_generator().into_root_schema_for::<T>().to_value();
    let name = T::schema_name();
    let Some(members) = schema.get("properties").and_then(Value::as_object) else {
        return Err(format!("the form of `{name}`: a form has named members; use a structure"));
    };
    let mut properties = Keywords::new();
    for (member, schema) in members {
        let flat = schema.as_object().and_then(member_of);
        let flat = flat.ok_or_else(|| {
            format!("the form of `{name}`: `{member}` is not a text, a number, yes or no, or a choice among texts")
        })?;
        properties.insert(member.clone(), Value::Object(flat));
    }
    let mut form = json!({"type": "object", "properties": properties});
    if let (Some(required), Some(form)) = (schema.get("required"), form.as_object_mut()) {
        form.insert("required".to_owned(), required.clone());
    }
    Ok(form.into())
}

fn member_of(schema: &Keywords) -> Option<Keywords> {
    if let Some(inner) = the_one_form(schema) {
        let mut member = member_of(inner)?;
        keep(schema, &mut member, &["title", "description", "default"]);
        return Some(member);
    }
    let mut member = Keywords::new();
    if let Some(choices) = choices(schema) {
        choice(&choices, &mut member);
        keep(schema, &mut member, &["title", "description", "default"]);
        return Some(member);
    }
    let kind = kind(schema)?;
    member.insert("type".to_owned(), kind.into());
    let beside: &[&str] = match kind {
        "string" => &["title", "description", "minLength", "maxLength", "default"],
        "integer" | "number" => &["title", "description", "minimum", "maximum", "default"],
        "boolean" => &["title", "description", "default"],
        "array" => &["title", "description", "minItems", "maxItems", "default"],
        _ => return None,
    };
    keep(schema, &mut member, beside);
    match kind {
        "string" => {
            let format = schema.get("format").and_then(Value::as_str);
            if let Some(format) = format.filter(|format| FORMATS.contains(format)) {
                member.insert("format".to_owned(), format.into());
            }
        }
        "array" => {
            member.insert("items".to_owned(), items(schema.get("items")?.as_object()?)?.into());
        }
        _ => {}
    }
    Some(member)
}

/// Returns the one form among `anyOf` or `allOf` that is not `null`: how an `Option` is written.
fn the_one_form(schema: &Keywords) -> Option<&Keywords> {
    let forms = schema.get("anyOf").or_else(|| schema.get("allOf"))?.as_array()?;
    let is_null = |form: &&Value| form.get("type").is_some_and(|kind| kind == "null");
    let mut forms = forms.iter().filter(|form| !is_null(form));
    let form = forms.next()?.as_object();
    if forms.next().is_some() { None } else { form }
}

/// Returns the type, where `null` beside it counts for nothing.
fn kind(schema: &Keywords) -> Option<&str> {
    match schema.get("type")? {
        Value::String(kind) => Some(kind),
        Value::Array(kinds) => {
            let mut kinds = kinds.iter().filter_map(Value::as_str).filter(|kind| *kind != "null");
            let kind = kinds.next();
            if kinds.next().is_some() { None } else { kind }
        }
        _ => None,
    }
}

/// Returns the texts to choose from, with the titles that some of them have; `None` for what is no choice.
fn choices(schema: &Keywords) -> Option<Vec<(String, Option<String>)>> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    if let Some(words) = schema.get("enum").and_then(Value::as_array) {
        return words.iter().filter(|word| !word.is_null()).map(|word| Some((text(word)?, None))).collect();
    }
    if let Some(word) = schema.get("const") {
        let title = schema.get("title").or_else(|| schema.get("description")).and_then(text);
        return Some(vec![(text(word)?, title)]);
    }
    let forms = schema.get("oneOf")?.as_array()?;
    let found: Option<Vec<_>> = forms.iter().map(|form| choices(form.as_object()?)).collect();
    Some(found?.into_iter().flatten().collect())
}

fn choice(choices: &[(String, Option<String>)], member: &mut Keywords) {
    member.insert("type".to_owned(), "string".into());
    let (keyword, value) = options(choices, "oneOf");
    member.insert(keyword.to_owned(), value);
}

/// Returns the items of a list, which are choices or nothing that a form can have.
fn items(schema: &Keywords) -> Option<Keywords> {
    let choices = choices(schema)?;
    let (keyword, value) = options(&choices, "anyOf");
    let mut items = Keywords::new();
    if keyword == "enum" {
        items.insert("type".to_owned(), "string".into());
    }
    items.insert(keyword.to_owned(), value);
    Some(items)
}

fn options<'k>(choices: &[(String, Option<String>)], titled: &'k str) -> (&'k str, Value) {
    if choices.iter().all(|(_, title)| title.is_none()) {
        return ("enum", choices.iter().map(|(word, _)| Value::from(word.as_str())).collect());
    }
    let option =
        |(word, title): &(String, Option<String>)| json!({"const": word, "title": title.as_ref().unwrap_or(word)});
    (titled, choices.iter().map(option).collect())
}

fn keep(from: &Keywords, to: &mut Keywords, names: &[&str]) {
    for name in names {
        if let Some(value) = from.get(*name).filter(|value| !value.is_null()) {
            to.insert((*name).to_owned(), value.clone());
        }
    }
}

/// The formats that a form may have (T-132).
const FORMATS: [&str; 4] = ["date", "date-time", "email", "uri"];

#[cfg(test)]
mod tests {
    #![allow(dead_code)]

    use mcp_types::RequestedSchema;
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize, JsonSchema)]
    enum Colour {
        Red,
        Green,
    }

    #[derive(Deserialize, JsonSchema)]
    enum Size {
        /// Fits in a pocket.
        Small,
        Large,
    }

    fn ten() -> u8 {
        10
    }

    #[derive(Deserialize, JsonSchema)]
    struct Order {
        /// Who orders.
        name: String,
        #[serde(default = "ten")]
        count: u8,
        price: Option<f64>,
        #[schemars(extend("format" = "email"))]
        mail: Option<String>,
        gift: bool,
        colour: Colour,
        size: Option<Size>,
        extras: Vec<Colour>,
    }

    #[test]
    fn every_kind_of_member_becomes_one_that_a_form_can_have() {
        let form = form_of::<Order>().unwrap();
        let value: Value = form.decode().unwrap();
        assert_eq!(
            value,
            json!({
                "type": "object",
                "properties": {
                    "name": {"type": "string", "description": "Who orders."},
                    "count": {"type": "integer", "minimum": 0, "maximum": 255, "default": 10},
                    "price": {"type": "number"},
                    "mail": {"type": "string", "format": "email"},
                    "gift": {"type": "boolean"},
                    "colour": {"type": "string", "enum": ["Red", "Green"]},
                    "size": {"type": "string", "oneOf": [
                        {"const": "Large", "title": "Large"},
                        {"const": "Small", "title": "Fits in a pocket."}
                    ]},
                    "extras": {"type": "array", "items": {"type": "string", "enum": ["Red", "Green"]}}
                },
                "required": ["name", "gift", "colour", "extras"]
            })
        );
        let form: RequestedSchema = form.decode().unwrap();
        assert_eq!(form.definitions().count(), 8, "each definition can be read");
    }

    #[test]
    fn what_is_not_flat_is_refused_by_its_name() {
        #[derive(Deserialize, JsonSchema)]
        struct Nested {
            order: Order,
        }
        #[derive(Deserialize, JsonSchema)]
        struct Listed {
            names: Vec<String>,
        }
        assert!(form_of::<Nested>().unwrap_err().contains("`order`"));
        assert!(form_of::<Listed>().unwrap_err().contains("`names`"));
        assert!(form_of::<String>().unwrap_err().contains("named members"));
    }
}
