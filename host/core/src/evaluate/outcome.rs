//! The outcome of one policy: its entry in the decision, its findings, or its fault.

use crate::policies::LoadedPolicy;
use reprieve_batch::Batch;
use reprieve_model::{Fault, Finding, PolicyResult, PolicyRun, Severity};
use reprieve_sandbox::{Objection, Run};

/// The outcome of one policy.
pub(crate) struct PolicyOutcome {
    pub run: PolicyRun,
    pub findings: Vec<Finding>,
    pub fault: Option<Fault>,
}

impl PolicyOutcome {
    /// The outcome of a run; without a run, the batch is out of the policy's scope.
    pub fn new(loaded: &LoadedPolicy, batch: &Batch, run: Option<Run>) -> Self {
        let (fuel, outcome) = run.map_or((0, None), |run| (run.fuel, Some(run.outcome)));
        let (result, findings, fault) = match outcome {
            None => (PolicyResult::OutOfScope, Vec::new(), None),
            Some(Ok(mut objections)) => {
                for objection in &mut objections {
                    objection.severity = loaded.severity(&objection.rule, objection.nature, objection.severity);
                }
                let result = match objections.iter().map(|objection| objection.severity).min() {
                    None => PolicyResult::Pass,
                    Some(Severity::Warn) => PolicyResult::Warn,
                    Some(Severity::Deny) => PolicyResult::Deny,
                };
                (result, objections.into_iter().map(|objection| finding(objection, loaded, batch)).collect(), None)
            }
            Some(Err(fault)) => {
                let fault = Fault {
                    policy: loaded.name().to_owned(),
                    cause: fault.cause,
                    message: fault.message,
                    enforced: loaded.enforced,
                };
                (PolicyResult::Fault, Vec::new(), Some(fault))
            }
        };
        let run = PolicyRun {
            name: loaded.name().to_owned(),
            version: loaded.policy.descriptor.version.clone(),
            sha256: loaded.policy.sha256.clone(),
            settings_sha256: loaded.settings_sha256.clone(),
            fuel,
            enforced: loaded.enforced,
            result,
        };
        Self { run, findings, fault }
    }
}

fn finding(objection: Objection, loaded: &LoadedPolicy, batch: &Batch) -> Finding {
    let Objection { rule, severity, nature, message, help, field, setting, rows, examples } = objection;
    let example = |row: &u64| match batch.id(*row) {
        Ok(Some(id)) => id,
        Ok(None) => format!("(row {row}, without an id)"),
        // A finding without an example is still a finding.
        Err(_) => format!("(row {row})"),
    };
    Finding {
        policy: loaded.name().to_owned(),
        code: loaded.code(&rule),
        rule,
        severity,
        nature,
        message,
        help,
        field,
        setting,
        rows,
        examples: examples.iter().map(example).collect(),
        enforced: loaded.enforced,
        lifted: false,
    }
}
