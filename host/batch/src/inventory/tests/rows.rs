//! Rows of an inventory: generated, and written in several formats.

use super::reference::Row;
use crate::record::{Record, Sharers};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::fmt::Write;

const HEADER: &str = "id,kind,tenant,tenants,environment,state,last_used_at,size_bytes,dependents,legal_hold,pool,\
                      pool_minimum,owner,contact";

/// The fields of a row as text.
pub fn fields(Row { id, record, pool_minimum }: &Row) -> Vec<String> {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let tenants = record.tenants.as_ref().map_or_else(String::new, |sharers| match sharers.names.len() {
        0 => sharers.unnamed.to_string(),
        _ => format!("{}{}", sharers.names.join(";"), ";NULL".repeat(sharers.unnamed as usize)),
    });
    let dependents = record.dependents.as_ref().map_or_else(String::new, |ids| match ids.len() {
        0 => "none".to_owned(),
        _ => ids.join(";"),
    });
    let number = |number: Option<u64>| number.map_or_else(String::new, |number| number.to_string());
    let time = record.last_used_at.map(|at| reprieve_model::Timestamp::from_seconds(at).to_string());
    vec![
        id.clone(),
        text(&record.kind),
        text(&record.tenant),
        tenants,
        text(&record.environment),
        text(&record.state),
        text(&time),
        number(record.size_bytes),
        dependents,
        record.legal_hold.map_or_else(String::new, |hold| hold.to_string()),
        text(&record.pool),
        number(*pool_minimum),
        text(&record.owner),
        text(&record.contact),
    ]
}

pub fn csv(rows: &[Row]) -> String {
    let mut text = format!("{HEADER}\n");
    rows.iter().for_each(|row| writeln!(text, "{}", fields(row).join(",")).unwrap());
    text
}

/// A small name, of which several are the same.
pub fn name(prefix: &'static str) -> impl Strategy<Value = Option<String>> {
    prop::option::weighted(0.8, (0..4_u8).prop_map(move |i| format!("{prefix}{i}")))
}

pub fn id() -> impl Strategy<Value = String> {
    "[aA][0-3]{1,2}|ü[0-3]"
}

pub fn rows() -> impl Strategy<Value = Vec<Row>> {
    let sharers = (prop::collection::btree_set("[tu][0-4]", 0..3), 0..3_u64)
        .prop_filter("someone shares it", |(names, unnamed)| !names.is_empty() || *unnamed > 0)
        .prop_map(|(names, unnamed)| Sharers { names: names.into_iter().collect(), unnamed });
    let names = (name("k"), name("t"), name("e"), prop::option::of("live|disabled|deleted"));
    let others = (name("p"), prop::option::of(0..9_u64), name("owner-"), name("contact-"));
    let values = (
        prop::option::of(sharers),
        prop::option::of(prop::collection::vec(id(), 0..3)),
        prop::option::of(1..2_000_000_000_i64),
        prop::option::of(any::<u64>().prop_map(|size| size >> 1)),
        prop::option::of(any::<bool>()),
    );
    let row = (id(), names, others, values).prop_map(|(id, names, others, values)| {
        let (kind, tenant, environment, state) = names;
        let (pool, pool_minimum, owner, contact) = others;
        let (tenants, dependents, last_used_at, size_bytes, legal_hold) = values;
        let record = Record {
            kind,
            tenant,
            tenants,
            environment,
            state,
            last_used_at,
            size_bytes,
            dependents,
            legal_hold,
            pool,
            owner,
            contact,
            ..Record::default()
        };
        Row { id, record, pool_minimum }
    });
    prop::collection::vec(row, 0..24)
}

pub fn without_duplicates(rows: Vec<Row>) -> Vec<Row> {
    let mut seen = BTreeSet::new();
    rows.into_iter().filter(|row| seen.insert(row.id.clone())).collect()
}

pub fn write_sqlite(path: &std::path::Path, rows: &[Row]) {
    let connection = rusqlite::Connection::open(path).unwrap();
    connection
        .execute_batch(&format!("CREATE TABLE inventory ({HEADER}); CREATE INDEX by_id ON inventory (id)"))
        .unwrap();
    for row in rows {
        let values: Vec<Option<String>> =
            fields(row).into_iter().map(|text| Some(text).filter(|text| !text.is_empty())).collect();
        let marks = vec!["?"; values.len()].join(",");
        let insert = format!("INSERT INTO inventory VALUES ({marks})");
        connection.execute(&insert, rusqlite::params_from_iter(values)).unwrap();
    }
}
