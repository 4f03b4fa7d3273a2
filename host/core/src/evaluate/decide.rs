//! Decides about a batch. There is one flow, with and without a ledger, and for a decision that is made again.

use super::context::{EvaluationContext, unreadable};
use super::evaluator::Evaluator;
use super::outcome::PolicyOutcome;
use super::partition::evaluate;
use crate::decision::{Sealed, seal};
use crate::ledger::LedgerView;
use crate::signed::Override;
use crate::verdict::counts;
use reprieve_batch::{Batch, Resolution};
use reprieve_model::{
    DecisionDocument, Facts, Fault, FaultCause, Finding, HistoryFacts, Nature, OverrideTerms, PolicyRun, Severity,
    Signature, Timestamp, Verdict,
};
use reprieve_sandbox::Saved;
use std::cmp::Reverse;
use std::sync::Arc;

/// What is known besides the batch when a decision is made.
pub(crate) struct Moment<'a> {
    /// The time that the decision is made for.
    pub at: Timestamp,
    /// What the inventory answered.
    pub resolution: Option<Arc<Resolution>>,
    /// What was deleted before.
    pub history: Option<HistoryFacts>,
    /// What the ledger knows, if the decision is recorded.
    pub view: Option<&'a LedgerView>,
    /// The override that the batch comes with. Without a ledger it has no effect: only a ledger can tell whether it was
    /// used before.
    pub with_override: Option<&'a Override>,
    /// What went wrong so far.
    pub faults: Vec<Fault>,
    /// The states of the policies that read targets after each partition, if other processes have observed them.
    pub observed: Option<&'a [Vec<Saved>]>,
}

/// A decision with the facts it was made on.
pub(crate) struct Decided {
    pub sealed: Sealed,
    pub facts: Facts,
}

/// Decides about a batch.
pub(crate) fn decide(evaluator: &Evaluator, batch: &Batch, moment: Moment<'_>) -> Decided {
    let Moment { at, resolution, history, view, with_override, mut faults, observed } = moment;
    faults.extend(gate_faults(batch, at));
    let mut findings = Vec::new();
    let mut terms = None;
    if let Some(view) = view {
        for halt in &view.halts {
            let message = format!("everything is halted by {}: {}", halt.by, halt.reason);
            findings.push(gate_finding("halted", Severity::Deny, message, "wait until the halt is lifted"));
        }
        match with_override.map(|with| (with, evaluator.refuses_override(with, batch, view))) {
            Some((_, Some(message))) => {
                let help = "have two people sign a new override for this request and list";
                findings.push(gate_finding("override", Severity::Warn, message, help));
            }
            Some((with, None)) => terms = Some(with.terms()),
            None => {}
        }
    }
    let context = evaluator.sources.context(batch, at, resolution, history, &mut faults);
    let sealed = decide_in(evaluator, batch, &context, observed, findings, faults, terms);
    Decided { sealed, facts: context.facts }
}

/// Evaluates every policy in a context that is known, and combines the outcomes with what the gate itself found.
pub(crate) fn decide_in(
    evaluator: &Evaluator,
    batch: &Batch,
    context: &EvaluationContext,
    observed: Option<&[Vec<Saved>]>,
    mut findings: Vec<Finding>,
    mut faults: Vec<Fault>,
    terms: Option<&OverrideTerms>,
) -> Sealed {
    let mut runs = Vec::new();
    match evaluate(evaluator, batch, context, observed) {
        Err(error) => faults.push(unreadable(&error)),
        Ok(results) => {
            for (loaded, run) in evaluator.policies.iter().zip(results) {
                let outcome = PolicyOutcome::new(loaded, batch, run);
                findings.extend(outcome.findings);
                faults.extend(outcome.fault);
                runs.push(outcome.run);
            }
        }
    }
    if !runs.iter().any(counts) {
        let message = "no enforced policy covers this batch; enforce one in the policy set whose `when` covers it";
        faults.push(Fault::of_gate(FaultCause::NoPolicy, message));
    }
    let mut lifted_by = None;
    if let Some(terms) = terms {
        for finding in findings.iter_mut().filter(|finding| finding.denies()) {
            finding.lifted = terms.codes.contains(&finding.code);
        }
        // An override is used up only if it made a difference.
        lifted_by = findings.iter().any(|finding| finding.lifted).then(|| terms.clone());
    }
    let document = document(evaluator, batch, &context.facts, findings, faults, runs);
    seal(DecisionDocument { override_terms: lifted_by, ..document })
}

/// The decision about a batch during which the host panicked.
pub(crate) fn panicked(evaluator: &Evaluator, batch: &Batch) -> Sealed {
    let facts = batch.facts(&evaluator.sources.environments, None, None, batch.evaluated_at());
    let message = "the host panicked; this is a bug in Reprieve, please report it";
    let faults = vec![Fault::of_gate(FaultCause::Panic, message)];
    seal(document(evaluator, batch, &facts, Vec::new(), faults, Vec::new()))
}

/// A decision without its verdict. Its order does not depend on that of the policies: enforced denials come first, and
/// among them those with the most targets.
fn document(
    evaluator: &Evaluator,
    batch: &Batch,
    facts: &Facts,
    mut findings: Vec<Finding>,
    mut faults: Vec<Fault>,
    mut policies: Vec<PolicyRun>,
) -> DecisionDocument {
    fn of_finding(finding: &Finding) -> impl Ord {
        (!finding.enforced, finding.severity, Reverse(finding.rows), &finding.code)
    }
    fn of_fault(fault: &Fault) -> impl Ord {
        (!fault.enforced, &fault.policy, fault.cause.as_str())
    }
    findings.sort_by(|a, b| of_finding(a).cmp(&of_finding(b)));
    faults.sort_by(|a, b| of_fault(a).cmp(&of_fault(b)));
    policies.sort_by(|a, b| a.name.cmp(&b.name));
    DecisionDocument {
        decision: Verdict::Undecided,
        request: batch.claims().id.clone(),
        evaluated_at: facts.evaluated_at,
        targets: facts.targets,
        tenants: facts.tenants_at_most,
        targets_sha256: facts.targets_sha256.clone(),
        request_sha256: facts.request_sha256.clone(),
        inventory_sha256: facts.inventory.as_ref().map(|inventory| inventory.sha256.clone()),
        findings,
        faults,
        policies,
        restore: facts.restore.clone(),
        signatures: verified(facts),
        policy_set_sha256: evaluator.set.sha256.clone(),
        override_terms: None,
        ledger: None,
        permit: None,
    }
}

/// The signatures of evidence that were verified.
fn verified(facts: &Facts) -> Vec<Signature> {
    let tokens = facts.signatures.iter().flat_map(|signatures| &signatures.tokens);
    tokens.filter(|signature| signature.issue.is_none()).cloned().collect()
}

/// What the gate itself cannot accept, whatever the policies find.
fn gate_faults(batch: &Batch, at: Timestamp) -> Vec<Fault> {
    let schedule = batch.claims().schedule.clone().unwrap_or_default();
    let mut faults = Vec::new();
    if batch.is_empty() {
        let message = "the list of targets is empty, and many interfaces read that as everything";
        faults.push(Fault::of_gate(FaultCause::Empty, message));
    }
    if let Some(end) = schedule.expires_at.filter(|end| *end < at) {
        let message = format!("the request expired at {end}; submit a new one");
        faults.push(Fault::of_gate(FaultCause::Expired, message));
    }
    if let Some(start) = schedule.not_before.filter(|start| *start > at) {
        let message = format!("the request must not run before {start}");
        faults.push(Fault::of_gate(FaultCause::TooEarly, message));
    }
    faults
}

fn gate_finding(rule: &str, severity: Severity, message: String, help: &str) -> Finding {
    Finding {
        policy: "gate".to_owned(),
        rule: rule.to_owned(),
        code: format!("gate/{rule}"),
        severity,
        nature: Nature::Wrong,
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

impl Evaluator {
    /// Why an override does not hold for this batch now, if it does not.
    fn refuses_override(&self, with: &Override, batch: &Batch, view: &LedgerView) -> Option<String> {
        with.refused_for(batch, view.at, view.override_used, &|code| self.is_never_lifted(code))
    }

    /// Whether no override may lift this code.
    pub fn is_never_lifted(&self, code: &str) -> bool {
        let Some((policy, rule)) = code.split_once('/') else { return true };
        policy == "gate"
            || self.policies.iter().any(|loaded| {
                loaded.name() == policy && loaded.policy.descriptor.rule(rule).is_some_and(|rule| rule.never_lifted)
            })
    }
}
