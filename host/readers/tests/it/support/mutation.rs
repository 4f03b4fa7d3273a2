//! What the tests of JSON formats share: files are changed in every way that hides a deletion, and read again.

use reprieve_batch::ReadError;
use reprieve_readers::{Input, Item, Options, Summary, find};
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::path::Path;

/// The maximum number of places of a file that are changed.
const PLACES: usize = 1_500;

/// What a read returns.
pub type Outcome = Result<(Vec<Item>, Summary), ReadError>;

/// The bytes of a file of the folder `data`.
pub fn data(format: &str, file: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(format).join(file);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The files of a format that are accepted, with the options that they need.
pub fn accepted(format: &str) -> Vec<(String, Options)> {
    let expected: Vec<Value> = serde_json::from_slice(&data(format, "expected.json")).expect("valid JSON");
    let accepted = expected.iter().filter(|case| case.get("refused").is_none());
    let named = accepted.map(|case| {
        let kind = case["kind"].as_str().map(str::to_owned);
        let id = case["id"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
        (case["file"].as_str().expect("a name").to_owned(), Options { kind, id, no_header: false })
    });
    named.collect()
}

/// Reads bytes as a file without companions.
pub fn read(format: &str, bytes: &[u8], options: &Options) -> Outcome {
    read_beside(format, bytes, options, &BTreeMap::new())
}

/// Reads bytes as a file beside other files.
pub fn read_beside(format: &str, bytes: &[u8], options: &Options, beside: &BTreeMap<&str, String>) -> Outcome {
    let companion = |name: &str| {
        let found = beside.get(name).map(|text| text.clone().into_bytes());
        found.ok_or_else(|| ReadError::of_file(name, "there is no such file"))
    };
    let mut items = Vec::new();
    let mut sink = |item| {
        items.push(item);
        Ok(())
    };
    let input = Input { name: "file", bytes, companion: &companion };
    let summary = (find(format).expect("a format").read)(&input, options, &mut sink)?;
    Ok((items, summary))
}

/// Reads a document.
pub fn read_json(format: &str, document: &Value) -> Outcome {
    read(format, document.to_string().as_bytes(), &Options::default())
}

/// The message of a refusal.
pub fn refusal(outcome: Outcome) -> String {
    match outcome {
        Ok((items, _)) => panic!("not refused, but {} items", items.len()),
        Err(error) => error.to_string(),
    }
}

/// The ids of the items, with their parts.
pub fn ids(outcome: Outcome) -> Vec<String> {
    outcome.expect("the file is accepted").0.iter().map(Item::target_id).collect()
}

/// The number of items that go or are listed. A selector may be anything.
fn size(outcome: &Outcome) -> Option<usize> {
    let (items, summary) = outcome.as_ref().ok()?;
    Some(if summary.selector.is_some() { usize::MAX } else { items.len() })
}

/// The place of a value in a JSON document, in bytes.
pub fn range(text: &str, pointer: &str) -> Range<usize> {
    let mut value = text.trim_start_matches('\u{feff}').trim_start();
    for token in pointer.split('/').skip(1) {
        let token = token.replace("~1", "/").replace("~0", "~");
        value = if value.starts_with('[') {
            let list: Vec<&RawValue> = serde_json::from_str(value).expect("a list");
            list[token.parse::<usize>().expect("an index")].get()
        } else {
            let members: BTreeMap<String, &RawValue> = serde_json::from_str(value).expect("an object");
            members[&token].get()
        };
    }
    let start = value.as_ptr() as usize - text.as_ptr() as usize;
    start..start + value.trim_end().len()
}

/// Every truncation is refused, if it cuts more than white space.
pub fn truncations_are_refused(format: &str, file: &str, options: &Options) {
    let bytes = data(format, file);
    assert!(read(format, &bytes, options).is_ok(), "{format}/{file}");
    let end = bytes.trim_ascii_end().len();
    let step = end.div_ceil(PLACES);
    for at in (0..end).step_by(step).chain(end.saturating_sub(50)..end) {
        assert!(read(format, &bytes[..at], options).is_err(), "{format}/{file} is accepted after {at} bytes");
    }
    let lines = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at);
    for at in lines.filter(|at| *at < end) {
        assert!(read(format, &bytes[..at], options).is_err(), "{format}/{file} is accepted up to the line at {at}");
    }
}

/// A file that is changed in one byte is refused, or has as many items as before. `own` are the places of the items
/// themselves: a change there may turn an item into another, and may remove it only if `may_remove` says so.
pub fn bytes_hide_nothing(format: &str, file: &str, options: &Options, own: &[Range<usize>]) {
    let bytes = data(format, file);
    let before = size(&read(format, &bytes, options)).unwrap_or_else(|| panic!("{format}/{file} is accepted"));
    let step = bytes.len().div_ceil(PLACES);
    for at in (0..bytes.len()).step_by(step) {
        let byte = bytes[at];
        let mut changed = bytes.clone();
        let mut variants: Vec<Vec<u8>> = Vec::new();
        for other in [byte ^ 0x20, b'x', b'"', b' ', b'}', 0xff] {
            changed[at] = other;
            variants.push(changed.clone());
        }
        changed.remove(at);
        variants.push(changed);
        let mut longer = bytes.clone();
        longer.insert(at, b',');
        variants.push(longer);
        for variant in variants {
            let after = size(&read(format, &variant, options));
            let is_own = own.iter().any(|range| range.contains(&at));
            let shown =
                String::from_utf8_lossy(&variant[at.saturating_sub(30)..(at + 30).min(variant.len())]).into_owned();
            assert!(is_own || after.is_none_or(|after| after >= before), "{format}/{file} at {at}: …{shown}…");
        }
    }
}

/// Text around a document is refused.
pub fn text_around_is_refused(format: &str, file: &str, options: &Options) {
    let bytes = data(format, file);
    let wrapped = [
        [b"[command] show -json\n", &bytes[..]].concat(),
        [&bytes[..], b"\n::debug::done\n"].concat(),
        [&bytes[..], b"\n", &bytes[..]].concat(),
        [&bytes[..], b","].concat(),
        [&bytes[..], b"\0"].concat(),
        [b"\0", &bytes[..]].concat(),
    ];
    for (index, variant) in wrapped.iter().enumerate() {
        assert!(read(format, variant, options).is_err(), "{format}/{file}: text around it, variant {index}");
    }
    let marked = [b"\xef\xbb\xbf", &bytes[..]].concat();
    let (before, after) = (read(format, &bytes, options), read(format, &marked, options));
    assert_eq!(before.expect("accepted").0, after.expect("accepted with a byte order mark").0, "{format}/{file}");
}
