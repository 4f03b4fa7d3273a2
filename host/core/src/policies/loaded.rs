//! A policy that is loaded, with its configuration.

use super::scope::Scope;
use super::set::Missing;
use reprieve_model::{Nature, Severity};
use reprieve_sandbox::{Data, Input, Measure, Policy, View};
use std::borrow::Cow;

/// A policy of the set.
pub(crate) struct LoadedPolicy {
    pub policy: Policy,
    pub enforced: bool,
    /// What a finding about something that was not shown counts as.
    pub missing: Missing,
    pub scope: Scope,
    /// Its settings as JSON.
    pub settings: String,
    pub settings_sha256: String,
    pub data: Data,
    /// The bytes of its module: a component or a core module.
    pub module: Cow<'static, [u8]>,
    /// Bytes of memory that an instance may use, if the operator allows less than the sandbox does.
    pub memory: Option<u64>,
}

impl LoadedPolicy {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.policy.descriptor.name
    }

    /// Whether it requests columns.
    pub fn observes(&self) -> bool {
        !self.policy.descriptor.columns.is_empty()
    }

    /// The severity of a finding in this set.
    pub fn severity(&self, rule: &str, nature: Nature, severity: Severity) -> Severity {
        let is_never_lifted = self.policy.descriptor.rule(rule).is_some_and(|rule| rule.never_lifted);
        if nature == Nature::Missing && self.missing == Missing::Warn && !is_never_lifted {
            Severity::Warn
        } else {
            severity
        }
    }

    /// What it receives about a batch of `rows` rows.
    pub fn input<'a>(&'a self, review: &'a str, views: &'a [View<'a>], rows: u64) -> Input<'a> {
        Input { review, settings: &self.settings, data: &self.data, views, rows, memory: self.memory }
    }

    /// The value of the setting that limits `measure`, set by the operator or by default.
    pub fn limit(&self, measure: Measure) -> Option<f64> {
        let limit = self.policy.descriptor.limits.iter().find(|limit| limit.measure == measure)?;
        let settings: serde_json::Value = serde_json::from_str(&self.settings).ok()?;
        let default = &self.policy.descriptor.settings_schema["properties"][&limit.setting]["default"];
        settings.get(&limit.setting).unwrap_or(default).as_f64()
    }

    /// The code of a rule: `policy/rule`.
    pub fn code(&self, rule: &str) -> String {
        [self.name(), "/", rule].concat()
    }
}
