//! `Content-Type` and `Accept` of the endpoint (H-6, T-004).
//!
//! The surprising thing: a wrong `Content-Type` must be refused although the body may be good JSON,
//! because a browser sends `text/plain` to foreign servers without asking them.

use std::fmt;

use super::view::{ACCEPT, CONTENT_TYPE, HeaderField};
use super::{OWS, excerpt, is_token, split_unquoted};

/// Which of the two response types a client takes, read from its `Accept` header lines.
///
/// A client that says nothing takes both. A more specific range decides over a less specific one, so
/// `application/json;q=0, */*` takes event streams only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Accept {
    json: Verdict,
    event_stream: Verdict,
    /// A range was given; without one everything is accepted.
    restricted: bool,
}

/// The verdict of the most specific range so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Verdict {
    specificity: u8,
    accepted: bool,
}

/// What is wrong with `Content-Type` (415) or `Accept` (406).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MediaFault {
    /// The body is not declared as `application/json`, but as this; 415.
    ContentType(String),
    /// The `Content-Type` header line is there more than once; 415.
    ContentTypeDuplicated,
    /// There is no `Content-Type`; 415.
    ContentTypeMissing,
    /// The client takes neither `application/json` nor `text/event-stream`; 406.
    NotAcceptable,
}

/// Checks that the body is declared as `application/json`, with any parameters (H-6).
///
/// # Errors
///
/// Fails for any other type, none, and more than one; the status is 415.
pub fn check_content_type(field: HeaderField<'_>) -> Result<(), MediaFault> {
    let value = match field {
        HeaderField::Absent => return Err(MediaFault::ContentTypeMissing),
        HeaderField::Duplicated => return Err(MediaFault::ContentTypeDuplicated),
        HeaderField::NotVisibleAscii => {
            return Err(MediaFault::ContentType("unreadable".to_owned()));
        }
        HeaderField::Value(value) => value,
    };
    let mut parts = split_unquoted(value, b';').map(|part| part.trim_matches(OWS));
    let is_json = parts.next().is_some_and(|essence| essence.eq_ignore_ascii_case(JSON));
    if is_json && parts.all(is_parameter) {
        return Ok(());
    }
    Err(MediaFault::ContentType(excerpt(value)))
}

/// Checks that the client takes at least one of the two response types (H-6).
///
/// # Errors
///
/// Fails when it takes neither; the status is 406.
pub fn check_accept(accept: Accept) -> Result<(), MediaFault> {
    if accept.json() || accept.event_stream() {
        return Ok(());
    }
    Err(MediaFault::NotAcceptable)
}

impl Accept {
    /// Reads one `Accept` header line; further lines add to it. What is not a media range is ignored.
    pub fn add(&mut self, value: &str) {
        if value == USUAL {
            let named = Verdict { specificity: NAMED, accepted: true };
            *self = Self { json: named, event_stream: named, restricted: true };
            return;
        }
        for range in split_unquoted(value, b',') {
            let mut parts = split_unquoted(range, b';').map(|part| part.trim_matches(OWS));
            let essence = parts.next().unwrap_or_default();
            if !essence.contains('/') {
                continue;
            }
            self.restricted = true;
            let accepted = !parts.any(is_zero_weight);
            self.json.weigh(essence, JSON, accepted);
            self.event_stream.weigh(essence, EVENT_STREAM, accepted);
        }
    }

    /// Says whether the client takes `application/json`.
    #[must_use]
    pub fn json(self) -> bool {
        self.json.accepted || !self.restricted
    }

    /// Says whether the client takes `text/event-stream`.
    #[must_use]
    pub fn event_stream(self) -> bool {
        self.event_stream.accepted || !self.restricted
    }
}

impl Verdict {
    fn weigh(&mut self, range: &str, wanted: &str, accepted: bool) {
        let specificity = specificity(range, wanted);
        if specificity > self.specificity {
            *self = Self { specificity, accepted };
        } else if specificity == self.specificity && specificity > 0 {
            self.accepted |= accepted;
        }
    }
}

impl fmt::Display for MediaFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ContentType(value) => write!(f, "{CONTENT_TYPE} is `{value}`; send `{JSON}`"),
            Self::ContentTypeDuplicated => {
                write!(f, "{CONTENT_TYPE} is there more than once; send it once, as `{JSON}`")
            }
            Self::ContentTypeMissing => write!(f, "{CONTENT_TYPE} is missing; send `{JSON}`"),
            Self::NotAcceptable => write!(f, "{ACCEPT} takes neither response type; send `{JSON}, {EVENT_STREAM}`"),
        }
    }
}

impl std::error::Error for MediaFault {}

/// Returns [`NAMED`] for the type itself, 2 for all subtypes of its type, 1 for all types, 0 for no match.
fn specificity(range: &str, wanted: &str) -> u8 {
    if range.eq_ignore_ascii_case(wanted) {
        return NAMED;
    }
    let Some(range_type) = range.strip_suffix("/*") else { return 0 };
    match wanted.split_once('/') {
        _ if range_type == "*" => 1,
        Some((wanted_type, _)) if range_type.eq_ignore_ascii_case(wanted_type) => 2,
        _ => 0,
    }
}

fn is_zero_weight(parameter: &str) -> bool {
    let Some((name, weight)) = parameter.split_once('=') else {
        return false;
    };
    name.eq_ignore_ascii_case("q") && weight.starts_with('0') && weight.bytes().all(|byte| byte == b'0' || byte == b'.')
}

/// Says whether this is a parameter, or the nothing that RFC 9110 allows in its place.
fn is_parameter(text: &str) -> bool {
    let Some((name, value)) = text.split_once('=') else {
        return text.is_empty();
    };
    let is_quoted = value.len() >= 2 && value.starts_with('"') && value.ends_with('"');
    is_token(name) && (is_token(value) || is_quoted)
}

const JSON: &str = "application/json";
const EVENT_STREAM: &str = "text/event-stream";
/// What the specification asks clients to send: it is read at once, because nearly every request has it.
const USUAL: &str = "application/json, text/event-stream";
/// How specific a range is that is the type itself; nothing is more.
const NAMED: u8 = 3;

#[cfg(test)]
mod tests {
    use super::*;

    fn check_accept_lines(lines: &[&str], json: bool, event_stream: bool) {
        let mut accept = Accept::default();
        lines.iter().for_each(|line| accept.add(line));
        assert_eq!((accept.json(), accept.event_stream()), (json, event_stream), "{lines:?}");
        assert_eq!(check_accept(accept).is_ok(), json || event_stream);
    }

    #[test]
    fn json_is_a_good_content_type_whatever_its_case_and_parameters_h_6() {
        for value in [
            "application/json",
            "Application/JSON",
            "application/json; charset=utf-8",
            "application/json;charset=\"utf-8\";a=b",
            "application/json ;",
            "application/json; profile=\"a, b; c=\\\"d\"",
        ] {
            assert_eq!(check_content_type(HeaderField::Value(value)), Ok(()), "{value}");
        }
    }

    #[test]
    fn any_other_content_type_is_refused_t_004() {
        for value in [
            "",
            "text/plain",
            "text/plain; a=application/json",
            "text/plain; application/json",
            "application/jsonx",
            "application/json-rpc",
            "application/json, text/plain",
            "application/json; a=b, text/plain",
            "application/json; charset",
            "application/*",
            "json",
        ] {
            let fault = MediaFault::ContentType(value.to_owned());
            assert_eq!(check_content_type(HeaderField::Value(value)), Err(fault), "{value}");
        }
        assert_eq!(check_content_type(HeaderField::Absent), Err(MediaFault::ContentTypeMissing));
        assert_eq!(check_content_type(HeaderField::Duplicated), Err(MediaFault::ContentTypeDuplicated));
        assert!(check_content_type(HeaderField::NotVisibleAscii).is_err());
    }

    #[test]
    fn a_missing_accept_and_all_types_mean_both_h_6() {
        check_accept_lines(&[], true, true);
        check_accept_lines(&[""], true, true);
        check_accept_lines(&["*/*"], true, true);
        check_accept_lines(&["text/html, */*;q=0.1"], true, true);
    }

    #[test]
    fn accept_says_which_response_types_are_taken_h_6() {
        check_accept_lines(&["application/json, text/event-stream"], true, true);
        check_accept_lines(&["application/json", "text/event-stream"], true, true);
        check_accept_lines(&["APPLICATION/Json;q=0.5"], true, false);
        check_accept_lines(&["text/event-stream"], false, true);
        check_accept_lines(&["text/*"], false, true);
        check_accept_lines(&["application/*"], true, false);
        check_accept_lines(&["text/html"], false, false);
        check_accept_lines(&["text/html;a=\"application/json, */*\""], false, false);
    }

    #[test]
    fn the_usual_line_means_what_its_ranges_mean_behind_any_other_line() {
        for before in ["", "*/*", "text/*;q=0", "text/event-stream;q=0", "application/json;q=0, text/event-stream"] {
            let [mut usual, mut parted] = [Accept::default(); 2];
            [before, USUAL].into_iter().for_each(|line| usual.add(line));
            [before, JSON, EVENT_STREAM].into_iter().for_each(|line| parted.add(line));
            assert_eq!(usual, parted, "{before}");
        }
    }

    #[test]
    fn a_weight_of_zero_takes_a_type_away() {
        check_accept_lines(&["application/json;q=0, */*"], false, true);
        check_accept_lines(&["*/*, application/json; q=0.000"], false, true);
        check_accept_lines(&["text/*;q=0, text/event-stream"], false, true);
        check_accept_lines(&["*/*;Q=0"], false, false);
        check_accept_lines(&["*/*;q=0.001"], true, true);
    }
}
