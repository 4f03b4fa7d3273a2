//! No change of an inventory of S3 makes an object vanish silently.

use crate::support::mutation::{self, Outcome, data, ids};
use flate2::Compression;
use flate2::write::GzEncoder;
use md5::{Digest, Md5};
use reprieve_batch::{ReadError, silence_decoder_panics};
use reprieve_readers::{Input, Options, find};
use serde_json::{Value, json};
use std::io::Write;

const HEADER: &str = "Bucket, Key, VersionId, IsLatest, IsDeleteMarker, Size";
const ROWS: &str = "\"bucket\",\"a\",\"v1\",\"true\",\"false\",\"1\"\n\"bucket\",\"b\",\"\",\"true\",\"false\",\"2\"\n\"bucket\",\"c%20d\",\"v3\",\"true\",\"true\",\"\"\n";

fn manifest(format: &str, schema: &str, file: &str, bytes: &[u8]) -> Value {
    json!({
        "sourceBucket": "bucket", "destinationBucket": "arn:aws:s3:::to", "version": "2016-11-30",
        "creationTimestamp": "1767323045000", "fileFormat": format, "fileSchema": schema,
        "files": [{"key": file, "size": bytes.len(), "MD5checksum": hex::encode(Md5::digest(bytes))}],
    })
}

/// Reads a manifest whose data file is at a path.
fn read(manifest: &[u8], path: &str, bytes: &[u8]) -> Outcome {
    let companion = |name: &str| {
        if name == path { Ok(bytes.to_vec()) } else { Err(ReadError::of_file(name, "there is no such file")) }
    };
    let mut items = Vec::new();
    let mut sink = |item| {
        items.push(item);
        Ok(())
    };
    let input = Input { name: "manifest.json", bytes: manifest, companion: &companion };
    let summary = (find("s3-inventory").expect("a format").read)(&input, &Options::default(), &mut sink)?;
    Ok((items, summary))
}

fn read_rows(rows: &[u8]) -> Outcome {
    let manifest = manifest("CSV", HEADER, "data/rows.csv", rows);
    read(manifest.to_string().as_bytes(), "rows.csv", rows)
}

#[test]
fn finds_data_beside_the_manifest_or_at_its_path() {
    let rows = ROWS.as_bytes();
    let manifest = |key: &str| manifest("CSV", HEADER, key, rows).to_string();
    let expected = ["a?versionId=v1", "b?versionId=", "c d?versionId=v3"];
    assert_eq!(ids(read(manifest("x/rows.csv").as_bytes(), "rows.csv", rows)), expected);
    assert_eq!(ids(read(manifest("x/rows.csv").as_bytes(), "x/rows.csv", rows)), expected);
    for key in ["../rows.csv", "/rows.csv", "x/../rows.csv"] {
        assert!(read(manifest(key).as_bytes(), key, rows).is_err(), "{key}");
    }
}

#[test]
fn a_changed_data_file_is_refused() {
    for (name, file) in [
        ("csv_inventory_manifest.json", "csv_inventory.csv.gz"),
        ("csv_inventory_no_version_manifest.json", "csv_inventory_no_version.csv.gz"),
        ("parquet_inventory_manifest.json", "parquet_inventory.parquet"),
    ] {
        let (manifest, bytes) = (data("s3-inventory", name), data("s3-inventory", file));
        assert!(read(&manifest, file, &bytes).is_ok(), "{name}");
        for at in (0..bytes.len()).step_by(7) {
            assert!(read(&manifest, file, &bytes[..at]).is_err(), "{file} cut at {at}");
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert!(read(&manifest, file, &changed).is_err(), "{file} changed at {at}");
        }
    }
}

#[test]
fn no_change_of_a_byte_of_a_manifest_hides_an_object() {
    for (name, file, objects) in [
        ("csv_inventory_manifest.json", "csv_inventory.csv.gz", 5),
        ("csv_inventory_no_version_manifest.json", "csv_inventory_no_version.csv.gz", 2),
        ("parquet_inventory_manifest.json", "parquet_inventory.parquet", 5),
    ] {
        let (manifest, bytes) = (data("s3-inventory", name), data("s3-inventory", file));
        let end = manifest.trim_ascii_end().len();
        for at in 0..end {
            assert!(read(&manifest[..at], file, &bytes).is_err(), "{name} cut at {at}");
            for other in [b' ', b'x', b'"', b',', 0xff, manifest[at] ^ 0x20] {
                let mut changed = manifest.clone();
                changed[at] = other;
                if let Ok((items, _)) = read(&changed, file, &bytes) {
                    assert_eq!(items.len(), objects, "{name} at {at}: {other}");
                }
            }
        }
        let twice = [&manifest[..], &manifest[..]].concat();
        assert!(read(&twice, file, &bytes).is_err());
    }
}

#[test]
fn no_change_of_a_byte_of_rows_hides_one() {
    let rows = ROWS.as_bytes();
    assert_eq!(read_rows(rows).expect("accepted").0.len(), 3);
    for at in 0..rows.len() {
        for other in [b' ', b'"', b',', b'\n', b'\r', b'x', b'%', b'+', 0, 0xff] {
            let mut changed = rows.to_vec();
            changed[at] = other;
            let mut longer = rows.to_vec();
            longer.insert(at, other);
            for variant in [changed, longer] {
                if let Ok((items, _)) = read_rows(&variant) {
                    assert_eq!(items.len(), 3, "{}", String::from_utf8_lossy(&variant));
                }
            }
        }
        let mut shorter = rows.to_vec();
        shorter.remove(at);
        if let Ok((items, _)) = read_rows(&shorter) {
            assert_eq!(items.len(), 3, "{}", String::from_utf8_lossy(&shorter));
        }
    }
}

#[test]
fn wrong_rows_are_refused() {
    for (from, to) in [
        ("\"v1\",\"true\"", "\"v1\",\"TRUE\""),
        ("\"true\",\"true\"", "\"true\",\"\""),
        ("\"bucket\",\"a\"", "\"Bucket\",\"a\""),
        ("\"a\"", "\"\""),
        ("\"a\"", "\"%0a\""),
        ("\"1\"", "\"1.5\""),
        ("\"v1\"", "\"v 1\""),
    ] {
        assert!(ROWS.contains(from));
        assert!(read_rows(ROWS.replacen(from, to, 1).as_bytes()).is_err(), "{from} -> {to}");
    }
    let schema = |schema: &str| {
        read(manifest("CSV", schema, "r", ROWS.as_bytes()).to_string().as_bytes(), "r", ROWS.as_bytes())
    };
    assert!(schema(HEADER).is_ok());
    for other in [HEADER.replace("Key", "Size"), HEADER.replace("VersionId", "Version"), HEADER.replace(", Size", "")]
    {
        assert!(schema(&other).is_err(), "{other}");
    }
}

#[test]
fn a_row_without_an_end_is_refused() {
    // One line without an end, and an open quote with a line break after each character.
    for unit in ["a", "\n"] {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        gzip.write_all(b"\"r\",\"").expect("written");
        let part = unit.repeat(1 << 20);
        for _ in 0..100 {
            gzip.write_all(part.as_bytes()).expect("written");
        }
        let bytes = gzip.finish().expect("compressed");
        let manifest = manifest("CSV", "Bucket, Key", "a.csv.gz", &bytes).to_string();
        let message = mutation::refusal(read(manifest.as_bytes(), "a.csv.gz", &bytes));
        assert!(message.contains("a row is longer than 65536 bytes"), "{unit:?}: {message}");
    }
}

#[test]
fn a_damaged_parquet_file_does_not_panic_and_hides_no_row() {
    silence_decoder_panics();
    let bytes = data("s3-inventory", "parquet_inventory.parquet");
    let text: Value = serde_json::from_slice(&data("s3-inventory", "parquet_inventory_manifest.json")).expect("JSON");
    let schema = text["fileSchema"].as_str().expect("a schema");
    for at in (0..bytes.len()).step_by(3) {
        for other in [bytes[at] ^ 1, bytes[at] ^ 0x80, 0, 0xff] {
            let mut changed = bytes.clone();
            changed[at] = other;
            let mut manifest = manifest("Parquet", schema, "f", &changed);
            manifest["sourceBucket"] = json!("filemanager-inventory-test");
            if let Ok((items, _)) = read(manifest.to_string().as_bytes(), "f", &changed) {
                assert_eq!(items.len(), 5, "byte {at} is {other}");
            }
        }
    }
}
