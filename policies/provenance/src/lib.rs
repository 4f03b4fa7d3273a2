//! Checks where a list came from, and that it is complete, unaltered, recent and bounded.
//!
//! In reading order: missing evidence, completeness, count and digest, ids, page sizes, age, the keep-set,
//! look-ups, and selectors without a bound. `keep_set.rs` checks lists of everything else, `lookups.rs` finds lists of what was
//! not found, and `selector/` reads selectors and queries.

mod keep_set;
mod lookups;
mod rules;
mod selector;
#[cfg(test)]
mod tests;

use reprieve_sdk::model::{By, IdFacts, Operation, Provenance as Claimed, Selection};
use reprieve_sdk::{Chunk, Context, Findings, Policy, Rows, Rule, non_blank};
use rules::{
    BAD_IDS, COUNT_MISMATCH, DIGEST_MISMATCH, EXPANDED_SELECTOR, INCOMPLETE, MISSING, PAGE_SIZED, RULES, STALE,
    Settings, UNBOUNDED_SELECTOR,
};
use selector::{Query, Reach};

/// The policy `provenance`. It compares the list with what its source reported: count, digest, completeness and age.
/// It also denies blank or duplicated ids, unreliable keep-sets, and selectors or ids that reach further than a list.
#[derive(Debug)]
pub struct Provenance;

impl Policy for Provenance {
    const NAME: &'static str = "provenance";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str =
        "Checks where the list came from, and that it is complete, unaltered, recent and bounded.";
    const RULES: &'static [Rule] = RULES;
    const COLUMNS: &'static [&'static str] = &["id"];
    type Settings = Settings;
    /// Targets whose id is a root path, a pattern or an unset variable.
    type State = Rows;

    fn observe(_: &Context<Settings>, unbounded: &mut Rows, chunk: &Chunk) {
        let Some(ids) = chunk.column("id") else { return };
        for row in 0..chunk.rows as usize {
            let id = ids.text(row).unwrap_or_default();
            // The pattern checks are slow. Skip ids that start with a letter or a digit and cannot be a drive.
            let plain =
                id.as_bytes().first().is_none_or(u8::is_ascii_alphanumeric) && id.as_bytes().get(1) != Some(&b':');
            unbounded.add_if(!plain && selector::path(id.trim()).is_some(), chunk.row(row));
        }
    }

    fn merge(unbounded: &mut Rows, other: Rows) {
        unbounded.merge(other);
    }

    fn check(context: &Context<Settings>, unbounded: &Rows, findings: &mut Findings) {
        let nothing = Claimed::default();
        let claimed = context.claims.provenance().unwrap_or(&nothing);
        check_missing(context, claimed, findings);
        check_complete(context, claimed, findings);
        check_count_and_digest(context, claimed, findings);
        check_ids(context, findings);
        check_page(context, claimed, findings);
        check_age(context, claimed, findings);
        let query = non_blank(&claimed.query).map(selector::query).unwrap_or_default();
        keep_set::check(context, claimed, &query, findings);
        lookups::check(context, claimed, findings);
        check_selector(context, findings);
        check_bounds(claimed, &query, unbounded, findings);
    }
}

fn check_missing(context: &Context<Settings>, claimed: &Claimed, findings: &mut Findings) {
    let ticket = context.claims.reason().and_then(|reason| non_blank(&reason.ticket));
    let required = [
        ("source", non_blank(&claimed.source).is_some()),
        ("query", non_blank(&claimed.query).or(ticket).is_some()),
        ("extracted_at", claimed.extracted_at.is_some()),
        ("extracted_by", non_blank(&claimed.extracted_by).is_some()),
        ("row_count", claimed.row_count.is_some()),
        ("sha256", non_blank(&claimed.sha256).is_some()),
    ];
    let missing: Vec<&str> = required.iter().filter(|(_, stated)| !stated).map(|(name, _)| *name).collect();
    if claimed.selection.is_none() {
        findings
            .deny_if(!context.is_soft(), &MISSING, "the request does not say how its list was chosen")
            .field("/provenance/selection")
            .help("set `selection` to `explicit`, `filter`, `complement` or `all`");
    }
    let Some(first) = missing.first() else { return };
    findings
        .deny(
            &MISSING,
            format!("the request does not say where its list came from: no `{}`", missing.join("`, no `")),
        )
        .field(format!("/provenance/{first}"))
        .help("have the program that makes the list write them; `reason.ticket` may replace `query`");
}

fn check_complete(context: &Context<Settings>, claimed: &Claimed, findings: &mut Findings) {
    let finding = match (claimed.complete, claimed.row_count, claimed.source_total) {
        (Some(false), ..) => findings.deny(&INCOMPLETE, "the list is not the complete result of its source"),
        (None, ..) => findings
            .deny_if(
                !context.is_soft(),
                &INCOMPLETE,
                "the request does not say whether the list is the complete result of its source",
            )
            .missing(),
        (_, Some(rows), Some(total)) if rows > total => {
            findings.deny(&INCOMPLETE, format!("the list has {rows} rows, but its source has only {total}"))
        }
        (_, Some(rows), Some(total)) if rows < total && claimed.selection != Some(Selection::Explicit) => {
            findings.deny(&INCOMPLETE, format!("the list has {rows} of the {total} rows of its source"))
        }
        (.., None) => {
            findings
                .deny_if(
                    !context.is_soft(),
                    &INCOMPLETE,
                    "the request does not say how many rows the source has, so it is unknown whether the list has all",
                )
                .missing()
                .field("/provenance/source_total")
                .help("have the program that makes the list count the rows of its source (`source_total`)");
            return;
        }
        _ => return,
    };
    finding
        .field("/provenance/complete")
        .help("read the source page by page, and set `complete` to true when there are no more pages");
}

fn check_count_and_digest(context: &Context<Settings>, claimed: &Claimed, findings: &mut Findings) {
    let list = context.evidence();
    if let Some(rows) = claimed.row_count.filter(|rows| *rows != list.targets) {
        findings
            .deny(&COUNT_MISMATCH, format!("the list has {} rows, but its source reported {rows}", list.targets))
            .field("/provenance/row_count")
            .help("find out where rows were lost or added; do not adjust the count");
    }
    if let Some(digest) = claimed.sha256.as_ref().filter(|digest| *digest != list.targets_sha256) {
        findings
            .deny(
                &DIGEST_MISMATCH,
                format!("the list has the digest `{}`, but its source reported `{digest}`", list.targets_sha256),
            )
            .field("/provenance/sha256")
            .help(
                "submit the list as its source wrote it; `sha256sum` (or `reprieve targets` for inline targets) prints \
                 its digest",
            );
    }
}

fn check_ids(context: &Context<Settings>, findings: &mut Findings) {
    let IdFacts { null, empty, duplicate, control, examples } = context.facts.ids();
    let control = control.unwrap_or_default();
    let unprintable = if control > context.settings.max_control_ids { control } else { 0 };
    let counts = [
        (*null, "no id"),
        (*empty, "a blank id"),
        (*duplicate, "the id of an earlier row"),
        (unprintable, "an id with a control character"),
    ];
    let bad = counts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| {
        let verb = if *count == 1 { "has" } else { "have" };
        format!("{count} {verb} {what}")
    });
    let bad: Vec<String> = bad.collect();
    if !bad.is_empty() {
        findings
            .deny(&BAD_IDS, format!("of {} rows, {}", context.facts.targets(), bad.join(", ")))
            .field("/targets")
            .rows(&Rows { count: null + empty + duplicate + unprintable, examples: examples.clone() })
            .setting("max_control_ids")
            .help("correct the query that made the list; do not only remove the rows");
    }
}

fn check_page(context: &Context<Settings>, claimed: &Claimed, findings: &mut Findings) {
    let targets = context.evidence().targets;
    if is_page(context, claimed, targets) {
        findings
            .warn(&PAGE_SIZED, format!("the list has {targets} rows, exactly the size of a page"))
            .field("/provenance/row_count")
            .setting("page_sizes")
            .help("make sure that the source has no more pages");
    }
}

fn is_page(context: &Context<Settings>, claimed: &Claimed, count: u64) -> bool {
    claimed.page_size == Some(count) || context.settings.page_sizes.contains(&count)
}

fn check_age(context: &Context<Settings>, claimed: &Claimed, findings: &mut Findings) {
    let Some(at) = claimed.extracted_at else { return };
    let max = context.by_mode(context.settings.max_age, context.settings.max_age_soft);
    if context.is_fresh(at, max) {
        return;
    }
    let message = match context.facts.evaluated_at().since(at) {
        age if age < 0 => format!("the list is dated {at}, in the future"),
        age => format!("the list is {} old, but at most {} is allowed", span(age), span(max as i64)),
    };
    findings
        .deny(&STALE, message)
        .field("/provenance/extracted_at")
        .setting(context.by_mode("max_age", "max_age_soft"))
        .help("extract the list again, right before it runs");
}

/// A duration in the largest unit that fits.
fn span(seconds: i64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// A selector that the call expands by itself is not the list that was vetted.
fn check_selector(context: &Context<Settings>, findings: &mut Findings) {
    let unstated = Operation::default();
    let operation = context.claims.operation().unwrap_or(&unstated);
    let by_ids = operation.by == Some(By::Ids);
    // A blank selector selects everything in most programs, and a word for nothing says nothing.
    let is_named = |selector: &str| selector.trim().is_empty() || non_blank(&operation.selector).is_some();
    let Some(selector) = operation.selector.as_deref().filter(|selector| is_named(selector)) else {
        return check_unnamed(context, operation, findings);
    };
    let unbounded = match selector::reach(selector) {
        Reach::All(why) => why,
        _ if by_ids => return,
        Reach::Loose => "only excludes something, or names a kind, a limit or a flag",
        Reach::Unknown => "is in no form that is known to be bounded",
        Reach::Bounded => {
            findings
                .deny_if(
                    !context.is_soft(),
                    &EXPANDED_SELECTOR,
                    format!(
                        "the call expands the selector `{}` by itself, so it may delete more than the list",
                        short(selector)
                    ),
                )
                .field("/operation/selector")
                .help("have the call delete the listed ids only, and write `\"by\": \"ids\"` in `operation`");
            return;
        }
    };
    findings
        .deny(&UNBOUNDED_SELECTOR, format!("the selector `{}` {unbounded}", short(selector)))
        .field("/operation/selector")
        .help(LIST_HELP);
}

/// Without a selector the call goes by the ids of the list, unless the request says otherwise or says nothing of the call.
fn check_unnamed(context: &Context<Settings>, operation: &Operation, findings: &mut Findings) {
    let help =
        "state how the call finds its targets: `\"by\": \"ids\"` in `operation`, or the selector that it expands";
    if operation.by == Some(By::Selector) || (operation.selector.is_some() && operation.by.is_none()) {
        findings
            .deny(&EXPANDED_SELECTOR, "the call goes by a selector, and the request does not say by which")
            .missing()
            .field("/operation/selector")
            .help(help);
    } else if *operation == Operation::default() && !context.is_soft() {
        findings
            .deny(
                &EXPANDED_SELECTOR,
                "the request says nothing of the call, so it may go by something else than the list",
            )
            .missing()
            .field("/operation")
            .help(help);
    }
}

/// The first characters of a selector, for a message.
fn short(selector: &str) -> String {
    let mut text: String = selector.chars().take(200).collect();
    if text.len() < selector.len() {
        text.push('…');
    }
    text
}

const LIST_HELP: &str = "list the targets one by one, and have the call delete only these";

fn check_bounds(claimed: &Claimed, query: &Query, unbounded: &Rows, findings: &mut Findings) {
    if claimed.selection == Some(Selection::All) {
        findings
            .deny(&UNBOUNDED_SELECTOR, "the list is everything in its source")
            .field("/provenance/selection")
            .help(LIST_HELP);
    }
    if let Some(why) = query.unconditional {
        findings
            .deny(&UNBOUNDED_SELECTOR, format!("the query behind the list {why}"))
            .field("/provenance/query")
            .help("add a condition to the query that selects only the intended targets");
    }
    if unbounded.any() {
        findings
            .deny(
                &UNBOUNDED_SELECTOR,
                format!("{} ids are a root path, a pattern or an unset variable", unbounded.count),
            )
            .field("/targets")
            .rows(unbounded)
            .help("list the ids of the single targets that are meant");
    }
}
