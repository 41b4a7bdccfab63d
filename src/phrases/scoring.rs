//! How likely it is that two words that stand side by side are a phrase.

use std::fmt;
use std::sync::Arc;
use std::thread;

use polars::prelude::*;
use polars::sql::sql_expr;

use crate::error::{Error, Result, one_line};
use crate::process::catch_panic;

/// How often the words of a candidate occur.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Candidate {
    /// Occurrences of the first word.
    pub count_a: u64,
    /// Occurrences of the last word.
    pub count_b: u64,
    /// Occurrences of both together, with what stands between them.
    pub count_ab: u64,
}

/// What is known of the corpus that a candidate is from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CorpusCounts {
    /// Distinct words and pairs of words.
    pub len_vocab: u64,
    /// The parameter of this name.
    pub min_count: f64,
    /// Words of the corpus.
    pub corpus_word_count: u64,
}

/// A scoring function of the caller's own.
pub trait Scorer: Send + Sync {
    /// The score of each candidate.
    ///
    /// # Errors
    /// Whatever the function fails with.
    fn scores(&self, candidates: &[Candidate], corpus: &CorpusCounts) -> Result<Vec<f64>>;
}

/// How phrases are scored. A pair of words is a phrase if its score is above the threshold.
#[derive(Clone)]
pub enum Scoring {
    /// `(count_ab - min_count) / (count_a · count_b) · len_vocab` (Mikolov et al. 2013).
    Default,
    /// Normalised pointwise mutual information, from -1 to 1 (Bouma 2009); −∞ below `min_count`.
    Npmi,
    /// A Polars expression over the columns `count_a`, `count_b`, `count_ab`, `len_vocab`, `min_count` and
    /// `corpus_word_count`, as its SQL.
    Sql(String, Box<Expr>),
    /// Any function.
    Custom(Arc<dyn Scorer>),
    /// A function that a saved model did not keep. Its scores are known, and no others.
    Forgotten,
}

impl fmt::Debug for Scoring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The most candidates that are scored at a time.
pub(super) const CHUNK: usize = 1 << 16;

/// Bytes of SQL, and its words and operators. It may come from a file: a chain of operators is as deep as it is long, and
/// Polars would fill the stack.
const LONGEST_SQL: usize = 1000;
const MOST_SQL_WORDS: usize = 100;

/// At least the number of words and operators in SQL.
fn words_and_operators(sql: &str) -> usize {
    let is_of_word = |letter: char| letter.is_alphanumeric() || letter == '_';
    let words = sql.split(|letter| !is_of_word(letter)).filter(|word| !word.is_empty()).count();
    let is_operator = |letter: &char| !is_of_word(*letter) && !letter.is_whitespace() && !"(),.".contains(*letter);
    words + sql.chars().filter(is_operator).count()
}

/// Bytes of stack on which Polars reads and plans SQL: it takes tens of thousands for each operator in a chain.
const STACK: usize = 64 << 20;

/// Runs what needs much stack. Returns `None` if it panics, or there is no thread for it.
fn deeply<T: Send>(work: impl FnOnce() -> T + Send) -> Option<T> {
    thread::scope(|scope| {
        let worker = thread::Builder::new().stack_size(STACK).spawn_scoped(scope, || catch_panic(work));
        worker.ok()?.join().ok().flatten()
    })
}

/// What SQL may call. Files hold SQL too, so that nothing is here whose result may be large.
const FUNCTIONS: [&str; 34] = [
    "abs",
    "negate",
    "sign",
    "round",
    "floor",
    "ceil",
    "truncate",
    "sqrt",
    "cbrt",
    "pow",
    "exp",
    "log",
    "log1p",
    "sin",
    "cos",
    "tan",
    "cot",
    "arcsin",
    "arccos",
    "arctan",
    "arctan2",
    "degrees",
    "radians",
    "coalesce",
    "fill_null",
    "max_horizontal",
    "min_horizontal",
    "is_null",
    "is_not_null",
    "is_nan",
    "is_not_nan",
    "is_between",
    "is_finite",
    "not",
];

/// True of an expression that makes a number, or a truth, of each row by itself.
fn is_arithmetic(expression: &Expr) -> bool {
    expression.into_iter().all(|node| match node {
        Expr::Column(_) | Expr::Literal(_) | Expr::Alias(..) | Expr::Cast { .. } => true,
        Expr::BinaryExpr { .. } | Expr::Ternary { .. } => true,
        Expr::Function { function, .. } => FUNCTIONS.contains(&function.to_string().as_str()),
        _ => false,
    })
}

impl Scoring {
    /// `default`, `npmi`, or an SQL expression of Polars.
    ///
    /// # Errors
    /// [`Error::Parameter`] for text that is none of these.
    pub fn parse(text: &str) -> Result<Self> {
        match text {
            "default" => return Ok(Self::Default),
            "npmi" => return Ok(Self::Npmi),
            _ => {}
        }
        let refused = |reason: &str| {
            let expected = "expected default, npmi, or SQL over count_a, count_b, count_ab, len_vocab, min_count and \
                            corpus_word_count";
            let start: String = text.chars().take(200).collect();
            Error::parameter("scoring", format!("unknown scoring method {start:?}: {reason}; {expected}"))
        };
        if text.len() > LONGEST_SQL || words_and_operators(text) > MOST_SQL_WORDS {
            let most = format!("it is longer than {LONGEST_SQL} bytes or {MOST_SQL_WORDS} words and operators");
            return Err(refused(&most));
        }
        let expression = deeply(|| sql_expr(text)).ok_or_else(|| refused("Polars cannot read it"))?;
        let expression = expression.map_err(|error| refused(&one_line(&error)))?;
        if !is_arithmetic(&expression) {
            return Err(refused("it is not arithmetic row by row"));
        }
        let scoring = Self::Sql(text.to_owned(), Box::new(expression));
        let (candidate, corpus) = (
            Candidate { count_a: 2, count_b: 2, count_ab: 1 },
            CorpusCounts { len_vocab: 3, min_count: 1.0, corpus_word_count: 4 },
        );
        scoring.scores(&[candidate, candidate], &corpus).map_err(|error| refused(&error.to_string()))?;
        Ok(scoring)
    }

    /// Its name, or its SQL.
    pub fn name(&self) -> &str {
        match self {
            Self::Default => "default",
            Self::Npmi => "npmi",
            Self::Sql(sql, _) => sql,
            Self::Custom(_) => "custom",
            Self::Forgotten => "forgotten",
        }
    }

    /// The score of each candidate, at most [`CHUNK`] of them.
    ///
    /// # Errors
    /// What a function or an expression fails with, or that it is not there.
    pub(super) fn scores(&self, candidates: &[Candidate], corpus: &CorpusCounts) -> Result<Vec<f64>> {
        match self {
            Self::Default => Ok(candidates.iter().map(|candidate| original(candidate, corpus)).collect()),
            Self::Npmi => Ok(candidates.iter().map(|candidate| npmi(candidate, corpus)).collect()),
            Self::Sql(sql, expression) => sql_scores(sql, expression, candidates, corpus),
            Self::Custom(scorer) => {
                let scores = scorer.scores(candidates, corpus)?;
                match scores.len() == candidates.len() {
                    true => Ok(scores),
                    false => Err(wrong_length(scores.len(), candidates.len())),
                }
            }
            Self::Forgotten => Err(Error::parameter(
                "scoring",
                "the model was saved with a function of its own, which files do not hold; pass it again to load(path, \
                 scoring=…)",
            )),
        }
    }
}

/// gensim's `original_scorer`, to the bit: whole numbers are exact until they are divided.
fn original(candidate: &Candidate, corpus: &CorpusCounts) -> f64 {
    let both = u128::from(candidate.count_a) * u128::from(candidate.count_b);
    match both {
        0 => f64::NEG_INFINITY,
        _ => (candidate.count_ab as f64 - corpus.min_count) / both as f64 * corpus.len_vocab as f64,
    }
}

/// gensim's `npmi_scorer`.
fn npmi(candidate: &Candidate, corpus: &CorpusCounts) -> f64 {
    if (candidate.count_ab as f64) < corpus.min_count {
        return f64::NEG_INFINITY;
    }
    let share = |count: u64| count as f64 / corpus.corpus_word_count as f64;
    let (a, b, ab) = (share(candidate.count_a), share(candidate.count_b), share(candidate.count_ab));
    let score = (ab / (a * b)).ln() / -ab.ln();
    // Counts of 0 are never a phrase.
    if score.is_nan() || a * b == 0.0 || ab == 0.0 { f64::NEG_INFINITY } else { score }
}

fn sql_scores(sql: &str, expression: &Expr, candidates: &[Candidate], corpus: &CorpusCounts) -> Result<Vec<f64>> {
    let column =
        |of: fn(&Candidate) -> u64| candidates.iter().map(|candidate| of(candidate) as f64).collect::<Vec<_>>();
    let constant = |value: f64| vec![value; candidates.len()];
    let frame = df!(
        "count_a" => column(|candidate| candidate.count_a),
        "count_b" => column(|candidate| candidate.count_b),
        "count_ab" => column(|candidate| candidate.count_ab),
        "len_vocab" => constant(corpus.len_vocab as f64),
        "min_count" => constant(corpus.min_count),
        "corpus_word_count" => constant(corpus.corpus_word_count as f64),
    )?;
    let score = expression.clone().cast(DataType::Float64).alias("score");
    let scores = deeply(|| frame.lazy().select([score]).collect())
        .ok_or_else(|| Error::parameter("scoring", format!("{sql:?} cannot be computed")))?;
    let scores = scores
        .map_err(|error| Error::parameter("scoring", format!("{sql:?} cannot be computed: {}", one_line(&error))))?;
    let scores = scores.column("score")?.f64()?;
    match scores.len() == candidates.len() {
        // What is null is not a phrase.
        true => Ok(scores.iter().map(|score| score.unwrap_or(f64::NEG_INFINITY)).collect()),
        false => Err(wrong_length(scores.len(), candidates.len())),
    }
}

fn wrong_length(scores: usize, candidates: usize) -> Error {
    Error::parameter("scoring", format!("gave {scores} scores for {candidates} candidates; expected one for each"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CORPUS: CorpusCounts = CorpusCounts { len_vocab: 1000, min_count: 5.0, corpus_word_count: 10_000 };

    fn score(scoring: &Scoring, count_a: u64, count_b: u64, count_ab: u64) -> f64 {
        scoring.scores(&[Candidate { count_a, count_b, count_ab }], &CORPUS).unwrap()[0]
    }

    #[test]
    fn scores_are_those_of_the_papers() {
        assert_eq!(score(&Scoring::Default, 20, 10, 8), 3.0 / 200.0 * 1000.0);
        assert_eq!(score(&Scoring::Default, 0, 10, 8), f64::NEG_INFINITY);
        let expected = (0.0008f64 / (0.002 * 0.001)).ln() / -(0.0008f64).ln();
        assert!((score(&Scoring::Npmi, 20, 10, 8) - expected).abs() < 1e-12);
        assert_eq!(score(&Scoring::Npmi, 20, 10, 4), f64::NEG_INFINITY);
        assert_eq!(score(&Scoring::Npmi, 0, 10, 8), f64::NEG_INFINITY);
    }

    #[test]
    fn an_sql_expression_is_a_scorer() {
        let scoring = Scoring::parse("(count_ab - min_count) / (count_a * count_b) * len_vocab").unwrap();
        assert_eq!(score(&scoring, 20, 10, 8), score(&Scoring::Default, 20, 10, 8));
        let scoring = Scoring::parse("CASE WHEN count_ab > 7 THEN 1 END").unwrap();
        assert_eq!((score(&scoring, 20, 10, 8), score(&scoring, 20, 10, 7)), (1.0, f64::NEG_INFINITY));
    }

    #[test]
    fn sql_has_the_functions_of_arithmetic() {
        let text = "CASE WHEN count_ab BETWEEN 7 AND 9 THEN -LN(SQRT(POW(count_ab, 2)) / GREATEST(count_a, count_b)) \
                    + ABS(FLOOR(LOG10(COALESCE(corpus_word_count, 1)))) - ROUND(EXP(min_count - 5)) END";
        let scoring = Scoring::parse(text).unwrap();
        assert!((score(&scoring, 20, 10, 8) - (-(8.0f64 / 20.0).ln() + 4.0 - 1.0)).abs() < 1e-12);
        // As deep as it may be.
        let deep = format!("count_ab{}", "+1".repeat((MOST_SQL_WORDS - 1) / 2));
        assert_eq!(score(&Scoring::parse(&deep).unwrap(), 1, 1, 4), 53.0);
    }

    #[test]
    fn what_is_no_scoring_is_refused() {
        for text in
            ["", "npmi2", "count_ab +", "count_c", "MAX(count_ab)", "'x'", "count_ab OVER (PARTITION BY count_a)"]
        {
            let error = Scoring::parse(text).unwrap_err().to_string();
            assert!(error.starts_with("scoring: unknown scoring method"), "{text}: {error}");
        }
        for text in ["LENGTH(LPAD('x', 99999999999, 'y'))", "RANDOM()", "(SELECT 1)", &"(".repeat(900)] {
            assert!(Scoring::parse(text).is_err(), "{text}");
        }
        for long in [format!("1{}", "+1".repeat(50)), format!("1{}", " ".repeat(LONGEST_SQL))] {
            assert!(Scoring::parse(&long).unwrap_err().to_string().contains("longer than 1000 bytes or 100 words"));
        }
        assert!(Scoring::Forgotten.scores(&[], &CORPUS).unwrap_err().to_string().contains("load(path, scoring=…)"));
    }
}
