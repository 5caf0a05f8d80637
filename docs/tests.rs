//! What the compiler does not see in the book: its order, its length, and its tables of facts.
//!
//! The surprising thing: a limit that nothing reads must be marked so in the book, and the sources are searched for it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::{fs, time::Duration};

use mcp_openai_bridge::gateway::config::Config;
use mcp_transport::limits::{Bound, Limits};
use mcp_types::{Features, Revision, method};

const GATEWAY_FILE: &str = include_str!("src/gateway-file.md");
const LIMITS: &str = include_str!("src/limits.md");
const REVISIONS: &str = include_str!("src/revisions.md");

/// The chapters that a text names, as file names of `src`.
fn chapters<'a>(text: &'a str, before: &str, after: char) -> BTreeSet<&'a str> {
    let parts = text.split(before).skip(1);
    parts.filter_map(|part| part.split(after).next()).filter(|name| name.ends_with(".md")).collect()
}

/// The names and texts of the chapters.
fn files() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    // The plots of a chapter have a folder.
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    paths
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, fs::read_to_string(path).unwrap())
        })
        .filter(|(name, _)| name != "SUMMARY.md")
        .collect()
}

/// The samples of a text, each with what stands behind its first three backticks.
fn samples(text: &str) -> Vec<(&str, &str)> {
    text.split("```").skip(1).step_by(2).map(|block| block.split_once('\n').unwrap()).collect()
}

/// The programs of a text: samples that are compiled and not run.
fn programs(text: &str) -> Vec<&str> {
    let samples = samples(text).into_iter();
    samples.filter(|(kind, _)| *kind == "rust,no_run").map(|(_, code)| code).collect()
}

/// The rows of the tables of a text, as cells.
fn rows(text: &str) -> impl Iterator<Item = Vec<&str>> {
    let lines = text.lines().filter(|line| line.starts_with('|'));
    lines.map(|line| line.trim_matches('|').split(" |").map(|cell| cell.trim_matches(['|', ' '])).collect())
}

/// A number or a time as a human writes it.
fn shown(name: &str, bound: Bound) -> String {
    const UNITS: [(usize, &str); 2] = [(1024 * 1024, " MiB"), (1024, " KiB")];
    match bound {
        Bound::Count(count) if name.ends_with("_bytes") => {
            let unit = UNITS.iter().find(|(size, _)| count % size == 0);
            unit.map_or_else(|| count.to_string(), |(size, unit)| format!("{}{unit}", count / size))
        }
        Bound::Count(count) if count >= 1000 => format!("{} {:03}", count / 1000, count % 1000),
        Bound::Count(count) => count.to_string(),
        Bound::Time(time) if time < Duration::from_secs(1) => format!("{} ms", time.as_millis()),
        Bound::Time(time) => match time.as_secs() {
            hours if hours % 3600 == 0 => format!("{} h", hours / 3600),
            minutes if minutes % 60 == 0 && minutes > 60 => format!("{} min", minutes / 60),
            seconds => format!("{seconds} s"),
        },
    }
}

/// All source text of the crates that have limits, but for the file that defines them.
fn sources() -> String {
    fn collect(folder: &Path, text: &mut String) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, text);
            } else if !path.ends_with("mcp-transport/src/limits.rs") {
                text.push_str(&fs::read_to_string(&path).unwrap());
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut text = String::new();
    for name in ["mcp-transport", "mcp-server", "mcp-client"] {
        collect(&root.join(name).join("src"), &mut text);
    }
    text
}

#[test]
fn every_chapter_is_in_the_summary_and_has_a_module() {
    let files = files();
    let files: BTreeSet<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(chapters(include_str!("src/SUMMARY.md"), "](", ')'), files);
    let modules = include_str!("lib.rs");
    assert_eq!(chapters(modules, "#[doc = include_str!(\"src/", '"'), files);
}

#[test]
fn what_the_documents_of_the_repository_lead_to_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    for name in ["ARCHITECTURE.md", "CONTRIBUTING.md", "README.md", "SECURITY.md"] {
        let text = fs::read_to_string(root.join(name)).unwrap();
        let targets = text.split("](").skip(1).filter_map(|part| part.split(')').next());
        let files = targets.map(|target| target.split('#').next().unwrap());
        for file in files.filter(|file| !file.is_empty() && !file.contains("://")) {
            assert!(root.join(file).exists(), "{name} leads to {file}, which is not there");
        }
    }
}

#[test]
fn a_chapter_is_short() {
    // One holds tables of measured figures, which are looked up and not read.
    for (name, text) in files().into_iter().filter(|(name, _)| name != "speed-figures.md") {
        assert!(text.lines().count() <= 150, "{name} has more than 150 lines");
    }
}

#[test]
fn the_programs_of_the_root_readme_are_those_of_the_crates_and_of_the_book_and_as_short_as_promised() {
    let root = programs(include_str!("../README.md"));
    let [server, client] = root.as_slice() else { panic!("the root README has a server and a client") };
    let first = |text: &'static str| programs(text)[0];
    assert_eq!(*server, first(include_str!("../mcp-server/README.md")));
    assert_eq!(*server, first(include_str!("src/first-server.md")));
    assert_eq!(*client, first(include_str!("../mcp-client/README.md")));
    assert_eq!(*client, first(include_str!("src/first-client.md")));
    let length = |code: &str| code.lines().filter(|line| !line.trim().is_empty()).count();
    assert!(length(server) <= 14, "{} lines", length(server));
    assert!(length(client) <= 8, "{} lines", length(client));
}

#[test]
fn the_scenario_that_the_book_shows_is_one_of_the_matrix() {
    let samples = samples(include_str!("src/inside.md"));
    let shown = samples.iter().find(|(kind, _)| *kind == "rust,ignore").unwrap();
    assert_eq!(shown.1, include_str!("../mcp-server/conformance/src/scenarios/instructions.rs"));
}

#[test]
fn the_table_of_limits_has_every_limit_with_its_default() {
    let rows = rows(LIMITS).filter(|row| row[0].starts_with('`'));
    let written: Vec<(String, String)> = rows
        .map(|row| {
            let name = row[0].split('`').nth(1).unwrap();
            (name.to_owned(), row[1].to_owned())
        })
        .collect();
    let defaults = Limits::default().entries().into_iter();
    let expected: Vec<(String, String)> = defaults.map(|(name, bound)| (name.to_owned(), shown(name, bound))).collect();
    assert_eq!(written, expected);
}

#[test]
fn a_limit_that_nothing_reads_is_marked_so_and_no_other_is() {
    let sources = sources();
    let is_read = |name: &str| {
        let member = format!(".{name}");
        let uses = sources.match_indices(&*member);
        uses.map(|(at, found)| sources[at + found.len()..].chars().next())
            .any(|next| !next.is_some_and(|next| next.is_alphanumeric() || "_(".contains(next)))
    };
    for row in rows(LIMITS).filter(|row| row[0].starts_with('`')) {
        let name = row[0].split('`').nth(1).unwrap();
        let is_marked = row[0].ends_with('†');
        assert_eq!(is_marked, !is_read(name), "is `{name}` marked †, and is it not read?");
    }
}

#[test]
fn the_tables_of_revisions_are_those_of_the_code() {
    let features = [
        ("BATCH", Features::BATCH),
        ("AUDIO", Features::AUDIO),
        ("TOOL_ANNOTATIONS", Features::TOOL_ANNOTATIONS),
        ("PROGRESS_MESSAGE", Features::PROGRESS_MESSAGE),
        ("TITLE", Features::TITLE),
        ("STRUCTURED_OUTPUT", Features::STRUCTURED_OUTPUT),
        ("STRUCTURED_ANY", Features::STRUCTURED_ANY),
        ("RESOURCE_LINK", Features::RESOURCE_LINK),
        ("COMPLETION_CONTEXT", Features::COMPLETION_CONTEXT),
        ("ELICITATION", Features::ELICITATION),
        ("ELICITATION_URL", Features::ELICITATION_URL),
        ("ICONS", Features::ICONS),
        ("SAMPLING_TOOLS", Features::SAMPLING_TOOLS),
        ("TASKS", Features::TASKS),
        ("INPUT_REQUIRED", Features::INPUT_REQUIRED),
        ("CACHE_HINTS", Features::CACHE_HINTS),
        ("PARAM_HEADERS", Features::PARAM_HEADERS),
    ];
    let has = |name: &str, revision: Revision| match features.iter().find(|(known, _)| *known == name) {
        Some((_, feature)) => revision.features().has(*feature),
        None => method::entry(name)
            .unwrap_or_else(|| panic!("`{name}` is no feature of the test and no method"))
            .exists_in(revision),
    };
    let rows: Vec<_> = rows(REVISIONS).collect();
    let heads = rows.iter().filter(|row| row.len() == 6 && !row[0].starts_with(['`', '-']));
    for head in heads {
        assert_eq!(head[1..], Revision::ALL.map(Revision::as_str));
    }
    let facts = rows.iter().filter(|row| row.len() == 6 && row[0].starts_with('`'));
    assert_eq!(facts.clone().count(), features.len() + 10);
    for row in facts {
        let name = row[0].split('`').nth(1).unwrap();
        let expected = Revision::ALL.map(|revision| if has(name, revision) { "x" } else { "" });
        assert_eq!(row[1..], expected, "{name}");
    }
}

#[test]
fn the_samples_of_the_gateways_file_are_read_without_a_warning() {
    let samples = samples(GATEWAY_FILE).into_iter().filter(|(kind, _)| *kind == "yaml");
    for (_, text) in samples {
        let (_, warnings) = Config::parse(text, Path::new("."), &|_| None).unwrap();
        assert!(warnings.is_empty(), "{warnings:?}");
    }
}

#[test]
fn the_keys_that_the_chapter_on_the_gateways_file_names_are_read() {
    let mut keys: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut table = "";
    for row in rows(GATEWAY_FILE).filter(|row| row.len() == 2) {
        if row[0].starts_with('`') {
            keys.entry(table).or_default().extend(row[0].split('`').skip(1).step_by(2));
        } else {
            table = row[0];
        }
    }
    // A key without a value is known, and means nothing.
    for (table, before, after) in [
        ("section", "{", "}"),
        ("key of a tool", "{mcp_tools: [{name: n, description: d, handler: a.b", "}]}"),
        ("key of a server", "{mcp_servers: {a: {url: 'http://a'", "}}}"),
        ("key of `litellm_params`", "{model_list: [{model_name: m, litellm_params: {model: x", "}}]}"),
    ] {
        let keys = keys.remove(table).unwrap_or_else(|| panic!("there is no table with the head `{table}`"));
        for key in keys.iter().filter(|key| !before.contains(&format!("{key}: "))) {
            let text = format!("{before}{} {key}: null{after}", if before == "{" { "" } else { "," });
            let (_, warnings) = Config::parse(&text, Path::new("."), &|_| None).unwrap();
            assert!(warnings.is_empty(), "{warnings:?}");
        }
    }
}

#[test]
fn the_exit_codes_of_the_tour_are_those_of_the_reference() {
    let codes = |text: &'static str| -> Vec<(&str, &str)> {
        let rows = rows(text).filter(|row| row[0].parse::<u8>().is_ok());
        rows.map(|row| (row[0], row[1])).collect()
    };
    let tour = codes(include_str!("src/program.md"));
    assert!(!tour.is_empty());
    assert_eq!(tour, codes(include_str!("../mcp-openai-bridge/PROGRAM.md")));
}
