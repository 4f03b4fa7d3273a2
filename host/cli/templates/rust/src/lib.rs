//! Keeps batches small enough to watch.

use reprieve_sdk::{Context, Findings, Policy, Rule, policy, rules, settings};

settings! {
    /// Settings of the policy `{{name}}`.
    pub struct Settings {
        /// Targets that one batch may hold.
        max_targets: u64 = 100, min = 0, max = 1_000_000, unit = "targets";
    }
}

rules! {
    /// The batch holds more targets than one batch may.
    ///
    /// Small batches can be watched while they run, and restored in one go.
    TOO_MANY = "too-many": wrong, size [max_targets];
}

/// The policy `{{name}}`.
pub struct Rules;

impl Policy for Rules {
    const NAME: &'static str = "{{name}}";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str = "Keeps batches small enough to watch.";
    const RULES: &'static [Rule] = RULES;
    type Settings = Settings;
    type State = ();

    fn check(context: &Context<Settings>, _: &(), findings: &mut Findings) {
        let (targets, max) = (context.facts.targets(), context.settings.max_targets);
        if targets > max {
            findings
                .deny(&TOO_MANY, format!("{targets} targets in one batch, and {max} are allowed"))
                .field("/targets")
                .setting("max_targets")
                .help(format!("split the list into batches of {max}"));
        }
    }
}

policy!(Rules);
