//! Loading a policy: admit it, compile it or find its code in the cache, pre-link it, and ask for its descriptor.

use crate::admission::admit;
use crate::bindings::{self, PolicyPre};
use crate::cache::{self, Entry};
use crate::compile::{Origin, compile, precompile};
use crate::convert;
use crate::descriptor::{Descriptor, check_descriptor};
use crate::engine::Sandbox;
use crate::fault::Fault;
use crate::limits::Meter;
use crate::refusal::AdmissionError;
use crate::schema::{SchemaError, check_bounds, check_schema, check_settings, check_settings_bounds};
use crate::worker::{Answer, Check, Task, Worker, WorkerError};
use reprieve_builtin::Builtin;
use serde_json::Value;
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
    pub(crate) pre: PolicyPre<Meter>,
}

/// Why a policy cannot be loaded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// It is not admitted.
    #[error("{0}")]
    Admission(#[from] AdmissionError),
    /// It failed while it described itself.
    #[error("its descriptor cannot be read: {}: {}", .0.cause.as_str(), .0.message)]
    Fault(Fault),
    /// Its descriptor is invalid.
    #[error("its descriptor is invalid: {0}")]
    Descriptor(String),
    /// Its settings are invalid.
    #[error("settings `{pointer}`: {message}")]
    Setting {
        /// The JSON pointer of the setting.
        pointer: String,
        /// What is wrong.
        message: String,
    },
    /// Its origin is unknown, and there is no worker to compile it.
    #[error("its digest is not pinned, and no worker is named to compile it within limits")]
    NoWorker {
        /// What to do about it.
        help: String,
    },
    /// Its origin is unknown, and a worker could not compile it.
    #[error("{cause}")]
    Worker {
        /// Why.
        cause: WorkerError,
        /// What to do about it.
        help: String,
    },
}

impl LoadError {
    /// What to do about it, if that is known.
    pub fn help(&self) -> Option<&str> {
        match self {
            Self::Admission(error) => error.help(),
            Self::Fault(fault) => Some(fault.cause.help()),
            Self::NoWorker { help } | Self::Worker { help, .. } => Some(help),
            Self::Descriptor(_) | Self::Setting { .. } => None,
        }
    }
}

impl From<SchemaError> for LoadError {
    fn from(error: SchemaError) -> Self {
        match error {
            SchemaError::Schema(message) => Self::Descriptor(message),
            SchemaError::Setting { pointer, message } => Self::Setting { pointer, message },
        }
    }
}

impl Sandbox {
    /// Loads a policy that is not built in, from a component, or from a core module as cargo builds it. `sha256` is the
    /// digest of `bytes`, and `is_pinned` says whether the operator named it.
    ///
    /// Its settings schema is bounded, but not checked; see [`check_settings`](Self::check_settings).
    ///
    /// # Errors
    /// [`LoadError`].
    pub fn load(&self, bytes: &[u8], sha256: &str, is_pinned: bool) -> Result<Policy, LoadError> {
        let form = admit(bytes, &self.limits)?;
        let mut compiled_by_worker = false;
        let (component, uncached) = self.kept_or(sha256, || {
            if is_pinned {
                return Ok(compile(&self.engine, bytes, form)?);
            }
            compiled_by_worker = true;
            self.compile_by_worker(bytes, sha256)
        })?;
        let origin = if is_pinned { Origin::Pinned } else { Origin::Unknown };
        let policy = self.policy(&component, origin, sha256, bytes)?;
        check_bounds(&policy.descriptor.settings_schema).map_err(LoadError::Descriptor)?;
        Ok(Policy { compiled_by_worker, uncached, ..policy })
    }

    /// Loads a built-in policy. It is not admitted; tests load every built-in policy as a pinned one, too. If its code does
    /// not fit this processor or configuration, it is compiled as others are.
    ///
    /// # Errors
    /// [`LoadError`].
    pub fn load_builtin(&self, builtin: &'static Builtin) -> Result<Policy, LoadError> {
        let (bytes, sha256) = (builtin.component(), builtin.sha256());
        let error = match cache::builtin(&self.engine, builtin) {
            Ok(component) => return self.policy(&component, Origin::BuiltIn, sha256, bytes),
            Err(error) => error,
        };
        let (component, uncached) = self.kept_or(sha256, || Ok(precompile(&self.engine, bytes)?))?;
        let policy = self.policy(&component, Origin::BuiltIn, sha256, bytes)?;
        // Code that names places in a source differs from what was built, and an author asks for it.
        let unfit = Some(format!("{error:#}")).filter(|_| !self.trace);
        Ok(Policy { unfit, uncached, ..policy })
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
        let component = cache::component(&self.engine, &code);
        Ok((component.map_err(|error| AdmissionError::Invalid(format!("{error:#}")))?, kept.err()))
    }

    /// Links the component of a policy, and reads its descriptor.
    fn policy(&self, component: &Component, origin: Origin, sha256: &str, bytes: &[u8]) -> Result<Policy, LoadError> {
        let pre = self.link(component)?;
        Ok(Policy {
            descriptor: self.describe(&pre)?,
            sha256: sha256.to_owned(),
            bytes: bytes.len() as u64,
            origin,
            compiled_by_worker: false,
            uncached: None,
            unfit: None,
            pre,
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

    fn link(&self, component: &Component) -> Result<PolicyPre<Meter>, LoadError> {
        let world = |error: wasmtime::Error| AdmissionError::World(format!("{error:#}"));
        let pre = self.linker.instantiate_pre(component).map_err(world)?;
        Ok(PolicyPre::new(pre).map_err(world)?)
    }

    fn describe(&self, pre: &PolicyPre<Meter>) -> Result<Descriptor, LoadError> {
        let _slot = self.slots.take();
        let _running = self.ticker.run();
        let mut store = self.store(None, 0, 0);
        let guest = pre.instantiate(&mut store).map_err(|error| LoadError::Fault(Fault::of_instantiation(&error)))?;
        let descriptor = guest.call_describe(&mut store).map_err(|error| LoadError::Fault(Fault::of_call(&error)))?;
        let descriptor = convert::descriptor(descriptor).map_err(LoadError::Descriptor)?;
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
        let guest = policy.pre.instantiate(&mut store).map_err(|error| Fault::of_instantiation(&error))?;
        let data: Vec<_> = data.iter().map(|(name, bytes)| bindings::types::Blob { name, bytes }).collect();
        self.returned(guest.call_validate(&mut store, settings, &data))
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
mod tests {
    use super::*;
    use crate::engine::limited;
    use crate::limits::Limits;
    use wasmtime::Config;

    fn sandbox(limits: Limits, change: impl FnOnce(&mut Config)) -> Sandbox {
        let mut config = limited(&limits, false);
        change(&mut config);
        Sandbox::of(config, limits, None, None, false).unwrap()
    }

    #[test]
    fn a_built_in_policy_has_code_that_fits_whatever_the_limits() {
        let other = Limits { stack_bytes: 64 << 10, fuel: 1 << 40, memory_bytes: 32 << 20, ..Limits::default() };
        for limits in [Limits::default(), other] {
            let sandbox = sandbox(limits, |_| {});
            for builtin in reprieve_builtin::all() {
                let policy = sandbox.load_builtin(builtin).unwrap();
                assert_eq!((policy.unfit, policy.uncached), (None, None), "{}", builtin.name());
            }
        }
    }

    #[test]
    fn a_built_in_policy_whose_code_does_not_fit_is_compiled() {
        let fits = sandbox(Limits::default(), |_| {});
        let differs = sandbox(Limits::default(), |config| {
            config.memory_init_cow(false);
        });
        let builtin = reprieve_builtin::all().next().unwrap();
        let (as_built, compiled) = (fits.load_builtin(builtin).unwrap(), differs.load_builtin(builtin).unwrap());
        assert_eq!(as_built.unfit, None);
        assert!(compiled.unfit.is_some());
        assert_eq!(compiled.uncached.as_deref(), Some("there is no cache"));
        let described = |policy: &Policy| format!("{:?}", policy.descriptor);
        assert_eq!(described(&as_built), described(&compiled));
        assert_eq!(differs.validate(&compiled, "{}", &Data::new()), Ok(()));
    }

    #[test]
    fn several_engines_run_the_same_built_in_policies() {
        let sandboxes = [0; 3].map(|_| sandbox(Limits::default(), |_| {}));
        let mut loaded: Vec<_> = sandboxes
            .iter()
            .map(|sandbox| {
                (sandbox, reprieve_builtin::all().map(|b| sandbox.load_builtin(b).unwrap()).collect::<Vec<_>>())
            })
            .collect();
        let are_valid = |(sandbox, policies): &(&Sandbox, Vec<Policy>)| {
            policies.iter().all(|policy| sandbox.validate(policy, "{}", &Data::new()) == Ok(()))
        };
        // Whichever of them has the code in place, the others run without it.
        while !loaded.is_empty() {
            assert!(loaded.iter().all(are_valid));
            drop(loaded.remove(0));
        }
    }
}
