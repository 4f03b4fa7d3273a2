//! `docs/rules.md`: the built-in policies, their settings and rules, generated from their descriptors.

use crate::reference::{one_line, plural, write_fault_causes};
use reprieve::Gate;
use reprieve::model::Nature;
use reprieve::policy::{Descriptor, RuleInfo, Subject};
use reprieve_tests::incident::{Incident, incidents};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

const HEAD: &str = "# Rules of the built-in policies\n\n\
    Generated from the descriptors of the policies by `REPRIEVE_BLESS=1 cargo test -p reprieve-tests --release rules`; \
    a test\ncompares them. `reprieve explain CODE` prints the text of one rule.\n\n\
    A finding has a nature: *wrong* if something contradicts (an id is of another kind, a limit is exceeded), *missing* \
    if\nsomething that the rule asks for was not shown. A rule declares the nature of its findings; a single finding \
    may differ.\nThe subject says what clears a finding. An override, which two people sign, can lift every finding \
    except those marked\n*never lifted*. Incidents are those of [`tests/incidents`](../tests/incidents) in whose denial the \
    rule has a part; *cause* marks\nthose of which it is the actual cause.\n\n";

const GATE: &str = "\n## The gate itself\n\n\
    The gate reports these codes itself, whatever policies are in the set. No override lifts them.\n\n\
    | code | effect | meaning |\n|---|---|---|\n\
    | `gate/halted` | denies | An operator halted all deletions with `reprieve halt`. Every batch is denied until \
    `reprieve resume` lifts the halt. Requires a ledger. |\n\
    | `gate/override` | warns | The override that was submitted with the batch does not apply: it is for another \
    request or list, has expired, was used before, or names a code that can never be lifted. The batch is vetted \
    without it. |\n\
    | `gate/bad-ids` | excludes rows | `reprieve split` excludes a row because its id is blank or duplicated, and no \
    policy of the set has a rule about ids. A decision never has this code. |\n";

const FAULTS: &str = "\n## Fault causes\n\n\
    A fault is not a verdict: something kept a policy, or the gate, from answering. A decision with an enforced fault \
    is never\nan allow. Causes that lie with a policy:\n\n";

/// The folder and title of each incident by the code of a denial, and whether that rule is its actual cause.
type IncidentsByCode = BTreeMap<String, Vec<(String, String, bool)>>;

fn incidents_by_code() -> IncidentsByCode {
    let mut by_code = IncidentsByCode::new();
    for path in incidents() {
        let case = Incident::open(&path).case;
        let folder = path.file_name().unwrap().to_string_lossy().into_owned();
        for (i, code) in case.expected.codes.iter().enumerate() {
            by_code.entry(code.clone()).or_default().push((folder.clone(), case.about.clone(), i == 0));
        }
    }
    by_code
}

/// The anchor of a heading, as GitHub makes it.
fn anchor(heading: &str) -> String {
    heading.chars().filter(|c| c.is_alphanumeric() || *c == '-').collect()
}

fn code_list<'a>(names: impl IntoIterator<Item = &'a String>) -> String {
    names.into_iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// A value of a settings schema: a number with its digits in groups, a list with its items.
fn value(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Array(items) if items.is_empty() => "none".to_owned(),
        Value::Array(items) => items.iter().map(self::value).collect::<Vec<_>>().join(", "),
        Value::String(text) => format!("`{text}`"),
        Value::Number(number) => match number.as_u64() {
            Some(number) => grouped(number),
            None => number.as_f64().unwrap().to_string(),
        },
        other => other.to_string(),
    }
}

fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().map(|group| std::str::from_utf8(group).unwrap()).collect();
    groups.join(",")
}

fn setting_type(schema: &Value) -> String {
    let name = schema["type"].as_str().unwrap_or("any value");
    match (name, schema["format"].as_str()) {
        ("array", _) => format!("list of {}", plural(setting_type(&schema["items"]))),
        (_, Some("time-zone")) => "time zone".to_owned(),
        (name, _) => name.to_owned(),
    }
}

fn write_settings(out: &mut String, descriptor: &Descriptor) {
    let settings = descriptor.settings_schema["properties"].as_object().unwrap();
    if settings.is_empty() {
        return out.push_str("\nThis policy has no settings.\n");
    }
    out.push_str("\n| setting | type | unit | default | min | max | meaning |\n|---|---|---|---|---|---|---|\n");
    for (name, schema) in settings {
        let [default, min, max] = ["default", "minimum", "maximum"].map(|key| value(&schema[key]));
        let unit = schema["x-unit"].as_str().unwrap_or_default();
        let meaning = one_line(&schema["description"]);
        let kind = setting_type(schema);
        writeln!(out, "| `{name}` | {kind} | {unit} | {default} | {min} | {max} | {meaning} |").unwrap();
    }
}

fn write_rule(out: &mut String, policy: &str, rule: &RuleInfo, incidents: &IncidentsByCode) {
    let code = format!("{policy}/{}", rule.code);
    let nature = match rule.nature {
        Nature::Wrong => "wrong",
        Nature::Missing => "missing",
    };
    let subject = match rule.subject {
        Subject::Request => "the request as a whole: correct it",
        Subject::Size => "the size of the batch: `reprieve split` makes smaller ones",
        Subject::Ids => "blank or duplicated ids: `reprieve split` excludes their rows",
        Subject::Targets => "single targets: `reprieve split` excludes the rows that are reported",
        _ => panic!("describe the subject {:?}", rule.subject),
    };
    write!(out, "\n### `{code}`\n\n{}\n\n- Nature: {nature}\n- Subject: {subject}\n", rule.summary).unwrap();
    if rule.never_lifted {
        out.push_str("- Never lifted\n");
    }
    if !rule.settings.is_empty() {
        writeln!(out, "- Settings: {}", code_list(&rule.settings)).unwrap();
    }
    if let Some(incidents) = incidents.get(&code) {
        let link = |(folder, title, is_cause): &(String, String, bool)| {
            let cause = if *is_cause { " (*cause*)" } else { "" };
            format!("[{title}](../tests/incidents/{folder}){cause}")
        };
        writeln!(out, "- Incidents: {}", incidents.iter().map(link).collect::<Vec<_>>().join("; ")).unwrap();
    }
    if !rule.explanation.is_empty() {
        write!(out, "\n{}\n", rule.explanation).unwrap();
    }
}

fn write_policy(out: &mut String, descriptor: &Descriptor, incidents: &IncidentsByCode) {
    write!(out, "\n## {}\n\n{}\n", descriptor.name, descriptor.summary).unwrap();
    if !descriptor.columns.is_empty() {
        writeln!(out, "It reads the columns {}.", code_list(&descriptor.columns)).unwrap();
    }
    write_settings(out, descriptor);
    for rule in &descriptor.rules {
        write_rule(out, &descriptor.name, rule, incidents);
    }
}

fn document() -> String {
    let gate = Gate::builder().build().unwrap();
    let incidents = incidents_by_code();
    let mut out = format!("{HEAD}| policy | rules |\n|---|---|\n");
    for policy in gate.policies() {
        let name = &policy.descriptor.name;
        let link = |rule: &RuleInfo| format!("[`{}`](#{})", rule.code, anchor(&format!("{name}/{}", rule.code)));
        let rules: Vec<String> = policy.descriptor.rules.iter().map(link).collect();
        writeln!(out, "| [{name}](#{name}): {} | {} |", policy.descriptor.summary, rules.join(", ")).unwrap();
    }
    gate.policies().for_each(|policy| write_policy(&mut out, policy.descriptor, &incidents));
    out.push_str(&crate::silence::table());
    out.push_str(&crate::contradictions::table());
    out.push_str(GATE);
    out.push_str(FAULTS);
    write_fault_causes(&mut out, false);
    out.push_str("\nCauses that lie with the gate:\n\n");
    write_fault_causes(&mut out, true);
    out
}

#[test]
fn the_rules_are_up_to_date() {
    crate::assert_generated("docs/rules.md", "rules", &document());
}

#[test]
fn incidents_expect_codes_that_exist() {
    let gate = Gate::builder().build().unwrap();
    let codes: BTreeSet<String> = gate
        .policies()
        .flat_map(|policy| {
            let Descriptor { name, rules, .. } = policy.descriptor;
            rules.iter().map(move |rule| format!("{name}/{}", rule.code))
        })
        .collect();
    let unknown: Vec<String> = incidents_by_code().into_keys().filter(|code| !codes.contains(code)).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}
