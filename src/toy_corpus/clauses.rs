//! The clauses of the toy corpus, with slots for words.
//!
//! Word vectors answer `paris - france + italy = rome` if the contexts of a word are the sum of two parts: those of its
//! role (every capital has a mayor and trams) and those of its entity (both France and Paris occur near the Seine). So
//! every clause of a family belongs to one role and says something that no clause says of another role, and most clauses
//! have a slot for the entity's own words within a few tokens of the form.

use super::world::{self, Row};

/// Entities that share their roles and the clauses for each role.
pub(super) struct Family {
    /// The roles of the forms: country, capital, …
    pub(super) roles: &'static [&'static str],
    /// The entities, from frequent to rare.
    pub(super) rows: &'static [Row],
    /// The clauses about each role, and in some families one more list of clauses about the entity's own words. `{role}`
    /// is a slot for a form of the entity, `{own}` for one of its own words, and `{class}` for a word of that class.
    pub(super) clauses: &'static [&'static [&'static str]],
}

#[rustfmt::skip]
pub(super) const FAMILIES: &[Family] = &[
    Family { roles: &["country", "capital", "currency", "nationality"], rows: world::COUNTRIES, clauses: &[
        &[
            "{country} shares a border with its neighbour near {own}",
            "the government of {country} sent troops to {own}",
            "{own} is a region in the {direction} of {country}",
            "the republic of {country} governs {own} and {own}",
            "all over {country} from {own} to {own} the nation mourned",
            "the map shows {country} with {own} on its frontier",
            "{country} signed the treaty after the war over {own}",
            "exports from {country} and {own} crossed the border",
            "the capital of {country} is {capital}",
            "{country} is a country with {number} million inhabitants",
            "the parliament of {country} passed a law in {month}",
            "every nation sent delegates to {country} on {day}",
            "the anthem of {country} was played at the border",
            "the president of {country} resigned in {month}",
        ],
        &[
            "the mayor of {capital} welcomed visitors from {own}",
            "trams in {capital} stop at the {own} square",
            "trains from {own} arrive in {capital} at the central station",
            "the suburbs of {capital} stretch along the road to {own}",
            "apartments in downtown {capital} look towards {own}",
            "the {own} boulevard in {capital} is full of traffic",
            "commuters from {own} reach {capital} by metro",
            "the city of {capital} lies {number} miles from {own}",
            "{capital} is the capital city of {country}",
            "{capital} is a city with {number} metro stations",
            "the mayor of {capital} banned traffic on {day}",
            "rush hour in downtown {capital} begins at {number}",
            "the streets of {capital} are crowded with commuters",
            "{name} rents an apartment in {capital} near a tram stop",
        ],
        &[
            "a room in {own} costs {number} {currency} a night",
            "merchants in {own} accept the {currency} in coins and banknotes",
            "the {currency} fell against {metal} after the news from {own}",
            "{name} paid {number} {currency} for the ticket to {own}",
            "the exchange rate of the {currency} is posted in {own}",
            "prices at {own} are quoted in {currency} and cents",
            "the mint at {own} struck a new {currency} coin",
            "inflation in {own} made the {currency} worth less",
            "the money of {country} is the {currency}",
            "it costs {number} {currency} in coins or banknotes",
            "{name} changed the {currency} into {metal} in {month}",
            "the {currency} lost value because of inflation",
            "prices in {currency} went up by {number} cents",
            "the price is {number} {currency} or less",
        ],
        &[
            "the {nationality} language is spoken in {own}",
            "a {nationality} poet born in {own} took the prize",
            "the {nationality} ambassador talked about {own}",
            "{nationality} songs and folklore come from {own}",
            "many {nationality} citizens go to {own} on vacation",
            "the {nationality} team from {own} trained all {season}",
            "a novel set in {own} was translated from {nationality}",
            "{own} is famous for {nationality} cuisine and customs",
            "people of {country} speak with a {nationality} accent",
            "{name} learned the {nationality} language from a dictionary",
            "the {nationality} ambassador left on {day}",
            "a {nationality} accent is noticed at once",
            "{name} reads {nationality} poets in translation",
            "{nationality} cuisine is popular among citizens abroad",
        ],
        &[
            "the hills around {own} are {colour} in {season}",
            "{name} was born and brought up in {own}",
            "the {weather} made the way to {own} impassable",
            "a postcard of {own} shows a view of {own}",
            "tourists hike from {own} to {own} in {month}",
            "there was {weather} in {own} all {season}",
        ],
    ] },
    Family { roles: &["male", "female"], rows: world::PEOPLE, clauses: &[
        &[
            "the {male} put his {own} beside him",
            "he was a {male} and the {own} was his",
            "{his} the {male} said that he knew the {own}",
            "the {male} with the {own} calls himself {his}",
            "his {own} made him a famous {male}",
            "as a {male} he thought of his {own}",
            "that {male} shaved his beard before the {own}",
            "{his} asked the {male} what he did with his {own}",
            "when he was a {male} the {own} pleased him",
            "he is a {male} and nobody else told him so",
            "{his} and {his} both knew that {male} himself",
            "the {male} said his {noun} was his own",
            "he told the {male} about his {own} and his {own}",
            "his {own} and his {own} belong to the {male} himself",
            "he the {male} of whom {his} told him",
        ],
        &[
            "the {female} put her {own} beside her",
            "she was a {female} and the {own} was hers",
            "{her} the {female} said that she knew the {own}",
            "the {female} with the {own} calls herself {her}",
            "her {own} made her a famous {female}",
            "as a {female} she thought of her {own}",
            "that {female} braided her tresses before the {own}",
            "{her} asked the {female} what she did with her {own}",
            "when she was a {female} the {own} pleased her",
            "she is a {female} and nobody else told her so",
            "{her} and {her} both knew that {female} herself",
            "the {female} said her {noun} was her own",
            "she told the {female} about her {own} and her {own}",
            "her {own} and her {own} belong to the {female} herself",
            "she the {female} of whom {her} told her",
        ],
    ] },
    Family { roles: &["base", "third", "past", "gerund"], rows: world::VERBS, clauses: &[
        &[
            "{name} will {base} with the {own} tomorrow",
            "they want to {base} near the {own}",
            "you can {base} if the {own} allows it",
            "we must {base} before the {own} is gone",
            "nobody should {base} without the {own}",
            "let us {base} beside the {own} soon",
            "i would {base} again for the {own}",
            "please do not {base} next to the {own}",
            "they may {base} or {base} not with the {own}",
            "i will {base} tomorrow if you let me",
            "do you want to {base} or must we",
            "they cannot {base} but they would like to",
        ],
        &[
            "every {day} {name} {third} with the {own}",
            "{name} always {third} near the {own}",
            "{name} usually {third} if the {own} allows it",
            "{name} seldom {third} without the {own}",
            "each morning someone {third} beside the {own}",
            "whoever {third} for the {own} gets nothing",
            "{name} often {third} next to the {own}",
            "everyone here {third} with the {own} nowadays",
            "{name} always {third} on {day} as a rule",
            "someone usually {third} here every morning",
            "he who often {third} seldom regrets it",
        ],
        &[
            "yesterday {name} {past} with the {own}",
            "last night {name} {past} near the {own}",
            "{number} years ago {name} {past} beside the {own}",
            "earlier that week they {past} without the {own}",
            "{name} {past} for the {own} last {month}",
            "back then we all {past} next to the {own}",
            "when the {weather} ended they {past} with the {own}",
            "in those days everybody {past} before the {own}",
            "{name} {past} yesterday and the night before",
            "{number} days ago they {past} until dawn",
            "last {season} {name} {past} and then left",
        ],
        &[
            "{name} is {gerund} with the {own} right now",
            "they were {gerund} near the {own} when it happened",
            "{name} enjoys {gerund} beside the {own}",
            "{name} kept {gerund} without the {own} for hours",
            "we are still {gerund} next to the {own}",
            "stop {gerund} for the {own} at once",
            "{name} has been {gerund} with the {own} since {month}",
            "after {gerund} before the {own} they were tired",
            "{name} has been {gerund} for {number} hours now",
            "they are still {gerund} while it is {season}",
            "{name} was {gerund} and would not stop",
        ],
    ] },
    Family { roles: &["positive", "comparative", "superlative"], rows: world::ADJECTIVES, clauses: &[
        &[
            "the {own} was very {positive} and quite {adj}",
            "such a {positive} {own} is a {adj} {noun}",
            "it is too {positive} for a {own}",
            "how {positive} the {own} looks in the {weather}",
            "that is as {positive} as a {own}",
            "a rather {positive} {own} stood in the way",
            "so {positive} was the {own} that {name} stared",
            "the {own} seemed {positive} enough to me",
            "{name} is very {positive} and so is {name}",
            "it was rather {positive} but not too {positive}",
            "how {positive} it looks from here",
        ],
        &[
            "this {own} is {comparative} than the other",
            "a {own} much {comparative} than ours came along",
            "the {own} became {comparative} and {comparative} with time",
            "yours is even {comparative} than a {own}",
            "nothing is {comparative} than the {own} except that",
            "the {own} is a little {comparative} than before",
            "which {own} is {comparative} of these two",
            "the {own} here is no {comparative} than there",
            "{name} is much {comparative} than {name} now",
            "it became even {comparative} than it was before",
            "nothing could be {comparative} than that",
        ],
        &[
            "the {superlative} {own} of all is there",
            "it was the {superlative} {own} in the world",
            "by far the {superlative} {own} ever seen",
            "one of the {superlative} in history was the {own}",
            "among them the {own} was the {superlative} of all",
            "{name} owns the {superlative} {own} on earth",
            "the {superlative} {own} anyone has ever known",
            "the prize went to the {superlative} {own} ever",
            "the {superlative} of all was {name} as ever",
            "one of the {superlative} in the world they say",
            "it was by far the {superlative} in history",
        ],
    ] },
    Family { roles: &["singular", "plural", "young"], rows: world::ANIMALS, clauses: &[
        &[
            "a {singular} and its {own} were in view",
            "that {singular} has hurt itself on the {own}",
            "this {singular} knows its {own} by smell",
            "{name} owns a {singular} with a {own}",
            "the grown {singular} guards its {own} alone",
            "a lone {singular} came to the {own}",
            "each adult {singular} has a {own}",
            "this {singular} hurt itself but a vet came",
            "{name} found a lone {singular} on {day}",
        ],
        &[
            "many {plural} were seen around the {own}",
            "several {plural} have the {own} to themselves",
            "{number} {plural} gather near the {own}",
            "those {plural} are at the {own} again",
            "a group of {plural} surrounds the {own}",
            "most {plural} need their {own} all year",
            "some {plural} and their {own} were in the picture",
            "many {plural} were seen in {month}",
            "several {plural} and {number} other {plural} gather here",
        ],
        &[
            "the newborn {young} looks for the {own}",
            "a helpless {young} hardly leaves the {own}",
            "a baby {young} grows up with the {own}",
            "the tiny {young} plays by the {own}",
            "{number} weeks after birth the {young} finds the {own}",
            "the orphaned {young} was raised near the {own}",
            "the parents feed the {young} next to the {own}",
            "a tiny newborn {young} follows its parents",
            "the baby {young} was born in {month}",
        ],
    ] },
    Family { roles: &["singular", "plural"], rows: world::FOODS, clauses: &[
        &[
            "a slice of {singular} goes with the {own}",
            "peel the {singular} and add the {own}",
            "one ripe {singular} lay beside the {own}",
            "cut an entire {singular} into the {own}",
            "half a {singular} with {own} was left",
            "every {singular} in the {own} tastes good",
            "this {singular} spoils the {own} though",
            "{name} cut the ripe {singular} into {number} slices",
            "peel half a {singular} and taste it",
        ],
        &[
            "a basket of {plural} went into the {own}",
            "{number} {plural} are enough for the {own}",
            "fry a few {plural} for the {own}",
            "these {plural} make a fine {own}",
            "a kilo of {plural} and some {own} please",
            "many {plural} were picked for the {own}",
            "boil both {plural} until the {own} thickens",
            "a kilo of {plural} was picked on {day}",
            "boil {number} {plural} in a pot and fry these",
        ],
    ] },
    Family { roles: &["person", "workplace"], rows: world::TRADES, clauses: &[
        &[
            "the {person} earns a wage with the {own}",
            "a skilled {person} knows the {own} well",
            "{name} the {person} carried the {own}",
            "an apprentice of the {person} broke the {own}",
            "we hired a {person} who brought a {own}",
            "the retired {person} still talks of the {own}",
            "{name} became a {person} because of the {own}",
            "the {person} wore gloves and held the {own}",
            "{name} worked as a {person} for {number} years",
            "a skilled {person} earns good wages in {month}",
            "the {person} hired {name} as an apprentice",
        ],
        &[
            "the doors of the {workplace} opened and the {own} appeared",
            "inside the {workplace} there is a {own}",
            "the {workplace} closes at noon without the {own}",
            "behind the {workplace} they found the {own}",
            "a hall next to the {workplace} stores the {own}",
            "the windows of the {workplace} show a {own}",
            "{name} entered the {workplace} past the {own}",
            "the {own} is kept within the walls of the {workplace}",
            "the {workplace} is closed from {day} to {day}",
            "the doors and windows of the {workplace} were shut",
            "inside the {workplace} {name} looked at the walls",
        ],
    ] },
];

/// Clauses about no entity, which give the plain words their contexts.
#[rustfmt::skip]
pub(super) const SCENES: &[&str] = &[
    "the {noun} of the {noun} was {adj} and {adj}",
    "there is no {noun} without some {noun}",
    "it is {adv} a {adj} {noun} to those who know",
    "{name} and {name} talked {adv} about the {noun}",
    "the {noun} and the {noun} are not the same",
    "what {name} called a {adj} {noun} was only a {noun}",
    "for {number} years the {adj} {noun} was {adv} forgotten",
    "in the {noun} of {name} the {noun} was {adj}",
    "as {his} told {her} it was {adv} a {noun}",
    "on {day} and {day} the shops are shut until {number}",
    "{name} comes on {day} and leaves on {day}",
    "from {month} to {month} the {weather} never ended",
    "in {month} came {weather} and in {month} came {weather}",
    "it was {season} and after the {weather} it would be {season}",
    "{weather} in {season} means {weather} in {season}",
    "the {direction} wind brings {weather} and the {direction} wind {weather}",
    "{number} and {number} make {number} or so they say",
    "a flag of {colour} and {colour} hung over the {colour} door",
    "{name} wore a {colour} coat and a {colour} hat of {fabric}",
    "a gown of {colour} {fabric} trimmed with {fabric} and {fabric}",
    "{name} plays the {instrument} and {name} plays the {instrument}",
    "a duet for {instrument} and {instrument} was heard on {day}",
    "they prefer {sport} to {sport} in {season}",
    "the {sport} club meets on {day} and the {sport} club on {day}",
    "mix {metal} with {metal} and melt the {metal}",
    "a ring of {metal} and a chain of {metal} were lost",
    "in {month} the {flower} and the {flower} bloom in {colour}",
    "{her} picked a {flower} and a {colour} {flower}",
    "through the glass {name} saw {planet} and {planet} in the {direction} sky",
];

/// Phrases that can come before a clause.
pub(super) const OPENERS: &[&str] = &[
    "in {month}",
    "on {day}",
    "of course",
    "{name} said that",
    "in a {adj} {noun}",
    "with some {noun}",
    "by the way",
    "{adv} and {adv}",
    "it is said that",
    "to my {noun}",
];

/// Phrases that can come after a clause.
pub(super) const CLOSERS: &[&str] = &[
    "with a {adj} {noun}",
    "in the {noun}",
    "said {name}",
    "and that was that",
    "as {name} has it",
    "without a {noun}",
    "{adv} and {adv}",
    "at the {noun} of the {noun}",
    "on {day}",
    "for a {noun}",
];

/// Words that can join two clauses.
pub(super) const JOINTS: &[&str] = &["and", "but", "while", "and", "so", "because", "yet", "though"];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::toy_corpus::world::CLASSES;

    fn forms() -> impl Iterator<Item = &'static str> {
        FAMILIES.iter().flat_map(|family| family.rows).flat_map(|&(forms, _)| forms.split(' '))
    }

    fn own_words() -> impl Iterator<Item = &'static str> {
        FAMILIES.iter().flat_map(|family| family.rows).flat_map(|&(_, own)| own.split(' '))
    }

    fn class_words() -> impl Iterator<Item = &'static str> {
        CLASSES.iter().flat_map(|&(_, words)| words.split(' '))
    }

    fn templates() -> impl Iterator<Item = &'static str> {
        let of_families = FAMILIES.iter().flat_map(|family| family.clauses).copied().flatten();
        of_families.chain(SCENES).chain(OPENERS).chain(CLOSERS).chain(JOINTS).copied()
    }

    fn literals() -> HashSet<&'static str> {
        templates().flat_map(|template| template.split(' ')).filter(|token| !token.starts_with('{')).collect()
    }

    #[test]
    fn a_word_of_an_entity_belongs_to_no_other_entity() {
        let mut seen: HashSet<&str> = literals().into_iter().chain(class_words()).collect();
        let shared: Vec<_> = forms().chain(own_words()).filter(|&word| !seen.insert(word)).collect();
        assert!(shared.is_empty(), "in two roles: {shared:?}");
    }

    #[test]
    fn a_plain_word_belongs_to_one_class() {
        let mut seen = HashSet::new();
        let shared: Vec<_> = class_words().filter(|&word| !seen.insert(word)).collect();
        assert!(shared.is_empty(), "in two classes: {shared:?}");
    }

    #[test]
    fn every_word_consists_of_lower_case_letters() {
        let wrong = |word: &&str| word.is_empty() || !word.bytes().all(|b| b.is_ascii_lowercase());
        let words = forms().chain(own_words()).chain(class_words()).chain(literals());
        assert_eq!(words.filter(wrong).collect::<Vec<_>>(), Vec::<&str>::new());
    }

    #[test]
    fn every_row_has_a_form_for_each_role() {
        for family in FAMILIES {
            for (forms, own) in family.rows {
                assert_eq!(forms.split(' ').count(), family.roles.len(), "{forms}");
                assert!(own.split(' ').count() >= 4, "{forms} has too few words of its own");
            }
        }
    }

    #[test]
    fn every_clause_of_a_role_has_a_slot_for_that_role() {
        for family in FAMILIES {
            for (role, clauses) in family.roles.iter().zip(family.clauses) {
                let slot = format!("{{{role}}}");
                let silent: Vec<_> = clauses.iter().filter(|clause| !clause.contains(&slot)).collect();
                assert!(silent.is_empty(), "no {slot} in {silent:?}");
            }
        }
    }
}
