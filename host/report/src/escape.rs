//! Escaping text of others, so that none of it controls a terminal, hides, or looks like a line of this program.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, Write};
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

/// The maximum length of a text of others within a line, in characters as they are shown.
const MAX_TEXT_CHARS: usize = 300;
/// The maximum number of marks on one character. Languages need three; more cover the lines above and below.
const MAX_MARKS: usize = 4;

/// Escapes text of others for a place within a line: everything that is not shown, moves the cursor, changes the direction
/// or begins a line, and blanks and marks in a row. Long text is cut.
pub fn plain(text: &str) -> Cow<'_, str> {
    let is_ordinary = |c: &u8| (b'!'..=b'~').contains(c);
    if text.len() <= MAX_TEXT_CHARS && text.bytes().all(|c| is_ordinary(&c)) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(escaped(text, MAX_TEXT_CHARS, false))
}

/// Whether a character is not shown, or not as what it is: control and format characters, line and paragraph separators,
/// blanks other than the space, what Unicode does not assign, and characters that are empty by definition.
fn is_hidden(c: char) -> bool {
    use GeneralCategory as Category;
    if c.is_ascii() {
        return c.is_ascii_control();
    }
    matches!(
        c.general_category(),
        Category::Control
            | Category::Format
            | Category::LineSeparator
            | Category::ParagraphSeparator
            | Category::SpaceSeparator
            | Category::PrivateUse
            | Category::Surrogate
            | Category::Unassigned
    ) || matches!(c, '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}')
        || matches!(c, '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}' | '\u{e0100}'..='\u{e01ef}')
}

fn is_mark(c: char) -> bool {
    !c.is_ascii() && matches!(c.general_category(), GeneralCategory::NonspacingMark | GeneralCategory::EnclosingMark)
}

/// Adds a character, escaped if it is hidden.
pub fn push(out: &mut String, c: char) {
    if is_hidden(c) {
        out.extend(c.escape_default());
    } else {
        out.push(c);
    }
}

/// Escapes text, and cuts it after `max_chars` characters of the result. Blanks in a row are kept if `keep_blanks`.
pub fn escaped(text: &str, max_chars: usize, keep_blanks: bool) -> String {
    let mut out = String::new();
    let (mut written, mut marks, mut after_blank) = (0, 0, false);
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if written >= max_chars {
            // Writing to a string does not fail.
            let _ = write!(out, "… ({} more)", 1 + chars.count());
            break;
        }
        let before = out.len();
        marks = if is_mark(c) { marks + 1 } else { 0 };
        if marks > MAX_MARKS || (after_blank && c == ' ' && !keep_blanks) {
            out.extend(c.escape_unicode());
        } else {
            push(&mut out, c);
        }
        after_blank = c == ' ';
        written += if out.len() - before > c.len_utf8() { out.len() - before } else { 1 };
    }
    out
}

/// Escapes UTF-8 for a terminal. Characters that JSON may have in a string only are written as in a JSON string, so JSON
/// stays the same JSON.
pub struct Escaping<W: Write> {
    out: W,
    /// The first bytes of a character whose other bytes are not written yet.
    incomplete: Vec<u8>,
}

impl<W: Write> Escaping<W> {
    /// Escapes what is written to `out`.
    pub const fn new(out: W) -> Self {
        Self { out, incomplete: Vec::new() }
    }

    fn text(&mut self, text: &str) -> io::Result<()> {
        let mut shown = String::with_capacity(text.len());
        for c in text.chars() {
            if c == '\n' || !is_hidden(c) {
                shown.push(c);
            } else {
                // Writing to a string does not fail.
                for unit in c.encode_utf16(&mut [0; 2]) {
                    let _ = write!(shown, "\\u{unit:04x}");
                }
            }
        }
        self.out.write_all(shown.as_bytes())
    }

    /// Writes what is left: the first bytes of a character that is not complete.
    pub fn finish(mut self) -> io::Result<()> {
        let rest = std::mem::take(&mut self.incomplete);
        self.text(&String::from_utf8_lossy(&rest))
    }
}

impl<W: Write> Write for Escaping<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut all = std::mem::take(&mut self.incomplete);
        all.extend_from_slice(bytes);
        let mut rest = all.as_slice();
        while let Err(error) = str::from_utf8(rest) {
            let (valid, after) = rest.split_at(error.valid_up_to());
            self.text(&String::from_utf8_lossy(valid))?;
            match error.error_len() {
                Some(wrong) => {
                    self.text("\u{fffd}")?;
                    rest = &after[wrong..];
                }
                None => {
                    self.incomplete = after.to_vec();
                    rest = &[];
                }
            }
        }
        self.text(&String::from_utf8_lossy(rest))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    pub const HOSTILE: &str = "a\x1b[2J\x1b]0;t\x07\r\nallow y: fine\u{85}\u{9b}2J\u{7f}\0\u{ad}\u{61c}\u{200b}\u{200f}\u{2028}\u{202e}\u{2060}\u{2066}\u{feff}\u{fff9}\u{e0041}\u{e000}\u{3164}\u{34f}\u{a0}";

    pub fn is_safe(text: &str) -> bool {
        text.chars().all(|c| !is_hidden(c))
    }

    #[test]
    fn text_of_others_is_one_line_without_hidden_characters() {
        let shown = plain(HOSTILE);
        assert!(is_safe(&shown), "{shown}");
        assert!(shown.starts_with(r"a\u{1b}[2J\u{1b}]0;t\u{7}\r\nallow y: fine\u{85}\u{9b}2J\u{7f}\u{0}\u{ad}"));
        assert_eq!(plain("Straße, 日本, नमस्ते, é́"), "Straße, 日本, नमस्ते, é́", "languages stay as they are");
    }

    #[test]
    fn floods_of_characters_are_cut_or_escaped() {
        assert_eq!(plain(&"x".repeat(301)), "x".repeat(300) + "… (1 more)");
        assert!(plain(&"\u{200b}".repeat(1 << 20)).chars().count() < 350);
        let marked = plain(&("o".to_owned() + &"\u{301}".repeat(9))).into_owned();
        assert_eq!(marked.matches('\u{301}').count(), MAX_MARKS);
        assert_eq!(plain("a   b"), r"a \u{20}\u{20}b", "blanks do not fill the line of a terminal");
    }

    /// JSON that is shown on a terminal is the same JSON, however it is cut into writes.
    #[test]
    fn data_on_a_terminal_is_escaped_and_stays_the_same_json() {
        let value = serde_json::json!({ "id": HOSTILE.replace('\0', ""), "name": "日本 é 😀" });
        let json = serde_json::to_string_pretty(&value).unwrap();
        for size in [1, 2, 3, 1000] {
            let mut shown = Vec::new();
            let mut escaping = Escaping::new(&mut shown);
            json.as_bytes().chunks(size).for_each(|part| escaping.write_all(part).unwrap());
            escaping.finish().unwrap();
            let shown = String::from_utf8(shown).unwrap();
            assert!(shown.lines().all(is_safe) && shown.contains("日本 é 😀"), "{shown}");
            assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), value);
        }
        let mut shown = Vec::new();
        let mut escaping = Escaping::new(&mut shown);
        escaping.write_all(b"a\xffb\xc3").unwrap();
        escaping.finish().unwrap();
        assert_eq!(shown, "a\u{fffd}b\u{fffd}".as_bytes());
    }
}
