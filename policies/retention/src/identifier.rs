//! Identifiers of people in the form in which they are compared.
//!
//! A policy has no Unicode tables, so letters that are not ASCII are compared loosely: any two of them are equal, with or
//! without a combining mark. Two identifiers that differ only there count as one, and never one as two.

/// What stands for a letter that is not ASCII.
const OTHER: char = '\u{b7}';

/// The canonical form of an identifier. None: it says nothing.
pub fn canonical(text: &str, with_tags: bool) -> Option<String> {
    let mut form = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            c if is_invisible(c) || c.is_whitespace() => {}
            // The full-width forms of ASCII.
            '\u{ff01}'..='\u{ff5e}' => {
                form.extend(char::from_u32(u32::from(c) - 0xfee0).map(|c| c.to_ascii_lowercase()))
            }
            // A combining mark makes another letter of the one before it.
            '\u{300}'..='\u{36f}' => {
                form.pop();
                form.push(OTHER);
            }
            '\u{df}' | '\u{1e9e}' => form.push_str("ss"),
            c if c.is_ascii() => form.push(c.to_ascii_lowercase()),
            _ => form.push(OTHER),
        }
    }
    let form = form.trim_matches(|c| matches!(c, '<' | '>' | '"' | '\'' | '.' | ',' | ';'));
    let form = form.strip_prefix("mailto:").unwrap_or(form);
    let form = match form.rsplit_once('@') {
        Some((name, domain)) if !with_tags => {
            let name = name.split_once('+').map_or(name, |(name, _)| name);
            format!("{name}@{domain}")
        }
        _ => form.to_owned(),
    };
    let is_nothing =
        ["", "null", "none", "nil", "nan", "n/a", "\\n", "undefined", "unknown"].contains(&form.as_str());
    (!is_nothing && form.chars().any(|c| c.is_ascii_alphanumeric() || c == OTHER)).then_some(form)
}

/// Whether a character has no width: format characters and variation selectors.
const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::canonical;

    #[test]
    fn people_mean_the_same_address_in_any_spelling() {
        for text in [
            "sam.lee@example.test",
            "Sam.Lee@Example.Test",
            " SAM.LEE@example.test ",
            "sam.lee @ example.test",
            "<sam.lee@example.test>",
            "mailto:Sam.Lee@example.test",
            "sam.lee@example.test.",
            "sam.lee\u{200b}@example.test",
            "\u{ff33}am.lee@example.test",
        ] {
            assert_eq!(canonical(text, true).as_deref(), Some("sam.lee@example.test"), "{text}");
        }
        assert_ne!(canonical("sam@example.test", true), canonical("sam@example.com", true));
        assert_ne!(canonical("sam@example.test", true), canonical("sam+shop@example.test", true));
        assert_eq!(canonical("sam@example.test", false), canonical("Sam+shop@example.test", false));
        assert_eq!(canonical("+49 30 123", false), canonical("+4930123", false), "a telephone number has no tag");
    }

    #[test]
    fn letters_that_are_not_ascii_are_compared_loosely() {
        for text in ["j\u{fc}rgen@x.test", "J\u{dc}RGEN@x.test", "ju\u{308}rgen@x.test"] {
            assert_eq!(canonical(text, true).as_deref(), Some("j\u{b7}rgen@x.test"), "{text}");
        }
        assert_eq!(canonical("stra\u{df}e", true), canonical("STRASSE", true));
    }

    #[test]
    fn words_for_nothing_identify_nobody() {
        for text in ["", " ", "NULL", "n/a", "<none>", "unknown", "-", "\u{200b}", "@", "\\N"] {
            assert_eq!(canonical(text, true), None, "{text:?}");
        }
    }
}
