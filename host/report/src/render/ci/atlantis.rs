//! A custom policy check of Atlantis. Atlantis takes output for a failure that begins with `FAIL` or states a number of
//! failures other than 0. So the last line is as Conftest writes it, and on an allow no message is printed, because it may
//! state such a number.

use super::{Level, Printed, one_line};
use std::fmt::Write;

pub(super) fn render(printed: &Printed<'_>) -> String {
    let (mut text, mut warnings) = (String::new(), 0);
    for remark in printed.remarks() {
        let word = if remark.level == Level::Error { "FAIL" } else { "WARN" };
        warnings += usize::from(remark.level == Level::Warning);
        let message = if printed.is_allowed() { String::new() } else { format!(" - {}", one_line(remark.message)) };
        // Writing to a string does not fail.
        let _ = writeln!(text, "{word} - {} - {}{message}", one_line(&printed.request.name), one_line(&remark.code));
    }
    let warnings = if warnings == 1 { "1 warning".to_owned() } else { format!("{warnings} warnings") };
    let verdict = printed.document.decision.as_str();
    if printed.is_allowed() {
        format!("{text}1 test, 1 passed, {warnings}, 0 failures, 0 exceptions\n")
    } else {
        format!("FAIL - {verdict}\n{text}1 test, 0 passed, {warnings}, 1 failure, 0 exceptions\n")
    }
}
