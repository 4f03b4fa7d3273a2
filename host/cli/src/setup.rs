//! What several subcommands take: a policy set, and a request.

use anyhow::Context;
use clap::Args;
use reprieve::{Batch, Folder, Gate, GateBuilder};
use std::path::{Path, PathBuf};

/// The policy set that is taken where none is named.
const CONFIG: &str = "reprieve.toml";

/// Which policies.
#[derive(Args, Debug)]
pub struct PolicyArguments {
    /// The policy set. Without it `reprieve.toml` in this folder is taken, and without that every built-in policy
    /// with its defaults.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl PolicyArguments {
    /// Begins a gate with these policies.
    pub fn builder(&self) -> anyhow::Result<GateBuilder> {
        let mut builder = Gate::builder();
        if let Some(folder) = cache_folder() {
            builder = builder.cache(folder);
        }
        let config = match &self.config {
            Some(path) => Some(path.as_path()),
            // Whatever is there under that name, even a broken link, is meant.
            None => Path::new(CONFIG).symlink_metadata().is_ok().then_some(Path::new(CONFIG)),
        };
        match config {
            Some(path) => Ok(builder.config(path)?),
            None => Ok(builder),
        }
    }
}

/// Where compiled policies are kept: below the user's cache folder, for the user alone. None where there is no such
/// folder, or where others can write to it.
fn cache_folder() -> Option<PathBuf> {
    let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = absolute("XDG_CACHE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".cache")))?;
    let folder = base.join("reprieve");
    private(&folder).then_some(folder)
}

#[cfg(unix)]
fn private(folder: &Path) -> bool {
    use std::os::unix::fs::{DirBuilderExt, MetadataExt};
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).is_ok();
    let owner = |path: &Path| std::fs::metadata(path).map(|metadata| metadata.uid()).ok();
    // A folder of one's own that nobody else can write to.
    made && std::fs::symlink_metadata(folder).is_ok_and(|metadata| {
        metadata.is_dir() && metadata.mode() & 0o022 == 0 && Some(metadata.uid()) == owner(Path::new("/proc/self"))
    })
}

#[cfg(not(unix))]
fn private(folder: &Path) -> bool {
    std::fs::create_dir_all(folder).is_ok()
}

/// Reads a request from a file, or from standard input where the path is `-`. Its target file is looked for beside
/// it, or in this folder.
pub fn request(path: &Path) -> anyhow::Result<Batch> {
    if path == Path::new("-") {
        let folder = Folder::open(Path::new(".")).context("this folder")?;
        return Ok(Batch::read(std::io::stdin().lock(), "<stdin>", &folder)?);
    }
    Ok(Batch::open(path)?)
}
