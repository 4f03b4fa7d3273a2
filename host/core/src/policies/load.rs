//! Loads the policies of a set: checks the pin, the settings and the reference data of each.

use super::builtin;
use super::loaded::LoadedPolicy;
use super::set::{PolicyEntry, PolicySet};
use crate::error::BuildError;
use reprieve_batch::{Folder, ReadError, threads};
use reprieve_model::did_you_mean;
use reprieve_sandbox::{Data, Fault, LoadError, Policy, Sandbox};
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::thread::ScopedJoinHandle;

/// The maximum size of a module, of a file of reference data, or of a key set in bytes.
const MAX_FILE_BYTES: u64 = 64 << 20;

/// Where the modules and reference data of a set come from.
#[derive(Clone, Copy)]
pub(crate) struct Files<'a> {
    /// The folder of the set.
    pub folder: Option<&'a Folder>,
    /// Files that are read in place of files of the same name.
    pub provided: &'a BTreeMap<String, Vec<u8>>,
    /// Digests of modules that count as pinned, whatever the set says.
    pub pins: &'a BTreeSet<String>,
}

impl Files<'_> {
    /// Reads a file that the set names. None: there is no folder to open it in.
    pub fn read(&self, name: &str) -> Option<Result<Cow<'_, [u8]>, ReadError>> {
        match self.provided.get(name) {
            Some(bytes) => Some(Ok(Cow::Borrowed(bytes))),
            None => Some(self.folder?.read(name, MAX_FILE_BYTES).map(Cow::Owned)),
        }
    }
}

/// Loads the policies of a set in parallel.
pub(crate) fn load_all(
    sandbox: &Sandbox,
    set: &PolicySet,
    files: &Files<'_>,
) -> Result<Vec<LoadedPolicy>, BuildError> {
    let loader = Loader { sandbox, files };
    let load = |(i, entry): (usize, &PolicyEntry)| loader.load(i + 1, entry);
    // Each thread loads one policy after another, so that the memory of one is still mapped for the next.
    let entries: Vec<(usize, &PolicyEntry)> = set.policy.iter().enumerate().collect();
    let share = entries.len().div_ceil(threads()).max(1);
    std::thread::scope(|scope| {
        let load_share = |share: &[(usize, &PolicyEntry)]| share.iter().map(|entry| load(*entry)).collect::<Vec<_>>();
        let threads: Vec<_> = entries.chunks(share).map(|share| scope.spawn(move || load_share(share))).collect();
        let join = |thread: ScopedJoinHandle<'_, Vec<Result<LoadedPolicy, BuildError>>>| {
            thread.join().unwrap_or_else(|_| vec![Err(BuildError::set("loading a policy panicked"))])
        };
        threads.into_iter().flat_map(join).collect()
    })
}

struct Loader<'a> {
    sandbox: &'a Sandbox,
    files: &'a Files<'a>,
}

/// Why a policy cannot be used, before it is known which policy of the set it is.
enum Unusable {
    /// A file cannot be read. The error names it.
    File(ReadError),
    /// Anything else.
    Policy { message: String, help: Option<String> },
}

impl Unusable {
    fn new(message: impl Into<String>) -> Self {
        Self::Policy { message: message.into(), help: None }
    }

    fn with_help(mut self, text: impl Into<String>) -> Self {
        if let Self::Policy { help, .. } = &mut self {
            *help = Some(text.into());
        }
        self
    }
}

impl From<ReadError> for Unusable {
    fn from(error: ReadError) -> Self {
        Self::File(error)
    }
}

impl From<LoadError> for Unusable {
    fn from(error: LoadError) -> Self {
        Self::Policy { message: error.to_string(), help: error.help().map(str::to_owned) }
    }
}

impl From<Fault> for Unusable {
    fn from(fault: Fault) -> Self {
        Self::new(fault.message)
    }
}

impl Loader<'_> {
    fn load(&self, number: usize, entry: &PolicyEntry) -> Result<LoadedPolicy, BuildError> {
        self.load_entry(entry).map_err(|error| match error {
            Unusable::File(error) => BuildError::Read(error),
            Unusable::Policy { message, help } => {
                BuildError::Policy { number, source_name: entry.source.clone(), message, help }
            }
        })
    }

    fn load_entry(&self, entry: &PolicyEntry) -> Result<LoadedPolicy, Unusable> {
        let (policy, module) = self.module(entry)?;
        let settings = self.settings(entry, &policy)?;
        let mut data = Data::new();
        for (name, path) in &entry.data {
            data.push((name.clone(), self.file(path)?));
        }
        self.sandbox.validate(&policy, &settings, &data)?;
        Ok(LoadedPolicy {
            policy,
            enforced: entry.enforce,
            missing: entry.missing,
            scope: entry.when.clone(),
            memory: entry.memory.map(|mib| mib.saturating_mul(1 << 20)),
            settings_sha256: hex::encode(Sha256::digest(&settings)),
            settings,
            data,
            module,
        })
    }

    fn module(&self, entry: &PolicyEntry) -> Result<(Policy, Cow<'static, [u8]>), Unusable> {
        let check_pin = |digest: &str| match &entry.sha256 {
            Some(pin) if pin != digest => {
                Err(Unusable::new(format!("its digest is `{digest}`, but `{pin}` is pinned"))
                    .with_help("find out what changed, then pin the new digest"))
            }
            _ => Ok(()),
        };
        let Some(name) = entry.source.strip_prefix("builtin:") else {
            let bytes = self.file(&entry.source)?;
            let digest = hex::encode(Sha256::digest(&bytes));
            check_pin(&digest)?;
            let is_pinned = entry.sha256.is_some() || self.files.pins.contains(&digest);
            let policy = self.sandbox.load(&bytes, &digest, is_pinned, entry.name.as_deref())?;
            return Ok((policy, Cow::Owned(bytes)));
        };
        if entry.name.as_ref().is_some_and(|other| other != name) {
            return Err(Unusable::new("`use` and `name` are of different policies").with_help("remove `name`"));
        }
        let index = reprieve_builtin::find(name).ok_or_else(|| {
            let help = match did_you_mean(name, builtin::names()) {
                Some(near) => format!("did you mean `builtin:{near}`?"),
                None => format!("the built-in policies are {}", builtin::names().collect::<Vec<_>>().join(", ")),
            };
            Unusable::new(format!("there is no built-in policy `{name}`")).with_help(help)
        })?;
        check_pin(reprieve_builtin::sha256())?;
        Ok((self.sandbox.load_builtin(index)?, Cow::Borrowed(reprieve_builtin::component())))
    }

    fn file(&self, name: &str) -> Result<Vec<u8>, Unusable> {
        let no_folder = || Unusable::new("it names a file, but there is no folder to open it in");
        Ok(self.files.read(name).ok_or_else(no_folder)??.into_owned())
    }

    /// Checks the settings schema of a policy and the settings, and writes the settings as JSON.
    fn settings(&self, entry: &PolicyEntry, policy: &Policy) -> Result<String, Unusable> {
        let settings = serde_json::to_value(&entry.settings).map_err(|error| Unusable::new(error.to_string()))?;
        let known = policy.descriptor.settings_schema["properties"].as_object();
        let known: Vec<&str> = known.into_iter().flat_map(|known| known.keys().map(String::as_str)).collect();
        if let Some(name) = entry.settings.keys().find(|name| !known.contains(&name.as_str())) {
            let help = match did_you_mean(name, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("its settings are {}", known.join(", ")),
            };
            return Err(Unusable::new(format!("settings `/{name}`: there is no such setting")).with_help(help));
        }
        self.sandbox.check_settings(policy, Some(&settings).filter(|_| !entry.settings.is_empty()))?;
        Ok(settings.to_string())
    }
}
