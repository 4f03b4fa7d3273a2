//! Objects of S3 and their versions: what requests, lists and inventories share.

use crate::node::count;
use crate::{Action, Item, Options, Part};
use reprieve_batch::Record;
use reprieve_model::Timestamp;

/// The version id of the version that was written while its bucket kept no versions.
const NULL_VERSION: &str = "null";

/// An object, or a version of one. What the file does not say is `None`.
#[derive(Debug, Default)]
pub(crate) struct Object {
    pub(crate) key: String,
    /// Its version id; empty or `null` for the null version.
    pub(crate) version: Option<String>,
    pub(crate) bucket: Option<String>,
    pub(crate) is_marker: bool,
    pub(crate) is_latest: Option<bool>,
    pub(crate) modified: Option<i64>,
    pub(crate) size: Option<u64>,
    pub(crate) legal_hold: Option<bool>,
    pub(crate) retain_until: Option<i64>,
    pub(crate) lock_mode: Option<String>,
    pub(crate) storage_class: Option<String>,
}

impl Object {
    /// Checks that the key and the version id can be listed.
    ///
    /// # Errors
    /// A message with what is wrong.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.key.trim().is_empty() {
            return Err("the key is blank".to_owned());
        }
        let version = self.version.as_deref().unwrap_or("");
        for (what, text) in [("key", self.key.as_str()), ("version id", version)] {
            if text.chars().any(char::is_control) {
                return Err(format!("the {what} `{text}` has control characters"));
            }
        }
        if version.chars().any(char::is_whitespace) {
            return Err(format!("the version id `{version}` has blanks"));
        }
        Ok(())
    }

    /// Returns it as an item.
    pub(crate) fn item(self, action: Action, options: &Options) -> Item {
        let kind = if self.version.is_some() { "object-version" } else { "object" };
        let mut details = Vec::new();
        details.extend(self.bucket.map(|bucket| ("bucket", bucket)));
        details.extend(self.is_marker.then(|| ("delete_marker", "true".to_owned())));
        details.extend(self.is_latest.map(|is_latest| ("is_latest", is_latest.to_string())));
        details.extend(self.storage_class.map(|class| ("storage_class", class)));
        details.extend(self.lock_mode.map(|mode| ("lock_mode", mode)));
        let version = self.version.map(|version| if version == NULL_VERSION { String::new() } else { version });
        let record = Record {
            kind: Some(options.kind.clone().unwrap_or_else(|| kind.to_owned())),
            created_at: self.modified,
            size_bytes: self.size,
            legal_hold: self.legal_hold,
            retain_until: self.retain_until,
            ..Record::default()
        };
        let part = version.map(Part::Version);
        Item { id: self.key, part, action, record, details, ..Item::default() }
    }
}

/// Returns a note about delete markers, if there are any.
pub(crate) fn marker_note(markers: usize) -> Option<String> {
    let number = count(markers, "item is a delete marker", "items are delete markers");
    (markers > 0).then(|| format!("{number}: to delete one that is the latest version brings the key back"))
}

/// Returns the time of a text.
pub(crate) fn time(text: &str) -> Result<Option<i64>, String> {
    let time = Timestamp::parse(text).map_err(|error| format!("`{text}` is not a time: {error}"))?;
    Ok(time.known().map(Timestamp::seconds))
}

/// Decodes a URL-encoded key. S3 writes a blank as `+`, and `+` itself as `%2B`.
pub(crate) fn decode_key(text: &str) -> Result<String, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        match first {
            b'%' => {
                let digits = rest.first_chunk::<2>().and_then(|digits| hex::decode(digits).ok());
                let Some(byte) = digits else {
                    return Err(format!(
                        "the key `{text}` is not URL-encoded: `%` is not followed by two hex digits"
                    ));
                };
                bytes.extend(byte);
                rest = rest.get(2..).unwrap_or_default();
            }
            b'+' => bytes.push(b' '),
            other => bytes.push(*other),
        }
    }
    String::from_utf8(bytes).map_err(|_| format!("the key `{text}` is not UTF-8 after it is decoded"))
}
