//! Several processes find in the sections of a list what one process finds in the whole list.

use super::{BatchPlan, MergedBatch, SectionReader, merge_sections};
use crate::batch::Batch;
use crate::environments::Environments;
use crate::error::SectionError;
use crate::inventory::{Inventory, Resolution, Share, Table};
use crate::read::{ListSection, ReadOptions};
use crate::record::{Record, Sharers};
use proptest::prelude::*;
use reprieve_model::{Facts, Timestamp};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The files of a list, each with its lines.
type Files = Vec<Vec<String>>;

fn line() -> impl Strategy<Value = String> {
    let id = prop::sample::select(vec!["a", "b", "c", "d", "e", "f1", "f2", "NULL", "A", "s3://bucket/x"]);
    let kind = prop::option::of(prop::sample::select(vec!["app", "site"]));
    let tenant = prop::option::of(prop::sample::select(vec!["t", "u", "v"]));
    (id, kind, tenant, prop::option::of(0_u64..9)).prop_map(|(id, kind, tenant, size)| {
        format!(
            "{id},{},{},{}",
            kind.unwrap_or(""),
            tenant.unwrap_or(""),
            size.map(|n| n.to_string()).unwrap_or_default()
        )
    })
}

fn files() -> impl Strategy<Value = Files> {
    prop::collection::vec(prop::collection::vec(line(), 0..16), 1..7)
}

fn record() -> impl Strategy<Value = Record> {
    let some = |names: Vec<&'static str>| prop::option::of(prop::sample::select(names).prop_map(str::to_owned));
    (
        some(vec!["app", "site"]),
        some(vec!["t", "u", "w"]),
        some(vec!["live", "disabled"]),
        some(vec!["p", "q"]),
        prop::option::of(prop::collection::vec(prop::sample::select(vec!["a", "b", "g", "h", "i"]), 0..3)),
        prop::option::of(prop::sample::select(vec!["t;x", "3"])),
        some(vec!["ann", "bob"]),
        prop::option::of(0_u64..9),
    )
        .prop_map(|(kind, tenant, state, pool, dependents, tenants, owner, size_bytes)| Record {
            kind,
            tenant,
            state,
            pool,
            dependents: dependents.map(|ids| ids.into_iter().map(str::to_owned).collect()),
            tenants: tenants.and_then(|text| Sharers::of_text(text).unwrap()),
            owner,
            size_bytes,
            ..Record::default()
        })
}

fn table(records: &[(&str, Record)]) -> Arc<dyn Inventory> {
    let mut table = Table::default();
    records.iter().for_each(|(id, record)| table.add(id, record.clone(), Some(2)).unwrap());
    Arc::new(table)
}

fn inventory() -> impl Strategy<Value = Vec<(&'static str, Record)>> {
    let ids = vec!["a", "b", "c", "d", "f1", "g", "h", "i", "t", "u", "s3://bucket"];
    ids.into_iter().map(|id| (Just(id), record())).collect::<Vec<_>>()
}

/// Writes the files of a list, and the request for it.
fn write(folder: &Path, files: &[Vec<String>]) -> PathBuf {
    let mut listed = Vec::new();
    for (number, lines) in files.iter().enumerate() {
        let name = format!("part-{number}.csv");
        fs::write(
            folder.join(&name),
            format!("id,kind,tenant,size_bytes\n{}\n", lines.join("\n")).replace("\n\n", "\n"),
        )
        .unwrap();
        listed.push(serde_json::json!({ "path": name }));
    }
    let request = serde_json::json!({
        "id": "r", "mode": "hard", "environment": "production", "target_kind": "app",
        "recovery": { "checkpoints": [{ "id": "b", "location": "s3://bucket/backups" }] },
        "targets": { "files": listed },
    });
    let path = folder.join("request.json");
    fs::write(&path, request.to_string()).unwrap();
    path
}

/// Counts the sections in another order than theirs, and merges them.
fn merged(request: &Path, inventory: Option<&Arc<dyn Inventory>>) -> Result<MergedBatch, SectionError> {
    let reader =
        || SectionReader::new(BatchPlan::open(request, ReadOptions::default()).unwrap(), 1 << 20, 2).unwrap();
    let (reader, sections) = (reader(), reader().plan().sections());
    let mut counted: Vec<_> = (0..sections)
        .rev()
        .map(|section| (section, reader.count(section, [5; 32], inventory.map(|found| &**found)).unwrap()))
        .collect();
    counted.reverse();
    let duplicates: Vec<Vec<u8>> = (0..SectionReader::BUCKETS)
        .map(|bucket| {
            let parts =
                counted.iter().rev().map(|(section, found)| (*section as u32, found.buckets[bucket].as_slice()));
            SectionReader::duplicates(parts).unwrap()
        })
        .collect();
    let counts: Vec<&[u8]> = counted.iter().map(|(_, found)| found.counts.as_slice()).collect();
    let duplicates: Vec<&[u8]> = duplicates.iter().map(Vec::as_slice).collect();
    merge_sections(reader, &counts, &duplicates, inventory.cloned(), true)
}

/// Everything that is known of a batch: its facts, its columns with the resolved ones, and its tenants.
fn known(batch: &Batch, resolution: Option<&Resolution>) -> (Facts, String, String) {
    let found = resolution.map(|resolution| &resolution.facts);
    let facts = batch.facts(&Environments::default(), found, None, Timestamp::parse("2026-01-01T00:00:00Z").unwrap());
    let chunks: Vec<_> = batch.chunks().map(Result::unwrap).collect();
    let resolved: Vec<_> = resolution.iter().flat_map(|found| found.columns.iter()).map(Result::unwrap).collect();
    let (layout, mut tenants) = (batch.chunk_bytes().collect::<Vec<_>>(), String::new());
    let each = |tenant: &str, share: &Share| {
        tenants += &format!("{tenant} {share:?}\n");
        Ok::<_, crate::error::LookupError>(())
    };
    if let Some(found) = resolution {
        found.tenants.each(each).unwrap();
    }
    (facts, format!("{chunks:?} {resolved:?} {layout:?} {:?}", batch.section_ends()), tenants)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn the_batch_is_the_one_that_one_process_reads(files in files(), records in inventory(), with in any::<bool>()) {
        let folder = tempfile::tempdir().unwrap();
        let request = write(folder.path(), &files);
        let inventory = with.then(|| table(&records));
        let whole = Batch::open(&request).unwrap();
        let resolution = inventory.as_ref().map(|inventory| whole.resolve(&**inventory, true).unwrap());
        let MergedBatch { batch, resolution: merged, .. } = merged(&request, inventory.as_ref()).unwrap();
        let merged = merged.map(Result::unwrap);
        prop_assert_eq!(known(&batch, merged.as_ref()), known(&whole, resolution.as_ref()));
        prop_assert_eq!(batch.request_sha256(), whole.request_sha256());
        let written = |batch: &Batch| {
            let mut list = Vec::new();
            batch.write_list(&mut list).unwrap();
            list
        };
        prop_assert_eq!(written(&batch), written(&whole));

        prop_assert_eq!(batch.sections(), whole.sections());
        let plan = BatchPlan::open(&request, ReadOptions::default()).unwrap();
        let reader = SectionReader::new(plan.clone(), 1 << 20, 1).unwrap();
        for (number, section) in whole.sections().into_iter().enumerate() {
            let (chunks, sha256) = reader.list(number).unwrap();
            prop_assert_eq!(plan.hash_section(number).unwrap().1, sha256.clone());
            prop_assert_eq!(ListSection { targets: chunks.rows().map(u64::from).sum(), sha256 }, section);
        }
    }
}

fn many_lines(rows: usize) -> Vec<String> {
    (0..rows).map(|row| format!("id-{row},app,t-{},", row % 7)).collect()
}

#[test]
fn a_file_that_changes_after_it_was_counted_is_not_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let request = write(folder.path(), &[many_lines(50), many_lines(60)]);
    let batch = merged(&request, None).unwrap().batch;
    assert_eq!((batch.section_ends(), batch.len()), (&[1, 2][..], 110));
    assert_eq!(batch.id(109).unwrap().as_deref(), Some("id-59"));
    assert_eq!(batch.id(3).unwrap().as_deref(), Some("id-3"));
    fs::write(folder.path().join("part-1.csv"), "id,kind\nother,app\n").unwrap();
    let error = batch.id(60).unwrap_err().to_string();
    assert!(error.contains("part-1.csv: the file changed after it was counted: its digest was"), "{error}");
}

#[test]
fn the_folder_of_the_list_does_not_depend_on_that_of_the_process() {
    let request = br#"{"id": "r", "mode": "soft", "environment": "e", "target_kind": "app", "targets": {"path": "Cargo.toml"}}"#;
    for folder in ["", "."] {
        let plan = BatchPlan::read(request.as_slice(), "r", Path::new(folder), ReadOptions::default()).unwrap();
        assert_eq!(plan.folder(), std::env::current_dir().unwrap(), "`{folder}`");
    }
}

#[test]
fn results_that_are_cut_or_missing_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let request = write(folder.path(), &[many_lines(50), many_lines(60)]);
    let plan = BatchPlan::open(&request, ReadOptions::default()).unwrap();
    let reader = || SectionReader::new(plan.clone(), 1 << 20, 1).unwrap();
    let found: Vec<_> = (0..2).map(|section| reader().count(section, [1; 32], None).unwrap()).collect();
    let empty = SectionReader::duplicates([]).unwrap();
    let duplicates = vec![empty.as_slice(); SectionReader::BUCKETS];
    let counts: Vec<&[u8]> = found.iter().map(|found| found.counts.as_slice()).collect();
    assert!(merge_sections(reader(), &counts, &duplicates, None, false).is_ok());
    assert!(merge_sections(reader(), &counts[1..], &duplicates, None, false).is_err());
    assert!(merge_sections(reader(), &counts, &duplicates[1..], None, false).is_err());
    for length in 0..counts[0].len() {
        let cut = [&counts[0][..length], counts[1]];
        assert!(merge_sections(reader(), &cut, &duplicates, None, false).is_err(), "{length} bytes");
    }
    assert!(reader().count(2, [1; 32], None).unwrap_err().to_string().contains("there is no section 2"));
}
