//! Builds Rust policies as components: cargo builds core modules, and each is wrapped as a component.

use std::path::{Path, PathBuf};
use std::process::Command;
use wasmparser::{Parser, Payload, TypeRef};

/// The target for which policies are built. It has no system interface, so a policy cannot import one by accident.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// Bytes of heap that an instance has from the start: enough for most reviews, so that its memory need not grow.
const INITIAL_HEAP: u32 = 256 << 10;

/// Why a policy could not be built.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The toolchain cannot build for [`TARGET`].
    #[error("the target `{TARGET}` is not installed")]
    TargetMissing,
    /// A tool could not be started.
    #[error("cannot run `{command}`: {reason}")]
    Start {
        /// The command.
        command: String,
        /// The error of the system.
        reason: std::io::Error,
    },
    /// The policy does not compile.
    #[error("cargo could not build {selection}\n{stderr}")]
    Compile {
        /// What cargo was to build.
        selection: String,
        /// What cargo wrote to stderr.
        stderr: String,
    },
    /// The module that cargo built cannot be read.
    #[error("cannot read {path}: {reason}", path = .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The error of the system.
        reason: std::io::Error,
    },
    /// The module imports a function.
    #[error("{package} imports the function `{function}`")]
    Import {
        /// The package.
        package: String,
        /// The module and name of the import.
        function: String,
    },
    /// The module is not a policy.
    #[error("cannot wrap {package} as a component: {reason}")]
    Wrap {
        /// The package.
        package: String,
        /// What is wrong.
        reason: String,
    },
}

impl Error {
    /// What to do about it, if that is known.
    pub const fn help(&self) -> Option<&'static str> {
        match self {
            Self::TargetMissing => Some("rustup target add wasm32-unknown-unknown"),
            Self::Start { .. } => Some("install Rust with rustup"),
            Self::Import { .. } => Some("a policy must not import functions; remove the code that needs it"),
            Self::Wrap { .. } => Some("export it with `reprieve_sdk::policy!`"),
            Self::Compile { .. } | Self::Read { .. } => None,
        }
    }
}

/// Fails a build script: tells cargo the error, line by line, with its help.
pub fn fail_build(error: &(dyn std::error::Error + 'static)) {
    let help = error.downcast_ref::<Error>().and_then(Error::help);
    let text = help.map_or_else(|| error.to_string(), |help| format!("{error}\nhelp: {help}"));
    text.lines().for_each(|line| println!("cargo::error={line}"));
}

/// Builds a package of the workspace at `workspace` and returns its component. Cargo builds in `target_dir`, which must not be
/// that of a cargo that is waiting for this call, because cargo locks it.
///
/// # Errors
/// See [`Error`].
pub fn component(workspace: &Path, package: &str, target_dir: &Path) -> Result<Vec<u8>, Error> {
    wrap(package, &module(workspace, package, target_dir)?)
}

/// Builds a package as [`component`] does, but returns its core module.
///
/// # Errors
/// See [`Error`].
pub fn module(workspace: &Path, package: &str, target_dir: &Path) -> Result<Vec<u8>, Error> {
    cargo_build(workspace, &["--package", package], target_dir)?;
    let output = target_dir.join(TARGET).join("guest");
    read(output.join(package.replace('-', "_")).with_extension("wasm"))
}

/// Builds every example of a package and returns the name and the core module of each, sorted by name.
///
/// # Errors
/// See [`Error`].
pub fn examples(workspace: &Path, package: &str, target_dir: &Path) -> Result<Vec<(String, Vec<u8>)>, Error> {
    cargo_build(workspace, &["--package", package, "--examples"], target_dir)?;
    let folder = target_dir.join(TARGET).join("guest").join("examples");
    let unreadable = |reason| Error::Read { path: folder.clone(), reason };
    let mut modules = Vec::new();
    for entry in std::fs::read_dir(&folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let name = path.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        // Cargo also keeps a copy of each module whose name ends in a hash.
        let is_module = path.extension().is_some_and(|extension| extension == "wasm") && !name.contains('-');
        if is_module {
            modules.push((name, read(path)?));
        }
    }
    modules.sort();
    Ok(modules)
}

fn read(path: PathBuf) -> Result<Vec<u8>, Error> {
    std::fs::read(&path).map_err(|reason| Error::Read { path, reason })
}

fn cargo_build(workspace: &Path, selection: &[&str], target_dir: &Path) -> Result<(), Error> {
    if !target_is_installed()? {
        return Err(Error::TargetMissing);
    }
    let mut cargo = cargo_for_guests(workspace, false);
    cargo.args(["build", "--target", TARGET, "--profile", "guest", "--target-dir"]).arg(target_dir).args(selection);
    run(&mut cargo, &selection.join(" ")).map(drop)
}

/// Cargo for wasm in a folder, without a command. Paths of this machine are remapped, so that the same source results in the
/// same module elsewhere. With `lines`, those of the folder are left to the command.
fn cargo_for_guests(folder: &Path, lines: bool) -> Command {
    let mut flags = vec![format!("-Clink-arg=--initial-heap={INITIAL_HEAP}")];
    let home = |name: &str, otherwise: &str| {
        let below_home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(otherwise));
        std::env::var_os(name).map(PathBuf::from).or_else(below_home)
    };
    let sdk = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().ok();
    // Of several prefixes that match, rustc applies the last, and these come after those of the command.
    let sdk = sdk.filter(|sdk| !lines || !folder.starts_with(sdk));
    let remapped =
        [(home("CARGO_HOME", ".cargo"), "cargo"), (home("RUSTUP_HOME", ".rustup"), "rustup"), (sdk, "reprieve")];
    for (path, name) in remapped {
        flags.extend(path.map(|path| format!("--remap-path-prefix={}=/{name}", path.display())));
    }
    let flags: Vec<String> = flags.iter().map(|flag| format!("{flag:?}")).collect();
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(folder).arg("--config").arg(format!("target.{TARGET}.rustflags=[{}]", flags.join(",")));
    // An outer cargo sets these for the host; they must not apply to the guests.
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        let host_only = ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_TARGET", "RUSTC_WORKSPACE_WRAPPER"];
        if host_only.contains(&name.as_ref())
            || name.starts_with("CARGO_FEATURE_")
            || name.starts_with("CARGO_PROFILE_")
        {
            cargo.env_remove(name.as_ref());
        }
    }
    cargo
}

/// Runs cargo and returns its stdout.
fn run(cargo: &mut Command, selection: &str) -> Result<Vec<u8>, Error> {
    let output = cargo.output().map_err(|reason| Error::Start { command: "cargo build".to_owned(), reason })?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    Err(Error::Compile {
        selection: selection.to_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

/// Builds the policy in a cargo project and returns its component. `lines` adds line tables to it, so that a trap names its line
/// in the source; files of the project are named relative to it. Its dependencies are the same in both builds, so that cargo
/// compiles them once.
///
/// # Errors
/// See [`Error`].
pub fn project(folder: &Path, lines: bool) -> Result<Vec<u8>, Error> {
    if !target_is_installed()? {
        return Err(Error::TargetMissing);
    }
    let shown = folder.display().to_string();
    let mut cargo = cargo_for_guests(folder, lines);
    cargo.args(["rustc", "--target", TARGET, "--release", "--lib", "--message-format", "json-render-diagnostics"]);
    // A `cdylib` alone: cargo applies no LTO to a library that others can be linked with, too.
    cargo.args(["--crate-type", "cdylib"]);
    if lines {
        let own = format!("--remap-path-prefix={}=", folder.display());
        cargo.args(["--", "-Cdebuginfo=line-tables-only", "-Cstrip=none", &own]);
    }
    let messages = run(&mut cargo, &shown)?;
    let messages = String::from_utf8_lossy(&messages);
    // Cargo reports the project's own library last.
    let module = messages.lines().rev().find_map(|line| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        let files = message.get("filenames")?.as_array()?.iter().filter_map(serde_json::Value::as_str);
        files.filter(|file| file.ends_with(".wasm")).map(PathBuf::from).next()
    });
    let Some(module) = module else {
        let reason = "cargo does not say which module it built".to_owned();
        return Err(Error::Wrap { package: shown, reason });
    };
    wrap(&shown, &read(module)?)
}

/// Wraps a core module that cargo built as a component.
///
/// # Errors
/// [`Error::Import`] if the module imports a function, [`Error::Wrap`] if it does not export the contract.
pub fn wrap(package: &str, module: &[u8]) -> Result<Vec<u8>, Error> {
    let package = package.to_owned();
    wit_component::ComponentEncoder::default()
        .validate(true)
        .module(module)
        .and_then(|mut encoder| encoder.encode())
        .map_err(|error| match imported_function(module) {
            Some(function) => Error::Import { package, function },
            None => Error::Wrap { package, reason: format!("{error:#}") },
        })
}

/// The first function that a core module imports. None: it imports no function, or it cannot be parsed.
fn imported_function(module: &[u8]) -> Option<String> {
    let imports = Parser::new(0).parse_all(module).find_map(|part| match part {
        Ok(Payload::ImportSection(imports)) => Some(imports),
        _ => None,
    })?;
    let function = imports.into_imports().flatten().find(|import| matches!(import.ty, TypeRef::Func(_)))?;
    Some(format!("{}::{}", function.module, function.name))
}

fn target_is_installed() -> Result<bool, Error> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc)
        .args(["--print", "target-libdir", "--target", TARGET])
        .output()
        .map_err(|reason| Error::Start { command: "rustc".to_owned(), reason })?;
    Ok(Path::new(String::from_utf8_lossy(&output.stdout).trim()).is_dir())
}

/// The target folder for guests that build scripts build: one for all build scripts of a checkout, so that each guest is
/// built once.
///
/// # Panics
/// Outside a build script.
#[allow(clippy::expect_used)]
pub fn guest_target_dir() -> PathBuf {
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("OUT_DIR, which cargo sets for build scripts"));
    // target/<profile>/build/<package>/out
    out.ancestors().nth(4).expect("a target folder above OUT_DIR").join("guests")
}
