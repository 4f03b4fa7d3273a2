//! Everything that is printed, in one of two ways. [`data`] is for programs: the exact bytes. A [`Page`], `outln!` and
//! `errln!` are for people: line by line, and nothing in a line begins another one or controls the terminal. Text that
//! others wrote goes through [`plain`] before it is put into a line.

use anstyle::Style;
use std::borrow::Cow;
use std::fmt::{self, Write as _};
use std::io::{self, IsTerminal, Write};
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

/// The maximum length of a text of others within a line, in characters as they are shown.
const MAX_TEXT_CHARS: usize = 300;
/// The maximum length of a paragraph, and of a line as a whole.
const MAX_LINE_CHARS: usize = 4_000;
/// The maximum number of lines of a message.
const MAX_LINES: usize = 200;
/// The maximum number of marks on one character. Languages need three; more cover the lines above and below.
const MAX_MARKS: usize = 4;
/// The max width of a wrapped line.
pub const WIDTH: usize = 96;
/// What [`paint`] writes. No other escape sequence reaches the terminal.
const STYLES: [&str; 5] = ["\x1b[0m", "\x1b[1m", "\x1b[31m", "\x1b[32m", "\x1b[33m"];

/// Prints a line on standard output. Unlike `println!` it returns an error if nothing reads the output any more.
#[macro_export]
macro_rules! outln {
    () => { $crate::outln!("") };
    ($($text:tt)*) => { $crate::output::print_line(&mut $crate::output::stdout(), format_args!($($text)*)) };
}

/// Prints a line on standard error. If that fails, nothing can report it.
#[macro_export]
macro_rules! errln {
    ($($text:tt)*) => {
        drop($crate::output::print_line(&mut $crate::output::stderr(), format_args!($($text)*)))
    };
}

/// Adds a line to a page.
#[macro_export]
macro_rules! line {
    ($page:expr, $($text:tt)*) => { $page.line(format_args!($($text)*)) };
}

/// Prints data for programs on standard output, byte for byte. On a terminal, characters that are not shown are escaped
/// as in JSON, and only the line breaks are kept.
pub fn data(write: impl FnOnce(&mut dyn Write) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let stdout = io::stdout();
    let is_terminal = stdout.is_terminal();
    let mut out = io::BufWriter::new(stdout.lock());
    if is_terminal {
        let mut escaping = Escaping { out: &mut out, incomplete: Vec::new() };
        write(&mut escaping)?;
        escaping.finish()?;
    } else {
        write(&mut out)?;
    }
    Ok(out.flush()?)
}

/// Standard output, whose styles are left out where nothing shows them.
pub fn stdout() -> impl Write {
    anstream::stdout().lock()
}

/// Standard error, in the same way.
pub fn stderr() -> impl Write {
    anstream::stderr().lock()
}

/// Prints one line.
///
/// # Errors
/// The error of writing it.
pub fn print_line(out: &mut impl Write, text: fmt::Arguments<'_>) -> io::Result<()> {
    let mut page = Page::default();
    page.line(text);
    out.write_all(page.0.as_bytes())
}

/// Escapes text of others for a place within a line: everything that is not shown, moves the cursor, changes the direction
/// or begins a line, and blanks and marks in a row. Long text is cut.
pub fn plain(text: &str) -> Cow<'_, str> {
    let is_ordinary = |c: &u8| (b'!'..=b'~').contains(c);
    if text.len() <= MAX_TEXT_CHARS && text.bytes().all(|c| is_ordinary(&c)) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(escaped(text, MAX_TEXT_CHARS, false))
}

/// Paints text of our own or text that is escaped.
pub fn paint(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// Text for people. Its lines are those that were added, whatever is in them.
#[derive(Default)]
pub struct Page(String);

impl Page {
    /// Adds a line. Whatever in it is not shown is escaped, line breaks as well.
    pub fn line(&mut self, text: fmt::Arguments<'_>) {
        let text = text.to_string();
        if text.bytes().all(|c| (b' '..=b'~').contains(&c)) && text.len() <= MAX_LINE_CHARS {
            self.0 += &text;
        } else {
            let mut rest = text.as_str();
            let mut left = MAX_LINE_CHARS;
            while let Some(c) = rest.chars().next() {
                if let Some(style) = STYLES.iter().find(|style| rest.starts_with(**style)) {
                    self.0 += style;
                    rest = &rest[style.len()..];
                } else if left == 0 {
                    let more = rest.chars().count();
                    // Writing to a string does not fail.
                    let _ = write!(self.0, "… ({more} more){}", STYLES[0]);
                    break;
                } else {
                    push(&mut self.0, c);
                    rest = &rest[c.len_utf8()..];
                    left -= 1;
                }
            }
        }
        self.0.push('\n');
    }

    /// Adds the lines of another page.
    pub fn append(&mut self, other: &Self) {
        self.0 += &other.0;
    }

    /// The number of lines.
    pub fn lines(&self) -> usize {
        self.0.lines().count()
    }

    /// Adds an empty line.
    pub fn blank(&mut self) {
        self.0.push('\n');
    }

    /// Adds text of others, wrapped into lines that all have an indent.
    pub fn paragraph(&mut self, indent: &str, text: &str) {
        let mut line = String::new();
        let mut left = MAX_LINE_CHARS;
        for word in text.split_whitespace().map(plain) {
            let length = word.chars().count();
            if !line.is_empty() && line.chars().count() + 1 + length > WIDTH.saturating_sub(indent.len()) {
                self.line(format_args!("{indent}{line}"));
                line.clear();
            }
            if !line.is_empty() {
                line.push(' ');
            }
            if length > left {
                line.push('…');
                break;
            }
            left -= length;
            line += &word;
        }
        self.line(format_args!("{indent}{line}"));
    }

    /// Adds a message that may quote text of others. Its first line follows the label; the others are marked, so that
    /// none of them looks like a line of this program.
    pub fn message(&mut self, label: &str, text: &str) {
        let mut lines = text.lines();
        let first = lines.next().unwrap_or_default();
        self.line(format_args!("{label} {}", escaped(first, MAX_LINE_CHARS, false)));
        for line in lines.by_ref().take(MAX_LINES) {
            self.line(format_args!("  | {}", escaped(line, MAX_LINE_CHARS, true)));
        }
        match lines.count() {
            0 => {}
            more => self.line(format_args!("  | … ({more} more lines)")),
        }
    }

    /// The page as text without colours.
    pub fn text(&self) -> String {
        anstream::adapter::strip_str(&self.0).to_string()
    }

    /// Prints the page on standard output.
    pub fn print(&self) -> io::Result<()> {
        let mut out = anstream::stdout().lock();
        out.write_all(self.0.as_bytes())?;
        out.flush()
    }

    /// Prints the page on standard error. If that fails, nothing can report it.
    pub fn print_error(&self) {
        drop(anstream::stderr().lock().write_all(self.0.as_bytes()));
    }
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
fn push(out: &mut String, c: char) {
    if is_hidden(c) {
        out.extend(c.escape_default());
    } else {
        out.push(c);
    }
}

/// Escapes text, and cuts it after `max_chars` characters of the result. Blanks in a row are kept if `keep_blanks`.
fn escaped(text: &str, max_chars: usize, keep_blanks: bool) -> String {
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
struct Escaping<W: Write> {
    out: W,
    /// The first bytes of a character whose other bytes are not written yet.
    incomplete: Vec<u8>,
}

impl<W: Write> Escaping<W> {
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
    fn finish(mut self) -> io::Result<()> {
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
mod tests {
    use super::*;

    const HOSTILE: &str = "a\x1b[2J\x1b]0;t\x07\r\nallow y: fine\u{85}\u{9b}2J\u{7f}\0\u{ad}\u{61c}\u{200b}\u{200f}\u{2028}\u{202e}\u{2060}\u{2066}\u{feff}\u{fff9}\u{e0041}\u{e000}\u{3164}\u{34f}\u{a0}";

    fn is_safe(text: &str) -> bool {
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

    #[test]
    fn nothing_in_a_line_begins_another() {
        let mut page = Page::default();
        page.line(format_args!("id {HOSTILE}"));
        page.paragraph("  ", HOSTILE);
        page.message("error:", HOSTILE);
        line!(page, "{}", "z".repeat(MAX_LINE_CHARS + 1));
        for line in page.0.lines() {
            assert!(is_safe(line.trim_end_matches(STYLES[0])), "{line}");
            assert!(["id a", "  ", "error: ", "zzz"].iter().any(|begin| line.starts_with(begin)), "{line}");
        }
        assert_eq!(page.0.lines().filter(|line| line.starts_with("  | allow y: fine")).count(), 1);
        assert!(page.0.ends_with(&format!("z… (1 more){}\n", STYLES[0])));
    }

    #[test]
    fn only_our_own_styles_reach_the_terminal() {
        use anstyle::AnsiColor;
        let mut page = Page::default();
        let style = AnsiColor::Red.on_default().bold();
        line!(page, "{} \x1b[31;8m \x1b[2J", paint(style, "deny"));
        assert_eq!(page.0, format!("{style}deny{style:#} \\u{{1b}}[31;8m \\u{{1b}}[2J\n"));
    }

    /// JSON that is shown on a terminal is the same JSON, however it is cut into writes.
    #[test]
    fn data_on_a_terminal_is_escaped_and_stays_the_same_json() {
        let value = serde_json::json!({ "id": HOSTILE.replace('\0', ""), "name": "日本 é 😀" });
        let json = serde_json::to_string_pretty(&value).unwrap();
        for size in [1, 2, 3, 1000] {
            let mut shown = Vec::new();
            let mut escaping = Escaping { out: &mut shown, incomplete: Vec::new() };
            json.as_bytes().chunks(size).for_each(|part| escaping.write_all(part).unwrap());
            escaping.finish().unwrap();
            let shown = String::from_utf8(shown).unwrap();
            assert!(shown.lines().all(is_safe) && shown.contains("日本 é 😀"), "{shown}");
            assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), value);
        }
        let mut shown = Vec::new();
        let mut escaping = Escaping { out: &mut shown, incomplete: Vec::new() };
        escaping.write_all(b"a\xffb\xc3").unwrap();
        escaping.finish().unwrap();
        assert_eq!(shown, "a\u{fffd}b\u{fffd}".as_bytes());
    }
}
