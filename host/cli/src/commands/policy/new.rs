//! `reprieve policy new`: creates a project.

use crate::error::fail;
use crate::project::{Language, sdk_folder};
use crate::status::Status;
use anyhow::Context;
use clap::Args;
use std::path::{Path, PathBuf};

/// Create a policy: a small project that builds, with one rule, one setting and two test cases
#[derive(Args, Debug)]
pub struct Arguments {
    /// Its name, in kebab-case. A folder of that name is created
    name: String,
    /// The language
    #[arg(long, value_enum, default_value_t = Language::Rust)]
    lang: Language,
    /// The folder of the SDKs [default: `sdk` in the checkout that this program was built from]
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
    let is_kebab_case = name.split('-').all(is_part) && name.starts_with(|first: char| first.is_ascii_lowercase());
    if name.len() > 64 || !is_kebab_case {
        let help = "use at most 64 lower-case letters and digits, with single hyphens between words";
        return Err(fail(format!("`{name}` is not a valid name for a policy"), help));
    }
    if name == "gate" {
        return Err(fail("`gate` is reserved for the gate itself", "choose another name"));
    }
    let sdk = match &arguments.sdk {
        Some(folder) => Some(folder.canonicalize().with_context(|| folder.display().to_string())?),
        None => sdk_folder(),
    };
    let Some(sdk) = sdk else {
        let message = "the SDKs are not in the checkout that this program was built from";
        return Err(fail(message, "name their folder with `--sdk FOLDER`"));
    };
    let folder = Path::new(name);
    if folder.exists() {
        return Err(fail(format!("{name} already exists"), "choose another name"));
    }
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
    let setup = match arguments.lang {
        Language::Rust => "",
        Language::Js => "npm install && ",
        Language::Python => "python3 -m venv .venv && .venv/bin/pip install -r requirements.txt && ",
    };
    outln!("created {name}/; continue with")?;
    outln!("  cd {name} && {setup}reprieve policy test")?;
    Ok(Status::Success)
}
