//! How far a selector reaches: a filter, pattern, path, document or command that the call expands by itself.
//!
//! The language is not stated, so it is recognised by its form. What is not recognised is [`Reach::Unknown`], and never
//! taken for bounded.

mod command;
mod condition;
mod document;
mod ldap;
mod path;
mod request;
mod statement;
mod tokens;
mod words;

pub use path::path;

/// How far a selector reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// It names what it selects, or a narrow part of its source.
    Bounded,
    /// It only excludes something, or has one limit: `age > 30`, `name != 'x'`, `kind = 'app'`.
    Loose,
    /// It selects everything.
    All(&'static str),
    /// It is in no known form.
    Unknown,
}

impl Reach {
    /// The reach if both must hold: the narrower one.
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Bounded, _) | (_, Self::Bounded) => Self::Bounded,
            (Self::Unknown, _) | (_, Self::Unknown) => Self::Unknown,
            (Self::Loose, _) | (_, Self::Loose) => Self::Loose,
            (all, _) => all,
        }
    }

    /// The reach if one of both must hold: the wider one.
    fn or(self, other: Self) -> Self {
        match (self, other) {
            (all @ Self::All(_), _) | (_, all @ Self::All(_)) => all,
            (Self::Unknown, _) | (_, Self::Unknown) => Self::Unknown,
            (Self::Loose, _) | (_, Self::Loose) => Self::Loose,
            (Self::Bounded, Self::Bounded) => Self::Bounded,
        }
    }

    /// The reach of what is not selected.
    fn not(self) -> Self {
        match self {
            // All but a part.
            Self::Bounded | Self::Loose => Self::Loose,
            Self::All(_) | Self::Unknown => Self::Unknown,
        }
    }
}

/// How deeply conditions and documents may be nested.
const MAX_DEPTH: usize = 32;
/// Why a condition selects everything.
const ALWAYS_TRUE: &str = "has a condition that is always true";
/// Why an empty selector selects everything.
const EMPTY: &str = "is empty, which many interfaces read as \"all\"";
/// Why a pattern or a word selects everything.
const EVERYTHING: &str = "matches everything";

/// How far a selector reaches.
pub fn reach(selector: &str) -> Reach {
    let text = plain(selector);
    let text = text.trim();
    if text.is_empty() {
        return Reach::All(EMPTY);
    }
    if let Some(inner) = unquoted(text) {
        return if inner.trim().is_empty() { Reach::All(EMPTY) } else { reach(inner) };
    }
    if let Some(reach) = statement(text) {
        return reach;
    }
    if text.starts_with('{') || text.starts_with('[') && text.ends_with(']') {
        return document::reach(text);
    }
    if let Some(why) = path(text) {
        return Reach::All(why);
    }
    if let Some(reach) = document::of_call(text) {
        return reach;
    }
    if !text.contains(char::is_whitespace)
        && let Some(reach) = word(text)
    {
        return reach;
    }
    match condition(text) {
        Reach::Unknown => command::reach(text),
        reach => reach,
    }
}

/// What is wrong with the query behind a list.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// Why it selects everything, or `None` if it does not.
    pub unconditional: Option<&'static str>,
    /// Whether it selects what is not in another set.
    pub is_complement: bool,
}

/// Reads the query behind a list. Its result was counted and vetted, so only a query that selects everything counts.
pub fn query(text: &str) -> Query {
    let plain = plain(text);
    let tokens = tokens::tokens(&plain);
    let statement = request::reach(&plain).or_else(|| statement::of_tokens(&tokens));
    let unconditional = match statement.unwrap_or_else(|| condition(&plain)) {
        Reach::All(why) => Some(why),
        _ => None,
    };
    Query { unconditional, is_complement: statement::is_complement(&tokens) }
}

/// The reach of a request to a server or of a statement, or `None` if the text is neither.
fn statement(text: &str) -> Option<Reach> {
    request::reach(text).or_else(|| statement::reach(text))
}

/// The reach of a filter of LDAP, or of a condition in another language.
fn condition(text: &str) -> Reach {
    let filter = text.starts_with('(').then(|| ldap::reach(text)).flatten();
    filter.unwrap_or_else(|| condition::reach(text))
}

/// The reach of a text without blanks, or `None` if it is a condition such as `app=shop`.
fn word(text: &str) -> Option<Reach> {
    if text.starts_with('-') {
        return Some(command::reach(text));
    }
    if is_all(text) {
        return Some(Reach::All(EVERYTHING));
    }
    if ["delete", "destroy", "drop", "purge", "truncate"].contains(&text.to_lowercase().as_str()) {
        return Some(Reach::All("is a verb without an object"));
    }
    if let Some(reach) = path::address(text) {
        return Some(reach);
    }
    let is_condition = text.contains(['=', '<', '>', '!', ':', '(', ')', ',', '|', '&', '~', ';']);
    // A drive is no field and its value.
    let is_path = text.contains(['/', '\\']) && !text.contains(['=', '<', '>', '!', '(', '|', '&', ';']);
    if is_condition && !is_path {
        return None;
    }
    Some(pattern(text))
}

/// The reach of a pattern: one with fewer than three letters or digits of its own matches too much.
fn pattern(text: &str) -> Reach {
    if !text.contains(['*', '%', '?', '[', '^', '$', '+']) {
        return if text.contains(char::is_alphanumeric) { Reach::Bounded } else { Reach::All(EVERYTHING) };
    }
    // A projection of JMESPath.
    if text.contains("[*]") || text.contains("[]") {
        return Reach::All(EVERYTHING);
    }
    let mut literal = 0;
    let mut in_class = false;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '[' => in_class = true,
            ']' => in_class = false,
            // `\d`, `\w`, `\s`: a class.
            '\\' => drop(chars.next()),
            // What may be repeated zero times is not there.
            c if !in_class && c.is_alphanumeric() && !matches!(chars.peek(), Some('*' | '?' | '{')) => literal += 1,
            _ => {}
        }
    }
    if literal >= 3 { Reach::Bounded } else { Reach::All("is a pattern that matches nearly everything") }
}

/// Whether a word means everything.
fn is_all(text: &str) -> bool {
    const ALL: [&str; 20] = [
        "all",
        "_all",
        "any",
        "every",
        "everything",
        "everyone",
        "1",
        "true",
        "yes",
        "null",
        "none",
        "nil",
        "undefined",
        "match_all",
        "flushall",
        "flushdb",
        "0.0.0.0/0",
        "::/0",
        "allusers",
        "root",
    ];
    let lower = text.to_lowercase();
    let bare = lower.trim_matches(|c: char| matches!(c, '-' | '(' | ')' | ';' | '@' | ':'));
    ALL.contains(&bare) || text.chars().all(|c| !c.is_alphanumeric() && c != '_')
}

/// The text in one quotation, without its quotes.
fn unquoted(text: &str) -> Option<&str> {
    ['"', '\'', '`'].into_iter().find_map(|quote| {
        let inner = text.strip_prefix(quote)?.strip_suffix(quote)?;
        (!inner.contains(quote)).then_some(inner)
    })
}

/// The text without invisible characters, and with the full-width forms of ASCII as ASCII.
fn plain(text: &str) -> String {
    let visible = |c: &char| {
        !matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{e0000}'..='\u{e0fff}')
    };
    let ascii = |c: char| match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
        '\u{2217}' | '\u{204e}' | '\u{a60e}' | '\u{fe61}' => '*',
        '\u{2018}' | '\u{2019}' => '\'',
        '\u{201c}' | '\u{201d}' => '"',
        c => c,
    };
    text.chars().filter(visible).map(ascii).collect()
}

#[cfg(test)]
mod tests;
