//! The Test Anything Protocol, version 13: a test for the decision, and one for each remark.

use super::{Level, Printed, one_line};
use std::fmt::Write;

pub(super) fn render(printed: &Printed<'_>) -> String {
    let remarks = printed.remarks();
    // Writing to a string does not fail.
    let mut text = String::new();
    let _ = writeln!(text, "TAP version 13\n1..{}", remarks.len() + 1);
    let word = |passes: bool| if passes { "ok" } else { "not ok" };
    let _ = writeln!(text, "{} 1 - {}", word(printed.is_allowed()), escaped(&printed.headline()));
    for (i, remark) in remarks.iter().enumerate() {
        let passes = remark.level == Level::Warning;
        let note = if passes { "warning: " } else { "" };
        let _ = writeln!(
            text,
            "{} {} - {note}{}: {}",
            word(passes),
            i + 2,
            escaped(&remark.code),
            escaped(remark.message)
        );
    }
    text
}

/// Escapes a description: `#` would begin a directive, which can turn a failure into a pass.
fn escaped(text: &str) -> String {
    one_line(text).replace('\\', "\\\\").replace('#', "\\#")
}
