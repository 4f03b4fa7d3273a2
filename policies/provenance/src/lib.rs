//! Where the list came from, and whether it is all of it and only it.

mod condition;
mod rules;
mod selector;
#[cfg(test)]
mod tests;

use reprieve_sdk::model::{IdFacts, Provenance as Claimed, Selection};
use reprieve_sdk::{Case, Chunk, Findings, Policy, Rows, Rule, policy, said};
use rules::{
    BAD_IDS, COUNT_MISMATCH, DIGEST_MISMATCH, INCOMPLETE, KEEP_SET, MISSING, PAGE_SIZED, RULES, STALE, Settings,
    UNBOUNDED_SELECTOR,
};
use selector::Query;

/// The policy `provenance`.
#[derive(Debug)]
pub struct Provenance;

impl Policy for Provenance {
    const NAME: &'static str = "provenance";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str = "Where the list came from, and whether it is all of it and only it.";
    const RULES: &'static [Rule] = RULES;
    const COLUMNS: &'static [&'static str] = &["id"];
    type Settings = Settings;
    /// Targets whose id is a root, a pattern or a variable.
    type State = Rows;

    fn observe(_: &Case<Settings>, unbounded: &mut Rows, chunk: &Chunk) {
        let Some(ids) = chunk.column("id") else { return };
        for row in 0..chunk.rows as usize {
            let id = ids.text(row).unwrap_or_default();
            // An ordinary id begins with a letter or a digit and has no second byte that makes it a drive.
            let plain =
                id.as_bytes().first().is_none_or(u8::is_ascii_alphanumeric) && id.as_bytes().get(1) != Some(&b':');
            unbounded.add_if(!plain && selector::path(id.trim()).is_some(), chunk.row(row));
        }
    }

    fn merge(unbounded: &mut Rows, other: Rows) {
        unbounded.merge(other);
    }

    fn check(case: &Case<Settings>, unbounded: &Rows, findings: &mut Findings) {
        let nothing = Claimed::default();
        let claimed = case.claims.provenance().unwrap_or(&nothing);
        check_missing(case, claimed, findings);
        check_complete(case, claimed, findings);
        check_count_and_digest(case, claimed, findings);
        check_ids(case, findings);
        check_page(case, claimed, findings);
        check_age(case, claimed, findings);
        let query = said(&claimed.query).map(selector::query).unwrap_or_default();
        check_keep_set(case, claimed, &query, findings);
        check_bounds(case, claimed, &query, unbounded, findings);
    }
}

fn check_missing(case: &Case<Settings>, claimed: &Claimed, findings: &mut Findings) {
    let ticket = case.claims.reason().and_then(|reason| said(&reason.ticket));
    let needed = [
        ("source", said(&claimed.source).is_some()),
        ("query", said(&claimed.query).or(ticket).is_some()),
        ("extracted_at", claimed.extracted_at.is_some()),
        ("extracted_by", said(&claimed.extracted_by).is_some()),
        ("row_count", claimed.row_count.is_some()),
        ("sha256", said(&claimed.sha256).is_some()),
    ];
    let missing: Vec<&str> = needed.iter().filter(|(_, there)| !there).map(|(name, _)| *name).collect();
    let Some(first) = missing.first() else { return };
    findings
        .deny(
            &MISSING,
            format!("the request does not say where its list came from: no `{}`", missing.join("`, no `")),
        )
        .field(format!("/provenance/{first}"))
        .help("let the program that makes the list write them; `query` may be replaced by `reason.ticket`");
}

fn check_complete(case: &Case<Settings>, claimed: &Claimed, findings: &mut Findings) {
    let (message, denies) = match (claimed.complete, claimed.row_count, claimed.source_total) {
        (Some(false), ..) => ("the list is not the whole answer of its source".to_owned(), true),
        (None, ..) => ("nothing says whether the source was read to its end".to_owned(), case.is_hard()),
        (_, Some(rows), Some(total)) if rows > total => {
            (format!("the list has {rows} rows, and its source holds {total}"), true)
        }
        (_, Some(rows), Some(total)) if rows < total && claimed.selection != Some(Selection::Explicit) => {
            (format!("the list has {rows} of the {total} rows that its source holds"), true)
        }
        _ => return,
    };
    findings
        .deny_if(denies, &INCOMPLETE, message)
        .field("/provenance/complete")
        .help("read the source to its end, page by page, and set `complete` to true when there is no further page");
}

fn check_count_and_digest(case: &Case<Settings>, claimed: &Claimed, findings: &mut Findings) {
    let list = case.evidence();
    if let Some(rows) = claimed.row_count.filter(|rows| *rows != list.targets) {
        findings
            .deny(&COUNT_MISMATCH, format!("the list has {} rows, and its source wrote {rows}", list.targets))
            .field("/provenance/row_count")
            .help("find out where rows were lost or added; do not adjust the count");
    }
    if let Some(digest) = claimed.sha256.as_ref().filter(|digest| *digest != list.targets_sha256) {
        findings
            .deny(&DIGEST_MISMATCH, format!("the list has the digest `{}`, and its source wrote `{digest}`", list.targets_sha256))
            .field("/provenance/sha256")
            .help("submit the list as its source wrote it; `sha256sum` (or `reprieve targets` for inline targets) shows its digest");
    }
}

fn check_ids(case: &Case<Settings>, findings: &mut Findings) {
    let IdFacts { null, empty, duplicate, examples } = case.facts.ids();
    let counts =
        [(null, "without an id"), (empty, "with an empty id"), (duplicate, "with an id that stood there before")];
    let bad: Vec<String> =
        counts.iter().filter(|(count, _)| **count > 0).map(|(count, what)| format!("{count} {what}")).collect();
    if !bad.is_empty() {
        findings
            .deny(&BAD_IDS, format!("of {} rows, {}", case.facts.targets(), bad.join(", ")))
            .field("/targets")
            .rows(&Rows { count: null + empty + duplicate, examples: examples.clone() })
            .help("correct the query that made the list; do not just drop the rows");
    }
}

fn check_page(case: &Case<Settings>, claimed: &Claimed, findings: &mut Findings) {
    let targets = case.evidence().targets;
    if is_page(case, claimed, targets) {
        findings
            .warn(&PAGE_SIZED, format!("the list has {targets} rows, exactly as many as a page"))
            .field("/provenance/row_count")
            .setting("page_sizes")
            .help("make sure that the source has no further page");
    }
}

fn is_page(case: &Case<Settings>, claimed: &Claimed, count: u64) -> bool {
    claimed.page_size == Some(count) || case.settings.page_sizes.contains(&count)
}

fn check_age(case: &Case<Settings>, claimed: &Claimed, findings: &mut Findings) {
    let Some(at) = claimed.extracted_at else { return };
    let most = case.by_mode(case.settings.max_age, case.settings.max_age_soft);
    if case.is_fresh(at, most) {
        return;
    }
    let message = match case.facts.evaluated_at().since(at) {
        age if age < 0 => format!("the list is dated {at}, in the future"),
        age => format!("the list is {} old, and {} is allowed", span(age), span(most as i64)),
    };
    findings
        .deny(&STALE, message)
        .field("/provenance/extracted_at")
        .setting(case.by_mode("max_age", "max_age_soft"))
        .help("make the list anew right before it runs");
}

/// A length of time in its largest fitting unit.
fn span(seconds: i64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

fn check_keep_set(case: &Case<Settings>, claimed: &Claimed, query: &Query, findings: &mut Findings) {
    let complement =
        claimed.selection == Some(Selection::Complement) || claimed.keep_set.is_some() || query.is_complement;
    if !complement {
        return;
    }
    let keep = claimed.keep_set.clone().unwrap_or_default();
    let settings = &case.settings;
    let mut object = |message: String, field: &str, setting: Option<&'static str>| {
        let draft = findings
            .deny(&KEEP_SET, message)
            .field(format!("/provenance/keep_set{field}"))
            .help("read the set of things to keep to its end, count it, and compare it with the last time");
        if let Some(setting) = setting {
            draft.setting(setting);
        }
    };
    let (Some(count), Some(previous), Some(observed_at)) = (keep.count, keep.previous_count, keep.observed_at) else {
        object(
            "everything that is not kept would go, and `keep_set` lacks its count, the one before, or its time"
                .to_owned(),
            "",
            None,
        );
        return;
    };
    if count < settings.min_keep {
        object(format!("the keep-set holds {count} things"), "/count", Some("min_keep"));
    }
    if is_page(case, claimed, count) {
        object(format!("the keep-set holds {count} things, exactly as many as a page"), "/count", Some("page_sizes"));
    }
    let drop = previous.saturating_sub(count) as f64 * 100.0 / previous.max(1) as f64;
    if drop > settings.max_keep_drop || previous == 0 {
        object(
            format!("the keep-set holds {count} things, and held {previous} the last time"),
            "/previous_count",
            Some("max_keep_drop"),
        );
    }
    if !case.is_fresh(observed_at, settings.max_keep_age) {
        object(format!("the keep-set was counted at {observed_at}"), "/observed_at", Some("max_keep_age"));
    }
}

fn check_bounds(case: &Case<Settings>, claimed: &Claimed, query: &Query, unbounded: &Rows, findings: &mut Findings) {
    let help = "name the targets one by one, and let the call take nothing but these";
    let selector = case.claims.operation().and_then(|operation| operation.selector.as_deref());
    if let Some((selector, why)) = selector.and_then(|text| selector::unbounded(text).map(|why| (text, why))) {
        findings
            .deny(&UNBOUNDED_SELECTOR, format!("the selector `{selector}` {why}"))
            .field("/operation/selector")
            .help(help);
    }
    if claimed.selection == Some(Selection::All) {
        findings
            .deny(&UNBOUNDED_SELECTOR, "the list is everything that the source holds")
            .field("/provenance/selection")
            .help(help);
    }
    if let Some(why) = query.unconditional {
        findings
            .deny(&UNBOUNDED_SELECTOR, format!("the query behind the list {why}"))
            .field("/provenance/query")
            .help("give the query a condition that says why these targets and no others");
    }
    if unbounded.any() {
        findings
            .deny(&UNBOUNDED_SELECTOR, format!("{} ids are a root, a pattern or an unset variable", unbounded.count))
            .field("/targets")
            .rows(unbounded)
            .help("name what is meant below it");
    }
}

policy!(Provenance);
