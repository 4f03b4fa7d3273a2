//! Recording a decision, and making it again from what is recorded.

use crate::batch::Batch;
use crate::columns::Column;
use crate::gate::{Gate, gate_faults};
use crate::history::Question;
use crate::inventory::{Resolution, Share};
use crate::ledger::{Blob, DecisionRecord, Ledger, Standing};
use reprieve_model::{BreakGlass, DecisionDocument, Fault, Finding, Review, Severity};
use serde::ser::Error;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A tenant that a batch reaches, and what the inventory knows of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Affected {
    /// The tenant.
    pub tenant: String,
    /// How many of its things go, those that go with the targets included.
    pub things: u64,
    /// Who answers for it.
    pub owner: Option<String>,
    /// How to reach them.
    pub contact: Option<String>,
}

impl Gate {
    /// Vets a batch and records it, both in one.
    pub(crate) fn judge_and_record(&self, batch: &Batch, ledger: &dyn Ledger) -> DecisionDocument {
        let mut faults = Vec::new();
        let resolution = self.sources().resolve(batch, &mut faults);
        let (columns, affected) = match blobs(batch, resolution.as_deref()) {
            Ok(blobs) => blobs,
            Err(fault) => {
                faults.push(fault);
                return self.without_record(batch, resolution, faults);
            }
        };
        let (columns_sha256, affected_sha256) = (columns.sha256.clone(), affected.sha256.clone());
        let mut blobs = self.set().blobs(self.loaded());
        blobs.extend([columns, affected]);

        let mut last = None;
        let written = ledger.decide(&Question::about(batch), &blobs, &mut |standing| {
            let (document, review) = self.decide_standing(batch, resolution.clone(), standing, faults.clone());
            last = Some(document.clone());
            DecisionRecord {
                reprieve: env!("CARGO_PKG_VERSION").to_owned(),
                decision: document,
                review,
                columns_sha256: columns_sha256.clone(),
                affected_sha256: affected_sha256.clone(),
            }
        });
        match (written, last) {
            (Ok(entry), Some(document)) => DecisionDocument { ledger: Some(entry), ..document },
            (Err(error), Some(mut document)) => {
                document.faults.push(unrecorded(&error));
                document
            }
            (written, None) => {
                let error = written.err().map_or("it asked for no decision".to_owned(), |error| error.to_string());
                faults.push(unrecorded(&error));
                self.without_record(batch, resolution, faults)
            }
        }
    }

    /// Decides what will not be recorded, and so cannot be allowed: the faults see to that.
    fn without_record(
        &self,
        batch: &Batch,
        resolution: Option<Arc<Resolution>>,
        mut faults: Vec<Fault>,
    ) -> DecisionDocument {
        faults.extend(gate_faults(batch, batch.at));
        match self.sources().put_together(batch, batch.at, resolution, None, &mut faults) {
            Ok(known) => self.decide(batch, &known, Vec::new(), faults),
            Err(facts) => self.document(batch, &facts, Vec::new(), faults, Vec::new()),
        }
    }

    /// Decides for how things stand.
    fn decide_standing(
        &self,
        batch: &Batch,
        resolution: Option<Arc<Resolution>>,
        standing: &Standing,
        mut faults: Vec<Fault>,
    ) -> (DecisionDocument, Review) {
        faults.extend(gate_faults(batch, standing.at));
        let mut findings = Vec::new();
        for halt in &standing.halted {
            let message = format!("everything is halted by {}: {}", halt.by, halt.reason);
            findings.push(own_finding("halted", Severity::Deny, message, "wait until `reprieve resume` lifts it"));
        }
        let glass = batch.break_glass.as_ref().map(|glass| &glass.0);
        let against = glass.and_then(|glass| stands_against(glass, batch, standing));
        if let Some(message) = &against {
            let help = "have two people sign a new one: `reprieve override new`";
            findings.push(own_finding("override", Severity::Warn, message.clone(), help));
        }
        let history = Some(standing.history.clone());
        let claims = batch.claims.clone();
        match self.sources().put_together(batch, standing.at, resolution, history, &mut faults) {
            Ok(known) => {
                let mut document = self.decide(batch, &known, findings, faults);
                if let Some(glass) = glass.filter(|_| against.is_none()) {
                    document = lift(glass, document);
                }
                (document, Review { claims, facts: known.facts })
            }
            Err(facts) => {
                (self.document(batch, &facts, findings, faults, Vec::new()), Review { claims, facts: *facts })
            }
        }
    }
}

fn unrecorded(error: &dyn std::fmt::Display) -> Fault {
    Fault::of_gate("ledger", format!("the decision could not be recorded, and so it is none: {error}"))
}

fn own_finding(rule: &str, severity: Severity, message: String, help: &str) -> Finding {
    Finding {
        policy: "gate".to_owned(),
        rule: rule.to_owned(),
        code: format!("gate/{rule}"),
        severity,
        message,
        help: help.to_owned(),
        field: None,
        setting: None,
        rows: 0,
        examples: Vec::new(),
        enforced: true,
        lifted: false,
    }
}

/// Why an override does not hold for this batch now.
fn stands_against(glass: &BreakGlass, batch: &Batch, standing: &Standing) -> Option<String> {
    let id = &glass.id;
    if glass.targets_sha256 != batch.digests.targets {
        return Some(format!("the override `{id}` is for another list (`{}`)", glass.targets_sha256));
    }
    let asked = (batch.digests.request.as_str(), batch.claims.mode, batch.claims.environment.as_str());
    if asked != (&glass.request_sha256, glass.mode, &glass.environment) {
        let (mode, place) = (glass.mode.as_str(), &glass.environment);
        let request = &glass.request_sha256;
        return Some(format!("the override `{id}` is for another request (`{request}`, {mode} in {place})"));
    }
    if glass.expires_at < standing.at {
        return Some(format!("the override `{id}` could be used until {}", glass.expires_at));
    }
    // It is good for a day at most, so one that ends later was dated ahead.
    if glass.expires_at.seconds() > standing.at.seconds().saturating_add(86_400) {
        return Some(format!("the override `{id}` begins after {}", standing.at));
    }
    standing.override_used.map(|entry| format!("the override `{id}` was used before, in entry {entry}"))
}

/// The decision with the findings lifted that an override names. It is noted only if it made a difference.
pub(crate) fn lift(glass: &BreakGlass, mut document: DecisionDocument) -> DecisionDocument {
    for finding in document.findings.iter_mut().filter(|finding| finding.denies()) {
        finding.lifted = glass.codes.contains(&finding.code);
    }
    if document.findings.iter().any(|finding| finding.lifted) {
        document.break_glass = Some(glass.clone());
    }
    document.decision = crate::decision::verdict(&document.findings, &document.faults, &document.policies);
    document
}

/// What is recorded of a batch besides its decision: its columns, and who is affected.
fn blobs(batch: &Batch, resolution: Option<&Resolution>) -> Result<(Blob<'static>, Blob<'static>), Fault> {
    if batch.at_is_given {
        let message = "with a ledger, its clock decides; leave out the time, or decide without the ledger";
        return Err(Fault::of_gate("clock", message));
    }
    let blob = |bytes: Vec<u8>| Blob { sha256: hex::encode(Sha256::digest(&bytes)), bytes: Cow::Owned(bytes) };
    let cannot = |error: String| Fault::of_gate("ledger", format!("the batch cannot be recorded: {error}"));
    Ok((
        blob(columns(batch, resolution).map_err(cannot)?),
        blob(affected_lines(batch, resolution).map_err(|error| cannot(error.to_string()))?),
    ))
}

/// The targets, and what the inventory says of each, as bytes.
fn columns(batch: &Batch, resolution: Option<&Resolution>) -> Result<Vec<u8>, String> {
    // A sequence of chunks: their number, and one after the other.
    let mut bytes = postcard::to_allocvec(&batch.chunks.len()).map_err(|error| error.to_string())?;
    for i in 0..batch.chunks.len() {
        let mut chunk = batch.chunks.get(i).map_err(|error| error.to_string())?;
        if let Some(resolution) = resolution {
            let resolved = resolution.columns.get(i).map_err(|error| error.to_string())?;
            chunk.to_mut().columns.extend(resolved.into_owned().columns);
        }
        bytes = postcard::to_extend(&*chunk, bytes).map_err(|error| error.to_string())?;
    }
    Ok(bytes)
}

/// Who is affected, a line a tenant, in the order of their names.
fn affected_lines(batch: &Batch, resolution: Option<&Resolution>) -> serde_json::Result<Vec<u8>> {
    let mut all: Vec<Affected> = match resolution {
        Some(resolution) => {
            let affected = |(tenant, share): (&String, &Share)| Affected {
                tenant: tenant.clone(),
                things: share.things,
                owner: share.who.as_ref().and_then(|who| who.owner.clone()),
                contact: share.who.as_ref().and_then(|who| who.contact.clone()),
            };
            resolution.tenants.iter().map(affected).collect()
        }
        None => {
            let mut tenants: BTreeMap<String, u64> = BTreeMap::new();
            for chunk in batch.chunks.iter() {
                let chunk = chunk.map_err(serde_json::Error::custom)?;
                let (counts, _) = chunk.column("tenant").map(Column::count).unwrap_or_default();
                counts
                    .into_iter()
                    .for_each(|(tenant, count)| *tenants.entry(tenant.to_owned()).or_default() += count);
            }
            let affected = |(tenant, things): (String, u64)| Affected { tenant, things, ..Affected::default() };
            tenants.into_iter().map(affected).collect()
        }
    };
    all.sort_by(|a, b| a.tenant.cmp(&b.tenant));
    let mut lines = Vec::new();
    for affected in &all {
        serde_json::to_writer(&mut lines, affected)?;
        lines.push(b'\n');
    }
    Ok(lines)
}
