//! The four rules as a Reprieve policy. The host has counted everything they need, so it asks for no column.

use reprieve_sdk::{Case, Findings, Policy, Rule, policy, rules, settings};

settings! {
    /// Settings of the policy `peers`.
    pub struct Settings {
        /// Tenants that a hard delete may reach.
        max_tenants: u64 = 60, 0..=1_000_000_000, "tenants";
        /// Tenants that a soft delete may reach.
        max_tenants_soft: u64 = 500, 0..=1_000_000_000, "tenants";
    }
}

rules! {
    /// A target is not of the kind that the request names.
    ///
    /// A list of other things is a list of the wrong things.
    KIND_MISMATCH = "kind-mismatch" [];

    /// More tenants than the mode of the request permits.
    ///
    /// The defaults are those of the built-in policy `blast-radius`.
    TOO_MANY_TENANTS = "too-many-tenants" [max_tenants, max_tenants_soft];

    /// An id that is empty, or stands in two targets.
    ///
    /// Such a list was not made by asking for things one by one.
    BAD_IDS = "bad-ids" [];

    /// The request states another number of rows than it has targets.
    ///
    /// The list was cut off or added to on the way.
    COUNT_MISMATCH = "count-mismatch" [];
}

/// The policy `peers`.
#[derive(Debug)]
pub struct Peers;

impl Policy for Peers {
    const NAME: &'static str = "peers";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str = "The four rules that every engine of the comparison is given.";
    const RULES: &'static [Rule] = RULES;
    type Settings = Settings;
    type State = ();

    fn check(case: &Case<Settings>, _: &(), findings: &mut Findings) {
        let (targets, declared) = (case.facts.targets(), case.claims.target_kind());
        let other = targets.saturating_sub(case.facts.kinds().counts.get(declared).copied().unwrap_or_default());
        if other > 0 {
            findings
                .deny(&KIND_MISMATCH, format!("{other} of {targets} targets are not of the kind `{declared}`"))
                .field("/target_kind");
        }
        let tenants = case.facts.tenants().at_most();
        let most = case.by_mode(case.settings.max_tenants, case.settings.max_tenants_soft);
        if tenants > most {
            findings
                .deny(&TOO_MANY_TENANTS, format!("{tenants} tenants, and {most} are allowed"))
                .field("/targets")
                .setting(case.by_mode("max_tenants", "max_tenants_soft"));
        }
        let ids = case.facts.ids();
        let bad = ids.null + ids.empty + ids.duplicate;
        if bad > 0 {
            findings.deny(&BAD_IDS, format!("{bad} of {targets} ids name no thing of their own")).field("/targets");
        }
        let stated = case.claims.provenance().and_then(|provenance| provenance.row_count);
        if stated != Some(targets) {
            let stated = stated.map_or("no number of".to_owned(), |stated| stated.to_string());
            findings
                .deny(&COUNT_MISMATCH, format!("the request states {stated} rows and has {targets}"))
                .field("/provenance/row_count");
        }
    }
}

policy!(Peers);
