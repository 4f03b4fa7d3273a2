//! GitHub's Markdown, for a step summary or a comment. Text of others is escaped, so it is never markup, a link or a mention.

use super::{Level, Printed, Remark, one_line};
use reprieve::model::Verdict;
use std::fmt::Write;

pub(super) fn render(printed: &Printed<'_>) -> String {
    let mut text = String::new();
    let mark = match printed.document.decision {
        Verdict::Allow => "✅",
        Verdict::Deny => "❌",
        Verdict::Undecided => "⚠️",
    };
    // Writing to a string does not fail.
    let _ = writeln!(text, "## {mark} {}\n", escaped(&printed.headline()));
    let remarks = printed.remarks();
    if !remarks.is_empty() {
        let _ = writeln!(text, "| | code | what | what to do |\n|---|---|---|---|");
    }
    for Remark { level, code, message, help, .. } in &remarks {
        let word = if *level == Level::Error { "**deny**" } else { "warn" };
        let _ = writeln!(text, "| {word} | {} | {} | {} |", escaped(code), escaped(message), escaped(help));
    }
    let _ = writeln!(text, "\nundoing this: {}\n", escaped(&printed.document.restore.in_words()));
    let _ = writeln!(text, "{}\n\n**{}**", escaped(&printed.counts()), printed.document.decision.as_str());
    text
}

/// Escapes a text of others for one line of Markdown, also for a cell of a table.
pub fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in one_line(text).chars() {
        match c {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '@' => out += "&#64;",
            ':' => out += "&#58;",
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '(' | ')' | '#' | '+' | '!' | '|' | '~' => {
                out.push('\\');
                out.push(c);
            }
            // Of `www.example.org` GitHub makes a link.
            '.' => out += "&#46;",
            c => out.push(c),
        }
    }
    out
}
