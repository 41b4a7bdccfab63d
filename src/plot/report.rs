//! A page about a training.

use std::fmt::Write;

use super::chart::{Chart, Series, training_charts};
use super::map::WordMap;
use super::markup::{escaped, shortened};
use super::numbers::whole;
use super::page::page;
use crate::config::Config;
use crate::models::Moment;

/// What the page says.
pub struct Report<'a> {
    /// Its title.
    pub title: String,
    /// Short facts, each with its name.
    pub facts: Vec<(String, String)>,
    /// The hyperparameters.
    pub config: &'a Config,
    /// How the training went.
    pub moments: &'a [Moment],
    /// The counts of the vocabulary.
    pub counts: &'a [u64],
    /// The nearest words of some words.
    pub neighbourhoods: Vec<Neighbourhood>,
    /// What was measured with questions and judgements.
    pub evaluations: Vec<Evaluation>,
    /// The most frequent words.
    pub map: Option<WordMap>,
}

/// A word and those nearest to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Neighbourhood {
    /// The word.
    pub word: String,
    /// How often it occurs.
    pub count: u64,
    /// Its neighbours with their cosines.
    pub neighbours: Vec<(String, f32)>,
}

/// A line of an evaluation.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// What was measured.
    pub name: String,
    /// The result.
    pub score: String,
    /// Of how much.
    pub detail: String,
}

impl Report<'_> {
    /// The page.
    pub fn page(&self) -> String {
        let mut content = format!("<h1>{}</h1>\n<dl class=\"facts\">", escaped(&self.title));
        for (name, value) in &self.facts {
            let _ = write!(content, "<div><dt>{}</dt><dd>{}</dd></div>", escaped(name), escaped(value));
        }
        content.push_str("</dl>\n<h2>Training and vocabulary</h2>\n<div class=\"charts\">\n");
        for chart in training_charts(self.moments).iter().chain([&zipf(self.counts)]) {
            let _ = writeln!(content, "<figure>{}</figure>", chart.element());
        }
        content.push_str("</div>\n");
        content.push_str(&self.evaluation());
        content.push_str(&self.neighbours());
        if let Some(map) = &self.map {
            let _ = writeln!(content, "<h2>Map</h2>\n<p>{}</p>\n{}", escaped(&map.note), map.element());
        }
        content.push_str(&self.parameters());
        page(&self.title, "report", &content, self.map.as_ref().map(WordMap::words).as_ref())
    }

    fn evaluation(&self) -> String {
        let mut html = String::from("<h2>Evaluation</h2>\n");
        if self.evaluations.is_empty() {
            html.push_str("<p>Nothing was measured: train with --analogies or --pairs.</p>\n");
            return html;
        }
        html.push_str(
            "<div class=\"wide\"><table><tr><th>measured</th><th class=\"number\">score</th><th>of</th></tr>\n",
        );
        for Evaluation { name, score, detail } in &self.evaluations {
            let [name, score, detail] = [name, score, detail].map(|text| escaped(text));
            let _ = writeln!(html, "<tr><td>{name}</td><td class=\"number\">{score}</td><td>{detail}</td></tr>");
        }
        html.push_str("</table></div>\n");
        html
    }

    fn neighbours(&self) -> String {
        let mut html = String::from(
            "<h2>Neighbours of frequent words</h2>\n<table><tr><th>word</th><th class=\"number\">count</th>\
             <th>nearest</th></tr>\n",
        );
        for Neighbourhood { word, count, neighbours } in &self.neighbourhoods {
            let near = neighbours.iter().map(|(word, cosine)| {
                format!("<span>{} <small>{cosine:.2}</small></span>", escaped(&shortened(word, 40)))
            });
            let (word, count) = (escaped(&shortened(word, 40)), whole(*count));
            let near: String = near.collect();
            let _ = writeln!(
                html,
                "<tr><td>{word}</td><td class=\"number\">{count}</td><td class=\"near\">{near}</td></tr>"
            );
        }
        html.push_str("</table>\n");
        html
    }

    fn parameters(&self) -> String {
        let mut html = String::from(
            "<h2>Parameters</h2>\n<p>Those that differ from their defaults are bold.</p>\n<div class=\"columns\"><table>\n",
        );
        for parameter in Config::PARAMETERS {
            let (value, default) = (parameter.get(self.config), parameter.default());
            let class = if value == default { "" } else { " class=\"changed\"" };
            let title = escaped(parameter.meaning);
            let _ = writeln!(
                html,
                "<tr{class} title=\"{title}\"><td><code>{}</code></td><td class=\"number\">{}</td></tr>",
                parameter.name,
                escaped(&parameter.range.text(value))
            );
        }
        html.push_str("</table></div>\n");
        html
    }
}

/// How often the words occur, by rank: near to a straight line for a natural language (Zipf 1935).
fn zipf(counts: &[u64]) -> Chart {
    /// More points cannot be told apart.
    const POINTS: usize = 240;
    let mut sorted = counts.to_vec();
    sorted.sort_unstable_by(|a, b| b.cmp(a));
    let most = (sorted.len().max(1) as f64).ln();
    let mut ranks: Vec<usize> =
        (0..=POINTS).map(|i| (most * i as f64 / POINTS as f64).exp().round() as usize).collect();
    ranks.dedup();
    let points = ranks.into_iter().filter_map(|rank| Some((rank as f64, *sorted.get(rank - 1)? as f64))).collect();
    Chart {
        title: "Occurrences of the words".to_owned(),
        across: "rank".to_owned(),
        series: vec![Series { name: "occurrences".to_owned(), points }],
        is_logarithmic: true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_shows_everything_and_asks_nothing_of_the_network() {
        let config = Config { window: 7, ..Config::default() };
        let moments = [
            Moment { seconds: 0.1, words: 10, rate: 0.025, loss: Some(3.0) },
            Moment { seconds: 0.2, words: 20, rate: 0.02, loss: Some(2.0) },
        ];
        let near = Neighbourhood { word: "<i>".into(), count: 1234, neighbours: vec![("dog".into(), 0.75)] };
        let measured = Evaluation { name: "pairs".into(), score: "0.61".into(), detail: "353 pairs".into() };
        let page = Report {
            title: "A training".into(),
            facts: vec![("words".into(), "12".into())],
            config: &config,
            moments: &moments,
            counts: &[9, 4, 2, 1],
            neighbourhoods: vec![near],
            evaluations: vec![measured],
            map: None,
        }
        .page();
        for text in ["A training", "Loss of an example", "Occurrences", "&lt;i&gt;", "1,234", "0.75", "353 pairs"] {
            assert!(page.contains(text), "{text}");
        }
        assert!(page.contains("<tr class=\"changed\" title=\"The greatest distance"));
        assert_eq!(page.matches("class=\"changed\"").count(), 1);
        assert!(!page.contains("http") && !page.contains("src="));
    }

    #[test]
    fn the_curve_of_the_vocabulary_has_few_points_however_many_words_there_are() {
        for words in [0, 1, 7, 100_000] {
            let counts: Vec<u64> = (1..=words).collect();
            let points = &zipf(&counts).series[0].points;
            assert!(points.len() <= 241 && points.len() as u64 >= words.min(60), "{words}: {}", points.len());
        }
    }
}
