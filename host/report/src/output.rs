//! Everything that is printed, in one of two ways. [`data`] is for programs: the exact bytes. A [`Page`], `outln!` and
//! `errln!` are for people: line by line, and nothing in a line begins another one or controls the terminal. Text that
//! others wrote goes through [`plain`] before it is put into a line.

pub use crate::escape::plain;
use crate::escape::{Escaping, escaped, push};
use anstyle::Style;
use std::fmt::{self, Write as _};
use std::io::{self, IsTerminal, Write};

/// The maximum length of a paragraph, and of a line as a whole.
const MAX_LINE_CHARS: usize = 4_000;
/// The maximum number of lines of a message.
const MAX_LINES: usize = 200;
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
        let mut escaping = Escaping::new(&mut out);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::escape::tests::{HOSTILE, is_safe};

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
}
