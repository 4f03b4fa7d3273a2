//! Builds the built-in policies from source and embeds them in the library. Each folder of `policies/` is one.

#![allow(clippy::disallowed_methods)]

use sha2::{Digest, Sha256};
use std::path::Path;
use std::{env, fs, io};

fn main() {
    if let Err(error) = build() {
        reprieve_build::fail_build(&*error);
    }
}

fn build() -> Result<(), Box<dyn std::error::Error>> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    // The root manifest has the profile of the guests.
    for watched in ["policies", "sdk/rust", "sdk/model", "sdk/wit", "Cargo.toml", "Cargo.lock"] {
        println!("cargo::rerun-if-changed={}", workspace.join(watched).display());
    }
    let names = policies(&workspace.join("policies"))?;
    let packages: Vec<String> = names.iter().map(|name| format!("reprieve-policy-{name}")).collect();
    let packages: Vec<&str> = packages.iter().map(String::as_str).collect();
    let components = reprieve_build::components(&workspace, &packages, &reprieve_build::guest_target_dir())?;

    let out = env::var("OUT_DIR")?;
    let mut table = String::from("&[\n");
    for (name, component) in names.iter().zip(components) {
        let path = Path::new(&out).join(format!("{name}.wasm"));
        let sha256 = hex::encode(Sha256::digest(&component));
        fs::write(&path, component)?;
        table +=
            &format!("    Builtin {{ name: {name:?}, component: include_bytes!({path:?}), sha256: {sha256:?} }},\n");
    }
    fs::write(Path::new(&out).join("builtins.rs"), table + "]\n")?;
    Ok(())
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
