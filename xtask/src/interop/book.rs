//! The pages of the book that follow both seeds sample by sample: each sample is compiled and run, and none is skipped.

use std::{fs, time::Duration};

use crate::{
    interop::Check,
    process::{Group, Outcome, Red, cargo, tail},
    workspace::root,
};

/// Runs the samples.
pub(crate) fn check() -> Vec<Check> {
    vec![Check::of("samples", samples())]
}

fn samples() -> Outcome<String> {
    let written = pages()?.iter().map(|page| count(page)).sum::<usize>();
    let mut command = cargo();
    command.current_dir(root()).args(["test", "--package", "docs", "--doc", "--", PAGES]);
    let (code, lines) = Group::start(&mut command)?.finish(PATIENCE)?;
    let is_green = |text: &str| text.starts_with("test docs/src/") && text.ends_with("... ok");
    let run = lines.iter().filter(|line| is_green(&line.text)).count();
    if code == Some(0) && run == written && run > 0 {
        return Ok(format!("{run} of {written} compiled and run"));
    }
    Err(Red::new(format!("{run} of {written} samples are green ({code:?}):\n{}", tail(&lines))))
}

/// The texts of the pages.
fn pages() -> Outcome<Vec<String>> {
    let folder = root().join("docs").join("src");
    let unreadable = |error| Red::new(format!("cannot read {}: {error}", folder.display()));
    let mut pages = Vec::new();
    for entry in fs::read_dir(&folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if name.starts_with(PAGES) && name.ends_with(".md") {
            pages.push(fs::read_to_string(&path).map_err(unreadable)?);
        }
    }
    Ok(pages)
}

/// How many samples in Rust a page has; one that is only shown counts too, so that it is missed.
fn count(page: &str) -> usize {
    page.lines().filter(|line| line.trim_start().starts_with("```rust")).count()
}

/// How the names of the pages begin, and those of their samples.
const PAGES: &str = "litellm";
/// How long the samples may take to be compiled.
const PATIENCE: Duration = Duration::from_secs(400);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_of_a_page_counts_however_it_is_marked() {
        assert_eq!(count("# A\n```rust\na\n```\n```rust,ignore\nb\n```\n```python\nc\n```\n"), 2);
        assert!(pages().unwrap().iter().map(|page| count(page)).sum::<usize>() > 5);
    }
}
