//! Why a cell is red, and the checks that find it.
//!
//! The surprising thing: a failure remembers the line of the scenario that found it, through `?` too.

use std::error::Error as StdError;
use std::fmt;
use std::panic::Location;

use crate::wire::WireError;

/// What a scenario found, and where.
#[derive(Debug)]
pub(crate) struct Failure {
    fault: Fault,
    at: &'static Location<'static>,
}

/// What is wrong.
#[derive(Debug)]
enum Fault {
    /// A value is not the one that the rule wants.
    Differs { what: String, expected: String, found: String },
    /// A rule does not hold.
    Broken { rule: String },
    /// The client reports an error where there should be none.
    Client(Box<mcp_client::Error>),
    /// The server cannot be built or cannot listen.
    Server(Box<mcp_server::Error>),
    /// The bytes between the two are not what they should be.
    Wire(Box<WireError>),
}

impl Failure {
    #[track_caller]
    fn new(fault: Fault) -> Self {
        Self { fault, at: Location::caller() }
    }
}

/// Fails with a rule that does not hold.
#[track_caller]
pub(crate) fn broken(rule: impl Into<String>) -> Failure {
    Failure::new(Fault::Broken { rule: rule.into() })
}

/// Checks that a rule holds.
#[track_caller]
pub(crate) fn holds(rule: &str, holds: bool) -> Result<(), Failure> {
    if holds { Ok(()) } else { Err(broken(rule)) }
}

/// Checks that `found` is what is expected.
#[track_caller]
#[expect(
    clippy::needless_pass_by_value,
    reason = "what is checked is used nowhere else, and so a check stays one line"
)]
pub(crate) fn same<F, E>(what: &str, found: F, expected: E) -> Result<(), Failure>
where
    F: fmt::Debug + PartialEq<E>,
    E: fmt::Debug,
{
    if found == expected {
        return Ok(());
    }
    let (expected, found) = (shown(&expected), shown(&found));
    Err(Failure::new(Fault::Differs { what: what.to_owned(), expected, found }))
}

/// Takes what must be there.
#[track_caller]
pub(crate) fn present<T>(what: &str, found: Option<T>) -> Result<T, Failure> {
    match found {
        Some(value) => Ok(value),
        None => Err(broken(format!("{what} is missing"))),
    }
}

/// Takes the error of what must fail.
#[track_caller]
pub(crate) fn refused<T: fmt::Debug, E>(what: &str, outcome: Result<T, E>) -> Result<E, Failure> {
    match outcome {
        Ok(value) => Err(broken(format!("{what} must fail and gives {}", shown(&value)))),
        Err(error) => Ok(error),
    }
}

/// Checks that the server answered with an error of this code.
#[track_caller]
pub(crate) fn refused_with<T: fmt::Debug>(
    what: &str,
    outcome: Result<T, mcp_client::Error>,
    code: mcp_types::ErrorCode,
) -> Result<mcp_types::RpcError, Failure> {
    let error = refused(what, outcome)?;
    match error {
        mcp_client::Error::Rpc(error) if error.code == code => Ok(error),
        error => Err(Failure::new(Fault::Differs {
            what: format!("the error of {what}"),
            expected: format!("an answer with {code:?}"),
            found: shown(&error),
        })),
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.fault {
            Fault::Differs { what, expected, found } => {
                write!(f, "{what}: expected {expected}, found {found}")?;
            }
            Fault::Broken { rule } => write!(f, "does not hold: {rule}")?,
            Fault::Client(error) => write!(f, "the client: {}", with_causes(&**error))?,
            Fault::Server(error) => write!(f, "the server: {}", with_causes(&**error))?,
            Fault::Wire(error) => write!(f, "the wire: {}", with_causes(&**error))?,
        }
        let file = self.at.file().rsplit(['/', '\\']).next().unwrap_or_default();
        write!(f, " [{file}:{}]", self.at.line())
    }
}

impl StdError for Failure {}

impl From<mcp_client::Error> for Failure {
    #[track_caller]
    fn from(error: mcp_client::Error) -> Self {
        Self::new(Fault::Client(Box::new(error)))
    }
}

impl From<mcp_server::Error> for Failure {
    #[track_caller]
    fn from(error: mcp_server::Error) -> Self {
        Self::new(Fault::Server(Box::new(error)))
    }
}

impl From<WireError> for Failure {
    #[track_caller]
    fn from(error: WireError) -> Self {
        Self::new(Fault::Wire(Box::new(error)))
    }
}

/// Shows a value in at most [`SHOWN_CHARS`] characters.
fn shown(value: &impl fmt::Debug) -> String {
    let text = format!("{value:?}");
    match text.char_indices().nth(SHOWN_CHARS) {
        Some((end, _)) => format!("{}… ({} bytes)", text.get(..end).unwrap_or_default(), text.len()),
        None => text,
    }
}

fn with_causes(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// How much of a value a report shows.
const SHOWN_CHARS: usize = 400;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_says_what_was_expected_what_was_found_and_where() {
        let failure = same("the sum", 4, 5).unwrap_err();
        let line = line!() - 1;
        assert_eq!(failure.to_string(), format!("the sum: expected 5, found 4 [failure.rs:{line}]"));
        assert!(same("the sum", 5, 5).is_ok());
    }

    #[test]
    fn the_question_mark_keeps_the_line_that_it_stands_in() {
        fn fails() -> Result<(), Failure> {
            Err(mcp_client::Error::Closed)?;
            Ok(())
        }
        let line = line!() - 3;
        assert!(fails().unwrap_err().to_string().ends_with(&format!("[failure.rs:{line}]")));
    }

    #[test]
    fn a_long_value_is_cut_between_characters() {
        let failure = same("a text", "ä".repeat(1_000), String::new()).unwrap_err();
        assert!(failure.to_string().contains("… (2002 bytes)"));
    }
}
