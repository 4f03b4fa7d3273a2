//! Loading the policies of a set: each is pinned, given its settings and data, and checked.

use crate::builder::Setup;
use crate::builtin;
use crate::config::{PolicyEntry, PolicySet};
use crate::parallel;
use crate::sandbox::{Data, LoadFailure, Sandbox};
use crate::set::Loaded;
use crate::source::{Folder, Unreadable, nearest};
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::thread::ScopedJoinHandle;

/// The largest file of reference data.
const MOST_DATA_BYTES: u64 = 64 << 20;

/// Loads the policies of a set side by side.
pub(crate) fn load_all(
    sandbox: &Sandbox,
    set: &PolicySet,
    folder: Option<&Folder>,
    files: &BTreeMap<String, Vec<u8>>,
) -> Result<Vec<Loaded>, Setup> {
    let load = |(i, entry): (usize, &PolicyEntry)| {
        load(sandbox, entry, folder, files).map_err(|problem| match problem {
            Problem::Unreadable(unreadable) => Setup::Unreadable(unreadable),
            Problem::Policy(message, help) => {
                Setup::Policy { number: i + 1, source_name: entry.source.clone(), message, help }
            }
        })
    };
    // Each thread loads one policy after another: the memory of one is still mapped for the next.
    let entries: Vec<(usize, &PolicyEntry)> = set.policy.iter().enumerate().collect();
    let threads = parallel::threads();
    let share = entries.len().div_ceil(threads).max(1);
    std::thread::scope(|scope| {
        let load_share = |share: &[(usize, &PolicyEntry)]| share.iter().map(|entry| load(*entry)).collect::<Vec<_>>();
        let threads: Vec<_> = entries.chunks(share).map(|share| scope.spawn(move || load_share(share))).collect();
        let join = |thread: ScopedJoinHandle<'_, Vec<Result<Loaded, Setup>>>| {
            thread.join().unwrap_or_else(|_| vec![Err(Setup::Sandbox("loading a policy panicked".to_owned()))])
        };
        threads.into_iter().flat_map(join).collect()
    })
}

/// What is wrong with a policy of the set.
enum Problem {
    Unreadable(Unreadable),
    Policy(String, Option<String>),
}

impl From<Unreadable> for Problem {
    fn from(unreadable: Unreadable) -> Self {
        Self::Unreadable(unreadable)
    }
}

impl From<LoadFailure> for Problem {
    fn from(failure: LoadFailure) -> Self {
        Self::Policy(failure.to_string(), None)
    }
}

fn load(
    sandbox: &Sandbox,
    entry: &PolicyEntry,
    folder: Option<&Folder>,
    files: &BTreeMap<String, Vec<u8>>,
) -> Result<Loaded, Problem> {
    let wrong = |message: String, help: Option<String>| Problem::Policy(message, help);
    let in_folder = || folder.ok_or_else(|| wrong("a file is named, but no folder to find it in".into(), None));
    let pinned = |digest: &str| match &entry.sha256 {
        Some(pin) if pin != digest => Err(wrong(
            format!("its digest is `{digest}`, and `{pin}` is pinned"),
            Some("look at what changed, then pin the new digest".to_owned()),
        )),
        _ => Ok(()),
    };
    let file = |name: &str| match files.get(name) {
        Some(bytes) => Ok(bytes.clone()),
        None => Ok::<_, Problem>(in_folder()?.read(name, MOST_DATA_BYTES)?),
    };
    let (policy, module) = match entry.source.strip_prefix("builtin:") {
        Some(name) => {
            let builtin = builtin::find(name).ok_or_else(|| {
                let help = match nearest(name, builtin::names()) {
                    Some(near) => format!("did you mean `builtin:{near}`?"),
                    None => format!("there are {}", builtin::names().collect::<Vec<_>>().join(", ")),
                };
                wrong(format!("there is no built-in policy `{name}`"), Some(help))
            })?;
            pinned(builtin.sha256)?;
            (sandbox.load_builtin(builtin)?, Cow::Borrowed(builtin.component))
        }
        None => {
            let bytes = file(&entry.source)?;
            let digest = hex::encode(Sha256::digest(&bytes));
            pinned(&digest)?;
            (sandbox.load(&bytes, digest)?, Cow::Owned(bytes))
        }
    };
    let settings = settings(entry, &policy.descriptor.settings_schema)?;
    let mut data = Data::new();
    for (name, path) in &entry.data {
        data.push((name.clone(), file(path)?));
    }
    sandbox.validate(&policy, &settings, &data).map_err(|fault| wrong(fault.message, None))?;
    Ok(Loaded {
        policy,
        enforced: entry.enforce,
        scope: entry.when.clone(),
        memory: entry.memory.map(|mib| mib.saturating_mul(1 << 20)),
        settings_sha256: hex::encode(Sha256::digest(&settings)),
        settings,
        data,
        module,
    })
}

/// Checks settings against the policy's own schema, and writes them as JSON.
fn settings(entry: &PolicyEntry, schema: &serde_json::Value) -> Result<String, Problem> {
    let wrong = |message: String, help: Option<String>| Problem::Policy(message, help);
    let settings = serde_json::to_value(&entry.settings).map_err(|error| wrong(error.to_string(), None))?;
    if !entry.settings.is_empty() {
        let known =
            schema["properties"].as_object().map(|known| known.keys().map(String::as_str).collect::<Vec<_>>());
        let known = known.unwrap_or_default();
        if let Some(name) = entry.settings.keys().find(|name| !known.contains(&name.as_str())) {
            let help = match nearest(name, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("its settings are {}", known.join(", ")),
            };
            return Err(wrong(format!("settings `/{name}`: there is no such setting"), Some(help)));
        }
        let validator = jsonschema::validator_for(schema)
            .map_err(|error| wrong(format!("the schema of its settings is wrong: {error}"), None))?;
        if let Some(error) = validator.iter_errors(&settings).next() {
            return Err(wrong(format!("settings `{}`: {error}", error.instance_path()), None));
        }
    }
    Ok(settings.to_string())
}
