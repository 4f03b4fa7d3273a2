//! Renders decisions and errors for people. A rendered decision has the content of `--format json`, and the help for the
//! causes of its faults.

use crate::error::help;
use crate::output::{Page, paint, plain};
use anstyle::{AnsiColor, Style};
use reprieve::model::{
    Claims, DecisionDocument, Estimate, Fault, Finding, Nature, OverrideTerms, PolicyResult, Severity, Verdict,
};

const BOLD: Style = Style::new().bold();
const RED: Style = AnsiColor::Red.on_default().bold();
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

/// Renders a decision: the verdict in the first and the last line; in between the reasons and what to do, first about
/// what is wrong, then about what is missing.
pub fn decision(claims: &Claims, document: &DecisionDocument) -> Page {
    let mut page = Page::default();
    let out = &mut page;
    line!(
        out,
        "{} {}: {} delete of {} in {}",
        word(document.decision),
        plain(&document.request),
        claims.mode.as_str(),
        reach(document),
        plain(&claims.environment),
    );
    line!(out, "     decided for {}, list {}", document.evaluated_at, short(&document.targets_sha256));
    if let Some(terms) = &document.override_terms {
        override_lines(out, terms);
    }
    document.faults.iter().for_each(|fault| fault_lines(out, fault));
    let (missing, wrong): (Vec<_>, Vec<_>) =
        document.findings.iter().partition(|finding| finding.nature == Nature::Missing);
    wrong.into_iter().for_each(|finding| finding_lines(out, finding));
    if !missing.is_empty() {
        out.blank();
        line!(out, "{}", paint(BOLD, "missing:"));
    }
    missing.into_iter().for_each(|finding| finding_lines(out, finding));
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

/// Renders an error: the chain of messages, and the help on a line of its own.
pub fn error(error: &anyhow::Error) -> Page {
    let mut page = Page::default();
    page.message(&paint(RED, "error:"), &format!("{error:#}"));
    if let Some(help) = help(error) {
        page.message("help:", &help);
    }
    page
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

fn finding_lines(out: &mut Page, finding: &Finding) {
    let style = if finding.severity == Severity::Deny { RED } else { YELLOW };
    let severity = if finding.severity == Severity::Deny { "deny" } else { "warn" };
    let remark = match (finding.enforced, finding.lifted) {
        (_, true) => " (lifted by the override)",
        (false, _) => " (report only)",
        (true, false) => "",
    };
    out.blank();
    line!(out, "{} {}{remark}", paint(style, severity), paint(BOLD, &plain(&finding.code)));
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
