//! The checks of one scenario, as the suite writes them into `checks.json`.

use serde_json::Value;

use crate::process::{Outcome, Red};

/// One thing that the suite looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Check {
    /// The requirement; several checks may share it.
    pub(crate) id: String,
    /// What tells checks of one requirement apart.
    pub(crate) name: String,
    pub(crate) status: Status,
    /// Why it is not a success, in the words of the suite.
    pub(crate) message: String,
}

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    Success,
    /// A MUST is broken.
    Failure,
    /// A SHOULD is broken.
    Warning,
    /// The peer never did what would have been looked at.
    Skipped,
    /// A remark; the suite also logs requests like this.
    Info,
}

/// Reads the checks.
///
/// # Errors
///
/// When the text is not a list of checks, or one has a status that we do not know: it may mean anything.
pub(crate) fn parse(text: &str) -> Outcome<Vec<Check>> {
    let value: Value = serde_json::from_str(text).map_err(|error| Red::new(format!("not JSON: {error}")))?;
    let checks = value.as_array().ok_or_else(|| Red::new("not a list of checks"))?;
    checks.iter().map(check).collect()
}

fn check(value: &Value) -> Outcome<Check> {
    let text = |member: &str| value[member].as_str().map(str::to_owned);
    let missing = |member: &str| Red::new(format!("a check without `{member}`: {value}"));
    let status = text("status").ok_or_else(|| missing("status"))?;
    Ok(Check {
        id: text("id").ok_or_else(|| missing("id"))?,
        name: text("name").ok_or_else(|| missing("name"))?,
        status: Status::parse(&status)
            .ok_or_else(|| Red::new(format!("a check has the status `{status}`, which we do not know")))?,
        message: text("errorMessage").or_else(|| text("description")).unwrap_or_default(),
    })
}

impl Status {
    fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "SUCCESS" => Self::Success,
            "FAILURE" => Self::Failure,
            "WARNING" => Self::Warning,
            "SKIPPED" => Self::Skipped,
            "INFO" => Self::Info,
            _ => return None,
        })
    }

    /// The word of the suite for it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Success => "SUCCESS",
            Self::Failure => "FAILURE",
            Self::Warning => "WARNING",
            Self::Skipped => "SKIPPED",
            Self::Info => "INFO",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_is_read_with_its_reason() {
        let text = r#"[
            {"id": "ping", "name": "Ping", "description": "answers", "status": "SUCCESS", "details": {"result": {}}},
            {"id": "image", "name": "Image", "description": "has one", "status": "FAILURE", "errorMessage": "has none"}
        ]"#;
        let checks = parse(text).unwrap();
        assert_eq!(checks[0].status, Status::Success);
        assert_eq!(checks[0].message, "answers");
        let failed = &checks[1];
        assert_eq!((failed.id.as_str(), failed.name.as_str()), ("image", "Image"));
        assert_eq!((failed.status, failed.message.as_str()), (Status::Failure, "has none"));
    }

    #[test]
    fn what_is_no_list_of_checks_is_an_error() {
        for text in ["", "{}", "[1]", r#"[{"id": "a", "name": "b"}]"#, r#"[{"status": "SUCCESS", "name": "b"}]"#] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_status_that_nobody_knows_is_not_taken_for_a_success() {
        let error = parse(r#"[{"id": "a", "name": "b", "status": "PASSED"}]"#).unwrap_err();
        assert!(error.message.contains("PASSED"), "{error}");
    }
}
