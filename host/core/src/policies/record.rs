//! The record of a policy set: everything that affects a decision, by digest. The same gate can be built again from the
//! record and the bytes that its digests stand for.

use super::loaded::LoadedPolicy;
use super::scope::Scope;
use super::set::{Missing, PolicyEntry, PolicySet};
use crate::ledger::{Blob, BlobContent};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// A policy set and its digest.
pub(crate) struct SetRecord {
    /// The policies as JSON.
    pub text: String,
    /// SHA-256 of `text`, lower-case hex.
    pub sha256: String,
    data: Vec<DataDigest>,
}

/// The digest of a piece of reference data.
struct DataDigest {
    sha256: String,
    /// The index of its policy in the set.
    policy: usize,
    /// Its index in the data of the policy.
    data: usize,
}

/// A recorded policy.
#[derive(Debug, Serialize, Deserialize)]
struct PolicyRecord {
    name: String,
    version: String,
    sha256: String,
    enforce: bool,
    #[serde(default, skip_serializing_if = "Missing::is_deny")]
    missing: Missing,
    when: Scope,
    memory: Option<u64>,
    settings: BTreeMap<String, serde_json::Value>,
    /// Digests by name.
    data: BTreeMap<String, String>,
}

impl SetRecord {
    /// Records a set of policies.
    pub fn of(policies: &[LoadedPolicy]) -> Self {
        let mut blobs = Vec::new();
        let mut records = Vec::new();
        for (i, loaded) in policies.iter().enumerate() {
            let mut data = BTreeMap::new();
            for (j, (name, bytes)) in loaded.data.iter().enumerate() {
                let sha256 = hex::encode(Sha256::digest(bytes));
                data.insert(name.clone(), sha256.clone());
                blobs.push(DataDigest { sha256, policy: i, data: j });
            }
            records.push(PolicyRecord {
                name: loaded.policy.descriptor.name.clone(),
                version: loaded.policy.descriptor.version.clone(),
                sha256: loaded.policy.sha256.clone(),
                enforce: loaded.enforced,
                missing: loaded.missing,
                when: loaded.scope.clone(),
                memory: loaded.memory,
                // `settings` was written from such a map, so reading it does not fail.
                settings: serde_json::from_str(&loaded.settings).unwrap_or_default(),
                data,
            });
        }
        // Writing text, numbers and maps of them does not fail.
        let text = serde_json::to_string(&records).unwrap_or_default();
        Self { sha256: hex::encode(Sha256::digest(&text)), text, data: blobs }
    }

    /// The bytes that the digests of the set stand for, and the record itself.
    pub fn blobs<'a>(&'a self, policies: &'a [LoadedPolicy]) -> Vec<Blob<'a>> {
        let borrowed = |sha256: &str, bytes: &'a [u8]| Blob {
            sha256: sha256.to_owned(),
            content: BlobContent::Bytes(Cow::Borrowed(bytes)),
        };
        let modules = policies.iter().map(|loaded| borrowed(&loaded.policy.sha256, &loaded.module));
        let data = self.data.iter().filter_map(|digest| {
            let (_, bytes) = policies.get(digest.policy)?.data.get(digest.data)?;
            Some(borrowed(&digest.sha256, bytes))
        });
        [borrowed(&self.sha256, self.text.as_bytes())].into_iter().chain(modules).chain(data).collect()
    }
}

/// A recorded policy set, and the files that its digests stand for.
pub(crate) struct RecordedSet {
    pub set: PolicySet,
    /// Modules and reference data by digest.
    pub files: Vec<(String, Vec<u8>)>,
}

impl RecordedSet {
    /// Reads the record of a set. `blob` returns the bytes that a digest stands for.
    pub fn read<E: From<serde_json::Error>>(
        text: &str,
        mut blob: impl FnMut(&str) -> Result<Vec<u8>, E>,
    ) -> Result<Self, E> {
        let records: Vec<PolicyRecord> = serde_json::from_str(text)?;
        let mut files = Vec::new();
        let mut entries = Vec::new();
        for record in records {
            let is_builtin =
                reprieve_builtin::find(&record.name).is_some_and(|builtin| builtin.sha256() == record.sha256);
            if !is_builtin {
                files.push((record.sha256.clone(), blob(&record.sha256)?));
            }
            for sha256 in record.data.values() {
                files.push((sha256.clone(), blob(sha256)?));
            }
            entries.push(PolicyEntry {
                source: if is_builtin { format!("builtin:{}", record.name) } else { record.sha256.clone() },
                sha256: Some(record.sha256),
                enforce: record.enforce,
                missing: record.missing,
                memory: record.memory.map(|bytes| bytes >> 20),
                when: record.when,
                settings: record.settings,
                data: record.data,
            });
        }
        Ok(Self { set: PolicySet::of(entries), files })
    }
}

/// The digests of the reference data in the record of a set.
pub(crate) fn data_digests(text: &[u8]) -> Result<Vec<String>, serde_json::Error> {
    let records: Vec<PolicyRecord> = serde_json::from_slice(text)?;
    Ok(records.into_iter().flat_map(|record| record.data.into_values()).collect())
}
