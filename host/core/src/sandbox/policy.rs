//! Loading a policy: admitted, wrapped if need be, compiled, pre-linked, and asked what it is.

use super::admission::{Form, Refusal, admit};
use super::bindings::PolicyPre;
use super::descriptor::{Descriptor, check_descriptor, check_schema};
use super::fault::Fault;
use super::limits::Meter;
use super::{Sandbox, bindings};
use crate::builtin::Builtin;
use reprieve_model::Severity;
use wasmtime::component::Component;

/// Reference data by name.
pub(crate) type Data = Vec<(String, Vec<u8>)>;

/// A policy that is ready to run.
pub(crate) struct Policy {
    pub descriptor: Descriptor,
    pub sha256: String,
    pub bytes: u64,
    pub(super) pre: PolicyPre<Meter>,
}

/// Why a policy cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoadFailure {
    #[error("{0}")]
    Refused(#[from] Refusal),
    #[error("it cannot say what it is: {}: {}", .0.cause.as_str(), .0.message)]
    Faulted(Fault),
    #[error("what it says of itself is wrong: {0}")]
    Descriptor(String),
}

impl Sandbox {
    /// Loads a policy that was built with this library.
    pub fn load_builtin(&self, builtin: &Builtin) -> Result<Policy, LoadFailure> {
        self.prepare(builtin.component, builtin.component.len(), builtin.sha256.to_owned())
    }

    /// Loads a policy from a component, or from a core module as cargo leaves it, of which `sha256` is the digest.
    pub fn load(&self, bytes: &[u8], sha256: String) -> Result<Policy, LoadFailure> {
        let policy = match admit(bytes, &self.limits)? {
            Form::Component => self.prepare(bytes, bytes.len(), sha256)?,
            Form::Module => self.prepare(&wrap(bytes)?, bytes.len(), sha256)?,
        };
        check_schema(&policy.descriptor.settings_schema).map_err(LoadFailure::Descriptor)?;
        Ok(policy)
    }

    fn prepare(&self, component: &[u8], bytes: usize, sha256: String) -> Result<Policy, LoadFailure> {
        let component = match &self.cache {
            Some(cache) => cache.load(&self.engine, &sha256, component),
            None => Component::new(&self.engine, component),
        };
        let component = component.map_err(|error| Refusal::Invalid(format!("{error:#}")))?;
        let pre = self.linker.instantiate_pre(&component).map_err(|error| Refusal::World(format!("{error:#}")))?;
        let pre = PolicyPre::new(pre).map_err(|error| Refusal::World(format!("{error:#}")))?;
        let descriptor = self.describe(&pre)?;
        Ok(Policy { descriptor, sha256, bytes: bytes as u64, pre })
    }

    fn describe(&self, pre: &PolicyPre<Meter>) -> Result<Descriptor, LoadFailure> {
        let _slot = self.slots.take();
        let _running = self.ticker.run();
        let mut store = self.store(None, 0, 0);
        let guest =
            pre.instantiate(&mut store).map_err(|error| LoadFailure::Faulted(Fault::of_instantiation(&error)))?;
        let said = guest.call_describe(&mut store).map_err(|error| LoadFailure::Faulted(Fault::of_call(&error)))?;
        check_descriptor(said).map_err(LoadFailure::Descriptor)
    }

    /// Lets the policy check settings and data.
    pub fn validate(&self, policy: &Policy, settings: &str, data: &Data) -> Result<(), Fault> {
        let _slot = self.slots.take();
        let _running = self.ticker.run();
        let bytes: usize = settings.len() + data.iter().map(|(_, bytes)| bytes.len()).sum::<usize>();
        let mut store = self.store(None, 0, bytes as u64);
        let guest = policy.pre.instantiate(&mut store).map_err(|error| Fault::of_instantiation(&error))?;
        let data: Vec<_> = data.iter().map(|(name, bytes)| bindings::types::Blob { name, bytes }).collect();
        self.answered(guest.call_validate(&mut store, settings, &data))
    }
}

fn wrap(module: &[u8]) -> Result<Vec<u8>, Refusal> {
    let encoded = wit_component::ComponentEncoder::default()
        .validate(false) // admission has done that
        .module(module)
        .and_then(|mut encoder| encoder.encode());
    encoded.map_err(|error| Refusal::World(format!("{error:#}")))
}

impl From<bindings::types::Severity> for Severity {
    fn from(severity: bindings::types::Severity) -> Self {
        match severity {
            bindings::types::Severity::Deny => Self::Deny,
            bindings::types::Severity::Warn => Self::Warn,
        }
    }
}
