//! `reprieve policy new`: creates a project.

use crate::error::fail;
use crate::project::Language;
use crate::sdk::{FOLDER, Sdk, VERSION};
use anyhow::Context;
use clap::{Args, ValueEnum};
use reprieve_report::status::Status;
use std::path::Path;

/// Create a policy: a small project that builds, with one rule, one setting and two test cases
#[derive(Args, Debug)]
pub struct Arguments {
    /// Its name, in kebab-case. A folder of that name is created
    name: String,
    /// The language
    #[arg(long, value_enum, default_value_t = Language::Rust)]
    lang: Language,
    /// Where the project gets its SDK from
    #[arg(long, value_enum, default_value_t = Source::Copy)]
    sdk: Source,
}

/// Where a project gets its SDK from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Source {
    /// A copy in the project, in `.reprieve-sdk`; nothing else of Reprieve is needed to build it
    Copy,
    /// The registry of the language, in the version of this program. It is not published there yet
    Registry,
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
    let folder = Path::new(name);
    if folder.symlink_metadata().is_ok() {
        return Err(fail(format!("{name} already exists"), "choose another name"));
    }
    let files = match arguments.lang {
        Language::Rust => RUST,
        Language::Js => JS,
        Language::Python => PYTHON,
    };
    let (sdk, scripts) = dependency(arguments.lang, arguments.sdk);
    for (file, text) in files {
        let path = folder.join(if *file == "gitignore" { ".gitignore" } else { file });
        let text = text.replace("{{name}}", name).replace("{{sdk}}", &sdk).replace("{{scripts}}", scripts);
        path.parent()
            .map_or(Ok(()), std::fs::create_dir_all)
            .and_then(|()| std::fs::write(&path, text))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    match arguments.sdk {
        Source::Copy => {
            let sdk = Sdk::of(arguments.lang)?;
            sdk.write(folder)?;
            outln!("{name}/{FOLDER}: SDK {VERSION}, sha256 {}", sdk.sha256())?;
        }
        Source::Registry => {
            errln!(
                "note: SDK {VERSION} is not published in a registry yet; until it is, the project cannot be built"
            );
        }
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

/// How a project names its SDK, and the scripts of a project in JavaScript.
fn dependency(language: Language, source: Source) -> (String, &'static str) {
    match (source, language) {
        (Source::Copy, Language::Rust) => (format!("{{ path = \"{FOLDER}/rust\" }}"), ""),
        (Source::Copy, Language::Js) => (format!("file:{FOLDER}/js"), INSTALL_TOOLS),
        (Source::Copy, Language::Python) => (format!("./{FOLDER}/python"), ""),
        (Source::Registry, Language::Rust) => (format!("\"{VERSION}\""), ""),
        (Source::Registry, Language::Js) => (VERSION.to_owned(), ""),
        (Source::Registry, Language::Python) => (format!("reprieve-sdk=={VERSION}"), ""),
    }
}

/// npm links a folder and does not install what it depends on. This does, in the versions of its lock file.
const INSTALL_TOOLS: &str = r#"
  "scripts": {
    "postinstall": "npm install --prefix node_modules/@reprieve/sdk --omit=dev --no-save"
  },"#;
