//! The first line of an inventory that was made from a file of another tool: what that file was.

use super::json_scan::is_blank;
use crate::error::without_position;
use reprieve_model::{InventorySource, Timestamp};
use serde::Deserialize;

/// The digest of an inventory file, and what its header says.
#[derive(Debug)]
pub(crate) struct InventoryFile {
    /// SHA-256 of its bytes, lower-case hex.
    pub sha256: String,
    /// The file that it was made from.
    pub source: Option<InventorySource>,
}

/// The member that a row never has.
const MEMBER: &str = "reprieve_inventory";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    reprieve_inventory: Header,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    version: u64,
    source: String,
    source_sha256: String,
    #[serde(default)]
    taken_at: Option<Timestamp>,
}

/// Removes the header from the beginning of a text, if it has one. Its line stays, and is blank.
pub(super) fn take_header(start: &mut Vec<u8>) -> Result<Option<InventorySource>, String> {
    let begin = if start.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    let end = memchr::memchr(b'\n', start).unwrap_or(start.len()).max(begin);
    let line = start.get(begin..end).unwrap_or_default();
    if !begins_a_header(line) {
        return Ok(None);
    }
    let line: Line = serde_json::from_slice(line)
        .map_err(|error| format!("the header of the inventory: {}", without_position(&error)))?;
    let Header { version, source: format, source_sha256: sha256, taken_at } = line.reprieve_inventory;
    if version != 1 {
        return Err(format!("the version of the inventory is {version}, known is 1"));
    }
    if sha256.len() != 64 || !sha256.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
        return Err("`source_sha256` of the inventory is not 64 lower-case hexadecimal digits".to_owned());
    }
    start.drain(..end);
    Ok(Some(InventorySource { format, sha256, taken_at }))
}

/// Whether the first member of an object is that of a header.
fn begins_a_header(line: &[u8]) -> bool {
    let text: Vec<u8> = line.iter().copied().filter(|byte| !is_blank(*byte)).take(MEMBER.len() + 4).collect();
    text.starts_with(format!("{{\"{MEMBER}\":").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = r#"{"reprieve_inventory":{"version":1,"source":"kubernetes","source_sha256":"D","taken_at":"2026-03-02T12:00:00Z"}}"#;

    fn header() -> String {
        HEADER.replace('D', &"0a".repeat(32))
    }

    fn taken(text: &str) -> Result<(Option<InventorySource>, String), String> {
        let mut start = text.as_bytes().to_vec();
        let source = take_header(&mut start)?;
        Ok((source, String::from_utf8(start).unwrap()))
    }

    #[test]
    fn a_header_is_taken_and_its_line_stays() {
        let source = InventorySource {
            format: "kubernetes".to_owned(),
            sha256: "0a".repeat(32),
            taken_at: Some(Timestamp::parse("2026-03-02T12:00:00Z").unwrap().known().unwrap()),
        };
        let header = header();
        for (text, rest) in [
            (format!("{header}\n{{\"id\":\"a\"}}\n"), "\n{\"id\":\"a\"}\n"),
            (format!("\u{feff} {} \r\n", header.replace(':', " : ").replace("12 : 00 : 00", "12:00:00")), "\n"),
            (header.clone(), ""),
        ] {
            assert_eq!(taken(&text), Ok((Some(source.clone()), rest.to_owned())), "{text}");
        }
    }

    #[test]
    fn rows_are_no_header() {
        for text in ["", "\n", "{\"id\":\"a\"}\n", "{\"id\":\"reprieve_inventory\"}\n", "[]", "\u{feff}"] {
            assert_eq!(taken(text), Ok((None, text.to_owned())), "{text}");
        }
    }

    #[test]
    fn a_header_with_a_fault_is_an_error() {
        let header = header();
        for (text, part) in [
            (header.replace("\"version\":1", "\"version\":2"), "the version of the inventory is 2"),
            (header.replace("0a0a", "0A0A"), "hexadecimal"),
            (header.replace("0a0a", ""), "hexadecimal"),
            (header.replace("\"source\"", "\"sauce\""), "unknown field `sauce`"),
            (header.replace("}}", "},\"id\":\"a\"}"), "unknown field `id`"),
            (header.replace("}}", "}"), "the header of the inventory"),
            (header.replace("\"version\":1,", "\"version\":1,\"version\":1,"), "duplicate field `version`"),
        ] {
            let error = taken(&text).expect_err(&text);
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
