//! The state of the policy: the offending targets of each rule.

use crate::rules::Settings;
use reprieve_sdk::serde::{Deserialize, Serialize};
use reprieve_sdk::{Chunk, Column, Context, KindName, Rows, Values, same_letters, same_name};

/// The columns that [`State::observe`] reads.
pub const COLUMNS: &[&str] =
    &["kind", "tenant", "environment", "resolved_kind", "resolved_tenant", "resolved_environment", "resolved_state"];

/// The offending targets by what is wrong with them. A target is counted once in each field that applies.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(crate = "reprieve_sdk::serde")]
pub struct State {
    /// The list or the inventory states a kind that the request does not.
    pub other_kind: Rows,
    /// The inventory states another kind than the list, and the request states both.
    pub swapped_kind: Rows,
    /// The list states no kind, and the request states several.
    pub kind_unknown: Rows,
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
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Kind {
    other: bool,
    protected: bool,
    unclear: bool,
}

impl Kind {
    /// Combines what two statements say of one target.
    const fn or(self, other: Self) -> Self {
        Self {
            other: self.other | other.other,
            protected: self.protected | other.protected,
            unclear: self.unclear | other.unclear,
        }
    }
}

impl State {
    pub fn observe(&mut self, context: &Context<Settings>, chunk: &Chunk) {
        self.observe_kinds(context, chunk);
        differing(chunk, "tenant", "resolved_tenant", |a, b| a == b || a.trim() == b.trim(), &mut self.other_tenant);
        self.observe_environments(context, chunk);
        if !context.is_soft() {
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
        let declared = context.declared_kinds();
        let Settings { protected_kinds, unprotected_kinds, .. } = &context.settings;
        let listed: Vec<KindName<'_>> = protected_kinds.iter().map(|listed| KindName::of(listed)).collect();
        let is_protected = |kind: KindName<'_>| listed.iter().any(|listed| kind.is(listed));
        let classify = |kind: &str| Kind {
            other: !declared.iter().any(|(declared, _)| same_name(kind, declared)),
            protected: is_protected(KindName::of(kind)),
            unclear: !kind.is_ascii() && !unprotected_kinds.iter().any(|listed| same_name(listed, kind)),
        };
        // A target may be of any declared kind unless the list says of which.
        let may_be = declared.iter().fold(Kind::default(), |all, (kind, _)| all.or(classify(kind)));
        let is_several = declared.len() > 1;
        let mut kinds = vec![if is_several { Kind::default() } else { may_be }; chunk.rows as usize];
        let first = chunk.row(0);
        if is_several && chunk.column("kind").is_none() {
            kinds.fill(may_be);
            (first..).take(kinds.len()).for_each(|row| self.kind_unknown.add_if(true, row));
        }
        for name in ["kind", "resolved_kind"] {
            each(chunk, name, classify, |row, found| {
                let Some(kind) = kinds.get_mut((row - first) as usize) else { return };
                let is_unknown = is_several && name == "kind" && found.is_none();
                self.kind_unknown.add_if(is_unknown, row);
                self.unresolved.add_if(name == "resolved_kind" && found.is_none(), row);
                *kind = kind.or(if is_unknown { may_be } else { found.unwrap_or_default() });
            });
        }
        if is_several {
            differing(chunk, "kind", "resolved_kind", same_name, &mut self.swapped_kind);
        }
        for (row, kind) in (first..).zip(kinds) {
            if kind == Kind::default() {
                continue;
            }
            self.other_kind.add_if(kind.other, row);
            self.protected.add_if(kind.protected, row);
            self.unclear.add_if(kind.unclear && !kind.protected, row);
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
                    self.environment_unknown.add_if(name == "resolved_environment" && differs.is_none(), row);
                    if let Some(other) = other.get_mut((row - first) as usize) {
                        *other |= differs == Some(true);
                    }
                },
            );
        }
        (first..).zip(other).for_each(|(row, other)| self.other_environment.add_if(other, row));
    }

    pub fn merge(&mut self, other: Self) {
        self.other_kind.merge(other.other_kind);
        self.swapped_kind.merge(other.swapped_kind);
        self.kind_unknown.merge(other.kind_unknown);
        self.unresolved.merge(other.unresolved);
        self.protected.merge(other.protected);
        self.unclear.merge(other.unclear);
        self.other_tenant.merge(other.other_tenant);
        self.other_environment.merge(other.other_environment);
        self.environment_unknown.merge(other.environment_unknown);
        self.live.merge(other.live);
    }
}

/// Adds the rows in which two columns state different values.
fn differing(chunk: &Chunk, listed: &str, resolved: &str, same: impl Fn(&str, &str) -> bool, rows: &mut Rows) {
    let (Some(listed), Some(resolved)) = (chunk.column(listed), chunk.column(resolved)) else { return };
    // Neighbours mostly have the same value, so most rows repeat the comparison of the row before.
    let mut last = (None, false);
    for row in 0..chunk.rows as usize {
        let codes = code(listed, row).zip(code(resolved, row));
        if codes.is_none() || codes != last.0 {
            let texts = listed.text(row).zip(resolved.text(row));
            last = (codes, texts.is_some_and(|(listed, resolved)| !same(listed, resolved)));
        }
        rows.add_if(last.1, chunk.row(row));
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
