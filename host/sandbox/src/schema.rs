//! The settings schema of a policy. A JSON Schema of a few kilobytes can overflow the stack of a checker or keep it busy
//! for ever, so its size, depth, references and work are bounded here before a checker sees it. The bounds take time
//! linear in the schema and a stack of at most [`MAX_CHECK_DEPTH`] calls.

use jsonschema::{PatternOptions, Validator};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::HashMap;

/// The maximum size of a schema in bytes.
pub(crate) const MAX_SCHEMA_BYTES: usize = 64 << 10;
/// The maximum size of settings in bytes.
const MAX_SETTINGS_BYTES: usize = 1 << 20;
/// The maximum depth of a schema, and of settings.
const MAX_DEPTH: usize = 32;
/// The maximum depth of a schema in which every reference is replaced by what it refers to.
const MAX_CHECK_DEPTH: usize = 96;
/// The maximum number of references.
const MAX_REFERENCES: usize = 256;
/// The maximum work of a check: the parts of the schema, with those that references repeat, each counted as often as a
/// checker may try it.
const MAX_WORK: u64 = 100_000;
/// The maximum number of patterns, with those of names.
const MAX_PATTERNS: usize = 64;
/// The maximum size of a pattern in bytes.
const MAX_PATTERN_BYTES: usize = 512;
/// The maximum size of a compiled pattern, and of its cache, in bytes.
const MAX_COMPILED_PATTERN_BYTES: usize = 1 << 20;

/// Keywords that make another part of a schema, or the schema itself, what a reference means.
const REBASING: [&str; 7] =
    ["$id", "id", "$anchor", "$dynamicAnchor", "$dynamicRef", "$recursiveAnchor", "$recursiveRef"];
/// Keywords whose parts a checker may try a second time, to collect errors or to see what was evaluated.
const TRIED_TWICE: [&str; 7] =
    ["anyOf", "oneOf", "if", "not", "contains", "unevaluatedItems", "unevaluatedProperties"];
/// The drafts that a schema may name.
const DRAFTS: [&str; 4] = [
    "https://json-schema.org/draft/2020-12/schema",
    "https://json-schema.org/draft/2019-09/schema",
    "http://json-schema.org/draft-07/schema",
    "http://json-schema.org/draft-06/schema",
];

/// What is wrong with a settings schema, or with settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum SchemaError {
    /// The schema is invalid, or does not accept the policy's own defaults.
    Schema(String),
    /// A setting is invalid.
    Setting { pointer: String, message: String },
}

/// Bounds a schema.
pub(crate) fn check_bounds(schema: &Value) -> Result<(), String> {
    let bytes = schema.to_string().len();
    if bytes > MAX_SCHEMA_BYTES {
        return Err(format!("the settings schema has {bytes} bytes; at most {MAX_SCHEMA_BYTES} are allowed"));
    }
    if !is_within(schema, MAX_DEPTH) {
        return Err(format!("the settings schema is nested more than {MAX_DEPTH} levels deep"));
    }
    if let Some(draft) = schema.get("$schema").filter(|value| !value.is_object()) {
        let name = draft.as_str().unwrap_or_default().trim_end_matches('#');
        if !DRAFTS.contains(&name) {
            return Err(format!("the settings schema is of the draft {draft}; use `{}`", DRAFTS[0]));
        }
    }
    let mut walk = Walk { root: schema, references: 0, patterns: 0, known: HashMap::new() };
    let cost = walk.cost(schema, 1)?;
    if cost.work > MAX_WORK {
        return Err(format!(
            "a check against the settings schema takes more than {MAX_WORK} steps; remove references"
        ));
    }
    Ok(())
}

/// Bounds settings.
pub(crate) fn check_settings_bounds(settings: &Value) -> Result<(), SchemaError> {
    let refuse = |message| Err(SchemaError::Setting { pointer: String::new(), message });
    if !is_within(settings, MAX_DEPTH) {
        return refuse(format!("they are nested more than {MAX_DEPTH} levels deep"));
    }
    let bytes = settings.to_string().len();
    if bytes > MAX_SETTINGS_BYTES {
        return refuse(format!("they have {bytes} bytes; at most {MAX_SETTINGS_BYTES} are allowed"));
    }
    Ok(())
}

/// Whether a value is nested at most n levels deep.
fn is_within(value: &Value, levels: usize) -> bool {
    let Some(rest) = levels.checked_sub(1) else { return false };
    match value {
        Value::Array(items) => items.iter().all(|item| is_within(item, rest)),
        Value::Object(members) => members.values().all(|member| is_within(member, rest)),
        _ => true,
    }
}

/// The cost of a check against a part of a schema.
#[derive(Clone, Copy)]
struct Cost {
    work: u64,
    depth: usize,
}

struct Walk<'a> {
    root: &'a Value,
    references: usize,
    patterns: usize,
    /// The costs of the parts that were walked; `None` while a part is being walked.
    known: HashMap<*const Value, Option<Cost>>,
}

impl<'a> Walk<'a> {
    /// The cost of a part at this depth. Each part is walked once, however many references lead to it.
    fn cost(&mut self, part: &'a Value, depth: usize) -> Result<Cost, String> {
        let too_deep = || format!("references nest the settings schema more than {MAX_CHECK_DEPTH} levels deep");
        if depth > MAX_CHECK_DEPTH {
            return Err(too_deep());
        }
        let parts: Vec<&'a Value> = match part {
            Value::Array(items) => items.iter().collect(),
            Value::Object(members) => members.values().collect(),
            _ => return Ok(Cost { work: 1, depth: 1 }),
        };
        match self.known.get(&std::ptr::from_ref(part)) {
            Some(None) => return Err("a reference of the settings schema leads back to itself".to_owned()),
            Some(Some(cost)) if depth + cost.depth > MAX_CHECK_DEPTH => return Err(too_deep()),
            Some(Some(cost)) => return Ok(*cost),
            None => {}
        }
        self.known.insert(part, None);
        let target = part.as_object().map(|members| self.target(members, depth)).transpose()?.flatten();
        let tries = if TRIED_TWICE.iter().any(|keyword| part.get(keyword).is_some()) { 2 } else { 1 };
        let mut cost = Cost { work: 1, depth: 1 };
        for part in parts.into_iter().chain(target) {
            let of_part = self.cost(part, depth + 1)?;
            cost.work = cost.work.saturating_add(of_part.work.saturating_mul(tries));
            cost.depth = cost.depth.max(of_part.depth + 1);
        }
        self.known.insert(part, Some(cost));
        Ok(cost)
    }

    /// Checks the keywords of a part, and returns what it refers to. A member that is an object is a property of that
    /// name, and not a keyword.
    fn target(&mut self, members: &'a Map<String, Value>, depth: usize) -> Result<Option<&'a Value>, String> {
        let is_rebased = |keyword: &&&str| members.get(**keyword).is_some_and(|value| !value.is_object());
        if let Some(keyword) = REBASING.iter().find(is_rebased).filter(|keyword| depth > 1 || **keyword != "$id") {
            return Err(format!("the settings schema has the keyword `{keyword}`; refer to its parts with `#/…`"));
        }
        if depth > 1 && members.get("$schema").is_some_and(|value| !value.is_object()) {
            return Err("a part of the settings schema has the keyword `$schema`".to_owned());
        }
        if let Some(pattern) = members.get("pattern").and_then(Value::as_str) {
            self.add_pattern(pattern)?;
        }
        if let Some(properties) = members.get("patternProperties").and_then(Value::as_object) {
            properties.keys().try_for_each(|pattern| self.add_pattern(pattern))?;
        }
        let Some(reference) = members.get("$ref").and_then(Value::as_str) else { return Ok(None) };
        self.references += 1;
        if self.references > MAX_REFERENCES {
            return Err(format!("the settings schema has more than {MAX_REFERENCES} references"));
        }
        let pointer = reference.strip_prefix('#').filter(|pointer| !pointer.contains('%'));
        match pointer.and_then(|pointer| self.root.pointer(pointer)) {
            Some(target) => Ok(Some(target)),
            None => {
                Err(format!("the reference `{reference}` is not to a part of the settings schema, as `#/$defs/…`"))
            }
        }
    }

    fn add_pattern(&mut self, pattern: &str) -> Result<(), String> {
        self.patterns += 1;
        if self.patterns > MAX_PATTERNS {
            return Err(format!("the settings schema has more than {MAX_PATTERNS} patterns"));
        }
        let bytes = pattern.len();
        if bytes > MAX_PATTERN_BYTES {
            return Err(format!("a pattern has {bytes} bytes; at most {MAX_PATTERN_BYTES} are allowed"));
        }
        Ok(())
    }
}

fn validator(schema: &Value) -> Result<Validator, SchemaError> {
    // This engine does not backtrack: a match takes time linear in the text.
    let patterns =
        PatternOptions::regex().size_limit(MAX_COMPILED_PATTERN_BYTES).dfa_size_limit(MAX_COMPILED_PATTERN_BYTES);
    jsonschema::options().with_pattern_options(patterns).build(schema).map_err(|error| {
        let place = error.instance_path();
        SchemaError::Schema(format!("the settings schema is not a valid JSON Schema: at `{place}`, {error}"))
    })
}

/// Checks that a schema is valid and accepts the policy's own defaults.
pub(crate) fn check_schema(schema: &Value) -> Result<(), SchemaError> {
    let validator = validator(schema)?;
    let settings = schema["properties"].as_object().into_iter().flatten();
    let defaults = settings.filter_map(|(name, schema)| Some((name.clone(), schema.get("default")?.clone())));
    let defaults = Value::Object(defaults.collect());
    // An error of the object as a whole is about a setting without a default, which an operator has to set.
    match validator.iter_errors(&defaults).find(|error| !error.instance_path().as_str().is_empty()) {
        Some(error) => {
            Err(SchemaError::Schema(format!("the default of the setting `{}`: {error}", error.instance_path())))
        }
        None => Ok(()),
    }
}

/// Checks settings against a schema.
pub(crate) fn check_settings(schema: &Value, settings: &Value) -> Result<(), SchemaError> {
    let validator = validator(schema)?;
    match validator.iter_errors(settings).next() {
        Some(error) => {
            Err(SchemaError::Setting { pointer: error.instance_path().to_string(), message: error.to_string() })
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// `levels` definitions, each of which is `part(reference to the next)`.
    fn chain(levels: usize, part: impl Fn(Value) -> Value) -> Value {
        let definition = |i| (format!("d{i}"), part(json!({"$ref": format!("#/$defs/d{}", i + 1)})));
        let mut definitions: Map<String, Value> = (0..levels).map(definition).collect();
        definitions.insert(format!("d{levels}"), json!({"type": "integer"}));
        json!({"properties": {"a": {"$ref": "#/$defs/d0"}}, "$defs": definitions})
    }

    fn refused(schema: &Value, message: &str) {
        let error = check_bounds(schema).unwrap_err();
        assert!(error.contains(message), "{error}");
    }

    #[test]
    fn bounds_what_references_repeat() {
        let twice = |part: Value| json!({"allOf": [part.clone(), part]});
        assert_eq!(check_bounds(&chain(8, twice)), Ok(()));
        for levels in [14, 20, 24] {
            refused(&chain(levels, twice), "takes more than 100000 steps");
        }
        // Errors of a branch are collected after every branch was tried.
        let either = |part: Value| json!({"anyOf": [part]});
        assert_eq!(check_bounds(&chain(5, either)), Ok(()));
        refused(&chain(20, either), "takes more than 100000 steps");
        let unevaluated = |part: Value| json!({"allOf": [part], "unevaluatedProperties": false});
        refused(&chain(20, unevaluated), "takes more than 100000 steps");
    }

    #[test]
    fn bounds_the_depth_of_references() {
        let once = |part: Value| json!({"allOf": [part]});
        assert_eq!(check_bounds(&chain(20, once)), Ok(()));
        refused(&chain(60, once), "references nest the settings schema more than 96 levels deep");
        refused(&chain(200, |part| part), "references nest the settings schema more than 96 levels deep");
        refused(&chain(400, |part| part), "references");
        refused(&chain(8_000, once), "bytes; at most 65536 are allowed");
    }

    #[test]
    fn refuses_references_that_do_not_end_in_the_schema() {
        let referring = |reference: &str| json!({"properties": {"a": {"$ref": reference}}});
        for reference in ["#", "#/properties", "#/properties/a"] {
            refused(&referring(reference), "leads back to itself");
        }
        for reference in ["http://example.org/a", "file:///etc/passwd", "#a", "#/$defs/a", "#/properties/%61", ""] {
            refused(&referring(reference), "is not to a part of the settings schema");
        }
        for keyword in ["$id", "$anchor", "$dynamicRef", "$recursiveRef"] {
            refused(&json!({"properties": {"a": {keyword: "#/a"}}}), &format!("has the keyword `{keyword}`"));
            assert_eq!(check_bounds(&json!({"properties": {keyword: {"type": "string"}}})), Ok(()));
        }
        assert_eq!(check_bounds(&json!({"$id": "https://example.org/settings"})), Ok(()));
        refused(&json!({"$schema": "http://json-schema.org/draft-04/schema#"}), "is of the draft");
    }

    #[test]
    fn bounds_size_depth_and_patterns() {
        let deep = |levels| (0..levels).fold(json!(1), |value, _| json!([value]));
        assert_eq!(check_bounds(&deep(MAX_DEPTH - 1)), Ok(()));
        refused(&deep(MAX_DEPTH), "more than 32 levels deep");
        refused(&json!({"description": "a".repeat(MAX_SCHEMA_BYTES)}), "bytes; at most 65536 are allowed");
        refused(&json!({"pattern": "a".repeat(MAX_PATTERN_BYTES + 1)}), "a pattern has 513 bytes");
        let patterns: Map<String, Value> = (0..=MAX_PATTERNS).map(|i| (format!("p{i}"), json!(true))).collect();
        refused(&json!({"patternProperties": patterns}), "more than 64 patterns");
        let error = check_settings_bounds(&deep(MAX_DEPTH)).unwrap_err();
        assert!(matches!(error, SchemaError::Setting { message, .. } if message.contains("32 levels")));
        assert!(check_settings_bounds(&json!("a".repeat(MAX_SETTINGS_BYTES))).is_err());
        assert_eq!(check_settings_bounds(&deep(MAX_DEPTH - 1)), Ok(()));
    }

    #[test]
    fn patterns_take_linear_time() {
        let schema = json!({"properties": {"a": {"type": "string", "pattern": "^(a|a)*$"}}});
        assert_eq!(check_schema(&schema), Ok(()));
        let settings = json!({"a": format!("{}b", "a".repeat(100_000))});
        assert!(
            matches!(check_settings(&schema, &settings), Err(SchemaError::Setting { pointer, .. }) if pointer == "/a")
        );
        // Neither a pattern that only backtracking can match, nor one that is large when compiled.
        for pattern in ["(a+)\\1", "^((((\\w{99}){99}){99}){99})$"] {
            let schema = json!({"properties": {"a": {"pattern": pattern}}});
            assert!(matches!(check_schema(&schema), Err(SchemaError::Schema(_))), "{pattern}");
        }
    }
}
