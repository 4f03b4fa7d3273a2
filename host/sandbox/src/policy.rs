//! Loading a policy: admit its module, compile that or find its code in the cache, link the policy, and ask for its
//! descriptor.

use crate::admission::admit;
use crate::bindings;
use crate::cache::Entry;
use crate::code;
use crate::compile::{Origin, compile, precompile};
use crate::convert;
use crate::descriptor::{Descriptor, check_descriptor};
use crate::engine::Sandbox;
use crate::error::LoadError;
use crate::fault::Fault;
use crate::linked::{Linked, Select, no_policy};
use crate::refusal::AdmissionError;
use crate::schema::{check_bounds, check_schema, check_settings, check_settings_bounds};
use crate::worker::{Answer, Check, Task, Worker, WorkerError};
use serde_json::Value;
use std::collections::btree_map::Entry as Slot;
use std::sync::{MutexGuard, PoisonError};
use wasmtime::component::Component;

/// Reference data: names and bytes.
pub type Data = Vec<(String, Vec<u8>)>;

/// A policy that is ready to run.
pub struct Policy {
    /// Its description.
    pub descriptor: Descriptor,
    /// SHA-256 of its module, lower-case hex.
    pub sha256: String,
    /// The size of its module in bytes.
    pub bytes: u64,
    /// Where its module comes from.
    pub origin: Origin,
    /// Whether a worker compiled it now, because its code was not in the cache.
    pub compiled_by_worker: bool,
    /// Why the next start compiles it again, if it does.
    pub uncached: Option<String>,
    /// Why the machine code that it was built with could not be used, if it is built in.
    pub unfit: Option<String>,
    pub(crate) linked: Linked,
}

/// The component of a module, once for all of its policies.
struct Loaded {
    component: Component,
    /// As in [`Policy`], for the first policy that is loaded from it.
    compiled_by_worker: bool,
    uncached: Option<String>,
    unfit: Option<String>,
}

impl Loaded {
    fn of(component: Component) -> Self {
        Self { component, compiled_by_worker: false, uncached: None, unfit: None }
    }
}

impl Sandbox {
    /// Loads a policy that is not built in, from a component, or from a core module as cargo builds it. `sha256` is the
    /// digest of `bytes`, and `is_pinned` says whether the operator named it. `name` is that of the policy; without one,
    /// the module has to hold one policy only.
    ///
    /// Its settings schema is bounded, but not checked; see [`check_settings`](Self::check_settings).
    ///
    /// # Errors
    /// [`LoadError`].
    pub fn load(&self, bytes: &[u8], sha256: &str, is_pinned: bool, name: Option<&str>) -> Result<Policy, LoadError> {
        let loaded = self.once(sha256, || {
            let form = admit(bytes, &self.limits)?;
            let mut compiled_by_worker = false;
            let (component, uncached) = self.kept_or(sha256, || {
                if is_pinned {
                    return Ok(compile(&self.engine, bytes, form)?);
                }
                compiled_by_worker = true;
                self.compile_by_worker(bytes, sha256)
            })?;
            Ok(Loaded { compiled_by_worker, uncached, ..Loaded::of(component) })
        })?;
        let origin = if is_pinned { Origin::Pinned } else { Origin::Unknown };
        let policy = self.policy(loaded, name.map_or(Select::Only, Select::Named), origin, sha256, bytes)?;
        check_bounds(&policy.descriptor.settings_schema).map_err(LoadError::Descriptor)?;
        match name {
            Some(name) if name != policy.descriptor.name => Err(no_policy(name, &[policy.descriptor.name])),
            _ => Ok(policy),
        }
    }

    /// Loads the built-in policy with this index. It is not admitted; tests load every built-in policy as a pinned one, too.
    /// If its code does not fit this processor or configuration, it is compiled as others are.
    ///
    /// # Errors
    /// [`LoadError`].
    pub fn load_builtin(&self, index: u32) -> Result<Policy, LoadError> {
        let (bytes, sha256) = (reprieve_builtin::component(), reprieve_builtin::sha256());
        let loaded = self.once(sha256, || {
            let error = match code::builtin(&self.engine) {
                Ok(component) => return Ok(Loaded::of(component)),
                Err(error) => error,
            };
            let (component, uncached) = self.kept_or(sha256, || Ok(precompile(&self.engine, bytes)?))?;
            // Code that names places in a source differs from what was built, and an author asks for it.
            let unfit = Some(format!("{error:#}")).filter(|_| !self.trace);
            Ok(Loaded { unfit, uncached, ..Loaded::of(component) })
        })?;
        self.policy(loaded, Select::Index(index), Origin::BuiltIn, sha256, bytes)
    }

    /// Returns the component of a module, which `load` returns if no policy of this module was loaded before. One module is
    /// loaded at a time; the compiler uses all threads for it.
    fn once(&self, sha256: &str, load: impl FnOnce() -> Result<Loaded, LoadError>) -> Result<Loaded, LoadError> {
        let mut components = self.components.lock().unwrap_or_else(PoisonError::into_inner);
        match components.entry(sha256.to_owned()) {
            Slot::Occupied(loaded) => Ok(Loaded::of(loaded.get().clone())),
            Slot::Vacant(slot) => {
                let loaded = load()?;
                slot.insert(loaded.component.clone());
                Ok(loaded)
            }
        }
    }

    /// Finds the code of a module in the cache, or compiles and keeps it. Returns why it cannot be kept, too.
    fn kept_or(
        &self,
        sha256: &str,
        compile: impl FnOnce() -> Result<Vec<u8>, LoadError>,
    ) -> Result<(Component, Option<String>), LoadError> {
        let key = Entry::code(&self.engine, sha256);
        if let Some(component) = self.cache.as_ref().and_then(|cache| cache.component(&self.engine, &key)) {
            return Ok((component, None));
        }
        let code = compile()?;
        let kept = self.keep(&key, &code);
        let component = code::copied(&self.engine, &code);
        Ok((component.map_err(|error| AdmissionError::Invalid(format!("{error:#}")))?, kept.err()))
    }

    /// Links the policy of a component, and reads its descriptor.
    fn policy(
        &self,
        loaded: Loaded,
        select: Select<'_>,
        origin: Origin,
        sha256: &str,
        bytes: &[u8],
    ) -> Result<Policy, LoadError> {
        let Loaded { component, compiled_by_worker, uncached, unfit } = loaded;
        let linked = Linked::new(self, &component, select)?;
        Ok(Policy {
            descriptor: self.describe(&linked)?,
            sha256: sha256.to_owned(),
            bytes: bytes.len() as u64,
            origin,
            compiled_by_worker,
            uncached,
            unfit,
            linked,
        })
    }

    /// Checks the settings schema of a policy, and settings against it. Without settings, only the schema.
    ///
    /// # Errors
    /// [`LoadError`]: the schema or a setting is invalid, or there is no worker to check them.
    pub fn check_settings(&self, policy: &Policy, settings: Option<&Value>) -> Result<(), LoadError> {
        let schema = &policy.descriptor.settings_schema;
        if let Some(settings) = settings {
            check_settings_bounds(settings)?;
        }
        match policy.origin {
            Origin::BuiltIn => {}
            Origin::Pinned => check_schema(schema)?,
            Origin::Unknown => return self.check_by_worker(policy, settings),
        }
        Ok(settings.map_or(Ok(()), |settings| check_settings(schema, settings))?)
    }

    fn check_by_worker(&self, policy: &Policy, settings: Option<&Value>) -> Result<(), LoadError> {
        let check = Check { schema: policy.descriptor.settings_schema.clone(), settings: settings.cloned() };
        let check = serde_json::to_vec(&check).map_err(|error| LoadError::Descriptor(error.to_string()))?;
        let key = Entry::check(&check);
        if self.cache.as_ref().is_some_and(|cache| cache.has(&key)) {
            return Ok(());
        }
        let worker = self.worker(&policy.sha256)?;
        match worker.run(Task::Check, &check, &self.limits) {
            Ok((Answer::Checked(result), _)) => result?,
            Ok(_) => return Err(no_answer(&policy.sha256)),
            Err(cause) => return Err(LoadError::Worker { cause, help: pin(&policy.sha256) }),
        }
        // If it cannot be kept, the next start checks it again and nothing else is lost.
        drop(self.keep(&key, &[]));
        Ok(())
    }

    fn compile_by_worker(&self, bytes: &[u8], sha256: &str) -> Result<Vec<u8>, LoadError> {
        let worker = self.worker(sha256)?;
        match worker.run(Task::Compile { trace: self.trace }, bytes, &self.limits) {
            Ok((Answer::Code { .. }, code)) => Ok(code),
            Ok((Answer::Refused(error), _)) => Err(error.into()),
            Ok((Answer::Checked(_), _)) => Err(no_answer(sha256)),
            Err(cause) => Err(LoadError::Worker { cause, help: pin(sha256) }),
        }
    }

    fn worker(&self, sha256: &str) -> Result<MutexGuard<'_, Worker>, LoadError> {
        let worker = self.worker.as_ref().map(|worker| worker.lock().unwrap_or_else(PoisonError::into_inner));
        worker.ok_or_else(|| LoadError::NoWorker { help: format!("name a worker, or {}", pin(sha256)) })
    }

    fn keep(&self, key: &Entry, bytes: &[u8]) -> Result<(), String> {
        self.cache.as_ref().ok_or_else(|| "there is no cache".to_owned())?.put(key, bytes)
    }

    fn describe(&self, linked: &Linked) -> Result<Descriptor, LoadError> {
        let _slot = self.slots.take();
        let _running = self.ticker.run();
        let mut store = self.store(None, 0, 0);
        let descriptor = convert::descriptor(linked.describe(&mut store)?).map_err(LoadError::Descriptor)?;
        check_descriptor(&descriptor).map_err(LoadError::Descriptor)?;
        Ok(descriptor)
    }

    /// Calls the policy's own check of its settings (JSON) and reference data.
    ///
    /// # Errors
    /// [`Fault`]: the message of the policy, or why it could not answer.
    pub fn validate(&self, policy: &Policy, settings: &str, data: &Data) -> Result<(), Fault> {
        let _slot = self.slots.take();
        let _running = self.ticker.run();
        let bytes: usize = settings.len() + data.iter().map(|(_, bytes)| bytes.len()).sum::<usize>();
        let mut store = self.store(None, 0, bytes as u64);
        let guest = policy.linked.instantiate(&mut store)?;
        let data: Vec<_> = data.iter().map(|(name, bytes)| bindings::types::Blob { name, bytes }).collect();
        self.returned(guest.validate(&mut store, settings, &data))
    }
}

/// What to do about a module that is not pinned.
fn pin(sha256: &str) -> String {
    format!("if you know the module, pin it: sha256 = \"{sha256}\"")
}

/// A worker that answered another question than it was asked.
fn no_answer(sha256: &str) -> LoadError {
    let cause = WorkerError::Ended { status: "another answer".to_owned(), message: "no message".to_owned() };
    LoadError::Worker { cause, help: pin(sha256) }
}

impl std::fmt::Debug for Policy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Policy")
            .field("name", &self.descriptor.name)
            .field("sha256", &self.sha256)
            .field("bytes", &self.bytes)
            .field("origin", &self.origin)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
