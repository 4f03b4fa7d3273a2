//! The state of the policy: the offending targets of each rule.

use crate::rules::Settings;
use reprieve_sdk::serde::{Deserialize, Serialize};
use reprieve_sdk::{Chunk, Column, Context, Rows, Values, same_kind, same_letters, same_name};

/// The columns that [`State::observe`] reads.
pub const COLUMNS: &[&str] =
    &["kind", "tenant", "environment", "resolved_kind", "resolved_tenant", "resolved_environment", "resolved_state"];

/// The offending targets by what is wrong with them. A target is counted once in each field that applies.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(crate = "reprieve_sdk::serde")]
pub struct State {
    /// The list or the inventory states another kind than the request.
    pub other_kind: Rows,
    /// The inventory states no kind.
    pub unresolved: Rows,
    /// The list, the inventory or the request states a protected kind.
    pub protected: Rows,
    /// The list, the inventory or the request states a kind that may look like a protected one.
    pub unclear: Rows,
    /// The inventory states another tenant than the list.
    pub other_tenant: Rows,
    /// The list or the inventory states another environment than the request.
    pub other_environment: Rows,
    /// The inventory states no environment.
    pub environment_unknown: Rows,
    /// The inventory states no state, or one in which a target may not be hard-deleted.
    pub live: Rows,
}

/// How a kind compares with the request and the settings.
#[derive(Clone, Copy, Default)]
struct Kind {
    other: bool,
    protected: bool,
    unclear: bool,
}

impl State {
    pub fn observe(&mut self, context: &Context<Settings>, chunk: &Chunk) {
        self.observe_kinds(context, chunk);
        self.observe_tenants(chunk);
        self.observe_environments(context, chunk);
        if context.is_hard() {
            let dead = &context.settings.dead_states;
            each(
                chunk,
                "resolved_state",
                |state| dead.iter().any(|listed| same_letters(listed, state)),
                |row, is_dead| {
                    self.live.add_if(is_dead != Some(true), row);
                },
            );
        }
    }

    fn observe_kinds(&mut self, context: &Context<Settings>, chunk: &Chunk) {
        let declared = context.claims.target_kind().as_str();
        let Settings { protected_kinds, unprotected_kinds, .. } = &context.settings;
        let classify = |kind: &str| Kind {
            other: !same_name(kind, declared),
            protected: protected_kinds.iter().any(|listed| same_kind(listed, kind)),
            unclear: !kind.is_ascii() && !unprotected_kinds.iter().any(|listed| same_name(listed, kind)),
        };
        let mut kinds = vec![classify(declared); chunk.rows as usize];
        let first = chunk.row(0);
        for name in ["kind", "resolved_kind"] {
            each(chunk, name, classify, |row, found| {
                if let (Some(kind), Some(found)) = (kinds.get_mut((row - first) as usize), found) {
                    kind.other |= found.other;
                    kind.protected |= found.protected;
                    kind.unclear |= found.unclear;
                }
            });
        }
        for (row, kind) in (first..).zip(kinds) {
            self.other_kind.add_if(kind.other, row);
            self.protected.add_if(kind.protected, row);
            self.unclear.add_if(kind.unclear && !kind.protected, row);
        }
        each(chunk, "resolved_kind", |_| (), |row, known| self.unresolved.add_if(known.is_none(), row));
    }

    fn observe_tenants(&mut self, chunk: &Chunk) {
        let (Some(listed), Some(resolved)) = (chunk.column("tenant"), chunk.column("resolved_tenant")) else {
            return;
        };
        // Neighbours mostly have the same tenant, so most rows repeat the comparison of the row before.
        let mut last = (None, false);
        for row in 0..chunk.rows as usize {
            let codes = code(listed, row).zip(code(resolved, row));
            if codes.is_none() || codes != last.0 {
                let differs = match (listed.text(row), resolved.text(row)) {
                    (Some(listed), Some(resolved)) => listed.trim() != resolved.trim(),
                    _ => false,
                };
                last = (codes, differs);
            }
            self.other_tenant.add_if(last.1, chunk.row(row));
        }
    }

    fn observe_environments(&mut self, context: &Context<Settings>, chunk: &Chunk) {
        let declared = context.claims.environment().as_str();
        let mut other = vec![false; chunk.rows as usize];
        let first = chunk.row(0);
        for name in ["environment", "resolved_environment"] {
            each(
                chunk,
                name,
                |environment| environment != declared,
                |row, differs| {
                    if let Some(other) = other.get_mut((row - first) as usize) {
                        *other |= differs == Some(true);
                    }
                },
            );
        }
        (first..).zip(other).for_each(|(row, other)| self.other_environment.add_if(other, row));
        each(
            chunk,
            "resolved_environment",
            |_| (),
            |row, known| self.environment_unknown.add_if(known.is_none(), row),
        );
    }

    pub fn merge(&mut self, other: Self) {
        self.other_kind.merge(other.other_kind);
        self.unresolved.merge(other.unresolved);
        self.protected.merge(other.protected);
        self.unclear.merge(other.unclear);
        self.other_tenant.merge(other.other_tenant);
        self.other_environment.merge(other.other_environment);
        self.environment_unknown.merge(other.environment_unknown);
        self.live.merge(other.live);
    }
}

/// The code of a known value.
fn code(column: &Column, row: usize) -> Option<u32> {
    match &column.values {
        Values::Codes(codes) if column.validity.is_known(row) => codes.values.get(row).copied(),
        _ => None,
    }
}

/// Tests the values of a column, if the batch has it. Calls `each_row` with the row number in the batch and the
/// result, or `None` if the value is unknown.
fn each<T: Copy>(chunk: &Chunk, name: &str, test: impl FnMut(&str) -> T, mut each_row: impl FnMut(u64, Option<T>)) {
    if let Some(column) = chunk.column(name) {
        column.map_distinct(test, |row, result| each_row(chunk.row(row), result));
    }
}
