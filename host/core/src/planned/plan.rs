//! The plan: what every process has to agree on.

use crate::evaluate::Evaluator;
use reprieve_batch::{BatchPlan, LookupError, ReadError, SectionError};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The plan of a batch. It has the key that authenticates what the processes send, so keep it from others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The version of Reprieve.
    reprieve: String,
    /// The digest of the policy set.
    policy_set_sha256: String,
    /// The digest of the inventory, if there is one.
    inventory_sha256: Option<String>,
    key: String,
    /// The batch.
    pub batch: BatchPlan,
}

/// Why a planned batch cannot be worked on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// The plan cannot be used with this gate.
    #[error("{message}")]
    Plan {
        /// What is wrong.
        message: String,
        /// What to do about it.
        help: &'static str,
    },
    /// A result is missing, comes twice, or is not of this plan.
    #[error("{message}")]
    Result {
        /// What is wrong.
        message: String,
        /// What to do about it.
        help: &'static str,
    },
    /// A section cannot be read.
    #[error(transparent)]
    Section(#[from] SectionError),
    /// The inventory, the history or the ledger has no answer.
    #[error("{0}")]
    Lookup(String),
}

impl From<ReadError> for PlanError {
    fn from(error: ReadError) -> Self {
        Self::Section(error.into())
    }
}

impl From<LookupError> for PlanError {
    fn from(error: LookupError) -> Self {
        Self::Lookup(error.to_string())
    }
}

impl PlanError {
    pub(super) fn plan(message: impl Into<String>, help: &'static str) -> Self {
        Self::Plan { message: message.into(), help }
    }

    pub(super) fn result(message: impl Into<String>, help: &'static str) -> Self {
        Self::Result { message: message.into(), help }
    }

    /// A result that cannot be encoded or decoded, although it is authentic.
    pub(super) fn uncoded(error: impl std::fmt::Display) -> Self {
        Self::result(
            format!("a result cannot be encoded or decoded: {error}"),
            "report this: it is a bug in Reprieve",
        )
    }

    /// What to do about it, if that is known.
    pub fn help(&self) -> Option<&str> {
        match self {
            Self::Plan { help, .. } | Self::Result { help, .. } => Some(help),
            Self::Section(SectionError::Read(error)) => error.help.as_deref(),
            Self::Section(_) | Self::Lookup(_) => None,
        }
    }
}

const OTHER_GATE: &str =
    "plan again, or run every process with the version, the policy set and the inventory of the plan";

impl Plan {
    pub(crate) fn of(evaluator: &Evaluator, batch: BatchPlan) -> Result<Self, PlanError> {
        let mut key = [0; 32];
        getrandom::fill(&mut key)
            .map_err(|error| PlanError::Lookup(format!("there are no random numbers: {error}")))?;
        Ok(Self {
            reprieve: env!("CARGO_PKG_VERSION").to_owned(),
            policy_set_sha256: evaluator.set.sha256.clone(),
            inventory_sha256: inventory_sha256(evaluator)?,
            key: hex::encode(key),
            batch,
        })
    }

    /// Reads a plan from its JSON.
    ///
    /// # Errors
    /// [`PlanError::Plan`] if it is not a plan.
    pub fn read(text: &[u8]) -> Result<Self, PlanError> {
        let invalid = |error| PlanError::plan(format!("the plan cannot be read: {error}"), "plan the batch again");
        serde_json::from_slice(text).map_err(invalid)
    }

    /// The plan as JSON.
    ///
    /// # Errors
    /// [`PlanError::Plan`] if it cannot be written.
    pub fn to_text(&self) -> Result<String, PlanError> {
        let invalid = |error| PlanError::plan(format!("the plan cannot be written: {error}"), "report this");
        serde_json::to_string(self).map_err(invalid)
    }

    /// The number of sections.
    pub fn sections(&self) -> usize {
        self.batch.sections()
    }

    pub(super) fn key(&self) -> Result<[u8; 32], PlanError> {
        let mut key = [0; 32];
        hex::decode_to_slice(&self.key, &mut key)
            .map_err(|error| PlanError::plan(format!("the key of the plan: {error}"), "plan the batch again"))?;
        Ok(key)
    }

    /// The digest that its results are bound to. The folder is not part of it, because each machine may have another path.
    pub(super) fn sha256(&self) -> Result<[u8; 32], PlanError> {
        let plan = Self { batch: self.batch.clone().in_folder(Default::default()), ..self.clone() };
        Ok(Sha256::digest(plan.to_text()?).into())
    }

    /// Checks that it was made by a gate like this one.
    pub(super) fn check(&self, evaluator: &Evaluator) -> Result<(), PlanError> {
        let version = env!("CARGO_PKG_VERSION");
        if self.reprieve != version {
            let message = format!("the plan is of Reprieve {}, and this is {version}", self.reprieve);
            return Err(PlanError::plan(message, OTHER_GATE));
        }
        if self.policy_set_sha256 != evaluator.set.sha256 {
            let (planned, this) = (&self.policy_set_sha256, &evaluator.set.sha256);
            let message = format!("the plan is of the policy set {planned}, and this gate has {this}");
            return Err(PlanError::plan(message, OTHER_GATE));
        }
        let inventory = inventory_sha256(evaluator)?;
        if self.inventory_sha256 != inventory {
            let shown = |sha256: Option<&String>| sha256.cloned().unwrap_or_else(|| "no inventory".to_owned());
            let (planned, this) = (shown(self.inventory_sha256.as_ref()), shown(inventory.as_ref()));
            let message = format!("the plan is of the inventory {planned}, and this gate has {this}");
            return Err(PlanError::plan(message, OTHER_GATE));
        }
        Ok(())
    }
}

/// The digest of the inventory, which has to be that of its whole content.
fn inventory_sha256(evaluator: &Evaluator) -> Result<Option<String>, PlanError> {
    let Some(inventory) = &evaluator.sources.inventory else { return Ok(None) };
    let snapshot = inventory.snapshot()?;
    if snapshot.is_fixed() {
        return Ok(Some(snapshot.sha256()));
    }
    Err(PlanError::plan(
        "several processes cannot use this inventory, because nothing shows that all of them see the same content",
        "use an inventory in a Parquet, CSV or NDJSON file",
    ))
}
