//! Renders decisions and errors for people. A rendered decision has the content of `--format json`, and the help for the
//! causes of its faults.

use crate::error::help;
use anstyle::{AnsiColor, Style};
use reprieve::model::{
    Claims, DecisionDocument, Estimate, Fault, Finding, Nature, OverrideTerms, PolicyResult, Severity, Verdict,
};
use std::borrow::Cow;

const BOLD: Style = Style::new().bold();
const RED: Style = AnsiColor::Red.on_default().bold();
const YELLOW: Style = AnsiColor::Yellow.on_default().bold();
const GREEN: Style = AnsiColor::Green.on_default().bold();
/// The max width of a wrapped line.
const WIDTH: usize = 96;

fn paint(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

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
pub fn decision(claims: &Claims, document: &DecisionDocument) -> String {
    let mut text = String::new();
    let out = &mut text;
    line(
        out,
        format_args!(
            "{} {}: {} delete of {} in {}",
            word(document.decision),
            plain(&document.request),
            claims.mode.as_str(),
            reach(document),
            plain(&claims.environment),
        ),
    );
    line(out, format_args!("     decided for {}, list {}", document.evaluated_at, short(&document.targets_sha256)));
    if let Some(terms) = &document.override_terms {
        line(out, format_args!("{}", override_lines(terms)));
    }
    document.faults.iter().for_each(|fault| fault_lines(out, fault));
    let (missing, wrong): (Vec<_>, Vec<_>) =
        document.findings.iter().partition(|finding| finding.nature == Nature::Missing);
    wrong.into_iter().for_each(|finding| finding_lines(out, finding));
    if !missing.is_empty() {
        line(out, format_args!("\n{}", paint(BOLD, "missing:")));
    }
    missing.into_iter().for_each(|finding| finding_lines(out, finding));
    line(out, format_args!("\n{}", restore(&document.restore)));
    line(out, format_args!("{}", counts(document)));
    if let Some(entry) = &document.ledger {
        line(out, format_args!("recorded as entry {} ({})", entry.entry, short(&entry.sha256)));
    }
    if document.override_terms.is_some() {
        line(out, format_args!("{}", paint(RED, "OVERRIDE")));
    }
    line(out, format_args!("{}", word(document.decision)));
    text
}

/// Renders an error: the chain of messages on one line, and the help on a line of its own.
pub fn error(error: &anyhow::Error) -> String {
    let escape = |text: &str| text.lines().map(plain).collect::<Vec<_>>().join("\n");
    let message = format!("{} {}", paint(RED, "error:"), escape(&format!("{error:#}")));
    match help(error) {
        Some(help) => format!("{message}\nhelp: {}", escape(&help)),
        None => message,
    }
}

/// Escapes text from outside. Characters that move the cursor, change the direction of the line or begin another line
/// are escaped, so that such text cannot imitate a line of the report.
pub fn plain(text: &str) -> Cow<'_, str> {
    let is_control = |c: char| {
        c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if !text.contains(is_control) {
        return Cow::Borrowed(text);
    }
    let escape = |c: char| if is_control(c) { c.escape_default().to_string() } else { c.to_string() };
    Cow::Owned(text.chars().map(escape).collect())
}

/// Writing to a string does not fail.
fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.push_str(&text.to_string());
    out.push('\n');
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
fn override_lines(terms: &OverrideTerms) -> String {
    let text = format!(
        "OVERRIDE {} by {}: {}\nlifts {}; until {}",
        short(&terms.id),
        plain(&terms.signed_by.join(" and ")),
        plain(&terms.reason),
        plain(&terms.codes.join(", ")),
        terms.expires_at
    );
    format!("\n{}", text.lines().map(|line| paint(RED, line)).collect::<Vec<_>>().join("\n"))
}

fn finding_lines(out: &mut String, finding: &Finding) {
    let style = if finding.severity == Severity::Deny { RED } else { YELLOW };
    let severity = if finding.severity == Severity::Deny { "deny" } else { "warn" };
    let remark = match (finding.enforced, finding.lifted) {
        (_, true) => " (lifted by the override)",
        (false, _) => " (report only)",
        (true, false) => "",
    };
    line(out, format_args!("\n{} {}{remark}", paint(style, severity), paint(BOLD, &plain(&finding.code))));
    line(out, format_args!("{}", wrap(&finding.message, "  ")));
    let place = [
        finding.field.as_ref().map(|field| format!("field {}", plain(field))),
        finding.setting.as_ref().map(|setting| format!("setting {}", plain(setting))),
    ];
    let place: Vec<String> = place.into_iter().flatten().collect();
    if !place.is_empty() {
        line(out, format_args!("  at {}", place.join(", ")));
    }
    if !finding.examples.is_empty() {
        let shown = finding.examples.join(", ");
        let more = finding.rows.saturating_sub(finding.examples.len() as u64);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        line(out, format_args!("{}", wrap(&format!("for example {shown}{more}"), "  ")));
    }
    if !finding.help.is_empty() {
        line(out, format_args!("{}", wrap(&format!("help: {}", finding.help), "  ")));
    }
}

fn fault_lines(out: &mut String, fault: &Fault) {
    let report_only = if fault.enforced { "" } else { " (report only)" };
    line(
        out,
        format_args!(
            "\n{} {}: {}{report_only}",
            paint(YELLOW, "fault"),
            paint(BOLD, &plain(&fault.policy)),
            fault.cause
        ),
    );
    line(out, format_args!("{}", wrap(&fault.message, "  ")));
    line(out, format_args!("{}", wrap(&format!("help: {}", as_clause(fault.cause.help())), "  ")));
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

/// Wraps text into lines, each with an indent.
pub fn wrap(text: &str, indent: &str) -> String {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace().map(plain) {
        let last = lines.len() - 1;
        let line = &mut lines[last];
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > WIDTH - indent.len() {
            lines.push(word.into_owned());
        } else {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(&word);
        }
    }
    lines.iter().map(|line| format!("{indent}{line}")).collect::<Vec<_>>().join("\n")
}
