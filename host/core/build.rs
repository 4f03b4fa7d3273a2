//! Builds the built-in policies from source. They are embedded in the library.

#![allow(clippy::disallowed_methods)]

use sha2::{Digest, Sha256};
use std::path::Path;
use std::{env, fs};

const POLICIES: &[&str] =
    &["authority", "blast-radius", "identity", "mode", "provenance", "recovery", "rehearsal", "retention", "timing"];

fn main() {
    if let Err(error) = build() {
        println!("cargo::error={}", error.to_string().replace('\n', "\ncargo::error="));
    }
}

fn build() -> Result<(), Box<dyn std::error::Error>> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for watched in ["policies", "sdk/rust", "sdk/model", "sdk/wit", "Cargo.lock"] {
        println!("cargo::rerun-if-changed={}", workspace.join(watched).display());
    }
    let packages: Vec<String> = POLICIES.iter().map(|name| format!("reprieve-policy-{name}")).collect();
    let packages: Vec<&str> = packages.iter().map(String::as_str).collect();
    let components = reprieve_build::components(&workspace, &packages, &reprieve_build::guest_target_dir())?;

    let out = env::var("OUT_DIR")?;
    let mut table = String::from("&[\n");
    for (name, component) in POLICIES.iter().zip(components) {
        let path = Path::new(&out).join(format!("{name}.wasm"));
        let sha256 = hex::encode(Sha256::digest(&component));
        fs::write(&path, component)?;
        table +=
            &format!("    Builtin {{ name: {name:?}, component: include_bytes!({path:?}), sha256: {sha256:?} }},\n");
    }
    fs::write(Path::new(&out).join("builtins.rs"), table + "]\n")?;
    Ok(())
}
