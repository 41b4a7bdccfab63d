//! The hyperparameters: one table, from which the command's options, what Python passes and the saved form follow.
//! Names and defaults are gensim 4's.

mod parameter;

pub use parameter::{Parameter, Range, Value};

use crate::error::{Error, Result};
use parameter::Range::{Optional, Switch, ZeroOrOne};
use parameter::{parameters, real, whole};

parameters! {
    /// Hyperparameters of training.
    ///
    /// ```
    /// use polargram::Config;
    /// use polargram::config::Value;
    ///
    /// let mut config = Config { vector_size: 200, sg: true, ..Config::default() };
    /// assert_eq!(config.window, 5);
    /// config.set("window", Value::Whole(8))?;
    /// assert_eq!(config.window, 8);
    /// assert!(Config { window: 0, ..config }.validate().is_err());
    /// # Ok::<(), polargram::Error>(())
    /// ```
    pub struct Config {
        /// Dimensions of the word vectors.
        vector_size: usize = 100, whole(1..=1 << 16);
        /// The greatest distance between a centre word and a context word, in tokens that subsampling keeps.
        window: usize = 5, whole(1..=10_000);
        /// Words that occur less often get no vector.
        min_count: u64 = 5, whole(0..=u64::MAX);
        /// Bounds the memory for counting: whenever more distinct words are held, the rarest are dropped. 0: no bound.
        max_vocab_size: Option<usize> = None, Optional;
        /// `min_count` is raised until no more words than this are left. 0: no bound.
        max_final_vocab: Option<usize> = None, Optional;
        /// Sorts the rows by descending count, rather than by first occurrence in the corpus.
        sorted_vocab: bool = true, Switch;
        /// Adds a last row for the word "\0", to pad sentences with.
        null_word: bool = false, Switch;
        /// Trains skip-gram, rather than CBOW.
        sg: bool = false, ZeroOrOne;
        /// Trains by hierarchical softmax, which predicts a word bit by bit along its path in a Huffman tree; with
        /// `negative`, by both.
        hs: bool = false, ZeroOrOne;
        /// Negative samples (noise words) for each centre word. 0: no negative sampling.
        negative: usize = 5, whole(0..=10_000);
        /// In skip-gram, draws negative samples once for all context words of neighbouring centres, rather than for
        /// each pair of words. In CBOW each centre draws its own.
        shared_negatives: bool = true, Switch;
        /// Exponent of the noise distribution: words are drawn in proportion to count^ns_exponent.
        ns_exponent: f64 = 0.75, real(f64::MIN..=f64::MAX);
        /// Threshold of subsampling: words whose share of the corpus is above it are dropped at random, more often the
        /// more frequent they are. 0 keeps all; 1 and above is a count instead of a share.
        sample: f64 = 1e-3, real(0.0..=f64::MAX);
        /// Learning rate at the start.
        alpha: f32 = 0.025, real(0.0..=f32::MAX as f64);
        /// Learning rate at the end. The rate falls linearly with the words trained.
        min_alpha: f32 = 1e-4, real(0.0..=f32::MAX as f64);
        /// Passes over the corpus.
        epochs: usize = 5, whole(1..=u32::MAX as u64);
        /// Worker threads. 0 takes all cores; with 1 the result depends on the seed and the corpus alone.
        workers: usize = 0, whole(0..=4_096);
        /// Seed of all random draws.
        seed: u64 = 1, whole(0..=u64::MAX);
        /// In CBOW, takes the mean of the context, rather than its sum.
        cbow_mean: bool = true, ZeroOrOne;
        /// Draws the width of each window uniformly from 1 to `window`.
        shrink_windows: bool = true, Switch;
        /// Tokens in the batches that workers take.
        batch_words: usize = 10_000, whole(1..=1 << 30);
        /// Takes the batches in another order in every epoch, drawn by the seed, rather than in that of the corpus.
        shuffle: bool = false, Switch;
        /// Adds up the loss, which takes time.
        compute_loss: bool = false, Switch;
    }
}

impl Config {
    /// The parameter of a name.
    ///
    /// # Errors
    /// [`Error::Parameter`] if there is none.
    pub fn parameter(name: &str) -> Result<&'static Parameter<Self>> {
        Self::PARAMETERS.iter().find(|parameter| parameter.name == name).ok_or_else(|| {
            let names: Vec<&str> = Self::PARAMETERS.iter().map(|parameter| parameter.name).collect();
            Error::parameter("parameters", format!("there is no {name:?}; there are {}", names.join(", ")))
        })
    }

    /// The value of a parameter.
    ///
    /// # Errors
    /// [`Error::Parameter`] if there is no such parameter.
    pub fn get(&self, name: &str) -> Result<Value> {
        Ok(Self::parameter(name)?.get(self))
    }

    /// Sets the value of a parameter.
    ///
    /// # Errors
    /// [`Error::Parameter`] if there is no such parameter, or the value is out of its range or of another type.
    pub fn set(&mut self, name: &str, value: Value) -> Result<()> {
        Self::parameter(name)?.set(self, value)
    }

    /// Checks that every parameter is in its range, and that they go together.
    ///
    /// # Errors
    /// [`Error::Parameter`] with the first parameter that is not.
    pub fn validate(&self) -> Result<()> {
        Self::PARAMETERS.iter().try_for_each(|parameter| parameter.check(parameter.get(self)))?;
        if self.negative == 0 && !self.hs {
            let reason = "must be at least 1 unless hs is 1: otherwise nothing is trained";
            return Err(Error::parameter("negative", reason));
        }
        Ok(())
    }

    /// Worker threads, with 0 resolved to the cores of this machine.
    pub fn worker_threads(&self) -> usize {
        match self.workers {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            n => n,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_defaults_are_valid_and_so_is_hierarchical_softmax_alone() {
        Config::default().validate().unwrap();
        Config { hs: true, negative: 0, ..Config::default() }.validate().unwrap();
    }

    #[test]
    fn each_parameter_out_of_range_is_named() {
        let d = Config::default;
        for (name, config) in [
            ("vector_size", Config { vector_size: 0, ..d() }),
            ("window", Config { window: 0, ..d() }),
            ("max_vocab_size", Config { max_vocab_size: Some(0), ..d() }),
            ("negative", Config { negative: 0, ..d() }),
            ("batch_words", Config { batch_words: 0, ..d() }),
            ("epochs", Config { epochs: 0, ..d() }),
            ("sample", Config { sample: f64::NAN, ..d() }),
            ("alpha", Config { alpha: -1.0, ..d() }),
            ("min_alpha", Config { min_alpha: f32::INFINITY, ..d() }),
            ("ns_exponent", Config { ns_exponent: f64::NAN, ..d() }),
        ] {
            assert!(config.validate().unwrap_err().to_string().starts_with(name), "{name}");
        }
    }

    #[test]
    fn a_refusal_tells_what_is_allowed() {
        let refused = |name, value| Config::default().set(name, value).unwrap_err().to_string();
        for (name, value, message) in [
            ("window", Value::Whole(0), "window: must be a whole number between 1 and 10000, got 0"),
            ("window", Value::Real(2.5), "window: must be a whole number between 1 and 10000, got 2.5"),
            ("sample", Value::Real(-0.5), "sample: must be a finite number of at least 0, got -0.5"),
            ("alpha", Value::Real(1e39), "alpha: must be a finite number of at least 0, got 1e39"),
            ("ns_exponent", Value::Real(f64::NAN), "ns_exponent: must be a finite number, got NaN"),
            ("sg", Value::Whole(2), "sg: must be 0 or 1, got 2"),
            ("shuffle", Value::None, "shuffle: must be true or false, got none"),
            (
                "max_final_vocab",
                Value::Switch(true),
                "max_final_vocab: must be a whole number of at least 1, or none, got true",
            ),
        ] {
            assert_eq!(refused(name, value), message);
        }
    }

    #[test]
    fn an_unknown_name_is_refused_with_those_that_there_are() {
        let error = Config::default().set("vectorsize", Value::Whole(5)).unwrap_err().to_string();
        assert!(error.contains("\"vectorsize\"") && error.contains("vector_size, window"), "{error}");
        assert!(Config::default().get("").is_err());
    }

    #[test]
    fn values_are_taken_as_users_write_them() {
        let mut config = Config { max_vocab_size: Some(9), ..Config::default() };
        for (name, value) in [("sg", Value::Whole(1)), ("max_vocab_size", Value::Whole(0)), ("sample", Value::Whole(0))]
        {
            config.set(name, value).unwrap();
        }
        assert_eq!(config, Config { sg: true, sample: 0.0, ..Config::default() });
    }

    #[test]
    fn a_meaning_is_one_paragraph_without_the_marks_of_a_comment() {
        for Parameter { name, meaning, .. } in Config::PARAMETERS {
            assert!(
                meaning.ends_with('.') && !meaning.contains("  ") && meaning.trim() == *meaning,
                "{name}: {meaning}"
            );
        }
    }

    #[test]
    fn the_saved_form_is_that_of_older_versions() {
        let json = r#"{"vector_size":100,"window":5,"min_count":5,"max_vocab_size":null,"max_final_vocab":null,"sorted_vocab":true,"null_word":false,"sg":false,"hs":false,"negative":5,"shared_negatives":true,"ns_exponent":0.75,"sample":0.001,"alpha":0.025,"min_alpha":0.0001,"epochs":5,"workers":0,"seed":1,"cbow_mean":true,"shrink_windows":true,"batch_words":10000,"shuffle":false,"compute_loss":false}"#;
        let object = |json: &str| serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(json).unwrap();
        let now = object(&serde_json::to_string(&Config::default()).unwrap());
        for (name, value) in object(json) {
            assert_eq!(now.get(&name), Some(&value), "{name}");
        }
        assert_eq!(serde_json::from_str::<Config>(json).unwrap(), Config::default());
        let shorter = r#"{"window":7,"from_the_future":[1,{"a":2}]}"#;
        assert_eq!(serde_json::from_str::<Config>(shorter).unwrap(), Config { window: 7, ..Config::default() });
    }

    #[test]
    fn an_unsound_saved_value_is_refused_by_name() {
        for value in
            ["window\":0", "window\":-1", "window\":1.5", "window\":null", "sample\":\"x\"", "sg\":1", "alpha\":1e300"]
        {
            let name = value.split('"').next().unwrap();
            let error = serde_json::from_str::<Config>(&format!("{{\"{value}}}")).unwrap_err().to_string();
            assert!(error.starts_with(name), "{value}: {error}");
        }
        assert!(serde_json::from_str::<Config>("[]").is_err());
    }

    fn any_value(range: Range) -> BoxedStrategy<Value> {
        match range {
            Range::Whole { least, most } => (least..=most).prop_map(Value::Whole).boxed(),
            Range::Real { least, most } => (any::<f64>(), 0.0..1.0f64)
                .prop_map(move |(number, share)| {
                    let low = least.max(-1e3);
                    let is_in_range = (least..=most).contains(&number);
                    Value::Real(if is_in_range { number } else { low + share * (most.min(1e3) - low) })
                })
                .boxed(),
            Range::Optional => prop_oneof![Just(Value::None), (1..=u64::MAX).prop_map(Value::Whole)].boxed(),
            Range::Switch | Range::ZeroOrOne => any::<bool>().prop_map(Value::Switch).boxed(),
        }
    }

    fn any_config() -> impl Strategy<Value = Config> {
        let values: Vec<_> = Config::PARAMETERS.iter().map(|parameter| any_value(parameter.range)).collect();
        values.prop_map(|values| {
            let mut config = Config::default();
            for (parameter, value) in Config::PARAMETERS.iter().zip(values) {
                parameter.set(&mut config, value).unwrap();
            }
            config
        })
    }

    proptest! {
        #[test]
        fn any_configuration_comes_back_from_json_to_the_last_bit(config in any_config()) {
            let json = serde_json::to_string(&config).unwrap();
            prop_assert_eq!(serde_json::from_str::<Config>(&json).unwrap(), config);
        }

        #[test]
        fn what_is_got_can_be_set_and_what_is_written_can_be_parsed(config in any_config()) {
            let mut other = Config::default();
            for parameter in Config::PARAMETERS {
                let value = config.get(parameter.name).unwrap();
                other.set(parameter.name, value).unwrap();
                if value != Value::None {
                    prop_assert_eq!(parameter.range.parse(&parameter.range.text(value)).unwrap(), value);
                }
            }
            prop_assert_eq!(other, config);
        }
    }
}
