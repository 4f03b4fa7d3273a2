//! A decision as a page: one file without scripts that requests nothing from elsewhere. It is well-formed XML as well.
//! Text of others is text in it, and never markup, a style, an address or a name.

mod tables;

use super::plots::{bars, plots};
use super::{Printed, RequestFile, by_code, counts, reach, remedy::remedy, signed};
use crate::output::plain;
use reprieve::model::{Fault, Finding, Nature, Severity};
use reprieve::{Breakdown, Distribution, ReadAs};
use std::fmt::{self, Display, Write};

/// What a page shows besides the decision.
#[derive(Clone, Copy, Default)]
pub struct Beside<'a> {
    /// How the list was read.
    pub read_as: &'a [ReadAs],
    /// What became of the batch.
    pub outcome: Option<&'a str>,
    /// The affected tenants: the titles of the columns, and a row for each.
    pub tenants: Option<Tenants<'a>>,
}

/// A table of tenants.
#[derive(Clone, Copy)]
pub struct Tenants<'a> {
    /// The titles of the columns.
    pub titles: &'a [&'a str],
    /// The cells of each row.
    pub rows: &'a [Vec<String>],
}

/// Text of others in a page. Hidden characters are escaped as on a terminal, and everything that begins markup as in HTML.
pub struct Text<'a>(pub &'a str);

impl Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, word) in self.0.split_whitespace().enumerate() {
            if i > 0 {
                f.write_char(' ')?;
            }
            for c in plain(word).chars() {
                match c {
                    '&' => f.write_str("&amp;")?,
                    '<' => f.write_str("&lt;")?,
                    '>' => f.write_str("&gt;")?,
                    '"' => f.write_str("&quot;")?,
                    '\'' => f.write_str("&#39;")?,
                    c => f.write_char(c)?,
                }
            }
        }
        Ok(())
    }
}

/// The style of a page.
pub const STYLE: &str = include_str!("style.css");

const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// Renders a page with a title and a body of our own markup.
fn document(title: &str, body: impl Fn(&mut String) -> fmt::Result) -> Result<String, fmt::Error> {
    let mut out = String::new();
    writeln!(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>")?;
    writeln!(out, "<meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\"/>")?;
    writeln!(out, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>")?;
    writeln!(out, "<meta name=\"referrer\" content=\"no-referrer\"/>")?;
    writeln!(out, "<title>{}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>", Text(title))?;
    body(&mut out)?;
    writeln!(out, "</main>\n</body>\n</html>")?;
    Ok(out)
}

/// Renders a page that says that nothing is deleted.
pub fn nothing(message: &str, notes: &[String]) -> Result<String, fmt::Error> {
    document(message, |out| {
        writeln!(out, "<h1>{}</h1>", Text(message))?;
        notes.iter().try_for_each(|note| writeln!(out, "<p>{}</p>", Text(note)))
    })
}

/// Renders a decision as a page of its own.
///
/// # Errors
/// [`fmt::Error`] if something in it cannot be written as text.
pub fn page(printed: &Printed<'_>, breakdown: &Breakdown, beside: Beside<'_>) -> Result<String, fmt::Error> {
    let decision = printed.document;
    let title = format!("{} {}", decision.decision.as_str(), decision.request);
    document(&title, |out| report(out, printed, breakdown, beside))
}

/// Adds a decision to a page.
///
/// # Errors
/// [`fmt::Error`] if something in it cannot be written as text.
pub fn report(out: &mut String, printed: &Printed<'_>, breakdown: &Breakdown, beside: Beside<'_>) -> fmt::Result {
    let Printed { claims, document: decision, request } = printed;
    let verdict = decision.decision.as_str();
    writeln!(out, "<h1><span class=\"verdict {verdict}\">{verdict}</span> {}</h1>", Text(&decision.request))?;
    let (mode, environment) = (claims.mode.as_str(), Text(&claims.environment));
    writeln!(out, "<p>{mode} delete of {} in {environment}</p>", reach(decision))?;
    writeln!(out, "<p class=\"soft\">decided for {}; {}</p>", decision.evaluated_at, Text(&counts(decision)))?;
    if let Some(signed) = signed(decision) {
        writeln!(out, "<p>signed: {}</p>", Text(&signed))?;
    }
    if let Some(outcome) = beside.outcome {
        writeln!(out, "<p>{}</p>", Text(outcome))?;
    }
    if let Some(terms) = &decision.override_terms {
        let (by, codes) = (terms.signed_by.join(" and "), terms.codes.join(", "));
        writeln!(out, "<h2 class=\"deny\">Override</h2>\n<p>{} by {}</p>", Text(&terms.reason), Text(&by))?;
        writeln!(out, "<p>lifts {}; until {}</p>", Text(&codes), terms.expires_at)?;
    }
    section(out, "Faults", &decision.faults, fault)?;
    let (missing, wrong): (Vec<_>, Vec<&Finding>) =
        decision.findings.iter().partition(|finding| finding.nature == Nature::Missing);
    section(out, "Wrong", &wrong, |out, found| finding(out, found))?;
    checklist(out, &by_code(missing), request)?;
    writeln!(out, "<h2>Targets</h2>")?;
    plots(breakdown).into_iter().try_for_each(|(title, distribution)| plot(out, title, distribution))?;
    tables::restore(out, &decision.restore)?;
    beside.tenants.map_or(Ok(()), |tenants| tables::tenants(out, tenants))?;
    tables::reading(out, beside.read_as)?;
    tables::evidence(out, claims)?;
    tables::digests(out, decision)?;
    tables::policies(out, decision)
}

fn section<T>(
    out: &mut String,
    title: &str,
    items: &[T],
    each: impl Fn(&mut String, &T) -> fmt::Result,
) -> fmt::Result {
    if items.is_empty() {
        return Ok(());
    }
    writeln!(out, "<h2>{title}</h2>")?;
    items.iter().try_for_each(|item| each(out, item))
}

fn fault(out: &mut String, fault: &Fault) -> fmt::Result {
    let remark = if fault.enforced { "" } else { " (report only)" };
    writeln!(out, "<h3><span class=\"fault\">fault</span> {}: {}{remark}</h3>", Text(&fault.policy), fault.cause)?;
    writeln!(out, "<p>{}</p>\n<p>{}</p>", Text(&fault.message), Text(fault.cause.help()))
}

fn severity(finding: &Finding) -> &'static str {
    match finding.severity {
        Severity::Deny => "<span class=\"deny\">deny</span>",
        Severity::Warn => "<span class=\"warn\">warn</span>",
    }
}

fn finding(out: &mut String, finding: &Finding) -> fmt::Result {
    let remark = match (finding.enforced, finding.lifted) {
        (_, true) => " (lifted by the override)",
        (false, _) => " (report only)",
        (true, false) => "",
    };
    writeln!(out, "<h3>{} {}{remark}</h3>", severity(finding), Text(&finding.code))?;
    writeln!(out, "<p>{}</p>", Text(&finding.message))?;
    let place = [("field", &finding.field), ("setting", &finding.setting)];
    let place =
        place.iter().filter_map(|(what, place)| Some(format!("{what} <code>{}</code>", Text(place.as_ref()?))));
    let place: Vec<String> = place.collect();
    if !place.is_empty() {
        writeln!(out, "<p class=\"soft\">at {}</p>", place.join(", "))?;
    }
    if !finding.examples.is_empty() {
        write!(out, "<p class=\"soft\">for example")?;
        for (i, id) in finding.examples.iter().enumerate() {
            write!(out, "{} <code>{}</code>", if i == 0 { "" } else { "," }, Text(id))?;
        }
        let more = finding.rows.saturating_sub(finding.examples.len() as u64);
        writeln!(out, "{}</p>", if more > 0 { format!(" and {more} more") } else { String::new() })?;
    }
    if finding.help.is_empty() { Ok(()) } else { writeln!(out, "<p>What to do: {}</p>", Text(&finding.help)) }
}

/// What is missing: for each code what adds it, then what was not shown.
fn checklist(out: &mut String, missing: &[Vec<&Finding>], request: &RequestFile) -> fmt::Result {
    if missing.is_empty() {
        return Ok(());
    }
    writeln!(out, "<h2>Missing</h2>")?;
    if let Some(command) = request.first() {
        writeln!(out, "<p>First: <code>{}</code></p>", Text(&command))?;
    }
    writeln!(out, "<ul class=\"checklist\">")?;
    for group in missing {
        let Some(first) = group.first() else { continue };
        writeln!(out, "<li>☐ {} <strong>{}</strong>", severity(first), Text(&first.code))?;
        for remedy in remedy(group, request) {
            if remedy.starts_with("reprieve ") {
                writeln!(out, "<p><code>{}</code></p>", Text(&remedy))?;
            } else {
                writeln!(out, "<p>{}</p>", Text(&remedy))?;
            }
        }
        for finding in group {
            let remark = if finding.lifted { " (lifted by the override)" } else { "" };
            writeln!(out, "<p class=\"soft\">{}{remark}</p>", Text(&finding.message))?;
        }
        writeln!(out, "</li>")?;
    }
    writeln!(out, "</ul>")
}

fn plot(out: &mut String, title: &str, distribution: &Distribution) -> fmt::Result {
    let (bars, total) = (bars(distribution), distribution.total());
    let most = bars.iter().map(|(_, targets)| *targets).max().unwrap_or_default().max(1);
    writeln!(out, "<table class=\"plot\"><caption>{title}</caption><tbody>")?;
    for (name, targets) in bars {
        // In per mille of the longest bar; what is not zero is visible.
        let width = (u128::from(targets) * 1_000).div_ceil(u128::from(most));
        writeln!(
            out,
            "<tr><th scope=\"row\">{}</th><td><svg role=\"img\" viewBox=\"0 0 1000 10\" preserveAspectRatio=\"none\">\
             <title>{targets} of {total} targets</title><rect width=\"{width}\" height=\"10\"/></svg></td>\
             <td>{targets}</td></tr>",
            Text(&name)
        )?;
    }
    writeln!(out, "</tbody></table>")
}
