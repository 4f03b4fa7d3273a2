//! Builds Rust policies into components: cargo makes core modules, and each is wrapped as a component.

use std::path::{Path, PathBuf};
use std::process::Command;
use wasmparser::{Parser, Payload, TypeRef};

/// The target that policies are built for. It has no system interface, so nothing can be imported by accident.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// The heap that an instance has from the start, in bytes: enough for most reviews, so that no memory has to grow.
const INITIAL_HEAP: u32 = 256 << 10;

/// Why a policy could not be built.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The toolchain cannot build for wasm.
    #[error("the target `{TARGET}` is not installed\nhelp: rustup target add {TARGET}")]
    TargetMissing,
    /// Cargo could not be started.
    #[error("cannot run `{command}`: {reason}\nhelp: install Rust with rustup")]
    Start {
        /// The command.
        command: String,
        /// What the system said.
        reason: std::io::Error,
    },
    /// The policy does not compile.
    #[error("cargo could not build {selection}\n{stderr}")]
    Compile {
        /// What it was asked to build.
        selection: String,
        /// What cargo said.
        stderr: String,
    },
    /// The module that cargo made cannot be read.
    #[error("cannot read {path}: {reason}", path = .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: std::io::Error,
    },
    /// The module asks for something that no policy has.
    #[error("{package} imports the function `{function}`\nhelp: a policy imports none; leave out what asks for it")]
    Import {
        /// The package.
        package: String,
        /// Its module and name.
        function: String,
    },
    /// The module is not a policy.
    #[error("{package} does not make a component: {reason}\nhelp: export it with `reprieve_sdk::policy!`")]
    Wrap {
        /// The package.
        package: String,
        /// What is wrong.
        reason: String,
    },
}

/// Builds packages of the workspace at `workspace` and gives their components in the same order. Cargo works in
/// `target_dir`, which must not be the one of a cargo that is waiting for this call.
///
/// # Errors
/// See [`Failure`].
pub fn components(workspace: &Path, packages: &[&str], target_dir: &Path) -> Result<Vec<Vec<u8>>, Failure> {
    modules(workspace, packages, target_dir)?
        .into_iter()
        .zip(packages)
        .map(|(module, package)| wrap(package, &module))
        .collect()
}

/// Builds packages as [`components`] does, but gives the core modules as cargo leaves them.
///
/// # Errors
/// See [`Failure`].
pub fn modules(workspace: &Path, packages: &[&str], target_dir: &Path) -> Result<Vec<Vec<u8>>, Failure> {
    let selection: Vec<&str> = packages.iter().flat_map(|package| ["--package", package]).collect();
    cargo_build(workspace, &selection, target_dir)?;
    let output = target_dir.join(TARGET).join("guest");
    packages.iter().map(|package| read(output.join(package.replace('-', "_")).with_extension("wasm"))).collect()
}

/// Builds every example of a package and gives name and core module of each, in the order of their names.
///
/// # Errors
/// See [`Failure`].
pub fn examples(workspace: &Path, package: &str, target_dir: &Path) -> Result<Vec<(String, Vec<u8>)>, Failure> {
    cargo_build(workspace, &["--package", package, "--examples"], target_dir)?;
    let folder = target_dir.join(TARGET).join("guest").join("examples");
    let unreadable = |reason| Failure::Read { path: folder.clone(), reason };
    let mut modules = Vec::new();
    for entry in std::fs::read_dir(&folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let name = path.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        // Beside each module cargo keeps one whose name ends in a hash.
        let is_module = path.extension().is_some_and(|extension| extension == "wasm") && !name.contains('-');
        if is_module {
            modules.push((name, read(path)?));
        }
    }
    modules.sort();
    Ok(modules)
}

fn read(path: PathBuf) -> Result<Vec<u8>, Failure> {
    std::fs::read(&path).map_err(|reason| Failure::Read { path, reason })
}

fn cargo_build(workspace: &Path, selection: &[&str], target_dir: &Path) -> Result<(), Failure> {
    if !target_is_installed()? {
        return Err(Failure::TargetMissing);
    }
    let mut cargo = cargo_for_guests(workspace, false);
    cargo.args(["--profile", "guest", "--target-dir"]).arg(target_dir).args(selection);
    run(&mut cargo, &selection.join(" ")).map(drop)
}

/// A `cargo build` for wasm in a folder. The paths of this machine are kept out of what it makes, so that the same
/// source gives the same module elsewhere. With `lines` it makes the tables that tell lines of the source.
fn cargo_for_guests(folder: &Path, lines: bool) -> Command {
    let mut flags = vec![format!("-Clink-arg=--initial-heap={INITIAL_HEAP}")];
    let home = |name: &str, otherwise: &str| {
        let below_home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(otherwise));
        std::env::var_os(name).map(PathBuf::from).or_else(below_home)
    };
    let sdk = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().ok();
    let remapped =
        [(home("CARGO_HOME", ".cargo"), "cargo"), (home("RUSTUP_HOME", ".rustup"), "rustup"), (sdk, "reprieve")];
    // The last that fits counts. Files of the folder itself are named relative to it.
    for (path, name) in remapped {
        flags.extend(path.map(|path| format!("--remap-path-prefix={}=/{name}", path.display())));
    }
    if lines {
        flags.push(format!("--remap-path-prefix={}=", folder.display()));
    }
    let flags: Vec<String> = flags.iter().map(|flag| format!("{flag:?}")).collect();
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(folder).args(["build", "--target", TARGET, "--config"]);
    cargo.arg(format!("target.{TARGET}.rustflags=[{}]", flags.join(",")));
    if lines {
        cargo.args([
            "--config",
            "profile.release.debug=\"line-tables-only\"",
            "--config",
            "profile.release.strip=false",
        ]);
    }
    // What the outer cargo set up for the host must not reach the guests.
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        let of_host = ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_TARGET", "RUSTC_WORKSPACE_WRAPPER"];
        if of_host.contains(&name.as_ref())
            || name.starts_with("CARGO_FEATURE_")
            || name.starts_with("CARGO_PROFILE_")
        {
            cargo.env_remove(name.as_ref());
        }
    }
    cargo
}

/// Runs cargo; gives what it printed.
fn run(cargo: &mut Command, selection: &str) -> Result<Vec<u8>, Failure> {
    let output = cargo.output().map_err(|reason| Failure::Start { command: "cargo build".to_owned(), reason })?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    Err(Failure::Compile {
        selection: selection.to_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

/// Builds the policy in a cargo project of its own, and gives its component. `lines` adds the tables that tell which
/// line of the source a trap is from; files of the project are named relative to it there.
///
/// # Errors
/// See [`Failure`].
pub fn project(folder: &Path, lines: bool) -> Result<Vec<u8>, Failure> {
    if !target_is_installed()? {
        return Err(Failure::TargetMissing);
    }
    let shown = folder.display().to_string();
    let mut cargo = cargo_for_guests(folder, lines);
    cargo.args(["--release", "--lib", "--message-format", "json-render-diagnostics"]);
    let messages = run(&mut cargo, &shown)?;
    let messages = String::from_utf8_lossy(&messages);
    // Of all that was built the project's own library comes last.
    let module = messages.lines().rev().find_map(|line| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        let files = message.get("filenames")?.as_array()?.iter().filter_map(serde_json::Value::as_str);
        files.filter(|file| file.ends_with(".wasm")).map(PathBuf::from).next()
    });
    let Some(module) = module else {
        let reason = "cargo made no wasm module; Cargo.toml needs `[lib] crate-type = [\"cdylib\"]`".to_owned();
        return Err(Failure::Wrap { package: shown, reason });
    };
    wrap(&shown, &read(module)?)
}

/// Wraps a core module, as cargo makes it, as a component.
///
/// # Errors
/// [`Failure::Import`] where it imports a function that the contract does not have, [`Failure::Wrap`] where it does not
/// export the contract.
pub fn wrap(package: &str, module: &[u8]) -> Result<Vec<u8>, Failure> {
    let package = package.to_owned();
    wit_component::ComponentEncoder::default()
        .validate(true)
        .module(module)
        .and_then(|mut encoder| encoder.encode())
        .map_err(|error| match imported_function(module) {
            Some(function) => Failure::Import { package, function },
            None => Failure::Wrap { package, reason: format!("{error:#}") },
        })
}

/// The first function that a core module imports. One that cannot be read has none.
fn imported_function(module: &[u8]) -> Option<String> {
    let imports = Parser::new(0).parse_all(module).find_map(|part| match part {
        Ok(Payload::ImportSection(imports)) => Some(imports),
        _ => None,
    })?;
    let function = imports.into_imports().flatten().find(|import| matches!(import.ty, TypeRef::Func(_)))?;
    Some(format!("{}::{}", function.module, function.name))
}

fn target_is_installed() -> Result<bool, Failure> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc)
        .args(["--print", "target-libdir", "--target", TARGET])
        .output()
        .map_err(|reason| Failure::Start { command: "rustc".to_owned(), reason })?;
    Ok(Path::new(String::from_utf8_lossy(&output.stdout).trim()).is_dir())
}

/// The folder in which a build script lets cargo build guests: one for all build scripts of a checkout, so that each
/// guest is built once.
///
/// # Panics
/// Outside a build script.
#[allow(clippy::expect_used)]
pub fn guest_target_dir() -> PathBuf {
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("OUT_DIR, which cargo sets for build scripts"));
    // target/<profile>/build/<package>/out
    out.ancestors().nth(4).expect("a target folder above OUT_DIR").join("guests")
}
