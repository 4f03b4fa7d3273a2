//! The state of the policy: the offending targets of each rule.

use crate::identifier;
use crate::rules::Settings;
use reprieve_sdk::serde::{Deserialize, Serialize};
use reprieve_sdk::{Chunk, Context, Rows, non_blank};
use std::collections::BTreeMap;

/// The list's own column with the identifier that each target was found by.
const IDENTIFIER: &str = "x_identifier";

/// The columns that [`State::observe`] reads.
pub const COLUMNS: &[&str] = &["tenant", IDENTIFIER, "resolved_tenant", "tenants", "legal_hold", "retain_until"];

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
    /// In an erasure: the target was found by an unknown identifier.
    pub unidentified: Rows,
    /// In an erasure: what each identifier matched, by its canonical form.
    pub subjects: BTreeMap<String, Subject>,
}

/// What an identifier matched.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(crate = "reprieve_sdk::serde")]
pub struct Subject {
    /// The identifier in one of its spellings.
    pub text: String,
    /// The first row of each tenant.
    pub tenants: BTreeMap<String, u64>,
    /// The first rows without a known tenant, at most [`MAX_UNKNOWN`].
    pub unknown: Vec<u64>,
}

/// Each target without a known tenant may belong to another one, so two are enough to be ambiguous.
const MAX_UNKNOWN: usize = 2;

impl Subject {
    fn new(text: &str) -> Self {
        Self { text: text.to_owned(), ..Self::default() }
    }

    fn add(&mut self, tenant: Option<&str>, row: u64) {
        match tenant {
            Some(tenant) if self.tenants.contains_key(tenant) => {}
            Some(tenant) => drop(self.tenants.insert(tenant.to_owned(), row)),
            None if self.unknown.len() < MAX_UNKNOWN => self.unknown.push(row),
            None => {}
        }
    }

    /// The tenants that it may match.
    pub fn tenants_at_most(&self) -> usize {
        self.tenants.len() + self.unknown.len()
    }

    fn merge(&mut self, other: Self) {
        self.text = std::mem::take(&mut self.text).min(other.text);
        for (tenant, row) in other.tenants {
            self.tenants.entry(tenant).and_modify(|first| *first = (*first).min(row)).or_insert(row);
        }
        self.unknown.extend(other.unknown);
        self.unknown.sort_unstable();
        self.unknown.truncate(MAX_UNKNOWN);
    }
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
            self.observe_subjects(context, chunk);
        }
    }

    fn observe_subjects(&mut self, context: &Context<Settings>, chunk: &Chunk) {
        let identifiers = chunk.column(IDENTIFIER);
        let (claimed, resolved) = (chunk.column("tenant"), chunk.column("resolved_tenant"));
        let sharers = chunk.column("tenants");
        for row in 0..chunk.rows as usize {
            let text = identifiers.and_then(|column| column.text(row));
            let Some((text, form)) =
                text.and_then(|text| Some((text, identifier::canonical(text, context.settings.address_tags)?)))
            else {
                self.unidentified.add(chunk.row(row));
                continue;
            };
            let tenant = resolved.and_then(|column| column.text(row)).or_else(|| claimed?.text(row));
            let subject = self.subjects.entry(form).or_insert_with(|| Subject::new(text));
            // Whichever rows a partition has, the message names the same spelling.
            if text < subject.text.as_str() {
                text.clone_into(&mut subject.text);
            }
            subject.add(tenant, chunk.row(row));
            // A shared thing has data of others as well.
            let tenants = sharers.and_then(|column| column.u64(row)).unwrap_or(1);
            (1..tenants).take(MAX_UNKNOWN).for_each(|_| subject.add(None, chunk.row(row)));
        }
    }

    pub fn merge(&mut self, other: Self) {
        self.held.merge(other.held);
        self.kept.merge(other.kept);
        self.unknown.merge(other.unknown);
        self.unidentified.merge(other.unidentified);
        for (form, subject) in other.subjects {
            match self.subjects.get_mut(&form) {
                Some(known) => known.merge(subject),
                None => drop(self.subjects.insert(form, subject)),
            }
        }
    }
}

fn is_erasure(context: &Context<Settings>) -> bool {
    let basis = context.claims.reason().and_then(|reason| non_blank(&reason.basis));
    basis.is_some_and(|basis| context.settings.erasure_bases.iter().any(|listed| listed == basis))
}
