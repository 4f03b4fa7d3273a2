//! What a release consists of: the archive, the packages of the SDKs, the GitHub Action and the image.

use crate::tools::{self, ok, root, text};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use yaml_rust2::{Yaml, YamlLoader};

/// Makes the artefacts in a folder.
fn release(out: &Path) {
    let script = root().join("scripts/release");
    let output = Command::new(script).arg(env!("CARGO_BIN_EXE_reprieve")).arg(out).output().unwrap();
    assert!(output.status.success(), "{}", text(&output));
}

/// The names and digests of artefacts.
fn sums(folder: &Path) -> Vec<(String, String)> {
    ok(folder, "sha256sum --check --strict --quiet SHA256SUMS");
    let lines = std::fs::read_to_string(folder.join("SHA256SUMS")).unwrap();
    lines.lines().map(|line| line.split_once("  ").unwrap()).map(|(sum, name)| (name.into(), sum.into())).collect()
}

#[test]
fn artefacts_are_reproducible_and_sufficient() {
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    release(first.path());
    release(second.path());
    let artefacts = sums(first.path());
    assert_eq!(artefacts, sums(second.path()));
    let names: Vec<&str> = artefacts.iter().map(|(name, _)| name.as_str()).collect();
    let [archive, npm, wheel] = names[..] else { panic!("{names:?}") };
    assert!(archive.starts_with("reprieve-0.1.0-") && archive.ends_with(".tar.gz"), "{archive}");
    assert_eq!((npm, wheel), ("reprieve-sdk-0.1.0.tgz", "reprieve_sdk-0.1.0-py3-none-any.whl"));

    let folder = tempfile::tempdir().unwrap();
    let place = first.path().display();
    let listed =
        ok(folder.path(), &format!("tar xzf {place}/{archive} && cd reprieve-* && ls && ./reprieve --version"));
    assert_eq!(listed, "CHANGELOG.md\nLICENSE-APACHE\nLICENSE-MIT\nREADME.md\nreprieve\nreprieve 0.1.0\n");

    // The packages are what a project gets from a registry once they are there.
    for language in ["js", "python"] {
        ok(folder.path(), &format!("reprieve policy new mine-{language} --lang {language} --sdk registry"));
    }
    let build = "reprieve policy build";
    let js = format!("npm install --no-audit --no-fund {place}/{npm} && {build}");
    assert!(ok(&folder.path().join("mine-js"), &js).contains("sha256 = "));
    let pip = format!(".venv/bin/pip install --quiet --find-links {place} -r requirements.txt");
    let python = format!("python3 -m venv .venv && {pip} && {build}");
    assert!(ok(&folder.path().join("mine-python"), &python).contains("sha256 = "));
    let licences = "ls node_modules/@reprieve/sdk/LICENSE-MIT && ! ls node_modules/@reprieve/sdk/test";
    ok(&folder.path().join("mine-js"), licences);
}

#[test]
fn a_release_needs_the_program_of_its_version_and_an_empty_folder() {
    let folder = tempfile::tempdir().unwrap();
    let run = |program: &Path| {
        let output = Command::new(root().join("scripts/release")).arg(program).arg(folder.path()).output().unwrap();
        (output.status.success(), text(&output))
    };
    let old = tempfile::tempdir().unwrap();
    let program = old.path().join("reprieve");
    std::fs::write(&program, "#!/bin/sh\necho reprieve 0.0.9\n").unwrap();
    ok(old.path(), "chmod +x reprieve");
    let (success, printed) = run(&program);
    assert!(!success && printed.contains("build it again"), "{printed}");
    std::fs::write(folder.path().join("old.tar.gz"), "").unwrap();
    let (success, printed) = run(Path::new(env!("CARGO_BIN_EXE_reprieve")));
    assert!(!success && printed.contains("is not empty"), "{printed}");
}

/// The action as a runner runs it.
struct Action {
    action: Yaml,
    folder: tempfile::TempDir,
}

const CONFIG: &str = "[[policy]]\nuse = 'builtin:blast-radius'\nsettings = { max_tenants_soft = 2 }\n";

fn request(targets: &str) -> String {
    format!(
        r#"{{"id": "1", "mode": "soft", "environment": "staging", "target_kind": "app", "targets": [{targets}]}}"#
    )
}

impl Action {
    fn new() -> Self {
        let text = std::fs::read_to_string(root().join("action.yml")).unwrap();
        let action = YamlLoader::load_from_str(&text).unwrap().remove(0);
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write("few.json", &request(r#"{"id": "a", "tenant": "t"}"#));
        write(
            "many.json",
            &request(r#"{"id": "a", "tenant": "t"}, {"id": "b", "tenant": "u"}, {"id": "c", "tenant": "v"}"#),
        );
        write("broken.json", "{");
        write("config.toml", CONFIG);
        // The archive as the script makes it, without the packages.
        ok(folder.path(), "mkdir r && cp \"$(command -v reprieve)\" r && tar czf r.tar.gz r && rm -r r");
        Self { action, folder }
    }

    /// Runs a step with these inputs, and returns what it printed and its outputs and summary.
    fn step(&self, number: usize, inputs: &BTreeMap<&str, String>, program: &str) -> (Output, String, String) {
        let step = &self.action["runs"]["steps"][number];
        let script = step["run"].as_str().unwrap();
        assert!(!script.contains("${{"), "an expression in a script is read as a part of it");
        let here = self.folder.path();
        let [file, outputs, summary] = ["script", "outputs", "summary"].map(|name| here.join(name));
        std::fs::write(&file, script).unwrap();
        for file in [&outputs, &summary] {
            std::fs::write(file, "").unwrap();
        }
        let mut command = tools::command("bash", here);
        command.args(["--noprofile", "--norc", "-eo", "pipefail"]).arg(&file);
        command.env("RUNNER_TEMP", here).env("GITHUB_OUTPUT", &outputs).env("GITHUB_STEP_SUMMARY", &summary);
        for (name, value) in step["env"].as_hash().unwrap() {
            let expression = value.as_str().unwrap().trim_start_matches("${{ ").trim_end_matches(" }}");
            let value = match expression.strip_prefix("inputs.") {
                Some(input) => {
                    let declared = &self.action["inputs"][input];
                    assert!(!declared.is_badvalue(), "{input} is not declared");
                    inputs.get(input).cloned().unwrap_or_else(|| declared["default"].as_str().unwrap().to_owned())
                }
                None => {
                    assert_eq!(expression, "steps.install.outputs.program");
                    program.to_owned()
                }
            };
            command.env(name.as_str().unwrap(), value);
        }
        let output = command.output().unwrap();
        let read = |path: &PathBuf| std::fs::read_to_string(path).unwrap();
        (output, read(&outputs), read(&summary))
    }

    fn install(&self, archive: &str, sha256: &str) -> (Output, String) {
        let inputs = BTreeMap::from([("archive", archive.to_owned()), ("sha256", sha256.to_owned())]);
        let (output, outputs, _) = self.step(0, &inputs, "");
        (output, outputs)
    }

    /// Checks with these inputs. Returns the status, what was printed, the verdict, and the summary.
    fn check(&self, inputs: &[(&'static str, &str)]) -> (Option<i32>, String, String, String) {
        let mut all = BTreeMap::from([("config", "config.toml".to_owned())]);
        all.extend(inputs.iter().map(|(name, value)| (*name, (*value).to_owned())));
        let (output, outputs, summary) = self.step(1, &all, env!("CARGO_BIN_EXE_reprieve"));
        (output.status.code(), text(&output), outputs, summary)
    }
}

#[test]
fn the_action_installs_only_the_archive_of_the_digest() {
    let action = Action::new();
    let sum = ok(action.folder.path(), "sha256sum r.tar.gz | cut -d' ' -f1");
    let (output, outputs) = action.install("r.tar.gz", sum.trim());
    assert!(output.status.success() && text(&output) == "reprieve 0.1.0\n", "{}", text(&output));
    let program = outputs.trim().strip_prefix("program=").unwrap();
    assert!(Path::new(program).is_file(), "{outputs}");

    for (archive, sum) in [("r.tar.gz", "0".repeat(64)), ("r.tar.gz", String::new()), ("none", sum.trim().to_owned())]
    {
        let (output, outputs) = action.install(archive, &sum);
        assert!(!output.status.success() && outputs.is_empty(), "{archive} {sum}: {}", text(&output));
    }
}

#[test]
fn the_action_fails_unless_the_batch_is_allowed() {
    let action = Action::new();
    let (status, printed, verdict, summary) = action.check(&[("request", "few.json")]);
    assert_eq!((status, verdict.as_str()), (Some(0), "verdict=allow\n"), "{printed}");
    assert!(printed.contains("::notice title=reprieve::allow") && summary.contains("allow"), "{printed}\n{summary}");

    let (status, printed, verdict, summary) = action.check(&[("request", "many.json")]);
    assert_eq!((status, verdict.as_str()), (Some(1), "verdict=deny\n"), "{printed}");
    assert!(printed.contains("::error file=many.json,line=1,title=blast-radius/"), "{printed}");
    assert!(summary.contains("deny") && summary.contains("blast-radius/"), "{summary}");

    for request in ["broken.json", "absent.json", "", "--help"] {
        let (status, printed, verdict, summary) = action.check(&[("request", request)]);
        assert_eq!((status, verdict.as_str()), (Some(2), "verdict=undecided\n"), "{request}: {printed}");
        assert!(printed.contains("::error title=reprieve::error: ") && summary.is_empty(), "{request}: {printed}");
    }
    for arguments in ["--help", "--version", "--no-ledger\n--help", "many.json", "--", "--summary=x"] {
        let (status, printed, ..) = action.check(&[("request", "few.json"), ("arguments", arguments)]);
        assert_eq!(status, Some(2), "{arguments}: {printed}");
    }
}

#[test]
fn the_action_passes_its_inputs_on() {
    let action = Action::new();
    let sarif = [("request", "many.json"), ("format", "sarif"), ("output", "out.sarif")];
    let (status, printed, ..) = action.check(&sarif);
    assert_eq!(status, Some(1), "{printed}");
    let report = std::fs::read_to_string(action.folder.path().join("out.sarif")).unwrap();
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["version"], "2.1.0");
    assert_eq!(action.check(&sarif).0, Some(2), "the file exists");

    let plan = r#"{"format_version": "1.2", "resource_changes": [{"address": "aws_instance.a", "mode": "managed",
        "type": "aws_instance", "change": {"actions": ["delete"], "before": {"id": "i-1"}, "after": null}}]}"#;
    std::fs::write(action.folder.path().join("plan.json"), plan).unwrap();
    let inputs = [
        ("request", "plan.json"),
        ("from", "terraform"),
        ("arguments", "--environment=staging\n\n--column=tenant=t e n\n"),
    ];
    let (status, printed, ..) = action.check(&inputs);
    assert_ne!(status, Some(0), "{printed}");
    assert!(printed.contains("::"), "{printed}");
}

#[test]
fn a_plan_without_deletions_passes_the_action() {
    let action = Action::new();
    let plan = r#"{"format_version": "1.2", "resource_changes": [{"address": "aws_instance.a", "mode": "managed",
        "type": "aws_instance", "change": {"actions": ["no-op"], "before": {"id": "i-1"}, "after": {"id": "i-1"}}}]}"#;
    std::fs::write(action.folder.path().join("plan.json"), plan).unwrap();
    let (status, printed, verdict, summary) = action.check(&[("request", "plan.json"), ("from", "terraform")]);
    assert_eq!((status, verdict.as_str()), (Some(0), "verdict=allow\n"), "{printed}");
    assert!(!summary.is_empty(), "{printed}");
}

#[test]
fn a_summary_that_cannot_be_written_is_not_an_allow() {
    let action = Action::new();
    let check = ["check", "few.json", "--config", "config.toml", "--summary"];
    let run = |summary| tools::reprieve(action.folder.path(), &[&check[..], &[summary]].concat());
    assert_eq!(run("summary.md").status.code(), Some(0));
    let output = run("/proc/summary.md");
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output).contains("cannot write the summary /proc/summary.md"), "{}", text(&output));
}

/// No text of an input is run, and none becomes a command of the runner.
#[test]
fn inputs_of_the_action_are_not_read_as_scripts() {
    let action = Action::new();
    let hostile = [
        "$(touch ran)",
        "`touch ran`",
        "'; touch ran; '",
        "\"; touch ran; \"",
        "a\n::warning::ran",
        "%0A::error::",
        "-rf",
    ];
    for text in hostile {
        for input in ["request", "from", "config", "inventory", "arguments", "format", "output"] {
            let mut inputs = vec![("request", "few.json"), (input, text)];
            inputs.reverse();
            inputs.dedup_by_key(|(name, _)| *name);
            let (status, printed, ..) = action.check(&inputs);
            assert!(input == "output" || status == Some(2), "{input} {text}: {printed}");
            let commands = printed.lines().filter(|line| line.trim_start().starts_with("::"));
            for line in commands {
                let known = ["::error title=reprieve::", "::notice title=reprieve::", "::warning file=few.json"];
                assert!(known.iter().any(|known| line.starts_with(known)), "{input} {text}: {printed}");
            }
            assert!(!action.folder.path().join("ran").exists(), "{input} {text}");
        }
        let (output, outputs) = action.install(text, text);
        assert!(!output.status.success() && outputs.is_empty());
        assert!(!action.folder.path().join("ran").exists(), "{text}");
    }
}

/// Docker is not needed: the files that the image is made of exist, and the program needs nothing but them.
#[test]
fn the_image_contains_what_the_program_needs() {
    let dockerfile = std::fs::read_to_string(root().join("Dockerfile")).unwrap();
    for line in dockerfile.lines().filter_map(|line| line.strip_prefix("COPY ")) {
        let sources: Vec<&str> = line.split(' ').filter(|word| !word.starts_with("--")).collect();
        for source in &sources[..sources.len() - 1] {
            let source = source.strip_prefix("/source/").unwrap_or(source);
            let is_made = source == "/work" && dockerfile.contains("\nRUN mkdir /work\n");
            assert!(is_made || source == "target/release/reprieve" || root().join(source).exists(), "{source}");
        }
    }
    let rust = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let rust =
        rust.lines().find_map(|line| line.strip_prefix("rust-version = ")).unwrap().trim_matches('"').to_owned();
    assert!(dockerfile.contains(&format!("FROM rust:{rust}-")), "{rust}");
    assert!(
        dockerfile
            .contains("\nRUN cargo build --release --locked -p reprieve-cli && strip target/release/reprieve\n")
    );
    assert!(!dockerfile.contains("USER root") && dockerfile.contains("\nUSER nonroot\n"));

    let action = Action::new();
    let bare = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_reprieve"));
        // No one can write below /proc.
        command.env_clear().env("HOME", "/proc").current_dir(action.folder.path()).args(arguments).output().unwrap()
    };
    let output = bare(&["--version"]);
    assert_eq!((output.status.code(), text(&output).as_str()), (Some(0), "reprieve 0.1.0\n"));
    for (request, status) in [("few.json", 0), ("many.json", 1), ("broken.json", 2)] {
        let output = bare(&["check", request, "--config", "config.toml"]);
        assert_eq!(output.status.code(), Some(status), "{}", text(&output));
    }
    let needed =
        ok(&root(), &format!("ldd {} | sed -n 's/^\\s*\\(lib[^ ]*\\) .*/\\1/p'", env!("CARGO_BIN_EXE_reprieve")));
    let base = ["libc.so.6", "libgcc_s.so.1", "libm.so.6"];
    assert!(needed.lines().all(|library| base.contains(&library)), "the image has no {needed}");
}
