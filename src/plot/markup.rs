//! Text in SVG, HTML and JSON within HTML.

use std::fmt::Write;

/// Text as the content or an attribute of an element. Characters that XML has not are replaced.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\t' | '\n' | '\r' => escaped.push(' '),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            _ => escaped.push(character),
        }
    }
    escaped
}

/// JSON that may stand in a `script` element.
pub(super) fn json_in_html(value: &serde_json::Value) -> String {
    let mut text = String::new();
    for character in value.to_string().chars() {
        match character {
            // No content can end the element.
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                let _ = write!(text, "\\u{:04x}", u32::from(character));
            }
            _ => text.push(character),
        }
    }
    text
}

/// The width of text in a sans-serif font of size 1, rather too much than too little.
pub(super) fn width(text: &str) -> f64 {
    text.chars().map(width_of).sum()
}

fn width_of(character: char) -> f64 {
    match character {
        'i' | 'j' | 'l' | 'I' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' => 0.3,
        'f' | 't' | 'r' | '(' | ')' | '[' | ']' | '-' | ' ' | '/' => 0.4,
        'm' | 'w' | 'M' | 'W' | '@' | '%' => 0.95,
        'A'..='Z' | '_' | '&' => 0.72,
        // Combining marks stand on other characters.
        '\u{300}'..='\u{36f}' | '\u{200b}'..='\u{200f}' => 0.0,
        // Hangul, kana, Han and emoji fill a square.
        '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}' => 1.0,
        '\u{fe30}'..='\u{fe6f}' | '\u{ff00}'..='\u{ff60}' => 1.0,
        '\u{1f000}'.. => 1.2,
        _ => 0.6,
    }
}

/// A text of at most so many characters.
pub(super) fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some(_) => text.chars().take(most.saturating_sub(1)).chain(['…']).collect(),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_word_ends_an_element_or_an_attribute() {
        assert_eq!(escaped("</text> & \"a\"'\0\n"), "&lt;/text&gt; &amp; &quot;a&quot;&#39;\u{fffd} ");
        let json = json_in_html(&serde_json::json!(["</script><!--", "a&b\u{2028}"]));
        assert_eq!(json, r#"["\u003c/script\u003e\u003c!--","a\u0026b\u2028"]"#);
        assert_eq!(serde_json::from_str::<[String; 2]>(&json).unwrap(), ["</script><!--", "a&b\u{2028}"]);
    }

    #[test]
    fn long_text_is_cut_between_characters() {
        assert_eq!((shortened("日本語", 3).as_str(), shortened("日本語です", 3).as_str()), ("日本語", "日本…"));
    }
}
