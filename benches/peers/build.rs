//! Builds the policy and the plug-in, and reads the versions of the peers.

use std::path::Path;
use std::{env, fs};

/// The crates whose versions the report prints.
const NAMED: &[&str] = &["reprieve", "regorus", "cedar-policy", "cel", "extism", "extism-pdk", "serde_json"];

fn main() {
    if let Err(error) = build() {
        reprieve_build::fail_build(&*error);
    }
}

fn build() -> Result<(), Box<dyn std::error::Error>> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    for watched in
        ["policy", "extism-plugin", "rules", "Cargo.lock", "../../sdk/rust", "../../sdk/model", "../../sdk/wit"]
    {
        println!("cargo::rerun-if-changed={}", here.join(watched).display());
    }
    let (out, guests) = (env::var("OUT_DIR")?, reprieve_build::guest_target_dir());
    let out = Path::new(&out);
    fs::write(out.join("policy.wasm"), reprieve_build::component(here, "peers-policy", &guests)?)?;
    fs::write(out.join("plugin.wasm"), reprieve_build::module(here, "peers-extism-plugin", &guests)?)?;
    fs::write(out.join("versions.txt"), versions(&fs::read_to_string(here.join("Cargo.lock"))?))?;
    Ok(())
}

/// A line for each of these crates in the lock file, with the WebAssembly engine that it depends on.
fn versions(lock: &str) -> String {
    let mut versions = String::new();
    for package in lock.split("[[package]]") {
        let field = |name: &str| package.lines().find_map(|line| line.strip_prefix(name)?.split('"').nth(1));
        let (Some(name), Some(version)) = (field("name = "), field("version = ")) else { continue };
        if NAMED.contains(&name) {
            let engine = package.lines().find(|line| line.starts_with(" \"wasmtime ")).unwrap_or_default();
            let engine = engine.trim_matches([' ', '"', ',']);
            let engine = if engine.is_empty() { String::new() } else { format!(" ({engine})") };
            versions += &format!("{name} {version}{engine}\n");
        }
    }
    versions
}
