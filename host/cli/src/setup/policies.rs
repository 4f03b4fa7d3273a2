//! The policy set, and the gate that is built from it.

use clap::Args;
use reprieve::policy::{ModuleCache, Worker};
use reprieve::{Gate, GateBuilder};
use reprieve_report::output::plain;
use std::path::{Path, PathBuf};

/// The policy set that is used if none is named.
pub const DEFAULT_CONFIG: &str = "reprieve.toml";

/// The hidden subcommand that compiles a module for a gate.
pub const WORKER: &str = "compile-worker";

/// The policy set.
#[derive(Args, Debug, Default)]
pub struct PolicyArguments {
    /// The policy set [default: `reprieve.toml` in this folder if it exists, else every built-in policy with its
    /// default settings]
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
}

impl PolicyArguments {
    /// Uses the policy set in a file.
    pub fn of(path: &Path) -> Self {
        Self { config: Some(path.to_owned()) }
    }

    /// Begins a gate with these policies and without the ledger that the set names. Its decisions are not recorded.
    pub fn builder_without_ledger(&self) -> anyhow::Result<GateBuilder> {
        Ok(self.configured_builder()?.without_ledger())
    }

    /// Begins a gate exactly as configured. If the set names a ledger, the caller has to open it.
    pub(super) fn configured_builder(&self) -> anyhow::Result<GateBuilder> {
        let builder = equipped(Gate::builder());
        let config = match &self.config {
            Some(path) => Some(path.as_path()),
            // A broken link of that name is an error, and not a reason to use the defaults.
            None => Path::new(DEFAULT_CONFIG).symlink_metadata().is_ok().then_some(Path::new(DEFAULT_CONFIG)),
        };
        match config {
            Some(path) => Ok(builder.config(path)?),
            None => Ok(builder),
        }
    }
}

/// Builds a gate with every built-in policy and its default settings.
pub fn builtin_gate() -> anyhow::Result<Gate> {
    build(equipped(Gate::builder()))
}

/// Adds the cache of compiled policies, and this program as the worker that compiles modules of unknown origin.
pub fn equipped(builder: GateBuilder) -> GateBuilder {
    let builder = match std::env::current_exe() {
        Ok(program) => builder.worker(Worker::new(program, [WORKER])),
        Err(_) => builder,
    };
    match cache() {
        Some(cache) => builder.cache(cache),
        None => builder,
    }
}

/// Builds a gate, and says what makes its start slow: what was compiled, and what the next start compiles again.
pub fn build(builder: GateBuilder) -> anyhow::Result<Gate> {
    let gate = builder.build()?;
    if let Some(why) = gate.policies().find_map(|policy| policy.unfit) {
        errln!(
            "warning: the built-in policies are compiled, because their code does not fit this machine: {}",
            plain(why)
        );
    }
    if let Some(why) = gate.policies().find_map(|policy| policy.uncached) {
        errln!("warning: every start compiles policies, because they cannot be cached: {}", plain(why));
    }
    for policy in gate.policies().filter(|policy| policy.compiled_by_worker) {
        errln!(
            "note: the policy `{}` is not pinned, so a process of its own compiled it; if you know the module, add",
            plain(&policy.descriptor.name)
        );
        errln!("      sha256 = \"{}\"", policy.sha256);
    }
    Ok(gate)
}

/// The cache of compiled policies, in the cache folder of the user, with its key in the state folder of the user.
fn cache() -> Option<ModuleCache> {
    let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = |name, below_home| absolute(name).or_else(|| absolute("HOME").map(|home| home.join(below_home)));
    let (cache, state) = (base("XDG_CACHE_HOME", ".cache")?, base("XDG_STATE_HOME", ".local/state")?);
    Some(ModuleCache::new(cache.join("reprieve"), state.join("reprieve")))
}
