//! `Mcp-Param-*`: headers that repeat annotated arguments of a tool (H-30 to H-36, H-39).
//!
//! [`ParamHeaders`] is computed once from a tool's input schema; a client builds headers with it and
//! a server compares. The surprising thing: values are compared by the type that they have in the
//! body, not by the one that the schema asks for, because the arguments are validated only later.

use std::fmt;

use serde_json::Value;

use super::annotation::{SchemaFault, find_annotations};
use super::number::Decimal;
use super::request::{HeaderFault, HeaderFaultReason};
use super::view::{HeaderField, HeaderView, MCP_PARAM_PREFIX};
use super::{decode_value, encode_value};

/// The headers that repeat arguments of one tool; usually none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ParamHeaders {
    headers: Vec<ParamHeader>,
}

/// One argument that a header repeats.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ParamHeader {
    /// What follows `Mcp-Param-` in the name of the header, as annotated.
    pub name: String,
    /// The property names from `arguments` to the value; never empty.
    pub path: Vec<String>,
    /// The type that the schema gives the value.
    pub kind: ParamKind,
}

/// The types that a header can repeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParamKind {
    /// `"type": "boolean"`.
    Boolean,
    /// `"type": "integer"`.
    Integer,
    /// `"type": "string"`.
    String,
}

/// One argument that cannot be repeated in its header.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ParamFault {
    /// Where in `arguments` the value is, as a JSON Pointer.
    pub path: String,
    /// Why it cannot be repeated.
    pub reason: ParamFaultReason,
}

/// Why an argument cannot be repeated in a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParamFaultReason {
    /// It is an array or an object.
    NotPrimitive,
    /// It is a number, but not an integer within ±(2^53 − 1).
    NotSafeInteger,
}

impl ParamHeaders {
    /// Finds the annotations in a tool's input schema (H-31).
    ///
    /// # Errors
    ///
    /// Fails with every fault, up to [`MAX_PARAM_HEADERS`](super::MAX_PARAM_HEADERS), when there is
    /// any; a client then leaves the tool out of its list (H-32).
    ///
    /// # Examples
    ///
    /// ```
    /// use mcp_transport::header::ParamHeaders;
    /// use serde_json::json;
    ///
    /// let schema = json!({
    ///     "type": "object",
    ///     "properties": { "region": { "type": "string", "x-mcp-header": "Region" } },
    /// });
    /// let headers = ParamHeaders::from_schema(&schema).unwrap();
    /// let built = headers.build(Some(&json!({ "region": "eu" }))).unwrap();
    /// assert_eq!(built, [("Mcp-Param-Region".to_owned(), "eu".to_owned())]);
    /// ```
    pub fn from_schema(schema: &Value) -> Result<Self, Vec<SchemaFault>> {
        Ok(Self { headers: find_annotations(schema)? })
    }

    /// Says whether no argument is repeated, so that there is nothing to build or to check.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.headers.is_empty()
    }

    /// Returns the arguments that are repeated.
    pub fn iter(&self) -> impl Iterator<Item = &ParamHeader> {
        self.headers.iter()
    }

    /// Returns the headers, as names and values, for a call with these arguments (H-33, H-34).
    ///
    /// An argument that is absent or `null` has no header.
    ///
    /// # Errors
    ///
    /// Fails with every value that a header cannot repeat; the call's arguments are then wrong too.
    pub fn build(&self, arguments: Option<&Value>) -> Result<Vec<(String, String)>, Vec<ParamFault>> {
        let mut headers = Vec::new();
        let mut faults = Vec::new();
        for header in &self.headers {
            let Some(argument) = header.find(arguments) else {
                continue;
            };
            match encode_argument(argument) {
                Ok(value) => headers.push((header.header_name(), value)),
                Err(reason) => faults.push(ParamFault { path: header.pointer(), reason }),
            }
        }
        if faults.is_empty() { Ok(headers) } else { Err(faults) }
    }
}

/// Compares the `Mcp-Param-*` headers of a `tools/call` with its arguments (H-36).
///
/// Headers that the tool does not declare are ignored. An argument that is an array or an object is
/// no fault of the headers when it has none: it is the arguments that are wrong then.
#[must_use]
pub fn check_param_headers(
    headers: &ParamHeaders,
    view: &HeaderView<'_>,
    arguments: Option<&Value>,
) -> Vec<HeaderFault> {
    let mut faults = Vec::new();
    for header in &headers.headers {
        if let Err(reason) = header.check(view.param(&header.name), header.find(arguments)) {
            faults.push(HeaderFault::new(format!("{MCP_PARAM_PREFIX}{}", header.name), reason));
        }
    }
    faults
}

impl ParamHeader {
    /// Returns the name of the header.
    #[must_use]
    pub fn header_name(&self) -> String {
        format!("Mcp-Param-{}", self.name)
    }

    /// Returns where in `arguments` the value is, as a JSON Pointer.
    #[must_use]
    pub fn pointer(&self) -> String {
        let mut pointer = String::new();
        self.path.iter().for_each(|name| push_token(&mut pointer, name));
        pointer
    }

    /// Returns the argument if it is there and not `null`.
    fn find<'v>(&self, arguments: Option<&'v Value>) -> Option<&'v Value> {
        let value = self.path.iter().try_fold(arguments?, |value, name| value.as_object()?.get(name))?;
        (!value.is_null()).then_some(value)
    }

    fn check(&self, field: HeaderField<'_>, argument: Option<&Value>) -> Result<(), HeaderFaultReason> {
        let (sent, argument) = match (field.single()?, argument) {
            (None, None | Some(Value::Array(_) | Value::Object(_))) => return Ok(()),
            (None, Some(_)) => return Err(HeaderFaultReason::Missing),
            (Some(_), None) => {
                return Err(HeaderFaultReason::WithoutArgument { path: self.pointer() });
            }
            (Some(sent), Some(argument)) => (sent, argument),
        };
        let sent = decode_value(sent).map_err(HeaderFaultReason::Encoding)?;
        let is_same = match argument {
            Value::String(text) => *text == sent,
            Value::Bool(value) => sent == if *value { "true" } else { "false" },
            Value::Number(number) => {
                Decimal::parse(&sent).is_some_and(|sent| Decimal::parse(&number.to_string()) == Some(sent))
            }
            Value::Null | Value::Array(_) | Value::Object(_) => false,
        };
        is_same.then_some(()).ok_or_else(|| HeaderFaultReason::MismatchedArgument { path: self.pointer() })
    }
}

impl fmt::Display for ParamFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let why = match self.reason {
            ParamFaultReason::NotPrimitive => "is an array or an object",
            ParamFaultReason::NotSafeInteger => "is a number but not an integer within ±(2^53 - 1)",
        };
        write!(f, "argument at `{}` {why} and cannot be repeated in a header; correct the argument", self.path)
    }
}

impl std::error::Error for ParamFault {}

fn encode_argument(argument: &Value) -> Result<String, ParamFaultReason> {
    match argument {
        Value::String(text) => Ok(encode_value(text).into_owned()),
        Value::Bool(value) => Ok(value.to_string()),
        Value::Number(number) => Decimal::parse(&number.to_string())
            .and_then(|number| number.safe_integer())
            .map(|integer| integer.to_string())
            .ok_or(ParamFaultReason::NotSafeInteger),
        Value::Null | Value::Array(_) | Value::Object(_) => Err(ParamFaultReason::NotPrimitive),
    }
}

/// Appends one token to a JSON Pointer (RFC 6901).
pub(super) fn push_token(pointer: &mut String, token: &str) {
    pointer.push('/');
    pointer.push_str(&token.replace('~', "~0").replace('/', "~1"));
}

#[cfg(test)]
mod tests;
