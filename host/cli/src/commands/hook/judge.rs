//! Judges one event.

use super::advice::advice;
use super::answer::Answer;
use super::event::{self, Call};
use super::exact::{self, Deletion};
use super::guard::Guard;
use super::harness::Harness;
use super::table::{self, Match};
use super::vet::{Vetted, vet};
use super::words::MAX_TEXT_BYTES;
use super::{entry::Next, plain};
use crate::setup::PolicyArguments;
use reprieve::policy::HookSettings;
use reprieve::{Folder, PolicySet};
use std::path::{Path, PathBuf};

/// The maximum number of lines of a report in an answer.
const MAX_REPORT_LINES: usize = 40;

/// Everything that a call is judged by.
struct Judge {
    harness: Harness,
    /// The policy set, or why it cannot be read.
    set: Result<PolicySet, String>,
    guard: Guard,
    policies: PolicyArguments,
    folder: Option<String>,
}

/// Judges an event by the policy set in a file, or by the one in this folder.
pub fn judge(harness: Harness, bytes: &[u8], config: Option<&Path>) -> Answer {
    let event = match event::read(harness, bytes) {
        Ok(event) => event,
        Err(why) => return block(&why, None, None),
    };
    let default = PathBuf::from("reprieve.toml");
    let path = config.or_else(|| default.symlink_metadata().is_ok().then_some(default.as_path()));
    let set = match path {
        Some(path) => Folder::of(path)
            .and_then(|(folder, name)| PolicySet::read(&folder, &name))
            .map_err(|error| error.to_string()),
        None => Ok(PolicySet::builtins()),
    };
    let guard = Guard::new(path, set.as_ref().ok());
    let policies = path.map_or_else(PolicyArguments::default, PolicyArguments::of);
    let judge = Judge { harness, set, guard, policies, folder: event.folder };
    match &event.call {
        Call::Files(paths) => judge.files(paths),
        Call::Shell(text) => judge.shell(text),
        Call::Tool { name, input } => judge.tool(name, input),
    }
}

impl Judge {
    fn files(&self, paths: &[String]) -> Answer {
        match paths.iter().find_map(|path| self.guard.named_in(path)) {
            Some(file) => guarded(file),
            None => Answer::Pass,
        }
    }

    fn shell(&self, text: &str) -> Answer {
        if text.len() > MAX_TEXT_BYTES {
            return block(&format!("the command is longer than {MAX_TEXT_BYTES} bytes"), None, None);
        }
        if let Some(commands) = plain::commands(text) {
            match self.guard.is_way_out(&commands, self.folder.as_deref()) {
                Ok(true) => return Answer::Pass,
                Ok(false) => {}
                Err(why) => return block(&why, None, None),
            }
            if plain::are_harmless(&commands) {
                return Answer::Pass;
            }
        }
        if let Some(file) = self.guard.named_in(text) {
            return guarded(file);
        }
        self.judge(|settings| table::command(text, settings), || exact::of_command(text))
    }

    fn tool(&self, name: &str, input: &serde_json::Value) -> Answer {
        let mut file = None;
        let mut length = 0;
        event::strings(input, &mut |_, text| {
            length += text.len();
            file = file.or_else(|| self.guard.named_in(text));
        });
        if length > MAX_TEXT_BYTES {
            return block(&format!("the arguments are longer than {MAX_TEXT_BYTES} bytes"), None, None);
        }
        if let Some(file) = file.filter(|_| !name.starts_with("mcp__reprieve__")) {
            return guarded(file);
        }
        self.judge(|settings| table::tool(name, input, settings), || exact::of_tool(input))
    }

    /// Judges a call by the table, and vets its list if it says exactly what it deletes.
    fn judge(
        &self,
        find: impl FnOnce(&HookSettings) -> Option<Match>,
        exact: impl FnOnce() -> Option<Deletion>,
    ) -> Answer {
        let set = match &self.set {
            Ok(set) => set,
            // What the set lists is unknown, so it is unknown what deletes.
            Err(why) => return block(&format!("the policy set cannot be read: {why}"), None, None),
        };
        let settings = set.hook.clone().unwrap_or_default();
        let Some(found) = find(&settings) else { return Answer::Pass };
        let Some(deletion) = exact() else {
            return block(
                &format!("{} deletes, and what it deletes was not vetted", found.what),
                Some(found.next),
                None,
            );
        };
        let environment = settings.environment.as_deref().unwrap_or("production");
        match vet(deletion, self.harness, environment, &self.policies) {
            Ok(Vetted::DeletesNothing) => Answer::Pass,
            Ok(Vetted::Allowed) if set.ledger.is_none() => Answer::Pass,
            Ok(Vetted::Allowed) => {
                let why = format!(
                    "the policies allow what {} deletes, but the ledger has to record it: make the call with `reprieve run`",
                    found.what
                );
                block(&why, Some(found.next), None)
            }
            Ok(Vetted::Withheld(report)) => block(
                &format!("the policies do not allow what {} deletes", found.what),
                Some(found.next),
                Some(&report),
            ),
            Err(error) => {
                let why = format!("{} deletes, and what it deletes cannot be vetted: {error:#}", found.what);
                block(&why, Some(found.next), None)
            }
        }
    }
}

fn guarded(file: &str) -> Answer {
    block(&format!("`{file}` guards this agent, so a person changes it"), None, None)
}

/// Blocks a call: why, what the gate says, and what to do next.
fn block(why: &str, next: Option<Next>, report: Option<&str>) -> Answer {
    let mut text = format!("reprieve blocked this call: {why}\n");
    for line in report.unwrap_or_default().lines().take(MAX_REPORT_LINES) {
        text += &format!("  | {line}\n");
    }
    if let Some(next) = next {
        text += "What to do instead:\n";
        text += &advice(next);
        if next != Next::People {
            text +=
                "Run each command alone. If the call is only a text, write it into a file with a tool for files.\n";
        }
    }
    Answer::Block(text)
}
