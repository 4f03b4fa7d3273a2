//! `reprieve policy …` with policies in Rust: the guide, correct policies and incorrect ones.

use crate::tools::{command, reprieve, root, shared, text};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{LazyLock, Mutex, PoisonError};

/// The code blocks of a language in a document.
fn blocks(document: &str, language: &str) -> Vec<String> {
    let opening = format!("```{language}\n");
    document.split(&opening).skip(1).map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

#[test]
fn the_commands_of_the_guide_lead_to_a_denial() {
    let guide = std::fs::read_to_string(root().join("docs/policies.md")).unwrap();
    let mut commands = blocks(&guide, "sh");
    let last = commands.pop().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let shell = |script: &str| {
        let output = command("bash", folder.path()).args(["-ec", script]).output().unwrap();
        (output.status.code(), text(&output))
    };
    let (status, printed) = shell(&commands.join("\n"));
    assert_eq!(status, Some(0), "{printed}");
    for part in ["2 of 2 cases passed", "ok    a partitioned batch", "each in a fresh instance", "settings schema"] {
        assert!(printed.contains(part), "no {part} in\n{printed}");
    }
    let digest = printed.split("sha256 = \"").nth(1).unwrap().split('"').next().unwrap();
    assert!(folder.path().join("small-batches/results.xml").exists());

    let config = blocks(&guide, "toml").remove(0).replace("the digest that build printed", digest);
    std::fs::write(folder.path().join("reprieve.toml"), config).unwrap();
    let request = r#"{"id": "1", "mode": "soft", "environment": "production", "target_kind": "app",
        "targets": [{"id": "a"}, {"id": "b"}, {"id": "c"}]}"#;
    std::fs::write(folder.path().join("request.json"), request).unwrap();
    let (status, printed) = shell(&last.replace("cd ..\n", ""));
    assert_eq!(status, Some(1), "{printed}");
    assert!(printed.contains("deny small-batches/too-many"), "{printed}");
}

/// The project that these tests change.
struct Project {
    place: PathBuf,
    /// Its files as they are in a new project.
    files: Vec<(PathBuf, String)>,
}

impl Project {
    fn new() -> Self {
        let folder = shared().join("projects");
        drop(std::fs::remove_dir_all(&folder));
        std::fs::create_dir(&folder).unwrap();
        let output = reprieve(&folder, &["policy", "new", "changed"]);
        assert!(output.status.success(), "{}", text(&output));
        let place = folder.join("changed");
        let cases = std::fs::read_dir(place.join("cases")).unwrap().map(|entry| entry.unwrap().path());
        let files = cases.chain([place.join(SOURCE)]);
        let files = files.map(|path| (path.clone(), std::fs::read_to_string(path).unwrap())).collect();
        Self { place, files }
    }
}

const SOURCE: &str = "src/lib.rs";

/// Runs a test in a new project with these replacements in its source. It is the same folder for all, one after another,
/// because the SDK is compiled once for each folder.
fn in_project<R>(changes: &[(&str, &str)], test: impl FnOnce(&Path) -> R) -> R {
    static PROJECT: LazyLock<Mutex<Project>> = LazyLock::new(|| Mutex::new(Project::new()));
    let project = PROJECT.lock().unwrap_or_else(PoisonError::into_inner);
    for (path, new) in &project.files {
        let mut content = new.clone();
        for (from, to) in changes.iter().filter(|_| path.ends_with(SOURCE)) {
            assert!(content.contains(from), "{from}");
            content = content.replace(from, to);
        }
        std::fs::write(path, content).unwrap();
    }
    test(&project.place)
}

#[test]
fn messages_tell_what_to_change_in_an_incorrect_policy() {
    let wrong = |changes: &[(&str, &str)], command: &str, expected: &[&str]| {
        let output = in_project(changes, |place| reprieve(place, &["policy", command]));
        let printed = text(&output);
        assert_ne!(output.status.code(), Some(0), "{printed}");
        expected.iter().for_each(|part| assert!(printed.contains(part), "no {part} in\n{printed}"));
    };
    wrong(
        &[("if targets > max", "if targets >= max")],
        "test",
        &["FAIL  allowed", "- decision allow", "+ deny too-many"],
    );
    wrong(
        &[("if targets > max", "if targets > max - 5")],
        "test",
        &["+ decision undecided", "fault trap: it gave up at src/lib.rs, line 33: in Rust by a panic"],
    );
    wrong(
        &[(
            "type State = ();",
            "const COLUMNS: &'static [&'static str] = &[\"kind\"];
    type State = ();
    fn observe(_: &Context<Settings>, _: &mut (), chunk: &reprieve_sdk::Chunk) { chunk.column(\"knid\"); }
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
        &[("100, min = 0, max = 1_000_000", "100, min = 0, max = 99")],
        "build",
        &[
            "its descriptor is invalid: the default of the setting `/max_targets`: 100 is greater than the maximum of 99",
        ],
    );
    wrong(
        &[("\"too-many\": wrong, size [max_targets]", "\"too-many\": wrong, size")],
        "build",
        &["cannot read the rule `TOO_MANY`: expected `NAME"],
    );
    wrong(
        &[
            (
                "pub struct Rules;",
                "pub struct Rules;\n#[link(wasm_import_module = \"env\")] unsafe extern \"C\" { fn now() -> u64; }",
            ),
            ("context.facts.targets(),", "context.facts.targets() + unsafe { now() },"),
        ],
        "build",
        &["imports the function `env::now`", "a policy must not import functions"],
    );
    wrong(
        &[("    ///\n    /// Small batches can be watched while they run, and restored in one go.\n", "")],
        "lint",
        &["FAIL  every rule is documented", "`too-many` has no explanation"],
    );
    wrong(
        &[
            (
                "type State = ();",
                "const COLUMNS: &'static [&'static str] = &[\"kind\"];\n    type State = u64;\n    fn observe(_: &Context<Settings>, state: &mut u64, chunk: &reprieve_sdk::Chunk) { *state += u64::from(chunk.rows) }\n    fn merge(state: &mut u64, other: u64) { *state = other.max(*state) }",
            ),
            ("_: &(), findings", "seen: &u64, findings"),
            (
                "let (targets, max) = (context.facts.targets(), context.settings.max_targets);",
                "let (targets, max) = (*seen, context.settings.max_targets - context.settings.max_targets);",
            ),
        ],
        "lint",
        &[
            "FAIL  a partitioned batch",
            "2 targets, cut before row 1",
            "2 targets in one batch",
            "1 targets in one batch",
            "`merge` must return",
        ],
    );
}

#[test]
fn reports_missing_coverage_and_updates_cases() {
    in_project(&[("if targets > max", "if targets >= max")], |place| {
        let test = |more: &[&str]| reprieve(place, &[&["policy", "test"], more].concat());
        let printed = text(&test(&[]));
        assert!(printed.contains("every case triggers `too-many`"), "{printed}");
        assert_eq!(test(&["--bless"]).status.code(), Some(0));
        assert_eq!(test(&[]).status.code(), Some(0), "updated cases pass");
        assert_eq!(test(&["--require-coverage"]).status.code(), Some(1));
        let blessed = std::fs::read_to_string(place.join("cases/allowed.json")).unwrap();
        assert!(blessed.contains("\"decision\": \"deny\""), "{blessed}");
        std::fs::write(place.join("cases/allowed.json"), blessed.replace("\"at\"", "\"when\"")).unwrap();
        let printed = text(&test(&[]));
        assert!(printed.contains("allowed.json: ") && printed.contains("unknown field `when`"), "{printed}");
    });
}

#[test]
fn builds_are_reproducible_in_any_folder() {
    let digest = |command: &mut Command| {
        let printed = text(&command.args(["policy", "build"]).output().unwrap());
        let found = printed.split("sha256 = \"").nth(1).unwrap_or_else(|| panic!("{printed}"));
        found.split('"').next().unwrap().to_owned()
    };
    let in_the_shared_folder = in_project(&[], |place| digest(&mut command("reprieve", place)));
    let folder = tempfile::tempdir().unwrap();
    let deep = folder.path().join("somewhere/else");
    std::fs::create_dir_all(&deep).unwrap();
    assert!(reprieve(&deep, &["policy", "new", "changed"]).status.success());
    let in_its_own = digest(command("reprieve", &deep.join("changed")).env_remove("CARGO_TARGET_DIR"));
    assert_eq!(in_the_shared_folder, in_its_own);
}

#[test]
fn rejects_invalid_names_and_folders() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |arguments: &[&str], expected: &str| {
        let output = reprieve(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output).contains(expected), "{}", text(&output));
    };
    refused(&["policy", "new", "Not-A-Name"], "lower-case letters and digits");
    refused(&["policy", "new", "../x"], "lower-case letters and digits");
    refused(&["policy", "new", "gate"], "help: choose another name");
    refused(&["policy", "build"], "there is no policy here");
    refused(&["policy", "test", "nowhere.wasm"], "nowhere");
    std::fs::create_dir(folder.path().join("taken")).unwrap();
    refused(&["policy", "new", "taken"], "taken already exists");
    let js = folder.path().join("js");
    std::fs::create_dir(&js).unwrap();
    std::fs::write(js.join("package.json"), "{}").unwrap();
    refused(&["policy", "build", "js"], "help: npm install");
    std::fs::write(folder.path().join("a.wasm"), b"\0asm\x01\0\0\0").unwrap();
    refused(&["policy", "inspect", "a.wasm"], "it is not a policy");
}

#[test]
fn of_several_policies_one_is_meant_by_its_name() {
    let silent = "policies!(Rules, Silent);
/// Has no findings.
pub struct Silent;
impl Policy for Silent {
    const NAME: &'static str = \"silent\";
    const VERSION: &'static str = \"2.0.0\";
    const SUMMARY: &'static str = \"Has no findings.\";
    const RULES: &'static [Rule] = RULES;
    type Settings = Settings;
    type State = ();
    fn check(_: &Context<Settings>, _: &(), _: &mut Findings) {}
}";
    in_project(&[("policy, rules", "policies, rules"), ("policy!(Rules);", silent)], |place| {
        let run = |arguments: &[&str]| {
            let output = reprieve(place, &[&["policy"], arguments].concat());
            (output.status.code(), text(&output))
        };
        let (status, built) = run(&["build"]);
        assert!(
            status == Some(0) && built.contains("changed 0.1.0: Keeps") && built.contains("silent 2.0.0: Has no"),
            "{built}"
        );
        let module = "changed.wasm";
        std::fs::copy(place.join("build").join(module), place.join(module)).unwrap();
        for command in ["test", "lint", "bench", "inspect"] {
            let (status, printed) = run(&[command, module]);
            assert_eq!(status, Some(2), "{command}: {printed}");
            assert!(printed.contains("it holds several policies"), "{printed}");
            assert!(printed.contains("help: name one of them: --name changed, --name silent"), "{printed}");
            let (status, printed) = run(&[command, module, "--name", "silence"]);
            assert_eq!(status, Some(2), "{command}: {printed}");
            assert!(printed.contains("it holds no policy `silence`") && printed.contains("`silent`?"), "{printed}");
        }
        let test = |name: &str| run(&["test", "--name", name]);
        let (status, printed) = test("changed");
        assert!(status == Some(0) && printed.contains("2 of 2 cases passed"), "{printed}");
        let (status, printed) = test("silent");
        assert!(status == Some(1) && printed.contains("1 of 2 cases passed"), "{printed}");
        // Its own cases, if it has some.
        std::fs::create_dir_all(place.join("cases/silent")).unwrap();
        std::fs::copy(place.join("cases/allowed.json"), place.join("cases/silent/allowed.json")).unwrap();
        let (status, printed) = test("silent");
        assert!(status == Some(0) && printed.contains("1 of 1 cases passed"), "{printed}");
        std::fs::remove_dir_all(place.join("cases/silent")).unwrap();
        assert_eq!(run(&["lint", module, "--name", "silent"]).0, Some(0));
        assert_eq!(run(&["bench", module, "--name", "silent", "--runs", "1"]).0, Some(0));
        assert!(run(&["inspect", module, "--name", "silent"]).1.contains("silent 2.0.0: Has no findings."));
    });
}
