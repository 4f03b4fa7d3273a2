//! The record of a policy set: everything that affects a decision, by digest. The same gate can be built again from the
//! record and the bytes that its digests stand for.

use super::loaded::LoadedPolicy;
use super::scope::Scope;
use super::set::{EnvironmentSettings, Missing, PolicyEntry, PolicySet, SignatureSettings};
use crate::ledger::Blob;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// A policy set and its digest.
pub(crate) struct SetRecord {
    /// The set as JSON.
    pub text: String,
    /// SHA-256 of `text`, lower-case hex.
    pub sha256: String,
    data: Vec<DataDigest>,
    /// Key sets by digest.
    keys: Vec<(String, Vec<u8>)>,
}

/// What is recorded of those whose signatures are accepted.
pub(crate) struct RecordedKeys {
    /// Their key set.
    pub keys: Vec<u8>,
    /// Whether only signed evidence counts.
    pub signed: bool,
}

/// A recorded set.
#[derive(Debug, Default, Serialize, Deserialize)]
struct SetText {
    policies: Vec<PolicyRecord>,
    /// The environments that are not production, in canonical form. None: it was not recorded.
    not_production: Option<Vec<String>>,
    /// Here `keys` is the digest of a key set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    approvals: Option<SignatureSettings>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    attestations: Option<SignatureSettings>,
}

impl SetText {
    /// Reads a recorded set. Version 0.1 recorded its policies alone.
    fn read(text: &[u8]) -> Result<Self, serde_json::Error> {
        if text.starts_with(b"[") {
            return Ok(Self { policies: serde_json::from_slice(text)?, ..Self::default() });
        }
        serde_json::from_slice(text)
    }
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
    /// Records a set.
    pub fn of(
        policies: &[LoadedPolicy],
        not_production: &[String],
        [approvals, attestations]: [Option<RecordedKeys>; 2],
    ) -> Self {
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
        let mut keys = Vec::new();
        let mut record_keys = |recorded: RecordedKeys| {
            let sha256 = hex::encode(Sha256::digest(&recorded.keys));
            keys.push((sha256.clone(), recorded.keys));
            SignatureSettings { keys: sha256, signed: recorded.signed }
        };
        let set = SetText {
            policies: records,
            not_production: Some(not_production.to_vec()),
            approvals: approvals.map(&mut record_keys),
            attestations: attestations.map(&mut record_keys),
        };
        // Writing text, numbers and maps of them does not fail.
        let text = serde_json::to_string(&set).unwrap_or_default();
        Self { sha256: hex::encode(Sha256::digest(&text)), text, data: blobs, keys }
    }

    /// The bytes that the digests of the set stand for, and the record itself.
    pub fn blobs<'a>(&'a self, policies: &'a [LoadedPolicy]) -> Vec<Blob<'a>> {
        let mut modules: Vec<_> =
            policies.iter().map(|loaded| (&loaded.policy.sha256, loaded.module.as_ref())).collect();
        // Policies may share a module.
        modules.sort_unstable_by_key(|(sha256, _)| *sha256);
        modules.dedup_by_key(|(sha256, _)| *sha256);
        let data = self.data.iter().filter_map(|digest| {
            let (_, bytes) = policies.get(digest.policy)?.data.get(digest.data)?;
            Some((&digest.sha256, bytes.as_slice()))
        });
        let keys = self.keys.iter().map(|(sha256, bytes)| (sha256, bytes.as_slice()));
        let text = [(&self.sha256, self.text.as_bytes())];
        let all = text.into_iter().chain(modules).chain(data).chain(keys);
        all.map(|(sha256, bytes)| Blob::of(sha256, bytes)).collect()
    }
}

/// A recorded policy set, and the files that its digests stand for.
pub(crate) struct RecordedSet {
    pub set: PolicySet,
    /// Modules, reference data and keys by digest.
    pub files: Vec<(String, Vec<u8>)>,
}

impl RecordedSet {
    /// Reads the record of a set. `blob` returns the bytes that a digest stands for.
    pub fn read<E: From<serde_json::Error>>(
        text: &str,
        mut blob: impl FnMut(&str) -> Result<Vec<u8>, E>,
    ) -> Result<Self, E> {
        let SetText { policies, not_production, approvals, attestations } = SetText::read(text.as_bytes())?;
        let mut files = Vec::new();
        for SignatureSettings { keys, .. } in approvals.iter().chain(&attestations) {
            files.push((keys.clone(), blob(keys)?));
        }
        let mut entries = Vec::new();
        for record in policies {
            let is_builtin =
                record.sha256 == reprieve_builtin::sha256() && reprieve_builtin::find(&record.name).is_some();
            if !is_builtin {
                files.push((record.sha256.clone(), blob(&record.sha256)?));
            }
            for sha256 in record.data.values() {
                files.push((sha256.clone(), blob(sha256)?));
            }
            entries.push(PolicyEntry {
                source: if is_builtin { format!("builtin:{}", record.name) } else { record.sha256.clone() },
                name: Some(record.name),
                sha256: Some(record.sha256),
                enforce: record.enforce,
                missing: record.missing,
                memory: record.memory.map(|bytes| bytes >> 20),
                when: record.when,
                settings: record.settings,
                data: record.data,
            });
        }
        let environments = not_production.map(|not_production| EnvironmentSettings { not_production });
        Ok(Self { set: PolicySet { environments, approvals, attestations, ..PolicySet::of(entries) }, files })
    }
}

/// The digests of the reference data and the keys in the record of a set.
pub(crate) fn data_digests(text: &[u8]) -> Result<Vec<String>, serde_json::Error> {
    let SetText { policies, approvals, attestations, .. } = SetText::read(text)?;
    let keys = approvals.into_iter().chain(attestations).map(|settings| settings.keys);
    Ok(policies.into_iter().flat_map(|record| record.data.into_values()).chain(keys).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_version_0_1_recorded() {
        let policy = r#"{"name":"own","version":"0.1.0","sha256":"f00","enforce":true,"when":{},"memory":null,"settings":{},"data":{"list":"ba5"}}"#;
        let text = format!("[{policy}]");
        assert_eq!(data_digests(text.as_bytes()).unwrap(), ["ba5"]);
        let read = RecordedSet::read(&text, |digest| Ok::<_, serde_json::Error>(digest.into())).unwrap();
        assert_eq!(read.set.environments, None);
        // The module may hold several policies.
        let [PolicyEntry { source, name, .. }] = &read.set.policy[..] else { panic!("{:?}", read.set) };
        assert_eq!((source.as_str(), name.as_deref()), ("f00", Some("own")));
        assert_eq!(read.files, [("f00".to_owned(), b"f00".to_vec()), ("ba5".to_owned(), b"ba5".to_vec())]);
        assert!(data_digests(b"[1]").is_err() && data_digests(b"{}").is_err());
    }
}
