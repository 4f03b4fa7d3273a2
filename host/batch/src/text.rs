//! Values written as text. A blank value and a word for nothing (`NULL`, `n/a`) are unknown; names that people write are
//! compared by a canonical form.

use caseless::Caseless;
use std::borrow::Cow;
use unicode_normalization::UnicodeNormalization;
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};
use unicode_security::{MixedScript, RestrictionLevel, RestrictionLevelDetection};

/// The maximum length of a value in bytes: an id, a tenant, a kind, or a text in any other column. It is the same in every
/// format.
pub(crate) const MAX_VALUE_BYTES: usize = 64 << 10;

/// Describes a value that is longer than that.
pub(crate) fn too_long(column: &str, bytes: usize) -> String {
    format!("`{column}` has a value of {bytes} bytes, at most {MAX_VALUE_BYTES} are allowed")
}

/// Whether a character is a control character, or ends a line for some readers.
pub(crate) fn is_control(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

/// Whether a text has printable ASCII only, as most texts do. It looks at many bytes at a time.
#[inline]
pub(crate) fn is_plain(text: &[u8]) -> bool {
    text.iter().fold(true, |plain, byte| plain & (b' '..=b'~').contains(byte))
}

/// Returns the first control character of a text.
#[inline]
pub(crate) fn control_character(text: &str) -> Option<char> {
    if is_plain(text.as_bytes()) { None } else { text.chars().find(|c| is_control(*c)) }
}

/// Describes a control character in a text that may not have one.
pub(crate) fn describe_control(c: char) -> String {
    format!("it contains the control character U+{:04X}", u32::from(c))
}

/// Returns what is wrong with a name that people compare, such as that of a kind or a person. A name without a control
/// character may still look like another name: if it contains an invisible character, or letters of several scripts.
pub(crate) fn name_flaw(name: &str) -> Option<String> {
    if is_plain(name.as_bytes()) {
        return None;
    }
    if let Some(c) = control_character(name) {
        return Some(describe_control(c));
    }
    if let Some(c) = name.chars().find(|c| c.general_category() == GeneralCategory::Format) {
        return Some(format!("it contains the invisible character U+{:04X}", u32::from(c)));
    }
    let words = name.split(|c: char| !c.is_alphabetic());
    let mixed = words.into_iter().find(|word| !word.is_single_script() && !is_east_asian(word));
    mixed.map(|word| format!("the letters of `{word}` are of several scripts, so it looks like another name"))
}

/// Whether a word has Latin letters and those of Chinese, Japanese or Korean only, which do not look alike.
fn is_east_asian(word: &str) -> bool {
    word.check_restriction_level(RestrictionLevel::HighlyRestrictive)
}

/// Words that programs write where there is no value. Case and brackets or quotes around a word do not matter.
pub(crate) const WORDS_FOR_NOTHING: [&str; 14] =
    ["", "null", "none", "nil", "nan", "nat", "n/a", "undefined", "unknown", "unset", "\\n", "-", "--", "\u{2014}"];
/// A word that is one for nothing only in brackets; by itself it may be a name.
const BRACKETED_WORD: &str = "na";
/// What may enclose a word for nothing.
const BRACKETS: [(char, char); 7] =
    [('(', ')'), ('<', '>'), ('[', ']'), ('{', '}'), ('"', '"'), ('\'', '\''), ('#', '!')];
/// The maximum length in bytes of a word for nothing that begins with a letter.
const MAX_WORD_BYTES: usize = 9;

/// Whether a text is no value: it is blank, or a word for nothing such as `NULL`, `\N`, `None`, `n/a`, `-` or `(null)`.
#[inline]
pub(crate) fn is_unknown(text: &str) -> bool {
    match text.as_bytes() {
        [] => true,
        [first, ..] if first.is_ascii_alphanumeric() => {
            matches!(first, b'n' | b'N' | b'u' | b'U') && is_word_for_nothing(text)
        }
        _ => is_word_for_nothing(text),
    }
}

fn is_word_for_nothing(text: &str) -> bool {
    let mut text = trim(text);
    let mut in_brackets = false;
    while let Some(inner) = inside_brackets(text) {
        (text, in_brackets) = (trim(inner), true);
    }
    text.len() <= MAX_WORD_BYTES
        && (WORDS_FOR_NOTHING.iter().any(|word| word.eq_ignore_ascii_case(text))
            || (in_brackets && text.eq_ignore_ascii_case(BRACKETED_WORD))
            || text.eq_ignore_ascii_case("#n/a"))
}

/// Removes white space and invisible characters from both ends.
fn trim(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || is_invisible(c))
}

fn inside_brackets(text: &str) -> Option<&str> {
    BRACKETS.iter().find_map(|(open, close)| text.strip_prefix(*open)?.strip_suffix(*close))
}

/// Whether a character is usually not shown: format characters, and others that Unicode allows a program to ignore.
fn is_invisible(c: char) -> bool {
    !c.is_ascii()
        && (c.general_category() == GeneralCategory::Format
            || matches!(c, '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
                | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}' | '\u{e0100}'..='\u{e01ef}'))
}

/// Returns the form in which names that people write are compared: compatibility forms composed (NFKC), case folded,
/// invisible characters removed, and trimmed.
pub(crate) fn canonical(text: &str) -> String {
    if text.is_ascii() {
        return text.trim().to_ascii_lowercase();
    }
    let visible = text.nfkc().filter(|c| !is_invisible(*c));
    let folded: String = visible.default_case_fold().nfkc().collect();
    folded.trim().to_owned()
}

/// Returns the text unless it is unknown.
#[inline]
pub(crate) fn known<'a>(text: Cow<'a, str>) -> Option<Cow<'a, str>> {
    (!is_unknown(&text)).then_some(text)
}

/// Reads a flag as databases and spreadsheets write it, in any case: `true`, `t`, `yes`, `y`, `1`, or the opposite.
pub(crate) fn flag(text: &str) -> Result<Option<bool>, String> {
    let is_one_of = |words: &[&str]| words.iter().any(|word| word.eq_ignore_ascii_case(text));
    match text {
        "none" => Ok(Some(false)),
        text if is_unknown(text) => Ok(None),
        _ if is_one_of(&["true", "t", "yes", "y", "1"]) => Ok(Some(true)),
        _ if is_one_of(&["false", "f", "no", "n", "0"]) => Ok(Some(false)),
        other => Err(format!("expected `true` or `false`, found `{other}`")),
    }
}

/// Reads a whole number that is not negative.
pub(crate) fn number(text: &str) -> Result<Option<u64>, String> {
    match text.trim() {
        text if is_unknown(text) => Ok(None),
        text => text.parse().map(Some).map_err(|_| format!("`{text}` is not a whole number")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_control_characters() {
        for c in
            ['\0', '\t', '\n', '\r', '\u{b}', '\u{c}', '\u{1b}', '\u{7f}', '\u{85}', '\u{9b}', '\u{2028}', '\u{2029}']
        {
            assert_eq!(control_character(&format!("a{c}b")), Some(c), "{c:?}");
        }
        for text in ["", "a b", "é", "東京", "\u{a0}", "\u{200b}"] {
            assert_eq!(control_character(text), None, "{text}");
        }
    }

    #[test]
    fn finds_names_that_look_like_others() {
        for (name, flaw) in [
            ("a\nb", "it contains the control character U+000A"),
            ("production\u{200b}", "it contains the invisible character U+200B"),
            ("\u{feff}app", "it contains the invisible character U+FEFF"),
            ("d.kow\u{ad}alski", "it contains the invisible character U+00AD"),
            ("prod\u{202e}", "it contains the invisible character U+202E"),
            (
                "produ\u{441}tion",
                "the letters of `produ\u{441}tion` are of several scripts, so it looks like another name",
            ),
            ("s\u{456}te", "the letters of `s\u{456}te` are of several scripts, so it looks like another name"),
            ("\u{3bf}rg", "the letters of `\u{3bf}rg` are of several scripts, so it looks like another name"),
        ] {
            assert_eq!(name_flaw(name).as_deref(), Some(flaw), "{name:?}");
        }
        for name in [
            "app",
            "Müller",
            "Иван Petrov",
            "東京-tokyo",
            "東京tokyo",
            "aws_rds_cluster",
            "naïve",
            "日本語のテスト",
            "größe",
            "user@example.org",
            "café",
            "Ελλάδα",
        ] {
            assert_eq!(name_flaw(name), None, "{name}");
        }
    }

    #[test]
    fn reads_words_for_nothing_as_unknown() {
        for text in [
            "",
            " ",
            "\u{200b}",
            "\u{feff} ",
            "NULL",
            "null",
            "\\N",
            "None",
            "nil",
            "NaN",
            "nan",
            "NaT",
            "n/a",
            "N/A",
            "-",
            "--",
            "\u{2014}",
            "(null)",
            "<none>",
            "<null>",
            "[NULL]",
            "<NA>",
            "<nil>",
            "#N/A",
            "#NULL!",
            "undefined",
            "unknown",
            "Unset",
            " NULL ",
            "\"\"",
            "''",
            "'NULL'",
            "()",
            "{}",
            "\u{200b}NULL",
        ] {
            assert!(is_unknown(text), "{text:?}");
        }
    }

    #[test]
    fn reads_names_as_they_are() {
        for text in [
            "0",
            "a",
            "na",
            "no",
            "nullable",
            "none-such",
            "null-1",
            "n",
            "user-1",
            "-1",
            "- x",
            "(a)",
            "\u{fc}",
            "x\u{200b}",
        ] {
            assert!(!is_unknown(text), "{text:?}");
        }
        assert_eq!((number("7"), number("NULL")), (Ok(Some(7)), Ok(None)));
        assert!(number("seven").is_err());
    }

    #[test]
    fn reads_flags_in_every_common_spelling() {
        for text in ["true", "TRUE", "t", "T", "yes", "Yes", "y", "1"] {
            assert_eq!(flag(text), Ok(Some(true)), "{text}");
        }
        for text in ["false", "FALSE", "f", "no", "NO", "n", "0", "none"] {
            assert_eq!(flag(text), Ok(Some(false)), "{text}");
        }
        for text in ["", "NULL", "None", "\\N", "n/a"] {
            assert_eq!(flag(text), Ok(None), "{text}");
        }
        for text in ["WAHR", "on", "2", "tr", "ja"] {
            assert!(flag(text).is_err(), "{text}");
        }
    }

    #[test]
    fn one_canonical_form_for_every_spelling() {
        for text in ["Bob", " bob ", "BOB", "b\u{200b}ob", "\u{ff22}\u{ff2f}\u{ff22}", "bob\u{fe0f}", "\u{feff}bob"] {
            assert_eq!(canonical(text), "bob", "{text:?}");
        }
        assert_eq!(canonical("STRASSE"), canonical("stra\u{df}e"));
        assert_eq!(canonical("\u{c9}cole"), canonical("e\u{301}cole"));
        assert_ne!(canonical("b\u{43e}b"), canonical("bob"), "letters of other scripts stay");
    }
}
