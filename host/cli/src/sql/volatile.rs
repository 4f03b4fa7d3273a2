//! What a statement calls in PostgreSQL that may return something else when it runs. Names are looked up in every schema, so
//! what is found may be another thing of the same name: that is refused too.

use super::catalogue::list;
use postgres::Client;
use postgres::types::ToSql;
use reprieve_readers::sql::Uses;

/// The views that a statement reads, also by other views, with the trees of their queries.
const VIEWS: &str = "WITH RECURSIVE reads (relation) AS ( \
         SELECT CAST(pg_catalog.to_regclass(name) AS oid) FROM unnest(CAST($1 AS text[])) AS name \
         UNION SELECT CAST(found[1] AS oid) FROM reads \
         JOIN pg_catalog.pg_class c ON c.oid = relation AND c.relkind = 'v' \
         JOIN pg_catalog.pg_rewrite r ON r.ev_class = relation AND r.ev_type = '1', \
         LATERAL pg_catalog.regexp_matches(CAST(r.ev_action AS text), ':relid ([0-9]+)', 'g') AS found), \
     views (name, tree) AS (SELECT c.relname, CAST(r.ev_action AS text) FROM reads \
         JOIN pg_catalog.pg_class c ON c.oid = relation AND c.relkind = 'v' \
         JOIN pg_catalog.pg_rewrite r ON r.ev_class = relation AND r.ev_type = '1')";

/// Refuses what may return something else when the statement runs.
pub fn check(client: &mut Client, uses: &Uses) -> anyhow::Result<()> {
    let [functions, attributes, operators, relations] =
        [&uses.functions, &uses.attributes, &uses.operators, &uses.relations]
            .map(|names| names.iter().cloned().collect::<Vec<String>>());
    // A function is an attribute if its first parameter may be a row: of a composite type, a domain or a pseudo-type.
    let called = "SELECT CAST(p.proname AS text) FROM pg_catalog.pg_proc p \
         LEFT JOIN pg_catalog.pg_type t ON t.oid = p.proargtypes[0] \
         LEFT JOIN pg_catalog.pg_aggregate a ON a.aggfnoid = p.oid \
         WHERE 'v' IN (p.provolatile, (SELECT f.provolatile FROM pg_catalog.pg_proc f WHERE f.oid = a.aggtransfn), \
         (SELECT f.provolatile FROM pg_catalog.pg_proc f WHERE f.oid = a.aggfinalfn)) \
         AND (p.proname = ANY (CAST($1 AS text[])) \
         OR (p.proname = ANY (CAST($2 AS text[])) AND t.typtype IN ('c', 'd', 'p'))) ORDER BY 1 LIMIT 1";
    if let Some([name]) = first(client, called, &[&functions, &attributes])? {
        return Err(volatile(&format!("the function `{name}`")));
    }
    let operator = "SELECT CAST(o.oprname AS text), CAST(p.proname AS text) FROM pg_catalog.pg_operator o \
         JOIN pg_catalog.pg_proc p ON p.oid = o.oprcode AND p.provolatile = 'v' \
         WHERE o.oprname = ANY (CAST($1 AS text[])) ORDER BY 1, 2 LIMIT 1";
    if let Some([name, function]) = first(client, operator, &[&operators])? {
        return Err(volatile(&format!("the function `{function}` of an operator `{name}`")));
    }
    // Which casts a statement makes is known only when its types are.
    let cast = "SELECT pg_catalog.format_type(castsource, NULL), pg_catalog.format_type(casttarget, NULL), \
         CAST(p.proname AS text) FROM pg_catalog.pg_cast c \
         JOIN pg_catalog.pg_proc p ON p.oid = c.castfunc AND p.provolatile = 'v' ORDER BY 1, 2 LIMIT 1";
    if let Some([from, to, function]) = first(client, cast, &[])? {
        return Err(volatile(&format!("the function `{function}` of the cast from {from} to {to}")));
    }
    let view = format!(
        "{VIEWS} SELECT CAST(v.name AS text), CAST(p.proname AS text) FROM views v, \
         LATERAL pg_catalog.regexp_matches(v.tree, ':(funcid|opfuncid|opno|aggfnoid|winfnoid) ([0-9]+)', 'g') AS found \
         LEFT JOIN pg_catalog.pg_operator o ON found[1] = 'opno' AND o.oid = CAST(found[2] AS oid) \
         JOIN pg_catalog.pg_proc p ON p.provolatile = 'v' AND p.oid = coalesce(o.oprcode, CAST(found[2] AS oid)) \
         ORDER BY 1, 2 LIMIT 1"
    );
    if let Some([name, function]) = first(client, &view, &[&relations])? {
        return Err(volatile(&format!("the function `{function}` of the view `{name}`")));
    }
    Ok(())
}

/// Returns the first row of a query.
fn first<const N: usize>(
    client: &mut Client,
    sql: &str,
    values: &[&(dyn ToSql + Sync)],
) -> anyhow::Result<Option<[String; N]>> {
    Ok(list(client, sql, values)?.into_iter().next().and_then(|row| row.try_into().ok()))
}

fn volatile(what: &str) -> anyhow::Error {
    super::volatile(what, "write the statement without it, or declare the function STABLE if it is")
}
