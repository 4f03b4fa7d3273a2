//! Alters files and reads them again: no change may make a deletion vanish without a word.

// Tests of one format use a part of it, and a test that panics has failed.

use reprieve_batch::ReadError;
use reprieve_readers::{Input, Item, Options, Summary, find};
use serde_json::Value;
use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A file that is accepted, with what is in it.
pub struct Accepted {
    pub name: String,
    pub bytes: Vec<u8>,
    pub options: Options,
    pub items: Vec<Item>,
}

fn folder(format: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(format)
}

/// Reads bytes as a file of a format.
pub fn read(format: &str, name: &str, bytes: &[u8], options: &Options) -> Result<(Vec<Item>, Summary), ReadError> {
    let companion = |name: &str| Err(ReadError::of_file(name, "there is no such file"));
    let mut items = Vec::new();
    let mut sink = |item| {
        items.push(item);
        Ok(())
    };
    let format = find(format).expect("the format is there");
    let summary = (format.read)(&Input { name, bytes, companion: &companion }, options, &mut sink)?;
    Ok((items, summary))
}

/// Returns the text of a data file.
pub fn data(format: &str, name: &str) -> String {
    fs::read_to_string(folder(format).join(name)).expect("a data file")
}

/// Returns every file of a format that is accepted.
pub fn accepted(format: &str) -> Vec<Accepted> {
    let text = fs::read_to_string(folder(format).join("expected.json")).expect("the expected results");
    let cases: Vec<Value> = serde_json::from_str(&text).expect("valid JSON");
    let texts =
        |value: &Value| value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
    let mut files = Vec::new();
    for case in cases.iter().filter(|case| case.get("items").is_some()) {
        let name = case["file"].as_str().expect("a name").to_owned();
        let bytes = fs::read(folder(format).join(&name)).expect("a data file");
        let kind = case["kind"].as_str().map(str::to_owned);
        let options =
            Options { kind, id: texts(&case["id"]), no_header: case["no_header"].as_bool().unwrap_or(false) };
        let (items, _) = read(format, &name, &bytes, &options).expect("it is accepted");
        files.push(Accepted { name, bytes, options, items });
    }
    assert!(!files.is_empty());
    files
}

/// Asserts that a file is refused after a text in it was replaced, and that it was accepted before.
pub fn refused(format: &str, name: &str, from: &str, to: &str) {
    let text = data(format, name);
    assert!(text.contains(from), "{name}: there is no `{from}`");
    assert!(read(format, name, text.as_bytes(), &Options::default()).is_ok(), "{name}: refused before the change");
    let changed = text.replacen(from, to, 1);
    if let Ok((items, _)) = read(format, name, changed.as_bytes(), &Options::default()) {
        panic!("{name}: `{from}` -> `{to}` is accepted with {} items", items.len());
    }
}

/// Cuts each file at every byte. What is left of a file of lines may be accepted, but then it is the start of the list:
/// no id is cut, and none is skipped. A JSON document is refused.
pub fn truncations_never_alter_an_item(format: &str) {
    for file in accepted(format) {
        let whole = file.bytes.trim_ascii_end().len();
        for end in 0..whole {
            let cut = file.bytes.get(..end).expect("within the file");
            if let Ok((items, summary)) = read(format, &file.name, cut, &file.options) {
                let is_start = file.items.starts_with(&items) || summary.selector.is_some();
                assert!(is_start, "{} cut at {end}: {:?}", file.name, items.last());
                // The last line is whole, or it is cut after its item, or in a comment.
                let last = String::from_utf8_lossy(cut.rsplit(|byte| *byte == b'\n').next().unwrap_or_default());
                let next = file.bytes.get(end..end + 1).unwrap_or_default();
                let is_after_item = items.last().is_some_and(|item| last.contains(&item.id));
                let is_ended = last.trim().is_empty()
                    || next == b"\n"
                    || last.trim_end().ends_with(';')
                    || last.starts_with("--");
                let is_whole = items.len() == file.items.len() || summary.selector.is_some();
                assert!(is_whole || is_ended || is_after_item, "{} cut at {end} within a line", file.name);
                assert!(!file.name.ends_with(".json") || file.name.contains("-log"), "{} cut at {end}", file.name);
            }
        }
    }
}

/// Changes, inserts and removes every byte of each file. An accepted result has as many items as before, unless the
/// change is in the line of an item that is gone, or the line end before it, or there is a selector instead.
pub fn changed_bytes_never_hide_an_item(format: &str) {
    const BYTES: &[u8] = b" \"'\n,;-x0\\\t{}[]:#/*\0\xff";
    let mut changes = 0_usize;
    for file in accepted(format) {
        for at in 0..file.bytes.len() {
            for step in 0..6 {
                let mut bytes = file.bytes.clone();
                let other = BYTES[changes % BYTES.len()];
                match step {
                    0..=2 => bytes[at] = other,
                    3 => bytes.insert(at, other),
                    4 => drop(bytes.remove(at)),
                    _ => bytes[at] ^= 0x20,
                }
                changes += 1;
                if let Ok((items, summary)) = read(format, &file.name, &bytes, &file.options) {
                    let none_is_hidden = items.len() >= file.items.len() || summary.selector.is_some();
                    assert!(
                        none_is_hidden || is_own(&file, at, &items),
                        "{} at {at}, step {step}, {other}: {items:?}",
                        file.name
                    );
                }
            }
        }
    }
    assert!(changes > 1000);
}

/// Whether a place is in a line with the id of an item that is gone, or in the line end before it.
fn is_own(file: &Accepted, at: usize, items: &[Item]) -> bool {
    let left: HashSet<&str> = items.iter().map(|item| item.id.as_str()).collect();
    let start = file.bytes[..at].iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let mut lines = file.bytes[start..].split_inclusive(|byte| *byte == b'\n');
    let line = lines.next().unwrap_or_default();
    let next = if file.bytes[at] == b'\n' { lines.next().unwrap_or_default() } else { b"" };
    let text = String::from_utf8_lossy(&[line, next].concat()).into_owned();
    file.items.iter().any(|item| {
        let name = item.id.rsplit(['/', '.']).next().unwrap_or(&item.id);
        !left.contains(item.id.as_str()) && text.contains(name)
    })
}
