//! One fault of arguments, and the words in which a model is told of it.
//!
//! The surprising thing: the words are those of this workspace's servers. A model that is told the same fault from both
//! sides need not find out that it is the same.

use std::fmt;

use super::{shortened, shortened_to};

/// One thing that is wrong with arguments. Its text is one line, in the words that servers of this workspace use too.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fault {
    /// Where, as a JSON pointer; empty for the arguments as a whole.
    pub path: String,
    /// What is wrong there.
    pub problem: Problem,
}

/// What is wrong with a value.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// It is required and not there.
    Missing {
        /// What is expected, such as `a string`, when the schema says so.
        expected: Option<String>,
        /// A name that is not known and was perhaps sent in its place.
        sent_as: Option<String>,
    },
    /// It follows none of several forms.
    NoForm {
        /// How many forms the schema allows.
        forms: usize,
        /// What is wrong by the form that is closest.
        closest: Vec<Fault>,
    },
    /// It is there and its name is not known.
    Unknown {
        /// The name that was probably meant.
        meant: Option<String>,
        /// The names that are known. Of several unknown names in one place only the last one says them.
        known: Option<Vec<String>>,
    },
    /// It is another than expected.
    Wrong {
        /// What is expected.
        expected: String,
        /// What stands there.
        got: String,
        /// The value that was probably meant.
        meant: Option<String>,
    },
}

impl Fault {
    /// Makes a fault.
    pub fn new(path: impl Into<String>, problem: Problem) -> Self {
        Self { path: path.into(), problem }
    }

    pub(crate) fn wrong(path: impl Into<String>, expected: impl Into<String>, got: impl Into<String>) -> Self {
        Self::new(path, Problem::Wrong { expected: expected.into(), got: got.into(), meant: None })
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            f.write_str("the arguments")?;
        } else {
            write!(f, "`{}`", shortened_to(&readable(&self.path), PATH_CHARS))?;
        }
        write!(f, ": {}", self.problem)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let guess = |f: &mut fmt::Formatter<'_>, meant: &Option<String>| match meant {
            Some(meant) => write!(f, ", did you mean `{meant}`?"),
            None => Ok(()),
        };
        match self {
            Self::Missing { expected, sent_as } => {
                f.write_str("missing")?;
                if let Some(expected) = expected {
                    write!(f, ", expected {expected}")?;
                }
                match sent_as {
                    Some(sent) => write!(f, "; is it what you sent as `{}`?", shortened(sent)),
                    None => Ok(()),
                }
            }
            Self::NoForm { forms, closest } => {
                let closest: Vec<String> = closest.iter().map(Fault::to_string).collect();
                write!(f, "follows none of its {forms} forms; closest: {}", closest.join("; "))
            }
            Self::Unknown { meant, known } => {
                f.write_str("unknown")?;
                guess(f, meant)?;
                match known {
                    Some(known) if known.is_empty() => f.write_str("; none are known here"),
                    Some(known) => write!(f, "; known are {}", listed(known.iter().map(|name| format!("`{name}`")))),
                    None => Ok(()),
                }
            }
            Self::Wrong { expected, got, meant } => {
                write!(f, "expected {expected}, got {got}")?;
                guess(f, meant)
            }
        }
    }
}

/// Turns a JSON pointer into a path that reads like code.
fn readable(pointer: &str) -> String {
    let mut path = String::new();
    for token in pointer.split('/').skip(1) {
        let token = token.replace("~1", "/").replace("~0", "~");
        if !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_digit()) {
            path.push_str(&format!("[{token}]"));
        } else {
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(&token);
        }
    }
    path
}

/// Lists words, and says how many there are when some are left out.
pub(super) fn listed(words: impl ExactSizeIterator<Item = String>) -> String {
    let more = words.len().saturating_sub(LISTED_WORDS);
    let shown = words.take(LISTED_WORDS).collect::<Vec<_>>().join(", ");
    if more > 0 { format!("{shown} and {more} more") } else { shown }
}

/// Characters of a path that are shown.
const PATH_CHARS: usize = 120;

/// Names and values that are listed in one fault.
const LISTED_WORDS: usize = 24;

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, problem: Problem, expected: &str) {
        assert_eq!(Fault::new(path, problem).to_string(), expected);
    }

    #[test]
    fn a_path_reads_like_code() {
        let wrong = || Problem::Wrong { expected: "x".to_owned(), got: "y".to_owned(), meant: None };
        check("/points/1/x", wrong(), "`points[1].x`: expected x, got y");
        check("/a~1b/~0", wrong(), "`a/b.~`: expected x, got y");
        check("", wrong(), "the arguments: expected x, got y");
    }

    #[test]
    fn a_long_list_of_names_says_how_many_are_left_out() {
        let known = (0..26).map(|n| format!("n{n}")).collect();
        let text = Fault::new("/x", Problem::Unknown { meant: None, known: Some(known) }).to_string();
        assert!(text.starts_with("`x`: unknown; known are `n0`, `n1`, "), "{text}");
        assert!(text.ends_with("`n23` and 2 more"), "{text}");
        check("/x", Problem::Unknown { meant: None, known: Some(Vec::new()) }, "`x`: unknown; none are known here");
    }
}
