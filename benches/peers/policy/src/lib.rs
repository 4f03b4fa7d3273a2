//! The four rules as a Reprieve policy. It requests no columns, because the host counts everything that it needs.

use reprieve_sdk::{Context, Findings, Policy, Rule, policy, rules, settings};

settings! {
    /// Settings of the policy `peers`.
    pub struct Settings {
        /// Maximum number of tenants that a hard delete may reach.
        max_tenants: u64 = 60, min = 0, max = 1_000_000_000, unit = "tenants";
        /// Maximum number of tenants that a soft delete may reach.
        max_tenants_soft: u64 = 500, min = 0, max = 1_000_000_000, unit = "tenants";
    }
}

rules! {
    /// The kind of a target differs from the one in the request.
    ///
    /// The list may contain the wrong resources.
    KIND_MISMATCH = "kind-mismatch": wrong [];

    /// The batch reaches more tenants than the mode of the request allows.
    ///
    /// The defaults are those of the built-in policy `blast-radius`.
    TOO_MANY_TENANTS = "too-many-tenants": wrong, size [max_tenants, max_tenants_soft];

    /// An id is empty or duplicated.
    ///
    /// A query for single resources does not return such a list.
    BAD_IDS = "bad-ids": wrong, ids [];

    /// The row count that the request states differs from its number of targets.
    ///
    /// The list was truncated or extended after it was extracted.
    COUNT_MISMATCH = "count-mismatch": wrong [];
}

/// The policy `peers`.
#[derive(Debug)]
pub struct Peers;

impl Policy for Peers {
    const NAME: &'static str = "peers";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str = "The four rules that every engine of the comparison evaluates.";
    const RULES: &'static [Rule] = RULES;
    type Settings = Settings;
    type State = ();

    fn check(context: &Context<Settings>, _: &(), findings: &mut Findings) {
        // A request may name several kinds instead of one. The rules have one, so every target of such a request is of another.
        let declared = context.claims.target_kind().map_or("", String::as_str);
        let targets = context.facts.targets();
        let other = targets.saturating_sub(context.facts.kinds().counts.get(declared).copied().unwrap_or_default());
        if other > 0 {
            findings
                .deny(&KIND_MISMATCH, format!("{other} of {targets} targets are not of the kind `{declared}`"))
                .field("/target_kind");
        }
        let tenants = context.facts.tenants().at_most();
        let max = context.by_mode(context.settings.max_tenants, context.settings.max_tenants_soft);
        if tenants > max {
            findings
                .deny(&TOO_MANY_TENANTS, format!("{tenants} tenants, but at most {max} are allowed"))
                .field("/targets")
                .setting(context.by_mode("max_tenants", "max_tenants_soft"));
        }
        let ids = context.facts.ids();
        let bad = ids.null + ids.empty + ids.duplicate;
        if bad > 0 {
            findings.deny(&BAD_IDS, format!("{bad} of {targets} ids are blank or duplicated")).field("/targets");
        }
        let stated = context.claims.provenance().and_then(|provenance| provenance.row_count);
        if stated != Some(targets) {
            let stated = stated.map_or("no number of".to_owned(), |stated| stated.to_string());
            findings
                .deny(&COUNT_MISMATCH, format!("the request states {stated} rows and has {targets}"))
                .field("/provenance/row_count");
        }
    }
}

policy!(Peers);
