//! The trait of a policy, and one pass of a policy over a batch.

use crate::section::Review;
use crate::{Blob, Chunk, Context, Finding, Findings, Limit, Rule, Settings};
use serde::{Serialize, de::DeserializeOwned};

/// A policy. Export it with [`policy!`](crate::policy).
pub trait Policy: 'static {
    /// Kebab-case, unique within a policy set.
    const NAME: &'static str;
    /// A semantic version; `env!("CARGO_PKG_VERSION")` is the usual one.
    const VERSION: &'static str;
    /// One sentence.
    const SUMMARY: &'static str;
    /// Every rule it may report.
    const RULES: &'static [Rule];
    /// Names of the columns that [`observe`](Self::observe) reads. Empty: it is never called.
    const COLUMNS: &'static [&'static str] = &[];
    /// The settings that limit the size of a batch, at most one for each measure. `reprieve split` keeps to them.
    const LIMITS: &'static [Limit] = &[];

    /// What an operator may configure; see [`settings!`](crate::settings).
    type Settings: Settings;
    /// What is kept from chunk to chunk; `()` for a policy that reads only claims and facts.
    type State: Default + Serialize + DeserializeOwned;

    /// Checks what the schema of the settings cannot. Runs when the policy is loaded.
    ///
    /// # Errors
    /// A message that names the setting or the data, and what to do about it.
    fn validate(settings: &Self::Settings, data: &[Blob]) -> Result<(), String> {
        let _ = (settings, data);
        Ok(())
    }

    /// Folds a chunk into the state. The findings must not depend on how the batch is cut into chunks.
    fn observe(context: &Context<Self::Settings>, state: &mut Self::State, chunk: &Chunk) {
        let _ = (context, state, chunk);
    }

    /// Adds the state of another partition of the batch.
    fn merge(state: &mut Self::State, other: Self::State) {
        let _ = (state, other);
    }

    /// Reports the findings. Without a finding that denies, the policy passes the batch.
    fn check(context: &Context<Self::Settings>, state: &Self::State, findings: &mut Findings);
}

/// What a policy is.
#[derive(Clone, Debug)]
pub struct Descriptor {
    /// [`Policy::NAME`].
    pub name: &'static str,
    /// [`Policy::VERSION`].
    pub version: &'static str,
    /// [`Policy::SUMMARY`].
    pub summary: &'static str,
    /// [`Policy::RULES`].
    pub rules: &'static [Rule],
    /// JSON Schema of the settings.
    pub settings_schema: String,
    /// [`Policy::COLUMNS`].
    pub columns: &'static [&'static str],
    /// [`Policy::LIMITS`].
    pub limits: &'static [Limit],
}

/// Describes `P`.
pub fn describe<P: Policy>() -> Descriptor {
    Descriptor {
        name: P::NAME,
        version: P::VERSION,
        summary: P::SUMMARY,
        rules: P::RULES,
        settings_schema: P::Settings::schema(),
        columns: P::COLUMNS,
        limits: P::LIMITS,
    }
}

/// Checks settings and data. The host calls it when the policy is loaded.
///
/// # Errors
/// A message that names the setting or the data, and what to do about it.
pub fn validate<P: Policy>(settings: &str, data: &[Blob]) -> Result<(), String> {
    P::validate(&read_settings::<P>(settings)?, data)
}

fn read_settings<P: Policy>(settings: &str) -> Result<P::Settings, String> {
    P::Settings::read(settings).map_err(|error| format!("settings: {error}"))
}

/// One pass of a policy over a batch: the exports of the contract as a value. The sandbox and native unit tests run the
/// same code.
#[derive(Debug)]
pub struct Session<P: Policy> {
    context: Context<P::Settings>,
    state: P::State,
}

impl<P: Policy> Session<P> {
    /// Begins a pass.
    ///
    /// # Errors
    /// The review or the settings cannot be read.
    pub fn begin(review: impl Into<Box<str>>, settings: &str, data: Vec<Blob>) -> Result<Self, String> {
        let review = Review::split(review)?;
        let context = Context::new(review, read_settings::<P>(settings)?, data);
        Ok(Self { context, state: P::State::default() })
    }

    /// Reads the next chunk.
    pub fn observe(&mut self, chunk: Chunk) {
        P::observe(&self.context, &mut self.state, &Chunk { requested: P::COLUMNS, ..chunk });
    }

    /// Returns the state.
    ///
    /// # Errors
    /// The state cannot be serialized.
    pub fn save(&self) -> Result<Vec<u8>, String> {
        postcard::to_allocvec(&self.state).map_err(|error| format!("state: {error}"))
    }

    /// Adds a saved state.
    ///
    /// # Errors
    /// The state cannot be deserialized.
    pub fn merge(&mut self, state: &[u8]) -> Result<(), String> {
        let other = postcard::from_bytes(state).map_err(|error| format!("state: {error}"))?;
        P::merge(&mut self.state, other);
        Ok(())
    }

    /// Returns the findings.
    pub fn finish(&self) -> Vec<Finding> {
        let mut findings = Findings::default();
        P::check(&self.context, &self.state, &mut findings);
        findings.into_vec()
    }
}
