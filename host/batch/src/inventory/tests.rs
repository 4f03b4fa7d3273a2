//! An inventory answers alike in memory, spilled, in SQLite, and as a reference that searches a list.

use super::{Inventory, Sqlite, Table, read_inventory_within};
use crate::batch::Batch;
use crate::error::LookupError;
use crate::read::Folder;
use crate::record::{PoolRecord, Record};
use crate::spill::MemoryBudget;
use proptest::prelude::*;
use reprieve_model::InventoryFacts;
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt::Write;

mod reference;
mod rows;

use reference::{Reference, Row};
use rows::{csv, id, name, rows, without_duplicates, write_sqlite};

/// What a decision takes from an inventory.
#[derive(Debug, PartialEq)]
struct Answers {
    facts: InventoryFacts,
    columns: Vec<crate::columns::Chunk>,
    tenants: Vec<(String, u64, Option<String>, Option<String>)>,
    records: Vec<Option<Record>>,
}

fn answers(batch: &Batch, inventory: &dyn Inventory, ids: &[&str]) -> Answers {
    let found = batch.resolve(inventory, true).unwrap();
    let mut tenants = Vec::new();
    found
        .tenants
        .each(|tenant, share| {
            let who = share.who.as_deref().cloned().unwrap_or_default();
            tenants.push((tenant.to_owned(), share.things, who.owner, who.contact));
            Ok::<_, LookupError>(())
        })
        .unwrap();
    let snapshot = inventory.snapshot().unwrap();
    let records = snapshot.records(ids).unwrap();
    Answers {
        facts: InventoryFacts { sha256: String::new(), ..found.facts },
        columns: found.columns.iter().map(|chunk| chunk.unwrap().into_owned()).collect(),
        tenants,
        records: records.into_iter().map(|record| record.map(Cow::into_owned)).collect(),
    }
}

fn batch(folder: &Folder, targets: &[(String, Option<String>)]) -> Batch {
    let targets: Vec<_> = targets
        .iter()
        .map(|(id, tenant)| match tenant {
            Some(tenant) => format!(r#"{{"id": "{id}", "tenant": "{tenant}"}}"#),
            None => format!(r#"{{"id": "{id}", "kind": "k1"}}"#),
        })
        .collect();
    let request = format!(
        r#"{{"id": "r", "mode": "soft", "environment": "test", "target_kind": "k1", "targets": [{}],
            "recovery": {{"checkpoints": [{{"id": "a1", "location": "a2"}}]}}}}"#,
        targets.join(",")
    );
    Batch::read(request.as_bytes(), "r", folder).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn answers_do_not_depend_on_where_the_rows_are(
        rows in rows().prop_map(without_duplicates),
        targets in prop::collection::vec((id(), name("t")), 1..24),
    ) {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::open(place.path()).unwrap();
        std::fs::write(place.path().join("i.csv"), csv(&rows)).unwrap();
        write_sqlite(&place.path().join("i.db"), &rows);
        let batch = batch(&folder, &targets);
        let ids = ["a1", "A1", "ü2", "a33", "nobody"];
        let mut built = Table::default();
        rows.iter().for_each(|row| built.add(&row.id, row.record.clone(), row.pool_minimum).unwrap());
        let expected = answers(&batch, &Reference(rows), &ids);
        prop_assert_eq!(&answers(&batch, &built, &ids), &expected);
        for (memory, threads) in [(u64::MAX, 1), (u64::MAX, 3), (0, 1), (0, 3), (4_000, 2)] {
            let table = Table::read_within(&folder, "i.csv", MemoryBudget(memory), threads).unwrap();
            prop_assert_eq!(&answers(&batch, &table, &ids), &expected, "{} bytes, {} threads", memory, threads);
        }
        for lookups_per_page in [0, u64::MAX] {
            let sqlite = Sqlite::read(&folder, "i.db").unwrap().with(lookups_per_page);
            prop_assert_eq!(&answers(&batch, &sqlite, &ids), &expected);
        }
    }

    #[test]
    fn the_first_error_is_found_with_any_memory_and_threads(rows in rows(), broken in prop::option::of(0..24_usize)) {
        let mut text = csv(&rows);
        if let Some(line) = broken {
            let mut lines: Vec<&str> = text.lines().collect();
            lines.insert(lines.len().min(line + 1), "a,b");
            text = lines.join("\n");
        }
        let mut seen = BTreeSet::new();
        let is_wrong = |line: &str| match line.split(',').count() {
            2 => Some("the row has 2 fields, but the header has 14".to_owned()),
            _ => {
                let id = line.split(',').next().unwrap();
                (!seen.insert(id.to_owned())).then(|| format!("the id `{id}` is duplicated"))
            }
        };
        let mut lines = text.lines().skip(1).map(is_wrong);
        let expected = lines.position(|wrong| wrong.is_some()).map(|at| at + 2);
        for (memory, threads) in [(u64::MAX, 1), (u64::MAX, 3), (0, 1), (0, 3)] {
            let place = tempfile::tempdir().unwrap();
            let folder = Folder::open(place.path()).unwrap();
            std::fs::write(place.path().join("i.csv"), &text).unwrap();
            let found = Table::read_within(&folder, "i.csv", MemoryBudget(memory), threads);
            let line = found.err().map(|error| error.place);
            prop_assert_eq!(&line, &expected.map(|line| crate::error::Place::Line(line as u64)));
        }
    }
}

#[test]
fn a_large_inventory_answers_alike_in_memory_and_spilled() {
    let mut text = "id,kind,tenant,state,dependents,legal_hold,pool,pool_minimum,contact,tenants\n".to_owned();
    for i in 0..100_000_u64 {
        let (kind, tenant, minimum) = (i % 7, i % 80_000, if i == 2_000 { u64::MAX } else { i });
        let pool = if i % 3 == 0 { format!("p-{}", i % 9) } else { String::new() };
        let state = if i % 5 == 0 { "disabled" } else { "live" };
        let (dependent, hold) = (i + 1, i % 2 == 0);
        let tenants = ["", "t-1;t-2;u-1", "NULL;t-5", "4000"][i as usize % 4];
        let quote = if i > 90_000 { "\"" } else { "" };
        writeln!(
            text,
            "id-{i},{quote}kind-{kind}{quote},t-{tenant},{state},id-{dependent} id-0,{hold},{pool},{minimum},c-{i},{tenants}"
        )
        .unwrap();
    }
    let place = tempfile::tempdir().unwrap();
    std::fs::write(place.path().join("i.csv"), text).unwrap();
    let folder = Folder::open(place.path()).unwrap();
    // In memory, spilled from the start, and spilled after some rows.
    let all = [u64::MAX, 0, 8 << 20];
    let all = all.map(|memory| read_inventory_within(&folder, "i.csv", memory, 2).unwrap());
    let ids: Vec<String> = (0..104_000).rev().step_by(3).map(|i| format!("id-{i}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let answers = all.iter().map(|inventory| {
        let snapshot = inventory.snapshot().unwrap();
        let records = snapshot.records(&ids).unwrap();
        (
            snapshot.sha256(),
            records.into_iter().map(|record| record.map(Cow::into_owned)).collect::<Vec<_>>(),
            snapshot.population(&["kind-1", "kind-6", "nothing"]).unwrap(),
            snapshot.tenants().unwrap(),
            snapshot.pools(&["p-0", "p-3", "p-6", "nothing"]).unwrap(),
            snapshot.things(&["t-1", "nobody", "t-0", "u-1"]).unwrap(),
            snapshot.nearly(&["ID-7", " id-8", "nothing"]).unwrap(),
        )
    });
    let answers: Vec<_> = answers.collect();
    assert_eq!(answers[0].5, Some(vec![25_000, 0, 2, 25_000]));
    assert_eq!((answers[0].3, answers[0].1.iter().flatten().count()), (80_001, 33_333));
    assert_eq!(answers[0].4[1], PoolRecord { members: 8_889, minimum: Some(99_993) });
    assert!(answers[0] == answers[1] && answers[0] == answers[2]);
}

/// The same rows in columns: with dictionaries, times, numbers, flags and lists.
#[test]
fn an_inventory_in_columns_answers_like_one_in_text() {
    use arrow_array::builder::{ListBuilder, StringBuilder, StringDictionaryBuilder};
    use arrow_array::types::Int32Type;
    use arrow_array::{ArrayRef, BooleanArray, Int64Array, RecordBatch, StringArray, TimestampMillisecondArray};
    use std::sync::Arc;

    // One text is so long that its rows are encoded few at a time.
    let long = "o".repeat(60_000);
    let rows: Vec<Row> = (0..1_000_u64)
        .map(|i| {
            let record = Record {
                kind: Some(format!("k{}", i % 3)),
                tenant: (i % 5 > 0).then(|| if i % 9 == 0 { long.clone() } else { format!("t{}", i % 40) }),
                last_used_at: (i % 4 > 0).then_some(1_700_000_000 + i as i64),
                size_bytes: (i % 6 > 0).then_some(i),
                dependents: (i % 7 > 0).then(|| (0..i % 3).map(|n| format!("d{n}")).collect()),
                legal_hold: (i % 2 > 0).then_some(i % 3 > 0),
                ..Record::default()
            };
            Row { id: format!("id-{i}"), record, pool_minimum: None }
        })
        .collect();
    let text = |of: fn(&Record) -> Option<&str>| {
        let mut column = StringDictionaryBuilder::<Int32Type>::new();
        rows.iter().for_each(|row| column.append_option(of(&row.record)));
        Arc::new(column.finish()) as ArrayRef
    };
    let mut dependents = ListBuilder::new(StringBuilder::new());
    rows.iter().for_each(|row| {
        dependents.append_option(row.record.dependents.as_ref().map(|ids| ids.iter().map(Some)));
    });
    let records = || rows.iter().map(|row| &row.record);
    let columns: [(&str, ArrayRef); 7] = [
        ("kind", text(|record| record.kind.as_deref())),
        ("id", Arc::new(StringArray::from_iter_values(rows.iter().map(|row| &row.id)))),
        ("tenant", text(|record| record.tenant.as_deref())),
        (
            "last_used_at",
            Arc::new(TimestampMillisecondArray::from_iter(
                records().map(|record| record.last_used_at.map(|at| at * 1_000)),
            )),
        ),
        (
            "size_bytes",
            Arc::new(Int64Array::from_iter(records().map(|record| record.size_bytes.map(|size| size as i64)))),
        ),
        ("dependents", Arc::new(dependents.finish())),
        ("legal_hold", Arc::new(BooleanArray::from_iter(records().map(|record| record.legal_hold)))),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let place = tempfile::tempdir().unwrap();
    let folder = Folder::open(place.path()).unwrap();
    let file = |name: &str| std::fs::File::create(place.path().join(name)).unwrap();
    let mut parquet = parquet::arrow::ArrowWriter::try_new(file("i.parquet"), batch.schema(), None).unwrap();
    let mut arrow = arrow_ipc::writer::FileWriter::try_new(file("i.arrow"), &batch.schema()).unwrap();
    for start in (0..1_000).step_by(250) {
        parquet.write(&batch.slice(start, 250)).unwrap();
        parquet.flush().unwrap();
    }
    arrow.write(&batch).unwrap();
    parquet.close().unwrap();
    arrow.finish().unwrap();

    let ids: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
    let expected: Vec<Option<Record>> = rows.iter().map(|row| Some(row.record.clone())).collect();
    for (name, memory) in [("i.parquet", u64::MAX), ("i.parquet", 1 << 20), ("i.arrow", u64::MAX)] {
        let table = Table::read_within(&folder, name, MemoryBudget(memory), 2).unwrap();
        let snapshot = table.snapshot().unwrap();
        let found = snapshot.records(&ids).unwrap();
        assert!(found.into_iter().map(|record| record.map(Cow::into_owned)).eq(expected.clone()), "{name}");
    }
    // The second row of an id is named by its number.
    let twice =
        RecordBatch::try_from_iter([("id", Arc::new(StringArray::from(vec!["a", "b", "b", "a"])) as ArrayRef)]);
    let mut parquet =
        parquet::arrow::ArrowWriter::try_new(file("j.parquet"), twice.as_ref().unwrap().schema(), None).unwrap();
    parquet.write(&twice.unwrap()).unwrap();
    parquet.close().unwrap();
    let error = Table::read(&folder, "j.parquet").unwrap_err().message;
    assert_eq!(error, "row 3: the id `b` is duplicated");
}
