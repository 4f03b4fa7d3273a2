//! The policy set: what `reprieve.toml` says.

use crate::scope::Scope;
use crate::source::{Folder, Place, Unreadable, nearest};
use reprieve_model::Duration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The largest `reprieve.toml`.
const MOST_BYTES: u64 = 1 << 20;

/// A set of policies and what they are given.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicySet {
    /// The inventory: a CSV, NDJSON, Parquet, Arrow or SQLite file below the folder of this file.
    pub inventory: Option<String>,
    /// The ledger: an SQLite file below the folder of this file, or `postgres://…`.
    pub ledger: Option<String>,
    /// Permits for other processes.
    pub permits: Option<Permits>,
    /// Overrides of findings.
    pub overrides: Option<Overrides>,
    /// The policies. None at all: nothing can be decided, so nothing is allowed.
    #[serde(default)]
    pub policy: Vec<PolicyEntry>,
}

/// What permits are signed and checked with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Permits {
    /// The private key, where permits are given: a file below the folder of this file.
    pub key: Option<String>,
    /// The public keys, where permits are checked: a JSON Web Key Set below the folder of this file.
    pub keys: Option<String>,
    /// How long a permit is good for, a day at most. None: 15 minutes.
    #[serde(default)]
    pub lifetime: Option<Duration>,
}

/// Who may lift findings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Overrides {
    /// The public keys of the people who may, by name: a JSON Web Key Set below the folder of this file.
    pub keys: String,
}

/// One policy of a set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyEntry {
    /// `builtin:NAME`, or the path of a wasm module below the folder of this file.
    #[serde(rename = "use")]
    pub source: String,
    /// SHA-256 of the module, lower-case hex. Anything else is refused.
    pub sha256: Option<String>,
    /// Whether it counts towards the decision. If not, its findings are only reported.
    #[serde(default = "yes")]
    pub enforce: bool,
    /// MiB of memory that an evaluation may have, where that is fewer than the host allows (128).
    pub memory: Option<u64>,
    /// The batches it looks at. None: all.
    #[serde(default)]
    pub when: Scope,
    /// Its settings.
    #[serde(default)]
    pub settings: BTreeMap<String, serde_json::Value>,
    /// Its reference data: files below the folder of this file, by the name the policy knows them by.
    #[serde(default)]
    pub data: BTreeMap<String, String>,
}

const fn yes() -> bool {
    true
}

impl PolicyEntry {
    /// A built-in policy with its defaults.
    pub fn builtin(name: &str) -> Self {
        Self {
            source: format!("builtin:{name}"),
            sha256: None,
            enforce: true,
            memory: None,
            when: Scope::default(),
            settings: BTreeMap::new(),
            data: BTreeMap::new(),
        }
    }
}

impl PolicySet {
    /// Every built-in policy with its defaults.
    pub fn builtins() -> Self {
        Self::of(crate::builtin::names().map(PolicyEntry::builtin).collect())
    }

    /// These policies, and nothing besides.
    pub fn of(policy: Vec<PolicyEntry>) -> Self {
        Self { policy, ..Self::default() }
    }

    /// Reads a policy set below a folder.
    ///
    /// # Errors
    /// [`Unreadable`] with the line.
    pub fn read(folder: &Folder, name: &str) -> Result<Self, Unreadable> {
        let shown = folder.shown(name);
        let bytes = folder.read(name, MOST_BYTES)?;
        let text = String::from_utf8(bytes).map_err(|_| Unreadable::new(&shown, Place::Whole, "not UTF-8"))?;
        let deserializer = toml::Deserializer::parse(&text).map_err(|error| explain(&shown, &text, &error, ""))?;
        serde_path_to_error::deserialize(deserializer)
            .map_err(|error| explain(&shown, &text, error.inner(), &error.path().to_string()))
    }
}

fn explain(shown: &str, text: &str, error: &toml::de::Error, path: &str) -> Unreadable {
    let line =
        error.span().map(|span| 1 + text.bytes().take(span.start).filter(|byte| *byte == b'\n').count() as u64);
    let unreadable = Unreadable::new(shown, line.map_or(Place::Whole, Place::Line), error.message().to_owned());
    let key = path.rsplit('.').next().unwrap_or_default();
    let known = [
        "inventory",
        "ledger",
        "permits",
        "overrides",
        "key",
        "keys",
        "lifetime",
        "policy",
        "use",
        "sha256",
        "enforce",
        "memory",
        "when",
        "settings",
        "data",
        "mode",
        "environment",
        "target_kind",
        "actor",
    ];
    match nearest(key, known) {
        Some(name) if name != key => unreadable.help(format!("did you mean `{name}`?")),
        _ => unreadable.help("`reprieve schema config` says what it holds"),
    }
}
