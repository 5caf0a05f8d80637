//! Putting members into the `_meta` of parameters without decoding the parameters.
//!
//! The surprising thing: parameters that have no `_meta` yet, which is nearly all of them, keep their text; the new
//! `_meta` is written in front of it.

use mcp_transport::Hearing;
use mcp_types::{JsonObject, Params, ProgressToken, RawJson, meta};

use crate::call::BareCall;

const META: &str = "_meta";

/// What an era puts into every `_meta`, encoded once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Members {
    list: Vec<(&'static str, RawJson)>,
    /// All of them as one object; none when there are none.
    object: Option<RawJson>,
}

/// Parameters with what an era adds to them, and what a transport has to know of their `_meta`.
#[derive(Debug)]
pub(crate) struct Wrapped {
    pub(crate) params: RawJson,
    pub(crate) hearing: Hearing,
}

impl Members {
    /// Prepares the members of all requests.
    ///
    /// # Errors
    ///
    /// Fails when they are nested too deep to be sent.
    pub(crate) fn new(list: Vec<(&'static str, RawJson)>) -> Result<Self, serde_json::Error> {
        let object: JsonObject = list.iter().map(|(key, value)| (*key, value.clone())).collect();
        let object = if object.is_empty() { None } else { Some(RawJson::encode(&object)?) };
        Ok(Self { list, object })
    }

    /// Returns them and the token as one object; none when there is nothing.
    fn with(&self, token: Option<&RawJson>) -> Result<Option<RawJson>, serde_json::Error> {
        let Some(token) = token else { return Ok(self.object.clone()) };
        let object = self.object.clone().unwrap_or_else(RawJson::empty_object);
        object.with_first(meta::PROGRESS_TOKEN, token).map(Some)
    }
}

/// Returns `params` with `members` and the token in its `_meta`; they win over members of the same name.
///
/// # Errors
///
/// Says what is wrong with `params` when their `_meta` is not an object.
pub(crate) fn put(params: &Params, members: &Members, token: Option<&ProgressToken>) -> Result<Wrapped, String> {
    let raw = params.raw().cloned().unwrap_or_else(RawJson::empty_object);
    let Some(found) = params.meta().raw() else { return put_first(raw, members, token) };
    let mut hearing = Hearing::from(params);
    let encoded = token.map(RawJson::from);
    if token.is_some() {
        hearing.token = token.cloned();
    }
    if encoded.is_none() && members.object.is_none() {
        return Ok(Wrapped { params: raw, hearing });
    }
    let token = encoded.into_iter().map(|token| (meta::PROGRESS_TOKEN, token));
    let found = if found.is_null() { RawJson::empty_object() } else { found };
    let params = merge(&raw, &found, members.list.iter().cloned().chain(token))?;
    Ok(Wrapped { params, hearing })
}

/// Returns the parameters of a call with `members` and the token in their `_meta`, written once.
///
/// # Errors
///
/// Says what is wrong with its arguments when they are nested too deep to be sent.
pub(crate) fn put_around(call: &BareCall, members: &Members, token: Option<&ProgressToken>) -> Result<Wrapped, String> {
    let hearing = Hearing { token: token.cloned(), logs: false };
    let params = RawJson::call(&call.name, call.arguments.as_ref(), members.object.as_ref(), token);
    Ok(Wrapped { params: params.map_err(|error| error.to_string())?, hearing })
}

/// Returns `params`, which have no `_meta`, with `members` and the token in one.
///
/// # Errors
///
/// Says what is wrong with `params` when they are not an object.
fn put_first(params: RawJson, members: &Members, token: Option<&ProgressToken>) -> Result<Wrapped, String> {
    let hearing = Hearing { token: token.cloned(), logs: false };
    let encoded = token.map(RawJson::from);
    let params = match members.with(encoded.as_ref()).map_err(|error| error.to_string())? {
        Some(added) => params.with_first(META, &added).map_err(|error| error.to_string())?,
        None => params,
    };
    Ok(Wrapped { params, hearing })
}

fn merge(
    params: &RawJson,
    found: &RawJson,
    members: impl Iterator<Item = (&'static str, RawJson)>,
) -> Result<RawJson, String> {
    let mut params: JsonObject = params.decode().map_err(|error| error.to_string())?;
    let mut meta: JsonObject = found.decode().map_err(|error| format!("`_meta`: {error}"))?;
    for (key, value) in members {
        meta.insert(key, value);
    }
    params.insert(META, encode(&meta)?);
    encode(&params)
}

fn encode(object: &JsonObject) -> Result<RawJson, String> {
    RawJson::encode(object).map_err(|error| error.to_string())
}

/// Returns `params` without the members `names` and without the members `meta_names` of its `_meta`.
///
/// # Errors
///
/// Says what is wrong with `params` when they or their `_meta` are not an object.
pub(crate) fn strip(params: &RawJson, names: &[&str], meta_names: &[&str]) -> Result<RawJson, String> {
    let mut object: JsonObject = params.decode().map_err(|error| error.to_string())?;
    for name in names {
        object.remove(name);
    }
    if let Some(found) = object.remove(META).filter(|found| !found.is_null()) {
        let mut meta: JsonObject = found.decode().map_err(|error| format!("`_meta`: {error}"))?;
        for name in meta_names {
            meta.remove(name);
        }
        if !meta.is_empty() {
            object.insert(META, encode(&meta)?);
        }
    }
    encode(&object)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(text: &str) -> RawJson {
        RawJson::parse(text.to_owned()).unwrap()
    }

    #[track_caller]
    fn check(params: &str, expected: &str) {
        let members = Members::new(vec![("a", raw("1")), ("b", raw("\"x\""))]).unwrap();
        let params = Params::from_raw(raw(params)).unwrap();
        assert_eq!(put(&params, &members, None).unwrap().params.as_str(), expected);
    }

    #[test]
    fn meta_is_written_in_front_of_parameters_that_have_none() {
        check("{}", r#"{"_meta":{"a":1,"b":"x"}}"#);
        check("{ }", r#"{"_meta":{"a":1,"b":"x"}}"#);
        check(r#" {"n":1.50}"#, r#"{"_meta":{"a":1,"b":"x"},"n":1.50}"#);
    }

    #[test]
    fn a_call_is_written_as_its_parameters_would_be_with_the_same_meta() {
        let none = Members::default();
        let some = Members::new(vec![("a", raw("1")), ("b", raw("\"x\""))]).unwrap();
        let check = |members: &Members, token: Option<ProgressToken>, arguments: Option<&str>, expected: &str| {
            let call = BareCall { name: "say \"hi\"".to_owned(), arguments: arguments.map(raw) };
            let params = Params::from_raw(RawJson::encode(&call).unwrap()).unwrap();
            let around = put_around(&call, members, token.as_ref()).unwrap();
            assert_eq!(around.params.as_str(), expected);
            let put = put(&params, members, token.as_ref()).unwrap();
            assert_eq!((put.params.as_str(), put.hearing), (expected, around.hearing));
        };
        check(&none, None, None, r#"{"name":"say \"hi\""}"#);
        check(&none, Some(7.into()), None, r#"{"_meta":{"progressToken":7},"name":"say \"hi\""}"#);
        check(&some, None, Some("{}"), r#"{"_meta":{"a":1,"b":"x"},"name":"say \"hi\"","arguments":{}}"#);
        let both = r#"{"_meta":{"progressToken":"t","a":1,"b":"x"},"name":"say \"hi\"","arguments":{"n":1.50}}"#;
        check(&some, Some("t".into()), Some(r#"{"n":1.50}"#), both);
    }

    #[test]
    fn members_of_the_caller_stay_and_lose_only_against_the_same_name() {
        check(r#"{"_meta":{"traceparent":"t","a":9},"n":1}"#, r#"{"_meta":{"traceparent":"t","a":1,"b":"x"},"n":1}"#);
        check(r#"{"_meta":null}"#, r#"{"_meta":{"a":1,"b":"x"}}"#);
    }

    #[test]
    fn what_is_not_an_object_or_says_a_thing_twice_is_refused() {
        for params in ["[]", "7", r#"{"_meta":{},"_meta":{}}"#, r#"{"_meta":7}"#] {
            let put = |params: Params| put(&params, &Members::new(vec![("a", raw("1"))]).unwrap(), None);
            let outcome = Params::from_raw(raw(params)).map_err(|error| error.to_string()).and_then(put);
            assert!(outcome.is_err(), "{params}");
        }
    }

    #[test]
    fn nothing_to_put_changes_nothing() {
        let params = Params::from_raw(raw(r#"{"n":1}"#)).unwrap();
        assert_eq!(put(&params, &Members::default(), None).unwrap().params, raw(r#"{"n":1}"#));
    }

    #[test]
    fn stripping_takes_members_and_an_emptied_meta_away() {
        let strip = |params: &str| strip(&raw(params), &["x"], &["m"]).unwrap();
        assert_eq!(strip(r#"{"x":1,"y":2,"_meta":{"m":1}}"#).as_str(), r#"{"y":2}"#);
        assert_eq!(strip(r#"{"_meta":{"m":1,"k":2}}"#).as_str(), r#"{"_meta":{"k":2}}"#);
    }
}
