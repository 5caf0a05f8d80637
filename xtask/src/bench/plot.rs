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

/// Draws lines, both axes logarithmic: what grows linearly has the slope of the diagonal that is dotted.
pub(crate) fn lines(title: &str, x_label: &str, y_label: &str, lines: &[Line]) -> String {
    let points = || lines.iter().flat_map(|line| line.points.iter()).filter(|(x, y)| *x > 0.0 && *y > 0.0);
    let least = |of: fn(&(f64, f64)) -> f64| points().map(of).fold(f64::INFINITY, f64::min);
    let most = |of: fn(&(f64, f64)) -> f64| points().map(of).fold(0.0, f64::max);
    let x = Scale::new(least(|point| point.0), most(|point| point.0), LABEL, WIDTH - RIGHT);
    let y = Scale::new(least(|point| point.1), most(|point| point.1), HEIGHT - BELOW, HEAD);
    let mut svg = head(HEIGHT, title);
    for (value, is_x) in x.ticks().map(|tick| (tick, true)).chain(y.ticks().map(|tick| (tick, false))) {
        if is_x {
            text(&mut svg, x.place(value), HEIGHT - BELOW + 18.0, "middle", &number(value));
        } else {
            text(&mut svg, LABEL - 8.0, y.place(value) + 4.0, "end", &number(value));
        }
    }
    let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BELOW);
    let _ = writeln!(svg, r#"<path d="M{LABEL} {HEAD}V{bottom}H{right}" fill="none" stroke="gray"/>"#);
    for (index, line) in lines.iter().enumerate() {
        let place = |(at, value): &(f64, f64)| format!("{:.1},{:.1}", x.place(*at), y.place(*value));
        let drawn: Vec<&(f64, f64)> = line.points.iter().filter(|(at, value)| *at > 0.0 && *value > 0.0).collect();
        let Some(&last) = drawn.last() else { continue };
        let way: Vec<String> = drawn.into_iter().map(place).collect();
        let colour = colour(&line.label, index);
        let _ =
            writeln!(svg, r#"<polyline points="{}" fill="none" stroke="{colour}" stroke-width="2"/>"#, way.join(" "));
        text(&mut svg, x.place(last.0) + 6.0, y.place(last.1) + 4.0, "start", &line.label);
    }
    text(&mut svg, right, HEIGHT - 8.0, "end", x_label);
    text(&mut svg, LABEL - 90.0, HEAD - 8.0, "start", y_label);
    svg.push_str("</svg>\n");
    svg
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

/// Writes a number with three digits that say something.
pub(crate) fn number(value: f64) -> String {
    let digits = match value.abs() {
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        _ => 2,
    };
    let whole = format!("{value:.digits$}");
    match whole.split_once('.') {
        Some((integer, fraction)) if fraction.chars().all(|digit| digit == '0') => integer.to_owned(),
        _ => whole,
    }
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
    }

    #[test]
    fn every_subject_is_drawn_once_and_text_is_escaped() {
        let bar = |label: &str, value| Bar { label: label.to_owned(), value };
        let svg = bars("a < b", "µs", &[bar("ours", 2.0), bar("rmcp", 20.0), bar("none", 0.0)]);
        assert_eq!(svg.matches("<rect").count(), 4);
        assert!(svg.contains("a &lt; b") && !svg.contains("NaN") && !svg.contains("inf"));
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
