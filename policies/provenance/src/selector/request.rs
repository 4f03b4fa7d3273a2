//! Requests to a server: `DELETE /index/_doc/17`, with or without a body.

use super::{EVERYTHING, Reach, document, is_all, path, pattern};

/// The reach of a request, or `None` if the text is not one.
pub fn reach(text: &str) -> Option<Reach> {
    let (verb, rest) = text.split_once(char::is_whitespace)?;
    if !["delete", "post", "put", "patch", "get"].contains(&verb.to_lowercase().as_str()) {
        return None;
    }
    let (target, body) = rest.trim().split_once(char::is_whitespace).unwrap_or((rest.trim(), ""));
    if !target.starts_with('/') && (!body.is_empty() || target.is_empty()) {
        return None;
    }
    let body = body.trim();
    if body.starts_with('{') {
        return Some(document::reach(body));
    }
    if target.contains("_by_query") {
        return Some(Reach::All("is a query without a condition"));
    }
    let names: Vec<&str> =
        target.split(['?', '#']).next().unwrap_or_default().split('/').filter(|name| !name.is_empty()).collect();
    let is_open = |name: &&str| is_all(name) || matches!(pattern(name), Reach::All(_)) || name.contains('*');
    Some(match names.last() {
        None => Reach::All("is the root of a server"),
        Some(_) if names.iter().any(is_open) => Reach::All(EVERYTHING),
        Some(_) if names.len() < 2 => Reach::Loose,
        Some(name) => path(name).map_or(Reach::Bounded, Reach::All),
    })
}
