//! The ledger as the gate uses it. Opening one, and writing it, is the task of the crate that implements [`Ledger`].

mod error;
mod reservation;

pub use error::{LedgerError, RedeemError};
pub(crate) use reservation::Reservation;

use reprieve_batch::Question;
use reprieve_model::{DecisionDocument, HistoryFacts, LedgerEntry, Review, Timestamp};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::io::{self, Write};

/// Where decisions are recorded, and where the history of later decisions comes from. An error is a fault of the
/// decision.
pub trait Ledger: Send + Sync {
    /// Returns what bears on a batch now.
    ///
    /// # Errors
    /// [`LedgerError`] if the ledger has no answer.
    fn view(&self, question: &Question<'_>) -> Result<LedgerView, LedgerError>;

    /// Calls `decide` and records what it returns, as one step: nothing that bears on the decision is recorded between
    /// the view that `decide` receives and the entry. If something was, `decide` is called again. `blobs` are the bytes
    /// that the record refers to by digest.
    ///
    /// # Errors
    /// [`LedgerError`] if the ledger cannot be read or written. The decision is then not recorded.
    fn decide(
        &self,
        question: &Question<'_>,
        blobs: &[Blob<'_>],
        decide: &mut dyn FnMut(&LedgerView) -> DecisionRecord,
    ) -> Result<LedgerEntry, LedgerError>;

    /// Records the outcome of the batch that an entry allowed, and closes its reservation.
    ///
    /// # Errors
    /// [`LedgerError`] if the reservation is not open, if it is aborted although its permit was used, or if the ledger
    /// cannot be written.
    fn record_outcome(&self, entry: u64, outcome: &Outcome) -> Result<(), LedgerError>;

    /// Uses a permit that was verified. A permit can be used once: that of the whole list, or each of its sections. Returns the
    /// time of its use.
    ///
    /// # Errors
    /// [`RedeemError`] if it has expired, was used before, is not of this ledger, or if everything is halted.
    fn redeem(&self, permit: &PermitReference<'_>) -> Result<Timestamp, RedeemError>;
}

/// What the ledger knows that bears on a batch.
#[derive(Clone, Debug)]
pub struct LedgerView {
    /// The time by the ledger's clock, which decides.
    pub at: Timestamp,
    /// What was deleted before, and what is reserved.
    pub history: HistoryFacts,
    /// The halts that are in force. While there is one, everything is denied.
    pub halts: Vec<Halt>,
    /// The entry in which the override was used, if it was.
    pub override_used: Option<u64>,
}

/// A halt: while it is in force, everything is denied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Halt {
    /// Why.
    pub reason: String,
    /// Who ordered it.
    pub by: String,
}

/// Bytes and their digest.
#[derive(Clone, Debug)]
pub struct Blob<'a> {
    /// SHA-256 of the bytes, lower-case hex.
    pub sha256: String,
    /// Their number.
    pub length: u64,
    /// The bytes.
    pub content: BlobContent<'a>,
}

/// The bytes of a blob.
#[derive(Clone)]
pub enum BlobContent<'a> {
    /// Bytes in memory.
    Bytes(Cow<'a, [u8]>),
    /// Bytes that are written on demand, because they may not fit into memory. They are the same each time.
    Stream(&'a BlobStream<'a>),
}

impl<'a> Blob<'a> {
    /// Bytes in memory whose digest is known.
    pub fn of(sha256: impl Into<String>, bytes: impl Into<Cow<'a, [u8]>>) -> Self {
        let bytes = bytes.into();
        Self { sha256: sha256.into(), length: bytes.len() as u64, content: BlobContent::Bytes(bytes) }
    }
}

/// Writes the bytes of a blob.
pub type BlobStream<'a> = dyn Fn(&mut dyn Write) -> io::Result<()> + 'a;

impl BlobContent<'_> {
    /// Writes the bytes.
    ///
    /// # Errors
    /// The error of writing, or of reading what is written on demand.
    pub fn write_to(&self, out: &mut dyn Write) -> io::Result<()> {
        match self {
            Self::Bytes(bytes) => out.write_all(bytes),
            Self::Stream(write) => write(out),
        }
    }
}

impl std::fmt::Debug for BlobContent<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bytes(bytes) => f.debug_tuple("Bytes").field(&bytes.len()).finish(),
            Self::Stream(_) => f.write_str("Stream"),
        }
    }
}

/// What is recorded of a decision: everything that is needed to make it again.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DecisionRecord {
    /// The version of Reprieve that decided.
    pub reprieve: String,
    /// The decision.
    pub decision: DecisionDocument,
    /// Claims and facts as the policies received them.
    pub review: Review,
    /// The digest of the targets with their resolved columns.
    pub columns_sha256: String,
    /// The digest of the affected tenants.
    pub affected_sha256: String,
    /// The digest of the lines of the manifest, if the list was in several files. It is the digest of the list, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest_sha256: Option<String>,
    /// The numbers of chunks at which the sections of the list end, if it has several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub section_ends: Vec<usize>,
    /// What tells repeated calls for this decision from new ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_sha256: Option<String>,
}

/// The permit that a ledger is asked to redeem.
#[derive(Clone, Copy, Debug)]
pub struct PermitReference<'a> {
    /// The number of the entry that allowed the batch.
    pub entry: u64,
    /// The id of the permit: the hash of that entry.
    pub id: &'a str,
    /// The section of the list that it is for. `None`: the whole list.
    pub section: Option<u32>,
    /// From when on it is valid.
    pub valid_from: Timestamp,
    /// When it expires.
    pub expires_at: Timestamp,
}

/// How far the clock of a signer may be ahead of that of the ledger, in seconds.
pub const MAX_CLOCK_SKEW: i64 = 60;

/// The outcome of a batch that was allowed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Outcome {
    /// It ran.
    Committed {
        /// Whether it succeeded.
        succeeded: bool,
        /// The number of targets that were deleted. `None`: unknown, so all count.
        deleted: Option<u64>,
        /// A note about it.
        note: Option<String>,
    },
    /// It did not run, and nothing was deleted.
    Aborted {
        /// Why.
        reason: String,
    },
}

impl Outcome {
    /// The batch succeeded, and `deleted` targets were deleted.
    pub const fn succeeded(deleted: u64) -> Self {
        Self::Committed { succeeded: true, deleted: Some(deleted), note: None }
    }

    /// The batch failed, and the number of deleted targets is unknown.
    pub fn failed(note: impl Into<String>) -> Self {
        Self::Committed { succeeded: false, deleted: None, note: Some(note.into()) }
    }
}
