//! Builds a gate: its policies, its limits, and the sources of its facts.

use super::Gate;
use crate::error::BuildError;
use crate::evaluate::{Evaluator, HistorySource, Sources, Zones};
use crate::ledger::Ledger;
use crate::policies::{
    Files, HookSettings, LoadedPolicy, PolicySet, RecordedKeys, RecordedSet, ServeSettings, SetRecord,
    SignatureSettings, load_all,
};
use crate::signed::{EvidenceSigners, KeySet, Signers, Signing};
use reprieve_batch::{Environments, Folder, History, Inventory, ReadError, read_inventory_within, threads};
use reprieve_sandbox::{Descriptor, Limits, ModuleCache, Sandbox, Worker};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

/// The bytes of memory that a check may use by default.
const DEFAULT_MEMORY: u64 = 1 << 30;

/// A gate that is being built. Without [`policies`](Self::policies) or [`config`](Self::config) it has every built-in
/// policy with its default settings.
#[derive(Default)]
pub struct GateBuilder {
    set: Option<(PolicySet, Option<Folder>)>,
    inventory: Option<Arc<dyn Inventory>>,
    history: Option<Arc<dyn History>>,
    ledger: Option<Arc<dyn Ledger>>,
    limits: Limits,
    cache: Option<ModuleCache>,
    worker: Option<Worker>,
    pins: BTreeSet<String>,
    files: BTreeMap<String, Vec<u8>>,
    threads: Option<usize>,
    memory: Option<u64>,
    trace: bool,
}

impl GateBuilder {
    /// Reads the policies from a `reprieve.toml`. The files it names are opened below its folder.
    ///
    /// # Errors
    /// [`ReadError`] with the line that is invalid.
    pub fn config(self, path: &Path) -> Result<Self, ReadError> {
        let (folder, name) = Folder::of(path)?;
        Ok(self.policies(PolicySet::read(&folder, &name)?, Some(folder)))
    }

    /// Uses these policies. The files they name are opened below `folder`.
    #[must_use]
    pub fn policies(mut self, set: PolicySet, folder: Option<Folder>) -> Self {
        self.set = Some((set, folder));
        self
    }

    /// Uses the policies of a recorded set: `text` is what its digest stands for, and `blob` returns what other digests
    /// stand for.
    ///
    /// # Errors
    /// The error of `blob`, or the JSON error of the text.
    pub fn recorded<E: From<serde_json::Error>>(
        mut self,
        text: &str,
        blob: impl FnMut(&str) -> Result<Vec<u8>, E>,
    ) -> Result<Self, E> {
        let RecordedSet { set, files } = RecordedSet::read(text, blob)?;
        self.files.extend(files);
        Ok(self.policies(set, None))
    }

    /// Provides a file: where the set names a module or reference data of this name, these bytes are used.
    #[must_use]
    pub fn file(mut self, name: &str, bytes: Vec<u8>) -> Self {
        self.files.insert(name.to_owned(), bytes);
        self
    }

    /// Resolves ids with this inventory, even if the policy set names another.
    #[must_use]
    pub fn inventory(mut self, inventory: impl Inventory + 'static) -> Self {
        self.inventory = Some(Arc::new(inventory));
        self
    }

    /// Looks past deletions up in this history.
    #[must_use]
    pub fn history(mut self, history: impl History + 'static) -> Self {
        self.history = Some(Arc::new(history));
        self
    }

    /// Records every decision in this ledger, and looks past deletions up there.
    #[must_use]
    pub fn ledger(mut self, ledger: impl Ledger + 'static) -> Self {
        self.ledger = Some(Arc::new(ledger));
        self
    }

    /// Ignores the ledger that the policy set names: for a gate that only inspects, or tries something out.
    #[must_use]
    pub fn without_ledger(mut self) -> Self {
        if let Some((set, _)) = &mut self.set {
            set.ledger = None;
        }
        self
    }

    /// The ledger that the policy set names, and the folder of the set. The caller opens it.
    pub fn ledger_named(&self) -> Option<(&str, Option<&Folder>)> {
        let (set, folder) = self.set.as_ref()?;
        Some((set.ledger.as_deref()?, folder.as_ref()))
    }

    /// The keys of the policy set for permits and overrides.
    pub fn signing(&self) -> Signing {
        let (set, folder) = self.set.as_ref().map_or((None, None), |(set, folder)| (Some(set), folder.clone()));
        Signing {
            permits: set.and_then(|set| set.permits.clone()),
            overrides: set.and_then(|set| set.overrides.clone()),
            folder,
        }
    }

    /// The settings of the service, and the folder of the set.
    pub fn service(&self) -> Option<(&ServeSettings, &Folder)> {
        let (set, folder) = self.set.as_ref()?;
        Some((set.serve.as_ref()?, folder.as_ref()?))
    }

    /// The settings of the policy set for calls of agents.
    pub fn hook(&self) -> Option<&HookSettings> {
        self.set.as_ref()?.0.hook.as_ref()
    }

    /// Sets what a policy may use.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets how many threads one decision about a large batch may use (default: one per core). Neither the decision nor
    /// its fuel depends on it.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = Some(threads.max(1));
        self
    }

    /// Sets the bytes of memory that a check may use (default: 1 GiB), of which the inventory that the policy set names has a
    /// share. Set the same for the batch. The decision does not depend on it.
    #[must_use]
    pub fn memory(mut self, bytes: u64) -> Self {
        self.memory = Some(bytes);
        self
    }

    /// Keeps compiled policies, so that the next start does not compile them. Built-in policies do not need it.
    #[must_use]
    pub fn cache(mut self, cache: ModuleCache) -> Self {
        self.cache = Some(cache);
        self
    }

    /// Names the program that compiles modules, and checks settings, which are neither built in nor pinned by their digest
    /// (`sha256` in the policy set). It runs as a process of its own with the limits on memory and processor time that
    /// [`Limits`] has. Without a worker, such a module is refused.
    ///
    /// An embedding program can be its own worker:
    ///
    /// ```no_run
    /// use reprieve::Gate;
    /// use reprieve::policy::{Worker, run_worker};
    ///
    /// fn main() -> Result<(), Box<dyn std::error::Error>> {
    ///     if std::env::args().nth(1).as_deref() == Some("compile-policy") {
    ///         return Ok(run_worker()?);
    ///     }
    ///     let worker = Worker::new(std::env::current_exe()?, ["compile-policy"]);
    ///     let gate = Gate::builder().worker(worker).config("reprieve.toml".as_ref())?.build()?;
    /// #   drop(gate);
    ///     Ok(())
    /// }
    /// ```
    #[must_use]
    pub fn worker(mut self, worker: Worker) -> Self {
        self.worker = Some(worker);
        self
    }

    /// Treats a module as if the policy set pinned its digest: for a program that has built it from source.
    #[must_use]
    pub fn pinned(mut self, module: &[u8]) -> Self {
        self.pins.insert(hex::encode(Sha256::digest(module)));
        self
    }

    /// Names the place in the source where a policy trapped, if it was built with line tables. For authors: compiled code
    /// becomes larger.
    #[must_use]
    pub fn trace(mut self) -> Self {
        self.trace = true;
        self
    }

    /// Loads everything.
    ///
    /// # Errors
    /// [`BuildError`], with the policy and what is wrong with it.
    pub fn build(self) -> Result<Gate, BuildError> {
        let (set, folder) = self.set.unwrap_or_else(|| (PolicySet::builtins(), None));
        let inventory = match (self.inventory, &set.inventory) {
            (Some(inventory), _) => Some(inventory),
            (None, None) => None,
            (None, Some(name)) => {
                let folder = folder.as_ref();
                let folder = folder.ok_or_else(|| BuildError::set("the set names an inventory but has no folder"))?;
                Some(Arc::from(read_inventory_within(
                    folder,
                    name,
                    self.memory.unwrap_or(DEFAULT_MEMORY),
                    self.threads.unwrap_or_else(threads),
                )?))
            }
        };
        let files = Files { folder: folder.as_ref(), provided: &self.files, pins: &self.pins };
        let (approvals, approval_keys) = signers(set.approvals.as_ref(), &files)?;
        let (attestations, attestation_keys) = signers(set.attestations.as_ref(), &files)?;
        let signers = EvidenceSigners { approvals, attestations };
        let environments = match &set.environments {
            Some(settings) => Environments::new(&settings.not_production).map_err(|message| {
                BuildError::set(format!("`environments.not_production`: {message}"))
                    .with_help("list the environments that are not production; every other one is production")
            })?,
            None => Environments::default(),
        };
        let history = history_source(self.ledger, self.history, set.ledger.as_deref())?;
        let sandbox = Sandbox::new(self.limits, self.cache, self.worker, self.trace)?;
        let mut policies = load_all(&sandbox, &set, &files)?;
        policies.sort_by(|a, b| a.name().cmp(b.name()));
        if let Some([first, _]) = policies.array_windows().find(|[a, b]| a.name() == b.name()) {
            return Err(BuildError::set(format!("two policies of the set have the name `{}`", first.name())));
        }
        let mut zones = Zones::default();
        for loaded in &policies {
            let LoadedPolicy { policy, settings, .. } = loaded;
            let invalid = |message| BuildError::set(format!("policy `{}`: {message}", loaded.name()));
            zones.add(&policy.descriptor.settings_schema, settings).map_err(invalid)?;
        }
        Ok(Gate(Arc::new(Evaluator {
            sandbox,
            threads: self.threads.unwrap_or_else(threads),
            set: SetRecord::of(&policies, environments.not_production(), [approval_keys, attestation_keys]),
            policies,
            sources: Sources { inventory, environments, history, signers, zones },
        })))
    }

    /// Reads the description of a policy and the digest of its module. It is loaded as the gate would load it, without
    /// settings or data. `name` is needed only for a module that holds several policies.
    ///
    /// # Errors
    /// [`BuildError`] if it cannot be loaded.
    pub fn describe(self, module: &[u8], name: Option<&str>) -> Result<(Descriptor, String), BuildError> {
        let sandbox = Sandbox::new(self.limits, self.cache, self.worker, self.trace)?;
        let digest = hex::encode(Sha256::digest(module));
        let policy = sandbox.load(module, &digest, self.pins.contains(&digest), name)?;
        sandbox.check_settings(&policy, None)?;
        Ok((policy.descriptor, policy.sha256))
    }
}

impl std::fmt::Debug for GateBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let set = self.set.as_ref().map(|(set, _)| set);
        f.debug_struct("GateBuilder").field("set", &set).field("limits", &self.limits).finish_non_exhaustive()
    }
}

/// Whose signatures of evidence are accepted, and what is recorded of them.
fn signers(
    settings: Option<&SignatureSettings>,
    files: &Files<'_>,
) -> Result<(Signers, Option<RecordedKeys>), BuildError> {
    let Some(SignatureSettings { keys: name, signed }) = settings else { return Ok((Signers::default(), None)) };
    let no_folder = || BuildError::set(format!("the set names the keys `{name}` but has no folder"));
    let keys = files.read(name).ok_or_else(no_folder)??.into_owned();
    let shown = files.folder.map_or_else(|| name.clone(), |folder| folder.display_name(name));
    let signers = Signers { keys: Some(KeySet::parse(&keys, &shown)?), required: *signed };
    Ok((signers, Some(RecordedKeys { keys, signed: *signed })))
}

/// Where past deletions are looked up. A gate must not start without the ledger that its policy set names.
fn history_source(
    ledger: Option<Arc<dyn Ledger>>,
    history: Option<Arc<dyn History>>,
    named: Option<&str>,
) -> Result<HistorySource, BuildError> {
    match (ledger, history, named) {
        (Some(_), Some(_), _) => {
            Err(BuildError::set("both a history and a ledger are set, but a ledger has its own history"))
        }
        (None, _, Some(name)) => {
            Err(BuildError::set(format!("the set names the ledger `{name}`, which the program has not opened"))
                .with_help("open it and pass it to `GateBuilder::ledger`"))
        }
        (Some(ledger), None, _) => Ok(HistorySource::Ledger(ledger)),
        (None, Some(history), None) => Ok(HistorySource::History(history)),
        (None, None, None) => Ok(HistorySource::Unknown),
    }
}
