//! Recorded decisions: deciding and recording as one step of the ledger, and what is read back from a record.

mod affected;
mod replay;

pub use affected::{Affected, read_affected, restore_plan};
pub use replay::{RecordError, Replay, reference_data};

use crate::decision::{Decision, Examined, Sealed, seal};
use crate::evaluate::{Decided, Evaluator, Moment, Observed, decide, panicked};
use crate::ledger::{Blob, BlobContent, BlobStream, DecisionRecord, Ledger, Reservation};
use crate::signed::Override;
use affected::write_affected;
use reprieve_batch::{Batch, LookupError, Question, Resolution, Tenants};
use reprieve_model::{Fault, FaultCause, Review, Verdict};
use sha2::{Digest, Sha256};
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// What comes with a batch. Without a ledger it has no effect.
#[derive(Clone, Copy, Debug, Default)]
pub struct VetOptions<'a> {
    /// The override of findings.
    pub with_override: Option<&'a Override>,
    /// What tells repeated calls for one decision from new ones, as a digest: a ledger records only one decision with it.
    pub idempotency_sha256: Option<&'a str>,
}

/// Hands a batch over with the decision that `decide` makes about it, and with what the inventory answered. If the host panics,
/// the batch is undecided.
pub(crate) fn conclude(
    evaluator: &Evaluator,
    mut batch: Batch,
    decide: impl FnOnce(&Evaluator, &Batch) -> (Sealed, Option<Arc<Resolution>>),
) -> Decision {
    let decided = catch_unwind(AssertUnwindSafe(|| decide(evaluator, &batch)));
    let (sealed, resolution) = decided.unwrap_or_else(|_| (panicked(evaluator, &batch), None));
    let document = sealed.document();
    batch.set_evaluated_at(document.evaluated_at);
    let entry = document.ledger.as_ref().filter(|_| document.decision == Verdict::Allow);
    let ledger = evaluator.sources.ledger();
    let reservation = ledger.zip(entry).map(|(ledger, entry)| Reservation::new(Arc::clone(ledger), entry.entry));
    sealed.decide(Examined { batch, resolution }, reservation)
}

/// Decides about a batch that was resolved, and records the decision if there is a ledger. `observed` is what other processes
/// found in its sections, if it was planned.
pub(crate) fn decide_resolved(
    evaluator: &Evaluator,
    batch: &Batch,
    resolution: Option<Arc<Resolution>>,
    mut faults: Vec<Fault>,
    options: VetOptions<'_>,
    observed: Option<&Observed<'_>>,
) -> Sealed {
    if let Some(ledger) = evaluator.sources.ledger() {
        return decide_and_record(evaluator, batch, resolution, faults, options, observed, &**ledger);
    }
    let history = match observed {
        Some(observed) => observed.history.clone(),
        None => evaluator.sources.history(batch, &mut faults),
    };
    let moment = Moment {
        at: observed.map_or(batch.evaluated_at(), |observed| observed.at),
        resolution,
        history,
        view: None,
        with_override: options.with_override,
        faults,
        observed: observed.map(|observed| observed.states),
    };
    decide(evaluator, batch, moment).sealed
}

/// Decides about a batch and records the decision. A decision that cannot be recorded has a fault, so it is not an allow.
fn decide_and_record(
    evaluator: &Evaluator,
    batch: &Batch,
    resolution: Option<Arc<Resolution>>,
    mut faults: Vec<Fault>,
    VetOptions { with_override, idempotency_sha256 }: VetOptions<'_>,
    observed: Option<&Observed<'_>>,
    ledger: &dyn Ledger,
) -> Sealed {
    let content = match RecordedContent::of(batch, resolution.as_deref()) {
        Ok(content) => content,
        Err(fault) => {
            faults.push(fault);
            return decide_unrecorded(evaluator, batch, resolution, faults);
        }
    };
    let write_columns = |out: &mut dyn Write| content.write_columns(out);
    let write_affected = |out: &mut dyn Write| content.write_affected(out);
    let [columns, affected] = match (blob(&write_columns), blob(&write_affected)) {
        (Ok(columns), Ok(affected)) => [columns, affected],
        (Err(error), _) | (_, Err(error)) => {
            faults.push(Fault::of_gate(FaultCause::Ledger, format!("the batch cannot be recorded: {error}")));
            return decide_unrecorded(evaluator, batch, resolution, faults);
        }
    };
    let (columns_sha256, affected_sha256) = (columns.sha256.clone(), affected.sha256.clone());
    let mut blobs = evaluator.set.blobs(&evaluator.policies);
    blobs.extend([columns, affected]);
    let manifest = batch.manifest().map(|manifest| Blob::of(manifest.sha256(), manifest.to_text().into_bytes()));
    let manifest_sha256 = manifest.as_ref().map(|blob| blob.sha256.clone());
    blobs.extend(manifest);

    let override_id = with_override.map(|with| with.terms().id.as_str());
    let question = Question::about(batch, &evaluator.sources.environments, override_id);
    let mut last = None;
    let written = ledger.decide(&question, &blobs, &mut |view| {
        let mut faults = faults.clone();
        let (at, history) = match observed {
            None => (view.at, Some(view.history.clone())),
            Some(observed) => {
                faults.extend(observed.outdated(view));
                (observed.at, observed.history.clone())
            }
        };
        let moment = Moment {
            at,
            resolution: resolution.clone(),
            history,
            view: Some(view),
            with_override,
            faults,
            observed: observed.map(|observed| observed.states),
        };
        let Decided { sealed, facts } = decide(evaluator, batch, moment);
        let record = DecisionRecord {
            reprieve: env!("CARGO_PKG_VERSION").to_owned(),
            decision: sealed.document().clone(),
            review: Review { claims: batch.claims().clone(), facts },
            columns_sha256: columns_sha256.clone(),
            affected_sha256: affected_sha256.clone(),
            manifest_sha256: manifest_sha256.clone(),
            section_ends: Some(batch.section_ends()).filter(|ends| ends.len() > 1).unwrap_or_default().to_vec(),
            idempotency_sha256: idempotency_sha256.map(str::to_owned),
        };
        last = Some(sealed);
        record
    });
    match (written, last) {
        (Ok(entry), Some(sealed)) => sealed.recorded_as(entry),
        (Err(error), Some(sealed)) => {
            let mut document = sealed.into_document();
            document.faults.push(unrecorded(&error));
            seal(document)
        }
        (written, None) => {
            let error = written.err().map_or("it asked for no decision".to_owned(), |error| error.to_string());
            faults.push(unrecorded(&error));
            decide_unrecorded(evaluator, batch, resolution, faults)
        }
    }
}

/// Decides with what the ledger knows now, and records nothing.
pub(crate) fn decide_only(evaluator: &Evaluator, batch: &Batch) -> Sealed {
    let (sources, mut faults) = (&evaluator.sources, Vec::new());
    let resolution = sources.resolve(batch, &mut faults);
    let question = Question::about(batch, &sources.environments, None);
    let view = sources.ledger().and_then(|ledger| {
        let view = ledger.view(&question);
        view.map_err(|error| faults.push(Fault::of_gate(FaultCause::Ledger, error.to_string()))).ok()
    });
    let (at, history) = match &view {
        Some(view) => (view.at, Some(view.history.clone())),
        None if sources.ledger().is_some() => (batch.evaluated_at(), None),
        None => (batch.evaluated_at(), sources.history(batch, &mut faults)),
    };
    let view = view.as_ref();
    let moment = Moment { at, resolution, history, view, with_override: None, faults, observed: None };
    decide(evaluator, batch, moment).sealed
}

/// Decides what cannot be recorded. Its faults keep it from being an allow.
fn decide_unrecorded(
    evaluator: &Evaluator,
    batch: &Batch,
    resolution: Option<Arc<Resolution>>,
    faults: Vec<Fault>,
) -> Sealed {
    let at = batch.evaluated_at();
    let moment = Moment { at, resolution, history: None, view: None, with_override: None, faults, observed: None };
    decide(evaluator, batch, moment).sealed
}

fn unrecorded(error: &dyn std::fmt::Display) -> Fault {
    let message = format!("the decision could not be recorded, so it is not an allow: {error}");
    Fault::of_gate(FaultCause::Ledger, message)
}

/// What is recorded of a batch besides its decision: its columns, and the affected tenants. Both are written chunk by chunk.
struct RecordedContent<'a> {
    batch: &'a Batch,
    resolution: Option<&'a Resolution>,
    /// The tenants of the list, if there is no inventory.
    tenants: Option<Tenants>,
}

impl<'a> RecordedContent<'a> {
    fn of(batch: &'a Batch, resolution: Option<&'a Resolution>) -> Result<Self, Fault> {
        if batch.time_is_given() {
            let message = "with a ledger, its clock decides; leave out the time, or decide without the ledger";
            return Err(Fault::of_gate(FaultCause::Clock, message));
        }
        let fault =
            |error: LookupError| Fault::of_gate(FaultCause::Ledger, format!("the batch cannot be recorded: {error}"));
        let tenants = if resolution.is_some() { None } else { Some(batch.tenants().map_err(fault)?) };
        Ok(Self { batch, resolution, tenants })
    }

    /// Writes the targets with their resolved columns, as the postcard form of a sequence of chunks.
    fn write_columns(&self, out: &mut dyn Write) -> io::Result<()> {
        let chunks = self.batch.chunk_rows().len();
        let mut bytes = postcard::to_allocvec(&chunks).map_err(io::Error::other)?;
        for i in 0..chunks {
            let mut chunk = self.batch.chunk(i).map_err(io::Error::other)?;
            if let Some(resolution) = self.resolution {
                let resolved = resolution.columns.get(i).map_err(io::Error::other)?;
                chunk.to_mut().columns.extend(resolved.into_owned().columns);
            }
            bytes = postcard::to_extend(&*chunk, bytes).map_err(io::Error::other)?;
            out.write_all(&bytes)?;
            bytes.clear();
        }
        out.write_all(&bytes)
    }

    /// Writes the affected tenants as NDJSON, in alphabetical order.
    fn write_affected(&self, out: &mut dyn Write) -> io::Result<()> {
        let tenants = self.resolution.map(|resolution| &resolution.tenants).or(self.tenants.as_ref());
        tenants.map_or(Ok(()), |tenants| write_affected(tenants, out))
    }
}

/// Returns a blob with the digest and the length of what is written.
fn blob<'a>(write: &'a BlobStream<'a>) -> io::Result<Blob<'a>> {
    let mut counted = Counted { hash: Sha256::new(), length: 0 };
    write(&mut counted)?;
    let Counted { hash, length } = counted;
    Ok(Blob { sha256: hex::encode(hash.finalize()), length, content: BlobContent::Stream(write) })
}

/// The digest and the length of what is written.
struct Counted {
    hash: Sha256,
    length: u64,
}

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.hash.update(bytes);
        self.length += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
