//! Builds the wheel as a release does, installs it into an environment of its own, and runs the tests of the package there:
//! `tests/*.py`, the programs in `docs/python.md` and in the README, and the type checkers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Runs a command that must succeed.
fn ok(command: &mut Command) {
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{command:?}\n{}{}", text(&output.stdout), text(&output.stderr));
}

/// What the tests need from the package index, as `pyproject.toml` lists it.
fn requirements() -> Vec<String> {
    let project = std::fs::read_to_string(root().join("host/python/pyproject.toml")).unwrap();
    let list = project.split("\ntest = [").nth(1).unwrap().split(']').next().unwrap();
    list.split(',').map(|item| item.trim().trim_matches('"').to_owned()).filter(|item| !item.is_empty()).collect()
}

#[test]
fn the_wheel_passes_its_tests() {
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("python-package");
    let bin = |name: &str| place.join("bin").join(name);
    if !bin("pip").exists() {
        ok(Command::new("python3").args(["-m", "venv"]).arg(&place));
    }
    let mut install = Command::new(bin("pip"));
    install.args(["install", "--quiet", "--disable-pip-version-check", "maturin>=1.9.4,<2"]).args(requirements());
    ok(&mut install);

    let wheels = place.join("wheels");
    drop(std::fs::remove_dir_all(&wheels));
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let mut build = Command::new(bin("maturin"));
    build.args(["build", "--release", "--locked", "--quiet", "--manifest-path"]);
    build.arg(root().join("host/python/Cargo.toml")).arg("--target-dir").arg(target).arg("--out").arg(&wheels);
    // Cargo sets variables for tests, which would change what is built.
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CARGO_PKG")) {
        build.env_remove(name);
    }
    ok(build.current_dir(root()));
    let wheel = std::fs::read_dir(&wheels).unwrap().next().unwrap().unwrap().path();
    assert!(wheel.to_string_lossy().contains("-cp310-abi3-"), "{}", wheel.display());
    ok(Command::new(bin("pip")).args(["install", "--quiet", "--no-deps", "--force-reinstall"]).arg(&wheel));

    let module = place.join("mode.wasm");
    std::fs::write(&module, reprieve::policy::builtin_component("mode").unwrap()).unwrap();
    let tests = root().join("host/python/tests");
    let mut pytest = Command::new(bin("python"));
    pytest.args(["-m", "pytest", "--quiet", "-p", "no:cacheprovider", "--rootdir"]).arg(&tests).arg(&tests);
    ok(pytest.current_dir(&place).env("REPRIEVE_TEST_MODULE", &module).env("PYTHONDONTWRITEBYTECODE", "1"));

    let config = root().join("host/python/pyproject.toml");
    let mut mypy = Command::new(bin("python"));
    mypy.args(["-m", "mypy", "--config-file"]).arg(&config).args(["--package", "reprieve"]);
    ok(mypy.current_dir(&place));
    let mut of_tests = Command::new(bin("python"));
    of_tests.args(["-m", "mypy", "--config-file"]).arg(&config).arg(&tests);
    ok(of_tests.current_dir(&place));
    ok(Command::new(bin("python"))
        .args(["-m", "mypy.stubtest", "--ignore-disjoint-bases", "reprieve._native"])
        .current_dir(&place));
}
