//! Finds conditions that are always true. They remain when a filter loses its value, or are added to satisfy a
//! tool that requires a condition.

use std::cmp::Ordering;

/// Whether an always-true condition follows `where` or `or`, or is the whole text, and nothing narrows it: `1 = 1`,
/// `id = id`, `true`, `1 < 2`, `name like '%'`. The language is unknown, so only the common forms are found.
pub fn is_always_true(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    let tokens = tokens(&text);
    (0..tokens.len()).any(|start| {
        let before = start.checked_sub(1).map(|at| tokens[at]);
        matches!(before, None | Some("where" | "or" | "||")) && starts_always_true(&tokens[start..], before)
    })
}

/// Whether the tokens start with an always-true term, in any number of parentheses, and nothing narrows it.
fn starts_always_true(tokens: &[&str], before: Option<&str>) -> bool {
    let opened = tokens.iter().take_while(|token| **token == "(").count();
    let tokens = &tokens[opened..];
    term(tokens, before).is_some_and(|length| {
        let next = tokens.get(length);
        next.is_none_or(|token| matches!(*token, ";" | ")" | "--" | "or" | "||" | "limit" | "order"))
    })
}

/// The number of tokens of the always-true term at the start, or `None` if there is no such term.
fn term(tokens: &[&str], before: Option<&str>) -> Option<usize> {
    match *tokens {
        ["not", "(", "false", ")", ..] => Some(4),
        [left, comparison, right, ..] if compare(left, comparison, right, before.is_some()) => Some(3),
        [_, "like" | "ilike", pattern, ..] if pattern.len() > 2 && pattern.trim_matches(['\'', '%']).is_empty() => {
            Some(3)
        }
        ["not", "false", ..] => Some(2),
        ["true", ..] => Some(1),
        // Without `where`, a number is an id or a count.
        [number, ..] if before == Some("where") && number.parse::<u64>().is_ok_and(|number| number > 0) => Some(1),
        _ => None,
    }
}

/// Whether a comparison is true for every row: it compares two literals or, in a statement, a column with itself.
/// Outside a statement, `app=app` is a label and its value.
fn compare(left: &str, comparison: &str, right: &str, in_statement: bool) -> bool {
    let is_quoted = |text: &str| text.starts_with('\'');
    let order = match (left.parse::<u64>(), right.parse::<u64>()) {
        (Ok(left), Ok(right)) => left.cmp(&right),
        _ if is_quoted(left) && is_quoted(right) => left.cmp(right),
        _ if in_statement && left == right => Ordering::Equal,
        _ => return false,
    };
    match comparison {
        "=" | "==" | "===" => order.is_eq(),
        "<>" | "!=" | "!==" => order.is_ne(),
        "<" => order.is_lt(),
        "<=" => order.is_le(),
        ">" => order.is_gt(),
        ">=" => order.is_ge(),
        _ => false,
    }
}

/// Splits a text into words and numbers, quoted texts with their quotes, operators, and single other characters.
fn tokens(text: &str) -> Vec<&str> {
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.');
    let is_operator = |c: char| matches!(c, '=' | '<' | '>' | '!' | '|' | '&' | '-');
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let run = |of: fn(char) -> bool| rest.find(|c| !of(c)).unwrap_or(rest.len());
        let length = match first {
            '\'' | '"' | '`' => rest[1..].find(first).map_or(rest.len(), |end| end + 2),
            c if is_word(c) => run(is_word),
            c if is_operator(c) => run(is_operator),
            c => c.len_utf8(),
        };
        let (token, tail) = rest.split_at(length);
        tokens.push(token);
        rest = tail.trim_start();
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_conditions_that_are_always_true() {
        for text in [
            "true",
            "1 = 1",
            "1=1",
            "'' = ''",
            "name like '%'",
            "delete from users where 1",
            "delete from users where 1;",
            "delete from users where true -- all of them",
            "delete from users where id = id",
            "delete from users where u.id >= u.id",
            "delete from users where \"id\" = \"id\" or retired",
            "select id from t where name LIKE '%' order by id",
            "select id from t where name ilike '%%'",
            "select id from t where not (false)",
            "select id from t where not false limit 10",
            "select id from t where a = 'where' or ((2 > 1))",
            "select id from t where a = 2 or '1'='1' or b",
            "select id from t where 'a' <> 'b'",
            "retired || 1 == 1",
        ] {
            assert!(is_always_true(text), "`{text}`");
        }
    }

    #[test]
    fn accepts_conditions_that_can_be_false() {
        for text in [
            "",
            "17",
            "like",
            "where",
            "where (",
            "a = b",
            "app=app",
            "name like '%-tmp'",
            "name like '%' and retired",
            "not name like '%'",
            "true and retired",
            "retired and 1 = 1",
            "delete from users where 0",
            "delete from users where 1 = 2",
            "delete from users where 1 <> 1",
            "delete from users where 'b' < 'a'",
            "delete from users where id <> id",
            "delete from users where name = 'x or 1=1'",
            "delete from users where name = 'never closed or 1=1",
            "select id from t where vendor = 1",
            "app-17 or app-18",
            "17 or 18",
            "where é = ü",
        ] {
            assert!(!is_always_true(text), "`{text}`");
        }
    }
}
