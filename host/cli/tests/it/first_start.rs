//! The first start on a machine: built-in policies need no folder and write nothing, and the code of others is kept where
//! that is possible.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

const REQUEST: &str =
    r#"{"id":"first","mode":"soft","environment":"test","target_kind":"app","targets":[{"id":"a","kind":"app"}]}"#;

/// A machine on which the program was never started.
struct Machine(TempDir);

impl Machine {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("work")).unwrap();
        fs::create_dir(folder.path().join("home")).unwrap();
        fs::write(folder.path().join("work/request.json"), REQUEST).unwrap();
        // No user can create a folder below a file.
        fs::write(folder.path().join("file"), "").unwrap();
        Self(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Runs the program with nothing in its environment but a home.
    fn run(&self, home: Option<&str>, arguments: &[&str]) -> (Option<i32>, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_reprieve"));
        command.current_dir(self.path("work")).args(arguments).env_clear();
        if let Some(home) = home {
            command.env("HOME", self.path(home));
        }
        let Output { status, stdout, stderr } = command.output().unwrap();
        (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
    }

    /// Uses a module that is not built in. It is the component of the built-in policies, in a file.
    fn use_own_policy(&self) {
        fs::write(self.path("work/own.wasm"), reprieve::policy::builtin_component()).unwrap();
        let (_, listed, _) = self.run(Some("home"), &["policies"]);
        let digest = listed.split("mode 0").nth(1).unwrap().split("sha256 ").nth(1).unwrap().lines().next().unwrap();
        let set = format!("[[policy]]\nuse = \"own.wasm\"\nname = \"mode\"\nsha256 = \"{digest}\"\n");
        fs::write(self.path("work/reprieve.toml"), set).unwrap();
    }
}

/// Every path below a folder.
fn below(folder: &Path) -> Vec<PathBuf> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            paths.extend(below(&path));
        }
        paths.push(path);
    }
    paths.sort();
    paths
}

#[test]
fn built_in_policies_need_no_folder_and_write_nothing() {
    let machine = Machine::new();
    let before = below(machine.0.path());
    let (status, decided, stderr) = machine.run(Some("home"), &["check", "request.json", "--format", "json"]);
    assert_eq!((status, stderr.as_str()), (Some(1), ""), "{decided}");
    let without_time = |text: &str| {
        let mut document: serde_json::Value = serde_json::from_str(text).unwrap();
        document.as_object_mut().unwrap().remove("evaluated_at");
        document
    };
    for home in [Some("absent"), Some("file"), None] {
        let (status, again, stderr) = machine.run(home, &["check", "request.json", "--format", "json"]);
        assert_eq!((status, stderr.as_str()), (Some(1), ""), "{home:?}");
        assert_eq!(without_time(&again), without_time(&decided), "{home:?}");
        assert_eq!(machine.run(home, &["policies", "--compile"]).0, Some(0), "{home:?}");
    }
    assert_eq!(below(machine.0.path()), before, "nothing was written");
}

#[test]
fn the_code_of_another_policy_is_kept() {
    let machine = Machine::new();
    machine.use_own_policy();
    let (status, listed, stderr) = machine.run(Some("home"), &["policies", "--compile"]);
    assert_eq!((status, stderr.as_str()), (Some(0), ""), "{listed}");
    let kept = below(&machine.path("home/.cache"));
    assert!(kept.iter().any(|path| path.extension().is_some_and(|extension| extension == "cwasm")), "{kept:?}");
    let (status, _, stderr) = machine.run(Some("home"), &["check", "request.json"]);
    assert_eq!((status, stderr.as_str()), (Some(0), ""));
    assert_eq!(below(&machine.path("home/.cache")), kept, "the next start compiles nothing");
}

#[test]
fn a_cache_that_cannot_be_used_is_a_warning_and_fails_the_command_that_fills_it() {
    let machine = Machine::new();
    machine.use_own_policy();
    for home in [Some("file"), None] {
        let (status, decided, stderr) = machine.run(home, &["check", "request.json"]);
        assert_eq!(status, Some(0), "{decided}{stderr}");
        assert!(stderr.contains("every start compiles policies, because they cannot be cached"), "{stderr}");
        let (status, listed, stderr) = machine.run(home, &["policies", "--compile"]);
        assert_eq!((status, listed.as_str()), (Some(2), ""), "{stderr}");
        assert!(stderr.contains("the code of the policy `mode` is not kept"), "{stderr}");
        assert!(stderr.contains("$XDG_CACHE_HOME"), "{stderr}");
    }
}
