//! What to delete: the targets of a request, inline or in files.

use crate::Timestamp;
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_with::skip_serializing_none;
use std::collections::BTreeMap;
use std::fmt;

/// The targets of a request: inline, or in files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum Targets {
    /// Inline.
    Inline(Vec<Target>),
    /// In one file or in several.
    Files(TargetFiles),
}

/// A target list in a separate file, or in several: `path` names the one, `files` names all of several in their order, which
/// then is a manifest. The file extension gives the format: JSON (`.json`, `.ndjson`, `.jsonl`), CSV (`.csv`,
/// `.tsv`), one id per line (`.txt`), Parquet (`.parquet`) or Arrow (`.arrow`, `.feather`, `.arrows`). Text may be compressed
/// with gzip or Zstandard (append `.gz` or `.zst`). Columns that hold no field of a target are left alone, unless their name
/// looks like a misspelled one.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "host", schemars(extend("oneOf" = [{ "required": ["path"] }, { "required": ["files"] }])))]
#[serde(deny_unknown_fields)]
pub struct TargetFiles {
    /// The path, relative to the request's folder and inside it.
    pub path: Option<String>,
    /// The files of a manifest: at least one and at most 10,000, none of them twice. They may have different formats.
    #[cfg_attr(feature = "host", schemars(length(min = 1, max = 10_000)))]
    pub files: Option<Vec<ListedFile>>,
    /// SHA-256 of the file, lower-case hex. A file with another digest is an error. The digest of a manifest is the SHA-256 of
    /// its lines, each the digest of a file, two spaces and the path: `sha256sum part-*.parquet | sha256sum`.
    pub sha256: Option<String>,
    /// Maps fields of the targets to columns with other names: `{"id": "app_id"}`. An `id` may be read from several columns:
    /// `{"id": ["dag_id", "run_id"]}`. Their values are joined by `/`; a `%` in a value is written `%25`, and a `/` in it `%2F`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub columns: BTreeMap<String, SourceColumns>,
    /// The number of lines before the header of a CSV file, which are not read. Default: 0.
    pub skip_lines: Option<u64>,
    /// Whether a CSV file has a header. Default: true. Without one, `columns` maps fields to the numbers of columns, counted
    /// from 1: `{"id": "2"}`.
    pub header: Option<bool>,
    /// What a number means in a column of times. Default: it is an error.
    pub times: Option<NumericTimes>,
}

/// A file of a manifest.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ListedFile {
    /// The path, relative to the request's folder and inside it. It has no control characters and no `\`.
    pub path: String,
    /// SHA-256 of the file, lower-case hex. A file with another digest is an error.
    pub sha256: Option<String>,
}

/// The columns that a field of the targets is read from: one, or several that are joined. Only `id` may have several.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum SourceColumns {
    /// One column.
    One(String),
    /// Several columns, in their order in the id.
    Several(Vec<String>),
}

impl SourceColumns {
    /// The names of the columns.
    pub fn names(&self) -> &[String] {
        match self {
            Self::One(name) => std::slice::from_ref(name),
            Self::Several(names) => names,
        }
    }
}

impl From<&str> for SourceColumns {
    fn from(name: &str) -> Self {
        Self::One(name.to_owned())
    }
}

impl<'de> Deserialize<'de> for SourceColumns {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Names;
        impl<'de> Visitor<'de> for Names {
            type Value = SourceColumns;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a column, or a list of names")
            }

            fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Self::Value, E> {
                Ok(name.into())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut names: A) -> Result<Self::Value, A::Error> {
                let mut all = Vec::new();
                while let Some(name) = names.next_element()? {
                    all.push(name);
                }
                Ok(SourceColumns::Several(all))
            }
        }
        deserializer.deserialize_any(Names)
    }
}

/// What a number means in a column of times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
pub enum NumericTimes {
    /// Seconds since 1970-01-01T00:00:00Z.
    #[serde(rename = "unix-seconds")]
    UnixSeconds,
    /// Milliseconds since 1970-01-01T00:00:00Z.
    #[serde(rename = "unix-milliseconds")]
    UnixMilliseconds,
}

/// One target. Additional fields must begin with `x_` and be strings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
pub struct Target {
    /// The id that the destructive call receives.
    pub id: Option<String>,
    /// Its claimed kind.
    pub kind: Option<String>,
    /// The tenant to which it belongs.
    pub tenant: Option<String>,
    /// The environment in which it is.
    pub environment: Option<String>,
    /// Its life-cycle state.
    pub state: Option<String>,
    /// When it was created.
    pub created_at: Option<Timestamp>,
    /// When it was last used.
    pub last_used_at: Option<Timestamp>,
    /// Its size in bytes.
    pub size_bytes: Option<u64>,
}
