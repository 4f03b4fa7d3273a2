//! `docs/reference.md`: what a policy receives and what limits it, generated from the types.

use reprieve::model::{COLUMNS, ColumnSource, ColumnType, FaultCause};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt::Write;

const HEAD: &str = "# Reference for policy authors\n\n\
    Generated from the types by `REPRIEVE_BLESS=1 cargo test -p reprieve-tests --release reference`; a test compares \
    them.\n`reprieve schema review` prints claims and facts as a JSON Schema.\n\n\
    A policy receives [claims](#claims), [facts](#facts), its settings and reference data, and the [columns](#columns) \
    that its\ndescriptor requests. Claims are the request as submitted: a field that the request does not state is \
    absent. Facts are what\nthe host counted or looked up itself. An unknown value is absent; it is never 0 or false. \
    [Limits](#limits) apply to every\nevaluation, and each has its own [fault cause](#fault-causes).\n";

const LIMITS: &str = "\n## Limits\n\n\
    The limits of one evaluation: one policy, one batch, one instance. 0 means that nothing is allowed. The fuel of an\n\
    evaluation is `fuel + fuel_per_row × rows + fuel_per_byte × bytes`. Bytes are those of the review, the settings and \
    the\nreference data; rows count only if the policy requests columns.\n\n\
    | limit | default | meaning |\n|---|---|---|\n";

/// The generic type of which the schema has one definition for each type of value.
const GENERIC: &str = "Figure";

/// The definitions that a section refers to.
type Needed<'a> = Vec<&'a str>;

/// The last part of a `$ref`: the name of a definition.
fn referenced(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str()?.rsplit('/').next()
}

/// A text of the schema on one line of a table.
pub fn one_line(text: &Value) -> String {
    text.as_str().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

fn primitive(name: &str, format: Option<&str>) -> String {
    match (name, format) {
        ("integer", Some("int64")) => "signed integer".to_owned(),
        (name, _) => name.to_owned(),
    }
}

/// The plural of a type. Links stay as they are.
pub fn plural(name: String) -> String {
    if name.ends_with(')') { name } else { name + "s" }
}

/// A link to a definition. A figure names the type of its value.
fn link<'a>(name: &'a str, needed: &mut Needed<'a>) -> String {
    needed.push(name);
    let Some(value) = name.strip_prefix(GENERIC).and_then(|rest| rest.strip_prefix('_')) else {
        return format!("[{name}](#{})", name.to_lowercase());
    };
    let value = match value {
        "uint64" => "integer".to_owned(),
        value => link(value, needed),
    };
    format!("[figure](#figure) ({value})")
}

/// The type of a field in words.
fn type_of<'a>(schema: &'a Value, needed: &mut Needed<'a>) -> String {
    if let Some(name) = referenced(schema) {
        return link(name, needed);
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
        _ => vec!["any value"],
    };
    match types.as_slice() {
        ["array"] => format!("list of {}", plural(type_of(&schema["items"], needed))),
        ["object"] => match schema.get("additionalProperties").filter(|values| values.is_object()) {
            Some(values) => format!("{} by name", plural(type_of(values, needed))),
            None => "object".to_owned(),
        },
        types => types.iter().map(|name| primitive(name, schema["format"].as_str())).collect::<Vec<_>>().join(" or "),
    }
}

/// Writes the section of a definition.
fn section<'a>(out: &mut String, title: &str, schema: &'a Value) -> Needed<'a> {
    let mut needed = Needed::new();
    write!(out, "\n## {title}\n\n{}\n", one_line(&schema["description"])).unwrap();
    if let Some(fields) = schema["properties"].as_object() {
        out.push_str("\n| field | type | meaning |\n|---|---|---|\n");
        // A review has no targets: they are passed as columns.
        for (name, field) in fields.iter().filter(|(name, _)| *name != "targets" || title != "Claims") {
            let field_type = type_of(field, &mut needed);
            let field_type =
                if title == GENERIC && name == "value" { "the type in parentheses" } else { &field_type };
            writeln!(out, "| `{name}` | {field_type} | {} |", one_line(&field["description"])).unwrap();
        }
    } else if schema["additionalProperties"].is_object() {
        writeln!(out, "\nAn object: {}.", type_of(schema, &mut needed)).unwrap();
    } else if let Some(examples) = schema["examples"].as_array() {
        let examples: Vec<String> =
            examples.iter().filter_map(Value::as_str).map(|example| format!("`{example}`")).collect();
        writeln!(out, "\nA string, for example {}.", examples.join(" or ")).unwrap();
    }
    for (number, variant) in schema["oneOf"].as_array().into_iter().flatten().enumerate() {
        if number == 0 {
            out.push('\n');
        }
        let several = variant["enum"].as_array().into_iter().flatten().filter_map(Value::as_str);
        for value in variant["const"].as_str().into_iter().chain(several) {
            writeln!(out, "- `{value}`: {}", one_line(&variant["description"])).unwrap();
        }
    }
    needed
}

/// Writes claims and facts, and every type that they refer to.
fn write_types(out: &mut String) {
    let schema = reprieve::schema::review();
    let definitions = schema["$defs"].as_object().unwrap();
    let mut done = BTreeSet::new();
    let mut queue = vec!["Request", "Facts"];
    while let Some(name) = (!queue.is_empty()).then(|| queue.remove(0)) {
        let title = match name.split('_').next().unwrap() {
            "Request" => "Claims",
            title => title,
        };
        if done.insert(title) {
            queue.extend(section(out, title, &definitions[name]));
        }
    }
}

fn write_columns(out: &mut String) {
    out.push_str(
        "\n## Columns\n\nThe columns that a descriptor may request. A batch without an inventory has none of the \
         inventory's columns.\n\n| column | type | source | meaning |\n|---|---|---|---|\n",
    );
    for column in &COLUMNS {
        let values = match column.values {
            ColumnType::Text => "text",
            ColumnType::Dictionary => "text with few distinct values",
            ColumnType::Number => "integer",
            ColumnType::Time => "seconds since 1970-01-01T00:00:00Z",
            ColumnType::Flag => "boolean",
        };
        let source = match column.source {
            ColumnSource::List => "target list".to_owned(),
            ColumnSource::Inventory(name) => format!("inventory, `{name}`"),
        };
        writeln!(out, "| `{}` | {values} | {source} | {} |", column.name, column.meaning).unwrap();
    }
    out.push_str("| `x_…` | text with few distinct values | target list | a column of the list's own |\n");
}

fn write_limits(out: &mut String) {
    out.push_str(LIMITS);
    let schema = reprieve::schema::limits();
    let defaults = serde_json::to_value(reprieve::Limits::default()).unwrap();
    for (name, limit) in schema["properties"].as_object().unwrap() {
        writeln!(out, "| `{name}` | {} | {} |", defaults[name], one_line(&limit["description"])).unwrap();
    }
}

/// Writes the fault causes of the policies or of the gate as a table.
pub fn write_fault_causes(out: &mut String, of_gate: bool) {
    out.push_str("| cause | what happened | what to do |\n|---|---|---|\n");
    for cause in FaultCause::ALL.iter().filter(|cause| cause.is_gate() == of_gate) {
        writeln!(out, "| `{cause}` | {} | {} |", cause.summary(), cause.help()).unwrap();
    }
}

fn reference() -> String {
    let mut out = HEAD.to_owned();
    write_types(&mut out);
    write_columns(&mut out);
    write_limits(&mut out);
    out.push_str(
        "\n## Fault causes\n\nWhat kept a policy from answering. A fault is never an allow. The causes that lie with \
         the gate itself are in\n[the rules](rules.md#fault-causes).\n\n",
    );
    write_fault_causes(&mut out, false);
    out
}

#[test]
fn the_reference_is_up_to_date() {
    let reference = reference();
    for name in [
        "## Claims",
        "## Facts",
        "## Provenance",
        "## InventoryFacts",
        "`targets_sha256`",
        "`fuel_per_row`",
        "`legal_hold`",
        "`wall-clock`",
        "[figure](#figure) (integer)",
    ] {
        assert!(reference.contains(name), "no {name} in\n{reference}");
    }
    crate::assert_generated("docs/reference.md", "reference", &reference);
}
