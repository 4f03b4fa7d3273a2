//! Builds the hostile guests and embeds them as a table. A test fails if a guest is not used.

use std::path::Path;
use std::{env, fs};

fn main() {
    if let Err(error) = build() {
        reprieve_build::fail_build(&*error);
    }
}

fn build() -> Result<(), Box<dyn std::error::Error>> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    for watched in ["guests", "../sdk/wit", "../Cargo.lock"] {
        println!("cargo::rerun-if-changed={}", here.join(watched).display());
    }
    let workspace = here.join("..");
    let guests = reprieve_build::examples(&workspace, "reprieve-guests", &reprieve_build::guest_target_dir())?;
    let out = env::var("OUT_DIR")?;
    let mut table = String::from("&[\n");
    for (name, module) in guests {
        let path = Path::new(&out).join(format!("{name}.wasm"));
        fs::write(&path, module)?;
        table += &format!("    ({name:?}, include_bytes!({path:?})),\n");
    }
    fs::write(Path::new(&out).join("guests.rs"), table + "]\n")?;
    Ok(())
}
