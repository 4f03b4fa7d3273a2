//! Builds the component of the built-in policies from source, and compiles it for the target of the library. Each folder of
//! `policies/` is one of them.

#![allow(clippy::disallowed_methods)]

// The sandbox loads this code only if it was compiled with the sandbox's own configuration.
#[path = "../sandbox/src/config.rs"]
mod config;

use sha2::{Digest, Sha256};
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
    for watched in [
        "policies",
        "host/builtin/component",
        "sdk/rust",
        "sdk/model",
        "sdk/wit",
        "host/sandbox/src/config.rs",
        "Cargo.toml",
        "Cargo.lock",
    ] {
        println!("cargo::rerun-if-changed={}", workspace.join(watched).display());
    }
    let names = policies(&workspace.join("policies"))?;
    let package = "reprieve-builtin-component";
    let component = reprieve_build::component(&workspace, package, &reprieve_build::guest_target_dir())?;
    let code = match engine(&env::var("TARGET")?) {
        Ok(engine) => engine.precompile_component(&component).map_err(|error| format!("{package}: {error:#}"))?,
        Err(error) => {
            println!(
                "cargo::warning=every start compiles the built-in policies, because this build cannot: {error:#}"
            );
            Vec::new()
        }
    };
    let out = env::var("OUT_DIR")?;
    let file = |name: &str| Path::new(&out).join(name);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    fs::write(file("names.rs"), format!("&{names:?}"))?;
    fs::write(file("sha256.rs"), format!("{:?}", hex::encode(Sha256::digest(&component))))?;
    fs::write(file("policies.cwasm"), code)?;
    fs::write(file("policies.wasm"), component)?;
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
