//! Values written as text: a blank value is unknown.

use reprieve_model::Timestamp;
use std::borrow::Cow;
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

/// Whether a text consists of white space only.
#[inline]
pub(crate) fn is_blank(text: &str) -> bool {
    !text.as_bytes().first().is_some_and(u8::is_ascii_graphic) && text.trim().is_empty()
}

/// Returns the text unless it is blank.
#[inline]
pub(crate) fn non_blank<'a>(text: Cow<'a, str>) -> Option<Cow<'a, str>> {
    (!is_blank(&text)).then_some(text)
}

/// Reads a time in seconds since 1970. A time that stands for an unknown one is unknown.
pub(crate) fn time(text: &str) -> Result<Option<i64>, String> {
    match text.trim() {
        "" => Ok(None),
        text => Timestamp::parse(text).map(|at| known_time(at.seconds())),
    }
}

/// A time in seconds since 1970, unless it stands for an unknown one, such as 0001-01-01.
pub(crate) fn known_time(seconds: i64) -> Option<i64> {
    Timestamp::from_seconds(seconds).known().map(Timestamp::seconds)
}

/// Reads a whole number that is not negative.
pub(crate) fn number(text: &str) -> Result<Option<u64>, String> {
    match text.trim() {
        "" => Ok(None),
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
}
