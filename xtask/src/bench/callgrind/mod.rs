//! `cargo xtask bench callgrind`: how many instructions and allocations one echo costs a server, counted by valgrind.
//!
//! Two runs of the same script, one longer than the other, are taken from each other, so that starting and stopping do
//! not count. What the kernel does does not count either. The surprising thing: the counts of one build repeat to a few
//! in a thousand on any machine, however busy, so a change of 3 % is a change of the program.

mod baseline;
mod drive;
mod outcome;

use std::path::Path;

use crate::{
    bench::{
        callgrind::{
            baseline::Baseline,
            drive::{Way, script},
        },
        programs::Programs,
    },
    process::{Outcome, Red, in_ci, is_installed},
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

/// Counts and compares with the baseline, or with `--write` makes what was counted the baseline.
///
/// # Errors
///
/// When one of our counts is more than 3 % above the baseline, or nothing can be counted.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    let is_writing = match arguments {
        [] => false,
        [only] if only == "--write" => true,
        _ => return Err(Red::usage("`bench callgrind` takes `--write` or nothing")),
    };
    if !is_installed("valgrind", "--version") {
        if in_ci() {
            return Err(Red::new("bench callgrind: there is no valgrind"));
        }
        println!("bench callgrind: skipped, there is no valgrind");
        return Ok(());
    }
    let programs = Programs::prepare(&Workspace::load()?.target_directory, true)?;
    let counts = counts(&programs)?;
    let path = root().join(BASELINE);
    if is_writing {
        return Baseline::of(&counts).write(&path);
    }
    let worse = Baseline::read(&path)?.worse(&counts);
    for line in &worse {
        println!("{line}");
    }
    if worse.is_empty() { Ok(()) } else { Err(Red::new(format!("bench callgrind: {} counts are worse", worse.len()))) }
}

/// Counts every subject in every way it can be spoken to, and prints each count. A subject that is not there is left
/// out, unless it is us.
///
/// # Errors
///
/// When a program does not answer as it must, or valgrind says nothing.
pub(crate) fn counts(programs: &Programs) -> Outcome<Vec<Count>> {
    let mut counts = Vec::new();
    println!("{:<14}{:<14}{:>14}{:>13}  × limit", "subject", "mode", "instructions", "allocations");
    for (mode, way) in WAYS {
        let mut limit = None;
        for &subject in SUBJECTS {
            let words = match programs.server(subject, way.is_http(), 0) {
                Ok(words) => words,
                Err(red) if subject != "ours" => {
                    println!("{subject:<14}{mode:<14}left out: {red}");
                    continue;
                }
                Err(red) => return Err(red),
            };
            let [instructions, allocations] = per_call(*way, &words, programs.folder())
                .map_err(|red| Red::new(format!("{subject} {mode}: {red}")))?;
            let ratio = instructions / *limit.get_or_insert(instructions);
            println!("{subject:<14}{mode:<14}{instructions:>14.0}{allocations:>13.1}  {ratio:.2}");
            counts.push(Count { subject, mode, instructions, allocations });
        }
    }
    Ok(counts)
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

/// Who is counted; the limit first, because the others are held against it.
const SUBJECTS: &[&str] = &["limit", "ours", "rmcp", "rmcp json", "rmcp pipes"];
/// How they are spoken to, each with its name in the report.
const WAYS: &[(&str, Way)] = &[("stdio", Way::Stdio), ("stdio legacy", Way::StdioLegacy), ("http", Way::Http)];
/// Where the committed counts are.
const BASELINE: &str = "xtask/bench/callgrind.json";
/// How many calls a short and a long run make.
const SHORT: u32 = 200;
const LONG: u32 = 1200;
