//! Conditions: what follows `where` in SQL, label selectors, and queries of Lucene.

use super::tokens::{Token, tokens};
use super::words::{compare_literals, is_identity, is_literal, is_symbol, is_zero, matching, unquoted};
use super::{ALWAYS_TRUE, EMPTY, EVERYTHING, MAX_DEPTH, Reach};
use std::cmp::Ordering;

/// Returns the reach of a subquery.
pub type Subquery = fn(&[Token]) -> Reach;

/// The reach of a condition outside of a statement.
pub fn reach(text: &str) -> Reach {
    of_tokens(&tokens(text), None)
}

/// The reach of a condition in tokens. In a statement, words are columns, and `subquery` reads the statements in it.
pub fn of_tokens(tokens: &[Token], subquery: Option<Subquery>) -> Reach {
    let mut parser = Parser { tokens, at: 0, depth: 0, subquery };
    match parser.any_of() {
        Some(reach) if parser.at == tokens.len() => reach,
        _ => Reach::Unknown,
    }
}

struct Parser<'a> {
    tokens: &'a [Token],
    at: usize,
    depth: usize,
    subquery: Option<Subquery>,
}

impl<'a> Parser<'a> {
    fn in_statement(&self) -> bool {
        self.subquery.is_some()
    }

    fn peek(&self, ahead: usize) -> &'a str {
        self.tokens.get(self.at + ahead).map(String::as_str).unwrap_or_default()
    }

    /// Goes past the next token if it is one of these.
    fn take(&mut self, words: &[&str]) -> bool {
        let found = self.at < self.tokens.len() && words.contains(&self.peek(0));
        self.at += usize::from(found);
        found
    }

    fn next(&mut self) -> Option<&'a str> {
        let token = self.tokens.get(self.at)?;
        self.at += 1;
        Some(token)
    }

    /// `a or b or c`
    fn any_of(&mut self) -> Option<Reach> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return None;
        }
        let mut reach = self.all_of()?;
        while self.take(&["or", "||", "|"]) {
            reach = reach.or(self.all_of()?);
        }
        self.depth -= 1;
        Some(reach)
    }

    /// `a and b and c`; in label selectors, a comma.
    fn all_of(&mut self) -> Option<Reach> {
        let mut reach = self.negated()?;
        while self.take(&["and", "&&", "&", ","]) {
            reach = reach.and(self.negated()?);
        }
        Some(reach)
    }

    fn negated(&mut self) -> Option<Reach> {
        let mut negated = false;
        while self.take(&["not", "!"]) {
            negated = !negated;
        }
        let reach = match self.peek(0) {
            "(" if !self.is_value_list() => {
                self.at += 1;
                let reach = self.any_of()?;
                self.take(&[")"]).then_some(reach)?
            }
            _ => self.predicate()?,
        };
        // `not false` is true.
        Some(match (negated, reach) {
            (true, Reach::Bounded) if self.ended_in_false() => Reach::All(ALWAYS_TRUE),
            (true, reach) => reach.not(),
            (false, reach) => reach,
        })
    }

    /// Whether the condition that was just read is the constant false.
    fn ended_in_false(&self) -> bool {
        let before = |back: usize| self.at.checked_sub(back).and_then(|at| self.tokens.get(at)).map(String::as_str);
        before(1) == Some("false") || before(1) == Some(")") && before(2) == Some("false")
    }

    /// Whether the parenthesis begins a row: `(a, b) in (…)`.
    fn is_value_list(&self) -> bool {
        self.peek(2) == ","
    }

    fn predicate(&mut self) -> Option<Reach> {
        let left = self.operand()?;
        let negated = self.take(&["not"]);
        let Some(operator) = self.tokens.get(self.at).map(String::as_str) else { return Some(self.bare(&left)) };
        let reach = match operator {
            "=" | "==" | "===" | ":" | "eq" | "-eq" | "equals" | "is" if !negated => {
                self.at += 1;
                self.equal(&left, operator)?
            }
            "like" | "ilike" | "~" | "=~" | "~~" | "~*" | "rlike" | "regexp" | "similar" | "glob" | "contains"
            | "-like" | "-match" | "startswith" | "matches" => {
                self.at += 1;
                self.take(&["to"]);
                let value = self.value()?;
                matching(&left, &value)
            }
            "in" | "-in" => {
                self.at += 1;
                self.list(&left)?
            }
            "between" => {
                self.at += 1;
                let (low, _, high) = (self.value()?, self.take(&["and"]).then_some(())?, self.value()?);
                if low == high && !is_identity(&left) { Reach::Bounded } else { Reach::Loose }
            }
            "<>" | "!=" | "!==" | "<" | "<=" | ">" | ">=" | "-ne" | "-gt" | "-ge" | "-lt" | "-le" | "!~"
            | "notin" => {
                self.at += 1;
                if operator == "notin" {
                    self.list(&left).map(|_| Reach::Loose)?
                } else {
                    self.compare(&left, operator)?
                }
            }
            _ if negated => return None,
            _ => return Some(self.bare(&left)),
        };
        Some(if negated { reach.not() } else { reach })
    }

    /// A column, a literal or a call. A call is written as `f()`.
    fn operand(&mut self) -> Option<String> {
        if self.peek(0) == "(" {
            self.skip_parentheses()?;
            return Some("()".to_owned());
        }
        let first = self.next()?;
        if is_symbol(first) {
            return None;
        }
        if self.peek(0) == "(" && !is_literal(first) {
            let is_subquery = self.peek(1) == "select";
            self.skip_parentheses()?;
            return Some(if is_subquery { "select()".to_owned() } else { "f()".to_owned() });
        }
        Some(first.to_owned())
    }

    /// A value, which may be missing: `hosts=`.
    fn value(&mut self) -> Option<String> {
        match self.peek(0) {
            "" | "," | ")" | "and" | "or" | "&&" | "||" | "&" | ";" => Some(String::new()),
            _ => self.operand(),
        }
    }

    fn skip_parentheses(&mut self) -> Option<()> {
        let mut depth = 0;
        loop {
            match self.next()? {
                "(" => depth += 1,
                ")" => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return Some(());
            }
        }
    }

    fn equal(&mut self, left: &str, operator: &str) -> Option<Reach> {
        if operator == "is" {
            let negated = self.take(&["not"]);
            return Some(match self.value()?.as_str() {
                "null" if negated && is_identity(left) => Reach::All(ALWAYS_TRUE),
                "true" if !negated => self.bare(left),
                "false" if negated => self.bare(left),
                _ => Reach::Loose,
            });
        }
        // Lucene: `state:(a or b)`, `age:[1 TO 9]`, `age:>3`.
        if operator == ":" && matches!(self.peek(0), "(" | "[" | "{" | ">" | "<" | ">=" | "<=") {
            return self.lucene(left);
        }
        let right = self.value()?;
        Some(match compare_literals(left, &right) {
            Some(order) if order.is_eq() => Reach::All(ALWAYS_TRUE),
            Some(_) => Reach::Bounded,
            None if self.in_statement() && left == right => Reach::All(ALWAYS_TRUE),
            None => matching(left, &right),
        })
    }

    fn lucene(&mut self, left: &str) -> Option<Reach> {
        if self.peek(0) != "(" {
            // A range.
            while self.at < self.tokens.len() && !matches!(self.peek(0), "and" | "or" | ")") {
                self.at += 1;
            }
            return Some(Reach::Loose);
        }
        self.at += 1;
        let mut reach = Reach::Bounded;
        let mut any = false;
        while !self.take(&[")"]) {
            if self.take(&["or", "and", ","]) {
                continue;
            }
            let value = self.next()?;
            reach = reach.or(if value == "not" { Reach::Loose } else { matching(left, value) });
            any = true;
        }
        Some(if any { reach } else { Reach::All(EMPTY) })
    }

    /// `in (1, 2)`, `in ()`, `in (select …)`.
    fn list(&mut self, left: &str) -> Option<Reach> {
        let close = match self.next()? {
            "(" => ")",
            "[" => "]",
            _ => return None,
        };
        if matches!(self.peek(0), "select" | "with") {
            let start = self.at;
            self.at -= 1;
            self.skip_parentheses()?;
            let inner = self.tokens.get(start..self.at - 1)?;
            // A subquery within one is not read, so that their depth cannot exhaust the stack.
            let is_nested = inner.iter().skip(1).any(|token| token == "select");
            return Some(self.subquery.filter(|_| !is_nested).map_or(Reach::Unknown, |subquery| subquery(inner)));
        }
        let mut values = 0;
        let mut reach = Reach::Bounded;
        while !self.take(&[close]) {
            let value = self.next()?;
            if value == "," {
                continue;
            }
            if value == "(" {
                self.at -= 1;
                self.skip_parentheses()?;
            } else {
                reach = match compare_literals(left, value) {
                    Some(order) if order.is_eq() => Reach::All(ALWAYS_TRUE),
                    Some(_) => reach,
                    None if left == value => Reach::All(ALWAYS_TRUE),
                    None => reach.or(matching(left, value)),
                };
            }
            values += 1;
        }
        Some(if values == 0 { Reach::All(EMPTY) } else { reach })
    }

    fn compare(&mut self, left: &str, operator: &str) -> Option<Reach> {
        let right = self.value()?;
        let holds = |order: Ordering| match operator {
            "<>" | "!=" | "!==" | "-ne" => order.is_ne(),
            "<" | "-lt" => order.is_lt(),
            "<=" | "-le" => order.is_le(),
            ">" | "-gt" => order.is_gt(),
            _ => order.is_ge(),
        };
        let order = match compare_literals(left, &right) {
            None if self.in_statement() && left == right => Some(Ordering::Equal),
            order => order,
        };
        Some(match order {
            Some(order) if holds(order) => Reach::All(ALWAYS_TRUE),
            Some(_) => Reach::Bounded,
            // Ids are positive and not empty.
            None if is_identity(left) && (is_zero(&right) || unquoted(&right).is_empty()) => Reach::All(ALWAYS_TRUE),
            None => Reach::Loose,
        })
    }

    /// A condition that is a single operand.
    fn bare(&self, operand: &str) -> Reach {
        match operand {
            "true" => Reach::All(ALWAYS_TRUE),
            "false" | "0" => Reach::Bounded,
            number if number.parse::<f64>().is_ok() => {
                // Without a statement, a number is an id or a count.
                if self.in_statement() { Reach::All(ALWAYS_TRUE) } else { Reach::Bounded }
            }
            "f()" | "()" | "select()" => Reach::Unknown,
            text if !text.contains(char::is_alphanumeric) => Reach::All(EVERYTHING),
            column if self.in_statement() && is_identity(column) => Reach::All(ALWAYS_TRUE),
            // A column that is true or false.
            _ if self.in_statement() => Reach::Loose,
            _ => Reach::Unknown,
        }
    }
}
