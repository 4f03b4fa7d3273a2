//! What a statement calls and reads, so that a database can say whether it returns the same when the statement runs.

use sqlparser::ast::{Expr, InTarget, ObjectName, Statement, TableFactor, Visit, Visitor};
use sqlparser::tokenizer::{Token, TokenWithSpan};
use std::collections::BTreeSet;
use std::ops::ControlFlow;

/// The operators that a database uses for clauses that have none: `IN`, `BETWEEN`, `LIKE`, `SIMILAR TO`, `DISTINCT`, and
/// joins by name.
const IMPLIED_OPERATORS: [&str; 10] = ["=", "<>", "<", "<=", ">", ">=", "~~", "!~~", "~~*", "!~~*"];

/// What a statement calls and reads. Names have no schema, and are as the database knows them: in lower case unless they are
/// quoted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Uses {
    /// The functions that it calls.
    pub functions: BTreeSet<String>,
    /// What follows a dot. PostgreSQL calls the function `f` for `row.f` if the row has no such column.
    pub attributes: BTreeSet<String>,
    /// The operators. Some are not in the statement, but may be used for what is in it.
    pub operators: BTreeSet<String>,
    /// The tables and views that it reads, as SQL with their schemas. Some may be names that the statement itself defines.
    pub relations: BTreeSet<String>,
}

impl Uses {
    /// Reads a statement and its words.
    ///
    /// # Errors
    /// A message if there is a statement in the statement.
    pub(super) fn of(statement: &Statement, words: &[&TokenWithSpan]) -> Result<Self, String> {
        let mut calls = Calls::default();
        if statement.visit(&mut calls).is_break() {
            return Err("there is a statement in the statement".to_owned());
        }
        Ok(Self { attributes: attributes(words), operators: operators(words), ..calls.uses })
    }
}

/// A name as the database knows it.
fn folded(name: &str, quote: Option<char>) -> String {
    if quote.is_some() { name.to_owned() } else { name.to_lowercase() }
}

/// The names that follow a dot.
fn attributes(words: &[&TokenWithSpan]) -> BTreeSet<String> {
    let tokens: Vec<&Token> =
        words.iter().map(|word| &word.token).filter(|token| !matches!(token, Token::Whitespace(_))).collect();
    let after_dot = tokens.windows(2).filter_map(|pair| match pair {
        [Token::Period, Token::Word(word)] => Some(folded(&word.value, word.quote_style)),
        _ => None,
    });
    after_dot.collect()
}

/// Every part of a run of signs: which of them are one operator is left to the database.
fn operators(words: &[&TokenWithSpan]) -> BTreeSet<String> {
    let is_operator = |sign: &str| sign.chars().all(|c| "+-*/<>=~!@#%^&|`?".contains(c));
    let signs: Vec<String> = words.iter().map(|word| word.token.to_string()).collect();
    let mut found: BTreeSet<String> = IMPLIED_OPERATORS.map(str::to_owned).into();
    for run in signs.split(|sign| !is_operator(sign)) {
        let run = run.concat();
        let parts = (0..run.len()).flat_map(|begin| (begin + 1..=run.len()).map(move |end| begin..end));
        found.extend(parts.filter_map(|part| run.get(part).map(str::to_owned)));
    }
    found
}

/// Looks for calls. Stops at a statement in the statement.
#[derive(Default)]
struct Calls {
    statements: u32,
    uses: Uses,
}

impl Calls {
    fn add(&mut self, function: &ObjectName) {
        let last = function.0.last().and_then(|part| part.as_ident());
        let name = last.map_or_else(|| function.to_string(), |name| folded(&name.value, name.quote_style));
        self.uses.functions.insert(name);
    }
}

impl Visitor for Calls {
    type Break = ();

    fn pre_visit_statement(&mut self, _: &Statement) -> ControlFlow<()> {
        self.statements += 1;
        if self.statements > 1 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<()> {
        self.uses.relations.insert(relation.to_string());
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        match expr {
            Expr::Function(function) => self.add(&function.name),
            Expr::In { target: InTarget::Table { name, args: Some(_) }, .. } => self.add(name),
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, table: &TableFactor) -> ControlFlow<()> {
        if let TableFactor::Table { name, args: Some(_), .. } | TableFactor::Function { name, .. } = table {
            self.add(name);
        }
        ControlFlow::Continue(())
    }
}
