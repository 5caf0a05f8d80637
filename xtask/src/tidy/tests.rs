//! Each rule with an input that breaks it and one that comes close.

use super::{
    exceptions,
    rules::{Finding, RULES},
    source::Source,
    tree,
};

/// The lines on which `rule` finds something.
fn lines(rule: &str, path: &str, text: &str) -> Vec<usize> {
    let rule = RULES.iter().find(|candidate| candidate.name == rule).unwrap();
    rule.check(&Source::new(path, text)).into_iter().map(|finding| finding.line).collect()
}

#[track_caller]
fn breaks(rule: &str, path: &str, text: &str, line: usize) {
    assert_eq!(lines(rule, path, text), [line], "{rule} on {text:?}");
}

#[track_caller]
fn keeps(rule: &str, path: &str, text: &str) {
    assert_eq!(lines(rule, path, text), Vec::<usize>::new(), "{rule} on {text:?}");
}

#[test]
fn a_file_of_601_lines_is_too_long_and_its_tests_do_not_count() {
    let long = "fn a() {}\n".repeat(601);
    breaks("file-length", "a/src/b.rs", &long, 0);
    let tested = format!("{}#[cfg(test)]\nmod tests {{\n{}}}\n", "fn a() {}\n".repeat(600), "fn b() {}\n".repeat(99));
    keeps("file-length", "a/src/b.rs", &tested);
    keeps("file-length", "a/src/b/tests.rs", &long);
}

#[test]
fn a_rust_file_starts_with_its_documentation() {
    breaks("module-doc", "a/src/b.rs", "// A comment.\n", 1);
    keeps("module-doc", "a/src/b.rs", "//! A document.\n");
    keeps("module-doc", "a/src/lib.rs", "#![doc = include_str!(\"../README.md\")]\n");
    keeps("module-doc", "a/b.py", "import b\n");
}

#[test]
fn what_a_peer_sends_is_not_decoded_by_trial() {
    breaks("lenient-serde", "mcp-types/src/a.rs", "\n#[serde(untagged)]\nenum A {}\n", 2);
    breaks("lenient-serde", "mcp-client/src/a.rs", "#[serde(\n    default, flatten)]\n", 1);
    breaks("lenient-serde", "mcp-server/src/a.rs", "#[cfg_attr(b, serde(flatten))]\n", 1);
    keeps("lenient-serde", "mcp-types/src/a.rs", "// serde(untagged)\n#[serde(rename = \"flatten\")]\n");
    keeps("lenient-serde", "mcp-types/tests/a.rs", "#[serde(untagged)]\n");
    keeps("lenient-serde", "xtask/src/a.rs", "#[serde(untagged)]\n");
}

#[test]
fn a_test_does_not_sleep() {
    breaks("test-clock", "a/tests/b.rs", "fn b() {\n    sleep(SECOND);\n}\n", 2);
    breaks("test-clock", "a/src/b.rs", "#[cfg(test)]\nmod tests {\n    fn b() { thread::sleep(c); }\n}\n", 3);
    keeps("test-clock", "a/src/b.rs", "fn b() { sleep(c); }\n");
    keeps("test-clock", "mcp-server/conformance/tests/b.rs", "fn b() { sleep(c); }\n");
}

#[test]
fn a_test_on_paused_time_may_sleep_but_not_stop_its_thread() {
    let paused = |body: &str| format!("#[tokio::test(start_paused = true)]\nasync fn b() {{\n    {body}\n}}\n");
    keeps("test-clock", "a/tests/b.rs", &paused("tokio::time::sleep(c).await;"));
    breaks("test-clock", "a/tests/b.rs", &paused("std::thread::sleep(c);"), 3);
    breaks("test-clock", "a/tests/b.rs", &paused("SystemTime::now();"), 3);
}

#[test]
fn a_test_reads_the_clock_once_and_does_not_measure() {
    keeps("test-clock", "a/tests/b.rs", "fn b() { let now = Instant::now(); }\nfn c() { Instant::now(); }\n");
    breaks("test-clock", "a/tests/b.rs", "fn b() {\n    Instant::now();\n    Instant::now();\n}\n", 3);
    breaks("test-clock", "a/tests/b.rs", "fn b() {\n    start.elapsed();\n}\n", 2);
    breaks("test-clock", "a/tests/b.rs", "fn b() {\n    SystemTime::now();\n}\n", 2);
}

#[test]
fn a_pure_module_does_not_wait_and_has_no_clock() {
    for impure in ["async fn b() {}", "b.await;", "Instant::now();", "use tokio::sync;", "use std::net::TcpStream;"] {
        breaks("pure", "mcp-types/src/a.rs", &format!("\n{impure}\n"), 2);
    }
    keeps(
        "pure",
        "mcp-types/src/a.rs",
        "// b.await\nfn b(now: Instant) {}\n#[cfg(test)]\nfn c() { Instant::now(); }\n",
    );
    keeps("pure", "mcp-client/src/a.rs", "async fn b() {}\n");
    keeps("pure", "mcp-openai-bridge/src/driver/a.rs", "async fn b() {}\n");
    breaks("pure", "mcp-openai-bridge/src/driver/retry.rs", "async fn b() {}\n", 1);
    breaks("pure", "mcp-transport/src/http/server/rules.rs", "Instant::now();\n", 1);
}

#[test]
fn a_revision_is_named_only_where_versions_are_known() {
    breaks("version", "mcp-client/src/a.rs", "\nif revision == Revision::V2025_11_25 {}\n", 2);
    breaks("version", "mcp-client/src/a.rs", "\nif revision >= Revision::LATEST {}\n", 2);
    breaks("version", "mcp-server/src/a.rs", "let a = \"2026-07-28\";\n", 1);
    keeps("version", "mcp-types/src/revision.rs", "Revision::V2025_11_25\n");
    keeps("version", "mcp-client/src/era/modern.rs", "Revision::V2026_07_28\n");
    keeps("version", "mcp-client/src/a.rs", "// Since 2026-07-28.\nRevision::LATEST\n");
    keeps("version", "mcp-client/src/a.rs", "#[cfg(test)]\nmod tests { const A: &str = \"2026-07-28\"; }\n");
}

#[test]
fn an_era_is_named_only_where_versions_are_known() {
    breaks("version", "mcp-transport/src/a.rs", "\nif revision.era() == Era::Modern {}\n", 2);
    breaks("version", "mcp-client/src/a.rs", "match revision.era() {\n    mcp_types::Era::Legacy => {}\n}\n", 2);
    for path in [
        "mcp-types/src/revision.rs",
        "mcp-transport/src/era/classify.rs",
        "mcp-openai-bridge/src/bin/mcp-bridge/connect.rs",
        "mcp-client/tests/era.rs",
    ] {
        keeps("version", path, "if era == Era::Modern {}\n");
    }
    keeps(
        "version",
        "mcp-client/src/a.rs",
        "// Unlike Era::Modern.\nif mode == EraMode::Legacy || left.era() == right.era() {}\n",
    );
    keeps("version", "mcp-client/src/a.rs", "#[cfg(test)]\nmod tests { const A: Era = Era::Legacy; }\n");
}

#[test]
fn the_eras_do_not_import_each_other() {
    breaks("eras", "mcp-client/src/era/modern/open.rs", "\nuse crate::era::legacy::Session;\n", 2);
    breaks("eras", "mcp-client/src/era/legacy.rs", "use super::modern;\n", 1);
    keeps("eras", "mcp-client/src/era/legacy.rs", "// Unlike modern::open.\nuse super::Era;\n");
    keeps("eras", "mcp-client/src/era/mod.rs", "mod legacy;\nuse self::legacy::Session;\n");
}

#[test]
fn no_file_names_a_place_of_one_machine() {
    breaks("machine-path", "a/README.md", "run /work/main/x\n", 1);
    breaks("machine-path", "a/README.md", "in `/work`\n", 1);
    breaks("machine-path", "a/README.md", "from https://registry.npmjs.org/x\n", 1);
    keeps("machine-path", "a/README.md", "https://example.com/work/x and /workspace and a/home/b and network\n");
}

#[test]
fn nothing_is_left_unfinished() {
    breaks("unfinished", "a/src/b.rs", "\n// TODO: more\n", 2);
    breaks("unfinished", "a/src/b.rs", "fn b() { unimplemented!() }\n", 1);
    keeps("unfinished", "a/src/b.rs", "// The todos of MASTODON.\n");
}

#[test]
fn a_file_has_no_tabs_and_no_spaces_at_the_end_of_a_line() {
    breaks("whitespace", "a/README.md", "a\nb \n", 2);
    breaks("whitespace", "a/src/b.rs", "a\n\tb\n", 2);
    breaks("whitespace", "a/src/b.rs", "a\r\n", 1);
    breaks("whitespace", "a/src/b.rs", "a", 1);
    breaks("whitespace", "a/src/b.rs", "a\n\n", 2);
    keeps("whitespace", "a/src/b.rs", "a\n\n    b\n");
}

#[test]
fn a_stranger_at_the_top_is_found() {
    let names = ["Cargo.toml", "notes.md"].map(str::to_owned);
    assert_eq!(tree::top_level(&names)[0].path, "notes.md");
}

#[test]
fn a_crate_without_a_change_log_is_found() {
    let findings = tree::crate_files(&["a"], &["a/README.md"]);
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].path, "a/CHANGELOG.md");
}

#[test]
fn a_table_that_names_a_file_that_is_gone_is_found() {
    let tables: [(&str, &[&str]); 1] = [("PURE", &["a/src/", "a/src/b.rs", "a/src/c.rs"])];
    let findings = tree::stale_scopes(&tables, &["a/src/b.rs"]);
    assert_eq!(findings.len(), 1);
    assert!(findings[0].message.contains("a/src/c.rs"));
}

fn finding(path: &str, rule: &'static str) -> Finding {
    Finding { path: path.to_owned(), line: 1, rule, message: String::new() }
}

#[test]
fn an_exception_excuses_its_rule_in_its_file_only() {
    let exceptions = exceptions::parse("# why\n\na.rs pure it is a driver\n").unwrap();
    let left = exceptions::apply(
        &exceptions,
        vec![finding("a.rs", "pure"), finding("a.rs", "version"), finding("b.rs", "pure")],
    );
    assert_eq!(left, [finding("a.rs", "version"), finding("b.rs", "pure")]);
}

#[test]
fn an_exception_that_nothing_needs_is_a_finding() {
    let exceptions = exceptions::parse("a.rs pure it was a driver\n").unwrap();
    let left = exceptions::apply(&exceptions, Vec::new());
    assert_eq!((left[0].rule, left[0].line), ("exceptions", 1));
}

#[test]
fn an_exception_without_a_reason_is_refused() {
    assert!(exceptions::parse("a.rs pure\n").is_err());
}
