//! What came of the matrix: the table, the reasons, the JSON.

use std::fmt;
use std::time::Duration;

use serde_json::{Value, json};

use crate::setting::Setting;

/// How a cell ended.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Color {
    /// There is nothing to prove here.
    Absent,
    /// It is proven.
    Ok(Duration),
    /// It is not, and why.
    Red { reason: String, took: Duration },
}

/// A scenario with its cells, one for each setting.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) proves: &'static str,
    pub(crate) cells: Vec<Color>,
}

/// The matrix after it ran.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Report {
    pub(crate) rows: Vec<Row>,
    pub(crate) settings: Vec<Setting>,
    pub(crate) took: Duration,
}

impl Report {
    /// Returns the red cells: scenario, setting, reason.
    pub(crate) fn reds(&self) -> impl Iterator<Item = (&Row, &Setting, &str)> {
        self.cells().filter_map(|(row, setting, color)| match color {
            Color::Red { reason, .. } => Some((row, setting, reason.as_str())),
            _ => None,
        })
    }

    /// Returns the exit code of the program: 1 when something is red, or when nothing ran.
    pub(crate) fn exit_code(&self) -> u8 {
        let ran = self.cells().any(|(_, _, color)| *color != Color::Absent);
        u8::from(!ran || self.reds().next().is_some())
    }

    /// Returns the report for programs.
    pub(crate) fn to_json(&self) -> Value {
        let cells = self.cells().map(|(row, setting, color)| {
            let (verdict, reason, took) = match color {
                Color::Absent => ("absent", None, None),
                Color::Ok(took) => ("ok", None, Some(took)),
                Color::Red { reason, took } => ("red", Some(reason), Some(took)),
            };
            json!({
                "scenario": row.name,
                "proves": row.proves,
                "transport": setting.transport.as_str(),
                "revision": setting.revision.as_str(),
                "verdict": verdict,
                "reason": reason,
                "milliseconds": took.map(Duration::as_millis),
            })
        });
        let cells: Vec<_> = cells.collect();
        let (ok, red, absent) = self.counts();
        json!({ "ok": ok, "red": red, "absent": absent, "seconds": self.took.as_secs_f64(), "cells": cells })
    }

    /// Returns the lines of the table.
    fn table(&self) -> Vec<String> {
        let names = self.rows.iter().map(|row| row.name.len());
        let width = names.max().unwrap_or_default().max(HEAD.len());
        let line = |name: &str, cells: &mut dyn Iterator<Item = &str>| {
            cells.fold(format!("{name:width$}"), |line, cell| format!("{line}  {cell:COLUMN$}"))
        };
        let mut last = None;
        // A transport stands over the first of its revisions.
        let mut transports = self.settings.iter().map(|setting| match last.replace(setting.transport) {
            Some(before) if before == setting.transport => "",
            _ => setting.transport.as_str(),
        });
        let mut revisions = self.settings.iter().map(|setting| setting.revision.as_str());
        let mut lines = vec![line("", &mut transports), line(HEAD, &mut revisions)];
        lines.extend(self.rows.iter().map(|row| line(row.name, &mut row.cells.iter().map(Color::as_str))));
        lines
    }

    fn cells(&self) -> impl Iterator<Item = (&Row, &Setting, &Color)> {
        self.rows
            .iter()
            .flat_map(|row| self.settings.iter().zip(&row.cells).map(move |(setting, color)| (row, setting, color)))
    }

    fn counts(&self) -> (usize, usize, usize) {
        self.cells().fold((0, 0, 0), |(ok, red, absent), (_, _, color)| match color {
            Color::Absent => (ok, red, absent + 1),
            Color::Ok(_) => (ok + 1, red, absent),
            Color::Red { .. } => (ok, red + 1, absent),
        })
    }
}

impl fmt::Display for Report {
    /// Writes the table, the reasons and the summary.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in self.table() {
            writeln!(f, "{}", line.trim_end())?;
        }
        for (row, setting, reason) in self.reds() {
            write!(f, "\nRED {} · {setting}\n    proves: {}\n    {reason}\n", row.name, row.proves)?;
        }
        let (ok, red, absent) = self.counts();
        let (rows, seconds) = (self.rows.len(), self.took.as_secs_f64());
        write!(f, "\n{rows} scenarios, {ok} cells ok, {red} red, {absent} do not exist, {seconds:.1} s")
    }
}

impl Color {
    fn as_str(&self) -> &'static str {
        match self {
            Self::Absent => "–",
            Self::Ok(_) => "ok",
            Self::Red { .. } => "RED",
        }
    }
}

/// What stands over the names.
const HEAD: &str = "scenario";
/// The width of a column: that of a revision.
const COLUMN: usize = 10;

#[cfg(test)]
mod tests {
    use mcp_types::Revision;

    use super::*;
    use crate::setting::Transport;

    fn report() -> Report {
        let revisions = [Revision::LATEST_LEGACY, Revision::LATEST];
        let settings = [Transport::Memory, Transport::Http]
            .into_iter()
            .flat_map(|transport| revisions.map(|revision| Setting { transport, revision }));
        let ok = || Color::Ok(Duration::from_millis(3));
        let red = Color::Red { reason: "no answer".to_owned(), took: Duration::from_millis(5) };
        Report {
            rows: vec![
                Row {
                    name: "ping",
                    proves: "a ping is answered (V-20)",
                    cells: vec![ok(), Color::Absent, red, Color::Absent],
                },
                Row { name: "a_longer_name", proves: "x (T-1)", cells: vec![ok(), ok(), ok(), ok()] },
            ],
            settings: settings.collect(),
            took: Duration::from_millis(1_250),
        }
    }

    #[test]
    fn the_table_has_a_row_for_each_scenario_and_then_the_reasons() {
        let expected = [
            "               memory                  http",
            "scenario       2025-11-25  2026-07-28  2025-11-25  2026-07-28",
            "ping           ok          –           RED         –",
            "a_longer_name  ok          ok          ok          ok",
            "",
            "RED ping · http 2025-11-25",
            "    proves: a ping is answered (V-20)",
            "    no answer",
            "",
            "2 scenarios, 5 cells ok, 1 red, 2 do not exist, 1.2 s",
        ];
        assert_eq!(report().to_string().lines().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn the_json_has_every_cell_with_its_verdict() {
        let json = report().to_json();
        assert_eq!((&json["ok"], &json["red"], &json["absent"]), (&json!(5), &json!(1), &json!(2)));
        assert_eq!(json["cells"].as_array().map(Vec::len), Some(8));
        let red = &json["cells"][2];
        assert_eq!(
            (&red["verdict"], &red["reason"], &red["transport"]),
            (&json!("red"), &json!("no answer"), &json!("http"))
        );
        assert_eq!(red["milliseconds"], json!(5));
    }
}
