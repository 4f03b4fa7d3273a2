//! The state of the policy: the offending targets of each rule.

use crate::rules::Settings;
use reprieve_sdk::serde::{Deserialize, Serialize};
use reprieve_sdk::{Chunk, Column, Context, KindName, Mapped, Rows, Values, same_letters, same_name};

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

/// How a kind compares with the request and the settings: a set of flags.
type Flags = u8;
const OTHER: Flags = 1;
const PROTECTED: Flags = 2;
const UNCLEAR: Flags = 4;

impl State {
    pub fn observe(&mut self, context: &Context<Settings>, chunk: &Chunk) {
        self.observe_kinds(context, chunk);
        self.observe_environments(context, chunk);
        differing(chunk, "tenant", "resolved_tenant", |a, b| a.trim() == b.trim(), &mut self.other_tenant);
        if !context.is_soft() {
            let dead = &context.settings.dead_states;
            let is_dead = |state: &str| dead.iter().any(|listed| same_letters(listed, state));
            if let Some(states) = mapped(chunk, "resolved_state", is_dead) {
                for i in 0..chunk.rows as usize {
                    self.live.add_if(states.get(i) != Some(true), chunk.row(i));
                }
            }
        }
    }

    fn observe_kinds(&mut self, context: &Context<Settings>, chunk: &Chunk) {
        let declared = context.declared_kinds();
        let Settings { protected_kinds, unprotected_kinds, .. } = &context.settings;
        let protected: Vec<KindName<'_>> = protected_kinds.iter().map(|name| KindName::of(name)).collect();
        let flag = |flag: Flags, is_set: bool| if is_set { flag } else { 0 };
        let classify = |kind: &str| {
            let name = KindName::of(kind);
            let is_unclear = !kind.is_ascii() && !unprotected_kinds.iter().any(|listed| same_name(listed, kind));
            flag(OTHER, !declared.iter().any(|(declared, _)| same_name(kind, declared)))
                | flag(PROTECTED, protected.iter().any(|listed| name.is(listed)))
                | flag(UNCLEAR, is_unclear)
        };
        // A target may be of any declared kind unless the list says of which.
        let may_be = declared.iter().fold(0, |all, (kind, _)| all | classify(kind));
        let is_several = declared.len() > 1;
        let listed = mapped(chunk, "kind", classify);
        let resolved = mapped(chunk, "resolved_kind", classify);
        for i in 0..chunk.rows as usize {
            let row = chunk.row(i);
            let stated = listed.as_ref().and_then(|listed| listed.get(i));
            let mut kind = match stated {
                Some(stated) if is_several => stated,
                Some(stated) => may_be | stated,
                None => may_be,
            };
            self.kind_unknown.add_if(is_several && stated.is_none(), row);
            if let Some(resolved) = &resolved {
                let resolved = resolved.get(i);
                self.unresolved.add_if(resolved.is_none(), row);
                kind |= resolved.unwrap_or_default();
            }
            if kind != 0 {
                self.other_kind.add_if(kind & OTHER != 0, row);
                self.protected.add_if(kind & PROTECTED != 0, row);
                self.unclear.add_if(kind & (UNCLEAR | PROTECTED) == UNCLEAR, row);
            }
        }
        if is_several {
            differing(chunk, "kind", "resolved_kind", same_name, &mut self.swapped_kind);
        }
    }

    fn observe_environments(&mut self, context: &Context<Settings>, chunk: &Chunk) {
        let declared = context.claims.environment().as_str();
        let differs = |environment: &str| environment != declared;
        let listed = mapped(chunk, "environment", differs);
        let resolved = mapped(chunk, "resolved_environment", differs);
        if listed.is_none() && resolved.is_none() {
            return;
        }
        for i in 0..chunk.rows as usize {
            let resolved = resolved.as_ref().map(|resolved| resolved.get(i));
            let differs = listed.as_ref().and_then(|listed| listed.get(i)) == Some(true);
            self.other_environment.add_if(differs || resolved == Some(Some(true)), chunk.row(i));
            self.environment_unknown.add_if(resolved == Some(None), chunk.row(i));
        }
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
    if listed.values == resolved.values {
        return;
    }
    // Neighbours mostly have the same value, so most rows repeat the comparison of the row before.
    let mut last = (None, false);
    for i in 0..chunk.rows as usize {
        let codes = code(listed, i).zip(code(resolved, i));
        if codes.is_none() || codes != last.0 {
            let texts = listed.text(i).zip(resolved.text(i));
            last = (codes, texts.is_some_and(|(listed, resolved)| listed != resolved && !same(listed, resolved)));
        }
        rows.add_if(last.1, chunk.row(i));
    }
}

/// The code of a known value.
fn code(column: &Column, row: usize) -> Option<u32> {
    match &column.values {
        Values::Codes(codes) if column.validity.is_known(row) => codes.values.get(row).copied(),
        _ => None,
    }
}

/// Maps each distinct value of a column once. None: the batch does not have it.
fn mapped<'a, T: Copy>(chunk: &'a Chunk, name: &str, map: impl FnMut(&str) -> T) -> Option<Mapped<'a, T>> {
    Some(chunk.column(name)?.mapped(map))
}
