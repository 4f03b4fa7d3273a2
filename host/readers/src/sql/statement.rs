//! What a statement does.

use super::drops::{Altered, alter, drops, name};
use super::findings::{Findings, Found};
use super::rows::Key;
use crate::Action;
use sqlparser::ast::{
    CascadeOption, CopyTarget, Delete, Expr, FromTable, Ident, InTarget, Merge, MergeAction, MergeUpdateExpr, Select,
    SelectItem, SqliteOnConflict, Statement, TableFactor, Visitor,
};
use std::ops::ControlFlow;

/// Visits a statement and all that are in it.
pub(super) struct Walk<'a> {
    pub(super) findings: &'a mut Findings,
    pub(super) line: u64,
    /// The column that names a row.
    pub(super) key: &'a str,
}

impl Visitor for Walk<'_> {
    type Break = String;

    fn pre_visit_statement(&mut self, statement: &Statement) -> ControlFlow<String> {
        match self.statement(statement) {
            Ok(()) => ControlFlow::Continue(()),
            Err(message) => ControlFlow::Break(message),
        }
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<String> {
        match expr {
            Expr::Function(function) => self.findings.function(&function.name),
            Expr::In { target: InTarget::Table { name, args: Some(_) }, .. } => self.findings.function(name),
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<String> {
        // Without `;` between them, `SELECT 1 DELETE FROM t` is a column with the name `DELETE`.
        let is_statement = |alias: &Ident| alias.quote_style.is_none() && alias.value.eq_ignore_ascii_case("delete");
        let mut items = select.projection.iter();
        if items.any(|item| matches!(item, SelectItem::ExprWithAlias { alias, .. } if is_statement(alias))) {
            return ControlFlow::Break(
                "`DELETE` is a name here; quote it, or end the statement before it".to_owned(),
            );
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, table: &TableFactor) -> ControlFlow<String> {
        if let TableFactor::Table { name, args: Some(_), .. } | TableFactor::Function { name, .. } = table {
            self.findings.function(name);
        }
        ControlFlow::Continue(())
    }
}

impl Walk<'_> {
    fn statement(&mut self, statement: &Statement) -> Result<(), String> {
        match statement {
            Statement::Delete(delete) => self.delete(statement, delete)?,
            Statement::Merge(merge) if deletes(merge) => self.select(statement, "merge"),
            Statement::Truncate(truncate) => {
                if truncate.partitions.is_some() {
                    return Err("TRUNCATE of partitions is not understood".to_owned());
                }
                self.findings.cascade |= truncate.cascade == Some(CascadeOption::Cascade);
                for table in &truncate.table_names {
                    self.item("truncate", "table", name(&table.name))?;
                }
            }
            Statement::AlterTable(table) => {
                for operation in &table.operations {
                    self.alter(alter(&table.name, operation)?)?;
                }
            }
            Statement::CreateTable(table) if table.or_replace => {
                self.findings.item(self.line, "create", "table", name(&table.name), Action::Replace)?;
            }
            Statement::Insert(insert)
                if insert.replace_into
                    || insert.overwrite
                    || insert.or == Some(SqliteOnConflict::Replace)
                    || insert.multi_table_insert_type.is_some() =>
            {
                return Err("REPLACE and INSERT OVERWRITE delete rows that the file does not name".to_owned());
            }
            Statement::Update(update) if update.or == Some(SqliteOnConflict::Replace) => {
                return Err("UPDATE OR REPLACE deletes rows that the file does not name".to_owned());
            }
            Statement::Copy { target: CopyTarget::Program { .. }, .. } => {
                return Err("COPY of a program is not understood: the program may delete".to_owned());
            }
            other => match (drops(other), harmless(other)) {
                (Some(drops), _) => {
                    self.findings.cascade |= drops.cascade;
                    for name in drops.names {
                        self.item("drop", &drops.kind, name)?;
                    }
                }
                (None, Some(name)) => {
                    self.transaction(other);
                    self.findings.other(name);
                }
                (None, None) => {
                    let text = other.to_string();
                    let words: Vec<&str> = text.split_whitespace().take(2).collect();
                    return Err(format!("`{}` is not understood, and it may delete", words.join(" ")));
                }
            },
        }
        Ok(())
    }

    fn item(&mut self, verb: &'static str, kind: &str, id: Option<String>) -> Result<(), String> {
        self.findings.item(self.line, verb, kind, id, Action::Delete)
    }

    fn select(&mut self, statement: &Statement, verb: &'static str) {
        let statement = statement.to_string();
        self.findings.found.push((self.line, Found::Selector { statement, verb }));
    }

    fn delete(&mut self, statement: &Statement, delete: &Delete) -> Result<(), String> {
        // In MySQL, `DELETE a FROM a JOIN b` has the tables before FROM.
        let FromTable::WithFromKeyword(from) = &delete.from else {
            return Err("DELETE without FROM is not understood".to_owned());
        };
        let rows = match from.as_slice() {
            [table] if table.joins.is_empty() && delete.tables.is_empty() => match &table.relation {
                TableFactor::Table { name: table, alias, args: None, .. } => {
                    let parts = table.0.iter().map(|part| part.as_ident()).collect::<Option<Vec<_>>>();
                    let alias = alias.as_ref().map(|alias| &alias.name);
                    let others = delete.using.is_some();
                    parts.zip(name(table)).and_then(|(parts, table)| {
                        let key = Key { table: parts, alias, column: self.key, others };
                        Some((table, key.rows(delete.selection.as_ref()?)?))
                    })
                }
                _ => None,
            },
            _ => None,
        };
        let Some((table, rows)) = rows else {
            self.select(statement, "delete");
            return Ok(());
        };
        if rows.narrowed || delete.limit.is_some() || delete.using.is_some() {
            self.findings.narrowed.insert(self.line);
        }
        rows.ids.into_iter().try_for_each(|id| self.item("delete", &table, Some(id)))
    }

    fn alter(&mut self, altered: Altered) -> Result<(), String> {
        match altered {
            Altered::Drops(drops) => {
                self.findings.cascade |= drops.cascade;
                return drops.names.into_iter().try_for_each(|name| self.item("alter", &drops.kind, name));
            }
            Altered::Renames => {
                self.findings.renamed.get_or_insert(self.line);
            }
            Altered::Other => {}
        }
        self.findings.other("ALTER TABLE");
        Ok(())
    }

    fn transaction(&mut self, statement: &Statement) {
        let findings = &mut *self.findings;
        match statement {
            Statement::StartTransaction { .. } => findings.open_transaction = Some(self.line),
            Statement::Commit { chain, .. } => findings.open_transaction = chain.then_some(self.line),
            Statement::Rollback { chain, savepoint } => {
                findings.rollbacks.insert(self.line);
                if savepoint.is_none() {
                    findings.open_transaction = chain.then_some(self.line);
                }
            }
            Statement::RenameTable(_) => {
                findings.renamed.get_or_insert(self.line);
            }
            _ => {}
        }
    }
}

fn deletes(merge: &Merge) -> bool {
    merge.clauses.iter().any(|clause| match &clause.action {
        MergeAction::Delete { .. } => true,
        MergeAction::Update(MergeUpdateExpr { delete_predicate, .. }) => delete_predicate.is_some(),
        MergeAction::Insert(_) | MergeAction::DoNothing { .. } => false,
    })
}

/// Returns the name of a statement that deletes nothing itself. What is in it is visited as well.
fn harmless(statement: &Statement) -> Option<&'static str> {
    Some(match statement {
        Statement::Query(_) => "SELECT",
        Statement::Insert(_) => "INSERT",
        Statement::Update(_) => "UPDATE",
        Statement::Merge(_) => "MERGE",
        Statement::StartTransaction { .. } => "BEGIN",
        Statement::Commit { .. } => "COMMIT",
        Statement::Rollback { .. } => "ROLLBACK",
        Statement::RenameTable(_) => "RENAME TABLE",
        Statement::Copy { .. } => "COPY",
        Statement::CreateTable(_) => "CREATE TABLE",
        Statement::CreateView(_) => "CREATE VIEW",
        Statement::CreateIndex(_) => "CREATE INDEX",
        Statement::CreateSchema { or_replace: false, .. } => "CREATE SCHEMA",
        Statement::CreateDatabase { or_replace: false, .. } => "CREATE DATABASE",
        Statement::CreateSequence { .. } => "CREATE SEQUENCE",
        Statement::CreateType { .. } => "CREATE TYPE",
        Statement::CreateRole(_) => "CREATE ROLE",
        Statement::CreateExtension(_) => "CREATE EXTENSION",
        Statement::Explain { statement, .. } if matches!(**statement, Statement::Query(_)) => "EXPLAIN",
        Statement::Analyze(_) => "ANALYZE",
        Statement::Vacuum(_) => "VACUUM",
        Statement::Comment { .. } => "COMMENT",
        Statement::Set(_) => "SET",
        Statement::Reset(_) => "RESET",
        Statement::Use(_) => "USE",
        Statement::Savepoint { .. } | Statement::ReleaseSavepoint { .. } => "SAVEPOINT",
        Statement::Lock(_) | Statement::LockTables { .. } | Statement::UnlockTables => "LOCK",
        Statement::Grant(_) | Statement::Revoke(_) => "GRANT",
        Statement::RefreshMaterializedView(_) => "REFRESH",
        Statement::ExplainTable { .. } | Statement::ShowTables { .. } | Statement::ShowColumns { .. } => "SHOW",
        Statement::ShowVariable { .. } | Statement::ShowVariables { .. } | Statement::ShowCreate { .. } => "SHOW",
        _ => return None,
    })
}
