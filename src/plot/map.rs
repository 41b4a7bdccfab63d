//! A map of words.

use std::fmt::Write;

use super::labels::{Frame, place, place_with_lines};
use super::markup::{escaped, shortened};
use super::numbers::whole;
use super::page::{page, picture};
use crate::error::Result;
use crate::progress::Progress;
use crate::vectors::{KeyedVectors, SearchOptions};

/// Words in a plane. The first words are the most important ones: their labels are placed first.
#[derive(Debug, Clone, PartialEq)]
pub struct WordMap {
    /// What the picture shows.
    pub title: String,
    /// How the plane was chosen, in a line.
    pub note: String,
    /// The words.
    pub points: Vec<MapPoint>,
}

/// A word in a plane.
#[derive(Debug, Clone, PartialEq)]
pub struct MapPoint {
    /// The word.
    pub word: String,
    /// How often it occurs; 0 if that is not known.
    pub count: u64,
    /// From left to right, in any unit.
    pub x: f64,
    /// From bottom to top, in the same unit.
    pub y: f64,
    /// Words that are near in all dimensions, with their cosines.
    pub neighbours: Vec<(String, f32)>,
}

/// Neighbours that the page shows of each word.
const NEIGHBOURS: usize = 5;
/// The size of the picture, of its margins and of its text.
const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 680.0;
const MARGIN: f64 = 24.0;
const HEAD: f64 = 54.0;
const FONT: f64 = 12.0;
/// Longer labels are cut.
const LONGEST_LABEL: usize = 28;

impl WordMap {
    /// The words of some rows, in the plane in which they differ most.
    ///
    /// # Errors
    /// [`Error::Interrupted`](crate::Error::Interrupted).
    ///
    /// # Panics
    /// If there is no such row.
    pub fn of(vectors: &KeyedVectors, rows: &[usize], title: &str, progress: &Progress) -> Result<Self> {
        let plane = vectors.plane(rows, progress)?;
        let [across, up] = plane.shares.map(|share| 100.0 * share);
        let note = format!(
            "{} words by their two principal components, which have {across:.0} % and {up:.0} % of the variance",
            whole(rows.len() as u64)
        );
        Self::placed(vectors, rows, &plane.points, title, &note, progress)
    }

    /// The words of some rows at given points, a point for each row.
    ///
    /// # Errors
    /// [`Error::Interrupted`](crate::Error::Interrupted).
    ///
    /// # Panics
    /// If there is no such row.
    pub fn placed(
        vectors: &KeyedVectors,
        rows: &[usize],
        points: &[[f64; 2]],
        title: &str,
        note: &str,
        progress: &Progress,
    ) -> Result<Self> {
        let word = |row: usize| vectors.keys().key(row as u32).to_string();
        let mut near = neighbours(vectors, rows, progress)?.into_iter();
        let points = rows.iter().zip(points).map(|(&row, &[x, y])| MapPoint {
            word: word(row),
            count: vectors.counts()[row],
            x,
            y,
            neighbours: near.next().unwrap_or_default().into_iter().map(|(row, cosine)| (word(row), cosine)).collect(),
        });
        Ok(Self { title: title.to_owned(), note: note.to_owned(), points: points.collect() })
    }

    /// The map as SVG. Each point has its word as a title, also one whose label has no room.
    pub fn svg(&self) -> String {
        self.svg_of_size(WIDTH, HEIGHT)
    }

    /// The same, so many pixels wide and high. Its text has the same size, so that a small map is read where a large one would
    /// be shrunk.
    pub fn svg_of_size(&self, width: f64, height: f64) -> String {
        let mut content = format!(
            "<text class=\"ink\" x=\"{MARGIN}\" y=\"26\" font-size=\"17\" font-weight=\"600\">{}</text>\n\
             <text class=\"muted\" x=\"{MARGIN}\" y=\"46\" font-size=\"12\">{}</text>\n",
            escaped(&shortened(&self.title, 90)),
            escaped(&self.note),
        );
        let frame = Frame { width: width - 2.0 * MARGIN, height: height - HEAD - MARGIN };
        let _ = writeln!(content, "<g transform=\"translate({MARGIN} {HEAD})\">");
        content.push_str(&self.drawn(frame, false));
        content.push_str("</g>\n");
        picture(width, height, &self.title, &content)
    }

    /// The map as a page in which words can be searched, and whose points say more when they are pointed at.
    pub fn page(&self) -> String {
        let content = format!("<h1>{}</h1>\n<p>{}</p>\n{}", escaped(&self.title), escaped(&self.note), self.element());
        page(&self.title, "whole", &content, Some(&self.words()))
    }

    /// The map and its tools, as a part of a page that also has the [words](Self::words).
    pub(super) fn element(&self) -> String {
        let frame = Frame { width: WIDTH, height: HEIGHT - HEAD };
        format!(
            "<div class=\"tools\"><input type=\"search\" placeholder=\"Search a word\" aria-label=\"Search a word\">\
             <button value=\"1.6\" title=\"Zoom in\">+</button><button value=\"0.625\" title=\"Zoom out\">−</button>\
             <button value=\"0\" title=\"Show all\">All</button><span class=\"found\"></span></div>\n\
             <div class=\"map\"><svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\">\n{}</svg>\
             <div class=\"tip\" hidden></div></div>",
            frame.width,
            frame.height,
            escaped(&self.title),
            self.drawn(frame, true),
        )
    }

    /// What the page's program knows of the words.
    pub(super) fn words(&self) -> serde_json::Value {
        let places = self.places(Frame { width: 1.0, height: 1.0 });
        let words = self.points.iter().zip(places).map(|(point, (x, y))| {
            let rounded = |value: f64| (value * 1e4).round() / 1e4;
            let near = |(word, cosine): &(String, f32)| serde_json::json!([word, (cosine * 1e3).round() / 1e3]);
            let near: Vec<_> = point.neighbours.iter().filter(|(_, cosine)| cosine.is_finite()).map(near).collect();
            serde_json::json!([point.word, point.count, rounded(x), rounded(y), near])
        });
        words.collect()
    }

    /// Points and labels. With `hidden`, labels without room are there, but not shown: the page's program shows them when the
    /// map is larger.
    fn drawn(&self, frame: Frame, hidden: bool) -> String {
        let texts: Vec<String> = self.points.iter().map(|point| shortened(&point.word, LONGEST_LABEL)).collect();
        let inner = Frame { width: frame.width - 20.0, height: frame.height - 20.0 };
        let places: Vec<(f64, f64)> = self.places(inner).into_iter().map(|(x, y)| (x + 10.0, y + 10.0)).collect();
        let labels: Vec<_> = places.iter().zip(&texts).map(|(&(x, y), text)| (x, y, text.as_str())).collect();
        // The page's program places labels itself, without lines.
        let placed = if hidden { place(&labels, FONT, frame) } else { place_with_lines(&labels, FONT, frame) };
        let mut drawn = String::new();
        for ((point, (x, y, text)), label) in self.points.iter().zip(&labels).zip(placed) {
            let title = escaped(&point.word);
            drawn.push_str("<g class=\"word\">");
            if let Some((to_x, to_y)) = label.and_then(|label| label.line) {
                let _ = write!(
                    drawn,
                    "<path class=\"axis\" stroke-opacity=\".6\" d=\"M{x:.1} {y:.1}L{to_x:.1} {to_y:.1}\"/>"
                );
            }
            let _ = write!(
                drawn,
                "<circle class=\"dot\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\"><title>{title}</title></circle>"
            );
            let (x, y, anchor, display) = match label {
                Some(label) => (label.x, label.y + FONT * 0.35, label.anchor, ""),
                None => (*x, *y, "start", " style=\"display:none\""),
            };
            if hidden || label.is_some() {
                let text = escaped(text);
                let _ = write!(
                    drawn,
                    "<text class=\"label\" x=\"{x:.1}\" y=\"{y:.1}\" font-size=\"{FONT}\" text-anchor=\"{anchor}\"{display}>\
                     {text}</text>"
                );
            }
            drawn.push_str("</g>\n");
        }
        drawn
    }

    /// Where the points are in a frame, from its upper left corner.
    fn places(&self, frame: Frame) -> Vec<(f64, f64)> {
        let finite = |value: f64| if value.is_finite() { value } else { 0.0 };
        let across = span(self.points.iter().map(|point| finite(point.x)));
        let up = span(self.points.iter().map(|point| finite(point.y)));
        let share =
            |value: f64, (low, high): (f64, f64)| if high > low { (finite(value) - low) / (high - low) } else { 0.5 };
        let place =
            |point: &MapPoint| (frame.width * share(point.x, across), frame.height * (1.0 - share(point.y, up)));
        self.points.iter().map(place).collect()
    }
}

fn span(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)))
}

/// The nearest rows of each row.
fn neighbours(vectors: &KeyedVectors, rows: &[usize], progress: &Progress) -> Result<Vec<Vec<(usize, f32)>>> {
    if vectors.vector_size() == 0 {
        return Ok(Vec::new());
    }
    let queries: Vec<f32> = rows.iter().flat_map(|&row| vectors.rows().row(row).iter().copied()).collect();
    let excluded: Vec<Vec<usize>> = rows.iter().map(|&row| vec![row]).collect();
    let options = SearchOptions { topn: NEIGHBOURS, rows: 0..vectors.len(), excluded: &excluded };
    vectors.search(&queries, &options, progress)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(words: &[&str]) -> WordMap {
        let point = |(i, word): (usize, &&str)| MapPoint {
            word: (*word).to_owned(),
            count: 10,
            x: (i as f64 * 2.3).sin(),
            y: (i as f64 * 1.7).cos(),
            neighbours: vec![("<b>".to_owned(), 0.5), ("nan".to_owned(), f32::NAN)],
        };
        WordMap { title: "A & B".into(), note: "words".into(), points: words.iter().enumerate().map(point).collect() }
    }

    #[test]
    fn every_point_has_its_word_as_a_title_and_no_word_is_markup() {
        let words = ["<script>", "a&b", "\0", "", "日本", "tab\t"];
        let map = map(&words);
        for text in [map.svg(), map.page()] {
            assert_eq!(text.matches("<circle").count(), 6);
            assert!(text.contains("<title>&lt;script&gt;</title>") && text.contains("<title>a&amp;b</title>"));
            assert!(!text.contains("<b>"));
            assert!(!text.contains('\0'));
        }
        assert!(map.page().contains("\\u003cb\\u003e"));
    }

    #[test]
    fn a_page_asks_nothing_of_the_network() {
        let page = map(&["a", "b"]).page();
        for outside in ["https:", "http:", "src=", "@import", "url(", "href="] {
            assert!(!page.contains(outside), "{outside}");
        }
    }

    #[test]
    fn points_in_one_place_and_points_that_are_no_numbers_are_drawn() {
        for value in [0.0, f64::NAN, f64::INFINITY] {
            let mut map = map(&["a", "b"]);
            map.points.iter_mut().for_each(|point| (point.x, point.y) = (value, value));
            assert!(!map.svg().contains("NaN") && !map.svg().contains("inf\""));
        }
        assert!(map(&[]).svg().ends_with("</svg>\n"));
    }
}
