//! The decision: one pure function over what the policies answered, and the only place that makes a permit.

use crate::batch::Batch;
use crate::ledger::{Outcome, Reservation};
use crate::unavailable::Unavailable;
use reprieve_model::{Claims, DecisionDocument, Fault, Finding, LedgerEntry, PolicyRun, Verdict};

/// What came out of vetting a batch. Each carries the batch and its whole explanation.
#[derive(Debug)]
pub enum Decision {
    /// The batch may run.
    Allow(Permit),
    /// A policy objects.
    Deny(Withheld),
    /// Nobody can say, so the batch must not run.
    Undecided(Withheld),
}

/// Proof that a batch may run, bound to exactly that batch: it owns it. A destructive function takes a permit and
/// deletes what is in it; nothing outside this module can make one.
///
/// Where the gate has a ledger, a permit holds a reservation there, which [`commit`](Self::commit) or
/// [`abort`](Self::abort) closes. A permit that is dropped before anybody looked at its [`batch`](Self::batch) aborts;
/// dropped later, it leaves the reservation open: somebody may have begun to delete, and so it counts.
///
/// ```compile_fail
/// use reprieve::{Batch, Permit};
///
/// fn delete(permit: Permit) {}
///
/// fn pipeline(batch: Batch) {
///     delete(batch); // a batch is not a permit
/// }
/// ```
///
/// ```compile_fail
/// use reprieve::{Batch, Permit};
///
/// fn forge(batch: Batch) -> Permit {
///     Permit { batch } // and cannot be made into one
/// }
/// ```
#[derive(Debug)]
#[must_use = "a permit is what the destructive call takes"]
pub struct Permit {
    batch: Batch,
    document: Box<DecisionDocument>,
    reservation: Option<Reservation>,
}

/// A batch that must not run, and why.
#[derive(Debug)]
pub struct Withheld {
    batch: Batch,
    document: Box<DecisionDocument>,
}

impl Permit {
    /// The batch that may run. Whoever asks for it is taken to begin deleting.
    pub fn batch(&self) -> &Batch {
        self.reservation.iter().for_each(Reservation::take);
        &self.batch
    }

    /// What the request says about itself.
    pub fn claims(&self) -> &Claims {
        self.batch.claims()
    }

    /// Says what became of the batch. Without a ledger there is nobody to tell.
    ///
    /// # Errors
    /// [`Unavailable`] where it cannot be recorded. Then the reservation stays open, and counts in full.
    pub fn commit(self, outcome: &Outcome) -> Result<(), Unavailable> {
        self.reservation.map_or(Ok(()), |reservation| reservation.close(outcome))
    }

    /// Says that the batch did not run and nothing was deleted.
    ///
    /// # Errors
    /// [`Unavailable`] where it cannot be recorded, or where a token for it was used, for whoever used it may have begun
    /// to delete. Then the reservation stays open, and counts in full.
    pub fn abort(self, reason: &str) -> Result<(), Unavailable> {
        self.commit(&Outcome::Aborted { reason: reason.to_owned() })
    }

    /// Leaves the reservation open, for whoever is handed a token or the number of the entry.
    pub fn hand_over(self) -> Option<LedgerEntry> {
        self.reservation.iter().for_each(Reservation::take);
        self.document.ledger
    }

    /// The whole decision.
    pub fn document(&self) -> &DecisionDocument {
        &self.document
    }
}

impl Withheld {
    /// The batch that must not run.
    pub fn batch(&self) -> &Batch {
        &self.batch
    }

    /// The whole decision.
    pub fn document(&self) -> &DecisionDocument {
        &self.document
    }
}

impl Decision {
    /// The decision in one word.
    pub fn verdict(&self) -> Verdict {
        self.document().decision
    }

    /// What the request says about itself.
    pub fn claims(&self) -> &Claims {
        match self {
            Self::Allow(permit) => permit.claims(),
            Self::Deny(withheld) | Self::Undecided(withheld) => withheld.batch.claims(),
        }
    }

    /// The whole decision.
    pub fn document(&self) -> &DecisionDocument {
        match self {
            Self::Allow(permit) => &permit.document,
            Self::Deny(withheld) | Self::Undecided(withheld) => &withheld.document,
        }
    }
}

/// Combines what the policies answered: a denial over a fault, a fault over an allow. Only what is enforced counts,
/// and with nothing enforced nothing is allowed. What an override has lifted does not deny; a fault cannot be lifted.
/// The order of the policies does not matter.
pub(crate) fn verdict(findings: &[Finding], faults: &[Fault], policies: &[PolicyRun]) -> Verdict {
    let denied = findings.iter().any(Finding::denies);
    let faulted = faults.iter().any(|fault| fault.enforced);
    let judged = policies.iter().any(is_judge);
    match (denied, faulted, judged) {
        (true, _, _) => Verdict::Deny,
        (false, false, true) => Verdict::Allow,
        (false, _, _) => Verdict::Undecided,
    }
}

/// Whether a policy looked at the batch and counts.
pub(crate) fn is_judge(policy: &PolicyRun) -> bool {
    policy.enforced && policy.result != OUT_OF_SCOPE
}

/// The result of a policy whose scope does not cover the batch.
pub(crate) const OUT_OF_SCOPE: &str = "out-of-scope";

/// Seals a decision: writes the verdict into its document, and makes the permit if it is an allow.
pub(crate) fn seal(batch: Batch, mut document: DecisionDocument, reservation: Option<Reservation>) -> Decision {
    document.decision = verdict(&document.findings, &document.faults, &document.policies);
    let document = Box::new(document);
    match document.decision {
        Verdict::Allow => Decision::Allow(Permit { batch, document, reservation }),
        Verdict::Deny => Decision::Deny(Withheld { batch, document }),
        Verdict::Undecided => Decision::Undecided(Withheld { batch, document }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use reprieve_model::Severity;

    /// One policy's part: enforced, and one of content, warn, deny, fault, out-of-scope.
    type Part = (bool, u8);

    fn decide(parts: &[Part]) -> Verdict {
        let (mut findings, mut faults, mut policies) = (Vec::new(), Vec::new(), Vec::new());
        for (enforced, result) in parts.iter().copied() {
            let severity = if result == 1 { Severity::Warn } else { Severity::Deny };
            if result == 1 || result == 2 {
                findings.push(Finding {
                    policy: "p".into(),
                    rule: "r".into(),
                    code: "p/r".into(),
                    severity,
                    message: String::new(),
                    help: String::new(),
                    field: None,
                    setting: None,
                    rows: 0,
                    examples: Vec::new(),
                    enforced,
                    lifted: false,
                });
            }
            if result == 3 {
                faults.push(Fault { policy: "p".into(), cause: "fuel".into(), message: String::new(), enforced });
            }
            policies.push(PolicyRun {
                name: "p".into(),
                version: "1".into(),
                sha256: String::new(),
                settings_sha256: String::new(),
                fuel: 0,
                enforced,
                result: if result == 4 { OUT_OF_SCOPE } else { "content" }.into(),
            });
        }
        verdict(&findings, &faults, &policies)
    }

    #[test]
    fn deny_over_undecided_over_allow() {
        assert_eq!(decide(&[(true, 0), (true, 1)]), Verdict::Allow);
        assert_eq!(decide(&[(true, 0), (true, 3)]), Verdict::Undecided);
        assert_eq!(decide(&[(true, 2), (true, 3)]), Verdict::Deny);
        assert_eq!(decide(&[(true, 0), (false, 2), (false, 3)]), Verdict::Allow);
        assert_eq!(decide(&[]), Verdict::Undecided);
        assert_eq!(decide(&[(false, 0), (true, 4)]), Verdict::Undecided);
    }

    fn parts() -> impl Strategy<Value = Vec<Part>> {
        prop::collection::vec((any::<bool>(), 0_u8..5), 0..8)
    }

    proptest! {
        #[test]
        fn the_order_of_policies_does_not_matter(parts in parts(), by in 0_usize..8) {
            let mut turned = parts.clone();
            turned.rotate_left(by.min(parts.len()));
            prop_assert_eq!(decide(&parts), decide(&turned));
            turned.reverse();
            prop_assert_eq!(decide(&parts), decide(&turned));
        }

        #[test]
        fn a_further_enforcing_policy_never_makes_an_allow_unless_nothing_was_judged(parts in parts(), result in 0_u8..5) {
            let before = decide(&parts);
            let more: Vec<Part> = parts.iter().copied().chain([(true, result)]).collect();
            let judged = parts.iter().any(|(enforced, result)| *enforced && *result != 4);
            if decide(&more) == Verdict::Allow && judged {
                prop_assert_eq!(before, Verdict::Allow);
            }
        }

        #[test]
        fn a_report_only_policy_changes_nothing(parts in parts(), result in 0_u8..5) {
            let more: Vec<Part> = parts.iter().copied().chain([(false, result)]).collect();
            prop_assert_eq!(decide(&parts), decide(&more));
        }
    }
}
