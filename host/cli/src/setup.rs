//! What several subcommands take: a policy set, and a request.

use anyhow::Context;
use clap::Args;
use reprieve::model::Timestamp;
use reprieve::{Batch, Cache, Folder, Gate, GateBuilder, PastBatches, open_inventory};
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
pub fn cache() -> Option<Cache> {
    let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = absolute("XDG_CACHE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".cache")))?;
    let warn =
        |error| anstream::eprintln!("warning: policies are compiled at every start, for none can be kept: {error}");
    Cache::open(base.join("reprieve")).map_err(warn).ok()
}

/// A batch, and what it is vetted with.
#[derive(Args, Debug)]
pub struct BatchArguments {
    /// The request, or `-` for standard input
    request: PathBuf,
    /// Take the targets from this file instead of those that the request names
    #[arg(long, value_name = "FILE")]
    targets: Option<PathBuf>,
    #[command(flatten)]
    policies: PolicyArguments,
    /// Resolve ids with this inventory, instead of the one that the policy set names
    #[arg(long, value_name = "FILE")]
    inventory: Option<PathBuf>,
    /// What was deleted before: a JSON array of batches
    #[arg(long, value_name = "FILE")]
    history: Option<PathBuf>,
    /// Decide for this time instead of now
    #[arg(long, value_name = "TIME", value_parser = Timestamp::parse)]
    at: Option<Timestamp>,
}

impl BatchArguments {
    /// Reads the batch.
    pub fn batch(&self) -> anyhow::Result<Batch> {
        let batch = match &self.targets {
            None => request(&self.request)?,
            Some(targets) if self.request == Path::new("-") => {
                Batch::read_with(std::io::stdin().lock(), "<stdin>", targets)?
            }
            Some(targets) => Batch::open_with(&self.request, targets)?,
        };
        Ok(match self.at {
            Some(at) => batch.at(at),
            None => batch,
        })
    }

    /// Puts the gate together.
    pub fn gate(&self) -> anyhow::Result<Gate> {
        let mut builder = self.policies.builder()?;
        if let Some(path) = &self.inventory {
            builder = builder.inventory(open_inventory(path)?);
        }
        if let Some(path) = &self.history {
            builder = builder.history(PastBatches::open(path)?);
        }
        Ok(builder.build()?)
    }
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
