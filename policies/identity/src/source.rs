//! Compares the source of the inventory with that of the list.

use crate::rules::{SAME_SOURCE, Settings};
use reprieve_sdk::{Context, Findings};

/// Checks that the inventory knows more than the file that the list was made from.
pub fn check(context: &Context<Settings>, findings: &mut Findings) {
    let Some(source) = context.inventory.as_ref().and_then(|inventory| inventory.source()) else { return };
    let claimed = context.claims.provenance().and_then(|provenance| provenance.source_sha256.as_deref());
    let is_same = |digest: &str| digest.trim().eq_ignore_ascii_case(&source.sha256);
    if claimed.is_some_and(is_same)
        || is_same(context.facts.targets_sha256())
        || is_same(context.evidence().targets_sha256)
    {
        findings
            .deny_if(
                !context.is_soft(),
                &SAME_SOURCE,
                "the inventory was made from the same file as the list, so it shows nothing that the list does not",
            )
            .missing()
            .field("/provenance/source_sha256")
            .help("make the inventory from a list of everything that another system knows");
    } else if claimed.is_none_or(|claimed| claimed.trim().is_empty()) {
        findings
            .deny_if(
                !context.is_soft(),
                &SAME_SOURCE,
                format!(
                    "the inventory was made from a file of the format `{}`, and whether the list was made from it is unknown",
                    source.format
                ),
            )
            .missing()
            .field("/provenance/source_sha256")
            .help("state the SHA-256 of the file that the list was made from");
    }
}
