//! The texts that are sent: a call that is good, and what is made of it (F01 to F14 of the fault catalogue).
//!
//! The surprising thing: nearly every text is the good call with one thing wrong, so that a server which takes it for
//! good would answer with a result, and one that reads less than it should is seen.

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};

use super::judge::{Case, Outcome, Want, WantedId};

/// A mark that the answer to a call must carry, so that no answer goes to another caller unseen (O2).
#[derive(Clone, Debug)]
pub(super) struct Nonce(String);

impl Nonce {
    pub(super) fn new() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        Self(format!("nonce-{}-end", COUNT.fetch_add(1, Ordering::Relaxed)))
    }

    /// Returns a call that must work.
    pub(super) fn call(&self) -> String {
        let nonce = json!(self.0).to_string();
        request(&nonce, "tools/call", &params(&format!(r#"{{"nonce":{nonce}}}"#), META))
    }

    /// Returns whether a message answers the call.
    pub(super) fn is_for(&self, message: &Value) -> bool {
        message.get("id").and_then(Value::as_str) == Some(self.0.as_str())
    }

    /// Checks the answer to the call.
    pub(super) fn check(&self, outcome: &Outcome) -> Result<(), String> {
        let judged = Want::result(&self.0, json!(self.0)).judge(outcome);
        judged.map(drop).map_err(|fault| format!("the next good call fails: {fault}"))
    }
}

/// Writes a request.
pub(super) fn request(id: &str, method: &str, params: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{params}}}"#)
}

/// Writes the request that begins a session.
pub(super) fn initialize(version: &str) -> String {
    let client = r#"{"name":"by hand","version":"1"}"#;
    let params = format!(r#"{{"protocolVersion":"{version}","capabilities":{{}},"clientInfo":{client}}}"#);
    request("\"begin\"", "initialize", &params)
}

/// Writes a call of a tool with an id of its own.
pub(super) fn call(id: &str, tool: &str, arguments: &str) -> String {
    request(id, "tools/call", &format!(r#"{{"name":"{tool}","arguments":{arguments},"_meta":{META}}}"#))
}

/// Writes the good call with another id.
fn with_id(id: &str) -> String {
    request(id, "tools/call", &params(ARGUMENTS, META))
}

/// Writes the good call with other arguments.
fn with_arguments(arguments: &str) -> String {
    request("7", "tools/call", &params(arguments, META))
}

fn params(arguments: &str, meta: &str) -> String {
    format!(r#"{{"name":"echo","arguments":{arguments},"_meta":{meta}}}"#)
}

fn good() -> String {
    with_id("7")
}

/// Writes the good call with one part of it replaced.
fn replaced(part: &str, by: &str) -> String {
    good().replacen(part, by, 1)
}

fn case(name: impl Into<String>, text: impl Into<Vec<u8>>, want: Want) -> Case {
    Case { name: name.into(), bytes: text.into(), want }
}

fn perhaps() -> WantedId {
    WantedId::Perhaps(json!(7))
}

fn echoed() -> WantedId {
    WantedId::Echoed(json!(7))
}

fn taken() -> Want {
    Want::result("here", json!(7))
}

/// F01: the good call, cut off at every byte.
pub(super) fn truncated() -> Vec<Case> {
    let text = good();
    let cut =
        |end| case(format!("cut at {end}"), text.as_bytes().get(..end).unwrap_or_default(), Want::parse(perhaps()));
    (1..text.len()).map(cut).collect()
}

/// F02: bytes that are no UTF-8, at every position: one that never is, and half of a character.
pub(super) fn not_utf8() -> Vec<Case> {
    let text = good();
    let spoiled = |at, bytes: &[u8]| {
        let (head, rest) = text.as_bytes().split_at(at);
        case(format!("{bytes:02x?} at {at}"), [head, bytes, rest].concat(), Want::parse(perhaps()))
    };
    (0..=text.len()).flat_map(|at| [spoiled(at, b"\xff"), spoiled(at, b"\xe2\x82")]).collect()
}

/// F03: halves of surrogate pairs.
pub(super) fn surrogates() -> Vec<Case> {
    let halves = [r"\ud800", r"\udc00", r"\udc00\ud800", r"\ud83e\ud83e", r"\ud83ex", r"\uD800\u0041"];
    let mut cases: Vec<_> = halves
        .iter()
        .flat_map(|half| {
            let value = with_arguments(&format!(r#"{{"x":"{half}"}}"#));
            let key = with_arguments(&format!(r#"{{"{half}":1}}"#));
            let method = replaced("tools/call", half);
            [("a value", value), ("a key", key), ("the method", method)]
                .map(|(place, text)| case(format!("{half} in {place}"), text, Want::parse(perhaps())))
        })
        .collect();
    cases.push(case("a pair", with_arguments(r#"{"x":"\ud83e\udd80 here"}"#), taken()));
    cases
}

/// F04: values that are nested deep, in every place that a value stands in. `of_response` is the id that the refusal
/// of a response may carry.
pub(super) fn deep(of_response: &WantedId) -> Vec<Case> {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let objects = |depth: usize| format!("{}1{}", r#"{"x":"#.repeat(depth), "}".repeat(depth));
    let mut cases = vec![case("depth 64", with_arguments(&format!(r#"{{"here":{}}}"#, nested(64))), taken())];
    for depth in [129, 1_000, 100_000] {
        let (lists, objects) = (nested(depth), objects(depth));
        let meta = META.replacen('{', &format!(r#"{{"x":{lists},"#), 1);
        let texts = [
            ("arguments", with_arguments(&format!(r#"{{"x":{lists}}}"#))),
            ("arguments, objects", with_arguments(&objects)),
            ("_meta", request("7", "tools/call", &params(ARGUMENTS, &meta))),
            ("an unknown member", replaced(r#""id""#, &format!(r#""x":{lists},"id""#))),
            ("no message", lists.clone()),
            ("never closed", "[".repeat(depth)),
        ];
        cases
            .extend(texts.map(|(place, text)| case(format!("depth {depth} in {place}"), text, Want::parse(perhaps()))));
        let want = Want::parse(of_response.clone()).or_silence();
        let result = format!(r#"{{"jsonrpc":"2.0","id":7,"result":{objects}}}"#);
        let error = format!(r#"{{"jsonrpc":"2.0","id":7,"error":{{"code":1,"message":"x","data":{lists}}}}}"#);
        cases.push(case(format!("depth {depth} in a result"), result, want.clone()));
        cases.push(case(format!("depth {depth} in error.data"), error, want));
    }
    cases
}

/// F05: everything that could stand where an id stands.
pub(super) fn ids() -> Vec<Case> {
    let long = format!("\"{}\"", "x".repeat(256));
    let good = [
        "\"s\"",
        "\"\"",
        "1",
        "\"1\"",
        "0",
        "-1",
        "-9223372036854775808",
        "9223372036854775807",
        "9007199254740993",
        &long,
    ];
    let mut cases: Vec<_> = good
        .iter()
        .filter_map(|id| {
            Some(case(format!("id {id}"), with_id(id), Want::result("here", serde_json::from_str(id).ok()?)))
        })
        .collect();
    let bad = [
        "null",
        "1.5",
        "true",
        "{}",
        "[]",
        "[1]",
        "1.0",
        "1e0",
        "9223372036854775808",
        "18446744073709551616",
        "1180591620717411303424",
    ];
    cases.extend(bad.iter().map(|id| case(format!("id {id}"), with_id(id), Want::invalid(WantedId::Unknown))));
    // Whether a number beyond every range is JSON is a matter of taste; that it is no id is not.
    cases.push(case("id 1e400", with_id("1e400"), Want::unreadable(WantedId::Unknown)));
    let megabyte = format!("\"{}\"", "x".repeat(1_000_000));
    cases.push(case("an id of 1 MB", with_id(&megabyte), Want::invalid(WantedId::Unknown)));
    cases.push(case("id -0", with_id("-0"), Want::invalid(WantedId::Perhaps(json!(0))).or_result("here")));
    cases.push(case("no id", replaced(r#""id":7,"#, ""), Want::silence()));
    cases
}

/// F06: keys that stand twice, at every level that matters, also when one of them is written with an escape.
pub(super) fn duplicate_keys() -> Vec<Case> {
    let twice = [
        ("id", r#""id":7,"id":8"#, r#""id":7"#),
        ("id, equal", r#""id":7,"id":7"#, r#""id":7"#),
        ("method", r#""method":"tools/call","method":"tools/list""#, r#""method":"tools/call""#),
        ("method, escaped", r#""method":"tools/call","m\u0065thod":"tools/list""#, r#""method":"tools/call""#),
        ("jsonrpc", r#""jsonrpc":"2.0","jsonrpc":"1.0""#, r#""jsonrpc":"2.0""#),
        ("params", r#""params":{},"params""#, r#""params""#),
        ("params.name", r#""name":"echo","name":"panic""#, r#""name":"echo""#),
        ("params.name, escaped", r#""n\u0061me":"panic","name":"echo""#, r#""name":"echo""#),
        ("params.arguments", r#""arguments":{},"arguments""#, r#""arguments""#),
        ("params._meta", r#""_meta":{},"_meta""#, r#""_meta""#),
        ("the version", r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2025-11-25","#, r#""_meta":{"#),
    ];
    let refused = Want::invalid(perhaps());
    let mut cases: Vec<_> = twice
        .iter()
        .map(|(name, by, part)| case(format!("{name} twice"), replaced(part, by), refused.clone()))
        .collect();
    let open = || Want::invalid(perhaps()).or_result("");
    cases.push(case("an argument twice", with_arguments(r#"{"x":1,"x":2}"#), open()));
    cases.push(case("an unknown member twice", replaced(r#""id""#, r#""x":1,"x":2,"id""#), open()));
    cases
}

/// F07: keys that are nearly the right ones.
pub(super) fn near_keys() -> Vec<Case> {
    // What is not read as a modern request is one of a session that was never begun.
    const NO_PARAMS: &[i64] = &[-32602, -32600];
    // Over HTTP the name that is not there differs from that of the header.
    const NO_NAME: &[i64] = &[-32602, -32020];
    const NO_METHOD: &[i64] = &[-32601, -32020];
    let codes = |codes| Want::with_codes(codes, json!(7));
    vec![
        case("Method", replaced(r#""method""#, r#""Method""#), Want::invalid(echoed())),
        case("METHOD beside", replaced(r#""id""#, r#""METHOD":"tools/list","id""#), taken()),
        case("Jsonrpc", replaced(r#""jsonrpc""#, r#""Jsonrpc""#), Want::invalid(echoed())),
        case("ID", replaced(r#""id""#, r#""ID""#), Want::silence()),
        case("Id beside", replaced(r#""id""#, r#""Id":8,"id""#), taken()),
        case("Params", replaced(r#""params""#, r#""Params""#), codes(NO_PARAMS)),
        case("param\u{17f}", replaced(r#""params""#, "\"param\u{17f}\""), codes(NO_PARAMS)),
        case("param\u{17f} beside", replaced(r#""params""#, "\"param\u{17f}\":{},\"params\""), taken()),
        case("Name", replaced(r#""name""#, r#""Name""#), codes(NO_NAME)),
        case("Name beside", replaced(r#""name""#, r#""Name":"panic","name""#), taken()),
        case("Tools/Call", replaced("tools/call", "Tools/Call"), codes(NO_METHOD)),
        case("a method with a NUL", replaced("tools/call", r"tools/call\u0000"), codes(NO_METHOD)),
    ]
}

/// F08, F09: JSON that is no message.
pub(super) fn shapes() -> Vec<Case> {
    let nothing = ["42", "\"text\"", "null", "true", "{}", r#"{"jsonrpc":"2.0"}"#];
    let mut cases: Vec<_> = nothing.iter().map(|text| case(*text, *text, Want::invalid(WantedId::Unknown))).collect();
    let wrong = [
        ("jsonrpc missing", replaced(r#""jsonrpc":"2.0","#, "")),
        ("jsonrpc 1.0", replaced(r#""2.0""#, r#""1.0""#)),
        ("jsonrpc a number", replaced(r#""2.0""#, "2.0")),
        ("jsonrpc null", replaced(r#""2.0""#, "null")),
        ("method a number", replaced(r#""tools/call""#, "7")),
        ("method null", replaced(r#""tools/call""#, "null")),
        ("method missing", r#"{"jsonrpc":"2.0","id":7}"#.to_owned()),
        ("params a list", request("7", "tools/call", "[]")),
        ("params a text", request("7", "tools/call", "\"x\"")),
        ("method and result", replaced(r#""id""#, r#""result":{},"id""#)),
        ("method and error", replaced(r#""id""#, r#""error":{"code":1,"message":"x"},"id""#)),
    ];
    let refused = Want::invalid(echoed());
    cases.extend(wrong.map(|(name, text)| case(name, text, refused.clone())));
    cases
}

/// F08, F10: responses that are none, or that nobody waits for. An answer to a response must not carry its id, where
/// the client could take it for the answer to a request of its own; `of_response` says where it may.
pub(super) fn responses(of_response: &WantedId) -> Vec<Case> {
    let texts = [
        ("result and error", r#""result":{},"error":{"code":1,"message":"x"}"#),
        ("error no object", r#""error":"x""#),
        ("error null", r#""error":null"#),
        ("error without a code", r#""error":{"message":"x"}"#),
        ("code a fraction", r#""error":{"code":1.5,"message":"x"}"#),
        ("code 2^40", r#""error":{"code":1099511627776,"message":"x"}"#),
        ("code 2^70", r#""error":{"code":1180591620717411303424,"message":"x"}"#),
        ("result a number", r#""result":7"#),
        ("result null", r#""result":null"#),
        ("nobody waits", r#""result":{}"#),
    ];
    let want = Want::unreadable(of_response.clone()).or_silence();
    let mut cases: Vec<_> = texts
        .iter()
        .map(|(name, rest)| case(*name, format!(r#"{{"jsonrpc":"2.0","id":7,{rest}}}"#), want.clone()))
        .collect();
    cases.push(case("the id null", r#"{"jsonrpc":"2.0","id":null,"result":{}}"#, want.clone()));
    cases.push(case("the id a list", r#"{"jsonrpc":"2.0","id":[7],"result":{}}"#, want));
    cases
}

/// F12: batches where there are none (T-9).
pub(super) fn batches() -> Vec<Case> {
    let good = good();
    let many = format!("[{}]", vec![r#"{"jsonrpc":"2.0","id":7,"method":"ping"}"#; 10_000].join(","));
    let texts = [
        ("[]", "[]".to_owned()),
        ("[1]", "[1]".to_owned()),
        ("one", format!("[{good}]")),
        ("two", format!("[{good},{good}]")),
        ("nested", format!("[[{good}]]")),
        ("10 000", many),
    ];
    texts.map(|(name, text)| case(name, text, Want::invalid(WantedId::Unknown))).into()
}

/// F12: batches of requests that claim a revision, which no batch holds (V-52).
pub(super) fn claimed_batches() -> Vec<Case> {
    let good = good();
    let texts = [("one claim", format!("[{good}]")), ("two claims", format!("[{good},{good}]"))];
    texts.map(|(name, text)| case(name, text, Want::invalid(WantedId::Unknown))).into()
}

/// F14: white space that is none, and what only looks like an end of the line.
pub(super) fn spaces() -> Vec<Case> {
    let good = good();
    let parse = || Want::parse(perhaps());
    let around = |before: &str, behind: &str| format!("{before}{good}{behind}");
    let mut cases = vec![
        case("CR behind", around("", "\r"), taken()),
        case("tabs and spaces", around("\t \t", " \t "), taken()),
        case("CR between", replaced(",", ",\r"), taken()),
        case("NUL before", around("\0", ""), parse()),
        case("NUL behind", around("", "\0"), parse()),
        case("NUL in a text", with_arguments("{\"x\":\"\0\"}"), parse()),
        case("a tab in a text", with_arguments("{\"x\":\"\t\"}"), parse()),
        case("BOM before", around("\u{feff}", ""), parse().or_result("here")),
        case("form feed before", around("\u{c}", ""), parse()),
        case("vertical tab behind", around("", "\u{b}"), parse()),
        case("no-break space before", around("\u{a0}", ""), parse()),
        case("U+2028 before", around("\u{2028}", ""), parse()),
        case("a second message behind", around("", "{}"), parse()),
        case("a brace behind", around("", "}"), parse()),
    ];
    for kept in ["\u{2028}", "\u{2029}", "\u{85}", "\u{7f}", "\u{feff}", r"\u0000", r"\u2028"] {
        let arguments = format!("{{\"x\":\"here{kept}here\"}}");
        cases.push(case(format!("{kept:?} in a text"), with_arguments(&arguments), Want::result(&arguments, json!(7))));
    }
    cases
}

/// F14 on a pipe: lines that are no message and no fault.
pub(super) fn blank_lines() -> Vec<Case> {
    let blank = ["", "\r", "\n", "\r\n\r"].map(|text| case(format!("{text:?}"), text, Want::silence()));
    let mut cases = Vec::from(blank);
    cases.push(case("spaces", "   ", Want::parse(WantedId::Unknown).or_silence()));
    cases
}

/// What is wrong with the request and not with its text: the method, the name of the tool, what the tool does.
///
/// Each comes with what the headers of HTTP repeat of it (H-7).
pub(super) fn calls() -> Vec<(Case, &'static str, Option<&'static str>)> {
    let meta_only = format!(r#"{{"_meta":{META}}}"#);
    let codes = |codes| Want::with_codes(codes, json!(7));
    let call = |tool: &str, arguments| call("7", tool, arguments);
    vec![
        (case("unknown method", request("7", "no/such", &meta_only), codes(&[-32601])), "no/such", None),
        (case("no name", request("7", "tools/call", &meta_only), codes(&[-32602])), "tools/call", None),
        (case("unknown tool", call("no such", "{}"), codes(&[-32602])), "tools/call", Some("no such")),
        (case("panicking tool", call("panic", "{}"), codes(&[-32603])), "tools/call", Some("panic")),
        (case("arguments a list", call("echo", "[]"), codes(&[-32602])), "tools/call", Some("echo")),
        (
            case(
                "unknown notification",
                replaced(r#""id":7,"method":"tools/call""#, r#""method":"notifications/no""#),
                Want::silence(),
            ),
            "notifications/no",
            None,
        ),
    ]
}

/// A text of characters of one to four bytes, to be split where it must not matter.
pub(super) fn wide() -> Case {
    let arguments = r#"{"x":"a ä € 🦀 here"}"#;
    case("wide", with_arguments(arguments), Want::result(arguments, json!(7)))
}

/// The headers of the good call (H-7).
pub(super) const HEADERS: &str = "MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: echo\r\n";
/// The envelope of the good call (T-24).
pub(super) const META: &str = concat!(
    r#"{"io.modelcontextprotocol/protocolVersion":"2026-07-28","#,
    r#""io.modelcontextprotocol/clientCapabilities":{}}"#
);
/// The arguments of the good call; its result holds them.
const ARGUMENTS: &str = r#"{"x":"here"}"#;

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Vec<Case> {
        let mut cases =
            [truncated(), not_utf8(), surrogates(), ids(), duplicate_keys(), near_keys(), shapes()].concat();
        cases.extend([deep(&WantedId::Unknown), responses(&WantedId::Unknown), batches(), spaces()].concat());
        cases.extend(calls().into_iter().map(|(case, ..)| case));
        cases
    }

    #[test]
    fn no_text_is_the_good_call_itself_and_none_holds_an_end_of_line() {
        let good = good();
        for case in all().iter().filter(|case| !case.name.starts_with("id 7")) {
            assert_ne!(case.bytes, good.as_bytes(), "{}: a replacement found nothing", case.name);
            assert!(!case.bytes.contains(&b'\n'), "{}", case.name);
        }
    }

    #[test]
    fn what_must_be_a_parse_error_is_no_json_for_others_either() {
        let parse = Want::parse(perhaps());
        for case in truncated().iter().chain(&not_utf8()).chain(&spaces()).filter(|case| case.want == parse) {
            assert!(serde_json::from_slice::<Value>(&case.bytes).is_err(), "{}", case.name);
        }
    }

    #[test]
    fn the_good_call_is_json_and_two_of_it_differ_in_id_and_nonce() {
        let (one, two) = (Nonce::new(), Nonce::new());
        let message: Value = serde_json::from_str(&one.call()).unwrap();
        assert!(one.is_for(&message) && !two.is_for(&message));
        assert_eq!(message["params"]["arguments"]["nonce"], message["id"]);
    }

    #[test]
    fn every_byte_and_every_position_has_its_text() {
        let length = good().len();
        assert_eq!((truncated().len(), not_utf8().len()), (length - 1, 2 * (length + 1)));
    }
}
