//! From samples to verdicts: the best of each subject, its spread, its ratios, and whether the goals hold.
//!
//! The surprising thing: a ratio is the median of those of the rounds, and not that of the best figures. Rounds are in
//! turn, so both sides of one had the same machine; the best of one subject may be from a better minute.

use serde_json::Value;

use crate::bench::{
    growth::{self, Growth},
    row::{Goal, Row},
};

/// What one run of one subject said.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sample {
    /// What the row is about: see [`Row::figure`].
    pub(crate) figure: f64,
    /// Everything the load generator told.
    pub(crate) told: Value,
}

/// A subject at a point of a row.
#[derive(Debug, Clone)]
pub(crate) struct Cell {
    pub(crate) subject: &'static str,
    pub(crate) point: u64,
    pub(crate) samples: Vec<Sample>,
    /// Why there are no samples, when it is so.
    pub(crate) missing: Option<String>,
}

/// A cell with everything that is said of it.
#[derive(Debug, Clone)]
pub(crate) struct Verdict {
    pub(crate) subject: &'static str,
    pub(crate) point: u64,
    pub(crate) best: Option<Sample>,
    /// How far the samples lie apart, as a share of the best.
    pub(crate) spread: f64,
    pub(crate) to_limit: Option<Compared>,
    pub(crate) to_rmcp: Option<Compared>,
    /// The ratio to each other subject of the same point.
    pub(crate) ratios: Vec<(&'static str, Compared)>,
    /// How the cost grows along the curve, at its last point.
    pub(crate) growth: Option<Growth>,
    /// The goals in words; empty for peers.
    pub(crate) target: String,
    /// Whether all goals hold; nothing when there are none or something to compare with is missing.
    pub(crate) met: Option<bool>,
    /// Whether some rounds say otherwise than [`met`](Self::met): the rounds of a ratio lie on both sides of its goal.
    pub(crate) is_within_noise: bool,
    pub(crate) note: String,
}

/// A figure as the multiple of another one, round by round.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Compared {
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
}

impl Compared {
    /// Compares the rounds that both have; nothing when there is none, or nothing to divide by.
    fn of(cell: &Cell, base: &Cell) -> Option<Self> {
        let rounds = cell.samples.iter().zip(&base.samples);
        let ratios = rounds.map(|(own, other)| own.figure / other.figure).filter(|ratio| ratio.is_finite());
        let mut ratios: Vec<f64> = ratios.collect();
        ratios.sort_by(f64::total_cmp);
        Some(Self { median: median(&ratios)?, least: *ratios.first()?, most: *ratios.last()? })
    }

    /// How far the rounds lie apart, as a share of the least.
    pub(crate) fn spread(self) -> f64 {
        if self.least > 0.0 { self.most / self.least - 1.0 } else { 0.0 }
    }
}

/// The middle of sorted values, or the mean of the two in the middle.
fn median(sorted: &[f64]) -> Option<f64> {
    let (upper, lower) = (sorted.get(sorted.len() / 2)?, sorted.get(sorted.len().saturating_sub(1) / 2)?);
    Some(f64::midpoint(*upper, *lower))
}

impl Cell {
    fn best(&self) -> Option<&Sample> {
        self.samples.iter().min_by(|a, b| a.figure.total_cmp(&b.figure))
    }

    fn spread(&self) -> f64 {
        let figures = || self.samples.iter().map(|sample| sample.figure);
        let (least, most) = (figures().fold(f64::INFINITY, f64::min), figures().fold(0.0, f64::max));
        if least > 0.0 && least.is_finite() { most / least - 1.0 } else { 0.0 }
    }
}

/// Judges the cells of a row.
pub(crate) fn judge(row: &Row, cells: &[Cell]) -> Vec<Verdict> {
    cells.iter().map(|cell| verdict(row, cells, cell)).collect()
}

fn verdict(row: &Row, cells: &[Cell], cell: &Cell) -> Verdict {
    let best = cell.best().cloned();
    let ratio = |base: &str| Compared::of(cell, best_of(cells, base, cell.point)?);
    let goals: Vec<&Goal> = if cell.subject == "ours" { row.goals_at(cell.point).collect() } else { Vec::new() };
    let held: Vec<Held> = goals.iter().map(|goal| holds(row, goal, cells, cell)).collect();
    let is = |held: &Held, met| held.met == Some(met);
    let met = if held.iter().any(|held| is(held, false)) {
        Some(false)
    } else {
        (!held.is_empty() && held.iter().all(|held| is(held, true))).then_some(true)
    };
    // One goal that is missed in every round is no noise, whatever the others are.
    let deciding = || held.iter().filter(|held| held.met == met);
    let is_noise = match met {
        Some(true) => deciding().any(|held| held.is_noise),
        Some(false) => deciding().all(|held| held.is_noise),
        None => false,
    };
    let others = row.subjects.iter().filter(|subject| **subject != cell.subject);
    let ratios = others.filter_map(|subject| {
        let other = cells.iter().find(|other| other.subject == *subject && other.point == cell.point)?;
        Some((*subject, Compared::of(cell, other)?))
    });
    let is_last = row.is_curve() && row.points.last() == Some(&cell.point);
    Verdict {
        subject: cell.subject,
        point: cell.point,
        spread: cell.spread(),
        to_limit: ratio("limit"),
        to_rmcp: ratio("rmcp"),
        ratios: ratios.collect(),
        growth: if is_last { growth_of(row, cells, cell) } else { None },
        target: goals.into_iter().map(words).collect::<Vec<_>>().join("; "),
        met,
        is_within_noise: is_noise,
        note: note(row, cell),
        best,
    }
}

fn growth_of(row: &Row, cells: &[Cell], cell: &Cell) -> Option<Growth> {
    let own = cells.iter().filter(|other| other.subject == cell.subject);
    growth::growth(&growth::curve(row, own.filter_map(|other| Some((other.point, other.best()?.figure)))))
}

/// What a reader must know of one cell: why it is empty, or that a peer answers otherwise than the row says.
fn note(row: &Row, cell: &Cell) -> String {
    let is_events = cell.best().is_some_and(|best| best.told["is_events"] == true);
    match &cell.missing {
        Some(why) => why.clone(),
        None if is_events && row.mode != "SSE" => "answers with events".to_owned(),
        None => String::new(),
    }
}

/// The subject with the best figure of those whose name starts so, at a point.
fn best_of<'a>(cells: &'a [Cell], base: &str, point: u64) -> Option<&'a Cell> {
    let figure = |cell: &Cell| cell.best().map(|best| best.figure).filter(|figure| *figure > 0.0);
    let of_base = cells.iter().filter(|cell| cell.point == point && cell.subject.starts_with(base));
    let measured = of_base.filter_map(|cell| Some((cell, figure(cell)?)));
    measured.min_by(|a, b| a.1.total_cmp(&b.1)).map(|(cell, _)| cell)
}

/// Whether a goal holds; nothing when something to compare with is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Held {
    met: Option<bool>,
    /// Whether some rounds say otherwise.
    is_noise: bool,
}

fn holds(row: &Row, goal: &Goal, cells: &[Cell], cell: &Cell) -> Held {
    let sure = |met| Held { met, is_noise: false };
    match *goal {
        Goal::Flat(times) => {
            let first = cells.iter().find(|other| other.subject == cell.subject);
            within(first.and_then(|first| Compared::of(cell, first)), times)
        }
        Goal::Grows(most) => sure(growth_of(row, cells, cell).map(|growth| growth.exponent <= most)),
        // The worst sample counts: it is a bound and not a speed.
        Goal::Most(detail, bound) => {
            let told = cell.samples.iter().map(|sample| sample.told[detail].as_f64());
            let told = told.collect::<Option<Vec<f64>>>().filter(|told| !told.is_empty());
            sure(told.map(|told| told.iter().all(|value| *value <= bound)))
        }
        Goal::Ratio(base, times) => {
            within(best_of(cells, base, cell.point).and_then(|base| Compared::of(cell, base)), times)
        }
    }
}

fn within(compared: Option<Compared>, times: f64) -> Held {
    let is_noise = compared.is_some_and(|compared| compared.least <= times && compared.most > times);
    Held { met: compared.map(|compared| compared.median <= times), is_noise }
}

fn words(goal: &Goal) -> String {
    match goal {
        Goal::Flat(times) => format!("≤ {times} × the first point"),
        Goal::Grows(most) => format!("cost grows at most as n^{most}"),
        Goal::Most(detail, bound) => format!("{} ≤ {bound}", detail_name(detail)),
        Goal::Ratio(base, times) => format!("≤ {} × {base}", (times * 1000.0).round() / 1000.0),
    }
}

/// What a detail of the load generator is called for a reader.
pub(crate) fn detail_name(detail: &str) -> String {
    match detail {
        "cpu_s" => "CPU s".to_owned(),
        "kib_each" => "KiB each".to_owned(),
        "rss_kib" => "KiB resident".to_owned(),
        "stripped_kib" => "KiB stripped".to_owned(),
        other => other.replace('_', " "),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::bench::rows::ROWS;

    fn cell(subject: &'static str, point: u64, figures: &[f64]) -> Cell {
        let sample = |figure: &f64| Sample { figure: *figure, told: json!({"most_chunks": figure}) };
        Cell { subject, point, samples: figures.iter().map(sample).collect(), missing: None }
    }

    fn met(goals: &'static [Goal], cells: &[Cell]) -> Vec<Option<bool>> {
        let row = Row { goals, goals_from: 0, ..ROWS[0] };
        let verdicts = judge(&row, cells);
        verdicts.into_iter().filter(|verdict| verdict.subject == "ours").map(|verdict| verdict.met).collect()
    }

    #[test]
    fn the_best_of_each_subject_counts_and_the_best_of_all_modes_of_a_peer() {
        let cells = [
            cell("limit", 1, &[4.0, 4.0]),
            cell("ours", 1, &[6.0, 4.0]),
            cell("rmcp a", 1, &[20.0]),
            cell("rmcp b", 1, &[8.0, 8.0]),
        ];
        let verdicts = judge(&ROWS[0], &cells);
        assert_eq!(verdicts[1].to_limit, Some(Compared { median: 1.25, least: 1.0, most: 1.5 }));
        assert_eq!(verdicts[1].to_rmcp, Some(Compared { median: 0.625, least: 0.5, most: 0.75 }));
        assert_eq!(verdicts[1].spread, 0.5);
        assert_eq!(met(&[Goal::Ratio("limit", 1.25)], &cells), [Some(true)]);
        assert_eq!(met(&[Goal::Ratio("limit", 1.25), Goal::Ratio("rmcp", 0.4)], &cells), [Some(false)]);
    }

    #[test]
    fn one_good_round_meets_no_goal_and_rounds_on_both_sides_of_it_are_noise() {
        let check = |ours: &[f64], expected: (Option<bool>, bool)| {
            let row = Row { goals: &[Goal::Ratio("limit", 1.25)], ..ROWS[0] };
            let verdicts = judge(&row, &[cell("limit", 1, &[4.0, 8.0, 4.0]), cell("ours", 1, ours)]);
            assert_eq!((verdicts[1].met, verdicts[1].is_within_noise), expected, "{ours:?}");
        };
        check(&[4.0, 8.0, 5.0], (Some(true), false));
        check(&[4.0, 8.0, 6.0], (Some(true), true));
        // Its best is that of the limit, in a round in which the limit was slow.
        check(&[6.0, 4.0, 6.0], (Some(false), true));
        check(&[6.0, 12.0, 6.0], (Some(false), false));
        check(&[], (None, false));
    }

    #[test]
    fn a_goal_is_neither_met_nor_missed_without_what_it_compares_with() {
        assert_eq!(met(&[Goal::Ratio("rmcp", 1.0)], &[cell("ours", 1, &[1.0]), cell("rmcp", 1, &[])]), [None]);
        assert_eq!(met(&[Goal::Ratio("rmcp", 1.0)], &[cell("ours", 1, &[]), cell("rmcp", 1, &[1.0])]), [None]);
        assert_eq!(met(&[Goal::Most("allocations", 1.0)], &[cell("ours", 1, &[1.0])]), [None]);
    }

    #[test]
    fn a_flat_curve_is_compared_with_its_own_beginning() {
        let cells = [cell("ours", 2, &[10.0]), cell("rmcp", 2, &[1.0]), cell("ours", 100, &[10.4])];
        assert_eq!(met(&[Goal::Flat(1.05)], &cells), [Some(true), Some(true)]);
        let cells = [cell("ours", 2, &[10.0]), cell("ours", 100, &[10.6])];
        assert_eq!(met(&[Goal::Flat(1.05)], &cells), [Some(true), Some(false)]);
    }

    #[test]
    fn of_a_bound_the_worst_sample_counts() {
        assert_eq!(met(&[Goal::Most("most_chunks", 100.0)], &[cell("ours", 1, &[1.0, 100.0])]), [Some(true)]);
        assert_eq!(met(&[Goal::Most("most_chunks", 100.0)], &[cell("ours", 1, &[1.0, 101.0])]), [Some(false)]);
    }
}
