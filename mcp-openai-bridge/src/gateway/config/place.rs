//! Where in the file something stands, and what is said of it.
//!
//! The surprising thing: an error lists everything that is wrong with a file, because who repairs a file does not want
//! to start the program once for each mistake.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// A place in a file; both numbers begin with one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The number of the line.
    pub line: u64,
    /// The number of the character in its line.
    pub column: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// A value of a file with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located<T> {
    /// The value.
    pub value: T,
    /// Where it begins.
    pub place: Place,
}

impl<T> Located<T> {
    /// Puts a value and its place together.
    pub fn new(value: T, place: Place) -> Self {
        Self { value, place }
    }
}

/// Something that is said of a file. Its text is one line: file, line, column, and what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    file: PathBuf,
    place: Option<Place>,
    text: String,
}

impl Remark {
    pub(in crate::gateway) fn new(file: &Path, place: Option<Place>, text: String) -> Self {
        Self { file: file.to_owned(), place, text }
    }

    /// Returns the place, if it is about one.
    pub fn place(&self) -> Option<Place> {
        self.place
    }

    /// Returns what is said, without file and place.
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.file.display())?;
        if let Some(place) = self.place {
            write!(f, "{place}:")?;
        }
        write!(f, " {}", self.text)
    }
}

/// Something in a file that has no effect, or perhaps not the one that was meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning(Remark);

impl Warning {
    pub(in crate::gateway) fn new(file: &Path, place: Place, text: String) -> Self {
        Self(Remark::new(file, Some(place), text))
    }

    /// Returns the place, if it is about one.
    pub fn place(&self) -> Option<Place> {
        self.0.place()
    }

    /// Returns what is said, without file and place.
    pub fn text(&self) -> &str {
        self.0.text()
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Why a configuration cannot be used: all that is wrong with its file, a line for each.
#[derive(Debug)]
pub struct ConfigError {
    faults: Vec<Remark>,
    source: Option<io::Error>,
}

impl ConfigError {
    pub(in crate::gateway) fn new(faults: Vec<Remark>) -> Self {
        Self { faults, source: None }
    }

    pub(super) fn unreadable(file: &Path, error: io::Error) -> Self {
        let why = match error.kind() {
            io::ErrorKind::NotFound => "there is no such file",
            io::ErrorKind::PermissionDenied => "this user may not read the file",
            io::ErrorKind::InvalidData => "the file is not UTF-8",
            _ => "the file cannot be read",
        };
        Self { faults: vec![Remark::new(file, None, why.to_owned())], source: Some(error) }
    }

    /// Returns what is wrong, in the order of the file.
    pub fn faults(&self) -> &[Remark] {
        &self.faults
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.faults.iter().enumerate() {
            write!(f, "{}{fault}", if index > 0 { "\n" } else { "" })?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|error| error as _)
    }
}
