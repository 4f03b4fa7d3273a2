//! `/decisions/{entry}`: a decision, whom it affects, and what became of the batch.

use super::layout::{Page, action, field, time};
use crate::app::App;
use crate::extract::{EntryNumber, Who};
use crate::problem::Problem;
use axum::extract::State;
use axum::response::Html;
use maud::{Markup, PreEscaped, html};
use reprieve::model::Verdict;
use reprieve::policy::Role;
use reprieve_ledger::{RecordedDecision, RestoredTenant};
use reprieve_report::render::html::{Beside, Tenants, report};
use reprieve_report::render::{Printed, RequestFile};
use std::sync::Arc;

/// The titles of the table of tenants.
const TITLES: [&str; 5] = ["tenant", "things", "owner", "contact", "restored in"];
/// The number of tenants that a page shows.
const MAX_TENANTS: usize = 1_000;

pub(super) async fn page(
    State(app): State<Arc<App>>,
    Who(caller): Who,
    EntryNumber(entry): EntryNumber,
) -> Result<Html<String>, Problem> {
    let shared = Arc::clone(&app);
    let (recorded, body, named) = app
        .pool
        .run(move |_| {
            let recorded = shared.ledger.decision(entry)?;
            let (body, named) = body(&recorded)?;
            Ok((recorded, body, named))
        })
        .await?;
    let decision = &recorded.record.decision;
    let is_open = decision.decision == Verdict::Allow && recorded.outcome.is_none();
    let route = |what: &str| format!("/v1/decisions/{entry}/{what}");
    let commit = html! {
        (field("deleted", "Number of deleted targets", "number", false))
        (field("note", "Note", "text", false))
    };
    let campaign = recorded.record.review.claims.campaign.as_deref();
    let content = html! {
        (PreEscaped(body))
        @if recorded.unnamed_tenants(named) > 0 {
            p { "At most " (recorded.unnamed_tenants(named)) " tenants have no name, or are further down the list." }
        }
        section aria-labelledby="next" {
            h2 id="next" { "Record" }
            p { "Entry " (entry) ", recorded " (time(recorded.at)) }
            @if let Some(used) = recorded.used { p { "Its permit was used in entry " (used) "." } }
            @if let Some(campaign) = campaign {
                p { "Campaign: " a href={ "/campaigns/" (path(campaign)) } { (super::layout::text(campaign)) } }
            }
            @if decision.decision != Verdict::Allow {
                p { a href={ "/decisions/" (entry) "/approve" } { "Approve this list" } }
            }
            @if is_open {
                (action(&caller, Role::Execute, &route("permit"), "Take the permit", &html! {}))
                (action(&caller, Role::Execute, &route("commit"), "Record that it ran", &commit))
                (action(&caller, Role::Execute, &route("abort"), "Record that it did not run", &field("reason", "Reason", "text", true)))
            }
            form.action data-get=(route("replay")) {
                button { "Make the decision again" }
                p.result role="status" aria-live="polite" {}
            }
        }
    };
    let command = Some(format!("reprieve report {entry} --verbose"));
    Ok(Page { title: &decision.request, command, caller: Some(&caller) }.render(&content))
}

/// The report of a decision, and the number of tenants that it names.
fn body(recorded: &RecordedDecision) -> Result<(String, usize), Problem> {
    let (document, outcome) = (recorded.document(), recorded.state_in_words());
    let request = RequestFile::named("REQUEST");
    let printed = Printed { claims: &recorded.record.review.claims, document: &document, request: &request };
    let tenants = recorded.restore_order()?;
    let rows: Vec<Vec<String>> = tenants.iter().take(MAX_TENANTS).map(cells).collect();
    let beside =
        Beside { read_as: &[], outcome: Some(&outcome), tenants: Some(Tenants { titles: &TITLES, rows: &rows }) };
    let mut body = String::new();
    report(&mut body, &printed, &recorded.breakdown()?, beside)
        .map_err(|_| Problem::unavailable("the decision cannot be shown"))?;
    Ok((body, rows.len()))
}

fn cells(tenant: &RestoredTenant) -> Vec<String> {
    let RestoredTenant { affected, batch, after } = tenant;
    let known = |text: &Option<String>| text.clone().unwrap_or_else(|| "unknown".to_owned());
    let restored = format!("batch {batch}, after {after}");
    vec![
        affected.tenant.clone(),
        format!("{} things", affected.things),
        known(&affected.owner),
        known(&affected.contact),
        restored,
    ]
}

/// A name as a part of a path.
fn path(name: &str) -> Markup {
    let part = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    html! { (name.bytes().map(part).collect::<String>()) }
}
