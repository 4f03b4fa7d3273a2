//! `reprieve policy new` on a machine with nothing but the program and a language: the projects build and pass, and
//! nothing in them refers to the checkout.

use crate::tools::{self, command, install, ok, reprieve, root, shared, text};
use std::path::{Path, PathBuf};
use std::process::Command;

const LANGUAGES: [&str; 3] = ["rust", "js", "python"];

/// A machine without the checkout: the program is copied, and where the system allows it, the folder of the checkout is
/// empty.
struct Machine {
    folder: tempfile::TempDir,
    hides: bool,
}

impl Machine {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["bin", "cache"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        // Another process writes the copy. A child that another test starts meanwhile would keep the file open for writing,
        // and a file that is open for writing cannot be run.
        let copy = folder.path().join("bin/reprieve");
        assert!(
            Command::new("cp").args([Path::new(env!("CARGO_BIN_EXE_reprieve")), &copy]).status().unwrap().success()
        );
        let hides = Command::new("unshare")
            .args(["--mount", "--map-root-user", "mount", "-t", "tmpfs", "none"])
            .arg(folder.path().join("cache"))
            .output()
            .is_ok_and(|output| output.status.success());
        if !hides {
            eprintln!("note: no mount namespaces here, so the checkout is not hidden");
        }
        Self { folder, hides }
    }

    /// Runs a script that must succeed, in a folder of this machine.
    fn ok(&self, folder: &str, script: &str) -> String {
        let here = self.folder.path();
        let path = format!("export PATH='{}':$PATH CARGO_TARGET_DIR='{}'", here.join("bin").display(), self.target());
        let hidden = root();
        let (shared, cache, hidden) =
            (shared().display(), here.join("cache").display().to_string(), hidden.display());
        let hide = format!(
            "mount --bind '{shared}' '{cache}'; mount -t tmpfs none '{hidden}'; test -z \"$(ls -A '{hidden}')\""
        );
        let cd = format!("cd '{}'", here.join(folder).display());
        let mut command = if self.hides {
            let mut command = command("unshare", here);
            command.args(["--mount", "--map-root-user", "bash", "-ec", &format!("{hide}\n{path}\n{cd}\n{script}")]);
            command
        } else {
            let mut command = command("bash", here);
            command.args(["-ec", &format!("{path}\n{cd}\n{script}")]);
            command
        };
        let cache = if self.hides { PathBuf::from(cache) } else { tools::shared().to_owned() };
        command.env("XDG_CACHE_HOME", &cache).env("XDG_STATE_HOME", cache.join("state"));
        let output = command.output().unwrap();
        assert!(output.status.success(), "{script}\n{}", text(&output));
        text(&output)
    }

    /// The build folder that the tests share, as this machine sees it.
    fn target(&self) -> String {
        let below = if self.hides { self.folder.path().join("cache") } else { shared().to_owned() };
        below.join("policies").display().to_string()
    }
}

/// The files below a folder that no tool wrote, relative to it.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let entry = entry.unwrap();
            let generated = ["node_modules", ".venv", "__pycache__"];
            if entry.file_type().unwrap().is_file() {
                found.push(entry.path().strip_prefix(folder).unwrap().to_owned());
            } else if !generated.iter().any(|name| entry.file_name() == *name) {
                open.push(entry.path());
            }
        }
    }
    found.sort();
    found
}

fn is_below(path: &Path, needle: &str) -> bool {
    let bytes = std::fs::read(path).unwrap();
    bytes.windows(needle.len()).any(|window| window == needle.as_bytes())
}

#[test]
fn a_new_project_in_each_language_needs_no_checkout() {
    let machine = Machine::new();
    for language in LANGUAGES {
        let name = format!("mine-{language}");
        let printed = machine.ok(".", &format!("reprieve policy new {name} --lang {language}"));
        assert!(printed.contains(&format!("{name}/.reprieve-sdk: SDK 0.1.0, sha256 ")), "{printed}");
        machine.ok(&name, install(language));
        let printed = machine.ok(&name, "reprieve policy test --require-coverage && reprieve policy lint");
        assert!(printed.contains("2 of 2 cases passed"), "{printed}");
        assert!(!printed.contains("warning"), "{printed}");
        machine.ok(&format!("{name}/.reprieve-sdk"), "sha256sum --check --strict --quiet SHA256SUMS");

        let place = machine.folder.path().join(&name);
        let checkout = root().display().to_string();
        for file in files(&place) {
            assert!(!is_below(&place.join(&file), &checkout), "{} names the checkout", file.display());
        }
        if language == "rust" {
            let metadata = machine.ok(&name, "cargo metadata --format-version 1 --offline");
            assert!(!metadata.contains(&checkout), "{metadata}");
        }
        let config = format!("[[policy]]\nuse = 'build/{name}.wasm'\nsettings = {{ max_targets = 0 }}\n");
        std::fs::write(place.join("reprieve.toml"), config).unwrap();
        let request = r#"{"id": "1", "mode": "soft", "environment": "production", "target_kind": "app",
            "targets": [{"id": "a"}]}"#;
        std::fs::write(place.join("request.json"), request).unwrap();
        let printed = machine.ok(&name, "reprieve check request.json || test $? = 1");
        assert!(printed.contains(&format!("deny {name}/too-many")), "{printed}");
        if language == "js" {
            works_in_typescript(&machine, &name);
        }
    }
}

/// TypeScript differs only in the name of the file.
fn works_in_typescript(machine: &Machine, name: &str) {
    let place = machine.folder.path().join(name);
    let code = std::fs::read_to_string(place.join("policy.js")).unwrap();
    let typed = code.replace("const targets =", "const targets: number =");
    assert_ne!(typed, code);
    std::fs::remove_file(place.join("policy.js")).unwrap();
    std::fs::write(place.join("policy.ts"), &typed).unwrap();
    assert!(machine.ok(name, "reprieve policy test").contains("2 of 2 cases passed"));
    std::fs::write(place.join("policy.ts"), typed.replace("if (targets", "BigInt(0.5);\n    if (targets")).unwrap();
    let printed = machine.ok(name, "! reprieve policy test");
    assert!(
        printed.contains("declined: RangeError: ") && printed.contains("(policy.ts, at or after line 32)"),
        "{printed}"
    );
}

/// What git tracks of the SDKs is what a project gets, but for manifests and tests.
#[test]
fn the_copy_is_what_the_checkout_tracks() {
    let tracked = ok(&root(), "git ls-files sdk");
    let folder = tempfile::tempdir().unwrap();
    for (language, parts) in [("rust", &["rust", "model"][..]), ("js", &["js"]), ("python", &["python"])] {
        ok(folder.path(), &format!("reprieve policy new {language} --lang {language}"));
        let copy = folder.path().join(language).join(".reprieve-sdk");
        let mut expected: Vec<&str> = tracked
            .lines()
            .filter_map(|path| path.strip_prefix("sdk/"))
            .filter(|path| path.split_once('/').is_some_and(|(part, _)| part == "wit" || parts.contains(&part)))
            .filter(|path| !path.contains("/test/") && !path.contains("/tests/") && !path.ends_with(".gitignore"))
            .chain(["LICENSE-APACHE", "LICENSE-MIT", "SHA256SUMS", "VERSION"])
            .collect();
        expected.sort_unstable();
        let mut written: Vec<String> = files(&copy).iter().map(|path| path.display().to_string()).collect();
        written.sort_unstable();
        assert_eq!(written, expected, "{language}");
        for path in expected {
            let original = root().join("sdk").join(path);
            if original.is_file() && !path.ends_with("Cargo.toml") {
                let read = |path: PathBuf| std::fs::read_to_string(path).unwrap();
                assert_eq!(read(copy.join(path)), read(original), "{path}");
            }
        }
    }
}

#[test]
fn a_project_can_name_the_version_in_a_registry() {
    let folder = tempfile::tempdir().unwrap();
    let dependencies = [
        ("rust", "Cargo.toml", "reprieve-sdk = \"0.1.0\"\n"),
        ("js", "package.json", "\"@reprieve/sdk\": \"0.1.0\"\n"),
        ("python", "requirements.txt", "reprieve-sdk==0.1.0\n"),
    ];
    for (language, manifest, dependency) in dependencies {
        let printed = ok(folder.path(), &format!("reprieve policy new {language} --lang {language} --sdk registry"));
        assert!(printed.contains("is not published in a registry yet"), "{printed}");
        let place = folder.path().join(language);
        let written = std::fs::read_to_string(place.join(manifest)).unwrap();
        assert!(written.contains(dependency) && !written.contains("{{"), "{written}");
        assert!(!place.join(".reprieve-sdk").exists());
        let output = reprieve(&place, &["policy", "update-sdk"]);
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output).contains("contains no SDK"), "{}", text(&output));
    }
}

#[test]
fn an_sdk_is_replaced_unless_it_was_changed() {
    let folder = tempfile::tempdir().unwrap();
    ok(folder.path(), "reprieve policy new mine");
    let sdk = folder.path().join("mine/.reprieve-sdk");
    let write = |name: &str, text: &str| std::fs::write(sdk.join(name), text).unwrap();
    let update = || {
        let output = reprieve(folder.path(), &["policy", "update-sdk", "mine"]);
        (output.status.code(), text(&output))
    };
    let sums = std::fs::read_to_string(sdk.join("SHA256SUMS")).unwrap();
    let (status, printed) = update();
    assert!(
        status == Some(0) && printed.contains("SDK 0.1.0, sha256 ") && printed.contains("it was 0.1.0"),
        "{printed}"
    );
    assert_eq!(std::fs::read_to_string(sdk.join("SHA256SUMS")).unwrap(), sums);

    // An SDK of another version, with a file that this one does not have.
    write("VERSION", "0.0.9\n");
    write("rust/src/old.rs", "");
    let older = ok(&sdk, "sed '/  VERSION$/d' SHA256SUMS; sha256sum VERSION rust/src/old.rs");
    write("SHA256SUMS", &older);
    let (status, printed) = update();
    assert!(status == Some(0) && printed.contains("it was 0.0.9"), "{printed}");
    assert!(!sdk.join("rust/src/old.rs").exists());
    assert_eq!(std::fs::read_to_string(sdk.join("SHA256SUMS")).unwrap(), sums);

    let changed = std::fs::read_to_string(sdk.join("rust/src/lib.rs")).unwrap() + "// mine\n";
    write("rust/src/lib.rs", &changed);
    let (status, printed) = update();
    assert!(
        status == Some(2) && printed.contains("rust/src/lib.rs is not the file that SHA256SUMS lists"),
        "{printed}"
    );
    assert_eq!(std::fs::read_to_string(sdk.join("rust/src/lib.rs")).unwrap(), changed);

    // A list that names files elsewhere removes none.
    let outside = folder.path().join("mine/Cargo.toml");
    let sum = ok(folder.path(), "sha256sum mine/Cargo.toml | cut -d' ' -f1");
    write("SHA256SUMS", &format!("{}  ../Cargo.toml\n", sum.trim()));
    assert_eq!(update().0, Some(2));
    assert!(outside.exists());
}
