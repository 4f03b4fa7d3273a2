//! A policy author's project, whatever it is written in, and the component that comes out of it.

use anyhow::{Context, anyhow, bail, ensure};
use clap::ValueEnum;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// What a policy is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Language {
    /// Rust, by cargo
    Rust,
    /// JavaScript or TypeScript, by Node
    Js,
    /// Python, by componentize-py
    Python,
}

/// A folder with the source of a policy.
#[derive(Clone, Debug)]
pub struct Project {
    /// The folder.
    pub folder: PathBuf,
    language: Language,
}

/// A component, and where it is.
#[derive(Debug)]
pub struct Built {
    /// The file.
    pub path: PathBuf,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// Where the SDKs are: in the checkout that this program was built from.
pub fn sdk_folder() -> Option<PathBuf> {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../sdk")).canonicalize().ok()
}

impl Project {
    /// Finds out what a folder holds.
    pub fn open(folder: &Path) -> anyhow::Result<Self> {
        let has = |name: &str| folder.join(name).is_file();
        let language = match () {
            () if has("Cargo.toml") => Language::Rust,
            () if has("package.json") => Language::Js,
            () if has("policy.py") => Language::Python,
            () => bail!(
                "{}: there is no policy here: no Cargo.toml, no package.json, no policy.py\nhelp: begin one with \
                 `reprieve policy new NAME --lang rust`",
                folder.display()
            ),
        };
        let folder = folder.canonicalize().with_context(|| folder.display().to_string())?;
        Ok(Self { folder, language })
    }

    /// Builds it into `build/NAME.wasm` below its folder. Nothing is installed on the way.
    pub fn build(&self) -> anyhow::Result<Built> {
        let name = self.folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let place = self.folder.join("build");
        std::fs::create_dir_all(&place).with_context(|| format!("cannot make {}", place.display()))?;
        let path = place.join(format!("{name}.wasm"));
        match self.language {
            Language::Rust => {
                let component = reprieve_build::project(&self.folder, false)?;
                std::fs::write(&path, component).with_context(|| format!("cannot write {}", path.display()))?;
            }
            Language::Js => self.build_js(&path)?,
            Language::Python => self.build_python(&path)?,
        }
        let bytes = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok(Built { path, bytes })
    }

    /// The component once more, such that a trap names its place in the source. None where it could not: in languages
    /// whose errors name it themselves.
    pub fn build_traced(&self) -> anyhow::Result<Option<Vec<u8>>> {
        let is_rust = self.language == Language::Rust;
        Ok(is_rust.then(|| reprieve_build::project(&self.folder, true)).transpose()?)
    }

    fn build_js(&self, out: &Path) -> anyhow::Result<()> {
        let build = self.folder.join("node_modules/@reprieve/sdk/build.js");
        ensure!(build.is_file(), "{}: the SDK is not installed\nhelp: npm install", self.folder.display());
        self.run(Command::new("node").arg(build).arg(&self.folder).arg("-o").arg(out), "install Node 20")
    }

    fn build_python(&self, out: &Path) -> anyhow::Result<()> {
        let own = self.folder.join(".venv/bin/python");
        let python = if own.is_file() { own } else { PathBuf::from("python3") };
        let mut has_sdk = Command::new(&python);
        has_sdk.args(["-c", "import reprieve_sdk"]);
        ensure!(
            self.output(&mut has_sdk, PYTHON)?.status.success(),
            "{}: the SDK is not installed\nhelp: python3 -m venv .venv && .venv/bin/pip install -r requirements.txt",
            self.folder.display()
        );
        let mut command = Command::new(python);
        command.args(["-m", "reprieve_sdk.build"]).arg(&self.folder).arg("-o").arg(out);
        self.run(&mut command, PYTHON)
    }

    fn run(&self, command: &mut Command, missing: &str) -> anyhow::Result<()> {
        let output = self.output(command, missing)?;
        if output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            said.lines().filter(|line| line.starts_with("note: ")).for_each(|line| anstream::eprintln!("{line}"));
            return Ok(());
        }
        let said = [output.stdout, output.stderr].concat();
        bail!("{} cannot be built\n{}", self.folder.display(), String::from_utf8_lossy(&said).trim_end())
    }

    /// What a command comes to in the folder. One that cannot be run is missing.
    fn output(&self, command: &mut Command, missing: &str) -> anyhow::Result<Output> {
        command.current_dir(&self.folder).output().map_err(|error| {
            anyhow!("cannot run `{}`: {error}\nhelp: {missing}", command.get_program().to_string_lossy())
        })
    }
}

/// What to do where there is no Python.
const PYTHON: &str = "install Python 3.11";

/// The component at a path: a built one, or what the project in a folder makes.
pub fn component(path: &Path) -> anyhow::Result<Built> {
    if path.is_dir() {
        return Project::open(path)?.build();
    }
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(Built { path: path.to_owned(), bytes })
}
