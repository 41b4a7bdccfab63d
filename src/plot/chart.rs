//! Charts of numbers.

use std::fmt::Write;

use super::markup::{escaped, width};
use super::numbers::{marks, powers, short};
use super::page::{page, picture};
use crate::models::Moment;

/// Lines over two axes.
#[derive(Debug, Clone, PartialEq)]
pub struct Chart {
    /// Stands above it.
    pub title: String,
    /// What the axis from left to right shows.
    pub across: String,
    /// The lines.
    pub series: Vec<Series>,
    /// True makes both axes logarithmic. Points that are not positive are left out then.
    pub is_logarithmic: bool,
}

/// A line.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// What it shows.
    pub name: String,
    /// Its points, from left to right.
    pub points: Vec<(f64, f64)>,
}

const WIDTH: f64 = 360.0;
const HEIGHT: f64 = 230.0;
const TOP: f64 = 34.0;
const BOTTOM: f64 = 40.0;
const RIGHT: f64 = 16.0;
const FONT: f64 = 11.0;

/// An axis: the values at its two ends.
#[derive(Clone, Copy)]
struct Axis {
    low: f64,
    high: f64,
    is_logarithmic: bool,
}

impl Axis {
    fn over(values: impl Iterator<Item = f64>, is_logarithmic: bool) -> Self {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        values.for_each(|value| (low, high) = (low.min(value), high.max(value)));
        if low > high {
            (low, high) = if is_logarithmic { (1.0, 10.0) } else { (0.0, 1.0) };
        }
        if low == high {
            let room = if low == 0.0 { 1.0 } else { low.abs() * 0.1 };
            (low, high) = if is_logarithmic { (low / 2.0, high * 2.0) } else { (low - room, high + room) };
        }
        Self { low, high, is_logarithmic }
    }

    /// From 0 if all values are positive.
    fn starting_at_zero(self) -> Self {
        if self.is_logarithmic || self.low <= 0.0 { self } else { Self { low: 0.0, ..self } }
    }

    /// With some room at both ends, but not beyond 0.
    fn with_room(self) -> Self {
        if self.is_logarithmic {
            return self;
        }
        let room = 0.06 * (self.high - self.low);
        let low = if self.low >= 0.0 { (self.low - room).max(0.0) } else { self.low - room };
        Self { low, high: self.high + room, ..self }
    }

    fn share(self, value: f64) -> f64 {
        match self.is_logarithmic {
            true => (value / self.low).ln() / (self.high / self.low).ln(),
            false => (value - self.low) / (self.high - self.low),
        }
    }

    fn marks(self, most: usize) -> Vec<f64> {
        match self.is_logarithmic {
            true => powers(self.low * 0.999, self.high * 1.001, most),
            false => marks(self.low, self.high, most),
        }
    }
}

impl Chart {
    /// The chart as SVG.
    pub fn svg(&self) -> String {
        picture(WIDTH, HEIGHT, &self.title, &self.drawn())
    }

    /// The chart as a part of a page.
    pub(super) fn element(&self) -> String {
        format!(
            "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}\">\n{}</svg>",
            escaped(&self.title),
            self.drawn()
        )
    }

    fn drawn(&self) -> String {
        let is_shown =
            |&(x, y): &(f64, f64)| x.is_finite() && y.is_finite() && (!self.is_logarithmic || (x > 0.0 && y > 0.0));
        let points = || self.series.iter().flat_map(|series| &series.points).copied().filter(is_shown);
        let across = Axis::over(points().map(|(x, _)| x), self.is_logarithmic).starting_at_zero();
        let up = Axis::over(points().map(|(_, y)| y), self.is_logarithmic).with_room();
        let marks_up: Vec<(f64, String)> = up.marks(5).into_iter().map(|mark| (mark, short(mark))).collect();
        let widest = marks_up.iter().map(|(_, text)| width(text)).fold(1.0, f64::max);
        let left = 14.0 + widest * FONT;
        let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
        let x_of = |x: f64| left + across.share(x) * (right - left);
        let y_of = |y: f64| bottom - up.share(y) * (bottom - TOP);
        let mut svg = format!(
            "<text class=\"ink\" x=\"10\" y=\"18\" font-size=\"13\" font-weight=\"600\">{}</text>\n",
            escaped(&self.title)
        );
        for (mark, text) in &marks_up {
            let y = y_of(*mark);
            let _ = writeln!(
                svg,
                "<path class=\"grid\" d=\"M{left:.1} {y:.1}H{right:.1}\"/><text class=\"muted\" x=\"{:.1}\" y=\"{:.1}\" \
                 font-size=\"{FONT}\" text-anchor=\"end\">{text}</text>",
                left - 6.0,
                y + FONT * 0.35
            );
        }
        for mark in across.marks(5) {
            let x = x_of(mark);
            let _ = writeln!(
                svg,
                "<path class=\"axis\" d=\"M{x:.1} {bottom:.1}v4\"/><text class=\"muted\" x=\"{x:.1}\" y=\"{:.1}\" \
                 font-size=\"{FONT}\" text-anchor=\"middle\">{}</text>",
                bottom + 16.0,
                short(mark)
            );
        }
        let _ = writeln!(
            svg,
            "<path class=\"axis\" fill=\"none\" d=\"M{left:.1} {TOP}V{bottom:.1}H{right:.1}\"/>\
             <text class=\"muted\" x=\"{:.1}\" y=\"{:.1}\" font-size=\"{FONT}\" text-anchor=\"middle\">{}</text>",
            (left + right) / 2.0,
            HEIGHT - 8.0,
            escaped(&self.across)
        );
        for (number, series) in self.series.iter().enumerate() {
            let points: Vec<_> = series.points.iter().filter(|point| is_shown(point)).collect();
            if let [&(x, y)] = points[..] {
                let _ = writeln!(
                    svg,
                    "<circle class=\"f{}\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"3\"/>",
                    number % 2,
                    x_of(x),
                    y_of(y)
                );
                continue;
            }
            let mut path = String::new();
            for (at, &&(x, y)) in points.iter().enumerate() {
                let _ = write!(path, "{}{:.1} {:.1}", if at == 0 { 'M' } else { 'L' }, x_of(x), y_of(y));
            }
            let _ = writeln!(
                svg,
                "<path class=\"line s{}\" fill=\"none\" d=\"{path}\"><title>{}</title></path>",
                number % 2,
                escaped(&series.name)
            );
        }
        if points().next().is_none() {
            let _ = writeln!(
                svg,
                "<text class=\"muted\" x=\"{:.1}\" y=\"{:.1}\" font-size=\"{FONT}\" text-anchor=\"middle\">no data</text>",
                (left + right) / 2.0,
                (TOP + bottom) / 2.0
            );
        }
        svg
    }
}

/// The charts of a training: its loss, if that was added up, and its learning rate.
pub fn training_charts(moments: &[Moment]) -> Vec<Chart> {
    let over_words = |title: &str, value: &dyn Fn(&Moment) -> Option<f64>| Chart {
        title: title.to_owned(),
        across: "words trained".to_owned(),
        series: vec![Series {
            name: title.to_owned(),
            points: moments.iter().filter_map(|moment| Some((moment.words as f64, value(moment)?))).collect(),
        }],
        is_logarithmic: false,
    };
    let mut charts = Vec::new();
    if moments.iter().any(|moment| moment.loss.is_some()) {
        let loss = Series { name: "loss".to_owned(), points: smoothed(moments) };
        charts.push(Chart { series: vec![loss], ..over_words("Loss of an example", &|moment| moment.loss) });
    }
    charts.push(over_words("Learning rate", &|moment| Some(moment.rate)));
    charts
}

/// The loss, as means over equal parts of the training: over a few words it depends on what these words are.
fn smoothed(moments: &[Moment]) -> Vec<(f64, f64)> {
    const PARTS: u64 = 80;
    let words = moments.last().map_or(0, |last| last.words);
    let (mut points, mut sum, mut weight, mut before, mut part) = (Vec::new(), 0.0, 0.0, 0, 0);
    for moment in moments {
        let Some(loss) = moment.loss else { continue };
        let more = moment.words.saturating_sub(before).max(1) as f64;
        (sum, weight, before) = (sum + more * loss, weight + more, moment.words);
        let reached = moment.words * PARTS / words.max(1);
        if reached > part || moment.words == words {
            points.push((moment.words as f64, sum / weight));
            (sum, weight, part) = (0.0, 0.0, reached);
        }
    }
    points
}

/// The charts of a training, one above the other, as one SVG.
pub fn training_picture(title: &str, moments: &[Moment]) -> String {
    let charts = training_charts(moments);
    let mut content = String::new();
    for (number, chart) in charts.iter().enumerate() {
        let _ = writeln!(content, "<g transform=\"translate(0 {})\">\n{}</g>", number as f64 * HEIGHT, chart.drawn());
    }
    picture(WIDTH, charts.len() as f64 * HEIGHT, title, &content)
}

/// The charts of a training as a page.
pub fn training_page(title: &str, moments: &[Moment]) -> String {
    let charts = training_charts(moments);
    let figures: String = charts.iter().map(|chart| format!("<figure>{}</figure>\n", chart.element())).collect();
    page(title, "report", &format!("<h1>{}</h1>\n<div class=\"charts\">\n{figures}</div>\n", escaped(title)), None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(points: &[(f64, f64)], is_logarithmic: bool) -> String {
        let series = Series { name: "s".into(), points: points.to_vec() };
        Chart { title: "T".into(), across: "x".into(), series: vec![series], is_logarithmic }.svg()
    }

    #[test]
    fn lines_stay_in_the_picture_whatever_the_numbers_are() {
        let number = regex::Regex::new(r"[ML](-?[\d.]+) (-?[\d.]+)").unwrap();
        for points in [
            &[(0.0, 0.0), (1.0, 1.0)][..],
            &[(1.0, 5.0), (2.0, 5.0)],
            &[(1e-9, 1e12), (1e9, -1e12), (1e10, f64::NAN)],
            &[(3.0, 3.0)],
            &[],
        ] {
            for is_logarithmic in [false, true] {
                let svg = chart(points, is_logarithmic);
                assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
                for found in number.captures_iter(&svg) {
                    let [x, y] = [1, 2].map(|i| found[i].parse::<f64>().unwrap());
                    assert!((0.0..=WIDTH).contains(&x) && (0.0..=HEIGHT).contains(&y), "{svg}");
                }
            }
        }
    }

    #[test]
    fn a_training_without_a_loss_has_one_chart() {
        let moment = |words, loss| Moment { seconds: 1.0, words, rate: 0.025, loss };
        assert_eq!(training_charts(&[moment(1, None), moment(2, None)]).len(), 1);
        let picture = training_picture("Training", &[moment(1, Some(2.0)), moment(2, Some(1.5))]);
        assert!(picture.contains("Loss of an example") && picture.contains("Learning rate"));
    }
}
