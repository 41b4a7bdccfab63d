//! How the words of the world become sentences.
//!
//! A sentence has a topic, which is an entity or none, and one or two clauses about it. Each slot of a clause draws a form
//! or an own word of the entity, or a word of a class.

use rand_core::Rng;

use super::clauses::{CLOSERS, FAMILIES, Family, JOINTS, OPENERS, SCENES};
use super::world::{CLASSES, Row};

/// Of a hundred sentences, the number that are about no entity.
const SCENES_PER_HUNDRED: u64 = 10;

/// Words in the longest sentence.
pub(super) const LONGEST_SENTENCE: usize = 25;

/// Flattens the frequencies of a class: its words have the weights 1/3, 1/4, 1/5, …
const CLASS_FLATTENING: u64 = 3;

/// A random integer below `bound` (Lemire's multiply-shift; its bias is below 2^-28 for the bounds in use).
fn below(rng: &mut impl Rng, bound: u64) -> u64 {
    ((u128::from(rng.next_u64()) * u128::from(bound)) >> 64) as u64
}

fn pick<'a, T>(rng: &mut impl Rng, items: &'a [T]) -> &'a T {
    &items[below(rng, items.len() as u64) as usize]
}

/// Draws an index by weight.
struct Weighted {
    cumulative: Vec<u64>,
}

impl Weighted {
    fn new(weights: impl Iterator<Item = u64>) -> Self {
        let total = |sum: &mut u64, weight| {
            *sum += weight;
            Some(*sum)
        };
        Self { cumulative: weights.scan(0, total).collect() }
    }

    /// Gives the ranks 0, 1, … the weights 1 / (rank + flattening), as integers, so that all platforms draw the same.
    fn zipf(len: usize, flattening: u64) -> Self {
        Self::new((0..len as u64).map(|rank| (1 << 32) / (rank + flattening)))
    }

    fn draw(&self, rng: &mut impl Rng) -> usize {
        let total = self.cumulative.last().copied().unwrap_or(0);
        let point = below(rng, total);
        self.cumulative.partition_point(|&sum| sum <= point)
    }
}

enum Piece {
    Word(&'static str),
    Form(usize),
    Own,
    Class(usize),
}

type Template = Vec<Piece>;

/// Panics on a slot that names neither a role nor a class. The table of clauses is wrong then, and every test fails.
fn parse(text: &'static str, roles: &[&str]) -> Template {
    text.split(' ').map(|token| parse_token(token, roles)).collect()
}

fn parse_token(token: &'static str, roles: &[&str]) -> Piece {
    let Some(slot) = token.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) else {
        return Piece::Word(token);
    };
    if slot == "own" {
        return Piece::Own;
    }
    if let Some(role) = roles.iter().position(|&role| role == slot) {
        return Piece::Form(role);
    }
    // Never fails: the templates are ours, and the tests parse all of them.
    let class = CLASSES.iter().position(|&(class, _)| class == slot);
    Piece::Class(class.unwrap_or_else(|| panic!("no role or class has the name {slot:?}")))
}

fn parse_all(texts: &[&'static str], roles: &[&str]) -> Vec<Template> {
    texts.iter().map(|text| parse(text, roles)).collect()
}

struct Entity {
    forms: Vec<&'static str>,
    own: Vec<&'static str>,
}

impl Entity {
    fn new(&(forms, own): &Row) -> Self {
        Self { forms: forms.split(' ').collect(), own: own.split(' ').collect() }
    }
}

struct ParsedFamily {
    entities: Vec<Entity>,
    frequencies: Weighted,
    clauses: Vec<Vec<Template>>,
}

impl ParsedFamily {
    fn new(family: &Family) -> Self {
        let rows = family.rows;
        Self {
            entities: rows.iter().map(Entity::new).collect(),
            // Flattened by a third of the number of rows, the first row is four times as frequent as the last: uneven,
            // as in any corpus, and still enough of each row to learn from.
            frequencies: Weighted::zipf(rows.len(), 1 + rows.len() as u64 / 3),
            clauses: family.clauses.iter().map(|clauses| parse_all(clauses, family.roles)).collect(),
        }
    }
}

struct Class {
    words: Vec<&'static str>,
    frequencies: Weighted,
}

impl Class {
    fn new(words: &'static str) -> Self {
        let words: Vec<_> = words.split(' ').collect();
        Self { frequencies: Weighted::zipf(words.len(), CLASS_FLATTENING), words }
    }
}

/// The topic of a sentence.
enum Topic<'a> {
    Entity(&'a ParsedFamily, &'a Entity),
    Scene,
}

/// All templates, parsed.
pub(super) struct Grammar {
    families: Vec<ParsedFamily>,
    family_frequencies: Weighted,
    classes: Vec<Class>,
    scenes: Vec<Template>,
    openers: Vec<Template>,
    closers: Vec<Template>,
    joints: Vec<Template>,
}

impl Grammar {
    pub(super) fn new() -> Self {
        Self {
            families: FAMILIES.iter().map(ParsedFamily::new).collect(),
            // The frequency of a family is proportional to the number of its forms, so that forms have similar frequencies
            // in all families.
            family_frequencies: Weighted::new(FAMILIES.iter().map(|f| (f.clauses.len() * f.rows.len()) as u64)),
            classes: CLASSES.iter().map(|&(_, words)| Class::new(words)).collect(),
            scenes: parse_all(SCENES, &[]),
            openers: parse_all(OPENERS, &[]),
            closers: parse_all(CLOSERS, &[]),
            joints: parse_all(JOINTS, &[]),
        }
    }

    /// A sentence of 6 to 25 words.
    pub(super) fn sentence(&self, rng: &mut impl Rng) -> Vec<&'static str> {
        let mut sentence = Vec::with_capacity(LONGEST_SENTENCE);
        self.speak(&mut sentence, rng);
        correct_articles(&mut sentence);
        sentence
    }

    /// Says two clauses about one topic, or one clause with or without an opener and a closer.
    fn speak(&self, sentence: &mut Vec<&'static str>, rng: &mut impl Rng) {
        let topic = self.topic(rng);
        if below(rng, 3) > 0 {
            self.clause(&topic, sentence, rng);
            self.say(pick(rng, &self.joints), None, sentence, rng);
            self.clause(&topic, sentence, rng);
            return;
        }
        if below(rng, 2) == 0 {
            self.say(pick(rng, &self.openers), None, sentence, rng);
        }
        self.clause(&topic, sentence, rng);
        if below(rng, 2) == 0 {
            self.say(pick(rng, &self.closers), None, sentence, rng);
        }
    }

    fn topic(&self, rng: &mut impl Rng) -> Topic<'_> {
        if below(rng, 100) < SCENES_PER_HUNDRED {
            return Topic::Scene;
        }
        let family = &self.families[self.family_frequencies.draw(rng)];
        Topic::Entity(family, &family.entities[family.frequencies.draw(rng)])
    }

    fn clause(&self, topic: &Topic, sentence: &mut Vec<&'static str>, rng: &mut impl Rng) {
        match topic {
            Topic::Scene => self.say(pick(rng, &self.scenes), None, sentence, rng),
            Topic::Entity(family, entity) => {
                let role = pick(rng, &family.clauses);
                self.say(pick(rng, role), Some(entity), sentence, rng);
            }
        }
    }

    /// Appends the words of a template, with words in its slots.
    fn say(&self, template: &Template, entity: Option<&Entity>, sentence: &mut Vec<&'static str>, rng: &mut impl Rng) {
        for piece in template {
            let word = match (piece, entity) {
                (Piece::Word(word), _) => word,
                (&Piece::Form(role), Some(entity)) => entity.forms[role],
                (Piece::Own, Some(entity)) => unsaid(sentence, || *pick(rng, &entity.own)),
                (&Piece::Class(class), _) => {
                    let class = &self.classes[class];
                    unsaid(sentence, || class.words[class.frequencies.draw(rng)])
                }
                (Piece::Form(_) | Piece::Own, None) => unreachable!("a scene has no slot for an entity"),
            };
            sentence.push(word);
        }
    }
}

/// Draws again, a few times, if the sentence has the word already: "rain and rain" reads badly.
fn unsaid(sentence: &[&'static str], mut draw: impl FnMut() -> &'static str) -> &'static str {
    const ATTEMPTS: usize = 4;
    let mut word = draw();
    for _ in 1..ATTEMPTS {
        if !sentence.contains(&word) {
            break;
        }
        word = draw();
    }
    word
}

/// Turns "a" into "an" before a vowel sound.
fn correct_articles(sentence: &mut [&'static str]) {
    for i in 1..sentence.len() {
        if sentence[i - 1] == "a" && begins_with_vowel_sound(sentence[i]) {
            sentence[i - 1] = "an";
        }
    }
}

fn begins_with_vowel_sound(word: &str) -> bool {
    let begins_with = |beginnings: &[&str]| beginnings.iter().any(|&beginning| word.starts_with(beginning));
    begins_with(&["a", "e", "i", "o", "u", "heir", "hour"]) && !begins_with(&["eu", "one", "uni", "us"])
}

#[cfg(test)]
mod tests {
    use rand_core::SeedableRng;
    use rand_xoshiro::Xoshiro256PlusPlus;

    use super::*;

    #[test]
    fn no_template_can_make_a_sentence_shorter_than_6_or_longer_than_25_words() {
        let grammar = Grammar::new();
        let lengths = |templates: &[Template]| {
            let lengths: Vec<_> = templates.iter().map(Vec::len).collect();
            (lengths.iter().copied().min().unwrap(), lengths.iter().copied().max().unwrap())
        };
        let about_entities = grammar.families.iter().flat_map(|family| &family.clauses);
        let (openers, closers, joints) =
            (lengths(&grammar.openers).1, lengths(&grammar.closers).1, lengths(&grammar.joints).1);
        for clauses in about_entities.chain([&grammar.scenes]) {
            let (shortest, longest) = lengths(clauses);
            assert!(shortest >= 6);
            assert!(longest + joints + longest <= LONGEST_SENTENCE);
            assert!(openers + longest + closers <= LONGEST_SENTENCE);
        }
    }

    #[test]
    fn a_bounded_draw_stays_below_its_bound_and_reaches_every_value() {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(3);
        let mut seen = [0; 7];
        for _ in 0..7_000 {
            seen[below(&mut rng, 7) as usize] += 1;
        }
        assert!(seen.iter().all(|&count| (850..1150).contains(&count)), "{seen:?}");
    }

    #[test]
    fn a_weighted_draw_follows_its_weights_and_never_draws_a_weight_of_zero() {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(3);
        let weighted = Weighted::new([1, 0, 3].into_iter());
        let mut seen = [0; 3];
        for _ in 0..4_000 {
            seen[weighted.draw(&mut rng)] += 1;
        }
        assert_eq!(seen[1], 0);
        assert!((900..1100).contains(&seen[0]), "{seen:?}");
    }

    #[test]
    fn the_article_agrees_with_the_next_sound() {
        let mut sentence = ["a", "apple", "a", "hour", "a", "university", "a", "usual", "a", "pear", "a"];
        correct_articles(&mut sentence);
        assert_eq!(sentence, ["an", "apple", "an", "hour", "a", "university", "a", "usual", "a", "pear", "a"]);
    }
}
