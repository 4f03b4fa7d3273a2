//! The policy set: the types of `reprieve.toml`, and how it is read.

use super::builtin;
use super::scope::Scope;
use super::serve::ServeSettings;
use reprieve_batch::{Folder, Place, ReadError};
use reprieve_model::{Duration, did_you_mean};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The maximum size of `reprieve.toml` in bytes.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// A set of policies and their configuration.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicySet {
    /// The inventory: a CSV, NDJSON, Parquet, Arrow or SQLite file below the folder of this file.
    pub inventory: Option<String>,
    /// The ledger: an SQLite file below the folder of this file, or `postgres://…`.
    pub ledger: Option<String>,
    /// Which environments are production.
    pub environments: Option<EnvironmentSettings>,
    /// Permits for other processes.
    pub permits: Option<PermitSettings>,
    /// Approvals that people sign.
    pub approvals: Option<SignatureSettings>,
    /// Dry runs and backups that people or systems vouch for.
    pub attestations: Option<SignatureSettings>,
    /// Overrides of findings.
    pub overrides: Option<OverrideSettings>,
    /// The service.
    pub serve: Option<ServeSettings>,
    /// Calls of agents.
    pub hook: Option<HookSettings>,
    /// The policies. Without any, nothing can be decided, so nothing is allowed.
    #[serde(default)]
    pub policy: Vec<PolicyEntry>,
}

/// Which environments are production.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EnvironmentSettings {
    /// The names of the environments that are not production, whatever their case. Every other environment is production,
    /// also one whose name is misspelt, and all of production counts together in what is limited over time. `staging`,
    /// `test`, `development`, `sandbox`, `preview` and `local` if it is not set.
    pub not_production: Vec<String>,
}

/// The keys that sign and verify permits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PermitSettings {
    /// The private key, where permits are issued: a file below the folder of this file.
    pub key: Option<String>,
    /// The public keys, where permits are verified: a JSON Web Key Set below the folder of this file.
    pub keys: Option<String>,
    /// The lifetime of a permit: at most one day; 15 minutes if it is not set.
    #[serde(default)]
    pub lifetime: Option<Duration>,
}

/// Whose signatures of evidence are accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SignatureSettings {
    /// Their public keys by name: a JSON Web Key Set below the folder of this file.
    pub keys: String,
    /// Whether only signed evidence counts, in every policy.
    #[serde(default)]
    pub signed: bool,
}

/// The people who may lift findings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OverrideSettings {
    /// Their public keys by name: a JSON Web Key Set below the folder of this file.
    pub keys: String,
}

/// What a hook of an agent looks at, besides the calls that it knows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HookSettings {
    /// The environment in which the calls of the agent run; `production` if it is not set.
    pub environment: Option<String>,
    /// Programs and tools that the hook leaves alone, by name, for example `rm` or `mcp__github__delete_branch`. Only their
    /// own entries of the table: a command with another destructive call stays blocked.
    #[serde(default)]
    pub ignore: Vec<String>,
    /// Further programs and tools that delete.
    #[serde(default)]
    pub tools: Vec<HookTool>,
}

/// A program or a tool that deletes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HookTool {
    /// The name of the program, such as `acme`, or of the tool, such as `mcp__acme__expire`.
    pub name: String,
    /// The words of which one makes a call destructive. Without any, every call is.
    #[serde(default)]
    pub words: Vec<String>,
}

/// One policy of a set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyEntry {
    /// `builtin:NAME`, or the path of a wasm module below the folder of this file.
    #[serde(rename = "use")]
    pub source: String,
    /// The name of the policy. Needed only for a module that holds several.
    pub name: Option<String>,
    /// SHA-256 of the module, lower-case hex. A module with another digest is refused.
    pub sha256: Option<String>,
    /// Whether it counts towards the decision. Otherwise its findings are only reported.
    #[serde(default = "yes")]
    pub enforce: bool,
    /// What a finding about something that was not shown counts as. A finding about something that contradicts denies in
    /// any case, and so does every finding of a rule that no override may lift.
    #[serde(default)]
    pub missing: Missing,
    /// MiB of memory that an evaluation may use, if less than the 128 that the host allows.
    pub memory: Option<u64>,
    /// The batches it evaluates; all if it is not set.
    #[serde(default)]
    pub when: Scope,
    /// Its settings.
    #[serde(default)]
    pub settings: BTreeMap<String, serde_json::Value>,
    /// Its reference data: files below the folder of this file, by the names that the policy expects.
    #[serde(default)]
    pub data: BTreeMap<String, String>,
}

/// What a finding counts as if it is about something that was not shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Missing {
    /// As the policy says: mostly a denial.
    #[default]
    Deny,
    /// A warning.
    Warn,
}

impl Missing {
    /// Whether findings keep the severity that the policy gave them.
    pub(crate) fn is_deny(&self) -> bool {
        *self == Self::Deny
    }
}

const fn yes() -> bool {
    true
}

impl PolicyEntry {
    /// A built-in policy with its default settings.
    pub fn builtin(name: &str) -> Self {
        Self {
            source: format!("builtin:{name}"),
            name: None,
            sha256: None,
            enforce: true,
            missing: Missing::Deny,
            memory: None,
            when: Scope::default(),
            settings: BTreeMap::new(),
            data: BTreeMap::new(),
        }
    }
}

impl PolicySet {
    /// A set of every built-in policy with its default settings.
    pub fn builtins() -> Self {
        Self::of(builtin::names().map(PolicyEntry::builtin).collect())
    }

    /// A set of only these policies.
    pub fn of(policy: Vec<PolicyEntry>) -> Self {
        Self { policy, ..Self::default() }
    }

    /// Reads a policy set from a TOML file below a folder.
    ///
    /// # Errors
    /// [`ReadError`] with the line that is invalid.
    pub fn read(folder: &Folder, name: &str) -> Result<Self, ReadError> {
        let shown = folder.display_name(name);
        let bytes = folder.read(name, MAX_FILE_BYTES)?;
        let text = String::from_utf8(bytes).map_err(|_| ReadError::new(&shown, Place::Whole, "not UTF-8"))?;
        let deserializer = toml::Deserializer::parse(&text).map_err(|error| explain(&shown, &text, &error, ""))?;
        serde_path_to_error::deserialize(deserializer)
            .map_err(|error| explain(&shown, &text, error.inner(), &error.path().to_string()))
    }
}

/// Every key of a policy set, for suggestions.
const KEYS: &[&str] = &[
    "inventory",
    "ledger",
    "environments",
    "not_production",
    "permits",
    "approvals",
    "attestations",
    "signed",
    "overrides",
    "hook",
    "ignore",
    "tools",
    "name",
    "words",
    "key",
    "keys",
    "lifetime",
    "policy",
    "use",
    "sha256",
    "enforce",
    "missing",
    "memory",
    "when",
    "settings",
    "data",
    "mode",
    "environment",
    "target_kind",
    "actor",
    "serve",
    "listen",
    "lists",
    "body",
    "timeout",
    "waiting",
    "connections",
    "rate",
    "max_age",
    "certificate",
    "clients",
    "issuer",
    "audience",
    "callers",
    "name",
    "roles",
    "tokens",
    "token_sha256",
    "subject",
    "tls",
    "kubernetes",
    "cluster",
    "disable",
    "follow_ups",
    "claims",
    "terraform",
    "workspaces",
    "hosts",
    "plan",
    "url",
    "http_on_loopback",
];

/// An error of the TOML parser, with its line and the key that may have been meant.
fn explain(shown: &str, text: &str, error: &toml::de::Error, path: &str) -> ReadError {
    let line =
        error.span().map(|span| 1 + text.bytes().take(span.start).filter(|byte| *byte == b'\n').count() as u64);
    let invalid = ReadError::new(shown, line.map_or(Place::Whole, Place::Line), error.message().to_owned());
    let key = path.rsplit('.').next().unwrap_or_default();
    match did_you_mean(key, KEYS.iter().copied()) {
        Some(name) if name != key => invalid.with_help(format!("did you mean `{name}`?")),
        _ => invalid.with_help("the schema of a policy set lists its keys"),
    }
}
