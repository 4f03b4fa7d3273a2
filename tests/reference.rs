//! `docs/reference.md`: what a policy is handed, and its limits, from the types themselves.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

const HEAD: &str = "# What a policy is handed\n\n\
    Written from the types by `REPRIEVE_BLESS=1 cargo test --release -p reprieve-tests --test reference`; a test holds it\n\
    to them. `reprieve schema review` prints the same as a JSON Schema.\n\n\
    Every field of the claims is what the request says, and absent where it says nothing. Every field of the facts is\n\
    what the host counted or looked up itself. Unknown is not zero, and absent is not false.\n";

/// The name at the end of a reference.
fn name(reference: &Value) -> Option<&str> {
    reference["$ref"].as_str()?.rsplit('/').next()
}

/// The type of a field, in words, and the definitions it needs.
fn type_of<'a>(schema: &'a Value, needed: &mut Vec<&'a str>) -> String {
    if let Some(name) = name(schema) {
        needed.push(name);
        return format!("[{name}](#{})", name.to_lowercase());
    }
    let any = schema["anyOf"].as_array().into_iter().flatten();
    let any: Vec<String> =
        any.filter(|schema| schema["type"] != "null").map(|schema| type_of(schema, needed)).collect();
    if !any.is_empty() {
        return any.join(" or ");
    }
    let types: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(several) => several.iter().filter_map(Value::as_str).filter(|name| *name != "null").collect(),
        _ => vec!["anything"],
    };
    match types.as_slice() {
        ["array"] => format!("list of {}", type_of(&schema["items"], needed)),
        ["object"] => match schema.get("additionalProperties").filter(|values| values.is_object()) {
            Some(values) => format!("{} by name", type_of(values, needed)),
            None => "object".to_owned(),
        },
        types => match schema["format"].as_str() {
            Some(format) => format!("{}, {format}", types.join(" or ")),
            None => types.join(" or "),
        },
    }
}

fn line(text: &Value) -> String {
    text.as_str().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

fn section<'a>(out: &mut String, title: &str, schema: &'a Value) -> Vec<&'a str> {
    let mut needed = Vec::new();
    write!(out, "\n## {title}\n\n{}\n", line(&schema["description"])).unwrap();
    if let Some(fields) = schema["properties"].as_object() {
        out.push_str("\n| field | type | meaning |\n|---|---|---|\n");
        // The targets travel as columns.
        for (name, field) in fields.iter().filter(|(name, _)| *name != "targets" || title != "Claims") {
            let of = type_of(field, &mut needed);
            writeln!(out, "| `{name}` | {of} | {} |", line(&field["description"])).unwrap();
        }
    }
    if schema["additionalProperties"].is_object() {
        writeln!(out, "\nAn object: {}.", type_of(schema, &mut needed)).unwrap();
    }
    for (number, word) in schema["oneOf"].as_array().into_iter().flatten().enumerate() {
        if number == 0 {
            out.push('\n');
        }
        let words = word["const"]
            .as_str()
            .into_iter()
            .chain(word["enum"].as_array().into_iter().flatten().filter_map(Value::as_str));
        words.for_each(|text| writeln!(out, "- `{text}`: {}", line(&word["description"])).unwrap());
    }
    needed
}

fn reference() -> String {
    let mut out = HEAD.to_owned();
    let schema = reprieve::schema::review();
    let definitions = schema["$defs"].as_object().unwrap();
    let mut done = BTreeSet::new();
    let mut queue = vec!["Request", "Facts"];
    while let Some(name) = (!queue.is_empty()).then(|| queue.remove(0)) {
        let Some(definition) = definitions.get(name).filter(|_| done.insert(name)) else { continue };
        let title = if name == "Request" { "Claims" } else { name };
        queue.extend(section(&mut out, title, definition));
    }

    out.push_str("\n## Limits\n\nOf one evaluation: one policy, one batch, one instance. 0 means that nothing is allowed. The fuel of an\nevaluation is `fuel + fuel_per_row × rows + fuel_per_byte × bytes` of review, settings and data; rows count only where\na policy asks for columns.\n\n| limit | default | meaning |\n|---|---|---|\n");
    let limits = reprieve::schema::limits();
    let defaults: Map<String, Value> = match serde_json::to_value(reprieve::Limits::default()).unwrap() {
        Value::Object(defaults) => defaults,
        other => panic!("{other}"),
    };
    for (name, limit) in limits["properties"].as_object().unwrap() {
        writeln!(out, "| `{name}` | {} | {} |", defaults[name], line(&limit["description"])).unwrap();
    }
    out
}

#[test]
fn the_reference_is_that_of_the_types() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/reference.md");
    let reference = reference();
    for name in ["## Claims", "## Facts", "## Provenance", "## InventoryFacts", "`targets_sha256`", "`fuel_per_row`"]
    {
        assert!(reference.contains(name), "no {name} in\n{reference}");
    }
    if std::env::var_os("REPRIEVE_BLESS").is_some() {
        std::fs::write(&path, &reference).unwrap();
    }
    assert!(
        std::fs::read_to_string(&path).is_ok_and(|text| text == reference),
        "write it anew with REPRIEVE_BLESS=1"
    );
}
