//! The policies of a gate, and the set of them as it is recorded: all that decides, by digest. From that and what the
//! digests stand for the same gate can be put together again.

use crate::ledger::Blob;
use crate::sandbox::{Data, Input, Policy, View};
use crate::scope::Scope;
use crate::{GateBuilder, PolicyEntry, PolicySet, builtin};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// A policy of the set, with what the operator gave it.
pub(crate) struct Loaded {
    pub policy: Policy,
    pub enforced: bool,
    pub scope: Scope,
    pub settings: String,
    pub settings_sha256: String,
    pub data: Data,
    /// The module as it was given.
    pub module: Cow<'static, [u8]>,
    /// Bytes of memory it may have, where the operator set fewer than the sandbox allows.
    pub memory: Option<u64>,
}

impl Loaded {
    /// What it is handed about a batch of so many rows.
    pub fn input<'a>(&'a self, review: &'a str, views: &'a [View<'a>], rows: u64) -> Input<'a> {
        Input { review, settings: &self.settings, data: &self.data, views, rows, memory: self.memory }
    }
}

/// A set of policies, recorded.
pub(crate) struct SetRecord {
    /// The policies as JSON.
    pub text: String,
    /// The digest of that.
    pub sha256: String,
    /// The digest of each piece of reference data, and which one of which policy it is.
    data: Vec<(String, usize, usize)>,
}

/// One of them.
#[derive(Debug, Serialize, Deserialize)]
struct PolicyRecord {
    name: String,
    version: String,
    sha256: String,
    enforce: bool,
    when: Scope,
    memory: Option<u64>,
    settings: BTreeMap<String, serde_json::Value>,
    /// Digests by name.
    data: BTreeMap<String, String>,
}

impl SetRecord {
    pub fn of(policies: &[Loaded]) -> Self {
        let mut blobs = Vec::new();
        let mut records = Vec::new();
        for (i, loaded) in policies.iter().enumerate() {
            let mut data = BTreeMap::new();
            for (j, (name, bytes)) in loaded.data.iter().enumerate() {
                let sha256 = hex::encode(Sha256::digest(bytes));
                data.insert(name.clone(), sha256.clone());
                blobs.push((sha256, i, j));
            }
            records.push(PolicyRecord {
                name: loaded.policy.descriptor.name.clone(),
                version: loaded.policy.descriptor.version.clone(),
                sha256: loaded.policy.sha256.clone(),
                enforce: loaded.enforced,
                when: loaded.scope.clone(),
                memory: loaded.memory,
                // They were written from a map of values.
                settings: serde_json::from_str(&loaded.settings).unwrap_or_default(),
                data,
            });
        }
        // Texts, numbers and maps of them; writing these does not fail.
        let text = serde_json::to_string(&records).unwrap_or_default();
        Self { sha256: hex::encode(Sha256::digest(&text)), text, data: blobs }
    }

    /// Everything that the digests of the set stand for, the set itself included.
    pub fn blobs<'a>(&'a self, policies: &'a [Loaded]) -> Vec<Blob<'a>> {
        let borrowed =
            |sha256: &str, bytes: &'a [u8]| Blob { sha256: sha256.to_owned(), bytes: Cow::Borrowed(bytes) };
        let modules = policies.iter().map(|loaded| borrowed(&loaded.policy.sha256, &loaded.module));
        let data = self.data.iter().filter_map(|(sha256, i, j)| {
            let (_, bytes) = policies.get(*i)?.data.get(*j)?;
            Some(borrowed(sha256, bytes))
        });
        [borrowed(&self.sha256, self.text.as_bytes())].into_iter().chain(modules).chain(data).collect()
    }
}

/// Begins a gate with the policies of a recorded set. `blob` gives the bytes that a digest stands for.
pub(crate) fn builder<E>(
    text: &str,
    mut blob: impl FnMut(&str) -> Result<Vec<u8>, E>,
) -> Result<GateBuilder, Result<E, serde_json::Error>> {
    let records: Vec<PolicyRecord> = serde_json::from_str(text).map_err(Err)?;
    let mut files = Vec::new();
    let mut entries = Vec::new();
    for record in records {
        let known = builtin::find(&record.name).is_some_and(|builtin| builtin.sha256 == record.sha256);
        if !known {
            files.push((record.sha256.clone(), blob(&record.sha256).map_err(Ok)?));
        }
        for sha256 in record.data.values() {
            files.push((sha256.clone(), blob(sha256).map_err(Ok)?));
        }
        entries.push(PolicyEntry {
            source: if known { format!("builtin:{}", record.name) } else { record.sha256.clone() },
            sha256: Some(record.sha256),
            enforce: record.enforce,
            memory: record.memory.map(|bytes| bytes >> 20),
            when: record.when,
            settings: record.settings,
            data: record.data,
        });
    }
    let builder = GateBuilder::default().policies(PolicySet::of(entries), None);
    Ok(files.into_iter().fold(builder, |builder, (name, bytes)| builder.file(&name, bytes)))
}

/// The digests of the reference data in a recorded set.
pub(crate) fn data(text: &[u8]) -> Result<Vec<String>, serde_json::Error> {
    let records: Vec<PolicyRecord> = serde_json::from_slice(text)?;
    Ok(records.into_iter().flat_map(|record| record.data.into_values()).collect())
}
