//! A list of everything outside a keep-set is as wrong as the keep-set is incomplete.

use crate::rules::{KEEP_SET, Settings};
use crate::selector::Query;
use reprieve_sdk::model::{Provenance as Claimed, Selection};
use reprieve_sdk::{Context, Findings};

const HELP: &str = "read the whole keep-set, count it, and compare the count with the previous one";

/// Finds keep-sets that were not counted, are too small, may have been cut off, or are old.
pub fn check(context: &Context<Settings>, claimed: &Claimed, query: &Query, findings: &mut Findings) {
    let complement =
        claimed.selection == Some(Selection::Complement) || claimed.keep_set.is_some() || query.is_complement;
    if !complement {
        return;
    }
    let keep = claimed.keep_set.clone().unwrap_or_default();
    let settings = &context.settings;
    // What a denied run counted is not the previous count, so the recorded count of the last allowed run precedes the claim.
    let recorded = context.facts.history().and_then(|history| history.kind_last.as_ref()?.keep_set);
    let previous = keep.previous_count.max(recorded);
    let (Some(count), Some(previous), Some(observed_at)) = (keep.count, previous, keep.observed_at) else {
        findings
            .deny(
                &KEEP_SET,
                "the batch deletes everything outside a keep-set, but `keep_set` lacks its count, its previous \
                 count, or its time",
            )
            .missing()
            .field("/provenance/keep_set")
            .help(HELP);
        return;
    };
    if claimed.page_size.is_none() {
        findings
            .deny_if(
                !context.is_soft(),
                &KEEP_SET,
                "the request does not say how long the pages of the keep-set's source are, so it may be one page",
            )
            .missing()
            .field("/provenance/page_size")
            .help("state the size of a page (`page_size`), or 0 if the source returns everything at once");
    }
    let mut deny = |message: String, field: &str, setting: &'static str| {
        findings.deny(&KEEP_SET, message).field(format!("/provenance/keep_set/{field}")).setting(setting).help(HELP);
    };
    let min = settings.min_keep;
    if count < min {
        deny(format!("the keep-set has {count} resources, but at least {min} are required"), "count", "min_keep");
    }
    if let Some(cut) = cut(context, claimed, count) {
        deny(format!("the keep-set has {count} resources, {cut}"), "count", "page_sizes");
    }
    let drop = previous.saturating_sub(count) as f64 * 100.0 / previous.max(1) as f64;
    if drop > settings.max_keep_drop || previous == 0 {
        deny(
            format!("the keep-set has {count} resources, and its previous version had {previous}"),
            "previous_count",
            "max_keep_drop",
        );
    }
    if !context.is_fresh(observed_at, settings.max_keep_age) {
        deny(
            format!("the keep-set was counted at {observed_at}, which is too long ago or in the future"),
            "observed_at",
            "max_keep_age",
        );
    }
}

/// A keep-set that is smaller than this more often has this many resources by design ("keep the last ten") than because a page ended.
const MIN_PAGE: u64 = 30;
/// A limit on the whole result, over several pages, is not smaller than this.
const MIN_LIMIT: u64 = 100;

/// Why a keep-set may have been cut off: at the end of a page, or at a limit of its source.
fn cut(context: &Context<Settings>, claimed: &Claimed, count: u64) -> Option<String> {
    let is_usual = context.settings.page_sizes.contains(&count);
    match claimed.page_size.filter(|size| *size > 0) {
        Some(size) if count < size || count == 0 => None,
        Some(size) if count == size => Some("exactly the size of a page".to_owned()),
        Some(size) if count.is_multiple_of(size) => Some(format!("exactly {} pages of {size}", count / size)),
        Some(size) if is_usual && count >= MIN_LIMIT => {
            Some(format!("a usual limit of a result, in pages of {size}"))
        }
        Some(_) => None,
        None if is_usual && count >= MIN_PAGE => Some("exactly the size of a page".to_owned()),
        None => None,
    }
}
