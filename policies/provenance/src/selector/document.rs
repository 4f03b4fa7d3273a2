//! Query documents: JSON as Elasticsearch and MongoDB read it, and calls that hold one.

use super::tokens::{Token, tokens};
use super::{EMPTY, EVERYTHING, MAX_DEPTH, Reach, condition};

/// The reach of a query document.
pub fn reach(text: &str) -> Reach {
    let tokens = tokens(text);
    let mut reader = Reader { tokens: &tokens, at: 0, depth: 0 };
    match reader.value("", Meaning::Field) {
        Some(reach) if reader.at == tokens.len() => reach,
        _ => Reach::Unknown,
    }
}

/// The reach of a call, `db.users.deleteMany({…})`, or `None` if the text is not a call of a method.
pub fn of_call(text: &str) -> Option<Reach> {
    let text = text.trim_end_matches(';').trim();
    let (name, rest) = text.split_once('(').unwrap_or((text, ""));
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '$' | '!');
    if !name.contains('.') || !name.chars().all(is_name) || name.starts_with(['.', '$']) {
        return None;
    }
    if !text.contains('(') {
        // `User.delete_all` is a call as well; `app.17` is an id.
        let words: Vec<String> = name.split(['.', '_']).map(str::to_lowercase).collect();
        let destroys = ["delete", "destroy", "drop", "truncate", "remove", "purge", "flush"];
        let is_call = words.iter().any(|word| destroys.contains(&word.trim_end_matches('!')));
        return is_call.then_some(Reach::All("is a call without a condition"));
    }
    let (Some(open), Some(close)) = (rest.find('{'), rest.rfind('}')) else {
        return Some(Reach::All("is a call without a condition"));
    };
    // A chain of calls may widen what the first one selects.
    let after = rest.get(close + 1..).unwrap_or_default().trim();
    match rest.get(open..=close) {
        Some(document) if rest[..open].trim().is_empty() && after.starts_with(')') => Some(reach(document)),
        _ => Some(Reach::Unknown),
    }
}

/// What the keys of an object are.
#[derive(Clone, Copy, PartialEq)]
enum Meaning {
    /// Fields or operators, all of which must hold.
    Field,
    /// Alternatives.
    Any,
    /// What is excluded.
    Not,
}

struct Reader<'a> {
    tokens: &'a [Token],
    at: usize,
    depth: usize,
}

impl Reader<'_> {
    fn next(&mut self) -> Option<&str> {
        let token = self.tokens.get(self.at)?;
        self.at += 1;
        Some(token)
    }

    fn take(&mut self, token: &str) -> bool {
        let found = self.tokens.get(self.at).is_some_and(|next| next == token);
        self.at += usize::from(found);
        found
    }

    /// The reach of a value below `key`.
    fn value(&mut self, key: &str, meaning: Meaning) -> Option<Reach> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return None;
        }
        let reach = match self.tokens.get(self.at)?.as_str() {
            "{" => self.object(key, meaning),
            "[" => self.list(key, meaning),
            _ => self.text(key),
        };
        self.depth -= 1;
        reach
    }

    fn object(&mut self, parent: &str, meaning: Meaning) -> Option<Reach> {
        self.at += 1;
        let mut reach: Option<Reach> = None;
        // Elasticsearch: beside other conditions, `should` only orders the result.
        let mut should: Option<Reach> = None;
        while !self.take("}") {
            if self.take(",") {
                continue;
            }
            let key = self.next()?.trim_matches(['"', '\'', '`']).to_owned();
            if !self.take(":") {
                return None;
            }
            let name = key.trim_start_matches('$');
            let below = match name {
                "should" | "or" | "any" | "dis_max" => Meaning::Any,
                "must_not" | "nor" | "not" | "ne" | "nin" => Meaning::Not,
                _ => Meaning::Field,
            };
            let part = match name {
                "match_all" => {
                    self.value(&key, Meaning::Field)?;
                    Reach::All(EVERYTHING)
                }
                // What orders or limits a result does not narrow it.
                "size"
                | "from"
                | "sort"
                | "boost"
                | "minimum_should_match"
                | "conflicts"
                | "slices"
                | "case_insensitive"
                | "limit"
                | "justone"
                | "multi"
                | "collation"
                | "comment"
                | "path"
                | "score_mode"
                | "operator"
                | "analyzer"
                | "fuzziness"
                | "_name"
                | "index" => {
                    self.value(&key, Meaning::Field)?;
                    continue;
                }
                "exists" | "gt" | "gte" | "lt" | "lte" | "range" | "regex" | "where" | "expr" | "script" | "type" => {
                    self.value(&key, Meaning::Field)?;
                    Reach::Loose
                }
                _ => {
                    let field = if key.starts_with('$') || is_operator(name) { parent } else { name };
                    self.value(field, below)?
                }
            };
            if key == "should" {
                should = Some(part);
                continue;
            }
            let part = if below == Meaning::Not { part.not() } else { part };
            reach = Some(match (reach, meaning) {
                (None, _) => part,
                (Some(reach), Meaning::Any) => reach.or(part),
                (Some(reach), _) => reach.and(part),
            });
        }
        Some(reach.or(should).unwrap_or(Reach::All(EMPTY)))
    }

    fn list(&mut self, key: &str, meaning: Meaning) -> Option<Reach> {
        self.at += 1;
        let mut reach: Option<Reach> = None;
        while !self.take("]") {
            if self.take(",") {
                continue;
            }
            let is_object = self.tokens.get(self.at)? == "{";
            let part = self.value(key, Meaning::Field)?;
            // Values are alternatives; conditions must all hold, unless they are alternatives themselves.
            reach = Some(match reach {
                None => part,
                Some(reach) if is_object && meaning == Meaning::Field => reach.and(part),
                Some(reach) => reach.or(part),
            });
        }
        Some(reach.unwrap_or(Reach::All(EMPTY)))
    }

    fn text(&mut self, key: &str) -> Option<Reach> {
        let value = self.next()?.to_owned();
        let field = if key.is_empty() { "value" } else { key };
        Some(condition::of_tokens(&[field.to_owned(), "=".to_owned(), value], None))
    }
}

/// Whether a key is an operator of a query language and not a field.
fn is_operator(name: &str) -> bool {
    const OPERATORS: [&str; 23] = [
        "query",
        "bool",
        "must",
        "filter",
        "term",
        "terms",
        "match",
        "match_phrase",
        "prefix",
        "wildcard",
        "ids",
        "values",
        "value",
        "in",
        "eq",
        "and",
        "should",
        "must_not",
        "or",
        "not",
        "nor",
        "constant_score",
        "query_string",
    ];
    OPERATORS.contains(&name)
}
