//! Workflow commands of GitHub Actions, which become annotations of the request's file.

use super::{Level, Printed, Remark};
use std::fmt::Write;

pub(super) fn render(printed: &Printed<'_>) -> String {
    let mut text = String::new();
    for Remark { level, code, message, help, .. } in printed.remarks() {
        let command = if level == Level::Error { "error" } else { "warning" };
        let help = if help.is_empty() { String::new() } else { format!("; help: {help}") };
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "::{command} file={},line=1,title={}::{}",
            property(&printed.request.name),
            property(&code),
            data(&format!("{message}{help}"))
        );
    }
    let command = if printed.is_allowed() { "notice" } else { "error" };
    let _ = writeln!(text, "::{command} title=reprieve::{}", data(&printed.headline()));
    text
}

/// Escapes the message of a command.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Escapes a property of a command.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
