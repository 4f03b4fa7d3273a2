//! `/policies`: the policy set that decides, and its last change.

use super::layout::{Page, action, duration, text};
use crate::app::App;
use crate::extract::Who;
use axum::extract::State;
use axum::response::Html;
use maud::html;
use reprieve::policy::Role;
use reprieve_report::render::short;
use std::sync::Arc;

pub(super) async fn page(State(app): State<Arc<App>>, Who(caller): Who) -> Html<String> {
    let (live, change) = (app.live(), app.last_change());
    let content = html! {
        h1 { "Policies" }
        p { "Set " code { (live.gate.set_sha256()) } ", read " (duration(live.read_at.elapsed().as_secs())) " ago." }
        (action(&caller, Role::Operate, "/v1/reload", "Read it again", &html! {}))
        @if let Some(change) = change {
            section aria-labelledby="change" {
                h2 id="change" { "Last change" }
                p { "By " (text(&change.by)) ": from " code { (short(&change.sets.from)) } " to "
                    code { (short(&change.sets.to)) } "." }
                ul { @for line in &change.differences { li { (text(line)) } } }
            }
        }
        @for policy in live.gate.policies() {
            section {
                h2 { (text(&policy.descriptor.name)) " " (text(&policy.descriptor.version))
                    @if !policy.enforced { " (report only)" } }
                p { (text(&policy.descriptor.summary)) }
                table.facts { caption { "what it is" } tbody {
                    tr { th scope="row" { "module" } td { code { (policy.sha256) } } }
                    tr { th scope="row" { "settings of the set" } td { (text(policy.settings)) } }
                } }
                table.facts { caption { "its rules" } tbody {
                    @for rule in &policy.descriptor.rules {
                        tr { th scope="row" { (text(&policy.descriptor.name)) "/" (text(&rule.code)) } td { (text(&rule.summary)) } }
                    }
                } }
            }
        }
    };
    Page { title: "Policies", command: Some("reprieve policies".to_owned()), caller: Some(&caller) }.render(&content)
}
