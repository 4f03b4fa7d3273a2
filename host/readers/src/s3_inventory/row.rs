//! The columns of an inventory, and its rows. CSV has `VersionId` where Parquet has `version_id`.

use crate::s3::{self, Object};
use std::collections::HashSet;

/// The columns that are read, in the order in which a row has them. The names are lower-case, without `_`.
const READ: [&str; 11] = [
    "bucket",
    "key",
    "versionid",
    "islatest",
    "isdeletemarker",
    "size",
    "lastmodifieddate",
    "storageclass",
    "objectlockretainuntildate",
    "objectlockmode",
    "objectlocklegalholdstatus",
];

/// The columns of an inventory with versions. An inventory has all of them or none.
const OF_VERSIONS: [&str; 3] = ["versionid", "islatest", "isdeletemarker"];

/// The columns of a data file.
#[derive(Debug)]
pub(super) struct Columns {
    /// Their names, as the manifest has them.
    pub(super) names: Vec<String>,
    /// Where each column that is read is among them.
    places: [Option<usize>; READ.len()],
}

impl Columns {
    pub(super) fn new(names: Vec<String>) -> Result<Self, String> {
        let plain: Vec<String> = names.iter().map(|name| name.replace('_', "").to_ascii_lowercase()).collect();
        let mut seen = HashSet::new();
        if let Some(name) = plain.iter().find(|name| !seen.insert(name.as_str())) {
            return Err(format!("the column `{name}` is duplicated"));
        }
        let places = READ.map(|name| plain.iter().position(|plain| plain == name));
        for name in ["bucket", "key"] {
            if !seen.contains(name) {
                return Err(format!("there is no column `{name}`"));
            }
        }
        let of_versions = OF_VERSIONS.iter().filter(|name| seen.contains(**name)).count();
        if !matches!(of_versions, 0 | 3) {
            return Err(
                "it has some of the columns `VersionId`, `IsLatest` and `IsDeleteMarker`, and not all".to_owned()
            );
        }
        Ok(Self { names, places })
    }

    /// Whether the inventory has all versions, and not only the current ones.
    pub(super) fn has_versions(&self) -> bool {
        let [_, _, version, ..] = self.places;
        version.is_some()
    }

    /// The names of the columns that are read, as the manifest has them.
    pub(super) fn read(&self) -> Vec<&str> {
        let name = |place: &Option<usize>| self.names.get((*place)?).map(String::as_str);
        self.places.iter().filter_map(name).collect()
    }

    /// Returns a row. `value` returns the value of a column by its number; a value that is null is empty.
    pub(super) fn row<'v>(&self, bucket: &str, value: impl Fn(usize) -> Option<&'v str>) -> Result<Object, String> {
        let values = self.places.map(|place| value(place?));
        let filled = values.map(|value| value.filter(|value| !value.is_empty()));
        let [of_bucket, key, _, latest, marker, size, modified, class, retain_until, lock_mode, hold] = filled;
        if of_bucket != Some(bucket) {
            return Err(format!("the bucket is `{}`, and not `{bucket}`", of_bucket.unwrap_or_default()));
        }
        let [_, _, version, ..] = values;
        let has_versions = self.has_versions();
        let object = Object {
            key: key.unwrap_or_default().to_owned(),
            version: has_versions.then(|| version.unwrap_or_default().to_owned()),
            bucket: Some(bucket.to_owned()),
            is_marker: has_versions && flag("IsDeleteMarker", marker)?,
            is_latest: if has_versions { Some(flag("IsLatest", latest)?) } else { None },
            modified: modified.map(s3::time).transpose()?.flatten(),
            size: size
                .map(|size| size.parse().map_err(|_| format!("the size `{size}` is not a number")))
                .transpose()?,
            legal_hold: hold.map(on_or_off).transpose()?,
            retain_until: retain_until.map(s3::time).transpose()?.flatten(),
            lock_mode: lock_mode.map(str::to_owned),
            storage_class: class.map(str::to_owned),
        };
        Ok(object)
    }
}

/// Returns the columns of the schema of CSV files: names with commas.
#[allow(clippy::unnecessary_wraps, reason = "the same shape as that of Parquet")]
pub(super) fn csv_columns(schema: &str) -> Result<Vec<String>, String> {
    Ok(schema.split(',').map(|name| name.trim().to_owned()).collect())
}

/// Returns the columns of the schema of Parquet files: `message NAME { required binary bucket (STRING); … }`.
pub(super) fn parquet_columns(schema: &str) -> Result<Vec<String>, String> {
    let fields = schema.split_once('{').and_then(|(_, rest)| rest.trim_end().strip_suffix('}'));
    let fields = fields.ok_or("it is not a message of Parquet")?;
    let fields = fields.split(';').map(str::trim).filter(|field| !field.is_empty());
    let name = |field: &str| {
        let mut words = field.split_whitespace();
        match (words.next(), words.next(), words.next()) {
            (Some("required" | "optional"), Some(_), Some(name)) => Ok(name.to_owned()),
            _ => Err(format!("the field `{field}` is not understood")),
        }
    };
    fields.map(name).collect()
}

fn flag(name: &str, value: Option<&str>) -> Result<bool, String> {
    match value {
        Some("true") => Ok(true),
        Some("false") => Ok(false),
        other => Err(format!("`{name}` must be true or false, found `{}`", other.unwrap_or_default())),
    }
}

fn on_or_off(value: &str) -> Result<bool, String> {
    match value {
        on if on.eq_ignore_ascii_case("on") => Ok(true),
        off if off.eq_ignore_ascii_case("off") => Ok(false),
        other => Err(format!("the legal hold `{other}` is not understood")),
    }
}
