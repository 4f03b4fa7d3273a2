//! `reprieve policy …` on policies in Rust: the guide as it stands, right policies and wrong ones.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// A command that finds `reprieve`, and builds policies beside each other.
fn command(program: &str, folder: &Path) -> Command {
    let bin = Path::new(env!("CARGO_BIN_EXE_reprieve")).parent().unwrap().display().to_string();
    let mut command = Command::new(program);
    command
        .current_dir(folder)
        .env("PATH", format!("{bin}:{}", std::env::var("PATH").unwrap()))
        .env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR"))
        .env("CARGO_TARGET_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).join("policies"));
    command
}

fn reprieve(folder: &Path, arguments: &[&str]) -> Output {
    command("reprieve", folder).args(arguments).output().unwrap()
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// The blocks of a language in a document.
fn blocks(document: &str, language: &str) -> Vec<String> {
    let opening = format!("```{language}\n");
    document.split(&opening).skip(1).map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

#[test]
fn the_guide_leads_from_an_idea_to_a_denial() {
    let guide = std::fs::read_to_string(root().join("docs/policies.md")).unwrap();
    let mut commands = blocks(&guide, "sh");
    let last = commands.pop().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let shell = |script: &str| {
        let output = command("bash", folder.path()).args(["-ec", script]).output().unwrap();
        (output.status.code(), text(&output))
    };
    let (status, said) = shell(&commands.join("\n"));
    assert_eq!(status, Some(0), "{said}");
    for part in ["2 of 2 cases passed", "ok    a batch in parts", "a fresh instance each", "settings schema"] {
        assert!(said.contains(part), "no {part} in\n{said}");
    }
    let digest = said.split("sha256 = \"").nth(1).unwrap().split('"').next().unwrap();
    assert!(folder.path().join("small-batches/results.xml").exists());

    let config = blocks(&guide, "toml").remove(0).replace("the digest that build printed", digest);
    std::fs::write(folder.path().join("reprieve.toml"), config).unwrap();
    let request = r#"{"id": "1", "mode": "soft", "environment": "production", "target_kind": "app",
        "targets": [{"id": "a"}, {"id": "b"}, {"id": "c"}]}"#;
    std::fs::write(folder.path().join("request.json"), request).unwrap();
    let (status, said) = shell(&last.replace("cd ..\n", ""));
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("deny small-batches/too-many"), "{said}");
}

/// A fresh project in which these texts of `src/lib.rs` stand in the place of others.
fn project(folder: &Path, changes: &[(&str, &str)]) -> PathBuf {
    let output = reprieve(folder, &["policy", "new", "mine"]);
    assert!(output.status.success(), "{}", text(&output));
    let source = folder.join("mine/src/lib.rs");
    let mut code = std::fs::read_to_string(&source).unwrap();
    for (from, to) in changes {
        assert!(code.contains(from), "{from}");
        code = code.replace(from, to);
    }
    std::fs::write(source, code).unwrap();
    folder.join("mine")
}

#[test]
fn a_wrong_policy_is_told_what_to_change() {
    let folder = tempfile::tempdir().unwrap();
    let wrong = |changes: &[(&str, &str)], command: &str, expected: &[&str]| {
        let place = project(folder.path(), changes);
        let output = reprieve(&place, &["policy", command]);
        let said = text(&output);
        assert_ne!(output.status.code(), Some(0), "{said}");
        expected.iter().for_each(|part| assert!(said.contains(part), "no {part} in\n{said}"));
        std::fs::remove_dir_all(place).unwrap();
    };
    wrong(
        &[("if targets > most", "if targets >= most")],
        "test",
        &["FAIL  allowed", "- decision allow", "+ deny too-many"],
    );
    wrong(
        &[("if targets > most", "if targets > most - 5")],
        "test",
        &["+ decision undecided", "fault trap: it gave up at src/lib.rs, line 33: in Rust by a panic"],
    );
    wrong(
        &[(
            "type State = ();",
            "const COLUMNS: &'static [&'static str] = &[\"kind\"];
    type State = ();
    fn observe(_: &Case<Settings>, _: &mut (), chunk: &reprieve_sdk::Chunk) { chunk.column(\"knid\"); }
    fn merge(_: &mut (), _: ()) {}",
        )],
        "test",
        &["fault trap: it gave up at src/lib.rs, line 31: in Rust by a panic"],
    );
    wrong(&[("fn check", "fun check")], "build", &["could not build", "error"]);
    wrong(
        &[("        /// Targets that one batch may hold.\n", "")],
        "build",
        &["the setting `max_targets` needs a documentation comment", "src/lib.rs:5"],
    );
    wrong(
        &[("100, 0..=1_000_000", "100, 0..=99")],
        "build",
        &[
            "what it says of itself is wrong: the default of the setting `/max_targets`: 100 is greater than the maximum of 99",
        ],
    );
    wrong(
        &[("\"too-many\" [max_targets]", "\"too-many\"")],
        "build",
        &["the rule `TOO_MANY` is not written as `NAME"],
    );
    wrong(
        &[
            (
                "pub struct Rules;",
                "pub struct Rules;\n#[link(wasm_import_module = \"env\")] unsafe extern \"C\" { fn now() -> u64; }",
            ),
            ("case.facts.targets(),", "case.facts.targets() + unsafe { now() },"),
        ],
        "build",
        &["imports the function `env::now`", "help: a policy imports none"],
    );
    wrong(
        &[("    ///\n    /// Small batches can be watched while they run, and restored in one go.\n", "")],
        "lint",
        &["FAIL  every rule is documented", "`too-many` does not say why"],
    );
    wrong(
        &[
            (
                "type State = ();",
                "const COLUMNS: &'static [&'static str] = &[\"kind\"];\n    type State = u64;\n    fn observe(_: &Case<Settings>, state: &mut u64, chunk: &reprieve_sdk::Chunk) { *state += u64::from(chunk.rows) }\n    fn merge(state: &mut u64, other: u64) { *state = other.max(*state) }",
            ),
            ("_: &(), findings", "seen: &u64, findings"),
            (
                "let (targets, most) = (case.facts.targets(), case.settings.max_targets);",
                "let (targets, most) = (*seen, case.settings.max_targets - case.settings.max_targets);",
            ),
        ],
        "lint",
        &[
            "FAIL  a batch in parts",
            "2 targets, cut before row 1",
            "2 targets in one batch",
            "1 targets in one batch",
            "`merge` has to give",
        ],
    );
}

#[test]
fn coverage_and_bless() {
    let folder = tempfile::tempdir().unwrap();
    let place = project(folder.path(), &[("if targets > most", "if targets >= most")]);
    let test = |more: &[&str]| reprieve(&place, &[&["policy", "test"], more].concat());
    let said = text(&test(&[]));
    assert!(said.contains("no case keeps `too-many` quiet"), "{said}");
    assert_eq!(test(&["--bless"]).status.code(), Some(0));
    assert_eq!(test(&[]).status.code(), Some(0), "what was blessed passes");
    assert_eq!(test(&["--require-coverage"]).status.code(), Some(1));
    let blessed = std::fs::read_to_string(place.join("cases/allowed.json")).unwrap();
    assert!(blessed.contains("\"decision\": \"deny\""), "{blessed}");
    std::fs::write(place.join("cases/allowed.json"), blessed.replace("\"at\"", "\"when\"")).unwrap();
    let said = text(&test(&[]));
    assert!(said.contains("allowed.json: ") && said.contains("unknown field `when`"), "{said}");
}

#[test]
fn a_policy_is_the_same_wherever_it_is_built() {
    let digest = |folder: &Path| {
        let output = command("reprieve", &project(folder, &[]))
            .args(["policy", "build"])
            .env_remove("CARGO_TARGET_DIR")
            .output();
        let said = text(&output.unwrap());
        said.split("sha256 = \"").nth(1).unwrap_or_else(|| panic!("{said}")).split('"').next().unwrap().to_owned()
    };
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let deep = there.path().join("somewhere/else");
    std::fs::create_dir_all(&deep).unwrap();
    assert_eq!(digest(here.path()), digest(&deep));
}

#[test]
fn names_and_folders_that_will_not_do() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |arguments: &[&str], expected: &str| {
        let output = reprieve(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output).contains(expected), "{}", text(&output));
    };
    refused(&["policy", "new", "Not-A-Name"], "small letters and digits");
    refused(&["policy", "new", "../x"], "small letters and digits");
    refused(&["policy", "new", "gate"], "help: choose another name");
    refused(&["policy", "build"], "there is no policy here");
    refused(&["policy", "test", "nowhere.wasm"], "nowhere");
    std::fs::create_dir(folder.path().join("taken")).unwrap();
    refused(&["policy", "new", "taken"], "taken is there already");
    let js = folder.path().join("js");
    std::fs::create_dir(&js).unwrap();
    std::fs::write(js.join("package.json"), "{}").unwrap();
    refused(&["policy", "build", "js"], "help: npm install");
    std::fs::write(folder.path().join("a.wasm"), b"\0asm\x01\0\0\0").unwrap();
    refused(&["policy", "inspect", "a.wasm"], "it is not a policy");
}
