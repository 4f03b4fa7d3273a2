//! What a token is, a literal or the name of a column that identifies or classifies, and how far a column and its value
//! reach.

use super::{EMPTY, EVERYTHING, Reach, pattern};
use std::cmp::Ordering;

/// Orders two literals, or `None` if one is not a literal.
pub fn compare_literals(left: &str, right: &str) -> Option<Ordering> {
    if let (Ok(left), Ok(right)) = (left.parse::<f64>(), right.parse::<f64>()) {
        return left.partial_cmp(&right);
    }
    if let (true, true) = (is_literal(left), is_literal(right)) {
        return Some(unquoted(left).cmp(unquoted(right)));
    }
    let words = ["true", "false", "null"];
    (words.contains(&left) && words.contains(&right)).then(|| left.cmp(right))
}

/// Whether a token is a text or a number.
pub fn is_literal(text: &str) -> bool {
    text.starts_with('\'') || text.parse::<f64>().is_ok()
}

/// Whether a token is a number that is not positive.
pub fn is_zero(text: &str) -> bool {
    unquoted(text).parse::<f64>().is_ok_and(|number| number <= 0.0)
}

/// Whether a token is neither a word nor a text.
pub fn is_symbol(text: &str) -> bool {
    !text
        .chars()
        .any(|c| c.is_alphanumeric() || matches!(c, '_' | '*' | '%' | '?' | '.' | '/' | '$' | '\'' | '"' | '`'))
}

/// A token without its quotes.
pub fn unquoted(text: &str) -> &str {
    text.trim_matches(['\'', '"', '`'])
}

/// The last name of a column: `u.id` is `id`.
fn last_name(column: &str) -> &str {
    let column = unquoted(column);
    column.rsplit(['.', '/', '@']).next().unwrap_or(column)
}

/// Whether a column names the thing itself, so that it has a value in every row.
pub fn is_identity(column: &str) -> bool {
    let name = last_name(column);
    ["id", "_id", "uid", "uuid", "guid", "key", "pk", "name", "rowid", "ctid", "dn"].contains(&name)
        || name.ends_with("_id")
}

/// Whether a column says what a thing is, so that a value of it selects all there is of a kind.
fn is_kind(column: &str) -> bool {
    const KINDS: [&str; 12] = [
        "kind",
        "type",
        "_type",
        "resource",
        "resourcetype",
        "resource_type",
        "objectclass",
        "objectcategory",
        "class",
        "entity",
        "model",
        "doctype",
    ];
    KINDS.contains(&last_name(column))
}

/// The reach of a field that has to match a value.
pub fn matching(field: &str, value: &str) -> Reach {
    if field == "f()" || field == "()" || matches!(value, "f()" | "()" | "select()") {
        return Reach::Unknown;
    }
    let value = unquoted(value);
    if value.trim().is_empty() || value == "null" || value == "none" {
        return Reach::All(EMPTY);
    }
    // One of two values, or a field that exists.
    let is_flag = matches!(value, "0" | "1" | "true" | "false" | "t" | "f" | "yes" | "no" | "y" | "n");
    if is_flag && !is_identity(field) && field != "value" || matches!(field, "_exists_" | "_missing_") {
        return Reach::Loose;
    }
    // Lucene excludes what begins with a minus.
    if let Some(excluded) = field.strip_prefix('-') {
        return matching(excluded, value).not();
    }
    match pattern(value) {
        // Only wildcards, or classes and repetitions of a regular expression.
        Reach::All(_) if !value.contains(char::is_alphanumeric) || value.contains('[') => Reach::All(EVERYTHING),
        Reach::All(_) => Reach::Loose,
        _ if is_kind(field) => Reach::Loose,
        reach => reach,
    }
}
