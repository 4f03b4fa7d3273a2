//! Filters of LDAP: `(&(objectClass=user)(uid=bob))`.

use super::words::matching;
use super::{ALWAYS_TRUE, MAX_DEPTH, Reach};

/// The reach of a filter of LDAP, or `None` if the text is not one.
pub fn reach(text: &str) -> Option<Reach> {
    let mut rest = text;
    let reach = filter_of(&mut rest, 0)?;
    rest.trim().is_empty().then_some(reach)
}

fn filter_of(rest: &mut &str, depth: usize) -> Option<Reach> {
    if depth > MAX_DEPTH {
        return None;
    }
    *rest = rest.trim_start().strip_prefix('(')?.trim_start();
    let operator = rest.chars().next()?;
    let reach = match operator {
        '&' | '|' | '!' => {
            *rest = rest[1..].trim_start();
            let mut reach: Option<Reach> = None;
            while rest.starts_with('(') {
                let part = filter_of(rest, depth + 1)?;
                reach = Some(match (reach, operator) {
                    (None, _) => part,
                    (Some(reach), '&') => reach.and(part),
                    (Some(reach), _) => reach.or(part),
                });
                *rest = rest.trim_start();
            }
            // `(&)` is the absolute true filter.
            let reach = reach.unwrap_or(Reach::All(ALWAYS_TRUE));
            if operator == '!' { reach.not() } else { reach }
        }
        _ => {
            let (filter, _) = rest.split_once(')')?;
            let at = filter.find('=')?;
            let (field, value) = (&filter[..at], &filter[at + 1..]);
            let is_field =
                |c: char| c.is_alphanumeric() || matches!(c, '-' | '.' | ';' | ':' | '>' | '<' | '~' | '_');
            if field.is_empty() || filter.contains('(') || !field.chars().all(is_field) {
                return None;
            }
            *rest = &rest[filter.len()..];
            match field.chars().last() {
                Some('>' | '<') => Reach::Loose,
                _ => matching(&field.to_lowercase(), &value.to_lowercase()),
            }
        }
    };
    *rest = rest.strip_prefix(')')?;
    Some(reach)
}
