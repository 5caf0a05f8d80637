//! The counts that are committed, and what is worse than they are.

use std::{collections::BTreeMap, path::Path, process::Command};

use serde_json::{Value, json};

use super::Count;
use crate::{
    install,
    process::{Outcome, Red, capture},
};

/// The committed counts: instructions and allocations by name.
#[derive(Debug, PartialEq)]
pub(super) struct Baseline {
    tools: Tools,
    counts: BTreeMap<String, [f64; 2]>,
}

/// What instructions depend on beside the program itself.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Tools {
    rustc: String,
    valgrind: String,
}

impl Tools {
    fn of_this_machine() -> Self {
        let version = |program: &str| {
            let said = capture(Command::new(program).arg("--version")).map(|captured| captured.stdout);
            said.unwrap_or_default().trim().to_owned()
        };
        Self { rustc: version("rustc"), valgrind: version("valgrind") }
    }
}

impl Baseline {
    /// Makes one of what was counted now.
    pub(super) fn of(counts: &[Count]) -> Self {
        let rounded = |figure: f64| (figure * 10.0).round() / 10.0;
        let count = |count: &Count| (count.name(), [rounded(count.instructions), rounded(count.allocations)]);
        Self { tools: Tools::of_this_machine(), counts: counts.iter().map(count).collect() }
    }

    /// Reads the committed one.
    ///
    /// # Errors
    ///
    /// When it is not there or is none.
    pub(super) fn read(path: &Path) -> Outcome<Self> {
        Self::parse(&install::read(path)?).ok_or_else(|| Red::new(format!("{} is no baseline", path.display())))
    }

    fn parse(text: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(text).ok()?;
        let count = |(name, count): (&String, &Value)| {
            Some((name.clone(), [count["instructions"].as_f64()?, count["allocations"].as_f64()?]))
        };
        let counts = value["counts"].as_object()?.iter().map(count).collect::<Option<_>>()?;
        let [rustc, valgrind] = ["rustc", "valgrind"].map(|name| value[name].as_str().map(str::to_owned));
        Some(Self { tools: Tools { rustc: rustc?, valgrind: valgrind? }, counts })
    }

    /// Writes it where it is committed.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub(super) fn write(&self, path: &Path) -> Outcome {
        install::write(path, &self.text())
    }

    fn text(&self) -> String {
        let count = |(name, [instructions, allocations]): (&String, &[f64; 2])| {
            (name.clone(), json!({"instructions": instructions, "allocations": allocations}))
        };
        let counts: serde_json::Map<String, Value> = self.counts.iter().map(count).collect();
        format!("{:#}\n", json!({"rustc": self.tools.rustc, "valgrind": self.tools.valgrind, "counts": counts}))
    }

    /// Says which of our counts are worse than they were, one line each, and which are not committed at all. Those of
    /// peers are there to be read.
    ///
    /// Instructions depend on the compiler: one that differs from that of the baseline made the limit anew as well, so
    /// ours are then held against what the limit needs in the same run.
    pub(super) fn worse(&self, counts: &[Count]) -> Vec<String> {
        self.worse_with(&Tools::of_this_machine(), counts)
    }

    /// Says what the counts of this machine are compared with.
    pub(super) fn rule(&self) -> String {
        let now = Tools::of_this_machine();
        if now == self.tools {
            return format!(
                "counted with {} and {}, as the baseline: instructions are compared",
                now.rustc, now.valgrind
            );
        }
        format!(
            "the baseline was counted with {} and {}, not {} and {}: ratios to the limit are compared",
            self.tools.rustc, self.tools.valgrind, now.rustc, now.valgrind
        )
    }

    fn worse_with(&self, tools: &Tools, counts: &[Count]) -> Vec<String> {
        let compared = self.compared(tools, counts);
        let worse = compared.filter(|compared| compared.as_ref().map_or(true, |one| one.now > one.was * TOLERATED));
        worse.map(|compared| compared.map_or_else(|missing| missing, |one| one.told())).collect()
    }

    /// Says which of our counts are so much better that the baseline lets a later loss through, one line each.
    pub(super) fn better(&self, counts: &[Count]) -> Vec<String> {
        self.better_with(&Tools::of_this_machine(), counts)
    }

    fn better_with(&self, tools: &Tools, counts: &[Count]) -> Vec<String> {
        let compared = self.compared(tools, counts).filter_map(Result::ok);
        let better = compared.filter(|compared| compared.now * TOLERATED < compared.was);
        better
            .map(|Compared { name, what, now, was }| {
                let percent = (1.0 - now / was) * 100.0;
                format!(
                    "{name}: {now:.2} {what} per call, {percent:.1} % less than {was:.2}: the baseline should be written \
                     anew by `cargo xtask bench callgrind --write`, or it lets as much through later"
                )
            })
            .collect()
    }

    /// Pairs what ours needs with what is committed; where nothing is, says so.
    fn compared(&self, tools: &Tools, counts: &[Count]) -> impl Iterator<Item = Result<Compared, String>> {
        let limit_of = |mode| counts.iter().find(|count| count.subject == "limit" && count.mode == mode);
        let ours = counts.iter().filter(|count| count.subject == "ours");
        ours.flat_map(move |count| {
            self.compared_in(count, limit_of(count.mode).filter(|_| *tools != self.tools))
                .map_or_else(|missing| vec![Err(missing)], |both| both.into_iter().map(Ok).collect())
        })
    }

    /// With a `limit`, instructions are compared as the multiple of those of the limit.
    fn compared_in(&self, count: &Count, limit: Option<&Count>) -> Result<[Compared; 2], String> {
        let committed = |name: &str| {
            let missing = || format!("{name}: is not in the baseline; `cargo xtask bench callgrind --write` adds it");
            self.counts.get(name).copied().ok_or_else(missing)
        };
        let name = count.name();
        let was = committed(&name)?;
        let one = |what, now, was| Compared { name: name.clone(), what, now, was };
        let instructions = match limit {
            None => one("instructions", count.instructions, was[0]),
            Some(limit) => {
                let limit_was = committed(&limit.name())?[0];
                one("× the limit's instructions", count.instructions / limit.instructions, was[0] / limit_was)
            }
        };
        Ok([instructions, one("allocations", count.allocations, was[1])])
    }
}

/// What a call needs, and what it needed by the baseline.
struct Compared {
    name: String,
    what: &'static str,
    now: f64,
    was: f64,
}

impl Compared {
    fn told(&self) -> String {
        let Self { name, what, now, was } = self;
        let percent = (now / was - 1.0) * 100.0;
        format!(
            "{name}: {now:.2} {what} per call, {percent:.1} % more than {was:.2}; make it cheaper, or say in the commit why \
             it must cost more and run `cargo xtask bench callgrind --write`"
        )
    }
}

/// How much more or less than the baseline is noise.
const TOLERATED: f64 = 1.03;

#[cfg(test)]
mod tests {
    use super::*;

    fn count(subject: &'static str, instructions: f64, allocations: f64) -> Count {
        Count { subject, mode: "stdio", instructions, allocations }
    }

    fn tools(rustc: &str) -> Tools {
        Tools { rustc: rustc.to_owned(), valgrind: "v".to_owned() }
    }

    fn baseline(counts: &[Count]) -> Baseline {
        Baseline { tools: tools("1.0"), ..Baseline::of(counts) }
    }

    #[test]
    fn what_is_written_is_read() {
        let baseline = baseline(&[count("ours", 6595.04, 3.0), count("limit", 12803.0, 14.0)]);
        assert_eq!(Baseline::parse(&baseline.text()), Some(baseline));
        let half = r#"{"rustc":"c","valgrind":"v","counts":{"ours stdio":{"instructions":1}}}"#;
        for text in ["", "{}", half, r#"{"rustc":"c","counts":{}}"#] {
            assert_eq!(Baseline::parse(text), None, "{text}");
        }
    }

    #[test]
    fn three_percent_more_is_tolerated_and_not_more_than_that() {
        let baseline = baseline(&[count("ours", 1000.0, 10.0), count("rmcp pipes", 1000.0, 10.0)]);
        for (now, expected) in [
            (count("ours", 1030.0, 10.0), 0),
            (count("ours", 500.0, 2.0), 0),
            (count("ours", 1031.0, 10.0), 1),
            (count("ours", 1000.0, 11.0), 1),
            (count("ours", 2000.0, 20.0), 2),
            (count("rmcp pipes", 9000.0, 90.0), 0),
        ] {
            let worse = baseline.worse_with(&tools("1.0"), std::slice::from_ref(&now));
            assert_eq!(worse.len(), expected, "{now:?}");
        }
    }

    #[test]
    fn three_percent_less_is_noise_and_more_than_that_asks_for_a_new_baseline() {
        let baseline = baseline(&[count("ours", 1030.0, 10.0)]);
        for (now, expected) in [
            (count("ours", 1000.0, 10.0), 0),
            (count("ours", 2000.0, 20.0), 0),
            (count("ours", 999.0, 10.0), 1),
            (count("ours", 500.0, 9.0), 2),
        ] {
            let better = baseline.better_with(&tools("1.0"), std::slice::from_ref(&now));
            assert_eq!(better.len(), expected, "{now:?}");
            assert!(better.iter().all(|line| line.contains("written anew")), "{better:?}");
        }
    }

    #[test]
    fn with_another_compiler_the_multiple_of_the_limit_counts_and_allocations_as_they_are() {
        let baseline = baseline(&[count("limit", 2000.0, 14.0), count("ours", 1000.0, 10.0)]);
        for (limit, ours, expected) in [
            // Twice as many instructions, as the limit has.
            (4000.0, count("ours", 2060.0, 10.0), 0),
            (4000.0, count("ours", 2061.0, 10.0), 1),
            (4000.0, count("ours", 2000.0, 11.0), 1),
            // As many as before, where the limit needs half.
            (1000.0, count("ours", 1000.0, 10.0), 1),
        ] {
            let worse = baseline.worse_with(&tools("2.0"), &[count("limit", limit, 14.0), ours.clone()]);
            assert_eq!(worse.len(), expected, "{ours:?}");
        }
    }

    #[test]
    fn a_count_that_is_not_committed_is_told() {
        let counts = [count("limit", 1.0, 1.0), count("ours", 1.0, 1.0)];
        for (committed, tools) in [(&counts[..1], tools("1.0")), (&counts[1..], tools("2.0"))] {
            let worse = baseline(committed).worse_with(&tools, &counts);
            assert!(worse[0].contains("is not in the baseline"), "{worse:?}");
        }
    }
}
