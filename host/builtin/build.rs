//! Builds the built-in policies from source, and compiles them for the target of the library. Each folder of `policies/`
//! is one.

#![allow(clippy::disallowed_methods)]

// The sandbox loads this code only if it was compiled with the sandbox's own configuration.
#[path = "../sandbox/src/config.rs"]
mod config;

use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::path::Path;
use std::{env, fs, io};
use wasmtime::Engine;

fn main() {
    if let Err(error) = build() {
        reprieve_build::fail_build(&*error);
    }
}

fn build() -> Result<(), Box<dyn std::error::Error>> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    // The root manifest has the profile of the guests.
    for watched in
        ["policies", "sdk/rust", "sdk/model", "sdk/wit", "host/sandbox/src/config.rs", "Cargo.toml", "Cargo.lock"]
    {
        println!("cargo::rerun-if-changed={}", workspace.join(watched).display());
    }
    let names = policies(&workspace.join("policies"))?;
    let packages: Vec<String> = names.iter().map(|name| format!("reprieve-policy-{name}")).collect();
    let packages: Vec<&str> = packages.iter().map(String::as_str).collect();
    let components = reprieve_build::components(&workspace, &packages, &reprieve_build::guest_target_dir())?;

    let out = env::var("OUT_DIR")?;
    let engine = engine(&env::var("TARGET")?);
    if let Err(error) = &engine {
        println!("cargo::warning=every start compiles the built-in policies, because this build cannot: {error:#}");
    }
    let mut table = String::from("&[\n");
    for (name, component) in names.iter().zip(components) {
        let module = Path::new(&out).join(format!("{name}.wasm"));
        let code = module.with_extension("cwasm");
        let sha256 = hex::encode(Sha256::digest(&component));
        let compiled = match &engine {
            Ok(engine) => engine.precompile_component(&component).map_err(|error| format!("{name}: {error:#}"))?,
            Err(_) => Vec::new(),
        };
        fs::write(&code, compiled)?;
        fs::write(&module, component)?;
        writeln!(
            table,
            "    Builtin {{ name: {name:?}, component: include_bytes!({module:?}), sha256: {sha256:?}, code: in_pages!({code:?}) }},"
        )?;
    }
    fs::write(Path::new(&out).join("builtins.rs"), table + "]\n")?;
    Ok(())
}

/// A compiler for the oldest processors of a target, so that the code runs on each of them. It fails for another
/// architecture than that of the machine that builds.
fn engine(target: &str) -> wasmtime::Result<Engine> {
    Engine::new(config::config(false).target(target)?)
}

/// The names of the built-in policies, sorted: the folders of `policies/` that have a manifest.
fn policies(folder: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.path().join("Cargo.toml").is_file() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}
