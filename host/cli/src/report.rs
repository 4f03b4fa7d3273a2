//! A decision as people read it. The same value as `--format json`, and nothing that is not in it.

use anstyle::{AnsiColor, Style};
use reprieve::model::{BreakGlass, Claims, DecisionDocument, Estimate, Fault, Finding, Severity, Verdict};
use std::borrow::Cow;

const BOLD: Style = Style::new().bold();
const RED: Style = AnsiColor::Red.on_default().bold();
const YELLOW: Style = AnsiColor::Yellow.on_default().bold();
const GREEN: Style = AnsiColor::Green.on_default().bold();
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

/// The report of a decision: the verdict first and last, in between why and what to do.
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
    if let Some(glass) = &document.break_glass {
        line(out, format_args!("{}", break_glass(glass)));
    }
    document.faults.iter().for_each(|fault| fault_lines(out, fault));
    document.findings.iter().for_each(|finding| finding_lines(out, finding));
    line(out, format_args!("\n{}", restore(&document.restore)));
    line(out, format_args!("{}", counts(document)));
    if let Some(entry) = &document.ledger {
        line(out, format_args!("recorded as entry {} ({})", entry.entry, short(&entry.sha256)));
    }
    if document.break_glass.is_some() {
        line(out, format_args!("{}", paint(RED, "OVERRIDE")));
    }
    line(out, format_args!("{}", word(document.decision)));
    text
}

/// An error, with its help set apart.
pub fn error(error: &anyhow::Error) -> String {
    let text = format!("{error:#}");
    format!("{} {}", paint(RED, "error:"), text.lines().map(plain).collect::<Vec<_>>().join("\n"))
}

/// Text of others as it may be printed. What would move the cursor, turn the line around or begin another one is
/// escaped, so that nobody writes a line of the report but the report.
pub fn plain(text: &str) -> Cow<'_, str> {
    let acts = |c: char| {
        c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if !text.contains(acts) {
        return Cow::Borrowed(text);
    }
    let escape = |c: char| if acts(c) { c.escape_default().to_string() } else { c.to_string() };
    Cow::Owned(text.chars().map(escape).collect())
}

/// Writing to a string does not fail.
fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.push_str(&text.to_string());
    out.push('\n');
}

/// A count and what is counted.
pub fn plural(count: u64, one: &str, more: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { more })
}

fn reach(document: &DecisionDocument) -> String {
    let targets = plural(document.targets, "target", "targets");
    format!("{targets} of {}", plural(document.tenants, "tenant", "tenants"))
}

/// The beginning of a digest, enough to tell it by.
pub fn short(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}

/// An override is never overlooked.
fn break_glass(glass: &BreakGlass) -> String {
    let text = format!(
        "OVERRIDE {} by {}: {}\nlifts {}; until {}",
        short(&glass.id),
        plain(&glass.signed_by.join(" and ")),
        plain(&glass.reason),
        plain(&glass.codes.join(", ")),
        glass.expires_at
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
            plain(&fault.cause)
        ),
    );
    line(out, format_args!("{}", wrap(&fault.message, "  ")));
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
    let policies = document.policies.iter().filter(|policy| policy.result == "content").count();
    let of = |severity| {
        document.findings.iter().filter(|f| f.enforced && !f.lifted && f.severity == severity).count() as u64
    };
    format!(
        "{policies} of {} content; {}, {}, {}",
        plural(document.policies.len() as u64, "policy", "policies"),
        plural(of(Severity::Deny), "denial", "denials"),
        plural(of(Severity::Warn), "warning", "warnings"),
        plural(document.faults.iter().filter(|fault| fault.enforced).count() as u64, "fault", "faults"),
    )
}

/// Breaks text into lines, each behind an indent.
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
