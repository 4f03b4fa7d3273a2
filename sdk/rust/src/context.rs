//! The context of a decision: the batch as a policy sees it.

use crate::TimeZone;
use crate::model::{ActorType, Timestamp, Trigger};
use crate::section::{Claims, Facts, InventoryFacts, Review};

/// Reference data: a file that the operator named under `data`.
#[derive(Clone, Debug, Default)]
pub struct Blob {
    /// Its key under `data` in the policy set.
    pub name: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// Everything that a policy knows about a batch, except its targets: what the request claims, what the host computed or
/// looked up, and what the operator configured.
#[derive(Clone, Debug)]
pub struct Context<S> {
    /// The request without its targets, as submitted.
    pub claims: Claims,
    /// What the host computed or looked up.
    pub facts: Facts,
    /// Facts from the inventory. None: there is no inventory.
    pub inventory: Option<InventoryFacts>,
    /// The settings.
    pub settings: S,
    /// Reference data.
    pub data: Vec<Blob>,
}

/// Seconds by which a time may be in the future, because clocks differ by minutes.
const MAX_CLOCK_SKEW: i64 = 300;

impl<S> Context<S> {
    pub(crate) fn new(review: Review, settings: S, data: Vec<Blob>) -> Self {
        let Review { claims, facts, inventory } = review;
        Self { claims, facts, inventory, settings, data }
    }

    /// Whether the batch is a hard delete: the system itself cannot recover the targets.
    pub fn is_hard(&self) -> bool {
        self.claims.mode().is_hard()
    }

    /// Whether the batch is a soft delete. What is unknown warns then; it denies a hard delete and a batch that disables
    /// its targets.
    pub fn is_soft(&self) -> bool {
        self.claims.mode().is_soft()
    }

    /// Returns `soft` for a soft delete, and else `strict`.
    pub fn by_mode<T>(&self, strict: T, soft: T) -> T {
        if self.is_soft() { soft } else { strict }
    }

    /// The claimed kinds of the targets, each with its number of targets if the request states it.
    pub fn declared_kinds(&self) -> Vec<(&str, Option<u64>)> {
        let several = self.claims.target_kinds().into_iter().flat_map(|kinds| kinds.iter());
        let several = several.map(|(kind, count)| (kind.as_str(), *count));
        self.claims.target_kind().into_iter().map(|kind| (kind.as_str(), None)).chain(several).collect()
    }

    /// What triggered the deletion. None: the request does not say.
    pub fn trigger(&self) -> Option<Trigger> {
        self.claims.reason()?.trigger
    }

    /// Whether the submitter is known to be an AI agent.
    pub fn is_agent(&self) -> bool {
        self.claims.actor().and_then(|actor| actor.actor_type) == Some(ActorType::AiAgent)
    }

    /// Whether evidence with this digest of a program is about the program that makes the call. If neither states a
    /// program, nothing contradicts.
    pub fn is_program(&self, sha256: &Option<String>) -> bool {
        let runs = self.claims.operation().and_then(|operation| non_blank(&operation.program_sha256));
        runs == non_blank(sha256)
    }

    /// Whether `at` is at most `seconds` ago and not in the future, give or take five minutes of clock skew.
    pub fn is_fresh(&self, at: Timestamp, seconds: u64) -> bool {
        let age = self.facts.evaluated_at().since(at);
        age >= -MAX_CLOCK_SKEW && (age < 0 || age as u64 <= seconds)
    }

    /// Whether `at` is further in the future than clock skew explains.
    pub fn is_future(&self, at: Timestamp) -> bool {
        self.facts.evaluated_at().since(at) < -MAX_CLOCK_SKEW
    }

    /// The local time in a time zone, in seconds since 1970-01-01T00:00:00 there. None: the host did not pass the offset
    /// of that zone.
    pub fn local(&self, zone: &TimeZone) -> Option<i64> {
        let offset = self.facts.zones()?.get(&zone.0)?;
        Some(self.facts.evaluated_at().seconds() + offset)
    }

    /// The reference data `name`.
    pub fn data(&self, name: &str) -> Option<&[u8]> {
        self.data.iter().find(|blob| blob.name == name).map(|blob| blob.bytes.as_slice())
    }
}

/// The trimmed text of a field. None: it is absent or blank, or a word for nothing such as `null`, `n/a` or `unknown`.
pub fn non_blank(text: &Option<String>) -> Option<&str> {
    text.as_deref().map(str::trim).filter(|text| !says_nothing(text))
}

/// Words that programs and people write where they have no value.
const NOTHING: [&str; 15] = [
    "",
    "null",
    "\\n",
    "none",
    "nil",
    "nan",
    "n/a",
    "undefined",
    "unknown",
    "unset",
    "not set",
    "unspecified",
    "tbd",
    "todo",
    "no value",
];

/// Whether a text has no letter or digit, or is a word for nothing, with or without brackets and quotes.
fn says_nothing(text: &str) -> bool {
    let word = text.trim_matches(|c: char| {
        matches!(c, '<' | '>' | '(' | ')' | '[' | ']' | '"' | '\'' | '`') || c.is_whitespace()
    });
    word.len() <= 11
        && (NOTHING.iter().any(|nothing| nothing.eq_ignore_ascii_case(word))
            || word.bytes().all(|byte| matches!(byte, b'-' | b'?' | b'.' | b'_')))
}

#[cfg(test)]
mod tests {
    use super::non_blank;
    use crate::same_kind;
    use serde_json::Value;

    /// The JavaScript and Python SDKs have the same cases.
    #[test]
    fn names_and_words_for_nothing_are_as_in_every_sdk() {
        let words: Value = serde_json::from_str(include_str!("../../words.json")).unwrap();
        let list = |name: &str| words[name].as_array().unwrap().iter();
        for case in list("same_kind") {
            let (name, kind) = (case[0].as_str().unwrap(), case[1].as_str().unwrap());
            assert_eq!(same_kind(name, kind), case[2].as_bool().unwrap(), "{case}");
        }
        for text in list("nothing") {
            assert_eq!(non_blank(&Some(text.as_str().unwrap().to_owned())), None, "{text}");
        }
        for case in list("something") {
            assert_eq!(non_blank(&Some(case[0].as_str().unwrap().to_owned())), case[1].as_str(), "{case}");
        }
        assert_eq!(non_blank(&None), None);
    }
}
