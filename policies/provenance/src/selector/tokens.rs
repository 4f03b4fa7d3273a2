//! Splits conditions and statements into tokens, without comments.

/// A token in lower case. A quoted text keeps its quotes, so that it is not taken for a word.
pub type Token = String;

/// Splits a text into words, numbers, quoted texts, operators and single other characters. Comments are left out.
pub fn tokens(text: &str) -> Vec<Token> {
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '*' | '%' | '?' | '$' | '@' | '/' | '\\');
    let is_operator = |c: char| matches!(c, '=' | '<' | '>' | '!' | '|' | '&' | '~');
    let lower = text.to_lowercase();
    let mut tokens = Vec::new();
    let mut rest = lower.trim_start();
    while let Some(first) = rest.chars().next() {
        if let Some(after) = comment(rest) {
            rest = after.trim_start();
            continue;
        }
        let run = |of: &dyn Fn(char) -> bool| rest.find(|c| !of(c)).unwrap_or(rest.len());
        let length = match first {
            '\'' | '"' | '`' => quoted(rest, first),
            // A dash inside a word belongs to it: `app-17`.
            c if is_word(c) || c == '-' => {
                let word = run(&|c| is_word(c) || c == '-');
                // A comment ends a word.
                let begins_comment = |two: &[u8]| matches!(two, b"/*" | b"--");
                rest.as_bytes().windows(2).take(word).skip(1).position(begins_comment).map_or(word, |at| at + 1)
            }
            c if is_operator(c) => run(&is_operator),
            c => c.len_utf8(),
        };
        let (token, tail) = rest.split_at(length);
        tokens.push(token.to_owned());
        rest = tail.trim_start();
    }
    tokens
}

/// The length of a quoted text. A doubled quote is a quote in it.
fn quoted(text: &str, quote: char) -> usize {
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c == '\\' {
            chars.next();
        } else if c == quote {
            if chars.peek().is_some_and(|(_, next)| *next == quote) {
                chars.next();
            } else {
                return at + 1;
            }
        }
    }
    text.len()
}

/// What follows a comment, if the text begins with one: `-- …`, `# …`, `/* … */`.
fn comment(text: &str) -> Option<&str> {
    if text.starts_with("--") || text.starts_with("# ") {
        return Some(text.split_once('\n').map_or("", |(_, rest)| rest));
    }
    let inside = text.strip_prefix("/*").filter(|inside| !inside.is_empty())?;
    Some(inside.split_once("*/").map_or("", |(_, rest)| rest))
}
