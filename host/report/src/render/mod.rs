//! Renders decisions and errors for people. A rendered decision has the content of `--format json`, and the help for the
//! causes of its faults.

mod ci;
mod format;
pub mod html;
mod plots;
mod remedy;

pub use ci::{Ci, Printed, escaped as markdown};
pub use format::Format;
pub use plots::Plots;
pub use remedy::RequestFile;

use crate::output::{Page, WIDTH, paint, plain};
use anstyle::{AnsiColor, Style};
use remedy::remedy;
use reprieve::Breakdown;
use reprieve::model::{
    DecisionDocument, Estimate, Fault, Finding, Nature, OverrideTerms, PolicyResult, Severity, Signature, Verdict,
};

const BOLD: Style = Style::new().bold();
/// The colour of what is wrong.
pub const RED: Style = AnsiColor::Red.on_default().bold();
const YELLOW: Style = AnsiColor::Yellow.on_default().bold();
const GREEN: Style = AnsiColor::Green.on_default().bold();

fn word(verdict: Verdict) -> String {
    let style = match verdict {
        Verdict::Allow => GREEN,
        Verdict::Deny => RED,
        Verdict::Undecided => YELLOW,
    };
    paint(style, verdict.as_str())
}

/// How much of a decision is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// What fits on a screen: the gravest findings in full, the others in a line each.
    Screen,
    /// Everything.
    Whole,
}

impl Detail {
    /// The detail that `--verbose` asks for.
    pub const fn of(verbose: bool) -> Self {
        if verbose { Self::Whole } else { Self::Screen }
    }
}

/// The maximum length to which codes are aligned.
const MAX_CODE: usize = 32;
/// The lines of a screen.
const SCREEN: usize = 40;
/// The lines of a screen that what is missing may take if it competes with what is wrong.
const MISSING: usize = 10;

/// Renders a decision: the verdict in the first and the last line; in between what is wrong with what to do, then what is
/// missing as a checklist. `plots` are shown if there is room for them.
pub fn decision(printed: &Printed<'_>, detail: Detail, plots: Option<&Breakdown>) -> Page {
    let Printed { claims, document, request } = *printed;
    let mut page = Page::default();
    let out = &mut page;
    line!(
        out,
        "{} {}: {} of {} in {}",
        word(document.decision),
        plain(&document.request),
        claims.mode.phrase(),
        reach(document),
        plain(&claims.environment),
    );
    line!(out, "     decided for {}, list {}", document.evaluated_at, short(&document.targets_sha256));
    if let Some(signed) = signed(document) {
        line!(out, "     signed: {}", plain(&signed));
    }
    if let Some(terms) = &document.override_terms {
        override_lines(out, terms);
    }
    document.faults.iter().for_each(|fault| fault_lines(out, fault));
    let end = end(document);
    let (missing, wrong): (Vec<_>, Vec<_>) =
        document.findings.iter().partition(|finding| finding.nature == Nature::Missing);
    let missing = by_code(missing);
    let left = |out: &Page| match detail {
        Detail::Whole => usize::MAX,
        Detail::Screen => SCREEN.saturating_sub(out.lines() + end.lines()),
    };
    let room = left(out);
    let checklist = if missing.is_empty() { 0 } else { missing.len().min(MISSING) + 2 };
    wrong_lines(out, &wrong, room.saturating_sub(checklist));
    let room = left(out);
    missing_lines(out, &missing, request, room, detail);
    if let Some(breakdown) = plots {
        let room = left(out);
        out.append(&plots::page(breakdown, room));
    }
    out.append(&end);
    page
}

/// Whose signatures of which evidence were verified.
fn signed(document: &DecisionDocument) -> Option<String> {
    let evidence = [("/approvals", "approval"), ("/dry_run", "dry run"), ("/recovery", "backup")];
    let what = |signature: &Signature| {
        let found = evidence.iter().find(|(field, _)| signature.field.starts_with(field));
        found.map_or("evidence", |(_, what)| what)
    };
    let by = |signature: &Signature| Some(format!("{} by {}", what(signature), signature.by.as_deref()?));
    let signed: Vec<String> = document.signatures.iter().filter_map(by).collect();
    (!signed.is_empty()).then(|| signed.join(", "))
}

/// The last lines of a decision.
fn end(document: &DecisionDocument) -> Page {
    let mut page = Page::default();
    let out = &mut page;
    out.blank();
    line!(out, "{}", restore(&document.restore));
    line!(out, "{}", counts(document));
    if let Some(entry) = &document.ledger {
        line!(out, "recorded as entry {} ({})", entry.entry, short(&entry.sha256));
    }
    if document.override_terms.is_some() {
        line!(out, "{}", paint(RED, "OVERRIDE"));
    }
    line!(out, "{}", word(document.decision));
    page
}

/// Adds what is wrong within a number of lines: as many findings in full as fit while every other has a line.
fn wrong_lines(out: &mut Page, wrong: &[&Finding], room: usize) {
    let whole: Vec<Page> = wrong.iter().map(|finding| finding_page(finding)).collect();
    let lines_if = |in_full: usize| {
        let others = wrong.len() - in_full;
        whole.iter().take(in_full).map(Page::lines).sum::<usize>() + others + usize::from(others > 0)
    };
    let in_full = (0..=wrong.len()).rev().find(|in_full| lines_if(*in_full) <= room).unwrap_or(0);
    let (full, others) = whole.split_at(in_full);
    full.iter().for_each(|page| out.append(page));
    if others.is_empty() {
        return;
    }
    out.blank();
    let left = room.saturating_sub(full.iter().map(Page::lines).sum::<usize>() + 1);
    let shown = if others.len() > left { left.saturating_sub(1).max(1) } else { others.len() };
    for finding in wrong.iter().skip(in_full).take(shown) {
        line!(out, "{} {} {}", severity(finding), paint(BOLD, &plain(&finding.code)), one_line(finding));
    }
    more_line(out, others.len().saturating_sub(shown));
}

/// The message of a finding, cut to what is left of a line.
fn one_line(finding: &Finding) -> String {
    let room = WIDTH.saturating_sub(finding.code.chars().count() + "deny  ".len());
    let message = plain(&finding.message);
    match message.char_indices().nth(room) {
        Some(_) => message.chars().take(room.saturating_sub(1)).chain(['…']).collect(),
        None => message.into_owned(),
    }
}

fn more_line(out: &mut Page, more: usize) {
    if more > 0 {
        line!(out, "… and {more} more; `--verbose` shows all");
    }
}

/// Groups findings by their code, in their order.
fn by_code(findings: Vec<&Finding>) -> Vec<Vec<&Finding>> {
    let mut groups: Vec<Vec<&Finding>> = Vec::new();
    for finding in findings {
        let same = |group: &&mut Vec<&Finding>| {
            group.first().is_some_and(|first| first.code == finding.code && first.severity == finding.severity)
        };
        match groups.iter_mut().find(same) {
            Some(group) => group.push(finding),
            None => groups.push(vec![finding]),
        }
    }
    groups
}

/// Adds what is missing: a line for each code with what adds it, or everything in full.
fn missing_lines(out: &mut Page, missing: &[Vec<&Finding>], request: &RequestFile, room: usize, detail: Detail) {
    if missing.is_empty() {
        return;
    }
    out.blank();
    line!(out, "{}", paint(BOLD, "missing:"));
    if detail == Detail::Whole {
        missing.iter().flatten().for_each(|finding| out.append(&finding_page(finding)));
        return;
    }
    let first = request.first();
    if let Some(command) = &first {
        line!(out, "first: {}", plain(command));
    }
    let left = room.saturating_sub(2 + usize::from(first.is_some()));
    let shown = if missing.len() > left { left.saturating_sub(1).max(1) } else { missing.len() };
    let width = missing.iter().take(shown).filter_map(|group| group.first()).map(|finding| finding.code.len()).max();
    for group in missing.iter().take(shown) {
        let Some(first) = group.first() else { continue };
        let code = format!("{:width$}", plain(&first.code), width = width.unwrap_or_default().min(MAX_CODE));
        line!(out, "{} {} {}", severity(first), paint(BOLD, &code), plain(&remedy(group, request).join("; ")));
    }
    more_line(out, missing.len().saturating_sub(shown));
}

/// Formats a count with the singular or the plural.
pub fn plural(count: u64, singular: &str, plural: &str) -> String {
    format!("{count} {}", if count == 1 { singular } else { plural })
}

fn reach(document: &DecisionDocument) -> String {
    let targets = plural(document.targets, "target", "targets");
    format!("{targets} of {}", plural(document.tenants, "tenant", "tenants"))
}

/// Returns the first characters of a digest, enough to recognize it.
pub fn short(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}

/// Renders an override in a colour that cannot be overlooked.
fn override_lines(out: &mut Page, terms: &OverrideTerms) {
    let by = plain(&terms.signed_by.join(" and ")).into_owned();
    let who = format!("OVERRIDE {} by {by}: {}", short(&terms.id), plain(&terms.reason));
    let codes: Vec<_> = terms.codes.iter().map(|code| plain(code)).collect();
    let what = format!("lifts {}; until {}", codes.join(", "), terms.expires_at);
    out.blank();
    line!(out, "{}", paint(RED, &who));
    line!(out, "{}", paint(RED, &what));
}

fn severity(finding: &Finding) -> String {
    match finding.severity {
        Severity::Deny => paint(RED, "deny"),
        Severity::Warn => paint(YELLOW, "warn"),
    }
}

/// A finding in full, after a blank line.
fn finding_page(finding: &Finding) -> Page {
    let mut page = Page::default();
    let out = &mut page;
    let remark = match (finding.enforced, finding.lifted) {
        (_, true) => " (lifted by the override)",
        (false, _) => " (report only)",
        (true, false) => "",
    };
    out.blank();
    line!(out, "{} {}{remark}", severity(finding), paint(BOLD, &plain(&finding.code)));
    out.paragraph("  ", &finding.message);
    let place = [
        finding.field.as_ref().map(|field| format!("field {}", plain(field))),
        finding.setting.as_ref().map(|setting| format!("setting {}", plain(setting))),
    ];
    let place: Vec<String> = place.into_iter().flatten().collect();
    if !place.is_empty() {
        line!(out, "  at {}", place.join(", "));
    }
    if !finding.examples.is_empty() {
        let shown: Vec<_> = finding.examples.iter().map(|id| plain(id)).collect();
        let more = finding.rows.saturating_sub(finding.examples.len() as u64);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        out.paragraph("  ", &format!("for example {}{more}", shown.join(", ")));
    }
    if !finding.help.is_empty() {
        out.paragraph("  ", &format!("help: {}", finding.help));
    }
    page
}

fn fault_lines(out: &mut Page, fault: &Fault) {
    let report_only = if fault.enforced { "" } else { " (report only)" };
    out.blank();
    line!(out, "{} {}: {}{report_only}", paint(YELLOW, "fault"), paint(BOLD, &plain(&fault.policy)), fault.cause);
    out.paragraph("  ", &fault.message);
    out.paragraph("  ", &format!("help: {}", as_clause(fault.cause.help())));
}

/// Renders a sentence as help is written: in lower case and without a full stop.
fn as_clause(sentence: &str) -> String {
    let mut characters = sentence.trim_end_matches('.').chars();
    characters.next().map(|first| first.to_lowercase().chain(characters).collect()).unwrap_or_default()
}

fn restore(estimate: &Estimate) -> String {
    let source = |measured| if measured { "measured" } else { "assumed" };
    format!(
        "undoing this: {} ({} tenants a batch, {}; {} each, {})",
        estimate.in_words(),
        estimate.tenants_per_batch.value,
        source(estimate.tenants_per_batch.measured),
        estimate.batch_duration.value,
        source(estimate.batch_duration.measured),
    )
}

fn counts(document: &DecisionDocument) -> String {
    let policies = document.policies.iter().filter(|policy| policy.result == PolicyResult::Pass).count();
    let of = |severity| {
        document.findings.iter().filter(|f| f.enforced && !f.lifted && f.severity == severity).count() as u64
    };
    format!(
        "{policies} of {} passed; {}, {}, {}",
        plural(document.policies.len() as u64, "policy", "policies"),
        plural(of(Severity::Deny), "denial", "denials"),
        plural(of(Severity::Warn), "warning", "warnings"),
        plural(document.faults.iter().filter(|fault| fault.enforced).count() as u64, "fault", "faults"),
    )
}
