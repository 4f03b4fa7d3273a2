//! Errors as the user sees them: what is wrong, and on a line of its own what to do about it.

use reprieve::ledger::{LedgerError, RedeemError};
use reprieve::planned::PlanError;
use reprieve::policy::{AdmissionError, LoadError};
use reprieve::signed::{OverrideError, PermitError};
use reprieve::split::SplitError;
use reprieve::{BuildError, ReadError};
use reprieve_cases::CaseError;
use reprieve_readers::draft::DraftError;
use reprieve_report::output::{Page, paint};
use reprieve_report::render::RED;
use reprieve_server::ServeError;
use std::error::Error;
use std::fmt;

/// An error with help of the command line, which knows the flags and the other commands.
struct Helpful {
    error: anyhow::Error,
    help: String,
}

/// An error that consists of a message and help.
pub fn fail(
    message: impl fmt::Display + fmt::Debug + Send + Sync + 'static,
    help: impl Into<String>,
) -> anyhow::Error {
    with_help(anyhow::Error::msg(message), help)
}

/// Replaces the help of an error.
pub fn with_help(error: impl Into<anyhow::Error>, help: impl Into<String>) -> anyhow::Error {
    Helpful { error: error.into(), help: help.into() }.into()
}

impl fmt::Display for Helpful {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.error, f)
    }
}

impl fmt::Debug for Helpful {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.error, f)
    }
}

impl Error for Helpful {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        // The message of the error itself is the message of this one.
        self.error.chain().nth(1)
    }
}

/// Returns the help of the first error in the chain that has any.
pub fn help(error: &anyhow::Error) -> Option<String> {
    error.chain().find_map(help_of)
}

fn help_of(error: &(dyn Error + 'static)) -> Option<String> {
    macro_rules! first_help {
        ($($kind:ty => $help:expr),+ $(,)?) => {
            $(if let Some(error) = error.downcast_ref::<$kind>() {
                let help: fn(&$kind) -> Option<String> = $help;
                return help(error);
            })+
        };
    }
    first_help! {
        Helpful => |error| Some(error.help.clone()),
        ReadError => |error| error.help.clone(),
        DraftError => draft_help,
        BuildError => |error| error.help().map(str::to_owned),
        LedgerError => ledger_help,
        RedeemError => |error| redeem_help(error),
        SplitError => |error| match error {
            SplitError::NoLimit => Some("use `builtin:blast-radius`, or set the limit with `--tenants`".to_owned()),
            _ => error.help().map(str::to_owned),
        },
        PermitError => |error| error.help().map(str::to_owned),
        OverrideError => |error| match error {
            OverrideError::TooFew(_) => Some("`reprieve override sign` adds a signature".to_owned()),
            _ => error.help().map(str::to_owned),
        },
        PlanError => |error| error.help().map(str::to_owned),
        LoadError => |error| error.help().map(str::to_owned),
        AdmissionError => |error| error.help().map(str::to_owned),
        CaseError => |error| error.help().map(str::to_owned),
        ServeError => |error| error.help().map(str::to_owned),
        reprieve_build::Error => |error| error.help().map(str::to_owned),
    }
    None
}

fn ledger_help(error: &LedgerError) -> Option<String> {
    match error {
        LedgerError::Damaged { help, .. } => {
            let verify = "`reprieve ledger verify` names the first entry that is damaged";
            Some(help.as_ref().map_or_else(|| verify.to_owned(), |help| format!("{help}; {verify}")))
        }
        _ => error.help().map(str::to_owned),
    }
}

/// Returns what to do about a permit that the ledger does not redeem.
pub fn redeem_help(error: &RedeemError) -> Option<String> {
    match error {
        RedeemError::Halted(_) => Some("wait until the halt is lifted; `reprieve resume` lifts it".to_owned()),
        RedeemError::Ledger(error) => ledger_help(error),
        _ => error.help().map(str::to_owned),
    }
}

/// Renders an error: the chain of messages, and the help on a line of its own.
pub fn page(error: &anyhow::Error) -> Page {
    let mut page = Page::default();
    page.message(&paint(RED, "error:"), &format!("{error:#}"));
    if let Some(help) = help(error) {
        page.message("help:", &help);
    }
    page
}

/// What to do about a draft that cannot be made, with the flags of the command line.
fn draft_help(error: &DraftError) -> Option<String> {
    let help = match error {
        DraftError::NoMode => {
            "add `--mode soft` if the targets remain recoverable for a while, or else `--mode hard`"
        }
        DraftError::NoEnvironment => "name it as your inventory does, for example `--environment production`",
        DraftError::SeveralKinds { .. } => "leave `--kind` out, and each target is of the kind that the list states",
        DraftError::NoKind { .. } => "add `--kind KIND`, or a column `kind`",
        DraftError::TooManyKinds(_) => "submit one list for each kind",
        DraftError::Read(error) => return error.help.clone(),
        _ => return None,
    };
    Some(help.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context;

    #[test]
    fn finds_help_below_context() {
        let error = ReadError::of_file("a.json", "it is empty").with_help("fill it");
        let error = Err::<(), _>(error).context("the request").unwrap_err();
        assert_eq!(help(&error).as_deref(), Some("fill it"));
        assert_eq!(format!("{error:#}"), "the request: a.json: it is empty");
    }

    #[test]
    fn replaces_help_without_repeating_the_message() {
        let error = LedgerError::misuse("two halts").with_help("name one");
        let error = with_help(anyhow::Error::from(error).context("resume"), "use `--entry`");
        assert_eq!(help(&error).as_deref(), Some("use `--entry`"));
        assert_eq!(format!("{error:#}"), "resume: two halts");
    }

    #[test]
    fn names_the_command_that_finds_damage() {
        let error = anyhow::Error::from(LedgerError::damaged("entry 3"));
        assert_eq!(help(&error).as_deref(), Some("`reprieve ledger verify` names the first entry that is damaged"));
    }
}
