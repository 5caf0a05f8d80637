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
    /// The compiler that built what was counted.
    compiler: String,
    counts: BTreeMap<String, [f64; 2]>,
}

impl Baseline {
    /// Makes one of what was counted now.
    pub(super) fn of(counts: &[Count]) -> Self {
        let rounded = |figure: f64| (figure * 10.0).round() / 10.0;
        let count = |count: &Count| (count.name(), [rounded(count.instructions), rounded(count.allocations)]);
        Self { compiler: compiler(), counts: counts.iter().map(count).collect() }
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
        Some(Self { compiler: value["compiler"].as_str()?.to_owned(), counts })
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
        format!("{:#}\n", json!({"compiler": self.compiler, "counts": counts}))
    }

    /// Says which of our counts are worse than they were, one line each, and which are not committed at all. Those of
    /// others are there to be read.
    pub(super) fn worse(&self, counts: &[Count]) -> Vec<String> {
        let ours = counts.iter().filter(|count| count.subject == "ours");
        ours.flat_map(|count| self.worse_in(count)).collect()
    }

    fn worse_in(&self, count: &Count) -> Vec<String> {
        let name = count.name();
        let Some(was) = self.counts.get(&name) else {
            return vec![format!("{name}: is not in the baseline; `cargo xtask bench callgrind --write` adds it")];
        };
        let now = [("instructions", count.instructions), ("allocations", count.allocations)];
        let worse = now.into_iter().zip(was).filter(|((_, now), was)| *now > **was * TOLERATED);
        worse
            .map(|((what, now), was)| {
                let percent = (now / was - 1.0) * 100.0;
                format!(
                    "{name}: {now:.1} {what} per call, {percent:.1} % more than {was:.1} (counted with {}); make it \
                     cheaper, or say in the commit why it must cost more and run `cargo xtask bench callgrind --write`",
                    self.compiler
                )
            })
            .collect()
    }
}

fn compiler() -> String {
    let said = capture(Command::new("rustc").arg("--version")).map(|captured| captured.stdout).unwrap_or_default();
    said.trim().to_owned()
}

/// How much more than the baseline is noise.
const TOLERATED: f64 = 1.03;

#[cfg(test)]
mod tests {
    use super::*;

    fn count(subject: &'static str, instructions: f64, allocations: f64) -> Count {
        Count { subject, mode: "stdio", instructions, allocations }
    }

    #[test]
    fn what_is_written_is_read() {
        let baseline = Baseline::of(&[count("ours", 6595.04, 3.0), count("limit", 12803.0, 14.0)]);
        assert_eq!(Baseline::parse(&baseline.text()), Some(baseline));
        for text in ["", "{}", r#"{"compiler":"c","counts":{"ours stdio":{"instructions":1}}}"#] {
            assert_eq!(Baseline::parse(text), None, "{text}");
        }
    }

    #[test]
    fn three_percent_more_is_tolerated_and_not_more_than_that() {
        let baseline = Baseline::of(&[count("ours", 1000.0, 10.0), count("rmcp", 1000.0, 10.0)]);
        for (now, expected) in [
            (count("ours", 1030.0, 10.0), 0),
            (count("ours", 500.0, 2.0), 0),
            (count("ours", 1031.0, 10.0), 1),
            (count("ours", 1000.0, 11.0), 1),
            (count("ours", 2000.0, 20.0), 2),
            (count("rmcp", 9000.0, 90.0), 0),
        ] {
            assert_eq!(baseline.worse(std::slice::from_ref(&now)).len(), expected, "{now:?}");
        }
    }

    #[test]
    fn a_count_that_is_not_committed_is_told() {
        let worse = Baseline::of(&[]).worse(&[count("ours", 1.0, 1.0)]);
        assert!(worse[0].starts_with("ours stdio: is not in the baseline"), "{worse:?}");
    }
}
