//! Which batches a policy looks at. Whatever is not known counts as inside: a scope must not be a way out.

use reprieve_model::{ActorType, Claims, Facts, Mode, Tally};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The batches that a policy looks at. Each key narrows it; none: all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scope {
    /// `soft` or `hard`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// Environments, by the request or by the inventory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment: Option<OneOrMore<String>>,
    /// Kinds of targets, by the request or by the inventory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_kind: Option<OneOrMore<String>>,
    /// Kinds of actors.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<OneOrMore<ActorType>>,
}

/// A value, or a list of values of which any will do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum OneOrMore<T> {
    /// One.
    One(T),
    /// Any of these.
    More(Vec<T>),
}

impl<T> OneOrMore<T> {
    fn any(&self, matches: impl Fn(&T) -> bool) -> bool {
        match self {
            Self::One(value) => matches(value),
            Self::More(values) => values.iter().any(matches),
        }
    }
}

/// Environments whose name says what they are. Another name may be anybody's word for any of them.
const ENVIRONMENTS: &[&str] = &["production", "staging", "test", "development", "sandbox", "preview", "local"];

impl Scope {
    /// Whether a batch is inside, or may be.
    pub fn covers(&self, claims: &Claims, facts: &Facts) -> bool {
        let resolved = facts.inventory.as_ref();
        let environments = (&facts.environments, resolved.map(|inventory| &inventory.environments));
        let kinds = (&facts.kinds, resolved.map(|inventory| &inventory.kinds));
        let actor = claims.actor.as_ref().and_then(|actor| actor.actor_type).unwrap_or(ActorType::Unknown);
        self.mode.is_none_or(|mode| mode == claims.mode)
            && self.environment.as_ref().is_none_or(|wanted| {
                let known = ENVIRONMENTS.contains(&claims.environment.as_str());
                !known || wanted.any(|name| may_be(name, &claims.environment, environments))
            })
            && self
                .target_kind
                .as_ref()
                .is_none_or(|wanted| wanted.any(|name| may_be(name, &claims.target_kind, kinds)))
            && self
                .actor
                .as_ref()
                .is_none_or(|wanted| actor == ActorType::Unknown || wanted.any(|wanted| *wanted == actor))
    }
}

/// Whether any of the targets may have that name: by the request's word, by the list's, by the inventory's, or because
/// the inventory does not know.
fn may_be(name: &str, claimed: &str, (listed, resolved): (&Tally, Option<&Tally>)) -> bool {
    let says = |tally: &Tally| tally.others > 0 || tally.counts.keys().any(|known| known.eq_ignore_ascii_case(name));
    name.eq_ignore_ascii_case(claimed.trim())
        || says(listed)
        || resolved.is_some_and(|tally| tally.unknown > 0 || says(tally))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Batch, Folder};
    use reprieve_model::Review;
    use std::path::Path;

    fn covers(when: &str, request: &str) -> bool {
        let scope: Scope = toml::from_str(when).unwrap();
        let mut whole = serde_json::json!({
            "id": "1", "mode": "hard", "environment": "production", "target_kind": "app", "targets": [{ "id": "a" }]
        });
        let patch: serde_json::Map<String, serde_json::Value> = serde_json::from_str(request).unwrap();
        whole.as_object_mut().unwrap().extend(patch);
        let (folder, _) = Folder::of(Path::new("Cargo.toml")).unwrap();
        let batch = Batch::read(whole.to_string().as_bytes(), "request.json", &folder).unwrap();
        let review: Review = serde_json::from_str(&batch.review(None).unwrap().0).unwrap();
        scope.covers(&review.claims, &review.facts)
    }

    #[test]
    fn a_scope_is_narrowed_by_each_key() {
        assert!(covers("", "{}"));
        assert!(covers("mode = 'hard'\nenvironment = ['staging', 'production']", "{}"));
        assert!(!covers("mode = 'soft'", "{}"));
        assert!(!covers("mode = 'hard'\ntarget_kind = 'site'", "{}"));
        assert!(covers("actor = 'ai-agent'", r#"{"actor": {"type": "ai-agent"}}"#));
        assert!(!covers("actor = 'ai-agent'", r#"{"actor": {"type": "human"}}"#));
    }

    #[test]
    fn what_the_list_says_is_inside() {
        let sites = "target_kind = 'site'";
        assert!(!covers(sites, r#"{"targets": [{"id": "a"}, {"id": "b", "kind": "app"}]}"#));
        assert!(covers(sites, r#"{"targets": [{"id": "a"}, {"id": "b", "kind": "Site"}]}"#));
        let live = r#"{"environment": "staging", "targets": [{"id": "a", "environment": "production"}]}"#;
        assert!(covers("environment = 'production'", live));
        assert!(!covers("environment = 'test'", live));
    }

    #[test]
    fn what_is_not_known_is_inside() {
        let production = "environment = 'production'";
        assert!(!covers(production, r#"{"environment": "staging"}"#));
        for name in ["Staging", "prod-eu", "st\u{430}ging", " production"] {
            assert!(covers(production, &format!(r#"{{"environment": "{name}"}}"#)), "{name}");
        }
        assert!(covers("actor = 'ai-agent'", "{}"));
        assert!(covers("actor = 'ai-agent'", r#"{"actor": {"type": "unknown"}}"#));
    }
}
