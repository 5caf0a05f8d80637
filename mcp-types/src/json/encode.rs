//! Writing Rust values as raw JSON that keeps what raw JSON promises.
//!
//! The surprising thing: the bound on depth is one lower than that of the scan. What is encoded goes into an envelope,
//! and the message as a whole must be one that the receiver reads.

use serde::Serialize;
use serde::ser::Error as _;

use super::RawJson;
use super::scan::MAX_DEPTH;
use super::write::{Writer, check_depth, put_string};
use crate::rpc::ProgressToken;

/// The greatest number of nested containers of a value that [`RawJson::encode`](super::RawJson::encode) makes.
///
/// It is one less than [`MAX_DEPTH`](super::scan::MAX_DEPTH), which holds for a whole message: the envelope is one of
/// them. So what is encoded can be the parameters or the result of a message, and what came in a message can be encoded
/// again.
pub const MAX_ENCODED_DEPTH: u32 = MAX_DEPTH - 1;

/// Writes `value`, which may have `most` nested containers.
pub(crate) fn write<T: Serialize + ?Sized>(value: &T, most: u32) -> Result<Vec<u8>, serde_json::Error> {
    let mut text = Vec::with_capacity(USUAL);
    value.serialize(Writer::new(&mut text, MAX_DEPTH.saturating_sub(most)))?;
    Ok(text)
}

/// Writes `value` as [`write`] does, which must be an object, and `member` as its last member.
pub(super) fn write_with<T: Serialize + ?Sized>(
    value: &T,
    most: u32,
    key: &'static str,
    member: &RawJson,
) -> Result<Vec<u8>, serde_json::Error> {
    append(write(value, most)?, most, key, member)
}

/// Writes one more member at the end of an object.
fn append(mut text: Vec<u8>, most: u32, key: &'static str, member: &RawJson) -> Result<Vec<u8>, serde_json::Error> {
    if text.pop() != Some(b'}') {
        return Err(serde_json::Error::custom("only an object can have one more member"));
    }
    // Raw JSON may have space before its end.
    text.truncate(text.trim_ascii_end().len());
    if text.last() != Some(&b'{') {
        text.push(b',');
    }
    put_string(&mut text, key);
    text.push(b':');
    member.serialize(Writer::new(&mut text, MAX_DEPTH.saturating_sub(most) + 1))?;
    text.push(b'}');
    Ok(text)
}

/// Writes `object` with `member` as its first member; the member may have one nested container less than `most`.
pub(super) fn write_first(
    object: &RawJson,
    most: u32,
    key: &'static str,
    member: &RawJson,
) -> Result<Vec<u8>, serde_json::Error> {
    let Some(rest) = object.as_bytes().trim_ascii().strip_prefix(b"{") else {
        return Err(serde_json::Error::custom("only an object can have one more member"));
    };
    let rest = rest.trim_ascii_start();
    let mut text = Vec::with_capacity(rest.len() + key.len() + member.as_bytes().len() + PUNCTUATION);
    text.push(b'{');
    put_string(&mut text, key);
    text.push(b':');
    member.serialize(Writer::new(&mut text, MAX_DEPTH.saturating_sub(most) + 1))?;
    if rest != b"}" {
        text.push(b',');
    }
    text.extend_from_slice(rest);
    Ok(text)
}

/// Writes the parameters of a call, with `_meta` in front.
pub(super) fn write_call(
    name: &str,
    arguments: Option<&RawJson>,
    meta: Option<&RawJson>,
    token: Option<&ProgressToken>,
) -> Result<Vec<u8>, serde_json::Error> {
    let raw = meta.into_iter().chain(arguments).map(|raw| raw.as_bytes().len()).sum::<usize>();
    let mut text = Vec::with_capacity(raw + name.len() + AROUND_CALL);
    text.push(b'{');
    if meta.is_some() || token.is_some() {
        text.extend_from_slice(br#""_meta":"#);
        let begin = text.len();
        text.push(b'{');
        if let Some(token) = token {
            text.extend_from_slice(br#""progressToken":"#);
            token.serialize(Writer::new(&mut text, IN_PARAMS + 1))?;
        }
        let Some(rest) = meta.map_or(Some(&b"}"[..]), |meta| meta.as_bytes().trim_ascii().strip_prefix(b"{")) else {
            return Err(serde_json::Error::custom("`_meta` must be an object"));
        };
        let rest = rest.trim_ascii_start();
        if token.is_some() && rest != b"}" {
            text.push(b',');
        }
        text.extend_from_slice(rest);
        check_depth(text.get(begin..).unwrap_or_default(), IN_PARAMS)?;
        text.push(b',');
    }
    text.extend_from_slice(br#""name":"#);
    put_string(&mut text, name);
    if let Some(arguments) = arguments {
        text.extend_from_slice(br#","arguments":"#);
        arguments.serialize(Writer::new(&mut text, IN_PARAMS))?;
    }
    text.push(b'}');
    Ok(text)
}

/// How many containers are around a member of parameters.
const IN_PARAMS: u32 = MAX_DEPTH - MAX_ENCODED_DEPTH + 1;
/// What stands around the parts of a call, a token among it.
const AROUND_CALL: usize = 80;
/// What stands around a key and a value, and between two members.
const PUNCTUATION: usize = r#"{"":,"#.len();
/// As many bytes as most results and parameters do not exceed.
const USUAL: usize = 256;

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use serde_json::value::RawValue;

    use super::*;
    use crate::CallToolResult;

    #[test]
    fn a_call_is_written_as_serde_writes_it_and_no_deeper_than_it_can_be_sent() {
        let deep = |depth: usize| RawJson::parse(format!("{}{}", "[".repeat(depth), "]".repeat(depth))).unwrap();
        let most = MAX_ENCODED_DEPTH as usize - 1;
        let check = |arguments: Option<RawJson>, meta: Option<&str>, token: Option<ProgressToken>| {
            let meta = meta.map(|text| RawJson::parse(text.to_owned()).unwrap());
            let text = write_call("a\"b", arguments.as_ref(), meta.as_ref(), token.as_ref()).unwrap();
            let mut params = crate::CallToolRequestParams::new("a\"b");
            params.arguments = arguments;
            let mut expected = RawJson::encode(&params).unwrap();
            if meta.is_some() || token.is_some() {
                let mut meta = meta.unwrap_or_else(RawJson::empty_object);
                if let Some(token) = token {
                    meta = meta.with_first("progressToken", &RawJson::from(&token)).unwrap();
                }
                expected = expected.with_first("_meta", &meta).unwrap();
            }
            assert_eq!(String::from_utf8(text).unwrap(), expected.as_str());
        };
        check(None, None, None);
        check(Some(deep(most)), None, Some(7.into()));
        check(None, Some("{}"), Some("t".into()));
        check(None, Some("{}"), None);
        check(Some(RawJson::empty_object()), Some(r#"{ "a":{"b":[1.50]} }"#), Some((-1).into()));
        assert!(write_call("a", Some(&deep(most + 1)), None, None).is_err());
        let nested = |depth: usize| RawJson::parse(format!(r#"{{"a":{}}}"#, deep(depth).as_str())).unwrap();
        assert!(write_call("a", None, Some(&nested(most - 1)), Some(&7.into())).is_ok());
        assert!(write_call("a", None, Some(&nested(most)), Some(&7.into())).is_err());
        assert!(write_call("a", None, Some(&deep(1)), None).is_err());
    }

    fn encode(value: &Value) -> Result<Vec<u8>, serde_json::Error> {
        write(value, MAX_ENCODED_DEPTH)
    }

    fn nested(depth: u32) -> String {
        format!("{}{}", "[".repeat(depth as usize), "]".repeat(depth as usize))
    }

    fn tree(depth: u32) -> Value {
        (1..depth).fold(Value::Array(Vec::new()), |inner, _| Value::Array(vec![inner]))
    }

    #[test]
    fn what_is_encoded_is_what_serde_json_writes() {
        let value = serde_json::json!({"a": [1, -2.5, 1e300, null, true, {}, []], "b\n\"é": "\u{1}\u{7f}"});
        assert_eq!(encode(&value).unwrap(), serde_json::to_vec(&value).unwrap());
    }

    #[derive(Serialize)]
    struct Unit;

    #[derive(Serialize)]
    struct Newtype(i8);

    #[derive(Serialize, PartialEq, Eq, Hash, PartialOrd, Ord)]
    enum Kind {
        Unit,
        Newtype(u8),
        Tuple(u16, char),
        Structure { a: Option<u32>, b: () },
    }

    /// What serde keeps aside and serializes later is passed on as if somebody else asked for it.
    #[derive(Serialize)]
    struct Flat {
        #[serde(flatten)]
        kind: Kept,
    }

    #[derive(Serialize)]
    enum Kept {
        Structure { schema: RawJson },
    }

    #[derive(Serialize)]
    #[serde(tag = "kind")]
    enum Tagged {
        Newtype(Kept),
    }

    #[test]
    fn every_form_that_serde_knows_is_written_as_serde_json_writes_it() {
        fn check<T: Serialize>(value: T) {
            let expected = serde_json::to_string(&value).unwrap();
            assert_eq!(RawJson::encode(&value).unwrap().as_str(), expected);
        }
        check((i8::MIN, i16::MIN, i32::MIN, i64::MIN, i128::MIN, u64::MAX, u128::MAX));
        check((0_u8, 9_u16, 10_u32, 1.5_f32, 1e300_f64, f64::NAN, f64::NEG_INFINITY, -0.0_f64, 'é', true));
        check([Kind::Unit, Kind::Newtype(1), Kind::Tuple(2, '"'), Kind::Structure { a: Some(3), b: () }]);
        check((Unit, Newtype(-1), (), None::<u8>, Some(Some(1)), [0_u8; 0], std::net::Ipv6Addr::LOCALHOST));
        check(std::collections::BTreeMap::from([(-1, false), (20, true)]));
        check(std::collections::BTreeMap::from([(Kind::Unit, 'a')]));
        check(std::collections::BTreeMap::from([(true, ()), (false, ())]));
        check(std::collections::BTreeMap::from([('"', [(1, 2)])]));
        check(std::collections::BTreeMap::from([("é\u{1}\\", "\u{0}\u{8}\t\n\u{b}\u{c}\r\u{1f}\u{7f}\u{2028}")]));
        check("plain text that is longer than one word, \"quoted\", and \\ so on\n");
        let schema = || RawJson::parse(r#"{"a" : [1.50, "\u00e9"]}"#).unwrap();
        check(Flat { kind: Kept::Structure { schema: schema() } });
        check(Tagged::Newtype(Kept::Structure { schema: schema() }));
        let keyed = std::collections::BTreeMap::from([(vec![1], 1)]);
        assert!(RawJson::encode(&keyed).is_err(), "a list is no key");
        assert!(RawJson::encode(&std::collections::BTreeMap::from([(Kind::Newtype(1), 1)])).is_err());
    }

    #[test]
    fn raw_json_is_put_in_as_it_is_and_other_serializers_take_it_too() {
        let raw = RawJson::parse(r#" {"a" : [1.50, "\u00e9"]} "#).unwrap();
        assert_eq!(RawJson::encode(&[&raw]).unwrap().as_str(), r#"[{"a" : [1.50, "\u00e9"]}]"#);
        assert_eq!(serde_json::to_string(&[&raw]).unwrap(), r#"[{"a" : [1.50, "\u00e9"]}]"#);
        assert_eq!(serde_json::to_value(&raw).unwrap(), serde_json::json!({"a": [1.5, "é"]}));
    }

    #[test]
    fn one_more_member_comes_last_and_counts_where_it_stands() {
        let member = |depth: u32| RawJson::parse(nested(depth)).unwrap();
        let with = |value: Value, depth| RawJson::encode_with(&value, "m\"", &member(depth)).map(RawJson::into_bytes);
        assert_eq!(with(serde_json::json!({}), 1).unwrap(), r#"{"m\"":[]}"#);
        assert_eq!(with(serde_json::json!({"a": "}"}), 1).unwrap(), r#"{"a":"}","m\"":[]}"#);
        for (object, expected) in [("{ }", r#"{"k":null}"#), ("{\"a\": 1\n}", r#"{"a": 1,"k":null}"#)] {
            let written = RawJson::encode_with(&RawJson::parse(object).unwrap(), "k", &RawJson::parse("null").unwrap());
            assert_eq!(written.unwrap().as_str(), expected);
        }
        assert!(with(serde_json::json!([]), 1).is_err());
        assert!(with(serde_json::json!({}), MAX_ENCODED_DEPTH - 1).is_ok());
        assert!(with(serde_json::json!({}), MAX_ENCODED_DEPTH).is_err());
    }

    #[test]
    fn a_value_at_the_limit_is_encoded_and_one_container_more_is_refused() {
        assert_eq!(encode(&tree(MAX_ENCODED_DEPTH)).unwrap(), nested(MAX_ENCODED_DEPTH).into_bytes());
        let error = RawJson::encode(&tree(MAX_ENCODED_DEPTH + 1)).unwrap_err();
        assert!(!error.is_io());
        assert!(error.to_string().starts_with("the value is nested too deep"), "{error}");
        let side_by_side = Value::Array(vec![tree(MAX_ENCODED_DEPTH - 1); 3]);
        assert!(encode(&side_by_side).is_ok(), "depth is not number");
    }

    #[test]
    fn a_member_is_put_in_front_of_the_others() {
        let check = |object: &str, expected: &str| {
            let object = RawJson::parse(object.to_owned()).unwrap();
            let written = object.with_first("k", &RawJson::parse(" [1] ").unwrap());
            assert_eq!(written.ok().as_ref().map(RawJson::as_str), Some(expected).filter(|text| !text.is_empty()));
        };
        check("{}", r#"{"k":[1]}"#);
        check(" { } ", r#"{"k":[1]}"#);
        check("\n{ \"a\" : 1.50, \"b\":{}}", r#"{"k":[1],"a" : 1.50, "b":{}}"#);
        check("[]", "");
        let first = |depth| RawJson::empty_object().with_first("k", &RawJson::parse(nested(depth)).unwrap());
        assert!(first(MAX_ENCODED_DEPTH - 1).is_ok());
        assert!(first(MAX_ENCODED_DEPTH).is_err());
    }

    #[test]
    fn raw_json_counts_where_it_stands() {
        for (depth, fits) in [(MAX_ENCODED_DEPTH - 1, true), (MAX_ENCODED_DEPTH, false), (MAX_DEPTH, false)] {
            let inner = RawJson::parse(nested(depth)).unwrap();
            let result = CallToolResult::new().structured_content(inner);
            assert_eq!(RawJson::encode(&result).is_ok(), fits, "{depth}");
        }
    }

    #[test]
    fn a_raw_value_of_serde_json_is_scanned_before_it_is_raw_json() {
        for text in [r#""\ud800""#, "1e400", &nested(MAX_ENCODED_DEPTH + 1)] {
            let raw: Box<RawValue> = serde_json::from_str(text).unwrap();
            assert!(RawJson::encode(&raw).is_err(), "{text}");
        }
        let raw: Box<RawValue> = serde_json::from_str(" [1.50] ").unwrap();
        assert_eq!(RawJson::encode(&raw).unwrap().as_str(), "[1.50]");
    }
}
