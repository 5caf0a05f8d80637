//! How a cost grows along a curve: the exponent of the power of the point that fits it best.
//!
//! 1 is linear, 0 is flat, 2 is quadratic. The surprising thing: a fixed cost beside what grows makes the exponent
//! smaller, never larger, so a curve must be read from where the fixed cost is small; rows say from which point.

use crate::bench::row::{Axis, Row};

/// How a cost grows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Growth {
    /// Rounded as it is shown, so that equal words have equal numbers.
    pub(crate) exponent: f64,
    /// How many points it is read from.
    pub(crate) points: usize,
}

/// Returns the growth that fits points best, by least squares of their logarithms; nothing for fewer than two.
pub(crate) fn growth(points: &[(f64, f64)]) -> Option<Growth> {
    let logarithms: Vec<(f64, f64)> =
        points.iter().filter(|(at, cost)| *at > 0.0 && *cost > 0.0).map(|(at, cost)| (at.ln(), cost.ln())).collect();
    let count = logarithms.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| logarithms.iter().map(of).sum::<f64>() / count;
    let (at, cost) = (mean(|point| point.0), mean(|point| point.1));
    let both: f64 = logarithms.iter().map(|point| (point.0 - at) * (point.1 - cost)).sum();
    let square: f64 = logarithms.iter().map(|point| (point.0 - at).powi(2)).sum();
    let exponent = || (both / square * 100.0).round() / 100.0;
    (square > 0.0).then(|| Growth { exponent: exponent(), points: logarithms.len() })
}

/// The points of a curve that its growth is read from, as what grows and what all of it costs.
pub(crate) fn curve(row: &Row, figures: impl IntoIterator<Item = (u64, f64)>) -> Vec<(f64, f64)> {
    let from = figures.into_iter().filter(|(point, _)| *point >= row.goals_from);
    from.map(|(point, figure)| (point as f64, whole(row, point, figure))).collect()
}

/// What a point costs in all: a figure may be that of each of many.
pub(crate) fn whole(row: &Row, point: u64, figure: f64) -> f64 {
    match row.axis {
        Axis::Sessions | Axis::Streams => figure * point as f64,
        Axis::Payload | Axis::Tools => figure,
    }
}

/// The growth in words.
pub(crate) fn words(Growth { exponent, points }: Growth) -> String {
    let word = match exponent {
        low if low < FLAT => "flat",
        low if low < LINEAR_FROM => "less than linear",
        high if high <= LINEAR => "linear",
        _ => "more than linear",
    };
    // Zero may be rounded from below it.
    format!("{word} (exponent {:.2}, {points} points)", exponent + 0.0)
}

/// Below it a cost is called flat.
const FLAT: f64 = 0.1;
const LINEAR_FROM: f64 = 0.9;
/// Up to it a cost is called linear.
pub(crate) const LINEAR: f64 = 1.1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exponent_of_a_power_is_found_whatever_its_factor() {
        let check = |cost: fn(f64) -> f64, expected: &str| {
            let points: Vec<(f64, f64)> = [2.0, 100.0, 1000.0].into_iter().map(|at| (at, cost(at))).collect();
            assert_eq!(words(growth(&points).unwrap()), expected);
        };
        check(|_| 7.0, "flat (exponent 0.00, 3 points)");
        check(|at| 3.0 * at.sqrt(), "less than linear (exponent 0.50, 3 points)");
        check(|at| 0.25 * at, "linear (exponent 1.00, 3 points)");
        // What is shown as the bound is not more than it.
        check(|at| at.powf(1.104), "linear (exponent 1.10, 3 points)");
        check(|at| at.powf(1.106), "more than linear (exponent 1.11, 3 points)");
        check(|at| at * at, "more than linear (exponent 2.00, 3 points)");
    }

    #[test]
    fn one_point_and_no_cost_have_no_growth() {
        assert_eq!(growth(&[]), None);
        assert_eq!(growth(&[(1.0, 1.0)]), None);
        assert_eq!(growth(&[(1.0, 1.0), (2.0, 0.0)]), None);
    }
}
