//! Names in messages: suggestions for mistyped ones, and a bound on long ones.

use std::borrow::Cow;

/// The maximum length of a name that suggestions are made for, in characters. The time to compare names grows with
/// their length, and no known name is that long.
const MAX_NAME_CHARS: usize = 64;

/// Returns the known name closest to a mistyped one, if one is close. A name of more than 64 characters is close to none.
pub fn did_you_mean<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if typed.chars().nth(MAX_NAME_CHARS).is_some() {
        return None;
    }
    let scored = known.into_iter().map(|name| (strsim::damerau_levenshtein(typed, name), name));
    scored.min().filter(|(distance, name)| *distance <= 1 + name.len() / 4).map(|(_, name)| name)
}

/// Cuts text that is longer than `max_chars` characters, and says how many are left out.
pub fn shorten(text: &str, max_chars: usize) -> Cow<'_, str> {
    match text.char_indices().nth(max_chars) {
        None => Cow::Borrowed(text),
        Some((end, _)) => {
            let (kept, cut) = text.split_at(end);
            Cow::Owned(format!("{kept}… ({} more)", cut.chars().count()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_only_for_names_of_at_most_64_characters() {
        let known = "a".repeat(64);
        assert_eq!(did_you_mean(&"a".repeat(64), [known.as_str()]), Some(known.as_str()));
        assert_eq!(did_you_mean(&"a".repeat(65), [known.as_str()]), None);
        assert_eq!(did_you_mean("knd", ["kind", "id"]), Some("kind"));
    }

    #[test]
    fn cuts_between_characters_and_counts_the_rest() {
        assert_eq!(shorten("äöü", 3), "äöü");
        assert_eq!(shorten("äöüß", 3), "äöü… (1 more)");
        assert_eq!(shorten("", 0), "");
    }
}
