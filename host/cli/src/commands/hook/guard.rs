//! Files that an agent must not change, because they guard it, and the commands of Reprieve that it may run.

use super::words::base;
use reprieve::PolicySet;
use std::path::{Path, PathBuf};

/// Settings of harnesses, as the end of a path.
const SETTINGS: &[&str] = &[
    ".claude/settings.json",
    ".claude/settings.local.json",
    ".codex/config.toml",
    ".codex/hooks.json",
    ".gemini/settings.json",
    ".cursor/hooks.json",
];

/// Subcommands that an agent may run as they are.
const COMMANDS: &[&str] = &[
    "check",
    "draft",
    "explain",
    "halt",
    "help",
    "incidents",
    "inventory",
    "mcp",
    "policies",
    "read",
    "replay",
    "report",
    "run",
    "schema",
    "split",
    "targets",
    "--help",
    "--version",
    "-V",
];

/// Options with which `run` would decide by something else than the hook.
const OTHERWISE: &[&str] = &["--ledger", "--no-ledger", "--at", "--history", "--inventory"];

/// The policy set of the hook, and the files that guard.
#[derive(Debug, Default)]
pub struct Guard {
    /// The file of the policy set.
    pub config: Option<PathBuf>,
    /// The names of the files.
    names: Vec<String>,
}

impl Guard {
    /// Guards a policy set and the files that it names.
    pub fn new(config: Option<&Path>, set: Option<&PolicySet>) -> Self {
        let mut files: Vec<&str> = vec!["reprieve.toml"];
        files.extend(config.and_then(|path| path.file_name()?.to_str()));
        if let Some(set) = set {
            let ledger = set.ledger.as_deref().filter(|name| !name.contains("://"));
            files.extend(ledger.into_iter().chain(set.inventory.as_deref()));
            files.extend(
                set.permits.iter().flat_map(|permits| [&permits.key, &permits.keys]).flatten().map(String::as_str),
            );
            files.extend(set.approvals.iter().chain(&set.attestations).map(|signers| signers.keys.as_str()));
            files.extend(set.overrides.iter().map(|overrides| overrides.keys.as_str()));
        }
        let mut names: Vec<String> = files.into_iter().map(|file| base(file).to_lowercase()).collect();
        names.sort();
        names.dedup();
        Self { config: config.and_then(|path| path.canonicalize().ok()), names }
    }

    /// Returns the guarding file that a text names.
    pub fn named_in(&self, text: &str) -> Option<&str> {
        let text = text.to_lowercase().replace(['"', '\'', '\\'], "").replace("/./", "/").replace("//", "/");
        let is_in = |name: &str| {
            text.match_indices(name).any(|(at, _)| {
                let before = text[..at].chars().next_back();
                let after = text[at + name.len()..].chars().next();
                let is_part = |c: char| c.is_alphanumeric() || "_-.".contains(c);
                !before.is_some_and(is_part) && !after.is_some_and(is_part)
            })
        };
        let settings = SETTINGS.iter().copied().find(|name| is_in(name));
        settings.or_else(|| self.names.iter().map(String::as_str).find(|name| is_in(name)))
    }

    /// Whether a command is one of Reprieve, whole and alone, that an agent may run in this folder.
    ///
    /// # Errors
    /// Why not, if it would run something by another policy set or ledger.
    pub fn is_way_out(&self, commands: &[Vec<String>], folder: Option<&str>) -> Result<bool, String> {
        let [command] = commands else { return Ok(false) };
        let [program, verb, arguments @ ..] = command.as_slice() else { return Ok(false) };
        let is_this = program == "reprieve" || std::env::current_exe().is_ok_and(|path| path == Path::new(program));
        if !is_this || !COMMANDS.contains(&verb.as_str()) {
            return Ok(false);
        }
        if verb != "run" {
            return Ok(true);
        }
        let options: Vec<&str> =
            arguments.iter().map(String::as_str).take_while(|argument| *argument != "--").collect();
        let name = |option: &'_ str| option.split('=').next().unwrap_or_default().to_owned();
        if let Some(option) = options.iter().find(|option| OTHERWISE.contains(&name(option).as_str())) {
            return Err(format!(
                "`reprieve run` with `{}` decides by something else than the hook; leave it out",
                name(option)
            ));
        }
        let folder = folder.map_or_else(PathBuf::new, PathBuf::from);
        let named = options.iter().position(|option| name(option) == "--config");
        let named = named.map(|at| {
            options[at]
                .split_once('=')
                .map(|(_, value)| value)
                .or_else(|| options.get(at + 1).copied())
                .unwrap_or_default()
        });
        let used = folder.join(named.unwrap_or("reprieve.toml"));
        if used.canonicalize().ok() == self.config {
            return Ok(true);
        }
        let own =
            self.config.as_ref().map_or_else(String::new, |path| format!(": add `--config {}`", path.display()));
        Err(format!("`reprieve run` would use another policy set than the hook{own}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<Vec<String>> {
        vec![text.split(' ').map(str::to_owned).collect()]
    }

    #[test]
    fn names_the_files_that_guard() {
        let set = PolicySet { ledger: Some("state/reprieve.db".to_owned()), ..PolicySet::default() };
        let guard = Guard::new(Some(Path::new("ops/gate.toml")), Some(&set));
        for text in [
            "echo > reprieve.toml",
            "sed -i x ops/gate.toml",
            "rm state/reprieve.db",
            "/home/a/.claude//settings.json",
            "tee .claude/./settings.json",
            "cp x .codex/hooks.json",
            "cp x 'reprieve'.toml",
            "x=reprieve.toml",
        ] {
            assert!(guard.named_in(text).is_some(), "{text}");
        }
        for text in ["cat my-reprieve.toml.bak", "ls claude/settings.json", "gate.tomlx"] {
            assert_eq!(guard.named_in(text), None, "{text}");
        }
    }

    #[test]
    fn runs_only_by_the_set_of_the_hook() {
        let folder = tempfile::tempdir().unwrap();
        let (path, other) = (folder.path().join("reprieve.toml"), folder.path().join("lax.toml"));
        std::fs::write(&path, "").unwrap();
        std::fs::write(&other, "").unwrap();
        let guard = Guard::new(Some(&path), None);
        let here = folder.path().to_str();
        let is = |text: &str, folder: Option<&str>| guard.is_way_out(&words(text), folder);
        assert_eq!(is("reprieve run r.json -- rm -rf x", here), Ok(true));
        assert_eq!(is("reprieve run r.json -- x --no-ledger", here), Ok(true), "that is an option of the command");
        assert_eq!(is("reprieve check r.json --config lax.toml", here), Ok(true), "it only prints");
        assert!(is("reprieve run r.json --config lax.toml -- x", here).is_err());
        assert!(is("reprieve run r.json --config=lax.toml -- x", here).is_err());
        assert!(is("reprieve run r.json --no-ledger -- x", here).is_err());
        assert!(is("reprieve run r.json -- x", Some("/")).is_err(), "another folder has another set, or none");
        for text in
            ["reprieve approve r.json", "./reprieve run r.json -- x", "reprieve", "x run y", "reprieve resume"]
        {
            assert_eq!(is(text, here), Ok(false), "{text}");
        }
        assert_eq!(
            guard.is_way_out(&[words("reprieve check x").remove(0), words("rm x").remove(0)], here),
            Ok(false)
        );
    }
}
