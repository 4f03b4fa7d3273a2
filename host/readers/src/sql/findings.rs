//! What the statements of a file do: what they delete, and what deserves a note.

use crate::Action;
use sqlparser::ast::ObjectName;
use std::collections::{BTreeMap, BTreeSet};

/// Functions that are known not to delete. Others are named in a note.
const HARMLESS: &[&str] = &[
    "abs",
    "array_agg",
    "avg",
    "cast",
    "ceil",
    "char_length",
    "coalesce",
    "concat",
    "count",
    "curdate",
    "current_date",
    "current_timestamp",
    "date",
    "date_add",
    "date_sub",
    "date_trunc",
    "datetime",
    "extract",
    "floor",
    "generate_series",
    "greatest",
    "if",
    "ifnull",
    "json_agg",
    "least",
    "length",
    "lower",
    "ltrim",
    "max",
    "min",
    "nextval",
    "now",
    "nullif",
    "replace",
    "round",
    "row_number",
    "rtrim",
    "set_config",
    "setval",
    "strftime",
    "substr",
    "substring",
    "sum",
    "to_char",
    "to_date",
    "to_timestamp",
    "trim",
    "unnest",
    "upper",
    "uuid",
    "version",
];

/// A deletion of a file.
#[derive(PartialEq, Eq, Hash)]
pub(super) enum Found {
    /// A thing that the statement names.
    Item { kind: String, id: String, action: Action, verb: &'static str },
    /// A statement that selects what it deletes.
    Selector { statement: String, verb: &'static str },
}

impl Found {
    pub(super) fn verb(&self) -> &'static str {
        match self {
            Self::Item { verb, .. } | Self::Selector { verb, .. } => verb,
        }
    }
}

/// What the statements of a file do.
#[derive(Default)]
pub(super) struct Findings {
    /// The deletions with their lines.
    pub(super) found: Vec<(u64, Found)>,
    /// Whether a statement has CASCADE.
    pub(super) cascade: bool,
    /// The line of a transaction that is not ended.
    pub(super) open_transaction: Option<u64>,
    /// The line of the first renaming.
    pub(super) renamed: Option<u64>,
    /// The lines of statements whose rows a further condition narrows.
    pub(super) narrowed: BTreeSet<u64>,
    /// The lines of rollbacks.
    pub(super) rollbacks: BTreeSet<u64>,
    others: BTreeMap<&'static str, u64>,
    functions: BTreeSet<String>,
}

impl Findings {
    /// Whether there is no statement at all.
    pub(super) fn is_empty(&self) -> bool {
        self.found.is_empty() && self.others.is_empty()
    }

    /// Describes what is in the file and is not a deletion.
    pub(super) fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        let others: Vec<String> = self.others.iter().map(|(name, count)| format!("{count} {name}")).collect();
        if !others.is_empty() {
            notes.push(format!("statements that delete nothing themselves: {}", others.join(", ")));
        }
        for line in &self.narrowed {
            notes.push(format!("line {line}: a further condition may keep rows that are listed"));
        }
        for line in &self.rollbacks {
            notes.push(format!("line {line}: a rollback may undo what is listed"));
        }
        if !self.functions.is_empty() {
            let names: Vec<&str> = self.functions.iter().map(String::as_str).collect();
            notes.push(format!("functions that are called and may delete: {}", names.join(", ")));
        }
        notes
    }

    /// Adds a thing that a statement names.
    pub(super) fn item(
        &mut self,
        line: u64,
        verb: &'static str,
        kind: &str,
        id: Option<String>,
        action: Action,
    ) -> Result<(), String> {
        let id = id.ok_or_else(|| format!("the name of the {kind} is not understood"))?;
        self.found.push((line, Found::Item { kind: kind.to_owned(), id, action, verb }));
        Ok(())
    }

    /// Counts a statement that deletes nothing itself.
    pub(super) fn other(&mut self, name: &'static str) {
        let count = self.others.entry(name).or_default();
        *count = count.saturating_add(1);
    }

    /// Notes a function that is called.
    pub(super) fn function(&mut self, name: &ObjectName) {
        let name = name.to_string();
        if !HARMLESS.contains(&name.to_ascii_lowercase().trim_start_matches("pg_catalog.")) {
            self.functions.insert(name);
        }
    }
}
