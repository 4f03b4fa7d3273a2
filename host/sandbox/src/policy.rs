//! Loading a policy: admit it, wrap it if it is a core module, compile it, pre-link it, and ask for its descriptor.

use crate::admission::{AdmissionError, Form, admit, check_contract};
use crate::bindings::{self, PolicyPre};
use crate::convert;
use crate::descriptor::{Descriptor, check_descriptor, check_schema, check_settings};
use crate::engine::Sandbox;
use crate::fault::Fault;
use crate::limits::Meter;
use reprieve_model::FaultCause;
use std::borrow::Cow;
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
}

impl LoadError {
    /// What to do about it, if that is known.
    pub fn help(&self) -> Option<&str> {
        match self {
            Self::Admission(error) => error.help(),
            Self::Fault(fault) => Some(fault.cause.help()),
            Self::Descriptor(_) => None,
        }
    }
}

impl Sandbox {
    /// Loads a policy from a component, or from a core module as cargo builds it. `sha256` is the digest of `bytes`.
    ///
    /// # Errors
    /// [`LoadError`].
    pub fn load(&self, bytes: &[u8], sha256: String) -> Result<Policy, LoadError> {
        let component = match admit(bytes, &self.limits)? {
            Form::Component => Cow::Borrowed(bytes),
            Form::Module => Cow::Owned(wrap(bytes)?),
        };
        check_contract(&component)?;
        let policy = self.prepare(&component, bytes.len(), sha256)?;
        check_schema(&policy.descriptor.settings_schema).map_err(LoadError::Descriptor)?;
        Ok(policy)
    }

    /// Loads a component that was built together with the host. It skips admission; tests load every built-in policy
    /// through [`load`](Self::load) as well.
    ///
    /// # Errors
    /// [`LoadError`].
    pub fn load_trusted(&self, component: &[u8], sha256: &str) -> Result<Policy, LoadError> {
        self.prepare(component, component.len(), sha256.to_owned())
    }

    fn prepare(&self, component: &[u8], bytes: usize, sha256: String) -> Result<Policy, LoadError> {
        let component = match &self.cache {
            Some(cache) => cache.load(&self.engine, &sha256, component),
            None => Component::new(&self.engine, component),
        };
        let component = component.map_err(|error| AdmissionError::Invalid(format!("{error:#}")))?;
        let pre =
            self.linker.instantiate_pre(&component).map_err(|error| AdmissionError::World(format!("{error:#}")))?;
        let pre = PolicyPre::new(pre).map_err(|error| AdmissionError::World(format!("{error:#}")))?;
        let descriptor = self.describe(&pre)?;
        Ok(Policy { descriptor, sha256, bytes: bytes as u64, pre })
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

impl std::fmt::Debug for Policy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { descriptor, sha256, bytes, pre: _ } = self;
        f.debug_struct("Policy")
            .field("name", &descriptor.name)
            .field("sha256", sha256)
            .field("bytes", bytes)
            .finish_non_exhaustive()
    }
}

impl Policy {
    /// Checks settings against the policy's schema.
    ///
    /// # Errors
    /// [`Fault`] with the JSON pointer of the setting.
    pub fn check_settings(&self, settings: &serde_json::Value) -> Result<(), Fault> {
        check_settings(&self.descriptor.settings_schema, settings)
            .map_err(|(pointer, error)| Fault::new(FaultCause::Declined, format!("settings `{pointer}`: {error}")))
    }
}

fn wrap(module: &[u8]) -> Result<Vec<u8>, AdmissionError> {
    let encoded = wit_component::ComponentEncoder::default()
        .validate(false) // admission has validated it
        .module(module)
        .and_then(|mut encoder| encoder.encode());
    encoded.map_err(|error| AdmissionError::World(format!("{error:#}")))
}
