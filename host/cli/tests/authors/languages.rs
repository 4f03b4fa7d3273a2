//! One policy in three languages: each is built as its author would build it, and all have the same findings, word for
//! word. Node and Python install what their SDKs need from the package registries.

use crate::tools::{install, ok, root, shared};
use reprieve::Gate;
use reprieve::policy::ModuleCache;
use reprieve_cases::{Case, cases_below};
use std::path::{Path, PathBuf};

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name();
        let generated = ["node_modules", "target", "build", ".venv", "__pycache__"];
        // The build scripts of the JavaScript SDK are in a folder named `build`.
        let is_generated = generated.iter().any(|generated| name == *generated) && !from.ends_with("sdk/js");
        match entry.file_type().unwrap() {
            _ if is_generated || name == "node_modules" => {}
            kind if kind.is_dir() => copy(&entry.path(), &to.join(name)),
            _ => drop(std::fs::copy(entry.path(), to.join(name)).unwrap()),
        }
    }
}

/// A copy of the SDKs and the example, so that nothing is installed or built in the checkout.
fn checkout() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for part in ["sdk", "examples"] {
        copy(&root().join(part), &folder.path().join(part));
    }
    std::fs::copy(root().join("Cargo.toml"), folder.path().join("Cargo.toml")).unwrap();
    folder
}

/// Returns the findings of every case as text. Asserts that a hundred evaluations of the first use the same fuel.
fn answers(component: &Path, cases: &[PathBuf]) -> Vec<String> {
    let bytes = std::fs::read(component).unwrap();
    let cache = ModuleCache::new(shared().join("languages"), shared().join("state"));
    let mut answers = Vec::new();
    for (number, path) in cases.iter().enumerate() {
        let case = Case::open(path).unwrap();
        let gate = {
            let builder = Gate::builder().cache(cache.clone()).pinned(&bytes);
            case.gate(case.with_policy(builder, "policy.wasm", None, &bytes)).unwrap()
        };
        let document = case.decide(&gate).unwrap();
        assert!(document.faults.is_empty(), "{}: {:?}", path.display(), document.faults);
        answers.push(format!("{} {:#?}", case.name(), document.findings));
        if number == 0 {
            let fuel = |_| case.decide(&gate).unwrap().policies[0].fuel;
            assert!((0..100).map(fuel).all(|fuel| fuel == document.policies[0].fuel), "{}", component.display());
        }
    }
    answers
}

/// Whether the kernel supports hermetic builds in Python.
fn can_be_hermetic() -> bool {
    let actions = std::fs::read_to_string("/proc/sys/kernel/seccomp/actions_avail").unwrap_or_default();
    cfg!(target_arch = "x86_64") && actions.contains("user_notif")
}

/// Builds a project again in another folder, with other temporary files, on one core, with the installed packages.
fn built_again(place: &Path) -> Vec<u8> {
    let project = place.parent().unwrap();
    let again = project.with_extension("again");
    let there = again.join(place.file_name().unwrap());
    copy(place, &there);
    for installed in ["node_modules", ".venv"] {
        if place.join(installed).exists() {
            std::os::unix::fs::symlink(place.join(installed), there.join(installed)).unwrap();
        }
    }
    let temporary = tempfile::tempdir_in(&again).unwrap();
    let one_core = format!("TMPDIR={} PYTHONHASHSEED=7 TZ=Asia/Tokyo taskset -c 0", temporary.path().display());
    let printed = ok(&there, &format!("{one_core} reprieve policy build"));
    assert!(!printed.contains("note:"), "{printed}");
    std::fs::read(there.join("build").join(place.file_name().unwrap()).with_extension("wasm")).unwrap()
}

#[test]
fn one_policy_in_three_languages_has_the_same_findings() {
    let folder = checkout();
    let example = folder.path().join("examples/no-friday-deletes");
    let cases = cases_below(&example.join("cases")).unwrap();
    let mut all = Vec::new();
    for language in ["rust", "js", "python"] {
        let place = example.join(language);
        ok(&place, install(language));
        let printed = ok(&place, "reprieve policy build && reprieve policy test --cases ../cases --require-coverage");
        assert!(printed.contains(&format!("{0} of {0} cases passed", cases.len())), "{language}\n{printed}");
        let inspected = ok(&place, "reprieve policy inspect");
        assert!(inspected.contains("imports\n  reprieve:policy/types@0.2.0 (an instance"), "{language}\n{inspected}");
        assert!(inspected.contains("KiB\n  fuel"), "{language}\n{inspected}");
        let built = place.join("build").join(format!("{language}.wasm"));
        if language != "python" || can_be_hermetic() {
            assert!(std::fs::read(&built).unwrap() == built_again(&place), "{language} builds differ");
        }
        all.push((language, answers(&built, &cases)));
    }
    let (_, rust) = &all[0];
    assert_eq!(rust.len(), cases.len());
    for (language, answers) in &all[1..] {
        assert_eq!(answers, rust, "{language}");
    }
}

#[test]
fn the_sdks_pass_their_own_tests() {
    let folder = checkout();
    let python = ok(&folder.path().join("sdk/python"), "python3 -m unittest discover -s tests -t .");
    assert!(python.contains("\nOK"), "{python}");
    let js = ok(&folder.path().join("sdk/js"), "npm ci --no-audit --no-fund && npm run types && npm test");
    assert!(js.contains("# fail 0") || js.contains("fail 0"), "{js}");
}
