//! The scope of a policy: which batches it evaluates. What is unknown counts as covered, so that a request cannot leave a
//! scope by leaving a fact out.

use reprieve_batch::Environments;
use reprieve_model::{ActorType, Claims, Facts, Mode, Tally, same_kind, same_name};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The batches that a policy evaluates. Each key narrows the scope; without keys it covers every batch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scope {
    /// The mode: `soft` or `hard`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// Environments, as the request or the inventory names them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment: Option<OneOrMore<String>>,
    /// Kinds of targets, as the request or the inventory names them. Kinds are compared by their last words: `site` covers
    /// `Sites` and `web_site`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_kind: Option<OneOrMore<String>>,
    /// Kinds of actors.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<OneOrMore<ActorType>>,
}

/// A value, or a list of alternatives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum OneOrMore<T> {
    /// One value.
    One(T),
    /// Any of these values.
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

/// The name of production. Any other name that the policy set does not know may be a synonym of it.
const PRODUCTION: &str = "production";

impl Scope {
    /// Whether it covers a batch, or may cover it.
    pub fn covers(&self, claims: &Claims, facts: &Facts) -> bool {
        let resolved = facts.inventory.as_ref();
        let environments = (&facts.environments, resolved.map(|inventory| &inventory.environments));
        let kinds = (&facts.kinds, resolved.map(|inventory| &inventory.kinds));
        let actor = claims.actor.as_ref().and_then(|actor| actor.actor_type).unwrap_or(ActorType::Unknown);
        self.mode.is_none_or(|mode| mode == claims.mode)
            && self.environment.as_ref().is_none_or(|scope| {
                let known = Environments::of(facts);
                let is_known = |name: &str| name == PRODUCTION || !known.is_production(name);
                let covered = |name: &str| !is_known(name) || scope.any(|other| same_name(other, name));
                any_name(&claims.environment, environments, covered)
            })
            && self.target_kind.as_ref().is_none_or(|scope| {
                let covered = |kind: &str| scope.any(|name| may_be_kind(name, kind));
                claims.kinds().any(|(claimed, _)| any_name(claimed, kinds, covered))
            })
            && self
                .actor
                .as_ref()
                .is_none_or(|scope| actor == ActorType::Unknown || scope.any(|covered| *covered == actor))
    }
}

/// Whether any target may have a name that is covered: because the request, the list or the inventory says so, or because
/// the inventory does not know.
fn any_name(claimed: &str, (listed, resolved): (&Tally, Option<&Tally>), covered: impl Fn(&str) -> bool) -> bool {
    let may_have = |tally: &Tally| tally.others > 0 || tally.counts.keys().any(|name| covered(name));
    covered(claimed) || may_have(listed) || resolved.is_some_and(|tally| tally.unknown > 0 || may_have(tally))
}

/// Whether a kind is the one of a scope, or the scope names it more exactly than the batch. A kind with other letters than
/// those of ASCII may look like any other.
fn may_be_kind(name: &str, kind: &str) -> bool {
    !kind.is_ascii() || same_name(name, kind) || same_kind(name, kind) || same_kind(kind, name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use reprieve_batch::{Batch, Folder};
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
    fn each_key_narrows_the_scope() {
        assert!(covers("", "{}"));
        assert!(covers("mode = 'hard'\nenvironment = ['staging', 'production']", "{}"));
        assert!(!covers("mode = 'soft'", "{}"));
        assert!(!covers("mode = 'hard'\ntarget_kind = 'site'", "{}"));
        assert!(covers("actor = 'ai-agent'", r#"{"actor": {"type": "ai-agent"}}"#));
        assert!(!covers("actor = 'ai-agent'", r#"{"actor": {"type": "human"}}"#));
    }

    #[test]
    fn covers_what_the_list_names() {
        let sites = "target_kind = 'site'";
        assert!(!covers(sites, r#"{"targets": [{"id": "a"}, {"id": "b", "kind": "app"}]}"#));
        assert!(covers(sites, r#"{"targets": [{"id": "a"}, {"id": "b", "kind": "Site"}]}"#));
        let live = r#"{"environment": "staging", "targets": [{"id": "a", "environment": "production"}]}"#;
        assert!(covers("environment = 'production'", live));
        assert!(!covers("environment = 'test'", live));
        let unclear = r#"{"environment": "staging", "targets": [{"id": "a", "environment": "prod-eu"}]}"#;
        assert!(covers("environment = 'production'", unclear));
    }

    #[test]
    fn covers_a_kind_in_every_spelling() {
        for kind in ["site", "sites", "Site ", "web_site", "WebSites", "Confluence::Site"] {
            let claimed = serde_json::json!({ "target_kind": kind }).to_string();
            let listed = serde_json::json!({ "targets": [{ "id": "a", "kind": kind }] }).to_string();
            assert!(covers("target_kind = 'site'", &claimed), "{kind}");
            assert!(covers("target_kind = ['label', 'site']", &listed), "{kind}");
        }
        assert!(covers("target_kind = 'AWS::S3::Bucket'", r#"{"target_kind": "bucket"}"#));
        for kind in ["sitemap", "app", "site_visit"] {
            let claimed = serde_json::json!({ "target_kind": kind }).to_string();
            assert!(!covers("target_kind = 'site'", &claimed), "{kind}");
        }
    }

    #[test]
    fn covers_what_is_unknown() {
        let production = "environment = 'production'";
        assert!(!covers(production, r#"{"environment": "staging"}"#));
        assert!(!covers(production, r#"{"environment": " Staging"}"#));
        for name in ["stagging", "prod-eu", "стейджинг", " production"] {
            assert!(covers(production, &format!(r#"{{"environment": "{name}"}}"#)), "{name}");
        }
        assert!(covers("actor = 'ai-agent'", "{}"));
        assert!(covers("actor = 'ai-agent'", r#"{"actor": {"type": "unknown"}}"#));
    }
}
