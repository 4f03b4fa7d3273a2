//! How much of its limits over time a campaign has used.

use crate::app::App;
use crate::problem::Problem;
use maud::{Markup, html};
use reprieve::Gate;
use reprieve::history::{Question, kind_label};
use reprieve::ledger::Ledger;
use reprieve::model::{Deleted, HistoryFacts, Mode};
use serde_json::Value;
use std::borrow::Cow;

/// What was deleted as the next batch of a campaign would count it.
pub(super) struct Velocity {
    mode: Mode,
    environment: String,
    history: HistoryFacts,
}

impl Velocity {
    /// Asks the ledger, for a batch like the one of an entry. It blocks.
    pub fn of(app: &App, gate: &Gate, entry: u64) -> Result<Self, Problem> {
        let claims = app.ledger.decision(entry)?.record.review.claims;
        let question = Question {
            mode: claims.mode,
            environment: &claims.environment,
            environments: Cow::Borrowed(gate.environments()),
            kind: kind_label(&claims),
            actor: claims.actor.as_ref().and_then(|actor| actor.id.as_deref()),
            campaign: claims.campaign.as_deref(),
            override_id: None,
        };
        let history = app.ledger.view(&question)?.history;
        Ok(Self { mode: claims.mode, history, environment: claims.environment })
    }

    /// A table of what was deleted, beside what the policies of a set allow.
    pub fn table(&self, gate: &Gate) -> Markup {
        let Self { mode, environment, history } = self;
        let spans = &history.same_mode;
        let tenants_a_day = if *mode == Mode::Soft { "tenants_a_day_soft" } else { "tenants_a_day" };
        let rows = [
            ("in the last hour", &spans.hour, None),
            ("in the last 24 hours", &spans.day, setting(gate, "timing", tenants_a_day)),
            ("in the last 30 days", &spans.month, None),
        ];
        let last = history.campaign_last.as_ref();
        let next = last.zip(setting(gate, "rehearsal", "growth"));
        html! {
            table.facts {
                caption { "what counts together with a " (mode.as_str()) " batch in " (super::layout::text(environment)) }
                thead { tr { th scope="col" { "time" } th scope="col" { "batches" } th scope="col" { "targets" }
                    th scope="col" { "tenants" } th scope="col" { "tenants at most" } } }
                tbody { @for (time, deleted, max) in rows { (row(time, deleted, max)) } }
            }
            @if let Some((last, growth)) = next {
                p { "The last batch reached " (last.tenants) " tenants; the next one may reach at most "
                    (last.tenants.saturating_mul(growth)) " (" code { "growth" } " is " (growth) ")." }
            }
        }
    }
}

fn row(time: &str, deleted: &Deleted, max: Option<u64>) -> Markup {
    html! {
        tr {
            th scope="row" { (time) }
            td { (deleted.batches) } td { (deleted.targets) } td { (deleted.tenants) }
            td { @match max {
                Some(max) => { (max) " " meter min="0" max=(max) value=(deleted.tenants.min(max)) { (deleted.tenants) " of " (max) } }
                None => "no limit",
            } }
        }
    }
}

/// A number that a policy of the set has as a setting, stated or by default. `None` if the set has no such policy.
fn setting(gate: &Gate, policy: &str, name: &str) -> Option<u64> {
    let policy = gate.policies().find(|known| known.descriptor.name == policy)?;
    let stated = serde_json::from_str::<Value>(policy.settings).ok();
    let stated = stated.as_ref().and_then(|settings| settings.get(name)).and_then(Value::as_u64);
    stated.or_else(|| policy.descriptor.settings_schema["properties"][name]["default"].as_u64())
}
