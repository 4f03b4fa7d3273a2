//! A way out of a denial: a batch that is too large becomes several that are not, the canary first. What offends by
//! itself is set aside with its reasons. No target is dropped, and no evidence is made up: each part is a batch of
//! its own and has to be vetted as one.

mod groups;
mod offenders;

use crate::batch::Batch;
use crate::gate::Gate;
use crate::source::Unreadable;
use crate::unavailable::Unavailable;
use groups::{Group, groups};
use offenders::offenders;
use std::collections::{BTreeSet, HashSet, VecDeque};

/// A batch in parts. Every target is in one of them or set aside.
#[derive(Debug)]
pub struct Split {
    /// The parts, in the order they should run in.
    pub parts: Vec<Part>,
    /// What is in none of them, by row.
    pub set_aside: Vec<SetAside>,
    /// Whether the first part is a canary.
    pub canary: bool,
}

/// One part.
#[derive(Debug)]
pub struct Part {
    /// Its targets, with what the whole request says.
    pub batch: Batch,
    /// Their rows in the whole batch.
    pub rows: Vec<u64>,
    /// The tenants it can reach.
    pub tenants: u64,
    /// The codes of what the policies still deny: evidence that the part needs for itself.
    pub denied: Vec<String>,
}

/// A target that is in no part.
#[derive(Debug, PartialEq, Eq)]
pub struct SetAside {
    /// Its row in the whole batch.
    pub row: u64,
    /// The codes it offends against.
    pub reasons: Vec<String>,
}

/// Why a batch cannot be split.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Nothing says how many tenants a part may reach.
    #[error(
        "no policy limits the tenants of a batch\nhelp: use `builtin:blast-radius`, or say how many a part may reach"
    )]
    NoLimit,
    /// No part may reach anybody.
    #[error("no tenant may be reached with these settings, so there is nothing to split into")]
    NothingAllowed,
    /// Some targets offend by themselves: how many, and the codes.
    #[error(
        "{0} targets offend by themselves ({1}), so the list is wrong and no part of it runs\nhelp: correct what made the list; `reprieve split` says which targets they are"
    )]
    Offending(usize, String),
    /// The inventory or the history could not be asked.
    #[error("{0}")]
    Unavailable(String),
    /// A policy could not answer.
    #[error("the policy `{0}` could not answer: {1}")]
    Fault(String, String),
}

impl From<Unavailable> for Failure {
    fn from(error: Unavailable) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl From<Unreadable> for Failure {
    fn from(error: Unreadable) -> Self {
        Self::Unavailable(error.to_string())
    }
}

/// The policy that says how large a batch may be.
const SIZE: &str = "blast-radius";
/// The policy that says how it begins, and how fast it may grow.
const STEPS: &str = "rehearsal";

/// How many tenants the parts may reach.
#[derive(Clone, Copy, Debug)]
struct Steps {
    canary: Option<u64>,
    growth: u64,
    most: u64,
}

impl Gate {
    /// Splits a batch into parts that `blast-radius` is content with, each at most `growth` times as large as the one
    /// before, the first a canary as `rehearsal` wants it. `most` lowers the tenants that a part may reach.
    ///
    /// # Errors
    /// [`Failure`].
    pub fn split(&self, batch: &Batch, most: Option<u64>) -> Result<Split, Failure> {
        self.split_rows(batch, most, |_| true)
    }

    /// Cuts a batch into waves as [`split`](Self::split) does, but for all of which the evidence for the batch counts.
    /// Targets whose id is in `done` are in none of them. A list in which anything offends by itself is a wrong list,
    /// and is not run in part.
    ///
    /// # Errors
    /// [`Failure`].
    pub fn waves(&self, batch: &Batch, done: &HashSet<String>) -> Result<Vec<Batch>, Failure> {
        let ids = batch.ids()?;
        let is_done = |row: u64| {
            let id = usize::try_from(row).ok().and_then(|row| ids.get(row)?.as_deref());
            id.is_some_and(|id| done.contains(id))
        };
        let Split { parts, set_aside, .. } = self.split_rows(batch, None, |row| !is_done(row))?;
        if !set_aside.is_empty() {
            let codes: BTreeSet<String> = set_aside.iter().flat_map(|aside| aside.reasons.iter().cloned()).collect();
            return Err(Failure::Offending(set_aside.len(), codes.into_iter().collect::<Vec<_>>().join(", ")));
        }
        let wave = |(i, part): (usize, &Part)| batch.wave(&part.rows, i + 1);
        Ok(parts.iter().enumerate().map(wave).collect::<Result<_, Unreadable>>()?)
    }

    /// Splits the rows that are to be looked at.
    fn split_rows(&self, batch: &Batch, most: Option<u64>, to_do: impl Fn(u64) -> bool) -> Result<Split, Failure> {
        let known = self.sources().look_up_all(batch).map_err(|fault| Failure::Unavailable(fault.message))?;
        let steps = self.steps(batch, known.population(), most)?;
        let mut offending = offenders(self, batch, &known)?;
        offending.retain(|row, _| to_do(*row));
        let inventory = self.sources().inventory.as_deref();
        let groups = groups(batch, &known, inventory, |row| to_do(row) && !offending.contains_key(&row))?;
        let mut set_aside: Vec<SetAside> =
            offending.into_iter().map(|(row, reasons)| SetAside { row, reasons }).collect();
        let parts = self.parts(batch, groups.into(), steps, &mut set_aside)?;
        set_aside.sort_by_key(|aside| aside.row);
        Ok(Split { parts, set_aside, canary: steps.canary.is_some() })
    }

    fn steps(&self, batch: &Batch, population: u64, most: Option<u64>) -> Result<Steps, Failure> {
        let hard = batch.claims().mode.is_hard();
        let limit = self.setting(SIZE, if hard { "max_tenants" } else { "max_tenants_soft" });
        let limit = limit.map(|limit| limit as u64).into_iter().chain(most).min().ok_or(Failure::NoLimit)?;
        if limit == 0 {
            return Err(Failure::NothingAllowed);
        }
        let share = self.setting(STEPS, "canary_share");
        let canary = share.zip(self.setting(STEPS, "canary_most")).map(|(share, most)| {
            let first = (population as f64 * share / 100.0) as u64;
            first.max(1).min(most as u64)
        });
        let growth = self.setting(STEPS, "growth").map_or(u64::MAX, |growth| growth as u64);
        Ok(Steps { canary, growth: growth.max(1), most: limit })
    }

    fn parts(
        &self,
        batch: &Batch,
        mut groups: VecDeque<Group>,
        steps: Steps,
        set_aside: &mut Vec<SetAside>,
    ) -> Result<Vec<Part>, Unreadable> {
        let mut parts: Vec<Part> = Vec::new();
        let mut most = steps.most;
        while !groups.is_empty() {
            let step = match parts.last() {
                Some(last) => last.tenants.saturating_mul(steps.growth),
                None => steps.canary.unwrap_or(most),
            };
            let mut taken = take(&mut groups, step.min(most).max(1));
            loop {
                let mut rows: Vec<u64> = taken.iter().flat_map(|group| group.rows.iter().copied()).collect();
                rows.sort_unstable();
                let part = batch.select(&rows)?;
                let decision = self.judge(&part);
                let denied = decision.findings.iter().filter(|finding| finding.denies());
                let mut codes: Vec<String> = denied.map(|finding| finding.code.clone()).collect();
                codes.dedup();
                let size: Vec<String> =
                    codes.iter().filter(|code| code.split('/').next() == Some(SIZE)).cloned().collect();
                if size.is_empty() {
                    parts.push(Part { batch: part, rows, tenants: decision.tenants, denied: codes });
                    break;
                }
                if taken.len() == 1 {
                    // Even alone it is too much.
                    set_aside.extend(rows.into_iter().map(|row| SetAside { row, reasons: size.clone() }));
                    break;
                }
                for group in taken.split_off(taken.len() * 7 / 8).into_iter().rev() {
                    groups.push_front(group);
                }
                most = taken.iter().map(|group| group.tenants).sum::<u64>().max(1);
            }
        }
        Ok(parts)
    }
}

/// Takes groups of at most `most` tenants from the front; at least one.
fn take(groups: &mut VecDeque<Group>, most: u64) -> Vec<Group> {
    let (mut taken, mut tenants): (Vec<Group>, u64) = (Vec::new(), 0);
    while let Some(group) = groups.pop_front_if(|group| taken.is_empty() || tenants + group.tenants <= most) {
        tenants += group.tenants;
        taken.push(group);
    }
    taken
}
