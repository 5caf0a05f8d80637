//! From samples to verdicts: the best of each subject, its spread, its ratios, and whether the goals hold.

use serde_json::Value;

use crate::bench::{
    growth,
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
    pub(crate) to_limit: Option<f64>,
    pub(crate) to_rmcp: Option<f64>,
    /// The ratio to each other subject of the same point.
    pub(crate) ratios: Vec<(&'static str, f64)>,
    /// The exponent of the growth along the curve, at its last point.
    pub(crate) growth: Option<f64>,
    /// The goals in words; empty for peers.
    pub(crate) target: String,
    /// Whether all goals hold; nothing when there are none or something to compare with is missing.
    pub(crate) met: Option<bool>,
    pub(crate) note: String,
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
    let ratio = |base: &str| Some(best.as_ref()?.figure / figure_of(cells, base, cell.point)?);
    let goals: Vec<&Goal> = if cell.subject == "ours" { row.goals_at(cell.point).collect() } else { Vec::new() };
    let held: Vec<Option<bool>> = goals.iter().map(|goal| holds(row, goal, cells, cell)).collect();
    let met = if held.contains(&Some(false)) {
        Some(false)
    } else if held.is_empty() || held.contains(&None) {
        None
    } else {
        Some(true)
    };
    let others = row.subjects.iter().filter(|subject| **subject != cell.subject);
    let ratios = others.filter_map(|subject| {
        let other = cells.iter().find(|other| other.subject == *subject && other.point == cell.point)?;
        Some((*subject, best.as_ref()?.figure / other.best()?.figure)).filter(|(_, ratio)| ratio.is_finite())
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
        note: note(row, cell),
        best,
    }
}

fn growth_of(row: &Row, cells: &[Cell], cell: &Cell) -> Option<f64> {
    let own = cells.iter().filter(|other| other.subject == cell.subject);
    growth::exponent(&growth::curve(row, own.filter_map(|other| Some((other.point, other.best()?.figure)))))
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

/// The best figure of the subjects whose name starts so, at a point.
fn figure_of(cells: &[Cell], base: &str, point: u64) -> Option<f64> {
    let of_base = cells.iter().filter(|cell| cell.point == point && cell.subject.starts_with(base));
    let figures = of_base.filter_map(Cell::best).map(|sample| sample.figure).filter(|figure| *figure > 0.0);
    figures.reduce(f64::min)
}

fn holds(row: &Row, goal: &Goal, cells: &[Cell], cell: &Cell) -> Option<bool> {
    let best = cell.best()?;
    match *goal {
        Goal::Flat(times) => {
            let first = cells.iter().find(|other| other.subject == cell.subject)?;
            Some(best.figure <= first.best()?.figure * times)
        }
        Goal::Grows(most) => Some(growth_of(row, cells, cell)? <= most),
        // The worst sample counts: it is a bound and not a speed.
        Goal::Most(detail, bound) => {
            let told = cell.samples.iter().map(|sample| sample.told[detail].as_f64());
            told.collect::<Option<Vec<f64>>>().map(|told| told.iter().all(|value| *value <= bound))
        }
        Goal::Ratio(base, times) => Some(best.figure <= figure_of(cells, base, cell.point)? * times),
    }
}

fn words(goal: &Goal) -> String {
    match goal {
        Goal::Flat(times) => format!("≤ {times} × the first point"),
        Goal::Grows(most) => format!("growth ≤ power of {most}"),
        Goal::Most(detail, bound) => format!("{} ≤ {bound}", detail.replace('_', " ")),
        Goal::Ratio(base, times) => format!("≤ {} × {base}", (times * 1000.0).round() / 1000.0),
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
            cell("limit", 1, &[4.0, 5.0]),
            cell("ours", 1, &[9.0, 5.0, 6.0]),
            cell("rmcp a", 1, &[20.0]),
            cell("rmcp b", 1, &[10.0]),
        ];
        let verdicts = judge(&ROWS[0], &cells);
        assert_eq!(verdicts[1].to_limit, Some(1.25));
        assert_eq!(verdicts[1].to_rmcp, Some(0.5));
        assert_eq!(verdicts[1].spread, 0.8);
        assert_eq!(met(&[Goal::Ratio("limit", 1.25)], &cells), [Some(true)]);
        assert_eq!(met(&[Goal::Ratio("limit", 1.25), Goal::Ratio("rmcp", 0.4)], &cells), [Some(false)]);
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
