//! What a token is: a literal, or the name of a column that identifies or classifies.

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
pub fn is_kind(column: &str) -> bool {
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
