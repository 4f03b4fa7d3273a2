//! The gate: a set of policies, ready to vet batches.

use crate::batch::Batch;
use crate::decision::{Decision, OUT_OF_SCOPE, is_judge, seal, verdict};
use crate::facts::facts;
use crate::known::{Known, Sources, unreadable};
use crate::ledger::{Ledger, Reservation};
use crate::sandbox::{Objection, Sandbox};
use crate::set::{Loaded, SetRecord};
use crate::{GateBuilder, sandbox};
use reprieve_model::{DecisionDocument, Facts, Fault, Finding, PolicyRun, Severity, Timestamp, Verdict};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// A set of policies, loaded and ready. Cheap to clone, and usable from many threads at once.
#[derive(Clone)]
pub struct Gate(Arc<Inner>);

pub(crate) struct Inner {
    pub sandbox: Sandbox,
    /// Threads that one decision may keep busy.
    pub threads: usize,
    pub policies: Vec<Loaded>,
    pub sources: Sources,
    pub set: SetRecord,
}

/// What a policy of the set is.
#[derive(Clone, Debug)]
pub struct PolicyInfo<'a> {
    /// What it says of itself.
    pub descriptor: &'a sandbox::Descriptor,
    /// SHA-256 of its component, lower-case hex.
    pub sha256: &'a str,
    /// The component's size.
    pub bytes: u64,
    /// Whether it counts towards the decision.
    pub enforced: bool,
}

impl Gate {
    /// Begins to put a gate together.
    pub fn builder() -> GateBuilder {
        GateBuilder::default()
    }

    pub(crate) fn new(inner: Inner) -> Self {
        Self(Arc::new(inner))
    }

    /// The policies of the set, in alphabetical order.
    pub fn policies(&self) -> impl Iterator<Item = PolicyInfo<'_>> {
        self.0.policies.iter().map(|loaded| PolicyInfo {
            descriptor: &loaded.policy.descriptor,
            sha256: &loaded.policy.sha256,
            bytes: loaded.policy.bytes,
            enforced: loaded.enforced,
        })
    }

    /// Vets a batch. Every policy looks at it, and what they answer is combined; whatever goes wrong on the way, a
    /// panic of the host included, ends in [`Decision::Undecided`]. With a ledger, an allow is one only when it is
    /// written there.
    pub fn vet(&self, mut batch: Batch) -> Decision {
        let judged = catch_unwind(AssertUnwindSafe(|| match self.ledger() {
            None => self.judge(&batch),
            Some(ledger) => self.judge_and_record(&batch, &**ledger),
        }));
        let document = judged.unwrap_or_else(|_| {
            let facts = facts(&batch.claims, &batch.counts, &batch.digests, None, None, batch.at);
            let fault = Fault::of_gate("panic", "the host panicked; this is a bug in Reprieve, please report it");
            self.document(&batch, &facts, Vec::new(), vec![fault], Vec::new())
        });
        batch.at = document.evaluated_at;
        let reservation = self.ledger().zip(document.ledger.as_ref());
        let reservation = reservation.filter(|_| document.decision == Verdict::Allow);
        let reservation = reservation.map(|(ledger, entry)| Reservation::new(Arc::clone(ledger), entry.entry));
        seal(batch, document, reservation)
    }

    /// Lets go of a gate that ends together with its process: the ledger is closed, and the rest is left to the system,
    /// for giving back the address space of the sandbox takes as long as a decision.
    pub fn end_with_process(self) {
        if let Some(Inner { sandbox, policies, sources, .. }) = Arc::into_inner(self.0) {
            drop(sources);
            std::mem::forget((sandbox, policies));
        }
    }

    /// Vets a batch, and says it without sealing it: nobody gets a permit from this.
    pub(crate) fn judge(&self, batch: &Batch) -> DecisionDocument {
        let mut faults = gate_faults(batch, batch.at);
        match self.0.sources.look_up(batch, &mut faults) {
            Ok(known) => self.decide(batch, &known, Vec::new(), faults),
            Err(facts) => self.document(batch, &facts, Vec::new(), faults, Vec::new()),
        }
    }

    /// Has every policy look at what is known of a batch, and combines what they answer with what the gate itself has
    /// found.
    pub(crate) fn decide(
        &self,
        batch: &Batch,
        known: &Known,
        mut findings: Vec<Finding>,
        mut faults: Vec<Fault>,
    ) -> DecisionDocument {
        let mut runs = Vec::new();
        match self.passes(batch, known) {
            Err(error) => faults.push(unreadable(&error)),
            Ok(passes) => {
                for (loaded, pass) in self.0.policies.iter().zip(passes) {
                    let mut part = Part::new(loaded);
                    if let Some(run) = pass {
                        self.complete(&mut part, loaded, batch, run);
                    }
                    findings.extend(part.findings);
                    faults.extend(part.fault);
                    runs.push(part.run);
                }
            }
        }
        if !runs.iter().any(is_judge) {
            faults.push(Fault::of_gate(
                "no-policy",
                "no enforcing policy looked at this batch; let one in reprieve.toml be enforced and cover it",
            ));
        }
        self.document(batch, &known.facts, findings, faults, runs)
    }

    /// The ledger that this gate records its decisions in.
    pub fn ledger(&self) -> Option<&Arc<dyn Ledger>> {
        self.sources().ledger()
    }

    pub(crate) fn sources(&self) -> &Sources {
        &self.0.sources
    }

    /// The enforced policies whose scope covers a batch.
    pub(crate) fn enforced(&self, batch: &Batch, facts: &Facts) -> impl Iterator<Item = &Loaded> {
        let covers = |loaded: &&Loaded| loaded.scope.covers(&batch.claims, facts);
        self.0.policies.iter().filter(|loaded| loaded.enforced).filter(covers)
    }

    /// A number that a policy of the set is set to, by the operator or by default.
    pub(crate) fn setting(&self, policy: &str, name: &str) -> Option<f64> {
        let loaded = self.0.policies.iter().find(|loaded| loaded.policy.descriptor.name == policy)?;
        let settings: serde_json::Value = serde_json::from_str(&loaded.settings).ok()?;
        let default = &loaded.policy.descriptor.settings_schema["properties"][name]["default"];
        settings.get(name).unwrap_or(default).as_f64()
    }

    pub(crate) fn set(&self) -> &SetRecord {
        &self.0.set
    }

    pub(crate) fn sandbox(&self) -> &Sandbox {
        &self.0.sandbox
    }

    pub(crate) fn threads(&self) -> usize {
        self.0.threads
    }

    pub(crate) fn loaded(&self) -> &[Loaded] {
        &self.0.policies
    }

    /// Puts down what an evaluation came to.
    pub(crate) fn complete(&self, part: &mut Part, loaded: &Loaded, batch: &Batch, run: sandbox::Run) {
        let descriptor = &loaded.policy.descriptor;
        let sandbox::Run { fuel, outcome } = run;
        part.run.fuel = fuel;
        part.run.result = match outcome {
            Ok(objections) => {
                let result = match objections.iter().map(|objection| objection.severity).min() {
                    None => "content",
                    Some(Severity::Warn) => "warn",
                    Some(Severity::Deny) => "deny",
                };
                let finding = |objection| finding(objection, &descriptor.name, loaded.enforced, batch);
                part.findings = objections.into_iter().map(finding).collect();
                result
            }
            Err(fault) => {
                part.fault = Some(Fault {
                    policy: descriptor.name.clone(),
                    cause: fault.cause.as_str().to_owned(),
                    message: fault.message,
                    enforced: loaded.enforced,
                });
                "fault"
            }
        }
        .to_owned();
    }

    /// Puts the parts together in an order that does not depend on that of the policies: what denies comes first, and
    /// of that the objections to the most targets.
    pub(crate) fn document(
        &self,
        batch: &Batch,
        facts: &Facts,
        mut findings: Vec<Finding>,
        mut faults: Vec<Fault>,
        mut policies: Vec<PolicyRun>,
    ) -> DecisionDocument {
        findings.sort_by(|a, b| {
            let key = |f: &Finding| (!f.enforced, f.severity, std::cmp::Reverse(f.rows), f.code.clone());
            key(a).cmp(&key(b))
        });
        faults.sort_by(|a, b| (!a.enforced, &a.policy, &a.cause).cmp(&(!b.enforced, &b.policy, &b.cause)));
        policies.sort_by(|a, b| a.name.cmp(&b.name));
        DecisionDocument {
            decision: verdict(&findings, &faults, &policies),
            request: batch.claims.id.clone(),
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
            policy_set_sha256: self.0.set.sha256.clone(),
            break_glass: None,
            ledger: None,
            permit: None,
        }
    }
}

impl std::fmt::Debug for Gate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.policies().map(|policy| &policy.descriptor.name)).finish()
    }
}

/// One policy's part in a decision.
pub(crate) struct Part {
    pub run: PolicyRun,
    pub findings: Vec<Finding>,
    pub fault: Option<Fault>,
}

impl Part {
    pub fn new(loaded: &Loaded) -> Self {
        let descriptor = &loaded.policy.descriptor;
        let run = PolicyRun {
            name: descriptor.name.clone(),
            version: descriptor.version.clone(),
            sha256: loaded.policy.sha256.clone(),
            settings_sha256: loaded.settings_sha256.clone(),
            fuel: 0,
            enforced: loaded.enforced,
            result: OUT_OF_SCOPE.to_owned(),
        };
        Self { run, findings: Vec::new(), fault: None }
    }
}

/// What the gate itself objects to, whatever the policies say.
pub(crate) fn gate_faults(batch: &Batch, at: Timestamp) -> Vec<Fault> {
    let schedule = batch.claims.schedule.clone().unwrap_or_default();
    let mut faults = Vec::new();
    if batch.is_empty() {
        faults.push(Fault::of_gate(
            "empty",
            "the list of targets is empty, and many interfaces read that as everything",
        ));
    }
    if let Some(end) = schedule.expires_at.filter(|end| *end < at) {
        faults.push(Fault::of_gate("expired", format!("the request expired at {end}; submit a new one")));
    }
    if let Some(start) = schedule.not_before.filter(|start| *start > at) {
        faults.push(Fault::of_gate("too-early", format!("the request may not run before {start}")));
    }
    faults
}

fn finding(objection: Objection, policy: &str, enforced: bool, batch: &Batch) -> Finding {
    let Objection { rule, severity, message, help, field, setting, rows, examples } = objection;
    let example = |row: &u64| match batch.id(*row) {
        Ok(Some(id)) => id,
        Ok(None) => format!("(row {row}, without an id)"),
        // The example goes missing, and not the finding.
        Err(_) => format!("(row {row})"),
    };
    Finding {
        policy: policy.to_owned(),
        code: format!("{policy}/{rule}"),
        rule,
        severity,
        message,
        help,
        field,
        setting,
        rows,
        examples: examples.iter().map(example).collect(),
        enforced,
        lifted: false,
    }
}
