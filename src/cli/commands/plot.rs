//! `polargram plot`.

use std::path::Path;

use clap::{ArgGroup, Args};
use serde::Deserialize;

use crate::cli::args::{StorageArgs, load_vectors};
use crate::cli::display::on_interrupt;
use crate::cli::exit::{Failure, OnOutput};
use crate::cli::settings::is_standard_stream;
use crate::cli::streams::{ensure_can_be_written, input, write_text};
use crate::error::{Error, Result};
use crate::formats::file_bytes;
use crate::models::Moment;
use crate::plot::{WordMap, training_page, training_picture};
use crate::progress::Progress;
use crate::vectors::{KeyedVectors, SearchOptions};

/// Draw a map of words, or the curve of a training, as SVG or as a page for a browser.
///
/// The map shows the plane in which the words differ most (principal components). Its page has a search, and tells more of a
/// word that is pointed at. The curve is that of the loss, if --compute-loss was given to `train`, and of the learning rate.
#[derive(Args)]
#[command(group = ArgGroup::new("what").required(true).args(["vectors", "metrics"]))]
pub(in crate::cli) struct Plot {
    /// Draw a map of these vectors: a file, its URL, or a directory with vectors.arrow.
    #[arg(long, value_name = "FILE")]
    vectors: Option<String>,
    /// Draw the curve of the training that has written this file, by `train --metrics`.
    #[arg(long, value_name = "FILE")]
    metrics: Option<String>,
    /// The file or URL to write: .svg or .html. - is standard output, which gets SVG.
    #[arg(long, short, value_name = "FILE")]
    output: String,
    /// Show so many of the first words, which are the most frequent ones.
    #[arg(long, value_name = "N", default_value_t = 200)]
    top: usize,
    /// Show these words, and no others.
    #[arg(long, value_name = "WORD", num_args = 1.., allow_negative_numbers = true)]
    words: Vec<String>,
    /// Show so many neighbours of each of --words, too.
    #[arg(long, value_name = "N", default_value_t = 0)]
    neighbours: usize,
    /// How a plane is found for the words: pca. Python's KeyedVectors.plot knows tsne and umap, too.
    #[arg(long, value_parser = method, default_value = "pca")]
    method: Method,
    /// What stands above it.
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
    /// The width of an SVG map in pixels. Text has the same size in every map.
    #[arg(long, value_name = "N", default_value_t = 960, value_parser = clap::value_parser!(u32).range(SIZES))]
    width: u32,
    /// The height of an SVG map in pixels.
    #[arg(long, value_name = "N", default_value_t = 680, value_parser = clap::value_parser!(u32).range(SIZES))]
    height: u32,
    #[command(flatten)]
    storage: StorageArgs,
}

/// How words are put into a plane.
#[derive(Debug, Clone, Copy)]
enum Method {
    /// By principal components.
    Pca,
}

fn method(text: &str) -> Result<Method, String> {
    match text {
        "pca" => Ok(Method::Pca),
        "tsne" | "umap" => Err(format!(
            "the command draws principal components alone, pca; in Python, \
             polargram.KeyedVectors.load(FILE).plot(method=\"{text}\", output=\"map.html\") does it"
        )),
        _ => Err("it is neither pca, nor tsne or umap, which Python's KeyedVectors.plot draws".to_owned()),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Picture {
    Svg,
    Page,
}

impl Plot {
    pub(in crate::cli) fn run(&self) -> Result<(), Failure> {
        let progress = Progress::default();
        on_interrupt(&progress);
        let picture = self.picture().on_output()?;
        ensure_can_be_written(&self.output)?;
        let text = match (&self.vectors, &self.metrics) {
            (Some(path), _) => self.map(path, picture, &progress)?,
            (None, path) => self.training(path.as_deref().unwrap_or_default(), picture, &progress)?,
        };
        write_text(&self.output, &text, self.storage.options(), &progress).on_output()
    }

    fn picture(&self) -> Result<Picture> {
        let ending = Path::new(&self.output).extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        match ending.to_ascii_lowercase().as_str() {
            _ if is_standard_stream(&self.output) => Ok(Picture::Svg),
            "svg" => Ok(Picture::Svg),
            "html" | "htm" => Ok(Picture::Page),
            _ => {
                let reason = "is neither .svg nor .html; a browser or rsvg-convert makes other pictures of SVG";
                Err(Error::format(Path::new(&self.output), reason))
            }
        }
    }

    fn map(&self, path: &str, picture: Picture, progress: &Progress) -> Result<String> {
        let vectors = load_vectors(path, self.storage.options(), progress)?;
        let rows = self.rows(&vectors, progress)?;
        let title = self.title.clone().unwrap_or_else(|| format!("Words of {}", short_name(path)));
        let map = match self.method {
            Method::Pca => WordMap::of(&vectors, &rows, &title, progress)?,
        };
        Ok(match picture {
            Picture::Svg => map.svg_of_size(self.width.into(), self.height.into()),
            Picture::Page => map.page(),
        })
    }

    /// The rows of the words that are shown, each once.
    fn rows(&self, vectors: &KeyedVectors, progress: &Progress) -> Result<Vec<usize>> {
        if self.words.is_empty() {
            return Ok((0..self.top.min(vectors.len())).collect());
        }
        let row = |word: &String| vectors.id(vectors.keys().parse(word)).map(|id| id as usize);
        let mut rows = self.words.iter().map(row).collect::<Result<Vec<_>>>()?;
        if self.neighbours > 0 {
            let queries: Vec<f32> = rows.iter().flat_map(|&row| vectors.rows().row(row).iter().copied()).collect();
            let excluded: Vec<Vec<usize>> = rows.iter().map(|&row| vec![row]).collect();
            let options = SearchOptions { topn: self.neighbours, rows: 0..vectors.len(), excluded: &excluded };
            let found = vectors.search(&queries, &options, progress)?;
            rows.extend(found.into_iter().flatten().map(|(row, _)| row));
        }
        let mut seen = std::collections::HashSet::new();
        rows.retain(|row| seen.insert(*row));
        Ok(rows)
    }

    fn training(&self, path: &str, picture: Picture, progress: &Progress) -> Result<String> {
        /// What is needed of the metrics.
        #[derive(Deserialize)]
        struct Metrics {
            history: Vec<Moment>,
        }
        let text = file_bytes(&input(path, self.storage.options()), progress)?;
        let metrics: Metrics = serde_json::from_slice(&text).map_err(|error| {
            Error::format(Path::new(path), format!("is not a file that train --metrics has written: {error}"))
        })?;
        let title = self.title.as_deref().unwrap_or("Training");
        Ok(match picture {
            Picture::Svg => training_picture(title, &metrics.history),
            Picture::Page => training_page(title, &metrics.history),
        })
    }
}

/// In a smaller map no label has room, and a larger one no program shows.
const SIZES: std::ops::RangeInclusive<i64> = 200..=10_000;

fn short_name(path: &str) -> &str {
    path.trim_end_matches('/').rsplit('/').next().unwrap_or(path)
}
