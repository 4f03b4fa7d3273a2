//! `{}` in a command stands for the id of a target, as in `xargs` and `find`. The command then runs once for each id.

use crate::error::fail;
use reprieve::{LookupError, Permit};
use std::ffi::OsString;

const PLACEHOLDER: &str = "{}";

/// Whether a command has a placeholder.
pub fn is_used(command: &[OsString]) -> bool {
    command.iter().any(|argument| argument.to_string_lossy().contains(PLACEHOLDER))
}

/// Checks that an id in the place of the placeholder is one argument, whatever it is: not a part of a script, and not an
/// option.
pub fn check(command: &[OsString], permit: &Permit) -> anyhow::Result<()> {
    if command.first().is_some_and(|program| program.to_string_lossy().contains(PLACEHOLDER)) {
        return Err(fail("the name of the program has a `{}`", "use `{}` in the arguments of a program"));
    }
    let texts: Vec<_> = command.iter().map(|argument| argument.to_string_lossy()).collect();
    if texts.iter().any(|text| text.contains(PLACEHOLDER) && text.contains(char::is_whitespace)) {
        let help = "pass the id as an argument of its own: `sh -c 'delete \"$1\"' sh {}`";
        return Err(fail("an argument with `{}` has blanks: an id could become a part of a script", help));
    }
    if texts.iter().any(|text| *text == PLACEHOLDER) {
        let mut option = None;
        permit.batch().each_id(|id| {
            if option.is_none() && id.starts_with('-') {
                option = Some(id.to_owned());
            }
            Ok::<(), LookupError>(())
        })?;
        if let Some(id) = option {
            let message = format!("the id `{id}` would be read as an option");
            return Err(fail(message, "put `{}` behind the name of an option: `--key={}`"));
        }
    }
    Ok(())
}

/// Puts an id into a command.
pub fn fill(command: &[OsString], id: &str) -> Vec<OsString> {
    let filled = |argument: &OsString| match argument.to_str() {
        Some(text) => text.replace(PLACEHOLDER, id).into(),
        None => argument.clone(),
    };
    command.iter().map(filled).collect()
}
