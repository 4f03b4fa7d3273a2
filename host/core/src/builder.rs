//! Putting a gate together: its policies, its limits, and where it looks things up.

use crate::config::{Overrides, Permits, PolicySet};
use crate::gate::{Gate, Inner};
use crate::history::History;
use crate::inventory::{Inventory, read_inventory};
use crate::known::{Past, Sources};
use crate::ledger::Ledger;
use crate::load::load_all;
use crate::parallel;
use crate::sandbox::{Cache, Descriptor, Limits, Sandbox};
use crate::set::{Loaded, SetRecord};
use crate::source::{Folder, Unreadable};
use crate::zones::Zones;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// Why a gate cannot be put together. Each is for the operator to mend.
#[derive(Debug, thiserror::Error)]
pub enum Setup {
    /// A file cannot be read.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// A policy cannot be used.
    #[error("policy {number} (`{source_name}`): {message}{}", .help.as_ref().map(|help| format!("\nhelp: {help}")).unwrap_or_default())]
    Policy {
        /// Its place in the set, counted from 1.
        number: usize,
        /// What stands under `use`.
        source_name: String,
        /// What is wrong.
        message: String,
        /// The way out, where it can be said.
        help: Option<String>,
    },
    /// The set as a whole cannot be used.
    #[error("{0}")]
    Set(String),
    /// The engine does not start.
    #[error("the sandbox does not start: {0}")]
    Sandbox(String),
    /// A module cannot be loaded.
    #[error("the module cannot be used: {0}")]
    Module(String),
}

/// A gate being put together. Without [`policies`](Self::policies) or [`config`](Self::config) it has every built-in
/// policy with its defaults.
#[derive(Default)]
pub struct GateBuilder {
    set: Option<(PolicySet, Option<Folder>)>,
    inventory: Option<Arc<dyn Inventory>>,
    history: Option<Arc<dyn History>>,
    ledger: Option<Arc<dyn Ledger>>,
    limits: Limits,
    cache: Option<Cache>,
    files: BTreeMap<String, Vec<u8>>,
    threads: Option<usize>,
    trace: bool,
}

impl GateBuilder {
    /// Takes the policies from a `reprieve.toml`. The files it names are opened below its folder.
    ///
    /// # Errors
    /// [`Unreadable`] with the line.
    pub fn config(mut self, path: &Path) -> Result<Self, Unreadable> {
        let (folder, name) = Folder::of(path)?;
        self.set = Some((PolicySet::read(&folder, &name)?, Some(folder)));
        Ok(self)
    }

    /// Takes these policies. The files they name are opened below `folder`.
    #[must_use]
    pub fn policies(mut self, set: PolicySet, folder: Option<Folder>) -> Self {
        self.set = Some((set, folder));
        self
    }

    /// Has a file at hand: where the set names a module or reference data so, none is opened.
    #[must_use]
    pub fn file(mut self, name: &str, bytes: Vec<u8>) -> Self {
        self.files.insert(name.to_owned(), bytes);
        self
    }

    /// Resolves ids with this inventory, whatever the policy set names.
    #[must_use]
    pub fn inventory(mut self, inventory: impl Inventory + 'static) -> Self {
        self.inventory = Some(Arc::new(inventory));
        self
    }

    /// Looks up what was deleted before in this history.
    #[must_use]
    pub fn history(mut self, history: impl History + 'static) -> Self {
        self.history = Some(Arc::new(history));
        self
    }

    /// Records every decision in this ledger, and looks up there what was deleted before.
    #[must_use]
    pub fn ledger(mut self, ledger: impl Ledger + 'static) -> Self {
        self.ledger = Some(Arc::new(ledger));
        self
    }

    /// Leaves the ledger aside that the policy set names: for a gate to look at, or to try something with.
    #[must_use]
    pub fn without_ledger(mut self) -> Self {
        if let Some((set, _)) = &mut self.set {
            set.ledger = None;
        }
        self
    }

    /// The ledger that the policy set names, and the folder it is named in. Opening it is for whoever builds the gate.
    pub fn ledger_named(&self) -> Option<(&str, Option<&Folder>)> {
        let (set, folder) = self.set.as_ref()?;
        Some((set.ledger.as_deref()?, folder.as_ref()))
    }

    /// What the policy set says of permits and overrides, and the folder it says it in.
    pub fn signed(&self) -> (Option<&Permits>, Option<&Overrides>, Option<&Folder>) {
        match &self.set {
            Some((set, folder)) => (set.permits.as_ref(), set.overrides.as_ref(), folder.as_ref()),
            None => (None, None, None),
        }
    }

    /// Sets what a policy may use.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets how many threads one decision on a large batch may keep busy (one a core). What is decided, and the fuel that
    /// takes, does not depend on it.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = Some(threads.max(1));
        self
    }

    /// Keeps compiled policies, so that the next start does not compile.
    #[must_use]
    pub fn cache(mut self, cache: Cache) -> Self {
        self.cache = Some(cache);
        self
    }

    /// Names the place in its source where a policy gave up, if it was built with line tables: for authors. Compiled
    /// code becomes larger.
    #[must_use]
    pub fn trace(mut self) -> Self {
        self.trace = true;
        self
    }

    /// Loads everything.
    ///
    /// # Errors
    /// [`Setup`], naming the policy and what is wrong with it.
    pub fn build(self) -> Result<Gate, Setup> {
        let (set, folder) = self.set.unwrap_or_else(|| (PolicySet::builtins(), None));
        let inventory = match (self.inventory, &set.inventory) {
            (Some(inventory), _) => Some(inventory),
            (None, None) => None,
            (None, Some(name)) => {
                let folder = folder.as_ref().ok_or_else(|| Setup::Set("an inventory needs a folder".to_owned()))?;
                Some(Arc::from(read_inventory(folder, name)?))
            }
        };
        let past = match (self.ledger, self.history, &set.ledger) {
            (Some(_), Some(_), _) => {
                return Err(Setup::Set(
                    "a history and a ledger are given; the ledger has a history of its own".into(),
                ));
            }
            // A gate that forgets what it was told to remember must not start.
            (None, _, Some(name)) => {
                return Err(Setup::Set(format!("the set names the ledger `{name}`, and it was not opened")));
            }
            (Some(ledger), None, _) => Past::Ledger(ledger),
            (None, Some(history), None) => Past::History(history),
            (None, None, None) => Past::Unknown,
        };
        let sandbox = Sandbox::new(self.limits, self.cache, self.trace).map_err(Setup::Sandbox)?;
        let mut policies = load_all(&sandbox, &set, folder.as_ref(), &self.files)?;
        policies.sort_by(|a, b| a.policy.descriptor.name.cmp(&b.policy.descriptor.name));
        if let Some([first, _]) = policies
            .windows(2)
            .filter_map(|pair| <&[Loaded; 2]>::try_from(pair).ok())
            .find(|[a, b]| a.policy.descriptor.name == b.policy.descriptor.name)
        {
            let name = &first.policy.descriptor.name;
            return Err(Setup::Set(format!("two policies of the set are called `{name}`")));
        }
        let mut zones = Zones::default();
        for Loaded { policy, settings, .. } in &policies {
            let wrong = |message| Setup::Set(format!("policy `{}`: {message}", policy.descriptor.name));
            zones.add(&policy.descriptor.settings_schema, settings).map_err(wrong)?;
        }
        let set = SetRecord::of(&policies);
        Ok(Gate::new(Inner {
            sandbox,
            threads: self.threads.unwrap_or_else(parallel::threads),
            policies,
            sources: Sources { inventory, past, zones },
            set,
        }))
    }
}

/// What a module says of itself, and its digest. It is loaded as a gate would, but not given settings or data.
///
/// # Errors
/// Why it cannot be loaded.
pub fn describe(module: &[u8], cache: Option<Cache>) -> Result<(Descriptor, String), Setup> {
    let sandbox = Sandbox::new(Limits::default(), cache, false).map_err(Setup::Sandbox)?;
    let digest = hex::encode(Sha256::digest(module));
    let policy = sandbox.load(module, digest).map_err(|failure| Setup::Module(failure.to_string()))?;
    Ok((policy.descriptor, policy.sha256))
}
