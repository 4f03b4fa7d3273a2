//! The words of a verb that people and programs write: `DROP TABLE`, `dropTable`, `hard-delete`.

/// The words of a text: runs of letters, which end where a capital follows a small letter.
pub fn of(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphabetic()).flat_map(by_case).filter(|word| !word.is_empty())
}

fn by_case(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let bytes = text.as_bytes();
        let ends = |at: &usize| bytes[*at - 1].is_ascii_lowercase() && bytes[*at].is_ascii_uppercase();
        let (word, after) = match (1..bytes.len()).find(ends) {
            Some(at) => (text.get(..at)?, text.get(at..)),
            None => (text, None),
        };
        rest = after;
        Some(word)
    })
}

/// Whether a word is a verb or a form of it: `purge`, `purges`, `purged`, `purging`, `dropped`.
pub fn is_form_of(word: &str, verb: &str) -> bool {
    let word = word.to_ascii_lowercase();
    let verb = verb.trim().to_ascii_lowercase();
    if verb.is_empty() {
        return false;
    }
    let stem = verb.strip_suffix('e').unwrap_or(&verb);
    let doubled = stem.chars().last().map(|last| format!("{stem}{last}")).unwrap_or_default();
    let endings =
        |stem: &str, endings: &[&str]| word.strip_prefix(stem).is_some_and(|ending| endings.contains(&ending));
    word == verb
        || endings(&verb, &["s", "d", "r", "es"])
        || endings(stem, &["ed", "er", "ing", "es"])
        || endings(&doubled, &["ed", "er", "ing"])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_end_at_punctuation_and_at_a_capital_after_a_small_letter() {
        let words = |text| of(text).collect::<Vec<_>>();
        assert_eq!(words("DROP TABLE"), ["DROP", "TABLE"]);
        assert_eq!(words("hard-delete_dropTable2Purge"), ["hard", "delete", "drop", "Table", "Purge"]);
        assert_eq!(words("dropÉtage"), ["dropÉtage"]);
        assert!(words(" -1").is_empty());
    }

    #[test]
    fn a_form_of_a_verb_is_the_verb() {
        for word in ["purge", "Purges", "PURGED", "purging", "purger"] {
            assert!(is_form_of(word, "purge"), "{word}");
        }
        for word in ["dropped", "dropping", "drops", "wiped", "wiping", "shredded", "expunging"] {
            let verbs = ["drop", "wipe", "shred", "expunge"];
            assert!(verbs.iter().any(|verb| is_form_of(word, verb)), "{word}");
        }
        for (word, verb) in [("droplet", "drop"), ("purgatory", "purge"), ("harden", "hard"), ("x", "")] {
            assert!(!is_form_of(word, verb), "{word}");
        }
    }
}
