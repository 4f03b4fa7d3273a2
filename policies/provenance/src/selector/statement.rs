//! Statements of SQL and Cypher.

use super::tokens::{Token, tokens};
use super::{Reach, condition};

/// Why a statement selects everything.
const NO_CONDITION: &str = "is a statement without a condition";

/// The reach of a statement, or `None` if the text is not one.
pub fn reach(text: &str) -> Option<Reach> {
    of_tokens(&tokens(text))
}

/// The reach of a statement in tokens, or `None` if it is not one. Of several statements, the widest reach.
pub fn of_tokens(tokens: &[Token]) -> Option<Reach> {
    let mut reach: Option<Reach> = None;
    for statement in tokens.split(|token| token == ";").filter(|statement| !statement.is_empty()) {
        let one = match (one(statement), reach) {
            (Some(one), _) => one,
            (None, None) => return None,
            (None, Some(_)) => Reach::Unknown,
        };
        reach = Some(reach.map_or(one, |reach| reach.or(one)));
    }
    reach
}

/// The reach of a statement in the condition of another one.
fn subquery(tokens: &[Token]) -> Reach {
    of_tokens(tokens).unwrap_or(Reach::Unknown)
}

fn one(tokens: &[Token]) -> Option<Reach> {
    let word = |at: usize| tokens.get(at).map(String::as_str).unwrap_or_default();
    let has = |name: &str| tokens.iter().any(|token| token == name);
    match word(0) {
        "(" if matches!(word(1), "select" | "with") => Some(Reach::Unknown),
        "truncate" | "flushall" | "flushdb" => {
            (tokens.len() > 1 || word(0) != "truncate").then_some(Reach::All(NO_CONDITION))
        }
        "drop" if tokens.len() > 1 => Some(Reach::All(NO_CONDITION)),
        "delete" | "select" if has("from") => Some(filtered(tokens)),
        "update" if has("set") => Some(filtered(tokens)),
        "with" if has("select") => Some(filtered(tokens)),
        "merge" | "insert" | "alter" | "call" | "exec" | "execute" | "do" | "replace"
            if has("into") || has("table") =>
        {
            Some(Reach::Unknown)
        }
        "match" | "optional" | "detach" if word(1) == "(" || word(1) == "match" => Some(cypher(tokens)),
        _ => None,
    }
}

/// The reach of a statement with `where`. In a statement with subqueries, every part needs a condition.
fn filtered(tokens: &[Token]) -> Reach {
    let mut depth = 0_usize;
    let mut start = None;
    for (at, token) in tokens.iter().enumerate() {
        match token.as_str() {
            "(" => depth += 1,
            ")" => depth = depth.saturating_sub(1),
            "union" | "except" | "intersect" | "minus" if depth == 0 => return Reach::Unknown,
            "where" if depth == 0 => start = Some(at + 1),
            _ => {}
        }
    }
    let Some(start) = start else {
        let narrowed = ["having", "using", "join"].iter().any(|word| tokens.iter().any(|token| token == word));
        return if narrowed { joined(tokens) } else { Reach::All(NO_CONDITION) };
    };
    let rest = tokens.get(start..).unwrap_or_default();
    let mut depth = 0_usize;
    let end = rest.iter().position(|token| {
        match token.as_str() {
            "(" => depth += 1,
            ")" => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0
            && matches!(
                token.as_str(),
                "limit" | "order" | "group" | "returning" | "offset" | "fetch" | "for" | "option"
            )
    });
    let condition = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
    if condition.is_empty() {
        return Reach::All(NO_CONDITION);
    }
    condition::of_tokens(condition, Some(subquery))
}

/// The reach of a join without `where`: `join u on 1 = 1` selects everything, any other one is unknown.
fn joined(tokens: &[Token]) -> Reach {
    let on = tokens.iter().position(|token| token == "on");
    let condition = on.and_then(|on| tokens.get(on + 1..)).unwrap_or_default();
    match condition::of_tokens(condition, Some(subquery)) {
        all @ Reach::All(_) => all,
        _ => Reach::Unknown,
    }
}

/// The reach of a statement of Cypher: it needs a `where`, or a property in a pattern.
fn cypher(tokens: &[Token]) -> Reach {
    let start = tokens.iter().position(|token| token == "where");
    if let Some(start) = start {
        let rest = tokens.get(start + 1..).unwrap_or_default();
        let end = rest
            .iter()
            .position(|token| matches!(token.as_str(), "detach" | "delete" | "set" | "remove" | "return" | "with"));
        return condition::of_tokens(rest.get(..end.unwrap_or(rest.len())).unwrap_or_default(), Some(subquery));
    }
    let has_property = tokens.windows(4).any(|four| four[0] == "{" && four[2] == ":" && four[3] != "}");
    if has_property { Reach::Bounded } else { Reach::All(NO_CONDITION) }
}

/// Whether a query selects what is not in another set.
pub fn is_complement(tokens: &[Token]) -> bool {
    let (mut join, mut outer, mut is_null, mut grep, mut inverts) = (false, false, false, false, false);
    let mut before = "";
    for token in tokens {
        if matches!(before, "~" | "!" | "not" | "-") && (token.contains("isin") || token.contains("exists")) {
            return true;
        }
        before = token;
    }
    let mut words =
        tokens.iter().map(String::as_str).filter(|token| token.contains(char::is_alphanumeric)).peekable();
    while let Some(word) = words.next() {
        let next = words.peek().copied().unwrap_or_default();
        match word {
            "except" | "minus" | "comm" | "setdiff" | "difference" | "antijoin" => return true,
            "anti" if next == "join" => return true,
            "not" if matches!(next, "in" | "exists" | "any") => return true,
            "join" => join = true,
            "left" | "right" | "full" | "outer" => outer = true,
            "is" if next == "null" => is_null = true,
            "grep" => grep = true,
            word if word.starts_with('-') && word.contains('v') => inverts = true,
            _ => {}
        }
    }
    (join && outer && is_null) || (grep && inverts)
}
