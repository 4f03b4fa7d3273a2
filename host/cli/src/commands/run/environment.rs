//! The environment of what `run` starts: that of Reprieve, without what only the gate needs.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What only the gate needs.
pub struct Secrets {
    /// The ledger, if it is a database: its URL may contain a password.
    pub ledger_url: Option<String>,
    /// The file of the key that signs permits.
    pub key: Option<PathBuf>,
}

/// The variables that hold a password of PostgreSQL, or the path of a file with passwords. Those that name a server stay: a
/// command that connects to another server because they are missing is worse than one that knows them.
const PASSWORDS: [&str; 2] = ["PGPASSWORD", "PGPASSFILE"];

/// Keeps other processes of this user, its command for one, from reading the environment and the memory of this process.
pub fn hide() {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        // It does not fail with this argument.
        set_dumpable_behavior(DumpableBehavior::NotDumpable).ok();
    }
}

impl Secrets {
    /// Removes from the environment of a command: the passwords of PostgreSQL, every `REPRIEVE_` variable that is not set for
    /// the command, and every variable whose value contains the URL of the ledger or is the path of the key.
    pub fn remove_from(&self, command: &mut Command) {
        for (name, value) in std::env::vars_os() {
            if self.is_secret(&name, &value) {
                command.env_remove(name);
            }
        }
    }

    fn is_secret(&self, name: &OsStr, value: &OsStr) -> bool {
        let contains = |url: &String| value.as_bytes().windows(url.len()).any(|part| part == url.as_bytes());
        let is_key = |key: &PathBuf| Path::new(value).canonicalize().is_ok_and(|path| path == *key);
        PASSWORDS.iter().any(|password| name == *password)
            || name.as_bytes().starts_with(b"REPRIEVE_")
            || self.ledger_url.as_ref().is_some_and(contains)
            || self.key.as_ref().is_some_and(is_key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn removes_what_only_the_gate_needs() {
        let folder = tempfile::tempdir().unwrap();
        let key = folder.path().join("permits.key");
        std::fs::write(&key, "").unwrap();
        let url = "postgres://gate:secret@host/ledger".to_owned();
        let secrets = Secrets { ledger_url: Some(url.clone()), key: Some(key.canonicalize().unwrap()) };
        let removed = |name: &str, value: &str| secrets.is_secret(name.as_ref(), value.as_ref());
        assert!(removed("PGPASSWORD", "x") && removed("PGPASSFILE", "x") && removed("REPRIEVE_TARGETS", "x"));
        assert!(removed("LEDGER", &url) && removed("ARGS", &format!("--ledger {url}")));
        assert!(removed("KEY", key.to_str().unwrap()));
        assert!(!removed("PGHOST", "h") && !removed("PATH", "/bin") && !removed("EMPTY", ""));
        let none = Secrets { ledger_url: None, key: None };
        assert!(!none.is_secret("LEDGER".as_ref(), url.as_ref()));
    }
}
