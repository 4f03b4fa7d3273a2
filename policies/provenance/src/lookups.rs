//! Lists of what a source does not have: a look-up that failed is not an absence.

use crate::rules::{FAILED_LOOKUPS, Settings};
use reprieve_sdk::model::{Lookups, Provenance as Claimed};
use reprieve_sdk::{Context, Findings, non_blank};

/// What people write about things that were not found.
const ABSENCE: [&str; 17] = [
    "not found",
    "not_found",
    "notfound",
    "404",
    "no longer exist",
    "does not exist",
    "do not exist",
    "doesn't exist",
    "nonexistent",
    "not exist",
    "missing in",
    "missing from",
    "absent from",
    "not listed in",
    "orphan",
    "dangling",
    "unreferenced",
];

/// Whether a text says that things were not found.
fn says_absent(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    ABSENCE.iter().any(|words| text.contains(words))
}

/// Compares the look-ups with each other and with the list.
pub fn check(context: &Context<Settings>, claimed: &Claimed, findings: &mut Findings) {
    if let Some(lookups) = &claimed.lookups {
        return check_stated(context, lookups, findings);
    }
    let reason = context.claims.reason();
    let texts = [non_blank(&claimed.query), reason.and_then(|reason| non_blank(&reason.text))];
    if texts.into_iter().flatten().any(says_absent) {
        findings
            .deny_if(
                !context.is_soft(),
                &FAILED_LOOKUPS,
                "the list is what was not found, and the request does not say how many look-ups failed",
            )
            .missing()
            .field("/provenance/lookups")
            .help("count what was asked for, answered and failed, and state it in `provenance.lookups`");
    }
}

fn check_stated(context: &Context<Settings>, lookups: &Lookups, findings: &mut Findings) {
    let mut deny = |message: String, field: &str, stated: bool| {
        let finding = findings
            .deny(&FAILED_LOOKUPS, message)
            .field(format!("/provenance/lookups/{field}"))
            .help("ask again until every look-up has an answer, and delete only what is known to be absent");
        if !stated {
            finding.missing();
        }
    };
    let Lookups { asked: Some(asked), answered: Some(answered), failed: Some(failed) } = *lookups else {
        let missing = [("asked", lookups.asked), ("answered", lookups.answered), ("failed", lookups.failed)];
        let missing: Vec<&str> = missing.iter().filter(|(_, count)| count.is_none()).map(|(name, _)| *name).collect();
        let first = missing.first().copied().unwrap_or("asked");
        return deny(format!("the look-ups are not counted: no `{}`", missing.join("`, no `")), first, false);
    };
    let targets = context.evidence().targets;
    if failed > 0 {
        deny(
            format!("{failed} of {asked} look-ups failed, so it is unknown what they would have found"),
            "failed",
            true,
        );
    }
    if answered.checked_add(failed) != Some(asked) {
        deny(
            format!("{asked} things were asked for, but {answered} were answered and {failed} failed"),
            "answered",
            true,
        );
    }
    if asked < targets {
        deny(format!("{asked} things were asked for, but the list has {targets}"), "asked", true);
    }
}
