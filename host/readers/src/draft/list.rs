//! A list that is in files.

use super::DraftError;
use reprieve_batch::{Batch, Environments, Folder, Manifest, ManifestFile, ReadOptions};
use reprieve_model::{ListedFile, TargetFiles};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::Path;

/// A list that a request is drafted for.
#[derive(Debug)]
pub struct List {
    /// Its name.
    pub name: String,
    /// Its files relative to the request, how they are read, and its digest.
    pub files: TargetFiles,
    /// The number of rows.
    pub targets: u64,
    /// The number of rows of each kind that the list states.
    pub kinds: BTreeMap<String, u64>,
    /// The number of rows without a kind.
    pub without_kind: u64,
    /// The environment of all targets, if it is known to be one.
    pub environment: Option<String>,
    /// Whether a database selected it, whole, by the selector of the call.
    pub is_selected: bool,
}

/// Reads a list that a request is drafted for. The files are below this folder, and the request will be in it. `form` says how
/// they are read.
///
/// # Errors
/// [`DraftError::Read`] if the list cannot be read, and [`DraftError::TooManyKinds`].
pub fn listed(folder: &Path, paths: &[String], form: TargetFiles) -> Result<List, DraftError> {
    /// Stands for the kind that the list does not state.
    const UNSTATED: &str = "kind that is not stated";
    let folder = Folder::open(folder)?;
    let file = |path: &String| ListedFile { path: path.clone(), sha256: None };
    let files = match paths {
        [path] => TargetFiles { path: Some(path.clone()), ..form },
        _ => TargetFiles { files: Some(paths.iter().map(file).collect()), ..form },
    };
    let request = json!({
        "id": "draft", "mode": "soft", "environment": "draft", "target_kind": UNSTATED, "targets": files,
    });
    let batch = Batch::read_with(request.to_string().as_bytes(), "<draft>", &folder, ReadOptions::default())?;
    let facts = batch.facts(&Environments::default(), None, None, batch.evaluated_at());
    if facts.kinds.others > 0 {
        return Err(DraftError::TooManyKinds(facts.kinds.counts.len()));
    }
    let mut kinds = facts.kinds.counts;
    let without_kind = kinds.remove(UNSTATED).unwrap_or_default();
    let mut environments = facts.environments.counts.into_keys();
    let environment =
        environments.next().filter(|_| environments.next().is_none() && facts.environments.unknown == 0);
    let first = paths.first().and_then(|path| path.rsplit('/').next()).unwrap_or_default();
    let name = match paths.len() {
        0 | 1 => first.to_owned(),
        several => format!("{first} and {} more", several - 1),
    };
    let digests = |manifest: &Manifest| {
        let listed = |file: &ManifestFile| ListedFile { path: file.path.clone(), sha256: Some(file.sha256.clone()) };
        manifest.files().iter().map(listed).collect()
    };
    Ok(List {
        name,
        files: TargetFiles {
            files: batch.manifest().map(digests),
            sha256: Some(batch.targets_sha256().to_owned()),
            ..files
        },
        targets: batch.len(),
        kinds,
        without_kind,
        environment,
        is_selected: false,
    })
}
