//! Builds the wheel as a release does, installs it into an environment of its own, and runs the tests of the package there:
//! `tests/*.py`, the programs in `docs/python.md` and in the README, and the type checkers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use reprieve::signed::{Key, KeySet, OverrideDraft};
use reprieve::{Batch, Gate};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Runs a command that must succeed.
fn ok(command: &mut Command) {
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{command:?}\n{}{}", text(&output.stdout), text(&output.stderr));
}

/// A folder with a request that is denied, and an override of its findings that two people signed.
fn with_override(folder: &Path) {
    drop(std::fs::remove_dir_all(folder));
    std::fs::create_dir(folder).unwrap();
    let people = ["alice", "bob"].map(|name| Key::generate(name).unwrap());
    let mut trusted = KeySet::default();
    people.iter().for_each(|person| trusted.add(person).unwrap());
    std::fs::write(folder.join("people.json"), trusted.to_json()).unwrap();
    let set = "[overrides]\nkeys = \"people.json\"\n[[policy]]\nuse = \"builtin:mode\"\n";
    std::fs::write(folder.join("reprieve.toml"), set).unwrap();
    let request = r#"{ "id": "old-apps", "mode": "hard", "environment": "staging", "target_kind": "app",
        "targets": [{ "id": "app-1", "kind": "app", "tenant": "t" }] }"#;
    std::fs::write(folder.join("request.json"), request).unwrap();
    let batch = || Batch::open(&folder.join("request.json")).unwrap();
    let gate = Gate::builder().config(&folder.join("reprieve.toml")).unwrap().build().unwrap();
    let decision = gate.vet(batch());
    let codes: BTreeSet<String> = decision.document().findings.iter().map(|finding| finding.code.clone()).collect();
    let (batch, never_lifted) = (batch(), |code: &str| gate.is_never_lifted(code));
    let until = batch.evaluated_at().plus(3_600);
    let mut draft = OverrideDraft::new(codes, &batch, "the owner left", until, &people[0], never_lifted).unwrap();
    draft.sign(&people[1], &trusted).unwrap();
    std::fs::write(folder.join("override.json"), draft.to_json()).unwrap();
}

/// What the package exports without a type, as pyright finds it in the environment of this folder of programs.
fn untyped(programs: &Path) -> Vec<String> {
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    let mut pyright = Command::new(programs.join("pyright"));
    pyright.args(["--outputjson", "--verifytypes", "reprieve", "--ignoreexternal"]);
    let output = pyright.env("PATH", path).current_dir(programs).output().unwrap();
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    let symbols = found["typeCompleteness"]["symbols"].as_array().unwrap();
    let exported = symbols.iter().filter(|symbol| symbol["isExported"] == true);
    assert!(exported.clone().count() > 30, "{found}");
    let untyped = exported.filter(|symbol| symbol["isTypeKnown"] == false);
    untyped.map(|symbol| symbol["name"].as_str().unwrap().to_owned()).collect()
}

/// An environment of this name with what a file of requirements pins, so that pip has nothing to resolve.
fn environment(name: &str, requirements: &Path) -> PathBuf {
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if !place.join("bin/pip").exists() {
        ok(Command::new("python3").args(["-m", "venv"]).arg(&place));
    }
    let mut install = Command::new(place.join("bin/pip"));
    install.args(["install", "--quiet", "--disable-pip-version-check", "--no-deps", "--requirement"]);
    ok(install.arg(requirements));
    place
}

/// Builds the wheel with the maturin of an environment, and installs it there.
fn install_wheel(place: &Path) -> PathBuf {
    let wheels = place.join("wheels");
    drop(std::fs::remove_dir_all(&wheels));
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let mut build = Command::new(place.join("bin/maturin"));
    build.args(["build", "--release", "--locked", "--quiet", "--manifest-path"]);
    build.arg(root().join("host/python/Cargo.toml")).arg("--target-dir").arg(target).arg("--out").arg(&wheels);
    // Cargo sets variables for tests, which would change what is built.
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CARGO_PKG")) {
        build.env_remove(name);
    }
    ok(build.current_dir(root()));
    let wheel = std::fs::read_dir(&wheels).unwrap().next().unwrap().unwrap().path();
    assert!(wheel.to_string_lossy().contains("-cp310-abi3-"), "{}", wheel.display());
    install(place, &wheel);
    wheel
}

fn install(place: &Path, wheel: &Path) {
    ok(Command::new(place.join("bin/pip")).args(["install", "--quiet", "--no-deps", "--force-reinstall"]).arg(wheel));
}

/// Installs Java, which Spark needs, if it is missing.
fn need_java() {
    let found = || Command::new("java").arg("-version").output().is_ok_and(|output| output.status.success());
    if !found() {
        let install = "apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends openjdk-17-jre-headless";
        drop(Command::new("sh").args(["-c", install]).status());
        assert!(found(), "this test needs Java 17: apt-get install openjdk-17-jre-headless");
    }
}

/// The environment of the tests, with the wheel installed, and the wheel.
fn package() -> &'static (PathBuf, PathBuf) {
    static PACKAGE: OnceLock<(PathBuf, PathBuf)> = OnceLock::new();
    PACKAGE.get_or_init(|| {
        let place = environment("python-package", &root().join("host/python/tests/requirements.txt"));
        let wheel = install_wheel(&place);
        (place, wheel)
    })
}

/// A run of the tests in a folder.
fn pytest(place: &Path, tests: &Path) -> Command {
    let mut pytest = Command::new(place.join("bin/python"));
    pytest.args(["-m", "pytest", "--quiet", "-p", "no:cacheprovider", "--rootdir"]).arg(tests).arg(tests);
    pytest.current_dir(place).env("PYTHONDONTWRITEBYTECODE", "1");
    pytest
}

#[test]
fn the_wheel_passes_its_tests() {
    let (place, _) = package();
    let module = place.join("policies.wasm");
    std::fs::write(&module, reprieve::policy::builtin_component()).unwrap();
    let lifted = place.join("override");
    with_override(&lifted);
    let mut pytest = pytest(place, &root().join("host/python/tests"));
    ok(pytest.env("REPRIEVE_TEST_MODULE", &module).env("REPRIEVE_TEST_OVERRIDE", &lifted));
}

/// `reprieve.spark` with each engine, in a process of its own.
#[test]
fn in_spark_and_sail_the_wheel_passes_its_tests() {
    need_java();
    let tests = root().join("host/python/tests_spark");
    let place = environment("python-spark", &tests.join("requirements.txt"));
    let (_, wheel) = package();
    install(&place, wheel);
    for engine in ["spark", "sail"] {
        let mut pytest = pytest(&place, &tests);
        pytest.env("REPRIEVE_TEST_ENGINE", engine);
        // Spark starts its workers with the first `python3` that it finds.
        ok(pytest.env("PYSPARK_PYTHON", place.join("bin/python")).env("SPARK_LOCAL_IP", "127.0.0.1"));
    }
}

#[test]
fn every_type_is_known_and_right() {
    let (place, _) = package();
    let (python, folder) = (place.join("bin/python"), root().join("host/python"));
    let mypy = |arguments: &[&Path]| {
        let mut mypy = Command::new(&python);
        mypy.args(["-m", "mypy", "--config-file"]).arg(folder.join("pyproject.toml"));
        ok(mypy.args(arguments).current_dir(place));
    };
    mypy(&[Path::new("--package"), Path::new("reprieve")]);
    mypy(&[&folder.join("tests"), &folder.join("tests_spark")]);
    let mut pyright = Command::new(place.join("bin/pyright"));
    ok(pyright.arg("--project").arg(&folder).arg("--pythonpath").arg(&python));
    assert_eq!(
        untyped(&place.join("bin")),
        ["reprieve.airflow.ReprieveOperator"],
        "Airflow's own class has no known metaclass"
    );
    let mut stubtest = Command::new(&python);
    ok(stubtest.args(["-m", "mypy.stubtest", "--ignore-disjoint-bases", "reprieve._native"]).current_dir(place));
}
