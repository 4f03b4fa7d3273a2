//! The rows that the condition of a DELETE names by literals.

use sqlparser::ast::{BinaryOperator, DataType, Expr, Ident, InTarget, UnaryOperator, Value, ValueWithSpan};

/// The table of a DELETE and its key column.
pub(super) struct Key<'a> {
    /// The parts of the name of the table.
    pub(super) table: Vec<&'a Ident>,
    pub(super) alias: Option<&'a Ident>,
    /// The column that names a row.
    pub(super) column: &'a str,
    /// Whether other tables are in the statement, so that a name without a table may be theirs.
    pub(super) others: bool,
}

/// The rows that a condition names.
pub(super) struct Rows {
    /// Every row that the condition may be true for.
    pub(super) ids: Vec<String>,
    /// Whether a further condition keeps some of them.
    pub(super) narrowed: bool,
}

impl Key<'_> {
    /// Returns the rows of a condition, or `None` if it may be true for others.
    pub(super) fn rows(&self, condition: &Expr) -> Option<Rows> {
        match condition {
            Expr::Nested(inner) => self.rows(inner),
            Expr::BinaryOp { left, op: BinaryOperator::And, right } => match (self.rows(left), self.rows(right)) {
                (Some(left), Some(right)) => {
                    let ids = if right.ids.len() < left.ids.len() { right.ids } else { left.ids };
                    Some(Rows { ids, narrowed: true })
                }
                (Some(rows), None) | (None, Some(rows)) => Some(Rows { narrowed: true, ..rows }),
                (None, None) => None,
            },
            Expr::BinaryOp { left, op: BinaryOperator::Or, right } => {
                let (mut left, right) = (self.rows(left)?, self.rows(right)?);
                left.ids.extend(right.ids);
                Some(Rows { ids: distinct(left.ids), narrowed: left.narrowed || right.narrowed })
            }
            Expr::BinaryOp { left, op: BinaryOperator::Eq, right } => {
                let value = if self.is_key(left) {
                    right
                } else if self.is_key(right) {
                    left
                } else {
                    return None;
                };
                Some(Rows { ids: vec![literal(value)?], narrowed: false })
            }
            Expr::In { expr, target: InTarget::List(list), negated: false, .. }
                if self.is_key(expr) && !list.is_empty() =>
            {
                let ids = list.iter().map(literal).collect::<Option<Vec<_>>>()?;
                Some(Rows { ids: distinct(ids), narrowed: false })
            }
            _ => None,
        }
    }

    fn is_key(&self, expr: &Expr) -> bool {
        match expr {
            Expr::Nested(inner) => self.is_key(inner),
            Expr::Identifier(column) => !self.others && is_named(column, self.column),
            Expr::CompoundIdentifier(parts) => {
                let Some((column, table)) = parts.split_last() else { return false };
                is_named(column, self.column) && self.is_table(table)
            }
            _ => false,
        }
    }

    /// Whether a qualifier is the table: its alias, or the end of its name.
    fn is_table(&self, qualifier: &[Ident]) -> bool {
        match (self.alias, qualifier) {
            (Some(alias), [name]) => name == alias,
            (Some(_), _) => false,
            (None, names) => {
                let skipped = self.table.len().checked_sub(names.len());
                skipped.is_some_and(|skipped| self.table.iter().skip(skipped).copied().eq(names))
            }
        }
    }
}

/// Whether an identifier is a column. Without quotes, case does not count.
fn is_named(column: &Ident, name: &str) -> bool {
    if column.quote_style.is_some() { column.value == name } else { column.value.eq_ignore_ascii_case(name) }
}

/// Returns a whole number digit for digit, or a text. Numbers in other forms name a row that another number also names.
fn literal(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Nested(inner) => literal(inner),
        Expr::Value(ValueWithSpan { value: Value::Number(digits, false), .. }) => {
            let is_canonical = digits == "0" || !digits.starts_with('0');
            (is_canonical && digits.bytes().all(|byte| byte.is_ascii_digit())).then(|| digits.clone())
        }
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => match expr.as_ref() {
            Expr::Value(ValueWithSpan { value: Value::Number(..), .. }) => {
                literal(expr).filter(|digits| digits != "0").map(|digits| format!("-{digits}"))
            }
            _ => None,
        },
        Expr::Value(ValueWithSpan { value: Value::SingleQuotedString(text), .. }) => {
            (!text.trim().is_empty() && !text.chars().any(char::is_control)).then(|| text.clone())
        }
        Expr::Cast { expr, data_type: DataType::Uuid, .. } => match expr.as_ref() {
            Expr::Value(ValueWithSpan { value: Value::SingleQuotedString(_), .. }) => literal(expr),
            _ => None,
        },
        _ => None,
    }
}

fn distinct(mut ids: Vec<String>) -> Vec<String> {
    let mut seen = std::collections::HashSet::new();
    ids.retain(|id| seen.insert(id.clone()));
    ids
}
