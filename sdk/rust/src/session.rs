//! A policy, and one pass of it over a batch.

use crate::section::Review;
use crate::{Blob, Case, Chunk, Finding, Findings, Rule, Settings};
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
    /// The columns that [`observe`](Self::observe) wants. None: it is never called.
    const COLUMNS: &'static [&'static str] = &[];

    /// What an operator may change; see [`settings!`](crate::settings).
    type Settings: Settings;
    /// What is kept from chunk to chunk; `()` for a policy that looks at claims and facts alone.
    type State: Default + Serialize + DeserializeOwned;

    /// Says what the schema of the settings cannot. Runs when the policy is loaded.
    ///
    /// # Errors
    /// Which setting or data is wrong, and the way out.
    fn validate(settings: &Self::Settings, data: &[Blob]) -> Result<(), String> {
        let _ = (settings, data);
        Ok(())
    }

    /// Folds a chunk into the state. The state must come out the same however the batch is cut into chunks.
    fn observe(case: &Case<Self::Settings>, state: &mut Self::State, chunk: &Chunk) {
        let _ = (case, state, chunk);
    }

    /// Adds the state of another part of the batch.
    fn merge(state: &mut Self::State, other: Self::State) {
        let _ = (state, other);
    }

    /// The answer: no denial means that the policy is content.
    fn check(case: &Case<Self::Settings>, state: &Self::State, findings: &mut Findings);
}

/// What a policy says of itself.
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
}

/// What `P` says of itself.
pub fn describe<P: Policy>() -> Descriptor {
    Descriptor {
        name: P::NAME,
        version: P::VERSION,
        summary: P::SUMMARY,
        rules: P::RULES,
        settings_schema: P::Settings::schema(),
        columns: P::COLUMNS,
    }
}

/// Checks settings and data when the policy is loaded.
///
/// # Errors
/// What is wrong with them.
pub fn validate<P: Policy>(settings: &str, data: &[Blob]) -> Result<(), String> {
    P::validate(&read_settings::<P>(settings)?, data)
}

fn read_settings<P: Policy>(settings: &str) -> Result<P::Settings, String> {
    P::Settings::read(settings).map_err(|error| format!("settings: {error}"))
}

/// One pass of a policy over a batch: the exports of the contract as a value. The sandbox runs exactly this, and so
/// do native unit tests.
#[derive(Debug)]
pub struct Session<P: Policy> {
    case: Case<P::Settings>,
    state: P::State,
}

impl<P: Policy> Session<P> {
    /// Begins a pass.
    ///
    /// # Errors
    /// What could not be read.
    pub fn open(review: &str, settings: &str, data: Vec<Blob>) -> Result<Self, String> {
        let review = Review::split(review)?;
        let case = Case::new(review, read_settings::<P>(settings)?, data);
        Ok(Self { case, state: P::State::default() })
    }

    /// Looks at the next chunk.
    pub fn observe(&mut self, chunk: Chunk) {
        P::observe(&self.case, &mut self.state, &Chunk { asked: P::COLUMNS, ..chunk });
    }

    /// The state so far.
    ///
    /// # Errors
    /// What could not be written.
    pub fn save(&self) -> Result<Vec<u8>, String> {
        postcard::to_allocvec(&self.state).map_err(|error| format!("state: {error}"))
    }

    /// Adds a saved state.
    ///
    /// # Errors
    /// What could not be read.
    pub fn merge(&mut self, state: &[u8]) -> Result<(), String> {
        let other = postcard::from_bytes(state).map_err(|error| format!("state: {error}"))?;
        P::merge(&mut self.state, other);
        Ok(())
    }

    /// The answer.
    pub fn finish(&self) -> Vec<Finding> {
        let mut findings = Findings::default();
        P::check(&self.case, &self.state, &mut findings);
        findings.into_vec()
    }
}
