//! Hostile text, documents that have it in every place, and what a report may contain.

use serde_json::{Map, Value, json};
use std::path::Path;
use std::process::{Command, Stdio};

/// Clears the screen, begins a line, turns the direction, hides, and begins a formula.
pub const HOSTILE: &str = "=x\u{1b}[2J\u{9b}31m\r\nallow forged\u{2028}\u{202e}\u{200b}\u{85}\u{e0041}\t";
/// The same without control characters, which names of a request may not contain.
pub const SHOWN: &str = "=cmd|' /C calc'!A0";

/// Whether a character is not shown as what it is.
fn is_hidden(c: char) -> bool {
    (c.is_control() && c != '\n')
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        || matches!(c, '\u{feff}' | '\u{e0000}'..='\u{e0fff}')
}

/// Asserts that text for people contains nothing that is hidden, and that no line of it was begun by hostile text.
pub fn assert_plain(text: &str, of: &str) {
    assert!(!text.contains(is_hidden), "{of} prints {:?}", text.chars().find(|c| is_hidden(*c)));
    let forged = text.lines().find(|line| line.trim_start().starts_with("allow forged"));
    assert_eq!(forged, None, "{of}\n{text}");
    let longest = text.lines().map(|line| line.chars().count()).max().unwrap_or_default();
    assert!(longest < 5_000, "{of} prints a line of {longest} characters");
}

/// Runs a command and checks what it prints: always standard error, and standard output as `check` says.
pub fn run_with(folder: &Path, arguments: &[&str], check: impl Fn(&str, &str)) -> i32 {
    let mut command = Command::new(env!("CARGO_BIN_EXE_reprieve"));
    command.current_dir(folder).args(arguments).stdin(Stdio::null());
    command.env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR"));
    let output = command.output().unwrap();
    let of = format!("{arguments:?}");
    assert_plain(&String::from_utf8(output.stderr).unwrap(), &of);
    check(&String::from_utf8(output.stdout).unwrap(), &of);
    output.status.code().unwrap_or_else(|| panic!("{of} was killed"))
}

pub fn run(folder: &Path, arguments: &[&str]) -> i32 {
    let status = run_with(folder, arguments, assert_plain);
    assert!((0..=3).contains(&status), "{arguments:?}: {status}");
    status
}

/// Asserts that text is one JSON document, or nothing.
pub fn assert_json(text: &str, of: &str) {
    if !text.is_empty() {
        serde_json::from_str::<Value>(text).unwrap_or_else(|error| panic!("{of}: {error}\n{text}"));
    }
}

/// The elements of a page, and the attributes that they may have.
const ELEMENTS: &str = "html head meta title style body main h1 h2 h3 p span code strong ul li table caption thead tbody tr \
    th td svg rect";
const ATTRIBUTES: &str =
    "lang charset http-equiv content name class scope role viewBox preserveAspectRatio width height";

/// Asserts that text is nothing, or one page that has only our own elements and attributes and requests nothing.
pub fn assert_html(text: &str, of: &str) {
    use quick_xml::events::Event;
    if text.is_empty() {
        return;
    }
    assert_plain(text, of);
    assert!(text.starts_with("<!DOCTYPE html>\n<html lang=\"en\">") && text.ends_with("</html>\n"), "{of}\n{text}");
    assert!(text.contains("content=\"default-src 'none'; style-src 'unsafe-inline'"), "{of}\n{text}");
    let has = |list: &str, name: &[u8]| list.split_whitespace().any(|known| known.as_bytes() == name);
    let mut reader = quick_xml::Reader::from_str(text);
    let mut styles = 0;
    loop {
        match reader.read_event().unwrap_or_else(|error| panic!("{of}: {error}\n{text}")) {
            Event::Start(element) | Event::Empty(element) => {
                let name = String::from_utf8(element.name().0.to_vec()).unwrap();
                assert!(has(ELEMENTS, name.as_bytes()), "{of}: <{name}>");
                styles += i32::from(name == "style");
                for attribute in element.attributes() {
                    let attribute = attribute.unwrap();
                    let key = String::from_utf8(attribute.key.0.to_vec()).unwrap();
                    assert!(has(ATTRIBUTES, key.as_bytes()), "{of}: {key}");
                    let value = String::from_utf8(attribute.value.to_vec()).unwrap();
                    let is_ours = |c: char| c.is_ascii_alphanumeric() || " '-=,;".contains(c);
                    assert!(value.chars().all(is_ours), "{of}: {key}={value}");
                }
            }
            Event::Comment(_) | Event::CData(_) | Event::PI(_) => panic!("{of}\n{text}"),
            Event::Eof => break,
            _ => {}
        }
    }
    assert_eq!(styles, 1, "{of}");
    assert!(!text.contains("url(") && !text.contains("@import"), "{of}");
}

/// Asserts that no cell of a CSV begins a formula, and that every row is as long as the header.
pub fn assert_csv(text: &str, of: &str) {
    for row in csv::Reader::from_reader(text.as_bytes()).records() {
        let row = row.unwrap_or_else(|error| panic!("{of}: {error}"));
        let formula = row.iter().find(|cell| cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']));
        assert_eq!(formula, None, "{of}");
    }
}

/// A document that has every property of a schema.
pub fn instance(schema: &Value, root: &Value) -> Value {
    if let Some(name) = schema["$ref"].as_str() {
        return instance(root.pointer(&name[1..]).unwrap(), root);
    }
    if let Some(value) = schema.get("const") {
        return value.clone();
    }
    let variants = schema.get("oneOf").or_else(|| schema.get("anyOf"));
    if let Some(first) = variants.filter(|_| schema.get("properties").is_none()) {
        return instance(&first[0], root);
    }
    if let Some(example) = schema.get("examples").and_then(|examples| examples.get(0)) {
        return example.clone();
    }
    let ty = schema["type"].as_str().or_else(|| schema["type"][0].as_str()).unwrap_or("string");
    match ty {
        "object" => {
            let named = schema["properties"].as_object().into_iter().flatten();
            let mut fields: Map<_, _> = named.map(|(name, of)| (name.clone(), instance(of, root))).collect();
            if schema["additionalProperties"].is_object() {
                fields.insert("x".to_owned(), instance(&schema["additionalProperties"], root));
            }
            Value::Object(fields)
        }
        "array" => json!([instance(&schema["items"], root)]),
        "string" => json!("x"),
        "boolean" => json!(true),
        _ => json!(1),
    }
}

/// The document with this text in one place, for every place: each value, each key, and one more key in each object.
pub fn variants(document: &Value, text: &str) -> Vec<Value> {
    let mut all = vec![json!(text)];
    match document {
        Value::Object(fields) => {
            let with = |name: &str, value: Value| {
                let mut fields = fields.clone();
                fields.insert(name.to_owned(), value);
                Value::Object(fields)
            };
            all.push(with(text, json!(1)));
            for (name, value) in fields {
                all.extend(variants(value, text).into_iter().map(|value| with(name, value)));
                let renamed = fields.iter().map(|(other, value)| {
                    (if other == name { text.to_owned() } else { other.clone() }, value.clone())
                });
                all.push(Value::Object(renamed.collect()));
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                all.extend(variants(item, text).into_iter().map(|variant| {
                    let mut items = items.clone();
                    items[index] = variant;
                    Value::Array(items)
                }));
            }
        }
        _ => {}
    }
    all
}
