//! What DROP and ALTER TABLE drop.

use sqlparser::ast::{
    AlterTableOperation as Alter, DropBehavior, Ident, ObjectName, ObjectNamePart, ReferentialAction, Statement,
};

/// Things of one kind that a statement drops. A name is absent if it is not understood.
pub(super) struct Drops {
    pub(super) kind: String,
    pub(super) names: Vec<Option<String>>,
    pub(super) cascade: bool,
}

/// Returns what a statement drops.
pub(super) fn drops(statement: &Statement) -> Option<Drops> {
    let cascades = |behavior: &Option<DropBehavior>| *behavior == Some(DropBehavior::Cascade);
    let of_table = |name: Option<String>, table: &ObjectName| Some(format!("{}.{}", self::name(table)?, name?));
    let (kind, names, cascade) = match statement {
        Statement::Drop { object_type, names, cascade, table, .. } => {
            let qualified = |name: &ObjectName| match table {
                Some(table) => of_table(self::name(name), table),
                None => self::name(name),
            };
            let kind = object_type.to_string().to_ascii_lowercase();
            return Some(Drops { kind, names: names.iter().map(qualified).collect(), cascade: *cascade });
        }
        Statement::DropFunction(drop) => (
            "function",
            drop.func_desc.iter().map(|function| name(&function.name)).collect(),
            cascades(&drop.drop_behavior),
        ),
        Statement::DropProcedure { proc_desc, drop_behavior, .. } => {
            ("procedure", proc_desc.iter().map(|procedure| name(&procedure.name)).collect(), cascades(drop_behavior))
        }
        Statement::DropTrigger(drop) => {
            ("trigger", vec![name(&drop.trigger_name)], drop.option == Some(ReferentialAction::Cascade))
        }
        Statement::DropDomain(drop) => ("domain", vec![name(&drop.name)], cascades(&drop.drop_behavior)),
        Statement::DropExtension(drop) => {
            let cascade = drop.cascade_or_restrict == Some(ReferentialAction::Cascade);
            ("extension", drop.names.iter().map(part).collect(), cascade)
        }
        Statement::DropRule(drop) => {
            ("rule", vec![of_table(part(&drop.name), &drop.table_name)], cascades(&drop.drop_behavior))
        }
        Statement::DropPolicy(drop) => {
            ("policy", vec![of_table(part(&drop.name), &drop.table_name)], cascades(&drop.drop_behavior))
        }
        _ => return None,
    };
    Some(Drops { kind: kind.to_owned(), names, cascade })
}

/// What an operation of ALTER TABLE does.
pub(super) enum Altered {
    Drops(Drops),
    Renames,
    Other,
}

/// Returns what an operation of ALTER TABLE does.
///
/// # Errors
/// A message, if the operation may delete and is not understood.
pub(super) fn alter(table: &ObjectName, operation: &Alter) -> Result<Altered, String> {
    let (kind, parts, behavior): (&str, Vec<Option<String>>, _) = match operation {
        Alter::DropColumn { column_names, drop_behavior, .. } => {
            ("column", column_names.iter().map(part).collect(), drop_behavior.as_ref())
        }
        Alter::DropConstraint { name, drop_behavior, .. } => ("constraint", vec![part(name)], drop_behavior.as_ref()),
        Alter::DropForeignKey { name, drop_behavior } => ("foreign key", vec![part(name)], drop_behavior.as_ref()),
        Alter::DropPrimaryKey { drop_behavior } => {
            ("constraint", vec![Some("PRIMARY KEY".to_owned())], drop_behavior.as_ref())
        }
        Alter::DropIndex { name } => ("index", vec![part(name)], None),
        Alter::DropPartitions { partitions, .. } => {
            ("partition", partitions.iter().map(|partition| Some(partition.to_string())).collect(), None)
        }
        Alter::RenameTable { .. }
        | Alter::RenameColumn { .. }
        | Alter::RenamePartitions { .. }
        | Alter::SwapWith { .. } => return Ok(Altered::Renames),
        Alter::AddColumn { .. }
        | Alter::AddConstraint { .. }
        | Alter::AddPartitions { .. }
        | Alter::Algorithm { .. }
        | Alter::AlterColumn { .. }
        | Alter::AttachPartition { .. }
        | Alter::AttachPartitionOf { .. }
        | Alter::AutoIncrement { .. }
        | Alter::ChangeColumn { .. }
        | Alter::DetachPartition { .. }
        | Alter::DetachPartitionOf { .. }
        | Alter::DisableRowLevelSecurity
        | Alter::DisableTrigger { .. }
        | Alter::EnableRowLevelSecurity
        | Alter::EnableTrigger { .. }
        | Alter::ForceRowLevelSecurity
        | Alter::Lock { .. }
        | Alter::ModifyColumn { .. }
        | Alter::NoForceRowLevelSecurity
        | Alter::OwnerTo { .. }
        | Alter::RenameConstraint { .. }
        | Alter::ReplicaIdentity { .. }
        | Alter::SetLogged
        | Alter::SetUnlogged
        | Alter::ValidateConstraint { .. } => return Ok(Altered::Other),
        other => return Err(format!("`ALTER TABLE … {other}` is not understood, and it may delete")),
    };
    let table = name(table);
    let qualified = |part: Option<String>| Some(format!("{}.{}", table.as_ref()?, part?));
    Ok(Altered::Drops(Drops {
        kind: kind.to_owned(),
        names: parts.into_iter().map(qualified).collect(),
        cascade: behavior == Some(&DropBehavior::Cascade),
    }))
}

/// Returns a name without its quotes, if that is unambiguous.
pub(super) fn name(name: &ObjectName) -> Option<String> {
    let parts = name.0.iter().map(|name| match name {
        ObjectNamePart::Identifier(ident) => part(ident),
        ObjectNamePart::Function(_) => None,
    });
    parts.collect::<Option<Vec<_>>>().filter(|parts| !parts.is_empty()).map(|parts| parts.join("."))
}

/// Returns an identifier without its quotes, unless it has characters that require them.
fn part(ident: &Ident) -> Option<String> {
    let value = &ident.value;
    if value.trim().is_empty() || value.chars().any(char::is_control) {
        None
    } else if value.contains(['.', '"', '`', '\'', '[', ' ']) {
        Some(ident.to_string())
    } else {
        Some(value.clone())
    }
}
