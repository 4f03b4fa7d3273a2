//! A file of statements, read in one dialect.

use super::findings::Findings;
use super::statement::Walk;
use sqlparser::ast::Visit;
use sqlparser::dialect::{Dialect, GenericDialect, MySqlDialect, PostgreSqlDialect, SQLiteDialect};
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer, Whitespace};
use std::ops::ControlFlow;

/// A dialect with its name in messages.
pub(super) type Named = (&'static str, &'static dyn Dialect);

/// The dialects of databases.
pub(super) const DIALECTS: [Named; 3] = [POSTGRES, ("MySQL", &MySqlDialect {}), SQLITE];
pub(super) const POSTGRES: Named = ("PostgreSQL", &PostgreSqlDialect {});
pub(super) const SQLITE: Named = ("SQLite", &SQLiteDialect {});

/// A mixture of all, for statements that none of them has.
pub(super) const GENERIC: Named = ("standard SQL", &GenericDialect);

/// The most words and operators of a statement. Each may nest what follows one deeper, and a tree is dropped recursively.
const MAX_WORDS: usize = 4_000;

/// The words of statements that may delete.
const RISKY: &[&str] = &["ALTER", "CALL", "DELETE", "DO", "DROP", "EXECUTE", "MERGE", "REPLACE", "TRUNCATE"];

/// What a dialect reads.
pub(super) struct Reading {
    pub(super) dialect: &'static str,
    pub(super) findings: Findings,
    /// How many of its words may delete, wherever they are.
    pub(super) risky_words: usize,
    /// The line and the message of the statement that it cannot parse. The findings are those before it.
    pub(super) error: Option<(u64, String)>,
    /// The line and the message of a statement that it can parse and that may delete.
    pub(super) refusal: Option<(u64, String)>,
}

/// Reads a text in a dialect.
pub(super) fn read_as((name, dialect): &Named, text: &str, key: &str) -> Reading {
    let mut reading =
        Reading { dialect: name, findings: Findings::default(), risky_words: 0, error: None, refusal: None };
    let tokens = match Tokenizer::new(*dialect, text).tokenize_with_location() {
        Ok(tokens) => tokens,
        Err(error) => {
            reading.error = Some((error.location.line, error.message));
            return reading;
        }
    };
    reading.risky_words = count_risky(&tokens);
    reading.refusal = refuse_tokens(&tokens);
    if reading.refusal.is_some() {
        return reading;
    }
    let mut parser = Parser::new(*dialect).with_tokens_with_locations(tokens);
    loop {
        while parser.consume_token(&Token::SemiColon) {}
        let line = parser.peek_token_ref().span.start.line;
        if parser.peek_token_ref().token == Token::EOF {
            return reading;
        }
        let statement = match parser.parse_statement() {
            Ok(statement) => statement,
            Err(error) => {
                let here = parser.peek_token_ref().span.start.line.max(line);
                reading.error = Some(describe(&error, here));
                return reading;
            }
        };
        let mut walk = Walk { findings: &mut reading.findings, line, key };
        if let ControlFlow::Break(message) = statement.visit(&mut walk) {
            reading.refusal = Some((line, message));
            return reading;
        }
        let next = parser.peek_token_ref();
        let line = next.span.start.line.max(line);
        match &next.token {
            Token::SemiColon => {}
            Token::EOF => {
                let message = "the last statement does not end with `;`: the file may be cut off";
                reading.refusal = Some((line, message.to_owned()));
                return reading;
            }
            other => {
                reading.error = Some((line, format!("expected `;` after the statement, found `{other}`")));
                return reading;
            }
        }
    }
}

/// Counts the words that may delete and are outside of texts and comments. What follows `--` on its line is not counted:
/// without a blank after it, it is a comment for all but MySQL, which refuses the line.
fn count_risky(tokens: &[TokenWithSpan]) -> usize {
    let mut after_dashes = 0;
    let mut dash = None;
    let mut count = 0;
    for TokenWithSpan { token, span } in tokens {
        match token {
            Token::Minus if dash == Some(span.start) => after_dashes = span.start.line,
            Token::Minus => dash = Some(span.end),
            Token::Word(word) if word.quote_style.is_none() && span.start.line != after_dashes => {
                count += usize::from(RISKY.iter().any(|risky| word.value.eq_ignore_ascii_case(risky)));
            }
            _ => {}
        }
    }
    count
}

/// Refuses what no parser is given: statements that are too deep, and comments that MariaDB runs.
fn refuse_tokens(tokens: &[TokenWithSpan]) -> Option<(u64, String)> {
    let mut words = 0;
    for TokenWithSpan { token, span } in tokens {
        let line = span.start.line;
        match token {
            Token::SemiColon => words = 0,
            Token::Whitespace(Whitespace::MultiLineComment(comment)) if comment.starts_with("M!") => {
                return Some((line, "MariaDB runs what is in this comment, and it is not read".to_owned()));
            }
            Token::Whitespace(_) | Token::Comma | Token::LParen | Token::RParen => {}
            Token::Number(..) | Token::SingleQuotedString(_) => {}
            Token::Word(word) if ["NULL", "TRUE", "FALSE", "DEFAULT"].contains(&word.value.as_str()) => {}
            _ => words += 1,
        }
        if words > MAX_WORDS {
            return Some((
                line,
                format!("the statement has more than {MAX_WORDS} words; write `id IN (…)` instead of `OR`"),
            ));
        }
    }
    None
}

fn describe(error: &ParserError, here: u64) -> (u64, String) {
    let message = match error {
        ParserError::TokenizerError(message) | ParserError::ParserError(message) => message.as_str(),
        ParserError::RecursionLimitExceeded => "it is nested too deep",
    };
    let (message, place) = message.rsplit_once(" at Line: ").unwrap_or((message, ""));
    let line = place.split(',').next().and_then(|line| line.parse().ok()).unwrap_or(here);
    (line, message.to_owned())
}
