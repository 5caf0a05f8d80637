//! The table of the probes: what was sent, what is the goal, what was seen.

use std::fmt;
use std::time::Duration;

use serde_json::{Value, json};

/// What a probe found: what was seen, or what is wrong.
pub(super) type Finding = Result<String, String>;

/// A probe that ran.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) way: &'static str,
    pub(super) name: &'static str,
    pub(super) goal: &'static str,
    pub(super) finding: Finding,
    pub(super) took: Duration,
}

/// All probes after they ran.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    pub(super) rows: Vec<Row>,
    pub(super) took: Duration,
}

impl Row {
    fn seen(&self) -> &str {
        match &self.finding {
            Ok(seen) | Err(seen) => seen,
        }
    }

    fn verdict(&self) -> &'static str {
        if self.finding.is_ok() { "ok" } else { "RED" }
    }
}

impl Report {
    /// Returns the exit code of the program: 1 when something is red, or when nothing ran.
    pub(crate) fn exit_code(&self) -> u8 {
        u8::from(self.rows.is_empty() || self.reds() > 0)
    }

    /// Returns the report for programs.
    pub(crate) fn to_json(&self) -> Value {
        let probe = |row: &Row| {
            json!({
                "transport": row.way,
                "probe": row.name,
                "goal": row.goal,
                "seen": row.seen(),
                "verdict": row.verdict().to_lowercase(),
                "milliseconds": row.took.as_millis(),
            })
        };
        let rows: Vec<_> = self.rows.iter().map(probe).collect();
        let red = self.reds();
        json!({ "ok": rows.len() - red, "red": red, "seconds": self.took.as_secs_f64(), "probes": rows })
    }

    fn reds(&self) -> usize {
        self.rows.iter().filter(|row| row.finding.is_err()).count()
    }
}

impl fmt::Display for Report {
    /// Writes the table and the summary.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |of: fn(&Row) -> &str, head: &str| {
            self.rows.iter().map(|row| of(row).chars().count()).max().unwrap_or_default().max(head.len())
        };
        let (name, goal) = (width(|row| row.name, "probe"), width(|row| row.goal, "goal"));
        writeln!(f, "{:5}  {:name$}  {:7}  {:goal$}  seen", "over", "probe", "verdict", "goal")?;
        for row in &self.rows {
            let (verdict, seen) = (row.verdict(), row.seen());
            writeln!(f, "{:5}  {:name$}  {verdict:7}  {:goal$}  {seen}", row.way, row.name, row.goal)?;
        }
        let (red, seconds) = (self.reds(), self.took.as_secs_f64());
        write!(f, "\n{} probes, {} ok, {red} red, {seconds:.1} s", self.rows.len(), self.rows.len() - red)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(findings: &[Finding]) -> Report {
        let row = |finding: &Finding| Row {
            way: "http",
            name: "Host evil",
            goal: "403",
            finding: finding.clone(),
            took: Duration::from_millis(4),
        };
        Report { rows: findings.iter().map(row).collect(), took: Duration::from_millis(1_500) }
    }

    #[test]
    fn the_table_has_a_line_for_each_probe_and_a_summary() {
        let report = report(&[Ok("403".to_owned()), Err("200".to_owned())]);
        let expected = [
            "over   probe      verdict  goal  seen",
            "http   Host evil  ok       403   403",
            "http   Host evil  RED      403   200",
            "",
            "2 probes, 1 ok, 1 red, 1.5 s",
        ];
        assert_eq!(report.to_string().lines().collect::<Vec<_>>(), expected);
        assert_eq!(report.exit_code(), 1);
    }

    #[test]
    fn a_run_without_a_red_probe_exits_with_0_and_one_without_a_probe_proves_nothing() {
        assert_eq!(report(&[Ok("403".to_owned())]).exit_code(), 0);
        assert_eq!(report(&[]).exit_code(), 1);
    }

    #[test]
    fn the_json_has_every_probe_with_its_verdict() {
        let json = report(&[Ok("403".to_owned()), Err("200".to_owned())]).to_json();
        assert_eq!((&json["ok"], &json["red"]), (&json!(1), &json!(1)));
        assert_eq!(json["probes"][1]["verdict"], json!("red"));
        assert_eq!(json["probes"][1]["seen"], json!("200"));
    }
}
