//! The programs that delete, and the words by which a call of them does.

mod clouds;
mod machines;

use super::entry::{Entry, Next, Word};

/// The table. The first entry that a text matches says what to do next.
pub fn table() -> impl Iterator<Item = &'static Entry> {
    clouds::ENTRIES.iter().chain(machines::ENTRIES)
}

pub(super) const fn entry(programs: &'static [&'static str], calls: &'static [&'static [Word]], next: Next) -> Entry {
    Entry { programs, calls, next, is_far: false, verb_first: false, is_word: false, not_after: &[] }
}

/// A program whose first argument says what it does.
pub(super) const fn verb(programs: &'static [&'static str], calls: &'static [&'static [Word]], next: Next) -> Entry {
    Entry { verb_first: true, ..entry(programs, calls, next) }
}

/// A program that reads what it does from anywhere in the text.
pub(super) const fn far(programs: &'static [&'static str], calls: &'static [&'static [Word]], next: Next) -> Entry {
    Entry { is_far: true, ..entry(programs, calls, next) }
}

/// Words in the name of a script or a target.
pub const NAMES: &[&str] =
    &["delete", "destroy", "drop", "erase", "nuke", "purge", "rmtree", "teardown", "terminate", "truncate", "wipe"];

/// Words that make a call destructive whose program is not shown.
pub const DOUBTFUL: &[&str] = &[
    "delete",
    "destroy",
    "drop",
    "erase",
    "nuke",
    "prune",
    "purge",
    "rb",
    "remove",
    "rm",
    "rmdir",
    "rmtree",
    "shred",
    "teardown",
    "terminate",
    "truncate",
    "uninstall",
    "unlink",
    "wipe",
];

/// Words in the name of a tool that deletes.
pub const TOOL_WORDS: &[&str] = &[
    "decommission",
    "del",
    "delete",
    "deletes",
    "deprovision",
    "destroy",
    "discard",
    "drop",
    "empty",
    "erase",
    "evict",
    "expire",
    "flush",
    "forget",
    "nuke",
    "prune",
    "purge",
    "remove",
    "rm",
    "rmdir",
    "shred",
    "teardown",
    "terminate",
    "trash",
    "truncate",
    "uninstall",
    "unlink",
    "wipe",
];

/// Words in the name of a tool that takes statements, and the words of statements that delete.
pub const STATEMENT_TOOLS: &[&str] = &[
    "bigquery",
    "clickhouse",
    "cypher",
    "database",
    "db",
    "duckdb",
    "execute",
    "mongo",
    "mongodb",
    "mysql",
    "neo4j",
    "pg",
    "postgres",
    "postgresql",
    "query",
    "redis",
    "snowflake",
    "sql",
    "sqlite",
    "statement",
];
pub const STATEMENT_WORDS: &[&str] = &[
    "delete", "detach", "drop", "execute", "flushall", "flushdb", "merge", "prepare", "remove", "truncate", "unlink",
];

/// What deletes in the arguments of any tool: the words of a group in this order, near each other.
pub const STATEMENTS: &[&[&str]] = &[
    &["delete", "from"],
    &["drop", "table"],
    &["drop", "database"],
    &["drop", "schema"],
    &["drop", "view"],
    &["drop", "index"],
    &["drop", "column"],
    &["drop", "collection"],
    &["drop", "owned"],
    &["truncate", "table"],
    &["truncate", "only"],
    &["detach", "delete"],
    &["merge", "into"],
    &["delete_by_query"],
    &["deletemany"],
    &["dropdatabase"],
];
