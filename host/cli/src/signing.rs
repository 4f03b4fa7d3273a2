//! The keys that a policy set names: for permits and for overrides.

use crate::error::fail;
use anyhow::Context;
use reprieve::model::Duration;
use reprieve::policy::{OverrideSettings, PermitSettings};
use reprieve::signed::{Key, KeySet};
use reprieve::{Folder, GateBuilder};
use std::path::{Path, PathBuf};

/// The settings of a policy set for permits and overrides.
#[derive(Debug)]
pub struct Signing {
    permits: Option<PermitSettings>,
    overrides: Option<OverrideSettings>,
    folder: Option<Folder>,
}

/// The lifetime of a permit if the policy set does not set one.
const DEFAULT_LIFETIME: Duration = Duration::from_seconds(15 * 60);

impl Signing {
    /// Reads the settings of a builder.
    pub fn of(builder: &GateBuilder) -> Self {
        let (permits, overrides, folder) = builder.signed();
        Self { permits: permits.cloned(), overrides: overrides.cloned(), folder: folder.cloned() }
    }

    fn folder(&self) -> anyhow::Result<&Folder> {
        self.folder.as_ref().context("the policy set names a key but has no folder")
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
    pub fn permit_key(&self) -> anyhow::Result<Key> {
        let name = self.permits.as_ref().and_then(|permits| permits.key.as_ref());
        let name = name.ok_or_else(|| {
            fail(
                "the policy set names no key that signs permits",
                "create one with `reprieve keys new permits`, then set `[permits] key = \"permits.key\"` in reprieve.toml",
            )
        })?;
        Ok(Key::read(self.folder()?, name)?)
    }

    /// Reads the public keys that verify permits.
    pub fn permit_keys(&self) -> anyhow::Result<KeySet> {
        let name = self.permits.as_ref().and_then(|permits| permits.keys.as_ref());
        let name = name.ok_or_else(|| {
            fail(
                "the policy set names no public keys that verify permits",
                "use `--keys FILE`, or set `[permits] keys = \"keys.json\"` in reprieve.toml",
            )
        })?;
        Ok(KeySet::read(self.folder()?, name)?)
    }

    /// Reads the public keys of the people who may sign overrides.
    pub fn override_keys(&self) -> anyhow::Result<KeySet> {
        let overrides = self.overrides.as_ref().ok_or_else(|| {
            fail(
                "the policy set does not permit overrides",
                "name the keys of the people who may sign them: `[overrides] keys = \"overrides.json\"` in reprieve.toml",
            )
        })?;
        Ok(KeySet::read(self.folder()?, &overrides.keys)?)
    }

    /// The lifetime of a permit.
    pub fn lifetime(&self) -> Duration {
        self.permits.as_ref().and_then(|permits| permits.lifetime).unwrap_or(DEFAULT_LIFETIME)
    }
}
