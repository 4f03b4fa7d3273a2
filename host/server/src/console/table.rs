//! The table of decisions.

use super::layout::{text, time};
use maud::{Markup, html};
use reprieve::model::BatchState;
use reprieve_ledger::Summary;

/// A table of decisions.
pub(super) fn decisions(caption: &str, decisions: &[Summary]) -> Markup {
    html! {
        table.wide {
            caption { (caption) }
            thead { tr {
                @for title in ["entry", "request", "verdict", "batch", "state", "recorded"] { th scope="col" { (title) } }
            } }
            tbody { @for decision in decisions.iter().rev() { (row(decision)) } }
        }
    }
}

fn row(decision: &Summary) -> Markup {
    let verdict = decision.decision.as_str();
    let state = match decision.state {
        BatchState::NotAllowed => "not allowed",
        state => state.as_str(),
    };
    html! {
        tr {
            th scope="row" { a href={ "/decisions/" (decision.entry) } { (decision.entry) } }
            td { (text(&decision.request)) }
            td class=(verdict) { (verdict) }
            td {
                (decision.mode.phrase()) " of " (decision.targets) " targets of " (decision.tenants) " tenants in "
                (text(&decision.environment))
            }
            td { (state) }
            td { (time(decision.at)) }
        }
    }
}
