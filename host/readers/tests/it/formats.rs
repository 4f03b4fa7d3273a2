//! Real files of other tools yield exactly the deletions that are in them. `data/FORMAT/expected.json` has, for every file
//! of its folder, the items as `[id, kind, action]` with the part as a fourth element, or the message of its refusal;
//! `data/FORMAT/README.md` has its source and licence.

use reprieve_batch::ReadError;
use reprieve_readers::{FORMATS, Input, Item, Options, Part, Summary, find};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

/// Reads a file of the folder `data`.
fn read(format: &str, file: &str, options: &Options) -> Result<(Vec<Item>, Summary), ReadError> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(format);
    let bytes = fs::read(folder.join(file)).unwrap_or_else(|error| panic!("{format}/{file}: {error}"));
    let companion =
        |name: &str| fs::read(folder.join(name)).map_err(|error| ReadError::of_file(name, error.to_string()));
    let format = find(format).unwrap_or_else(|| panic!("there is no format {format}"));
    let mut items = Vec::new();
    let mut sink = |item| {
        items.push(item);
        Ok(())
    };
    let summary = (format.read)(&Input { name: file, bytes: &bytes, companion: &companion }, options, &mut sink)?;
    Ok((items, summary))
}

fn shown(item: &Item) -> Value {
    let (id, kind, action) = (&item.id, &item.record.kind, item.action.as_str());
    match &item.part {
        None => json!([id, kind, action]),
        Some(Part::Version(part) | Part::Deposed(part)) => json!([id, kind, action, part]),
    }
}

fn options(expected: &Value) -> Options {
    let texts = |name: &str| {
        expected[name].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    Options {
        kind: expected["kind"].as_str().map(str::to_owned),
        id: texts("id"),
        no_header: expected["no_header"].as_bool().unwrap_or(false),
    }
}

#[test]
fn every_file_yields_what_is_in_it() {
    for format in FORMATS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(format.name);
        let text = fs::read_to_string(folder.join("expected.json"))
            .unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let expected: Vec<Value> = serde_json::from_str(&text).expect("valid JSON");
        assert!(!expected.is_empty(), "{}: no file", format.name);
        for case in &expected {
            let file = case["file"].as_str().expect("the name of a file");
            let place = format!("{}/{file}", format.name);
            match (read(format.name, file, &options(case)), case["refused"].as_str()) {
                (Ok((items, summary)), None) => {
                    let items: Vec<Value> = items.iter().map(shown).collect();
                    assert_eq!(Value::from(items), case["items"], "{place}");
                    let notes: Vec<Value> = summary.notes.into_iter().map(Value::from).collect();
                    assert_eq!(Value::from(notes), case.get("notes").cloned().unwrap_or(json!([])), "{place}");
                }
                (Err(error), Some(refused)) => assert_eq!(error.to_string(), refused, "{place}"),
                (Ok((items, _)), Some(_)) => panic!("{place}: not refused, but {} items", items.len()),
                (Err(error), None) => panic!("{place}: {error}"),
            }
        }
        let listed = |name: &str| expected.iter().any(|case| case["file"] == name);
        for entry in fs::read_dir(&folder).expect("the folder is there") {
            let name = entry.expect("an entry").file_name().into_string().expect("UTF-8");
            let is_data = !matches!(name.as_str(), "expected.json" | "README.md");
            let is_companion = expected.iter().any(|case| {
                case["companions"].as_array().is_some_and(|names| names.iter().any(|other| other == &name))
            });
            assert!(!is_data || is_companion || listed(&name), "{}/{name} is not in expected.json", format.name);
        }
    }
}

#[test]
fn formats_are_in_alphabetical_order_and_described() {
    assert!(FORMATS.is_sorted_by(|a, b| a.name < b.name));
    for format in FORMATS {
        assert!(format.summary.len() > 20, "{} has no summary", format.name);
        assert_eq!(find(format.name).map(|found| found.name), Some(format.name));
    }
}
