//! The one statement of a file that deletes, in the parts that a database needs to say which rows that is.

use super::drops::name;
use super::reading::{POSTGRES, SQLITE};
use super::uses::Uses;
use super::{choose, key_column};
use crate::{Input, Options};
use reprieve_batch::{Place, ReadError};
use sqlparser::ast::{CascadeOption, Delete, FromTable, ObjectName, ObjectType, Statement, TableFactor};
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Location, Token, TokenWithSpan, Tokenizer};

/// A database whose dialect a file is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Database {
    /// PostgreSQL
    Postgres,
    /// SQLite
    Sqlite,
}

/// A statement that deletes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deletion {
    /// Its line in the file.
    pub line: u64,
    /// Its text.
    pub statement: String,
    /// What it deletes.
    pub target: Target,
    /// What it calls and reads.
    pub uses: Uses,
}

/// What a statement deletes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The rows of a table for which a condition is true.
    Rows(Rows),
    /// All rows of tables.
    Truncate {
        /// The tables.
        tables: Vec<TableName>,
        /// Whether tables that refer to them are truncated as well.
        cascade: bool,
    },
    /// Tables with all their rows.
    Drop {
        /// The tables.
        tables: Vec<TableName>,
        /// Whether what depends on them is dropped as well.
        cascade: bool,
    },
}

/// The rows of a DELETE. The texts are those of the file, so that a database reads them as it reads the statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rows {
    /// The table.
    pub table: TableName,
    /// What qualifies a column of the table: its alias, or its name.
    pub row: String,
    /// The table as it is after FROM, with its alias.
    pub from: String,
    /// The further tables.
    pub using: Option<String>,
    /// The condition. Without one, all rows are deleted.
    pub condition: Option<String>,
}

/// The name of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableName {
    /// As SQL, with its quotes.
    pub sql: String,
    /// Its parts without quotes.
    pub parts: Vec<String>,
}

/// Returns the statement of a file that deletes. Beside it, the file may only begin and end a transaction: other statements may
/// change which rows it deletes.
///
/// # Errors
/// [`ReadError`] if the file is not understood, has another statement, or is read differently by other databases.
pub fn deletion(input: &Input<'_>, options: &Options, database: Database) -> Result<Deletion, ReadError> {
    let text = input.text()?;
    let named = match database {
        Database::Postgres => POSTGRES,
        Database::Sqlite => SQLITE,
    };
    choose(input, text, key_column(input, options)?, &[named])?;
    let dialect = named.1;
    let at = |line: u64, message: String| input.error(Place::Line(line), message);
    let tokens = Tokenizer::new(dialect, text).tokenize_with_location();
    let tokens = tokens.map_err(|error| at(error.location.line, error.message))?;
    let mut parser = Parser::new(dialect).with_tokens_with_locations(tokens.clone());
    let mut found = None;
    loop {
        while parser.consume_token(&Token::SemiColon) {}
        let begin = parser.peek_token_ref().span.start;
        if parser.peek_token_ref().token == Token::EOF {
            break;
        }
        let statement = parser.parse_statement().map_err(|error| at(begin.line, error.to_string()))?;
        let end = parser.peek_token_ref().span.start;
        match statement {
            Statement::StartTransaction { .. } | Statement::Commit { .. } => {}
            statement if found.is_none() => {
                let words: Vec<&TokenWithSpan> =
                    tokens.iter().filter(|token| token.span.start >= begin && token.span.start < end).collect();
                let source = Source { text, words: &words, end };
                found = Some(read(&statement, begin, &source).map_err(|message| at(begin.line, message))?);
            }
            _ => {
                let message = "a second statement: what the first one changes may change what this one deletes";
                return Err(at(begin.line, message.to_owned()).with_help("vet each statement in a file of its own"));
            }
        }
    }
    found.ok_or_else(|| input.error(Place::Whole, "the file has no statement that deletes"))
}

fn read(statement: &Statement, begin: Location, source: &Source<'_>) -> Result<Deletion, String> {
    if let Statement::Query(_) = statement {
        return Err("only a DELETE by itself is understood: write what WITH defines as a subquery of its condition"
            .to_owned());
    }
    let uses = Uses::of(statement, source.words)?;
    let tables = |names: Vec<&ObjectName>| names.into_iter().map(table_name).collect::<Result<Vec<_>, _>>();
    let target = match statement {
        Statement::Delete(delete) => Target::Rows(rows(delete, source)?),
        Statement::Truncate(truncate) if truncate.partitions.is_none() => {
            let names = truncate.table_names.iter();
            Target::Truncate {
                tables: tables(names.map(|table| &table.name).collect())?,
                cascade: truncate.cascade == Some(CascadeOption::Cascade),
            }
        }
        Statement::Drop { object_type: ObjectType::Table, names, cascade, .. } => {
            Target::Drop { tables: tables(names.iter().collect())?, cascade: *cascade }
        }
        other => {
            let text = other.to_string();
            let words: Vec<&str> = text.split_whitespace().take(2).collect();
            return Err(format!(
                "a database can say what DELETE, TRUNCATE and DROP TABLE delete, and not `{}`",
                words.join(" ")
            ));
        }
    };
    let statement = source.between(begin, source.end).to_owned();
    Ok(Deletion { line: begin.line, statement, target, uses })
}

fn rows(delete: &Delete, source: &Source<'_>) -> Result<Rows, String> {
    let FromTable::WithFromKeyword(from) = &delete.from else {
        return Err("DELETE without FROM is not understood".to_owned());
    };
    let is_plain = delete.tables.is_empty()
        && delete.on_cluster.is_none()
        && delete.output.is_none()
        && delete.settings.is_none()
        && delete.optimizer_hints.is_empty();
    let (table, alias) = match from.as_slice() {
        [table] if is_plain && table.joins.is_empty() => match &table.relation {
            TableFactor::Table { name, alias, args: None, .. } => (name, alias),
            _ => return Err("the table of the DELETE is not understood".to_owned()),
        },
        _ => return Err("DELETE from several tables is not understood".to_owned()),
    };
    if delete.limit.is_some() || !delete.order_by.is_empty() {
        return Err("which rows a DELETE with LIMIT deletes is not known before it runs".to_owned());
    }
    if alias.as_ref().is_some_and(|alias| !alias.columns.is_empty()) {
        return Err("an alias that renames columns is not understood".to_owned());
    }
    let table = table_name(table)?;
    // Each clause ends where the next one begins, outside of parentheses.
    let is_returned = delete.returning.is_some();
    let from = source.word("FROM", None)?.ok_or("DELETE without FROM is not understood")?;
    let using = if delete.using.is_some() { source.word("USING", Some(from))? } else { None };
    let condition = source.word("WHERE", Some(from))?;
    let returning = if is_returned { source.only_word("RETURNING", from)? } else { None };
    if using.is_some() != delete.using.is_some()
        || condition.is_some() != delete.selection.is_some()
        || returning.is_some() != is_returned
    {
        return Err("the clauses of the DELETE are not understood".to_owned());
    }
    let clause = |begin: Location, nexts: [Option<Location>; 3]| {
        let end = nexts.into_iter().flatten().find(|next| *next > begin).unwrap_or(source.end);
        source.after_word(begin, end).trim().to_owned()
    };
    let row = alias.as_ref().map_or_else(|| table.sql.clone(), |alias| alias.name.to_string());
    Ok(Rows {
        row,
        from: clause(from, [using, condition, returning]),
        using: using.map(|using| clause(using, [None, condition, returning])),
        condition: condition.map(|condition| clause(condition, [None, None, returning])),
        table,
    })
}

fn table_name(table: &ObjectName) -> Result<TableName, String> {
    let parts = table.0.iter().map(|part| part.as_ident().map(|ident| ident.value.clone())).collect::<Option<_>>();
    match parts {
        Some(parts) if name(table).is_some() => Ok(TableName { sql: table.to_string(), parts }),
        _ => Err(format!("the name of the table `{table}` is not understood")),
    }
}

/// The text of a statement.
struct Source<'a> {
    text: &'a str,
    words: &'a [&'a TokenWithSpan],
    end: Location,
}

impl<'a> Source<'a> {
    /// Returns where a keyword first is, outside of parentheses and after a place.
    fn word(&self, keyword: &str, after: Option<Location>) -> Result<Option<Location>, String> {
        self.places(keyword, after).map(|places| places.first().copied())
    }

    /// Returns where a keyword is that may also be a name. If it is there twice, one of them is a name.
    fn only_word(&self, keyword: &str, after: Location) -> Result<Option<Location>, String> {
        match self.places(keyword, Some(after))?.as_slice() {
            [] => Ok(None),
            [place] => Ok(Some(*place)),
            _ => Err(format!("`{keyword}` is twice in the statement; quote it where it is a name")),
        }
    }

    fn places(&self, keyword: &str, after: Option<Location>) -> Result<Vec<Location>, String> {
        let mut depth = 0_u32;
        let mut places = Vec::new();
        for TokenWithSpan { token, span } in self.words {
            match token {
                Token::LParen => depth += 1,
                Token::RParen => depth = depth.checked_sub(1).ok_or("a parenthesis is not opened")?,
                Token::Word(word)
                    if depth == 0
                        && word.quote_style.is_none()
                        && word.value.eq_ignore_ascii_case(keyword)
                        && after.is_none_or(|after| span.start > after) =>
                {
                    places.push(span.start);
                }
                _ => {}
            }
        }
        Ok(places)
    }

    fn between(&self, begin: Location, end: Location) -> &'a str {
        let (begin, end) = (self.offset(begin), self.offset(end));
        self.text.get(begin..end).unwrap_or_default().trim()
    }

    /// The text after the word that begins at a place.
    fn after_word(&self, begin: Location, end: Location) -> &'a str {
        let text = self.between(begin, end);
        text.trim_start_matches(|c: char| c.is_ascii_alphabetic())
    }

    /// The offset in bytes of a place, whose column counts characters.
    fn offset(&self, place: Location) -> usize {
        let lines = usize::try_from(place.line).unwrap_or(usize::MAX).saturating_sub(1);
        let column = usize::try_from(place.column).unwrap_or(usize::MAX).saturating_sub(1);
        let start = match lines {
            0 => 0,
            lines => match self.text.match_indices('\n').nth(lines - 1) {
                Some((end, _)) => end + 1,
                None => return self.text.len(),
            },
        };
        let line = self.text.get(start..).unwrap_or_default();
        start + line.char_indices().nth(column).map_or(line.len(), |(offset, _)| offset)
    }
}
