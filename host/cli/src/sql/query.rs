//! Queries of a PostgreSQL server, and what its errors mean.

use super::table::{Row, Text};
use crate::error::with_help;
use postgres::Client;
use postgres::error::SqlState;
use postgres::fallible_iterator::FallibleIterator;
use postgres::types::ToSql;
use reprieve_ledger::ServerError;

/// Passes each row of a query whose columns are texts.
pub(super) fn query(
    client: &mut Client,
    sql: &str,
    values: &[&(dyn ToSql + Sync)],
    each: &mut Row<'_>,
) -> anyhow::Result<()> {
    let mut rows = client.query_raw(sql, values.iter().copied()).map_err(explain)?;
    while let Some(row) = rows.next().map_err(explain)? {
        let value = |i| row.try_get::<_, Text>(i).map_err(explain);
        each(&(0..row.len()).map(value).collect::<anyhow::Result<Vec<_>>>()?)?;
    }
    Ok(())
}

/// Explains an error of the server.
pub(super) fn explain(error: postgres::Error) -> anyhow::Error {
    let help = match error.code() {
        Some(code) if *code == SqlState::READ_ONLY_SQL_TRANSACTION => {
            Some("the statement calls something that writes, so no list can be made of it")
        }
        Some(code) if *code == SqlState::QUERY_CANCELED => {
            Some("index the columns of its condition and its foreign keys")
        }
        Some(code) if *code == SqlState::INSUFFICIENT_PRIVILEGE => {
            Some("give the role SELECT on the table; where row policies hide rows, use a role with BYPASSRLS")
        }
        _ => None,
    };
    let error = anyhow::Error::from(ServerError::from(error)).context("PostgreSQL");
    match help {
        Some(help) => with_help(error, help),
        None => error,
    }
}
