//! The form in which results are sent: what they are, and a code that only a holder of the plan can compute.

use super::plan::{Plan, PlanError};
use serde::{Deserialize, Serialize};

/// What a result is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Part {
    /// The counts of a section.
    Counts(u32),
    /// The digests of the ids of a section in one bucket.
    Ids { section: u32, bucket: u32 },
    /// The duplicates in one bucket.
    Duplicates(u32),
    /// The facts of the batch.
    Facts,
    /// The states of the policies after each partition of a section, with the digest of the facts that they have received.
    States { section: u32, facts: [u8; 32] },
}

#[derive(Serialize, Deserialize)]
struct Envelope<'a> {
    part: Part,
    code: [u8; 32],
    content: &'a [u8],
}

/// Seals and opens the results of one plan.
#[derive(Debug)]
pub(super) struct Envelopes {
    key: [u8; 32],
    plan: [u8; 32],
}

const HELP: &str = "run the step again that made it, with this plan, and pass its bytes on unchanged";

impl Envelopes {
    pub fn of(plan: &Plan) -> Result<Self, PlanError> {
        Ok(Self { key: blake3::derive_key("reprieve 0.1 results of a plan", &plan.key()?), plan: plan.sha256()? })
    }

    pub fn seal(&self, part: Part, content: &[u8]) -> Result<Vec<u8>, PlanError> {
        let envelope = Envelope { part, code: *self.code(part, content)?.as_bytes(), content };
        postcard::to_allocvec(&envelope).map_err(PlanError::uncoded)
    }

    /// Opens a result. `what` names what is expected.
    pub fn open<'a>(&self, bytes: &'a [u8], what: &str) -> Result<(Part, &'a [u8]), PlanError> {
        let unknown = || PlanError::result(format!("this is not {what}"), HELP);
        let (Envelope { part, code, content }, rest) = postcard::take_from_bytes(bytes).map_err(|_| unknown())?;
        // The comparison takes the same time wherever the codes differ.
        if !rest.is_empty() || self.code(part, content)? != blake3::Hash::from_bytes(code) {
            let message = format!("{what} is of another plan, or was altered");
            return Err(PlanError::result(message, HELP));
        }
        Ok((part, content))
    }

    /// Opens the results of `count` parts, which may come in any order. Each has to come once. `number` returns the number of
    /// such a part.
    pub fn open_all<'a>(
        &self,
        all: &[&'a [u8]],
        count: usize,
        what: &str,
        number: impl Fn(Part) -> Option<u32>,
    ) -> Result<Vec<&'a [u8]>, PlanError> {
        let mut found = vec![None; count];
        for bytes in all {
            let (part, content) = self.open(bytes, what)?;
            let number = number(part).ok_or_else(|| PlanError::result(format!("this is not {what}"), HELP))?;
            let place = found.get_mut(number as usize);
            let place =
                place.ok_or_else(|| PlanError::result(format!("there is no number {number} of {what}"), HELP))?;
            if place.replace(content).is_some() {
                let message = format!("{what} comes twice: number {number}");
                return Err(PlanError::result(message, "pass each result once"));
            }
        }
        let complete = found.iter().position(Option::is_none);
        match complete {
            None => Ok(found.into_iter().flatten().collect()),
            Some(missing) => {
                let message = format!("{what} is missing: number {missing}; there are {} of {count}", all.len());
                Err(PlanError::result(message, "wait for every task, and pass all results"))
            }
        }
    }

    fn code(&self, part: Part, content: &[u8]) -> Result<blake3::Hash, PlanError> {
        let part = postcard::to_allocvec(&part).map_err(PlanError::uncoded)?;
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(&self.plan).update(&(part.len() as u64).to_le_bytes()).update(&part).update(content);
        Ok(hasher.finalize())
    }
}
