//! Packs the SDKs, so that the program contains them: a JSON object from paths to texts, in gzip. The same sources result
//! in the same bytes.

use flate2::{Compression, write::GzEncoder};
use std::collections::BTreeMap;
use std::error::Error;
use std::io::Write;
use std::path::Path;
use std::{env, fs};
use toml::{Table, Value};

/// The parts of `sdk/`. A project needs those of its language, and `wit`.
const PARTS: [&str; 5] = ["js", "model", "python", "rust", "wit"];

const LICENCES: [&str; 2] = ["LICENSE-APACHE", "LICENSE-MIT"];

/// Folders whose files a project does not need, and those that tools write.
const OMITTED: [&str; 7] = ["dist", "node_modules", "target", "test", "tests", "venv", "__pycache__"];

/// The kinds of files that are packed.
const EXTENSIONS: [&str; 9] = ["js", "json", "md", "npmrc", "py", "rs", "toml", "ts", "wit"];

fn main() {
    if let Err(error) = pack() {
        println!("cargo::error=cannot pack the SDKs: {error}");
    }
}

fn pack() -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let sdk = root.join("sdk");
    let mut files = BTreeMap::new();
    for part in PARTS {
        println!("cargo::rerun-if-changed={}", sdk.join(part).display());
        collect(&sdk.join(part), part, &mut files)?;
    }
    for name in ["Cargo.toml"].iter().chain(&LICENCES) {
        println!("cargo::rerun-if-changed={}", root.join(name).display());
    }
    for name in LICENCES {
        files.insert(name.to_owned(), fs::read_to_string(root.join(name))?);
    }
    let workspace: Table = fs::read_to_string(root.join("Cargo.toml"))?.parse()?;
    for manifest in ["model/Cargo.toml", "rust/Cargo.toml"] {
        let text = files.get_mut(manifest).ok_or("a manifest is missing")?;
        *text = standalone(text, &workspace).map_err(|error| format!("{manifest}: {error}"))?;
    }
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&serde_json::to_vec(&files)?)?;
    fs::write(Path::new(&env::var("OUT_DIR")?).join("sdks.json.gz"), encoder.finish()?)?;
    Ok(())
}

/// Reads the files of a folder and of those below it.
fn collect(folder: &Path, name: &str, files: &mut BTreeMap<String, String>) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let file = entry.file_name().into_string().map_err(|name| format!("{}: not UTF-8", name.display()))?;
        let path = format!("{name}/{file}");
        if entry.file_type()?.is_dir() {
            if !OMITTED.contains(&file.as_str()) && !file.starts_with('.') {
                collect(&entry.path(), &path, files)?;
            }
        } else if file == "py.typed" || file.rsplit_once('.').is_some_and(|(_, kind)| EXTENSIONS.contains(&kind)) {
            files.insert(path, fs::read_to_string(entry.path())?);
        }
    }
    Ok(())
}

/// A manifest that does not need the workspace: with the values that it inherits, and without the lints.
fn standalone(manifest: &str, workspace: &Table) -> Result<String, Box<dyn Error>> {
    let inherited = |table: &str| workspace.get("workspace").and_then(|own| own.get(table)).and_then(Value::as_table);
    let (package, dependencies) = inherited("package").zip(inherited("dependencies")).ok_or("no workspace")?;
    let mut manifest: Table = manifest.parse()?;
    manifest.remove("lints");
    let own = manifest.get_mut("package").and_then(Value::as_table_mut).ok_or("no package")?;
    for (key, value) in own.iter_mut() {
        if value.get("workspace").is_some() {
            *value = package.get(key).ok_or_else(|| format!("the workspace has no `{key}`"))?.clone();
        }
    }
    let targets = manifest.get_mut("target").and_then(Value::as_table_mut);
    let mut tables: Vec<&mut Value> =
        targets.into_iter().flatten().filter_map(|(_, target)| target.get_mut("dependencies")).collect();
    tables.iter_mut().filter_map(|table| table.as_table_mut()).try_for_each(|table| resolve(table, dependencies))?;
    if let Some(table) = manifest.get_mut("dependencies").and_then(Value::as_table_mut) {
        resolve(table, dependencies)?;
    }
    Ok(toml::to_string(&manifest)?)
}

/// Replaces dependencies that are inherited.
fn resolve(table: &mut Table, workspace: &Table) -> Result<(), Box<dyn Error>> {
    for (name, value) in table.iter_mut() {
        let Some(own) = value.as_table_mut().filter(|own| own.contains_key("workspace")) else { continue };
        own.remove("workspace");
        let inherited = workspace.get(name).ok_or_else(|| format!("the workspace has no `{name}`"))?;
        let mut resolved = match inherited {
            Value::Table(table) => table.clone(),
            version => Table::from_iter([("version".to_owned(), version.clone())]),
        };
        if let Some(path) = resolved.get_mut("path") {
            let folder = path.as_str().and_then(|path| path.strip_prefix("sdk/")).ok_or("a path outside of sdk/")?;
            *path = Value::String(format!("../{folder}"));
        }
        for (key, value) in std::mem::take(own) {
            match (resolved.get_mut(&key), value) {
                (Some(Value::Array(all)), Value::Array(more)) => all.extend(more),
                (_, value) => drop(resolved.insert(key, value)),
            }
        }
        *own = resolved;
    }
    Ok(())
}
