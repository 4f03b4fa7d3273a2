//! `/`: what is in force now.

use super::layout::{Page, action, duration, field, text};
use super::table::decisions;
use crate::app::App;
use crate::extract::Who;
use crate::problem::Problem;
use axum::extract::State;
use axum::response::Html;
use maud::html;
use reprieve::policy::Role;
use reprieve_ledger::Filter;
use reprieve_report::render::short;
use std::sync::Arc;

/// The number of decisions that are shown.
const LAST: u64 = 50;

pub(super) async fn page(State(app): State<Arc<App>>, Who(caller): Who) -> Result<Html<String>, Problem> {
    let shared = Arc::clone(&app);
    let (halts, open, last, not_ready) = app
        .pool
        .run(move |_| {
            let ledger = &shared.ledger;
            let open = ledger.decisions(&Filter { open: true, last: Some(LAST), ..Filter::default() })?;
            let last = ledger.decisions(&Filter { last: Some(LAST), ..Filter::default() })?;
            Ok((ledger.halts()?, open, last, shared.not_ready()))
        })
        .await?;
    let live = app.live();
    let several = halts.len() > 1;
    let entry = html! { @if several { (field("entry", "Entry of the halt", "number", true)) } };
    let content = html! {
        h1 { "Now" }
        @if let Some(why) = not_ready {
            p.deny role="alert" { "Not ready: " (text(&why)) }
        }
        section aria-labelledby="halts" {
            h2 id="halts" { "Halts" }
            @if halts.is_empty() {
                p { "Nothing is halted." }
                (action(&caller, Role::Operate, "/v1/halt", "Halt everything", &field("reason", "Reason", "text", true)))
            } @else {
                p.deny role="alert" { "Everything is denied:" }
                ul { @for halt in &halts {
                    li { (text(&halt.halt.reason)) ", by " (text(&halt.halt.by)) " (entry " (halt.entry) ")" }
                } }
                (action(&caller, Role::Operate, "/v1/resume", "Resume", &html! { (field("reason", "Reason", "text", true)) (entry) }))
            }
        }
        section aria-labelledby="open" {
            h2 id="open" { "Open batches" }
            @if open.is_empty() {
                p { "Every allowed batch has an outcome." }
            } @else {
                p { "Allowed, and counted in full until the outcome is recorded." }
                (decisions("open batches, the newest first", &open))
            }
        }
        section aria-labelledby="set" {
            h2 id="set" { "Policy set" }
            p {
                a href="/policies" { (live.gate.policies().count()) " policies" } ", set "
                code { (short(live.gate.set_sha256())) } ", read " (duration(live.read_at.elapsed().as_secs())) " ago"
            }
        }
        section aria-labelledby="last" {
            h2 id="last" { "Last decisions" }
            @if last.is_empty() { p { "Nothing was decided yet." } }
            @else { (decisions("decisions, the newest first", &last)) }
        }
    };
    let command = Some("reprieve ledger list".to_owned());
    Ok(Page { title: "Now", command, caller: Some(&caller) }.render(&content))
}
