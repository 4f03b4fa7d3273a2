//! Splits a batch that is too large into parts that are not, a canary first. Targets that offend by themselves are
//! excluded, with their codes. No target is dropped, and no evidence is made up: each part is a batch of its own and has
//! to be vetted as one.

mod groups;
mod offenders;

use crate::evaluate::{EvaluationContext, Evaluator, Moment, decide};
use groups::{Group, groups};
use offenders::offenders;
use reprieve_batch::{Batch, LookupError, ReadError};
use reprieve_model::DecisionDocument;
use reprieve_sandbox::{Measure, Subject};
use serde_json::Value;
use std::collections::{BTreeSet, HashSet, VecDeque};

/// A batch in parts. Every target is in one of them or excluded.
#[derive(Debug)]
pub struct Split {
    /// The parts, in the order in which they should run.
    pub parts: Vec<Part>,
    /// The targets that are in no part, by row.
    pub excluded: Vec<Excluded>,
    /// Whether the first part is a canary.
    pub canary: bool,
}

/// A part of a batch.
#[derive(Debug)]
pub struct Part {
    /// Its targets, with the claims of the whole request.
    pub batch: Batch,
    /// Their rows in the whole batch.
    pub rows: Vec<u64>,
    /// Upper bound of the tenants that it reaches.
    pub tenants: u64,
    /// The codes that the policies still deny: evidence that the part needs for itself.
    pub denied: Vec<String>,
}

impl Part {
    /// Returns the request for this part, without targets: that of the whole batch, without the evidence for the whole list.
    /// `name` is that of the part.
    ///
    /// # Errors
    /// If it cannot be written as JSON.
    pub fn request(&self, name: &str) -> serde_json::Result<Value> {
        let claims = self.batch.claims();
        let mut request = serde_json::to_value(claims)?;
        request["campaign"] = claims.campaign.as_deref().unwrap_or(&claims.id).into();
        request["id"] = format!("{}/{name}", claims.id).into();
        for (object, field) in [
            ("", "dry_run"),
            ("", "approvals"),
            ("", "targets"),
            ("provenance", "row_count"),
            ("provenance", "sha256"),
            ("recovery", "checkpoints"),
        ] {
            let place = if object.is_empty() { Some(&mut request) } else { request.get_mut(object) };
            if let Some(fields) = place.and_then(Value::as_object_mut) {
                fields.remove(field);
            }
        }
        Ok(request)
    }
}

/// A target that is in no part.
#[derive(Debug, PartialEq, Eq)]
pub struct Excluded {
    /// Its row in the whole batch.
    pub row: u64,
    /// The codes that it offends against.
    pub codes: Vec<String>,
}

/// Why a batch cannot be split.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SplitError {
    /// No policy limits the tenants of a part.
    #[error("no policy limits the number of tenants of a batch")]
    NoLimit,
    /// No part may reach any tenant.
    #[error("the settings allow no tenant to be reached, so there is nothing to split into")]
    NothingAllowed,
    /// Some targets offend by themselves, so the list is wrong.
    #[error("{targets} targets offend by themselves ({codes}), so the list is wrong and no part of it runs")]
    Offending {
        /// The number of these targets.
        targets: usize,
        /// Their codes.
        codes: String,
    },
    /// Targets cannot be read again.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The inventory or the history has no answer.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// A policy, or the gate, could not answer.
    #[error("`{policy}` could not answer: {message}")]
    Fault {
        /// The policy, or `gate`.
        policy: String,
        /// What happened.
        message: String,
    },
}

impl SplitError {
    /// What to do about it, if that is known.
    pub fn help(&self) -> Option<&str> {
        match self {
            Self::NoLimit => Some("use `builtin:blast-radius`, or set the maximum number of tenants of a part"),
            Self::Offending { .. } => Some("correct what made the list; splitting the batch names these targets"),
            Self::Read(error) => error.help.as_deref(),
            Self::NothingAllowed | Self::Lookup(_) | Self::Fault { .. } => None,
        }
    }
}

/// How many tenants the parts may reach.
#[derive(Clone, Copy, Debug)]
struct Sizes {
    canary: Option<u64>,
    growth: u64,
    max: u64,
}

/// Splits a batch; `max_tenants` lowers the number of tenants that a part may reach.
pub(crate) fn split(evaluator: &Evaluator, batch: &Batch, max_tenants: Option<u64>) -> Result<Split, SplitError> {
    split_rows(evaluator, batch, &context_of(evaluator, batch)?, max_tenants, |_| true)
}

/// Cuts a batch into waves. Targets whose id is in `done` are in none of them. A list in which any target offends by
/// itself is wrong and is not run in part.
pub(crate) fn waves(evaluator: &Evaluator, batch: &Batch, done: &HashSet<String>) -> Result<Vec<Batch>, SplitError> {
    let ids = batch.ids()?;
    let is_done = |row: u64| {
        let id = usize::try_from(row).ok().and_then(|row| ids.get(row)?.as_deref());
        id.is_some_and(|id| done.contains(id))
    };
    let context = context_of(evaluator, batch)?;
    let Split { parts, excluded, .. } = split_rows(evaluator, batch, &context, None, |row| !is_done(row))?;
    if !excluded.is_empty() {
        let codes: BTreeSet<String> = excluded.iter().flat_map(|target| target.codes.iter().cloned()).collect();
        let codes = codes.into_iter().collect::<Vec<_>>().join(", ");
        return Err(SplitError::Offending { targets: excluded.len(), codes });
    }
    let wave = |(i, part): (usize, &Part)| batch.wave(&part.rows, i + 1, &context.facts);
    Ok(parts.iter().enumerate().map(wave).collect::<Result<_, ReadError>>()?)
}

/// Looks up everything about the whole batch.
fn context_of(evaluator: &Evaluator, batch: &Batch) -> Result<EvaluationContext, SplitError> {
    let context = evaluator.sources.context_or_fault(batch);
    context.map_err(|fault| SplitError::Fault { policy: fault.policy, message: fault.message })
}

/// Splits the rows that are still to do.
fn split_rows(
    evaluator: &Evaluator,
    batch: &Batch,
    context: &EvaluationContext,
    max_tenants: Option<u64>,
    to_do: impl Fn(u64) -> bool,
) -> Result<Split, SplitError> {
    let sizes = sizes(evaluator, batch, context.population(), max_tenants)?;
    let mut offending = offenders(evaluator, batch, context)?;
    offending.retain(|row, _| to_do(*row));
    let inventory = evaluator.sources.inventory.as_deref();
    let groups = groups(batch, context, inventory, |row| to_do(row) && !offending.contains_key(&row))?;
    let mut excluded: Vec<Excluded> = offending.into_iter().map(|(row, codes)| Excluded { row, codes }).collect();
    let parts = parts(evaluator, batch, groups.into(), sizes, &mut excluded)?;
    excluded.sort_by_key(|target| target.row);
    Ok(Split { parts, excluded, canary: sizes.canary.is_some() })
}

/// The sizes that the settings of the policies allow.
fn sizes(
    evaluator: &Evaluator,
    batch: &Batch,
    population: u64,
    max_tenants: Option<u64>,
) -> Result<Sizes, SplitError> {
    let measure = if batch.claims().mode.is_soft() { Measure::TenantsSoft } else { Measure::TenantsHard };
    let limit = evaluator.limit(measure).map(|limit| limit as u64);
    let max = limit.into_iter().chain(max_tenants).min().ok_or(SplitError::NoLimit)?;
    if max == 0 {
        return Err(SplitError::NothingAllowed);
    }
    let share = evaluator.limit(Measure::CanaryShare);
    let canary = share.zip(evaluator.limit(Measure::CanaryTenants)).map(|(share, max)| {
        let first = (population as f64 * share / 100.0) as u64;
        first.max(1).min(max as u64)
    });
    let growth = evaluator.limit(Measure::Growth).map_or(u64::MAX, |growth| growth as u64);
    Ok(Sizes { canary, growth: growth.max(1), max })
}

/// Cuts groups into parts. A part that a policy still finds too large is cut again.
fn parts(
    evaluator: &Evaluator,
    batch: &Batch,
    mut groups: VecDeque<Group>,
    sizes: Sizes,
    excluded: &mut Vec<Excluded>,
) -> Result<Vec<Part>, SplitError> {
    let mut parts: Vec<Part> = Vec::new();
    let mut max = sizes.max;
    while !groups.is_empty() {
        let next = match parts.last() {
            Some(last) => last.tenants.saturating_mul(sizes.growth),
            None => sizes.canary.unwrap_or(max),
        };
        let mut taken = take(&mut groups, next.min(max).max(1));
        loop {
            let mut rows: Vec<u64> = taken.iter().flat_map(|group| group.rows.iter().copied()).collect();
            rows.sort_unstable();
            let part = batch.select(&rows)?;
            let decision = dry_decision(evaluator, &part);
            let denied = decision.findings.iter().filter(|finding| finding.denies());
            let mut codes: Vec<String> = denied.map(|finding| finding.code.clone()).collect();
            codes.dedup();
            let too_large: Vec<String> =
                codes.iter().filter(|code| is_about_size(evaluator, code)).cloned().collect();
            if too_large.is_empty() {
                parts.push(Part { batch: part, rows, tenants: decision.tenants, denied: codes });
                break;
            }
            if taken.len() == 1 {
                // A group on its own is too large.
                excluded.extend(rows.into_iter().map(|row| Excluded { row, codes: too_large.clone() }));
                break;
            }
            for group in taken.split_off(taken.len() * 7 / 8).into_iter().rev() {
                groups.push_front(group);
            }
            max = taken.iter().fold(0, |sum: u64, group| sum.saturating_add(group.tenants)).max(1);
        }
    }
    Ok(parts)
}

/// Decides about a part without recording it or making a permit.
fn dry_decision(evaluator: &Evaluator, part: &Batch) -> DecisionDocument {
    let mut faults = Vec::new();
    let resolution = evaluator.sources.resolve(part, &mut faults);
    let history = evaluator.sources.history(part, &mut faults);
    let at = part.evaluated_at();
    let moment = Moment { at, resolution, history, view: None, with_override: None, faults, observed: None };
    decide(evaluator, part, moment).sealed.into_document()
}

/// Whether a smaller batch may clear this code.
fn is_about_size(evaluator: &Evaluator, code: &str) -> bool {
    let Some((policy, rule)) = code.split_once('/') else { return false };
    evaluator
        .policies
        .iter()
        .filter(|loaded| loaded.name() == policy)
        .any(|loaded| loaded.policy.descriptor.rule(rule).is_some_and(|rule| rule.subject == Subject::Size))
}

/// Takes groups of at most `max` tenants from the front; at least one.
fn take(groups: &mut VecDeque<Group>, max: u64) -> Vec<Group> {
    let (mut taken, mut tenants): (Vec<Group>, u64) = (Vec::new(), 0);
    while let Some(group) =
        groups.pop_front_if(|group| taken.is_empty() || tenants.saturating_add(group.tenants) <= max)
    {
        tenants = tenants.saturating_add(group.tenants);
        taken.push(group);
    }
    taken
}
