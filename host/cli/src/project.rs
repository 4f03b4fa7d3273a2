//! The project of a policy author in any language, and the component that it builds.

use crate::error::fail;
use anyhow::{Context, bail};
use clap::ValueEnum;
use reprieve::read_file;
use reprieve_report::output::plain;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The maximum size of a component in bytes. A gate accepts smaller ones only.
const MAX_COMPONENT_BYTES: u64 = 256 << 20;

/// The language of a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Language {
    /// Rust, built with cargo
    Rust,
    /// JavaScript or TypeScript, built with Node
    Js,
    /// Python, built with componentize-py
    Python,
}

/// A folder with the source of a policy.
#[derive(Clone, Debug)]
pub struct Project {
    /// The folder.
    pub folder: PathBuf,
    /// Its language.
    pub language: Language,
}

/// A component and its file.
#[derive(Debug)]
pub struct Built {
    /// The file.
    pub path: PathBuf,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Whether this program has just built it from source.
    pub from_source: bool,
    /// The name of the policy that is meant, if it holds several.
    pub policy: Option<String>,
}

impl Project {
    /// Detects the language of the project in a folder.
    pub fn open(folder: &Path) -> anyhow::Result<Self> {
        let has = |name: &str| folder.join(name).is_file();
        let language = match () {
            () if has("Cargo.toml") => Language::Rust,
            () if has("package.json") => Language::Js,
            () if has("policy.py") => Language::Python,
            () => {
                let message = "there is no policy here: no Cargo.toml, no package.json, no policy.py";
                let help = "create one with `reprieve policy new NAME --lang rust`";
                return Err(fail(format!("{}: {message}", folder.display()), help));
            }
        };
        let folder = folder.canonicalize().with_context(|| folder.display().to_string())?;
        Ok(Self { folder, language })
    }

    /// Builds `build/NAME.wasm` below its folder. Installs nothing.
    pub fn build(&self) -> anyhow::Result<Built> {
        let name = self.folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let build = self.folder.join("build");
        std::fs::create_dir_all(&build).with_context(|| format!("cannot create {}", build.display()))?;
        let path = build.join(format!("{name}.wasm"));
        match self.language {
            Language::Rust => {
                let component = reprieve_build::project(&self.folder, false)?;
                std::fs::write(&path, component).with_context(|| format!("cannot write {}", path.display()))?;
            }
            Language::Js => self.build_js(&path)?,
            Language::Python => self.build_python(&path)?,
        }
        let bytes = read_file(&path, MAX_COMPONENT_BYTES)?;
        Ok(Built { path, bytes, from_source: true, policy: None })
    }

    /// Builds the component with line tables, so that a trap names its place in the source. `None` for languages whose
    /// errors name the place themselves.
    pub fn build_traced(&self) -> anyhow::Result<Option<Vec<u8>>> {
        let is_rust = self.language == Language::Rust;
        Ok(is_rust.then(|| reprieve_build::project(&self.folder, true)).transpose()?)
    }

    fn build_js(&self, out: &Path) -> anyhow::Result<()> {
        let build = self.folder.join("node_modules/@reprieve/sdk/build.js");
        if !build.is_file() {
            return Err(self.no_sdk("npm install"));
        }
        self.run(Command::new("node").arg(build).arg(&self.folder).arg("-o").arg(out), "install Node 20")
    }

    fn build_python(&self, out: &Path) -> anyhow::Result<()> {
        let own = self.folder.join(".venv/bin/python");
        let python = if own.is_file() { own } else { PathBuf::from("python3") };
        let mut has_sdk = Command::new(&python);
        has_sdk.args(["-c", "import reprieve_sdk"]);
        if !self.output(&mut has_sdk, INSTALL_PYTHON)?.status.success() {
            return Err(self.no_sdk("python3 -m venv .venv && .venv/bin/pip install -r requirements.txt"));
        }
        let mut command = Command::new(python);
        command.args(["-m", "reprieve_sdk.build"]).arg(&self.folder).arg("-o").arg(out);
        self.run(&mut command, INSTALL_PYTHON)
    }

    fn run(&self, command: &mut Command, install: &str) -> anyhow::Result<()> {
        let output = self.output(command, install)?;
        if output.status.success() {
            let messages = String::from_utf8_lossy(&output.stderr);
            let notes = messages.lines().filter_map(|line| line.strip_prefix("note: "));
            notes.for_each(|note| errln!("note: {}", plain(note)));
            return Ok(());
        }
        let messages = [output.stdout, output.stderr].concat();
        bail!("{} cannot be built\n{}", self.folder.display(), String::from_utf8_lossy(&messages).trim_end())
    }

    fn no_sdk(&self, install: &str) -> anyhow::Error {
        fail(format!("{}: the SDK is not installed", self.folder.display()), install)
    }

    /// Runs a command in the folder. `install` says what to do if it cannot be run.
    fn output(&self, command: &mut Command, install: &str) -> anyhow::Result<Output> {
        command.current_dir(&self.folder).output().map_err(|error| {
            fail(format!("cannot run `{}`: {error}", command.get_program().to_string_lossy()), install)
        })
    }
}

/// What to do if Python cannot be run.
const INSTALL_PYTHON: &str = "install Python 3.11";

/// Reads the component at a path, or builds the project if the path is a folder. `policy` is the name of the policy that is
/// meant, if it holds several.
pub fn component(path: &Path, policy: Option<&str>) -> anyhow::Result<Built> {
    let policy = policy.map(str::to_owned);
    if path.is_dir() {
        return Ok(Built { policy, ..Project::open(path)?.build()? });
    }
    let bytes = read_file(path, MAX_COMPONENT_BYTES)?;
    Ok(Built { path: path.to_owned(), bytes, from_source: false, policy })
}
