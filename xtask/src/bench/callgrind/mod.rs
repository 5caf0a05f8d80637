//! `cargo xtask bench callgrind`: how many instructions and allocations one echo costs a server, counted by valgrind.
//!
//! Two runs of the same script, one longer than the other, are taken from each other, so that starting and stopping do
//! not count. What the kernel does does not count either. The surprising thing: the counts of one build repeat to a few
//! in a thousand on any machine, however busy, so a change of 3 % is a change of the program.

mod baseline;
mod drive;
mod outcome;

use std::{collections::BTreeSet, path::Path};

use crate::{
    bench::{
        callgrind::{
            baseline::Baseline,
            drive::{Way, script},
        },
        programs::{Programs, prepare::LOAD_SIDE},
    },
    process::{Outcome, Red, is_installed},
    workspace::{Workspace, root},
};

/// What one echo costs a server.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Count {
    /// Who: as the rows name subjects.
    pub(crate) subject: &'static str,
    /// How it is spoken to.
    pub(crate) mode: &'static str,
    /// Instructions of the program, without those of the kernel.
    pub(crate) instructions: f64,
    /// Calls of the allocator that may take memory.
    pub(crate) allocations: f64,
}

impl Count {
    /// The name of the count in the baseline.
    fn name(&self) -> String {
        format!("{} {}", self.subject, self.mode)
    }
}

/// Counts and compares with the baseline, or with `--write` makes what was counted the baseline. Peers are counted only
/// with `--peers`.
///
/// # Errors
///
/// When one of our counts is more than 3 % above the baseline, or nothing can be counted.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    if let Some(other) = arguments.iter().find(|argument| !matches!(argument.as_str(), "--peers" | "--write")) {
        return Err(Red::usage(format!("`bench callgrind` does not know `{other}`")));
    }
    if !is_installed("valgrind", "--version") {
        return Err(Red::new("bench callgrind: there is no valgrind"));
    }
    let mut names = BTreeSet::from([LOAD_SIDE, "ours-server"]);
    names.extend(has("--peers").then_some("rmcp-server"));
    let programs = Programs::prepare(&Workspace::load()?.target_directory, &names, true)?;
    let counts = counts(&programs)?;
    let path = root().join(BASELINE);
    if has("--write") {
        return Baseline::of(&counts).write(&path);
    }
    let baseline = Baseline::read(&path)?;
    println!("{}", baseline.rule());
    let worse = baseline.worse(&counts);
    for line in &worse {
        println!("{line}");
    }
    for line in baseline.better(&counts) {
        println!("{line}");
    }
    if worse.is_empty() { Ok(()) } else { Err(Red::new(format!("bench callgrind: {} counts are worse", worse.len()))) }
}

/// Counts every subject in every way it can be spoken to, and prints each count. A peer that was not asked for is left
/// out.
fn counts(programs: &Programs) -> Outcome<Vec<Count>> {
    let mut counts = Vec::new();
    println!("{:<14}{:<14}{:>14}{:>13}  × limit", "subject", "mode", "instructions", "allocations");
    for &(mode, _, subjects) in WAYS {
        let mut limit = None;
        for &subject in subjects {
            if subject.starts_with("rmcp") && programs.program("rmcp-server").is_err() {
                continue;
            }
            let counted = count(programs, subject, mode)?;
            let ratio = counted.instructions / *limit.get_or_insert(counted.instructions);
            let Count { instructions, allocations, .. } = counted;
            println!("{subject:<14}{mode:<14}{instructions:>14.0}{allocations:>13.1}  {ratio:.2}");
            counts.push(counted);
        }
    }
    Ok(counts)
}

/// Counts one subject that is spoken to in one way, by its name in the report.
///
/// # Errors
///
/// When the program is not there or does not answer as it must, or valgrind says nothing.
pub(crate) fn count(programs: &Programs, subject: &'static str, mode: &'static str) -> Outcome<Count> {
    let way = WAYS.iter().find(|(name, ..)| *name == mode);
    let (_, way, _) = *way.ok_or_else(|| Red::new(format!("nobody is spoken to by `{mode}`")))?;
    let words = programs.server(subject, way.is_http(), 0)?;
    let [instructions, allocations] =
        per_call(way, &words, programs.folder()).map_err(|red| Red::new(format!("{subject} {mode}: {red}")))?;
    Ok(Count { subject, mode, instructions, allocations })
}

/// What one call costs: the difference of a long and a short run, by their difference in length.
fn per_call(way: Way, words: &[String], folder: &Path) -> Outcome<[f64; 2]> {
    let of_length = |calls: u32| -> Outcome<outcome::Totals> {
        let out = folder.join("callgrind.out");
        script(way, words, &out, calls)?;
        outcome::read(&out)
    };
    let (short, long) = (of_length(SHORT)?, of_length(LONG)?);
    let each = |long: u64, short: u64| (long as f64 - short as f64) / f64::from(LONG - SHORT);
    Ok([each(long.instructions, short.instructions), each(long.allocations, short.allocations)])
}

/// How servers are spoken to, each way with its name in the report, and who is; the limit comes first, because the others
/// are held against it.
const WAYS: &[(&str, Way, &[&str])] = &[
    ("stdio", Way::Stdio, &["limit", "ours", "rmcp stdio", "rmcp pipes"]),
    ("stdio legacy", Way::StdioLegacy, &["limit", "ours", "rmcp stdio", "rmcp pipes"]),
    ("http", Way::Http, &["limit", "ours", "rmcp json", "rmcp sse"]),
];
/// Where the committed counts are.
const BASELINE: &str = "xtask/bench/callgrind.json";
/// How many calls a short and a long run make.
const SHORT: u32 = 200;
const LONG: u32 = 1200;
