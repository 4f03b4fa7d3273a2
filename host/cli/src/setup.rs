//! What several subcommands take: a policy set, and a request.

use anyhow::Context;
use clap::Args;
use reprieve::{Batch, Cache, Folder, Gate, GateBuilder};
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
        if let Some(cache) = cache() {
            builder = builder.cache(cache);
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

/// Where compiled policies are kept: below the user's cache folder, for the user alone. A folder that others can write
/// to, or that cannot be made, is not used, and that is said.
fn cache() -> Option<Cache> {
    let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = absolute("XDG_CACHE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".cache")))?;
    let warn =
        |error| anstream::eprintln!("warning: policies are compiled at every start, for none can be kept: {error}");
    Cache::open(base.join("reprieve")).map_err(warn).ok()
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
