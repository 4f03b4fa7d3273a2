//! The keys that a policy set names: for permits and for overrides.

use super::keys::{Key, KeySet};
use crate::error::BuildError;
use crate::policies::{OverrideSettings, PermitSettings};
use reprieve_batch::Folder;
use reprieve_model::Duration;
use std::path::{Path, PathBuf};

/// The settings of a policy set for permits and overrides.
#[derive(Clone, Debug)]
pub struct Signing {
    pub(crate) permits: Option<PermitSettings>,
    pub(crate) overrides: Option<OverrideSettings>,
    pub(crate) folder: Option<Folder>,
}

/// The lifetime of a permit if the policy set does not set one.
const DEFAULT_LIFETIME: Duration = Duration::from_seconds(15 * 60);

impl Signing {
    fn folder(&self) -> Result<&Folder, BuildError> {
        self.folder.as_ref().ok_or_else(|| BuildError::set("the policy set names a key but has no folder"))
    }

    /// Whether the policy set names a key that signs permits.
    pub fn signs_permits(&self) -> bool {
        self.permits.as_ref().is_some_and(|permits| permits.key.is_some())
    }

    /// The path of the key that signs permits, if it exists.
    pub fn permit_key_path(&self) -> Option<PathBuf> {
        let name = self.permits.as_ref()?.key.as_ref()?;
        Path::new(&self.folder.as_ref()?.display_name(name)).canonicalize().ok()
    }

    /// Reads the key that signs permits.
    ///
    /// # Errors
    /// [`BuildError`] if the set names none, or it cannot be read.
    pub fn permit_key(&self) -> Result<Key, BuildError> {
        let name = self.permits.as_ref().and_then(|permits| permits.key.as_ref());
        let name = name.ok_or_else(|| {
            BuildError::set("the policy set names no key that signs permits").with_help("create one with `reprieve keys new permits`, then set `[permits] key = \"permits.key\"` in reprieve.toml")
        })?;
        Ok(Key::read(self.folder()?, name)?)
    }

    /// Reads the public keys that verify permits.
    ///
    /// # Errors
    /// [`BuildError`] if the set names none, or it cannot be read.
    pub fn permit_keys(&self) -> Result<KeySet, BuildError> {
        let name = self.permits.as_ref().and_then(|permits| permits.keys.as_ref());
        let name = name.ok_or_else(|| {
            BuildError::set("the policy set names no public keys that verify permits")
                .with_help("use `--keys FILE`, or set `[permits] keys = \"keys.json\"` in reprieve.toml")
        })?;
        Ok(KeySet::read(self.folder()?, name)?)
    }

    /// Reads the public keys of the people who may sign overrides.
    ///
    /// # Errors
    /// [`BuildError`] if the set names none, or it cannot be read.
    pub fn override_keys(&self) -> Result<KeySet, BuildError> {
        let overrides = self.overrides.as_ref().ok_or_else(|| {
            BuildError::set("the policy set does not permit overrides").with_help("name the keys of the people who may sign them: `[overrides] keys = \"overrides.json\"` in reprieve.toml")
        })?;
        Ok(KeySet::read(self.folder()?, &overrides.keys)?)
    }

    /// The lifetime of a permit.
    pub fn lifetime(&self) -> Duration {
        self.permits.as_ref().and_then(|permits| permits.lifetime).unwrap_or(DEFAULT_LIFETIME)
    }
}
