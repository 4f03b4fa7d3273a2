//! `/campaigns/{name}`: the batches of a campaign, how much each deletes, and how much of its limits is used.

use super::layout::{Page, text};
use super::table::decisions;
use super::velocity::Velocity;
use crate::app::App;
use crate::extract::Who;
use crate::problem::Problem;
use axum::extract::{Path, State};
use axum::response::Html;
use maud::html;
use reprieve::model::BatchState;
use reprieve_ledger::Filter;
use std::sync::Arc;

/// The number of batches that are shown.
const LAST: u64 = 500;

pub(super) async fn page(
    State(app): State<Arc<App>>,
    Who(caller): Who,
    Path(name): Path<String>,
) -> Result<Html<String>, Problem> {
    let (shared, live, campaign) = (Arc::clone(&app), app.live(), name.clone());
    let gate = live.gate.clone();
    let found = app
        .pool
        .run(move |_| {
            let filter = Filter { campaign: Some(campaign), last: Some(LAST), ..Filter::default() };
            let batches = shared.ledger.decisions(&filter)?;
            let last = batches.iter().map(|batch| batch.entry).max();
            let velocity = last.map(|last| Velocity::of(&shared, &gate, last)).transpose()?;
            Ok(velocity.map(|velocity| (batches, velocity)))
        })
        .await?;
    let Some((batches, velocity)) = found else {
        return Err(Problem::not_found(format!("no decision is of the campaign `{name}`")));
    };
    let counted: Vec<_> =
        batches.iter().filter(|batch| matches!(batch.state, BatchState::Open | BatchState::Committed)).collect();
    let (targets, tenants): (u64, u64) =
        counted.iter().fold((0, 0), |(targets, tenants), batch| (targets + batch.targets, tenants + batch.tenants));
    let most = counted.iter().map(|batch| batch.tenants).max().unwrap_or_default().max(1);
    let limits: Vec<(String, String)> = live
        .gate
        .policies()
        .filter(|policy| matches!(policy.descriptor.name.as_str(), "timing" | "rehearsal" | "blast-radius"))
        .map(|policy| (policy.descriptor.name.clone(), policy.settings.to_owned()))
        .collect();
    let content = html! {
        h1 { "Campaign " (text(&name)) }
        p { (counted.len()) " batches ran or are open: " (targets) " targets of at most " (tenants) " tenants." }
        section aria-labelledby="growth" {
            h2 id="growth" { "Tenants of each batch" }
            table.plot { caption { "batches that ran or are open, the oldest first" } tbody {
                @for batch in &counted {
                    tr {
                        th scope="row" { a href={ "/decisions/" (batch.entry) } { (text(&batch.request)) } }
                        td { svg role="img" viewBox="0 0 1000 10" preserveAspectRatio="none" {
                            title { (batch.tenants) " tenants" }
                            rect width=((u128::from(batch.tenants) * 1000).div_ceil(u128::from(most))) height="10" {}
                        } }
                        td { (batch.tenants) }
                    }
                }
            } }
        }
        section aria-labelledby="limits" {
            h2 id="limits" { "Limits over time" }
            (velocity.table(&live.gate))
            p { "What the set changes; everything else has the default that " code { "reprieve explain" } " states." }
            table.facts { caption { "settings of the policies that limit growth and speed" } tbody {
                @for (policy, settings) in &limits {
                    tr { th scope="row" { (policy) } td { (text(settings)) } }
                }
            } }
        }
        section aria-labelledby="all" {
            h2 id="all" { "Decisions" }
            (decisions("decisions of the campaign, the newest first", &batches))
        }
    };
    Ok(Page { title: &name, command: Some(format!("reprieve ledger list --campaign {name}")), caller: Some(&caller) }
        .render(&content))
}
