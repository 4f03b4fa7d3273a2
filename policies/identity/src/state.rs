//! What is kept from chunk to chunk: for each rule, the targets that offend.

use crate::rules::Settings;
use reprieve_sdk::serde::{Deserialize, Serialize};
use reprieve_sdk::{Case, Chunk, Rows, same_kind};

/// The columns that [`State::observe`] reads.
pub const COLUMNS: &[&str] = &["kind", "environment", "resolved_kind", "resolved_environment", "resolved_state"];

/// The offending targets by what is wrong with them. A target stands in each that applies.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(crate = "reprieve_sdk::serde")]
pub struct State {
    /// The list or the inventory gives another kind than the request.
    pub other_kind: Rows,
    /// The inventory gives no kind.
    pub unresolved: Rows,
    /// The list, the inventory or the request gives a protected kind.
    pub protected: Rows,
    /// The list or the inventory gives another environment than the request.
    pub other_environment: Rows,
    /// The inventory gives no environment.
    pub environment_unknown: Rows,
    /// The inventory gives a state of use, or none.
    pub live: Rows,
}

/// What one value of a kind column says.
#[derive(Clone, Copy, Default)]
struct Kind {
    other: bool,
    protected: bool,
}

impl State {
    pub fn observe(&mut self, case: &Case<Settings>, chunk: &Chunk) {
        self.observe_kinds(case, chunk);
        self.observe_environments(case, chunk);
        if case.is_hard() {
            let dead = &case.settings.dead_states;
            each(
                chunk,
                "resolved_state",
                |state| dead.iter().any(|listed| listed == state),
                |row, is_dead| {
                    self.live.add_if(is_dead != Some(true), row);
                },
            );
        }
    }

    fn observe_kinds(&mut self, case: &Case<Settings>, chunk: &Chunk) {
        let declared = case.claims.target_kind().as_str();
        let protected = |kind: &str| case.settings.protected_kinds.iter().any(|listed| same_kind(listed, kind));
        let judge = |kind: &str| Kind { other: kind != declared, protected: protected(kind) };
        let mut kinds = vec![judge(declared); chunk.rows as usize];
        let first = chunk.row(0);
        for name in ["kind", "resolved_kind"] {
            each(chunk, name, judge, |row, said| {
                if let (Some(kind), Some(said)) = (kinds.get_mut((row - first) as usize), said) {
                    kind.other |= said.other;
                    kind.protected |= said.protected;
                }
            });
        }
        for (row, kind) in (first..).zip(kinds) {
            self.other_kind.add_if(kind.other, row);
            self.protected.add_if(kind.protected, row);
        }
        each(chunk, "resolved_kind", |_| (), |row, known| self.unresolved.add_if(known.is_none(), row));
    }

    fn observe_environments(&mut self, case: &Case<Settings>, chunk: &Chunk) {
        let declared = case.claims.environment().as_str();
        let mut other = vec![false; chunk.rows as usize];
        let first = chunk.row(0);
        for name in ["environment", "resolved_environment"] {
            each(
                chunk,
                name,
                |environment| environment != declared,
                |row, said| {
                    if let Some(other) = other.get_mut((row - first) as usize) {
                        *other |= said == Some(true);
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
        self.other_environment.merge(other.other_environment);
        self.environment_unknown.merge(other.environment_unknown);
        self.live.merge(other.live);
    }
}

/// Judges a column, if the batch has it, and gives each row's number in the batch with the verdict on its value.
fn each<T: Copy>(chunk: &Chunk, name: &str, test: impl FnMut(&str) -> T, mut verdict: impl FnMut(u64, Option<T>)) {
    if let Some(column) = chunk.column(name) {
        column.judge(test, |row, said| verdict(chunk.row(row), said));
    }
}
