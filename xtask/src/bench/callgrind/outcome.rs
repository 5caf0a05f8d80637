//! Reading what callgrind writes: the sum of all instructions, and how often the allocator was called.
//!
//! The surprising thing: a name is written once and is a number from then on.

use std::{collections::HashMap, fs, path::Path};

use crate::process::{Outcome, Red};

/// The totals of one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Totals {
    pub(super) allocations: u64,
    pub(super) instructions: u64,
}

/// Reads the file of one run.
///
/// # Errors
///
/// When it is not there or holds no total.
pub(super) fn read(path: &Path) -> Outcome<Totals> {
    let text = fs::read_to_string(path)
        .map_err(|error| Red::new(format!("callgrind has not written {}: {error}", path.display())))?;
    parse(&text).ok_or_else(|| Red::new(format!("{} holds no total", path.display())))
}

fn parse(text: &str) -> Option<Totals> {
    let mut names: HashMap<&str, &str> = HashMap::new();
    let (mut instructions, mut allocations, mut called) = (None, 0, None);
    for line in text.lines() {
        if let Some(total) = line.strip_prefix("totals: ") {
            instructions = total.trim().parse().ok();
        } else if let Some(calls) = line.strip_prefix("calls=") {
            let count: u64 = calls.split(' ').next().and_then(|count| count.parse().ok()).unwrap_or_default();
            if called.take().is_some_and(is_allocating) {
                allocations += count;
            }
        } else if let Some((kind, rest)) = line.split_once("=(").filter(|(kind, _)| matches!(*kind, "cfn" | "fn")) {
            let (number, name) = rest.split_once(')')?;
            let name = match name.trim() {
                "" => names.get(number).copied().unwrap_or_default(),
                name => {
                    names.insert(number, name);
                    name
                }
            };
            if kind == "cfn" {
                called = Some(name);
            }
        }
    }
    Some(Totals { allocations, instructions: instructions? })
}

fn is_allocating(name: &str) -> bool {
    // A function that calls itself has a number behind its name.
    let name = name.split('\'').next().unwrap_or(name);
    ["aligned_alloc", "calloc", "malloc", "posix_memalign", "realloc"].contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_and_calls_of_the_allocator_are_read_by_name_and_by_number() {
        let text = "events: Ir\n\nfn=(1) main\n16 3\ncob=(2) libc.so.6\ncfi=(3) ???\ncfn=(7) malloc\ncalls=3 0\n16 90\n\
                    fn=(9) serve\ncfn=(7)\ncalls=2 0\n1 5\ncfn=(8) realloc'2\ncalls=4 0\n1 5\ncfn=(4) free\ncalls=9 0\n\
                    fn=(7)\n0 95\n\ntotals: 1234\n";
        assert_eq!(parse(text), Some(Totals { allocations: 9, instructions: 1234 }));
    }

    #[test]
    fn a_file_without_a_total_is_no_run() {
        assert_eq!(parse("fn=(1) main\n16 3\n"), None);
    }
}
