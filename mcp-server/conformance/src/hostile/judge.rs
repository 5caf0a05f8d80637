//! What may come back for a text, and whether what came is that. Pure.
//!
//! The surprising thing: one oracle serves both transports, because what HTTP says more is only a status that follows
//! from the answer (H-18).

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Value, json};

/// A text to send, and what may come back.
#[derive(Clone, Debug)]
pub(super) struct Case {
    pub(super) name: String,
    pub(super) bytes: Vec<u8>,
    pub(super) want: Want,
}

/// What may come back.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Want {
    /// The codes that an error may have; without any, no error may come.
    codes: &'static [i64],
    /// What the text of a result holds; `None` when no result may come.
    result: Option<String>,
    /// Whether nothing may come.
    silence: bool,
    id: WantedId,
}

/// Which id an answer carries (T-6).
#[derive(Clone, Debug, PartialEq)]
pub(super) enum WantedId {
    /// The one that can be read.
    Echoed(Value),
    /// The one that may have been read before the fault, or none.
    Perhaps(Value),
    /// None: there is none that is one.
    Unknown,
}

/// What came back.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Outcome {
    /// The HTTP status; `None` on a pipe.
    pub(super) status: Option<u16>,
    pub(super) message: Option<Value>,
}

/// How often what came back.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    seen: BTreeMap<String, usize>,
    faults: Vec<String>,
}

impl Want {
    fn refused(codes: &'static [i64], id: WantedId) -> Self {
        Self { codes, result: None, silence: false, id }
    }

    /// The text is no JSON (T-12).
    pub(super) fn parse(id: WantedId) -> Self {
        Self::refused(&[-32700], id)
    }

    /// The text is JSON and no message (T-12).
    pub(super) fn invalid(id: WantedId) -> Self {
        Self::refused(&[-32600], id)
    }

    /// The text is refused in one of the ways in which a text is.
    pub(super) fn unreadable(id: WantedId) -> Self {
        Self::refused(&[-32700, -32600], id)
    }

    /// The text is a message, and is refused for what it asks.
    pub(super) fn with_codes(codes: &'static [i64], id: Value) -> Self {
        Self::refused(codes, WantedId::Echoed(id))
    }

    /// The text is a call, and its result holds a text.
    pub(super) fn result(holds: &str, id: Value) -> Self {
        Self { codes: &[], result: Some(holds.to_owned()), silence: false, id: WantedId::Echoed(id) }
    }

    /// The text is not answered.
    pub(super) fn silence() -> Self {
        Self { codes: &[], result: None, silence: true, id: WantedId::Unknown }
    }

    /// Or it is taken, with a result that holds a text.
    pub(super) fn or_result(self, holds: &str) -> Self {
        Self { result: Some(holds.to_owned()), ..self }
    }

    /// Or it is not answered.
    pub(super) fn or_silence(self) -> Self {
        Self { silence: true, ..self }
    }

    /// Returns whether nothing may come.
    pub(super) fn may_be_silent(&self) -> bool {
        self.silence
    }

    /// Says what came in a few words, or what is wrong with it.
    pub(super) fn judge(&self, outcome: &Outcome) -> Result<String, String> {
        let label = outcome.to_string();
        let Some(message) = &outcome.message else {
            let is_well = self.silence && outcome.status.is_none_or(|status| matches!(status, 202 | 400));
            return if is_well { Ok(label) } else { Err(format!("{label}: an answer is missing")) };
        };
        let id = message.get("id").filter(|id| !id.is_null());
        let is_own = match &self.id {
            WantedId::Echoed(wanted) => id == Some(wanted),
            WantedId::Perhaps(wanted) => id.is_none_or(|id| id == wanted),
            WantedId::Unknown => id.is_none(),
        };
        if !is_own {
            return Err(format!("{label}: the id is {}, not {}", shown(id), self.id));
        }
        self.judge_content(outcome.status, message).map(|()| label.clone()).map_err(|fault| format!("{label}: {fault}"))
    }

    fn judge_content(&self, status: Option<u16>, message: &Value) -> Result<(), String> {
        if message.get("jsonrpc") != Some(&json!("2.0")) {
            return Err("`jsonrpc` is not \"2.0\" (T-1)".to_owned());
        }
        match (message.get("result"), message.get("error")) {
            (Some(result), None) => {
                let Some(holds) = &self.result else { return Err("it was taken".to_owned()) };
                if status.is_some_and(|status| status != 200) {
                    return Err("a result has the status 200".to_owned());
                }
                let text = result.pointer("/content/0/text").and_then(Value::as_str).unwrap_or_default();
                let holds_it = holds.is_empty() || text.contains(holds.as_str());
                if holds_it { Ok(()) } else { Err(format!("the result holds {text:?}, not {holds:?}")) }
            }
            (None, Some(error)) => {
                let code = error.get("code").and_then(Value::as_i64);
                if !code.is_some_and(|code| self.codes.contains(&code)) {
                    return Err(format!("the code is none of {:?}", self.codes));
                }
                if error.get("message").and_then(Value::as_str).is_none_or(str::is_empty) {
                    return Err("the error has no message (T-5)".to_owned());
                }
                let is_refused = status.is_none_or(|status| (400..500).contains(&status) || status == 200);
                if is_refused { Ok(()) } else { Err("an error has a status of its own (H-18)".to_owned()) }
            }
            _ => Err("an answer has one of `result` and `error` (T-4)".to_owned()),
        }
    }
}

impl Outcome {
    /// What came over a pipe.
    pub(super) fn of_pipe(message: Option<Value>) -> Self {
        Self { status: None, message }
    }

    /// What came over HTTP.
    pub(super) fn of_http(status: u16, message: Option<Value>) -> Self {
        Self { status: Some(status), message }
    }
}

impl Tally {
    /// Judges one outcome and counts it.
    pub(super) fn add(&mut self, case: &Case, outcome: &Outcome) {
        match case.want.judge(outcome) {
            Ok(label) => *self.seen.entry(label).or_default() += 1,
            Err(fault) => self.fault(format!("{}: {fault}", case.name)),
        }
    }

    /// Counts something seen that no case is about.
    pub(super) fn saw(&mut self, label: impl Into<String>) {
        *self.seen.entry(label.into()).or_default() += 1;
    }

    /// Notes a fault.
    pub(super) fn fault(&mut self, fault: String) {
        self.faults.push(fault);
    }

    /// Says what was seen; it is an error when there is a fault.
    pub(super) fn finding(&self) -> Result<String, String> {
        let mut parts: Vec<_> = self.seen.iter().map(|(label, count)| format!("{count} × {label}")).collect();
        if self.faults.is_empty() {
            return Ok(parts.join(", "));
        }
        let shown = self.faults.iter().take(SHOWN_FAULTS).cloned();
        parts.insert(0, format!("{} wrong: {}", self.faults.len(), shown.collect::<Vec<_>>().join("; ")));
        Err(parts.join(", "))
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(status) = self.status {
            write!(f, "{status}")?;
        }
        let between = if self.status.is_some() { "/" } else { "" };
        match &self.message {
            None if self.status.is_some() => Ok(()),
            None => f.write_str("silence"),
            Some(message) => match message.pointer("/error/code") {
                Some(code) => write!(f, "{between}{code}"),
                None => write!(f, "{between}result"),
            },
        }
    }
}

impl fmt::Display for WantedId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Echoed(id) => write!(f, "{}", cut(&id.to_string())),
            Self::Perhaps(id) => write!(f, "{} or none", cut(&id.to_string())),
            Self::Unknown => f.write_str("none"),
        }
    }
}

fn shown(id: Option<&Value>) -> String {
    id.map_or_else(|| "none".to_owned(), |id| cut(&id.to_string()))
}

/// Cuts what is too long to be shown.
pub(super) fn cut(text: &str) -> String {
    let head: String = text.chars().take(SHOWN_CHARS).collect();
    if head.len() == text.len() { head } else { format!("{head}…") }
}

/// How many faults of one probe are shown.
const SHOWN_FAULTS: usize = 3;
/// How much of a value is shown.
const SHOWN_CHARS: usize = 80;

#[cfg(test)]
mod tests {
    use super::*;

    fn error(id: &Value, code: i64) -> Value {
        json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": "no" } })
    }

    fn result(id: &Value, text: &str) -> Value {
        json!({ "jsonrpc": "2.0", "id": id, "result": { "content": [{ "type": "text", "text": text }] } })
    }

    fn judge(want: &Want, message: Value) -> Result<String, String> {
        want.judge(&Outcome::of_pipe(Some(message)))
    }

    #[test]
    fn an_error_must_have_one_of_the_codes_and_the_readable_id() {
        let want = Want::parse(WantedId::Echoed(json!(5)));
        assert_eq!(judge(&want, error(&json!(5), -32700)), Ok("-32700".to_owned()));
        assert!(judge(&want, error(&json!("5"), -32700)).is_err());
        assert!(judge(&want, error(&Value::Null, -32700)).is_err());
        assert!(judge(&want, error(&json!(5), -32600)).is_err());
        assert!(judge(&want, result(&json!(5), "x")).unwrap_err().contains("it was taken"));
    }

    #[test]
    fn an_id_that_may_have_been_read_is_that_one_or_none() {
        let want = Want::parse(WantedId::Perhaps(json!(5)));
        assert!(judge(&want, error(&Value::Null, -32700)).is_ok());
        assert!(judge(&want, error(&json!(5), -32700)).is_ok());
        assert!(judge(&want, error(&json!(6), -32700)).is_err());
        let want = Want::invalid(WantedId::Unknown);
        assert!(judge(&want, error(&Value::Null, -32600)).is_ok());
        assert!(judge(&want, error(&json!(5), -32600)).is_err());
    }

    #[test]
    fn a_result_must_hold_the_nonce_of_its_call() {
        let want = Want::result("n-7", json!(1));
        assert_eq!(judge(&want, result(&json!(1), "is n-7")), Ok("result".to_owned()));
        assert!(judge(&want, result(&json!(1), "is n-8")).is_err());
        assert!(judge(&want, error(&json!(1), -32700)).is_err());
        let both = json!({ "jsonrpc": "2.0", "id": 1, "result": {}, "error": {} });
        assert!(judge(&want, both).unwrap_err().contains("T-4"));
    }

    #[test]
    fn silence_is_well_only_where_it_may_be() {
        let nothing = Outcome::default();
        assert_eq!(Want::silence().judge(&nothing), Ok("silence".to_owned()));
        assert!(Want::parse(WantedId::Unknown).judge(&nothing).is_err());
        assert!(Want::silence().judge(&Outcome::of_http(202, None)).is_ok());
        assert!(Want::silence().judge(&Outcome::of_http(500, None)).is_err());
        assert!(Want::silence().judge(&Outcome::of_http(200, None)).is_err());
    }

    #[test]
    fn a_status_must_go_with_the_answer() {
        let want = Want::parse(WantedId::Unknown);
        let refused = |status| want.judge(&Outcome::of_http(status, Some(error(&Value::Null, -32700))));
        assert_eq!(refused(400), Ok("400/-32700".to_owned()));
        assert!(refused(500).is_err());
        let taken = Want::result("", json!(1)).judge(&Outcome::of_http(202, Some(result(&json!(1), ""))));
        assert!(taken.is_err());
    }

    #[test]
    fn a_tally_with_a_fault_is_a_red_finding_that_names_it() {
        let case = |want| Case { name: "half a brace".to_owned(), bytes: Vec::new(), want };
        let outcome = Outcome::of_pipe(Some(error(&Value::Null, -32700)));
        let mut tally = Tally::default();
        tally.add(&case(Want::parse(WantedId::Unknown)), &outcome);
        tally.add(&case(Want::parse(WantedId::Unknown)), &outcome);
        assert_eq!(tally.finding(), Ok("2 × -32700".to_owned()));
        tally.add(&case(Want::silence()), &outcome);
        let red = tally.finding().unwrap_err();
        assert!(red.starts_with("1 wrong: half a brace: -32700: "), "{red}");
    }
}
