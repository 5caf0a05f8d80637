//! A small writer of SVG: bars for a row, lines with two logarithmic axes for a curve.
//!
//! A picture knows no theme of the book: it brings its own light ground.

use std::fmt::Write as _;

/// A labelled figure.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Bar {
    pub(crate) label: String,
    pub(crate) value: f64,
}

/// The figures of one subject along a curve.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Line {
    pub(crate) label: String,
    pub(crate) points: Vec<(f64, f64)>,
}

/// Draws bars on a logarithmic scale, since peers lie far apart; the shortest has a length too.
pub(crate) fn bars(title: &str, unit: &str, bars: &[Bar]) -> String {
    let values = || bars.iter().map(|bar| bar.value).filter(|value| *value > 0.0);
    let (least, most) = (values().fold(f64::INFINITY, f64::min), values().fold(0.0, f64::max));
    let scale = Scale::new(least / 2.0, most, 0.0, BAR_WIDTH);
    let height = HEAD + ROW * bars.len() as f64 + FOOT;
    let mut svg = head(height, title);
    for (index, bar) in bars.iter().enumerate() {
        let y = HEAD + ROW * index as f64;
        let length = if bar.value > 0.0 { scale.place(bar.value) } else { 0.0 };
        let colour = colour(&bar.label, index);
        text(&mut svg, LABEL - 8.0, y + 15.0, "end", &bar.label);
        let _ = writeln!(
            svg,
            r#"<rect x="{LABEL}" y="{y:.1}" width="{length:.1}" height="{:.1}" fill="{colour}"/>"#,
            ROW - 6.0
        );
        text(&mut svg, LABEL + length + 6.0, y + 15.0, "start", &number(bar.value));
    }
    text(&mut svg, LABEL, height - 8.0, "start", &format!("{unit}, logarithmic"));
    svg.push_str("</svg>\n");
    svg
}

/// Draws lines, both axes logarithmic; what grows linearly runs beside the line that is dotted.
pub(crate) fn lines(title: &str, x_label: &str, y_label: &str, lines: &[Line]) -> String {
    let points = || lines.iter().flat_map(|line| line.points.iter()).filter(|(x, y)| *x > 0.0 && *y > 0.0);
    let least = |of: fn(&(f64, f64)) -> f64| points().map(of).fold(f64::INFINITY, f64::min);
    let most = |of: fn(&(f64, f64)) -> f64| points().map(of).fold(0.0, f64::max);
    let x = Scale::new(least(|point| point.0), most(|point| point.0), LABEL, WIDTH - RIGHT);
    let y = Scale::new(least(|point| point.1), most(|point| point.1), HEIGHT - BELOW, HEAD);
    let mut svg = head(HEIGHT, title);
    let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BELOW);
    for value in x.ticks() {
        text(&mut svg, x.place(value), bottom + 18.0, "middle", &number(value));
        rule(&mut svg, (x.place(value), HEAD), (x.place(value), bottom));
    }
    for value in y.ticks() {
        text(&mut svg, LABEL - 8.0, y.place(value) + 4.0, "end", &number(value));
        rule(&mut svg, (LABEL, y.place(value)), (right, y.place(value)));
    }
    let ours = lines.iter().find(|line| line.label == "ours").and_then(|line| line.points.last());
    if let Some(&(at, value)) = ours.filter(|(at, value)| *at > 0.0 && *value > 0.0) {
        linear(&mut svg, &x, &y, at, value);
    }
    let mut labels: Vec<(f64, &str)> = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let place = |(at, value): &(f64, f64)| format!("{:.1},{:.1}", x.place(*at), y.place(*value));
        let drawn: Vec<&(f64, f64)> = line.points.iter().filter(|(at, value)| *at > 0.0 && *value > 0.0).collect();
        let Some(&last) = drawn.last() else { continue };
        let way: Vec<String> = drawn.into_iter().map(place).collect();
        let colour = colour(&line.label, index);
        let _ =
            writeln!(svg, r#"<polyline points="{}" fill="none" stroke="{colour}" stroke-width="2"/>"#, way.join(" "));
        labels.push((y.place(last.1), &line.label));
    }
    for (place, label) in spread(labels) {
        text(&mut svg, right + 6.0, place + 4.0, "start", label);
    }
    text(&mut svg, right, HEIGHT - 8.0, "end", x_label);
    text(&mut svg, LABEL - 90.0, HEAD - 8.0, "start", y_label);
    svg.push_str("</svg>\n");
    svg
}

/// Dots the way of a cost that grows linearly and ends where ours does.
fn linear(svg: &mut String, x: &Scale, y: &Scale, at: f64, value: f64) {
    // Along it the cost of one is the same; it begins where one of the axes does.
    let from = x.least.max(at * y.least / value);
    let (x1, y1, x2, y2) = (x.place(from), y.place(from * value / at), x.place(at), y.place(value));
    let _ = writeln!(
        svg,
        r#"<path d="M{x1:.1} {y1:.1}L{x2:.1} {y2:.1}" stroke="gray" stroke-dasharray="2 4"><title>linear</title></path>"#
    );
}

fn rule(svg: &mut String, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) {
    let _ = writeln!(svg, r#"<path d="M{x1:.1} {y1:.1}L{x2:.1} {y2:.1}" stroke="gray" stroke-opacity="0.2"/>"#);
}

/// Moves labels apart that would stand on each other, downwards.
fn spread(mut labels: Vec<(f64, &str)>) -> Vec<(f64, &str)> {
    labels.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut least = f64::NEG_INFINITY;
    for (place, _) in &mut labels {
        *place = place.max(least);
        least = *place + LINE;
    }
    labels
}

/// A logarithmic way from values to places.
struct Scale {
    least: f64,
    most: f64,
    from: f64,
    to: f64,
}

impl Scale {
    fn new(least: f64, most: f64, from: f64, to: f64) -> Self {
        // Nothing to draw, or one value alone: any scale will do that is one.
        let least = if least.is_finite() && least > 0.0 { least } else { 1.0 };
        let most = if most > least { most } else { least * 10.0 };
        Self { least, most, from, to }
    }

    fn place(&self, value: f64) -> f64 {
        let share = (value / self.least).ln() / (self.most / self.least).ln();
        self.from + share * (self.to - self.from)
    }

    /// The powers of ten in it, or its two ends where there are none.
    fn ticks(&self) -> impl Iterator<Item = f64> {
        let powers =
            (-9..12).map(|power| 10f64.powi(power)).filter(|value| *value >= self.least && *value <= self.most);
        let powers: Vec<f64> = powers.collect();
        let ticks = if powers.len() > 1 { powers } else { vec![self.least, self.most] };
        ticks.into_iter()
    }
}

fn head(height: f64, title: &str) -> String {
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" \
         font-size=\"12\" fill=\"#222222\" role=\"img\">\n<title>{}</title>\n\
         <rect width=\"100%\" height=\"100%\" rx=\"6\" fill=\"#fbfbfa\"/>\n",
        escaped(title)
    );
    text(&mut svg, 4.0, 16.0, "start", title);
    svg
}

fn text(svg: &mut String, x: f64, y: f64, anchor: &str, text: &str) {
    let _ = writeln!(svg, r#"<text x="{x:.1}" y="{y:.1}" text-anchor="{anchor}">{}</text>"#, escaped(text));
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Writes a number with three digits that say something, and thousands apart.
pub(crate) fn number(value: f64) -> String {
    let digits = match value.abs() {
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        _ => 2,
    };
    let whole = format!("{value:.digits$}");
    match whole.split_once('.') {
        Some((integer, fraction)) if fraction.chars().all(|digit| digit == '0') => integer.to_owned(),
        Some(_) => whole,
        None => thousands(&whole),
    }
}

/// Puts a space before each three digits, from ten thousand on.
fn thousands(digits: &str) -> String {
    if digits.len() < 5 {
        return digits.to_owned();
    }
    let groups: Vec<&[u8]> = digits.as_bytes().rchunks(3).rev().collect();
    groups.iter().map(|group| String::from_utf8_lossy(group)).collect::<Vec<_>>().join(" ")
}

/// Ours stands out, the limit is grey.
fn colour(label: &str, index: usize) -> &'static str {
    const PEERS: [&str; 6] = ["#7b8fb2", "#c58b4e", "#8a6fa8", "#5f9e8f", "#b56a76", "#8f8f5a"];
    match label {
        "limit" | "bare calls" => "#999999",
        "ours" => "#d1492f",
        _ => PEERS[index % PEERS.len()],
    }
}

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 360.0;
const BAR_WIDTH: f64 = 480.0;
const LABEL: f64 = 120.0;
const RIGHT: f64 = 110.0;
const HEAD: f64 = 48.0;
const ROW: f64 = 24.0;
const FOOT: f64 = 28.0;
const BELOW: f64 = 56.0;
/// The height of a line of text.
const LINE: f64 = 14.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scale_is_logarithmic_and_holds_for_nothing_and_one_value() {
        let scale = Scale::new(1.0, 100.0, 0.0, 10.0);
        assert!((scale.place(10.0) - 5.0).abs() < 1e-9);
        assert!(Scale::new(f64::INFINITY, 0.0, 0.0, 10.0).place(1.0).is_finite());
        assert!(Scale::new(7.0, 7.0, 0.0, 10.0).place(7.0).is_finite());
    }

    #[test]
    fn a_number_is_short() {
        let check = |value, expected: &str| assert_eq!(number(value), expected);
        check(1234.5, "1234");
        check(12.34, "12.3");
        check(1.0, "1");
        check(0.256, "0.26");
        check(20.0, "20");
        check(1_048_576.4, "1 048 576");
        check(65_536.0, "65 536");
    }

    #[test]
    fn every_subject_is_drawn_once_and_text_is_escaped() {
        let bar = |label: &str, value| Bar { label: label.to_owned(), value };
        let svg = bars("a < b", "µs", &[bar("ours", 2.0), bar("rmcp", 20.0), bar("none", 0.0)]);
        assert_eq!(svg.matches("<rect").count(), 4);
        assert!(svg.contains("a &lt; b") && !svg.contains("NaN") && !svg.contains("inf"));
    }

    #[test]
    fn labels_stand_apart_in_the_order_of_their_lines() {
        let check = |places: &[f64], expected: &[f64]| {
            let spread = spread(places.iter().map(|place| (*place, "")).collect());
            assert_eq!(spread.into_iter().map(|(place, _)| place).collect::<Vec<_>>(), expected);
        };
        check(&[100.0, 10.0], &[10.0, 100.0]);
        check(&[12.0, 10.0, 11.0], &[10.0, 24.0, 38.0]);
        check(&[], &[]);
    }

    #[test]
    fn a_curve_leaves_out_what_has_no_logarithm() {
        let line = |label: &str, points: &[(f64, f64)]| Line { label: label.to_owned(), points: points.to_vec() };
        let all = [line("ours", &[(1.0, 0.0), (10.0, 2.0), (100.0, 4.0)]), line("rmcp", &[])];
        let svg = lines("growth", "tools", "µs", &all);
        assert_eq!(svg.matches("<polyline").count(), 1);
        assert!(!svg.contains("NaN") && !svg.contains("inf"));
    }
}
