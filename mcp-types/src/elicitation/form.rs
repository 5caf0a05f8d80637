//! Whether the answer to an elicitation is what was asked for (T-131 to T-135, P-16).
//!
//! The surprising thing: a member that the form does not know is let through. A form says what is needed, and a client
//! that says more does no harm; whoever decodes the content takes what it names.

use std::error::Error;
use std::fmt;

use super::{
    ElicitAction, ElicitRequestParams, ElicitResult, EnumOption, NumberSchema, NumberType,
    PrimitiveSchemaDefinition as Primitive, RequestedSchema, StringFormat, StringSchema,
};
use crate::json::{JsonObject, RawJson};

/// What is wrong with the answer to an elicitation: which member of the content, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FormFault {
    /// The member; none when the answer as a whole is wrong.
    pub member: Option<String>,
    /// What is wrong with it.
    pub why: String,
}

impl ElicitRequestParams {
    /// Brings an answer into the form that the question allows, and returns what is wrong with it, every fault at once.
    ///
    /// Members of an accepted form that were left out get their defaults (T-134), and then the content is
    /// [checked](RequestedSchema::check) (T-135). Unless a form was accepted there may be no content, and it is dropped
    /// (T-133). No fault means that the answer fits.
    ///
    /// # Examples
    ///
    /// ```
    /// use mcp_types::{BooleanSchema, ElicitRequestFormParams, ElicitRequestParams, ElicitResult, RequestedSchema};
    ///
    /// let form = RequestedSchema::new()
    ///     .required_property("sure", BooleanSchema::new())
    ///     .property("loud", BooleanSchema::new().default(false));
    /// let question: ElicitRequestParams = ElicitRequestFormParams::new("Delete it?", form).into();
    ///
    /// let mut answer = ElicitResult::new("accept");
    /// let faults = question.settle(&mut answer);
    /// assert_eq!(faults[0].to_string(), "`sure` is required and not there");
    /// assert_eq!(answer.content.unwrap().member("loud").unwrap().as_str(), "false");
    /// ```
    pub fn settle(&self, answer: &mut ElicitResult) -> Vec<FormFault> {
        match (&answer.action, self) {
            (ElicitAction::Accept, Self::Form(form)) => match form.requested_schema.decode::<RequestedSchema>() {
                Ok(schema) => {
                    answer.fill_defaults(&schema);
                    schema.check(answer.content.get_or_insert_default())
                }
                Err(error) => vec![FormFault::of_all(format!("the form cannot be read: {error}"))],
            },
            (ElicitAction::Accept | ElicitAction::Cancel | ElicitAction::Decline, _) => {
                answer.content = None;
                Vec::new()
            }
            (other, _) => {
                let why = format!("`action` is accept, decline or cancel, not {:?}", other.as_str());
                vec![FormFault::of_all(why)]
            }
        }
    }
}

impl RequestedSchema {
    /// Returns what is wrong with the content of a form, every fault of it (T-135).
    ///
    /// A member that the form does not know is let through, and so is one whose definition nobody can read.
    pub fn check(&self, content: &JsonObject) -> Vec<FormFault> {
        let mut faults = Vec::new();
        for name in self.required.iter().flatten() {
            if content.member(name).is_none() {
                faults.push(FormFault::of(name, "is required and not there".to_owned()));
            }
        }
        for (name, value) in content.iter() {
            let definition = self.properties.member(name).and_then(|raw| raw.decode::<Primitive>().ok());
            if let Some(Err(why)) = definition.map(|definition| fits(&definition, value)) {
                faults.push(FormFault::of(name, why));
            }
        }
        faults
    }
}

impl FormFault {
    fn of(member: &str, why: String) -> Self {
        Self { member: Some(member.to_owned()), why }
    }

    fn of_all(why: String) -> Self {
        Self { member: None, why }
    }
}

fn fits(definition: &Primitive, value: &RawJson) -> Result<(), String> {
    match definition {
        Primitive::String(schema) => string_fits(schema, &text(value)?),
        Primitive::Number(schema) => number_fits(schema, value),
        Primitive::Boolean(_) => value.decode().map(|_: bool| ()).map_err(|_| "must be true or false".to_owned()),
        Primitive::UntitledSingleSelect(schema) => one_of(&text(value)?, schema.values.iter().map(String::as_str)),
        Primitive::LegacyTitledEnum(schema) => one_of(&text(value)?, schema.values.iter().map(String::as_str)),
        Primitive::TitledSingleSelect(schema) => one_of(&text(value)?, words(&schema.one_of)),
        Primitive::UntitledMultiSelect(schema) => {
            let chosen = list(value, schema.min_items, schema.max_items)?;
            chosen.iter().try_for_each(|word| one_of(word, schema.items.values.iter().map(String::as_str)))
        }
        Primitive::TitledMultiSelect(schema) => {
            let chosen = list(value, schema.min_items, schema.max_items)?;
            chosen.iter().try_for_each(|word| one_of(word, words(&schema.items.any_of)))
        }
    }
}

fn text(value: &RawJson) -> Result<String, String> {
    value.decode().map_err(|_| "must be a string".to_owned())
}

fn words(options: &[EnumOption]) -> impl Iterator<Item = &str> + Clone {
    options.iter().map(|option| option.value.as_str())
}

fn one_of<'w>(word: &str, words: impl Iterator<Item = &'w str> + Clone) -> Result<(), String> {
    if words.clone().any(|allowed| allowed == word) {
        return Ok(());
    }
    let allowed: Vec<String> = words.map(|word| format!("{word:?}")).collect();
    Err(format!("must be one of {}", allowed.join(", ")))
}

fn list(value: &RawJson, least: Option<u64>, most: Option<u64>) -> Result<Vec<String>, String> {
    let chosen: Vec<String> = value.decode().map_err(|_| "must be a list of strings".to_owned())?;
    let length = chosen.len() as u64;
    within(length, least, most).map_err(|bound| format!("must have {bound} items"))?;
    Ok(chosen)
}

fn string_fits(schema: &StringSchema, text: &str) -> Result<(), String> {
    let length = text.chars().count() as u64;
    within(length, schema.min_length, schema.max_length).map_err(|bound| format!("must have {bound} characters"))?;
    let (is_right, what) = match &schema.format {
        Some(StringFormat::Date) => (is_date(text), "a date such as 2026-07-28"),
        Some(StringFormat::DateTime) => (is_date_time(text), "a time such as 2026-07-28T09:30:00Z"),
        Some(StringFormat::Email) => (is_email(text), "an email address"),
        Some(StringFormat::Uri) => (is_uri(text), "a URI"),
        _ => return Ok(()),
    };
    if is_right { Ok(()) } else { Err(format!("must be {what}")) }
}

fn number_fits(schema: &NumberSchema, value: &RawJson) -> Result<(), String> {
    let number: f64 = value.decode().map_err(|_| "must be a number".to_owned())?;
    if schema.kind == NumberType::Integer && number.fract() != 0.0 {
        return Err("must be a whole number".to_owned());
    }
    match (schema.minimum, schema.maximum) {
        (Some(least), _) if number < least => Err(format!("must be at least {least}")),
        (_, Some(most)) if number > most => Err(format!("must be at most {most}")),
        _ => Ok(()),
    }
}

/// Returns the bound that a number is not within.
fn within(number: u64, least: Option<u64>, most: Option<u64>) -> Result<(), String> {
    match (least, most) {
        (Some(least), _) if number < least => Err(format!("at least {least}")),
        (_, Some(most)) if number > most => Err(format!("at most {most}")),
        _ => Ok(()),
    }
}

/// Whether something stands on both sides of one `@`, without space. Whether mail arrives there, only mail can tell.
fn is_email(text: &str) -> bool {
    let is_part = |part: &str| !part.is_empty() && !part.contains(|c: char| c.is_whitespace() || c.is_control());
    text.rsplit_once('@').is_some_and(|(name, host)| is_part(name) && is_part(host) && !name.contains('@'))
}

fn is_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    is_scheme && !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte))
}

fn is_date(text: &str) -> bool {
    let Some([year, month, day]) = digits(text, [4, 2, 2], "-") else { return false };
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    (1..=days).contains(&day)
}

/// Whether the text is a time as RFC 3339 writes it; a leap second counts.
fn is_date_time(text: &str) -> bool {
    let Some((date, time)) = text.split_once(['T', 't']) else { return false };
    let Some(zone_at) = time.find(['Z', 'z', '+', '-']) else { return false };
    let (clock, zone) = time.split_at(zone_at);
    let is_zone = match zone.get(1..) {
        Some("") => zone.eq_ignore_ascii_case("z"),
        Some(offset) if zone.starts_with(['+', '-']) => {
            digits(offset, [2, 2], ":").is_some_and(|[hour, minute]| hour < 24 && minute < 60)
        }
        _ => false,
    };
    let (whole, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let is_fraction = !fraction.is_empty() && fraction.bytes().all(|byte| byte.is_ascii_digit());
    let is_clock = digits(whole, [2, 2, 2], ":").is_some_and(|[h, m, s]| h < 24 && m < 60 && s <= 60);
    is_date(date) && is_clock && is_fraction && is_zone
}

/// Reads numbers of so many digits each, with a mark between them.
fn digits<const N: usize>(text: &str, lengths: [usize; N], mark: &str) -> Option<[u32; N]> {
    let mut numbers = [0; N];
    let mut parts = text.split(mark);
    for (number, length) in numbers.iter_mut().zip(lengths) {
        let part =
            parts.next().filter(|part| part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit()))?;
        *number = part.parse().ok()?;
    }
    parts.next().is_none().then_some(numbers)
}

impl fmt::Display for FormFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.member {
            Some(member) => write!(f, "`{member}` {}", self.why),
            None => f.write_str(&self.why),
        }
    }
}

impl Error for FormFault {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BooleanSchema, ElicitRequestFormParams, ElicitRequestUrlParams};

    fn faults(property: &str, value: &str) -> Vec<String> {
        let schema = format!(r#"{{"type":"object","properties":{{"m":{property}}}}}"#);
        let question = ElicitRequestParams::from(ElicitRequestFormParams::new("?", RawJson::parse(schema).unwrap()));
        let content: JsonObject = serde_json::from_str(&format!(r#"{{"m":{value}}}"#)).unwrap();
        let mut answer = ElicitResult::new("accept").content(content);
        question.settle(&mut answer).iter().map(ToString::to_string).collect()
    }

    #[track_caller]
    fn check_values(property: &str, right: &[&str], wrong: &[&str], why: &str) {
        for value in right {
            assert_eq!(faults(property, value), Vec::<String>::new(), "{value}");
        }
        for value in wrong {
            assert_eq!(faults(property, value), [format!("`m` {why}")], "{value}");
        }
    }

    #[test]
    fn texts_have_their_length_in_characters_and_their_format() {
        let string = r#"{"type":"string","minLength":2,"maxLength":3}"#;
        check_values(string, &[r#""ab""#, r#""ééé""#, r#""😀😀""#], &[r#""a""#], "must have at least 2 characters");
        check_values(string, &[], &[r#""abcd""#], "must have at most 3 characters");
        check_values(string, &[], &["1", "null", "[]", "true"], "must be a string");
        let of = |format: &str| format!(r#"{{"type":"string","format":"{format}"}}"#);
        check_values(
            &of("email"),
            &[r#""a@b.c""#, r#""a+b@localhost""#],
            &[r#""a""#, r#""@b""#, r#""a@""#, r#""a b@c""#, r#""a@b@c""#],
            "must be an email address",
        );
        check_values(
            &of("uri"),
            &[r#""https://example.com/a?b#c""#, r#""urn:x""#, r#""a+b:c""#],
            &[r#""example""#, r#"":x""#, r#""a:""#, r#""1a:b""#, r#""a:b c""#, r#""a:\n""#],
            "must be a URI",
        );
        check_values(
            &of("date"),
            &[r#""2026-07-28""#, r#""2024-02-29""#, r#""2000-02-29""#],
            &[r#""2026-02-29""#, r#""1900-02-29""#, r#""2026-13-01""#, r#""2026-04-31""#, r#""2026-00-10""#]
                .iter()
                .chain(&[r#""2026-7-28""#, r#""2026-07-28-1""#, r#""+026-07-28""#, r#""2026-01-00""#])
                .copied()
                .collect::<Vec<_>>(),
            "must be a date such as 2026-07-28",
        );
        check_values(
            &of("date-time"),
            &[r#""2026-07-28T09:30:00Z""#, r#""2026-07-28t23:59:60.125+05:30""#],
            &[r#""2026-07-28""#, r#""2026-07-28T09:30:00""#, r#""2026-07-28T24:00:00Z""#, r#""2026-07-28T09:30Z""#]
                .iter()
                .chain(&[r#""2026-07-28T09:30:00.Z""#, r#""2026-07-28T09:30:00+5""#, r#""2026-07-28T09:30:00Zx""#])
                .copied()
                .collect::<Vec<_>>(),
            "must be a time such as 2026-07-28T09:30:00Z",
        );
        check_values(&of("later"), &[r#""anything""#], &[], "");
    }

    #[test]
    fn numbers_are_whole_where_they_must_be_and_within_their_bounds() {
        let integer = r#"{"type":"integer","minimum":-1,"maximum":10}"#;
        check_values(integer, &["0", "-1", "10", "1.0", "1e1"], &["1.5"], "must be a whole number");
        check_values(integer, &[], &["-2"], "must be at least -1");
        check_values(integer, &[], &["11"], "must be at most 10");
        check_values(r#"{"type":"number"}"#, &["1.5", "-1e300"], &[r#""1""#, "true", "null"], "must be a number");
    }

    #[test]
    fn booleans_are_true_or_false() {
        check_values(r#"{"type":"boolean"}"#, &["true", "false"], &["0", r#""true""#, "null"], "must be true or false");
    }

    #[test]
    fn choices_are_among_those_offered_in_all_five_spellings() {
        let why = r#"must be one of "a", "b""#;
        for one in [
            r#"{"type":"string","enum":["a","b"]}"#,
            r#"{"type":"string","enum":["a","b"],"enumNames":["A","B"]}"#,
            r#"{"type":"string","oneOf":[{"const":"a","title":"A"},{"const":"b","title":"B"}]}"#,
        ] {
            check_values(one, &[r#""a""#, r#""b""#], &[r#""A""#, r#""""#], why);
            check_values(one, &[], &[r#"["a"]"#], "must be a string");
        }
        for some in [
            r#"{"type":"array","minItems":1,"maxItems":2,"items":{"type":"string","enum":["a","b"]}}"#,
            r#"{"type":"array","minItems":1,"maxItems":2,"items":{"anyOf":[{"const":"a","title":""},{"const":"b","title":""}]}}"#,
        ] {
            check_values(some, &[r#"["a"]"#, r#"["b","a"]"#], &[r#"["c"]"#, r#"["a","c"]"#], why);
            check_values(some, &[], &["[]"], "must have at least 1 items");
            check_values(some, &[], &[r#"["a","b","a"]"#], "must have at most 2 items");
            check_values(some, &[], &[r#""a""#, "[1]"], "must be a list of strings");
        }
    }

    #[test]
    fn every_fault_is_listed_and_what_was_not_asked_for_is_let_through() {
        let schema = r#"{"type":"object","properties":{"a":{"type":"boolean"},"b":{"type":"string"},"o":{"type":"object"}},"required":["a","b","c"]}"#;
        let question = ElicitRequestParams::from(ElicitRequestFormParams::new("?", RawJson::parse(schema).unwrap()));
        let content: JsonObject = serde_json::from_str(r#"{"a":1,"x":{"y":[]},"o":7}"#).unwrap();
        let mut answer = ElicitResult::new("accept").content(content);
        let faults: Vec<String> = question.settle(&mut answer).iter().map(ToString::to_string).collect();
        assert_eq!(
            faults,
            ["`b` is required and not there", "`c` is required and not there", "`a` must be true or false"]
        );
    }

    #[test]
    fn only_an_accepted_form_has_content_t_133() {
        let form: ElicitRequestParams = ElicitRequestFormParams::new("?", RawJson::from(RequestedSchema::new())).into();
        let url: ElicitRequestParams = ElicitRequestUrlParams::new("?", "https://example.com").into();
        let check = |question: &ElicitRequestParams, action: &str, kept: bool| {
            let mut answer = ElicitResult::new(action).content(JsonObject::new());
            assert_eq!(question.settle(&mut answer), []);
            assert_eq!(answer.content.is_some(), kept, "{action}");
        };
        check(&form, "accept", true);
        check(&form, "decline", false);
        check(&form, "cancel", false);
        check(&url, "accept", false);
        let mut answer = ElicitResult::new("accept");
        assert_eq!(form.settle(&mut answer), []);
        assert!(answer.content.is_some(), "an absent content is an empty one");
        let faults = form.settle(&mut ElicitResult::new("later"));
        assert_eq!(faults[0].to_string(), "`action` is accept, decline or cancel, not \"later\"");
    }
    #[test]
    fn a_member_that_is_left_out_gets_its_default_before_the_form_is_checked_t_134() {
        let schema = RequestedSchema::new()
            .required_property("a", BooleanSchema::new().default(true))
            .property("b", StringSchema::new().min_length(2_u64).default("x"))
            .property("c", NumberSchema::integer());
        let question = ElicitRequestParams::from(ElicitRequestFormParams::new("?", schema));
        let mut answer = ElicitResult::new("accept");
        let faults: Vec<String> = question.settle(&mut answer).iter().map(ToString::to_string).collect();
        assert_eq!(faults, ["`b` must have at least 2 characters"], "a default is checked like any answer");
        assert_eq!(serde_json::to_string(&answer.content).unwrap(), r#"{"a":true,"b":"x"}"#);
        let mut declined = ElicitResult::new("decline");
        assert_eq!(question.settle(&mut declined), []);
        assert_eq!(declined.content, None);
    }

    #[test]
    fn a_form_that_nobody_can_read_is_a_fault_of_the_whole() {
        let question = ElicitRequestParams::from(ElicitRequestFormParams::new("?", RawJson::null()));
        let faults = question.settle(&mut ElicitResult::new("accept"));
        assert_eq!(faults.len(), 1);
        assert_eq!(faults[0].member, None);
        assert!(faults[0].to_string().starts_with("the form cannot be read"), "{}", faults[0]);
    }
}
