//! Manifests of S3 Batch Operations: CSV files of `Bucket,Key` or `Bucket,Key,VersionId` without a header. Keys are
//! URL-encoded. A manifest lists objects; what its job does with them is not in it.

use super::Collector;
use crate::Input;
use crate::s3::{self, Object};
use reprieve_batch::{Place, ReadError};

pub(super) fn read(input: &Input<'_>, collector: &mut Collector<'_, '_>) -> Result<(), ReadError> {
    let text = input.text()?;
    let mut bucket: Option<(String, usize)> = None;
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    for record in reader.records() {
        let record = record.map_err(|error| input.error(Place::Whole, format!("not CSV: {error}")))?;
        let line = record.position().map_or(1, csv::Position::line);
        let error = |message: String| input.error(Place::Line(line), message);
        let (of_bucket, key, version) = match record.iter().collect::<Vec<_>>()[..] {
            [bucket, key] => (bucket, key, None),
            [bucket, key, version] => (bucket, key, Some(version.to_owned())),
            _ => {
                let message =
                    format!("expected `Bucket,Key` or `Bucket,Key,VersionId`, found {} values", record.len());
                return Err(error(message).with_help("pass the manifest of an inventory as `s3-inventory`"));
            }
        };
        check_bucket(of_bucket).map_err(error)?;
        match &bucket {
            None => bucket = Some((of_bucket.to_owned(), record.len())),
            Some((other, _)) if other != of_bucket => {
                let message = format!("the manifest has objects of two buckets, `{other}` and `{of_bucket}`");
                return Err(error(message).with_help("write one file for each bucket"));
            }
            Some((_, columns)) if *columns != record.len() => {
                return Err(error(format!("expected {columns} values, found {}", record.len())));
            }
            Some(_) => {}
        }
        if key.contains('+') {
            let message = format!("the `+` in the key `{key}` may be a blank or a plus sign");
            return Err(error(message).with_help("write `%20` or `%2B`"));
        }
        let object = Object {
            key: s3::decode_key(key).map_err(error)?,
            version,
            bucket: Some(of_bucket.to_owned()),
            ..Object::default()
        };
        collector.list(object, &error)?;
    }
    if !text.ends_with('\n') {
        collector.note("the last line has no line end: the file may be cut");
    }
    Ok(())
}

/// Checks that a text may be the name of a bucket, and is not the name of a column.
fn check_bucket(bucket: &str) -> Result<(), String> {
    let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'_');
    if bucket.len() >= 3 && bucket.bytes().all(is_name) && bucket != "bucket" {
        return Ok(());
    }
    Err(format!("`{bucket}` is not the name of a bucket; a manifest has no header"))
}
