//! `reprieve policy new`: a project to begin with.

use crate::Status;
use crate::project::{Language, sdk_folder};
use anyhow::{Context, bail, ensure};
use clap::Args;
use std::path::{Path, PathBuf};

/// Begin a policy: a small project that builds, with a rule, a setting, and two test cases
#[derive(Args, Debug)]
pub struct Arguments {
    /// Its name, in kebab-case; a folder of that name is made
    name: String,
    /// What it is written in
    #[arg(long, value_enum, default_value_t = Language::Rust)]
    lang: Language,
    /// The folder of the SDKs, where it is not that of the checkout this program was built from
    #[arg(long, value_name = "FOLDER")]
    sdk: Option<PathBuf>,
}

macro_rules! files {
    ($language:literal: $($name:literal),+) => {
        &[$(($name, include_str!(concat!("../../../templates/", $language, "/", $name)))),+]
    };
}

const RUST: &[(&str, &str)] =
    files!("rust": "Cargo.toml", "src/lib.rs", "README.md", "gitignore", "cases/allowed.json", "cases/denied.json");
const JS: &[(&str, &str)] =
    files!("js": "package.json", "policy.js", "README.md", "gitignore", "cases/allowed.json", "cases/denied.json");
const PYTHON: &[(&str, &str)] = files!("python": "requirements.txt", "policy.py", "README.md", "gitignore", "cases/allowed.json", "cases/denied.json");

/// Runs the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<Status> {
    let name = &arguments.name;
    let is_part = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    ensure!(
        name.len() <= 64
            && name.split('-').all(is_part)
            && name.starts_with(|first: char| first.is_ascii_lowercase()),
        "`{name}` is not a name for a policy\nhelp: small letters and digits, with single hyphens between words"
    );
    ensure!(name != "gate", "`gate` is how the gate calls itself\nhelp: choose another name");
    let sdk = match &arguments.sdk {
        Some(folder) => Some(folder.canonicalize().with_context(|| folder.display().to_string())?),
        None => sdk_folder(),
    };
    let Some(sdk) = sdk else {
        bail!("the SDKs are not where this program was built\nhelp: name their folder with --sdk");
    };
    let folder = Path::new(name);
    ensure!(!folder.exists(), "{name} is there already\nhelp: choose another name");
    let files = match arguments.lang {
        Language::Rust => RUST,
        Language::Js => JS,
        Language::Python => PYTHON,
    };
    for (file, text) in files {
        let path = folder.join(if *file == "gitignore" { ".gitignore" } else { file });
        let text = text.replace("{{name}}", name).replace("{{sdk}}", &sdk.display().to_string());
        path.parent()
            .map_or(Ok(()), std::fs::create_dir_all)
            .and_then(|()| std::fs::write(&path, text))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    let first = match arguments.lang {
        Language::Rust => "",
        Language::Js => "npm install && ",
        Language::Python => "python3 -m venv .venv && .venv/bin/pip install -r requirements.txt && ",
    };
    anstream::println!("made {name}/; go on with\n  cd {name} && {first}reprieve policy test");
    Ok(Status::Allow)
}
