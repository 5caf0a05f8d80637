//! The rules that look at the tree as a whole: what lies where.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    process::{Outcome, Red},
    tidy::{
        rules::Finding,
        scope::{self, NOT_OURS, TOP_LEVEL},
        source::Source,
    },
};

/// Reads every text file of ours below `root`.
///
/// # Errors
///
/// When a file or folder cannot be read.
pub(crate) fn read(root: &Path) -> Outcome<Vec<Source>> {
    let mut sources = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        for (name, is_folder) in entries(&root.join(&folder))? {
            let path = folder.join(&name);
            let text_path = path.to_string_lossy().replace('\\', "/");
            if is_folder {
                if !NOT_OURS.contains(&name.as_str()) && !NOT_OURS.contains(&text_path.as_str()) {
                    folders.push(path);
                }
            } else if is_text(&text_path) {
                let text = fs::read_to_string(root.join(&path))
                    .map_err(|error| Red::new(format!("cannot read {text_path}: {error}")))?;
                sources.push(Source::new(text_path, text));
            }
        }
    }
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(sources)
}

/// Returns the names in a folder, sorted, and whether each is a folder itself. A link is never one.
///
/// # Errors
///
/// When the folder cannot be read.
pub(crate) fn entries(folder: &Path) -> Outcome<Vec<(String, bool)>> {
    let unreadable = |error: std::io::Error| Red::new(format!("cannot read {}: {error}", folder.display()));
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let kind = entry.file_type().map_err(unreadable)?;
        if !kind.is_symlink() {
            entries.push((entry.file_name().to_string_lossy().into_owned(), kind.is_dir()));
        }
    }
    entries.sort();
    Ok(entries)
}

/// Checks what lies at the top of the tree.
pub(crate) fn top_level(names: &[String]) -> Vec<Finding> {
    let strangers = names.iter().filter(|name| !TOP_LEVEL.contains(&name.as_str()));
    strangers
        .map(|name| Finding {
            path: name.clone(),
            line: 0,
            rule: "top-level",
            message: "does not belong at the top: it lies in one of the crates, xtask or docs".to_owned(),
        })
        .collect()
}

/// Checks that a crate tells what it is and what changed. `files` are the paths of the tree.
pub(crate) fn crate_files(crates: &[&str], files: &[&str]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for crate_name in crates {
        for file in ["README.md", "CHANGELOG.md"] {
            let path = format!("{crate_name}/{file}");
            if !files.contains(&path.as_str()) {
                let message = format!("the crate {crate_name} has no {file}");
                findings.push(Finding { path, line: 0, rule: "crate-files", message });
            }
        }
    }
    findings
}

/// Checks that the tables of `scope.rs` name files that are there.
pub(crate) fn stale_scopes(tables: &[(&str, &[&str])], files: &[&str]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (table, entries) in tables {
        for entry in *entries {
            if !files.iter().any(|file| scope::matches(entry, file)) {
                findings.push(Finding {
                    path: "xtask/src/tidy/scope.rs".to_owned(),
                    line: 0,
                    rule: "stale-scope",
                    message: format!("`{entry}` of the table {table} is no file: moved, or deleted?"),
                });
            }
        }
    }
    findings
}

fn is_text(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    TEXT_EXTENSIONS.contains(&extension) || TEXT_NAMES.contains(&path)
}

/// What we write by hand. Recorded messages (JSON, SSE) stay as they were received.
const TEXT_EXTENSIONS: &[&str] =
    &["css", "html", "js", "lock", "md", "mjs", "py", "rs", "sh", "toml", "txt", "yaml", "yml"];
const TEXT_NAMES: &[&str] = &[".ci/run", ".gitignore"];
