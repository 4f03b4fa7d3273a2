//! `/decisions/{entry}/approve`: people sign the list of a decision. Their private keys stay in their browser or on their machine.

use super::layout::{Page, text, time};
use crate::app::App;
use crate::extract::{EntryNumber, Who};
use crate::problem::Problem;
use axum::extract::State;
use axum::response::Html;
use maud::html;
use reprieve::policy::Role;
use reprieve_report::render::short;
use std::sync::Arc;

pub(super) async fn page(
    State(app): State<Arc<App>>,
    Who(caller): Who,
    EntryNumber(entry): EntryNumber,
) -> Result<Html<String>, Problem> {
    let shared = Arc::clone(&app);
    let (recorded, approvals) = app
        .pool
        .run(move |_| {
            let recorded = shared.ledger.decision(entry)?;
            let decision = &recorded.record.decision;
            let approvals = shared.ledger.approvals(&decision.request, &decision.targets_sha256)?;
            Ok((recorded, approvals))
        })
        .await?;
    let (claims, decision) = (&recorded.record.review.claims, &recorded.record.decision);
    let command = format!(
        "curl -s SERVICE/v1/decisions/{entry}/approval?key=NAME | reprieve sign --key NAME.key | curl --json @- SERVICE/v1/approvals"
    );
    let reason = claims.reason.as_ref().and_then(|reason| reason.text.as_deref());
    let content = html! {
        h1 { "Approve " (text(&decision.request)) }
        p {
            "You approve the " (claims.mode.phrase()) " of " (decision.targets) " targets of at most " (decision.tenants)
            " tenants in " (text(&claims.environment)) ", for the reason: " (text(reason.unwrap_or("none is stated")))
        }
        p { "List " code title=(decision.targets_sha256) { (short(&decision.targets_sha256)) } ", as it was when "
            a href={ "/decisions/" (entry) } { "entry " (entry) } " was decided." }
        section aria-labelledby="sofar" {
            h2 id="sofar" { "Approvals so far" }
            @if approvals.is_empty() {
                p { "Nobody has approved this list here." }
            } @else {
                ul { @for (number, recorded) in &approvals {
                    li { (text(recorded.approval.by.as_deref().unwrap_or("nobody"))) ", entry " (number)
                        @if let Some(at) = recorded.approval.at { ", " (time(at)) } }
                } }
                p { "Submit the same request again; these approvals are part of it." }
            }
        }
        section aria-labelledby="command" {
            h2 id="command" { "On your machine" }
            p { "Your name is that of your key. What you sign is shown to you first." }
            p { code { (text(&command)) } }
        }
        @if caller.may(Role::Approve) {
            section aria-labelledby="browser" {
                h2 id="browser" { "In this browser" }
                p { "The key is read by this page only, and not sent anywhere." }
                form.action data-sign=(entry) {
                    label { span { "Your key, " code { "NAME.key" } } input type="file" name="key" required; }
                    button { "Sign and send" }
                    p.result role="status" aria-live="polite" {}
                }
            }
        }
    };
    Ok(Page { title: "Approve", command: None, caller: Some(&caller) }.render(&content))
}
