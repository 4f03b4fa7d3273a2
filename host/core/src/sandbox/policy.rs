//! Loading a policy: admitted, wrapped if need be, compiled, pre-linked, and asked what it is.

use super::admission::{Form, Refusal, admit};
use super::bindings::PolicyPre;
use super::fault::Fault;
use super::limits::Meter;
use super::{Sandbox, bindings};
use crate::builtin::Builtin;
use reprieve_model::Severity;
use wasmtime::component::Component;

/// Reference data by name.
pub(crate) type Data = Vec<(String, Vec<u8>)>;

/// What a policy says of itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Descriptor {
    /// Kebab-case; the first half of every code.
    pub name: String,
    /// A semantic version.
    pub version: String,
    /// One sentence.
    pub summary: String,
    /// Every rule it may report.
    pub rules: Vec<RuleInfo>,
    /// JSON Schema of its settings.
    pub settings_schema: serde_json::Value,
    /// The columns it looks at; none if it looks at claims and facts alone.
    pub columns: Vec<String>,
}

/// What a policy says of one of its rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleInfo {
    /// Kebab-case; the second half of the code.
    pub code: String,
    /// One sentence.
    pub summary: String,
    /// Why it exists and where its default comes from.
    pub explanation: String,
    /// The settings that steer it.
    pub settings: Vec<String>,
}

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

fn check_descriptor(said: bindings::types::Descriptor) -> Result<Descriptor, String> {
    let is_kebab = |text: &str| {
        let part =
            |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        text.len() <= 64 && text.split('-').all(part)
    };
    if !is_kebab(&said.name) {
        return Err(format!("the name `{}` is not kebab-case", said.name));
    }
    let settings_schema: serde_json::Value = serde_json::from_str(&said.settings_schema)
        .map_err(|error| format!("the schema of its settings is not JSON: {error}"))?;
    let mut rules: Vec<RuleInfo> = Vec::new();
    for rule in said.rules {
        if !is_kebab(&rule.code) {
            return Err(format!("the rule `{}` is not kebab-case", rule.code));
        }
        if rules.iter().any(|other| other.code == rule.code) {
            return Err(format!("the rule `{}` is there twice", rule.code));
        }
        if let Some(setting) = rule.settings.iter().find(|name| settings_schema["properties"].get(name).is_none()) {
            return Err(format!(
                "the rule `{}` names the setting `{setting}`, which the schema does not have",
                rule.code
            ));
        }
        let bindings::types::Rule { code, summary, explanation, settings } = rule;
        rules.push(RuleInfo { code, summary, explanation, settings });
    }
    Ok(Descriptor {
        name: said.name,
        version: said.version,
        summary: said.summary,
        rules,
        settings_schema,
        columns: said.columns,
    })
}

/// A schema has to be one, and to accept the policy's own defaults.
fn check_schema(schema: &serde_json::Value) -> Result<(), String> {
    let validator = jsonschema::validator_for(schema)
        .map_err(|error| format!("the schema of its settings is none: at `{}`, {error}", error.instance_path()))?;
    let settings = schema["properties"].as_object().into_iter().flatten();
    let defaults = settings.filter_map(|(name, schema)| Some((name.clone(), schema.get("default")?.clone())));
    let defaults = serde_json::Value::Object(defaults.collect());
    // What is wrong with all of them together is a setting without a default, which an operator has to give.
    match validator.iter_errors(&defaults).find(|error| !error.instance_path().as_str().is_empty()) {
        Some(error) => Err(format!("the default of the setting `{}`: {error}", error.instance_path())),
        None => Ok(()),
    }
}

impl From<bindings::types::Severity> for Severity {
    fn from(severity: bindings::types::Severity) -> Self {
        match severity {
            bindings::types::Severity::Deny => Self::Deny,
            bindings::types::Severity::Warn => Self::Warn,
        }
    }
}
