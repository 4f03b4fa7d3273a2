//! The gate: a set of policies, ready to vet batches.

use crate::batch::Batch;
use crate::decision::{Decision, OUT_OF_SCOPE, is_judge, seal};
use crate::facts::facts;
use crate::history::{self, History};
use crate::inventory::{Inventory, Resolution, resolve};
use crate::sandbox::{Input, Objection, Sandbox, View};
use crate::scope::Scope;
use crate::zones::Zones;
use crate::{GateBuilder, sandbox};
use reprieve_model::{Claims, DecisionDocument, Facts, Fault, Finding, PolicyRun, Severity, Verdict};
use serde::Serialize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// A set of policies, loaded and ready. Cheap to clone, and usable from many threads at once.
#[derive(Clone)]
pub struct Gate(Arc<Inner>);

pub(crate) struct Inner {
    pub sandbox: Sandbox,
    pub policies: Vec<Loaded>,
    pub inventory: Option<Arc<dyn Inventory>>,
    pub history: Option<Arc<dyn History>>,
    pub zones: Zones,
}

/// A policy of the set, with what the operator gave it.
pub(crate) struct Loaded {
    pub policy: sandbox::Policy,
    pub enforced: bool,
    pub scope: Scope,
    pub settings: String,
    pub settings_sha256: String,
    pub data: sandbox::Data,
    /// Bytes of memory it may have, where the operator set fewer than the sandbox allows.
    pub memory: Option<u64>,
}

impl Loaded {
    /// What it is handed about a batch of so many rows.
    pub fn input<'a>(&'a self, review: &'a str, views: &'a [View<'a>], rows: u64) -> Input<'a> {
        Input { review, settings: &self.settings, data: &self.data, views, rows, memory: self.memory }
    }
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

/// What policies are handed, as JSON.
pub(crate) fn review(claims: &Claims, facts: &Facts) -> serde_json::Result<String> {
    #[derive(Serialize)]
    struct Review<'a> {
        claims: &'a Claims,
        facts: &'a Facts,
    }
    serde_json::to_string(&Review { claims, facts })
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
    /// panic of the host included, ends in [`Decision::Undecided`].
    pub fn vet(&self, batch: Batch) -> Decision {
        let judged = catch_unwind(AssertUnwindSafe(|| self.judge(&batch)));
        let document = judged.unwrap_or_else(|_| {
            let facts = facts(&batch.claims, &batch.counts, &batch.digests, None, None, batch.at);
            let fault = gate_fault("panic", "the host panicked; this is a bug in Reprieve, please report it");
            document(&batch, &facts, Vec::new(), vec![fault], Vec::new())
        });
        seal(batch, document)
    }

    /// Vets a batch, and says it without sealing it: nobody gets a permit from this.
    pub(crate) fn judge(&self, batch: &Batch) -> DecisionDocument {
        let mut faults = gate_faults(batch);
        let known = match self.look_up(batch, &mut faults) {
            Ok(known) => known,
            Err(facts) => return document(batch, &facts, Vec::new(), faults, Vec::new()),
        };
        let views = known.views(batch);
        let (mut findings, mut runs) = (Vec::new(), Vec::new());
        for loaded in &self.0.policies {
            let run = self.run(loaded, batch, &known, &views);
            findings.extend(run.findings);
            faults.extend(run.fault);
            runs.push(run.run);
        }
        if !runs.iter().any(is_judge) {
            faults.push(gate_fault(
                "no-policy",
                "no enforcing policy looked at this batch; let one in reprieve.toml be enforced and cover it",
            ));
        }
        document(batch, &known.facts, findings, faults, runs)
    }

    /// Looks up all that policies are handed about a batch. What cannot be looked up is a fault, and unknown to the
    /// policies; they run all the same. Without a review they cannot, and only the facts are left.
    pub(crate) fn look_up(&self, batch: &Batch, faults: &mut Vec<Fault>) -> Result<LookedUp, Box<Facts>> {
        let mut unknown = |cause: &str, error: &dyn std::fmt::Display| {
            faults.push(gate_fault(cause, format!("the {cause} could not be asked: {error}")));
        };
        let inventory = self.inventory();
        let resolution = inventory.map(|inventory| resolve(&batch.chunks, inventory, &batch.claims)).transpose();
        let resolution = resolution.unwrap_or_else(|error| {
            unknown("inventory", &error);
            None
        });
        let history = self.0.history.as_deref();
        let history = history.map(|history| history::facts(history, &batch.claims, batch.at)).transpose();
        let history = history.unwrap_or_else(|error| {
            unknown("history", &error);
            None
        });
        let mut facts = facts(&batch.claims, &batch.counts, &batch.digests, resolution.as_ref(), history, batch.at);
        facts.zones = self.0.zones.offsets(batch.at);
        match review(&batch.claims, &facts) {
            Ok(review) => Ok(LookedUp { resolution, facts, review }),
            Err(error) => {
                faults.push(gate_fault("review", format!("the review could not be written: {error}")));
                Err(Box::new(facts))
            }
        }
    }

    pub(crate) fn inventory(&self) -> Option<&dyn Inventory> {
        self.0.inventory.as_deref()
    }

    /// The enforced policies whose scope covers a batch.
    pub(crate) fn enforced(&self, batch: &Batch, facts: &Facts) -> impl Iterator<Item = &Loaded> {
        let covers = |loaded: &&Loaded| loaded.scope.covers(&batch.claims, facts.inventory.as_ref());
        self.0.policies.iter().filter(|loaded| loaded.enforced).filter(covers)
    }

    /// A number that a policy of the set is set to, by the operator or by default.
    pub(crate) fn setting(&self, policy: &str, name: &str) -> Option<f64> {
        let loaded = self.0.policies.iter().find(|loaded| loaded.policy.descriptor.name == policy)?;
        let settings: serde_json::Value = serde_json::from_str(&loaded.settings).ok()?;
        let default = &loaded.policy.descriptor.settings_schema["properties"][name]["default"];
        settings.get(name).unwrap_or(default).as_f64()
    }

    pub(crate) fn sandbox(&self) -> &Sandbox {
        &self.0.sandbox
    }

    pub(crate) fn loaded(&self) -> &[Loaded] {
        &self.0.policies
    }

    fn run(&self, loaded: &Loaded, batch: &Batch, known: &LookedUp, views: &[View<'_>]) -> Part {
        let mut part = Part::new(loaded);
        if !loaded.scope.covers(&batch.claims, known.facts.inventory.as_ref()) {
            return part;
        }
        let outcome = self.0.sandbox.run(&loaded.policy, loaded.input(&known.review, views, batch.len()));
        self.complete(&mut part, loaded, batch, outcome);
        part
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
}

impl std::fmt::Debug for Gate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.policies().map(|policy| &policy.descriptor.name)).finish()
    }
}

/// All that is known of a batch.
pub(crate) struct LookedUp {
    resolution: Option<Resolution>,
    pub facts: Facts,
    /// Claims and facts as policies are handed them.
    pub review: String,
}

impl LookedUp {
    /// The batch as policies may ask for it.
    pub fn views<'a>(&'a self, batch: &'a Batch) -> Vec<View<'a>> {
        let resolved = |i| self.resolution.as_ref().and_then(|resolution| resolution.columns.get(i));
        let view = |(i, chunk)| View { chunk, resolved: resolved(i).map(Vec::as_slice).unwrap_or_default() };
        batch.chunks.iter().enumerate().map(view).collect()
    }

    /// How many tenants there are in all; 0 where nobody knows.
    pub fn population(&self) -> u64 {
        self.facts.inventory.as_ref().map_or(0, |inventory| inventory.population_tenants)
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
fn gate_faults(batch: &Batch) -> Vec<Fault> {
    let schedule = batch.claims.schedule.clone().unwrap_or_default();
    let mut faults = Vec::new();
    if batch.is_empty() {
        faults.push(gate_fault("empty", "the list of targets is empty, and many interfaces read that as everything"));
    }
    if let Some(end) = schedule.expires_at.filter(|end| *end < batch.at) {
        faults.push(gate_fault("expired", format!("the request expired at {end}; submit a new one")));
    }
    if let Some(start) = schedule.not_before.filter(|start| *start > batch.at) {
        faults.push(gate_fault("too-early", format!("the request may not run before {start}")));
    }
    faults
}

pub(crate) fn gate_fault(cause: &str, message: impl Into<String>) -> Fault {
    Fault { policy: "gate".to_owned(), cause: cause.to_owned(), message: message.into(), enforced: true }
}

fn finding(objection: Objection, policy: &str, enforced: bool, batch: &Batch) -> Finding {
    let Objection { rule, severity, message, help, field, setting, rows, examples } = objection;
    let example = |row: &u64| match batch.id(*row) {
        Some(id) => id.to_owned(),
        None => format!("(row {row}, without an id)"),
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
    }
}

/// Puts the parts together in an order that does not depend on that of the policies: what denies comes first, and of
/// that the objections to the most targets.
fn document(
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
        decision: Verdict::Undecided,
        request: batch.claims.id.clone(),
        evaluated_at: batch.at,
        targets: facts.targets,
        tenants: facts.tenants_at_most,
        targets_sha256: facts.targets_sha256.clone(),
        request_sha256: facts.request_sha256.clone(),
        inventory_sha256: facts.inventory.as_ref().map(|inventory| inventory.sha256.clone()),
        findings,
        faults,
        policies,
        restore: facts.restore.clone(),
        permit: None,
    }
}
