//! The settings of a harness: which hooks they have, and the one that is added.

use super::harness::{Harness, TIMEOUT_SECONDS};
use indexmap::IndexMap;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};
use toml_edit::{ArrayOfTables, DocumentMut, Item, Table, value};

/// A hook of the settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installed {
    /// The event that it is registered for.
    pub event: String,
    /// The command.
    pub command: String,
    /// Whether the harness blocks the call if the hook fails.
    pub fails_closed: bool,
}

/// Members of an object in their order, each as its text.
type Members = IndexMap<String, Box<RawValue>>;

/// Whether a command is a hook of Reprieve.
fn is_ours(command: &str, harness: Harness) -> bool {
    command.contains(&format!(" hook --harness {}", harness.name()))
}

/// Returns the hooks of Reprieve in the settings.
///
/// # Errors
/// What is wrong with the settings.
pub fn installed(harness: Harness, text: &str) -> Result<Vec<Installed>, String> {
    let settings: Value = match harness {
        Harness::Codex => toml::from_str(text).map_err(|error| error.to_string())?,
        _ => serde_json::from_str(text).map_err(|error| format!("not JSON: {error}"))?,
    };
    switched_off(&settings).map_or(Ok(()), Err)?;
    let mut found = Vec::new();
    for event in harness.events() {
        let Some(groups) = settings.pointer(&format!("/hooks/{event}")) else { continue };
        for group in groups.as_array().ok_or_else(|| format!("`hooks.{event}` is not a list"))? {
            let hooks = match group.get("hooks") {
                Some(hooks) => hooks.as_array().cloned().unwrap_or_default(),
                None => vec![group.clone()],
            };
            for hook in hooks {
                let Some(command) = hook["command"].as_str().filter(|command| is_ours(command, harness)) else {
                    continue;
                };
                let fails_closed = hook["onFailure"] == "block" || hook["failClosed"] == true;
                found.push(Installed { event: (*event).to_owned(), command: command.to_owned(), fails_closed });
            }
        }
    }
    Ok(found)
}

/// Why the settings run no hook at all, if they do not.
fn switched_off(settings: &Value) -> Option<String> {
    let off = [
        ("/disableAllHooks", true),
        ("/features/hooks", false),
        ("/features/codex_hooks", false),
        ("/hooksConfig/enabled", false),
        ("/tools/enableHooks", false),
    ];
    let found = off.iter().find(|(pointer, value)| settings.pointer(pointer) == Some(&Value::Bool(*value)));
    found.map(|(pointer, value)| format!("hooks are switched off: `{}` is {value}", pointer[1..].replace('/', ".")))
}

/// Adds the hook to settings, or replaces the one that they have.
///
/// # Errors
/// What is wrong with the settings.
pub fn with_hook(harness: Harness, text: Option<&str>, command: &str) -> Result<String, String> {
    if let Some(text) = text {
        installed(harness, text)?;
    }
    match harness {
        Harness::Codex => toml_with_hook(text.unwrap_or_default(), command),
        _ => json_with_hook(harness, text.unwrap_or("{}"), command),
    }
}

/// A group of hooks, or a hook of Cursor, which has no groups.
fn group(harness: Harness, command: &str) -> Value {
    match harness {
        Harness::Claude | Harness::Codex => json!({ "matcher": "*", "hooks": [
            { "type": "command", "command": command, "timeout": TIMEOUT_SECONDS, "onFailure": "block" },
        ] }),
        Harness::Gemini => json!({ "hooks": [
            { "type": "command", "name": "reprieve", "command": command, "timeout": TIMEOUT_SECONDS * 1000 },
        ] }),
        Harness::Cursor => json!({ "command": command, "timeout": TIMEOUT_SECONDS, "failClosed": true }),
    }
}

fn json_with_hook(harness: Harness, text: &str, command: &str) -> Result<String, String> {
    let error = |what: &'static str| move |error: serde_json::Error| format!("{what}: {error}");
    let mut settings: Members = serde_json::from_str(text).map_err(error("the settings are not an object"))?;
    if harness == Harness::Cursor && !settings.contains_key("version") {
        settings.insert("version".to_owned(), to_raw_value(&1).map_err(error("version"))?);
    }
    let hooks = settings.get("hooks").map(|hooks| serde_json::from_str(hooks.get()));
    let mut hooks: Members = hooks.transpose().map_err(error("`hooks` is not an object"))?.unwrap_or_default();
    for event in harness.events() {
        let groups = hooks.get(*event).map(|groups| serde_json::from_str(groups.get()));
        let groups: Vec<Box<RawValue>> = groups.transpose().map_err(error("not a list"))?.unwrap_or_default();
        let mut kept = Vec::new();
        for raw in groups {
            let old: Value = serde_json::from_str(raw.get()).map_err(error("`hooks`"))?;
            let of = |hook: &Value| hook["command"].as_str().is_some_and(|command| is_ours(command, harness));
            match old.get("hooks").and_then(Value::as_array) {
                Some(hooks) if hooks.iter().any(of) && !hooks.iter().all(of) => {
                    return Err(format!(
                        "a group of `hooks.{event}` has the hook of Reprieve and others; move it out"
                    ));
                }
                Some(hooks) if !hooks.is_empty() && hooks.iter().all(of) => {}
                _ if of(&old) => {}
                _ => kept.push(raw.get().to_owned()),
            }
        }
        kept.push(indented(&group(harness, command), 6)?);
        let list = format!("[\n      {}\n    ]", kept.join(",\n      "));
        hooks.insert((*event).to_owned(), RawValue::from_string(list).map_err(error("`hooks`"))?);
    }
    let hooks = RawValue::from_string(object(&hooks, 2)).map_err(error("`hooks`"))?;
    settings.insert("hooks".to_owned(), hooks);
    Ok(object(&settings, 0) + "\n")
}

/// A value as indented JSON. Lines after the first have this indent.
fn indented(value: &Value, indent: usize) -> Result<String, String> {
    let text = serde_json::to_string_pretty(value).map_err(|error| error.to_string())?;
    Ok(text.replace('\n', &format!("\n{}", " ".repeat(indent))))
}

fn object(members: &Members, indent: usize) -> String {
    let blanks = " ".repeat(indent);
    let lines =
        members.iter().map(|(name, value)| format!("{blanks}  {}: {}", Value::from(name.as_str()), value.get()));
    format!("{{\n{}\n{blanks}}}", lines.collect::<Vec<_>>().join(",\n"))
}

fn toml_with_hook(text: &str, command: &str) -> Result<String, String> {
    let mut document: DocumentMut = text.parse().map_err(|error: toml_edit::TomlError| error.to_string())?;
    let hooks = document.entry("hooks").or_insert_with(|| {
        let mut table = Table::new();
        table.set_implicit(true);
        Item::Table(table)
    });
    let hooks = hooks.as_table_mut().ok_or("`hooks` is not a table of its own")?;
    let groups = hooks.entry("PreToolUse").or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()));
    let groups = groups.as_array_of_tables_mut().ok_or("`hooks.PreToolUse` is not a list of tables")?;
    let ours = |group: &Table| {
        let hooks =
            group.get("hooks").and_then(Item::as_array_of_tables).map(|hooks| hooks.iter().collect::<Vec<_>>());
        let of = |hook: &&Table| {
            hook.get("command").and_then(Item::as_str).is_some_and(|command| is_ours(command, Harness::Codex))
        };
        let hooks = hooks.unwrap_or_default();
        (hooks.iter().any(of), !hooks.is_empty() && hooks.iter().all(of))
    };
    if groups.iter().map(ours).any(|(any, all)| any && !all) {
        return Err("a group of `hooks.PreToolUse` has the hook of Reprieve and others; move it out".to_owned());
    }
    groups.retain(|group| !ours(group).1);
    let mut hook = Table::new();
    hook["type"] = value("command");
    hook["command"] = value(command);
    hook["timeout"] = value(i64::try_from(TIMEOUT_SECONDS).map_err(|error| error.to_string())?);
    let mut group = Table::new();
    group.set_implicit(true);
    let mut list = ArrayOfTables::new();
    list.push(hook);
    group["hooks"] = Item::ArrayOfTables(list);
    groups.push(group);
    Ok(document.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMAND: &str = "/bin/reprieve hook --harness";

    fn command(harness: Harness) -> String {
        format!("{COMMAND} {} --config /w/reprieve.toml", harness.name())
    }

    #[test]
    fn a_hook_is_added_once_and_everything_else_stays() {
        for (harness, text) in [
            (
                Harness::Claude,
                "{\"z\": [1,  2], \"hooks\": {\"Stop\": [{\"hooks\": []}], \"PreToolUse\": [{\"matcher\":  \"Edit\", \"hooks\": []}]}, \"a\": {}}",
            ),
            (
                Harness::Codex,
                "# mine\nmodel = \"x\"\n\n[[hooks.PreToolUse]]\nmatcher = \"Edit\"\n[[hooks.PreToolUse.hooks]]\ncommand = \"lint\" # keep\n",
            ),
            (
                Harness::Gemini,
                "{\"z\": [1,  2], \"hooks\": {\"BeforeTool\": [{\"matcher\":  \"Edit\", \"hooks\": []}]}}",
            ),
            (Harness::Cursor, "{\"version\": 1, \"hooks\": {\"stop\": [{\"command\":  \"Edit\"}]}}"),
        ] {
            let once = with_hook(harness, Some(text), &command(harness)).unwrap();
            assert!(once.contains("Edit"), "{once}");
            for kept in [
                "\"z\": [1,  2]",
                "{\"matcher\":  \"Edit\", \"hooks\": []}",
                "# mine",
                "command = \"lint\" # keep",
                "{\"command\":  \"Edit\"}",
            ] {
                assert_eq!(once.contains(kept), text.contains(kept), "{kept}: {once}");
            }
            assert_eq!(with_hook(harness, Some(&once), &command(harness)).unwrap(), once, "{harness:?}");
            let moved = with_hook(harness, Some(&once), &command(harness).replace("/bin", "/opt")).unwrap();
            let found = installed(harness, &moved).unwrap();
            assert_eq!(found.len(), harness.events().len(), "{moved}");
            assert!(found.iter().all(|hook| hook.command.starts_with("/opt")), "{moved}");
            assert_eq!(found[0].fails_closed, matches!(harness, Harness::Claude | Harness::Cursor));
            let fresh = with_hook(harness, None, &command(harness)).unwrap();
            assert_eq!(installed(harness, &fresh).unwrap().len(), harness.events().len(), "{fresh}");
        }
    }

    #[test]
    fn settings_that_are_not_understood_are_refused() {
        let refused = |harness, text: &str| with_hook(harness, Some(text), &command(harness)).unwrap_err();
        for text in ["", "{", "[]", "{\"hooks\": []}", "{\"hooks\": {\"PreToolUse\": {}}}", "// x\n{}"] {
            refused(Harness::Claude, text);
        }
        assert!(refused(Harness::Claude, "{\"disableAllHooks\": true}").contains("switched off"));
        assert!(refused(Harness::Codex, "[features]\nhooks = false\n").contains("switched off"));
        refused(Harness::Codex, "hooks = 1");
        refused(Harness::Codex, "[hooks]\nPreToolUse = []\n");
        let mixed = format!(
            "{{\"hooks\":{{\"PreToolUse\":[{{\"hooks\":[{{\"command\":\"{}\"}},{{\"command\":\"x\"}}]}}]}}}}",
            command(Harness::Claude)
        );
        assert!(refused(Harness::Claude, &mixed).contains("move it out"));
    }
}
