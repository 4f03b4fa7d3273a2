//! What `/metrics` prints. No label has an id, a tenant, a request, a campaign or an environment: callers choose their values, so
//! there is no end of them.

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;
use reprieve::model::{DecisionDocument, Mode};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The media type of the page.
pub(crate) const METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DecisionLabels {
    verdict: &'static str,
    mode: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CodeLabels {
    code: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FaultLabels {
    fault: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallLabels {
    route: &'static str,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ResultLabels {
    result: &'static str,
}

/// The counters of the service.
pub(crate) struct Metrics {
    decisions: Family<DecisionLabels, Counter>,
    findings: Family<CodeLabels, Counter>,
    faults: Family<FaultLabels, Counter>,
    duration: Histogram,
    targets: Histogram,
    calls: Family<CallLabels, Counter>,
    reloads: Family<ResultLabels, Counter>,
    ledger_errors: Counter,
    set: Mutex<String>,
}

/// What is asked of the ledger and the policy set when the metrics are printed.
pub(crate) struct State {
    pub halts: i64,
    pub open_batches: i64,
    pub oldest_open_seconds: i64,
    pub set_age_seconds: f64,
    pub ready: bool,
}

impl Metrics {
    pub fn new(set_sha256: &str) -> Self {
        Self {
            decisions: Family::default(),
            findings: Family::default(),
            faults: Family::default(),
            duration: Histogram::new(exponential_buckets(0.000_25, 2.0, 18)),
            targets: Histogram::new(exponential_buckets(1.0, 10.0, 10)),
            calls: Family::default(),
            reloads: Family::default(),
            ledger_errors: Counter::default(),
            set: Mutex::new(set_sha256.to_owned()),
        }
    }

    /// Counts a decision.
    pub fn decided(&self, mode: Mode, document: &DecisionDocument, took: Duration) {
        let labels = DecisionLabels { verdict: document.decision.as_str(), mode: mode.as_str() };
        self.decisions.get_or_create(&labels).inc();
        for finding in &document.findings {
            self.findings.get_or_create(&CodeLabels { code: finding.code.clone() }).inc();
        }
        for fault in &document.faults {
            let fault = fault.cause.as_str().to_owned();
            if fault == "ledger" {
                self.ledger_errors.inc();
            }
            self.faults.get_or_create(&FaultLabels { fault }).inc();
        }
        self.duration.observe(took.as_secs_f64());
        self.targets.observe(document.targets as f64);
    }

    /// Counts a call.
    pub fn called(&self, route: &'static str, status: u16) {
        self.calls.get_or_create(&CallLabels { route, status }).inc();
    }

    /// Counts a reload.
    pub fn reloaded(&self, worked: bool) {
        self.reloads.get_or_create(&ResultLabels { result: if worked { "ok" } else { "failed" } }).inc();
    }

    /// Notes the policy set that decides.
    pub fn set(&self, sha256: &str) {
        sha256.clone_into(&mut self.set.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Prints everything in the format of OpenMetrics, which Prometheus reads.
    pub fn print(&self, state: &State) -> String {
        let mut registry = Registry::with_prefix("reprieve");
        registry.register("decisions", "Decisions", self.decisions.clone());
        registry.register("findings", "Findings by code", self.findings.clone());
        registry.register("faults", "Faults by cause", self.faults.clone());
        registry.register("decision_duration_seconds", "Time of a decision, with the ledger", self.duration.clone());
        registry.register("targets", "Targets of a decision", self.targets.clone());
        registry.register("calls", "Calls by route and status", self.calls.clone());
        registry.register("reloads", "Attempts to read the policy set again", self.reloads.clone());
        registry.register("ledger_errors", "Decisions that could not be recorded", self.ledger_errors.clone());
        let sha256 = self.set.lock().unwrap_or_else(PoisonError::into_inner).clone();
        registry.register("policy_set", "The policy set that decides", Info::new([("sha256", sha256)]));
        let mut whole = |name: &str, help: &str, value: i64| {
            let gauge: Gauge = Gauge::default();
            gauge.set(value);
            registry.register(name, help, gauge);
        };
        whole("halted", "Halts in force", state.halts);
        whole("open_batches", "Allowed batches without an outcome", state.open_batches);
        whole("oldest_open_batch_seconds", "Age of the oldest of them", state.oldest_open_seconds);
        whole("ready", "Whether the service is ready", i64::from(state.ready));
        whole("policy_set_age_seconds", "Time since the policy set was read", state.set_age_seconds as i64);
        let mut page = String::new();
        // Writing to a string does not fail.
        text::encode(&mut page, &registry).map_or_else(|_| String::new(), |()| page)
    }
}
