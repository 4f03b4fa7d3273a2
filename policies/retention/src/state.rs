//! The state of the policy: the offending targets of each rule.

use crate::rules::Settings;
use reprieve_sdk::serde::{Deserialize, Serialize};
use reprieve_sdk::{Chunk, Context, Rows, non_blank};
use std::collections::BTreeMap;

/// The list's own column with the identifier that each target was found by.
const IDENTIFIER: &str = "x_identifier";

/// The columns that [`State::observe`] reads.
pub const COLUMNS: &[&str] = &["tenant", IDENTIFIER, "resolved_tenant", "legal_hold", "retain_until"];

/// The offending targets by what is wrong with them. A target is counted once in each field that applies.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(crate = "reprieve_sdk::serde")]
pub struct State {
    /// The target is under a legal hold.
    pub held: Rows,
    /// The retention period of the target has not ended.
    pub kept: Rows,
    /// The inventory states no legal hold or no retention period, not even that they do not exist.
    pub unknown: Rows,
    /// The tenants that each identifier matched, with the first row of each.
    pub subjects: BTreeMap<String, BTreeMap<String, u64>>,
}

impl State {
    pub fn observe(&mut self, context: &Context<Settings>, chunk: &Chunk) {
        let now = context.facts.evaluated_at().seconds();
        let (hold, until) = (chunk.column("legal_hold"), chunk.column("retain_until"));
        for row in 0..chunk.rows as usize {
            let hold = hold.and_then(|hold| hold.bool(row));
            let until = until.and_then(|until| until.i64(row));
            self.held.add_if(hold == Some(true), chunk.row(row));
            self.kept.add_if(until.is_some_and(|until| until > now), chunk.row(row));
            self.unknown.add_if(hold.is_none() || until.is_none(), chunk.row(row));
        }
        if is_erasure(context) {
            self.observe_subjects(chunk);
        }
    }

    fn observe_subjects(&mut self, chunk: &Chunk) {
        let Some(identifiers) = chunk.column(IDENTIFIER) else { return };
        let (claimed, resolved) = (chunk.column("tenant"), chunk.column("resolved_tenant"));
        for row in 0..chunk.rows as usize {
            let tenant = resolved.and_then(|column| column.text(row)).or_else(|| claimed?.text(row));
            if let (Some(identifier), Some(tenant)) = (identifiers.text(row), tenant) {
                let tenants = self.subjects.entry(identifier.to_owned()).or_default();
                tenants.entry(tenant.to_owned()).or_insert_with(|| chunk.row(row));
            }
        }
    }

    pub fn merge(&mut self, other: Self) {
        self.held.merge(other.held);
        self.kept.merge(other.kept);
        self.unknown.merge(other.unknown);
        for (identifier, tenants) in other.subjects {
            let known = self.subjects.entry(identifier).or_default();
            for (tenant, row) in tenants {
                known.entry(tenant).and_modify(|first| *first = (*first).min(row)).or_insert(row);
            }
        }
    }
}

fn is_erasure(context: &Context<Settings>) -> bool {
    let basis = context.claims.reason().and_then(|reason| non_blank(&reason.basis));
    basis.is_some_and(|basis| context.settings.erasure_bases.iter().any(|listed| listed == basis))
}
