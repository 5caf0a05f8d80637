//! The rules that look at one file. Each is a function from a file to what breaks the rule.

use std::ops::Range;

use crate::tidy::{
    scope::{OWN_ERAS, REAL_TIME, VERSIONS, WIRE, holds, is_pure},
    source::{Source, closing, find_words},
};

/// One place that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) path: String,
    /// From 1; 0 for the file as a whole.
    pub(crate) line: usize,
    pub(crate) rule: &'static str,
    pub(crate) message: String,
}

/// A rule and its name, as `xtask/exceptions.txt` writes it.
pub(crate) struct Rule {
    pub(crate) name: &'static str,
    check: fn(&Source) -> Vec<(usize, String)>,
}

impl Rule {
    /// Applies the rule to one file.
    pub(crate) fn check(&self, source: &Source) -> Vec<Finding> {
        let findings = (self.check)(source).into_iter();
        findings.map(|(line, message)| Finding { path: source.path.clone(), line, rule: self.name, message }).collect()
    }
}

/// Every rule that looks at one file.
pub(crate) const RULES: &[Rule] = &[
    Rule { name: "file-length", check: file_length },
    Rule { name: "module-doc", check: module_doc },
    Rule { name: "lenient-serde", check: lenient_serde },
    Rule { name: "test-clock", check: test_clock },
    Rule { name: "pure", check: pure },
    Rule { name: "version", check: version },
    Rule { name: "eras", check: eras },
    Rule { name: "machine-path", check: machine_path },
    Rule { name: "unfinished", check: unfinished },
    Rule { name: "whitespace", check: whitespace },
];

/// The longest file, in lines that are no tests.
const MAX_LINES: usize = 600;

fn file_length(source: &Source) -> Vec<(usize, String)> {
    let lines = source.lines_without_tests();
    if !source.is_rust() || lines <= MAX_LINES {
        return Vec::new();
    }
    vec![(0, format!("{lines} lines without tests; at most {MAX_LINES}: split it by concept"))]
}

fn module_doc(source: &Source) -> Vec<(usize, String)> {
    let starts_well = source.text.starts_with("//!") || source.text.starts_with("#![doc");
    if !source.is_rust() || starts_well {
        return Vec::new();
    }
    vec![(1, "starts without `//!`: what is this file, and what is the surprising thing?".to_owned())]
}

fn lenient_serde(source: &Source) -> Vec<(usize, String)> {
    if !holds(WIRE, &source.path) {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for start in source.find_in_production("serde(") {
        let end = closing(&source.code, start + "serde".len());
        let attribute = source.code.get(start..end).unwrap_or_default();
        for word in ["untagged", "flatten"] {
            if find_words(attribute, word).next().is_some() {
                let message = format!("`serde({word})` on what a peer may send: decode the discriminant first");
                findings.push((source.line(start), message));
            }
        }
    }
    findings
}

/// A test must not wait and must not measure. On tokio's paused time a wait costs nothing, so there only the real
/// clocks are forbidden. Without it one `Instant::now` per function is the point from which time is a number.
fn test_clock(source: &Source) -> Vec<(usize, String)> {
    if holds(REAL_TIME, &source.path) {
        return Vec::new();
    }
    source.tests().iter().flat_map(|tests| test_clock_in(source, tests)).collect()
}

fn test_clock_in(source: &Source, tests: &Range<usize>) -> Vec<(usize, String)> {
    let code = source.code.get(tests.clone()).unwrap_or_default();
    let is_paused = find_words(code, "start_paused").next().is_some();
    let forbidden: &[&str] = if is_paused {
        &["thread::sleep(", "SystemTime::now", "std::time::Instant::now"]
    } else {
        &["sleep(", "SystemTime::now", "elapsed("]
    };
    let mut findings = Vec::new();
    for word in forbidden {
        for position in find_words(code, word) {
            let message = format!("`{word}` in a test: time is an argument, or tokio's paused time");
            findings.push((source.line(tests.start + position), message));
        }
    }
    if is_paused {
        return findings;
    }
    for function in functions(code) {
        let body = code.get(function.clone()).unwrap_or_default();
        if let Some(second) = find_words(body, "Instant::now").nth(1) {
            let message = "a second `Instant::now` in one test measures: add to the first instead".to_owned();
            findings.push((source.line(tests.start + function.start + second), message));
        }
    }
    findings
}

/// The bodies of the functions in `code`; one inside another belongs to both.
fn functions(code: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    find_words(code, "fn ").filter_map(|start| {
        let open = start + code.get(start..)?.find(['{', ';'])?;
        (code.as_bytes().get(open) == Some(&b'{')).then(|| open..closing(code, open))
    })
}

fn pure(source: &Source) -> Vec<(usize, String)> {
    if !source.is_rust() || !is_pure(&source.path) {
        return Vec::new();
    }
    // The first place of each word is enough: whoever moves one to a driver moves all.
    let places = IMPURE.iter().filter_map(|&word| Some((word, source.find_in_production(word).next()?)));
    places
        .map(|(word, position)| {
            let message = format!("`{word}` in a pure module: what waits belongs into a driver (see tidy/scope.rs)");
            (source.line(position), message)
        })
        .collect()
}

/// What a pure module must not say. Addresses (`std::net::IpAddr`) are data; what opens one is not.
const IMPURE: &[&str] = &[
    "async fn",
    "async move",
    "async {",
    "async |",
    ".await",
    "Instant::now",
    "SystemTime",
    "TcpListener",
    "TcpStream",
    "ToSocketAddrs",
    "UdpSocket",
    "UnixStream",
    "tokio::",
    "getrandom",
    "std::env",
    "std::fs",
    "std::process",
    "std::thread",
    "thread::spawn",
];

fn version(source: &Source) -> Vec<(usize, String)> {
    let is_ours = holds(WIRE, &source.path);
    let in_era = source.path.contains("/era/") || source.path.ends_with("/era.rs");
    if !is_ours || in_era || holds(VERSIONS, &source.path) {
        return Vec::new();
    }
    let by_variant = find_words_starting(&source.code, "Revision::V").filter(|&position| !source.is_test(position));
    let variants = by_variant.map(|position| (position, "a revision by its name".to_owned()));
    let names = source.strings.iter().filter(|range| !source.is_test(range.start));
    let names = names.filter_map(|range| {
        let text = source.text.get(range.clone())?;
        REVISIONS.contains(&text).then(|| (range.start, format!("the revision \"{text}\"")))
    });
    let compared = find_words(&source.code, "Revision::").filter(|&position| {
        let before = source.code.get(..position).unwrap_or_default().trim_end();
        !source.is_test(position) && [" >", " <", ">=", "<="].iter().any(|operator| before.ends_with(operator))
    });
    let compared = compared.map(|position| (position, "a comparison of revisions".to_owned()));
    let has_own_era = holds(OWN_ERAS, &source.path);
    let eras = source
        .find_in_production("Era::")
        .filter(|_| !has_own_era)
        .map(|position| (position, "an era by its name".to_owned()));
    variants
        .chain(names)
        .chain(compared)
        .chain(eras)
        .map(|(position, what)| {
            let message = format!("{what} outside the four places that know versions: ask `Revision::features()`");
            (source.line(position), message)
        })
        .collect()
}

/// The names of the five revisions.
const REVISIONS: &[&str] = &["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"];

fn find_words_starting<'a>(code: &'a str, start: &'a str) -> impl Iterator<Item = usize> + 'a {
    code.match_indices(start)
        .filter(move |(position, _)| code.as_bytes().get(position + start.len()).is_some_and(u8::is_ascii_digit))
        .map(|(position, _)| position)
}

fn eras(source: &Source) -> Vec<(usize, String)> {
    let other = if source.path.contains("/era/legacy") {
        "modern"
    } else if source.path.contains("/era/modern") {
        "legacy"
    } else {
        return Vec::new();
    };
    let paths = [format!("{other}::"), format!("era::{other}"), format!("super::{other}")];
    let mut lines: Vec<usize> = paths
        .iter()
        .flat_map(|path| source.find_in_production(path).map(|position| source.line(position)).collect::<Vec<_>>())
        .collect();
    lines.sort_unstable();
    lines.dedup();
    lines.into_iter().map(|line| (line, format!("one era imports the other (`{other}`): they are siblings"))).collect()
}

fn machine_path(source: &Source) -> Vec<(usize, String)> {
    // The lock file names the registry of every Rust project, which is no secret of one machine.
    if source.path == "Cargo.lock" {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for path in MACHINE_PATHS {
        for (position, _) in source.text.match_indices(path) {
            let bytes = source.text.as_bytes();
            let before = position.checked_sub(1).and_then(|before| bytes.get(before));
            let after = bytes.get(position + path.len());
            let is_inside = before.is_some_and(|&byte| byte.is_ascii_alphanumeric() || b"._-/}".contains(&byte));
            let goes_on = after.is_some_and(|&byte| byte.is_ascii_alphanumeric() || byte == b'-');
            let is_host = !path.starts_with('/');
            if is_host || (!is_inside && (path.ends_with('/') || !goes_on)) {
                findings.push((source.line(position), format!("`{path}`: a place of one machine")));
            }
        }
    }
    findings
}

/// Folders of one machine, and the hosts that packages come from.
const MACHINE_PATHS: &[&str] = &[
    "/work",
    "/home/",
    "/root/",
    "registry.npmjs.org",
    "registry.yarnpkg.com",
    "index.crates.io",
    "static.crates.io",
    "pypi.org/simple",
    "files.pythonhosted.org",
];

fn unfinished(source: &Source) -> Vec<(usize, String)> {
    let mut findings = Vec::new();
    for word in ["TODO", "FIXME", "XXX", "unimplemented!", "todo!"] {
        for position in find_words(&source.text, word) {
            findings.push((source.line(position), format!("`{word}`: finish it, or open an issue")));
        }
    }
    findings
}

fn whitespace(source: &Source) -> Vec<(usize, String)> {
    let mut findings = Vec::new();
    for (index, line) in source.text.split('\n').enumerate() {
        let what = if line.contains('\t') {
            "a tab"
        } else if line.contains('\r') {
            "a carriage return"
        } else if line.ends_with(' ') {
            "a space at the end"
        } else {
            continue;
        };
        findings.push((index + 1, what.to_owned()));
    }
    if !source.text.is_empty() && (!source.text.ends_with('\n') || source.text.ends_with("\n\n")) {
        findings.push((source.text.lines().count(), "the file does not end in exactly one line break".to_owned()));
    }
    findings
}
