//! What the catalogue of PostgreSQL says of tables. `information_schema` is not used, because it shows foreign keys only to
//! roles that may write.

use super::query::{explain, query};
use super::table::{Column, ForeignKey, Named, OnDelete, Place, Remarks, Table, Text, kind, quote};
use crate::error::fail;
use anyhow::Context;
use postgres::Client;
use postgres::types::ToSql;

/// The table, or the whole tree of its partitions.
const TREE: &str = "(SELECT CAST(CAST($1 AS text) AS regclass) AS oid \
     UNION SELECT relid FROM pg_catalog.pg_partition_tree(CAST(CAST($1 AS text) AS regclass)))";

pub fn place(client: &mut Client) -> anyhow::Result<Place> {
    let sql = "SELECT current_setting('server_version'), current_database(), current_user, \
         coalesce(host(inet_server_addr()), 'a socket of this machine'), \
         CAST(floor(extract(epoch FROM now())) AS bigint), pg_catalog.pg_is_in_recovery()";
    let row = client.query_one(sql, &[]).map_err(explain)?;
    let text = |i| row.try_get::<_, String>(i).map_err(explain);
    let replica = if row.try_get(5).map_err(explain)? { ", which is a replica and may lag behind" } else { "" };
    Ok(Place {
        tool: format!("PostgreSQL {}", text(0)?),
        shown: format!("the database `{}` at {}{replica}, as the role `{}`", text(1)?, text(3)?, text(2)?),
        at: row.try_get(4).map_err(explain)?,
    })
}

pub fn table(client: &mut Client, name: &str) -> anyhow::Result<Named> {
    let sql = "SELECT CAST(c.relkind AS text), format('%I.%I', cn.nspname, c.relname), \
         format('%I.%I', n.nspname, r.relname), CAST(n.nspname AS text), CAST(r.relname AS text), \
         CAST(n.nspname = current_schema() AS text), CAST(cn.nspname AS text), CAST(c.relname AS text), \
         CAST(cn.nspname = current_schema() AS text) \
         FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace cn ON cn.oid = c.relnamespace \
         JOIN pg_catalog.pg_class r ON r.oid = coalesce(pg_catalog.pg_partition_root(c.oid), c.oid) \
         JOIN pg_catalog.pg_namespace n ON n.oid = r.relnamespace \
         WHERE c.oid = pg_catalog.to_regclass(CAST($1 AS text))";
    let rows = list(client, sql, &[&name])?;
    let Some([relkind, given, root, own @ ..]) = rows.first().and_then(|row| row.first_chunk::<9>()) else {
        let help = "write the name with its schema; names without one are looked up in the search path of this role";
        return Err(fail(format!("there is no table `{name}`"), help));
    };
    match relkind.as_str() {
        "r" | "p" => {}
        other => {
            let what = match other {
                "v" | "m" => "a view",
                "f" => "a foreign table",
                _ => "not a table",
            };
            let message = format!("`{name}` is {what}: which rows go is not known");
            return Err(fail(message, "delete from the tables that it is made of"));
        }
    }
    // The schema is left out where it is the current one.
    let [root_schema, root_name, root_is_here, schema, table, is_here] = own;
    let name = |schema: &str, table: &str, is_here: &str| match is_here {
        "true" => kind(&[table]),
        _ => kind(&[schema, table]),
    };
    Ok(Named {
        table: described(client, root, name(root_schema, root_name, root_is_here)?)?,
        sql: given.clone(),
        name: name(schema, table, is_here)?,
    })
}

/// Returns a table with its primary key.
fn described(client: &mut Client, sql: &str, kind: String) -> anyhow::Result<Table> {
    let children = "SELECT CAST(c.relname AS text) FROM pg_catalog.pg_inherits i \
         JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid \
         JOIN pg_catalog.pg_class p ON p.oid = i.inhparent AND p.relkind = 'r' \
         WHERE i.inhparent = CAST(CAST($1 AS text) AS regclass)";
    if let Some(child) = list(client, children, &[&sql])?.into_iter().flatten().next() {
        let message = format!("`{kind}` has the child table `{child}`, whose rows have keys of their own");
        return Err(fail(message, "delete from each table by itself, with ONLY, and vet a list of its keys"));
    }
    let query = "SELECT CAST(a.attname AS text), pg_catalog.format_type(a.atttypid, a.atttypmod) \
         FROM pg_catalog.pg_index i CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY AS k (number, place) \
         JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number \
         WHERE i.indrelid = CAST(CAST($1 AS text) AS regclass) AND i.indisprimary AND k.place <= i.indnkeyatts \
         ORDER BY k.place";
    let keys = list(client, query, &[&sql])?.into_iter().filter_map(|row| <[String; 2]>::try_from(row).ok());
    let keys: Vec<Column> = keys.map(|[name, kind]| Column { sql: quote(&name), kind }).collect();
    if keys.is_empty() {
        return Err(super::no_key(&kind));
    }
    Ok(Table { sql: sql.to_owned(), kind, keys })
}

pub fn foreign_keys(client: &mut Client, table: &Table) -> anyhow::Result<Vec<ForeignKey>> {
    let columns = |list: &str, table: &str| {
        format!(
            "ARRAY(SELECT CAST(a.attname AS text) FROM unnest(f.{list}) WITH ORDINALITY AS k (number, place) \
             JOIN pg_catalog.pg_attribute a ON a.attrelid = f.{table} AND a.attnum = k.number ORDER BY k.place)"
        )
    };
    // The copies of a foreign key for partitions have a parent.
    let sql = format!(
        "SELECT format('%I.%I', n.nspname, c.relname), CAST(f.confdeltype AS text), c.relispartition, {}, {} \
         FROM pg_catalog.pg_constraint f JOIN pg_catalog.pg_class c ON c.oid = f.conrelid \
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         WHERE f.contype = 'f' AND f.conparentid = 0 AND f.confrelid IN (SELECT oid FROM {TREE} AS tree) \
         ORDER BY n.nspname, c.relname, f.conname",
        columns("confkey", "confrelid"),
        columns("conkey", "conrelid"),
    );
    let mut found = Vec::new();
    for row in client.query(&sql, &[&table.sql]).map_err(explain)? {
        let child: String = row.try_get(0).map_err(explain)?;
        let is_partition: bool = row.try_get(2).map_err(explain)?;
        let on_delete = match row.try_get::<_, String>(1).map_err(explain)?.as_str() {
            "c" => OnDelete::Cascade,
            "n" | "d" => OnDelete::Set,
            _ => OnDelete::Fail,
        };
        if is_partition {
            let message = format!("the partition {child} has a foreign key of its own to `{}`", table.kind);
            return Err(fail(message, "make it a foreign key of the partitioned table, or vet a list of keys"));
        }
        let parents: Vec<String> = row.try_get(3).map_err(explain)?;
        let children: Vec<String> = row.try_get(4).map_err(explain)?;
        let columns = parents.iter().zip(&children).map(|(parent, child)| (quote(parent), quote(child))).collect();
        found.push((child, on_delete, columns));
    }
    let key = |(child, on_delete, columns): (String, _, _)| {
        Ok(ForeignKey { child: self::table(client, &child)?.table, on_delete, columns })
    };
    found.into_iter().map(key).collect()
}

pub fn remarks(client: &mut Client, table: &Table) -> anyhow::Result<Remarks> {
    let triggers = format!(
        "SELECT DISTINCT CAST(tgname AS text) FROM pg_catalog.pg_trigger \
         WHERE tgrelid IN (SELECT oid FROM {TREE} AS tree) AND NOT tgisinternal AND tgenabled <> 'D' \
         AND (tgtype & 40) <> 0 ORDER BY 1" // 8: DELETE, 32: TRUNCATE
    );
    let rules = format!(
        "SELECT DISTINCT CAST(rulename AS text) FROM pg_catalog.pg_rewrite \
         WHERE ev_class IN (SELECT oid FROM {TREE} AS tree) AND ev_type = '4' AND ev_enabled <> 'D' ORDER BY 1"
    );
    let foreign = format!(
        "SELECT CAST(relname AS text) FROM pg_catalog.pg_class \
         WHERE oid IN (SELECT oid FROM {TREE} AS tree) AND relkind = 'f' ORDER BY 1"
    );
    let mut remarks = Remarks::default();
    for (sql, what) in [
        (triggers, "triggers of `#` may delete more, or keep rows"),
        (rules, "rules of `#` may delete more, or keep rows"),
        (foreign, "partitions of `#` are on another server, and what goes with their rows is not seen"),
    ] {
        let names: Vec<String> = list(client, &sql, &[&table.sql])?.into_iter().flatten().collect();
        if !names.is_empty() {
            remarks.may_delete_more = true;
            remarks.notes.push(format!("{}: {}", what.replace('#', &table.kind), names.join(", ")));
        }
    }
    Ok(remarks)
}

pub fn columns(client: &mut Client, table: &Table) -> anyhow::Result<Vec<String>> {
    let sql = "SELECT CAST(attname AS text) FROM pg_catalog.pg_attribute \
         WHERE attrelid = CAST(CAST($1 AS text) AS regclass) AND attnum > 0 AND NOT attisdropped ORDER BY attnum";
    Ok(list(client, sql, &[&table.sql])?.into_iter().flatten().collect())
}

/// Returns the rows of a query whose columns are texts and never NULL.
pub(super) fn list(
    client: &mut Client,
    sql: &str,
    values: &[&(dyn ToSql + Sync)],
) -> anyhow::Result<Vec<Vec<String>>> {
    let mut list = Vec::new();
    query(client, sql, values, &mut |row: &[Text]| {
        list.push(row.iter().cloned().collect::<Option<_>>().context("the catalogue has a NULL")?);
        Ok(())
    })?;
    Ok(list)
}
