//! The table of programs and tools: which calls delete, and what to do instead.

use super::entries::{DOUBTFUL, NAMES, STATEMENT_TOOLS, STATEMENT_WORDS, STATEMENTS, TOOL_WORDS, table};
use super::entry::{Entry, Next, Word, parts};
use super::event::strings;
use super::words::{Words, base, is_like, position};
use reprieve::policy::HookSettings;
use serde_json::Value;

/// A call that deletes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    /// What was found, as a part of a sentence.
    pub what: String,
    /// What a denial advises.
    pub next: Next,
}

impl Match {
    fn of(what: impl Into<String>, next: Next) -> Option<Self> {
        Some(Self { what: what.into(), next })
    }
}

/// Returns why a command deletes, if it does.
pub fn command(text: &str, settings: &HookSettings) -> Option<Match> {
    matched(text, settings, false)
}

/// `is_prose`: names of programs that are words of English as well do not count.
fn matched(text: &str, settings: &HookSettings, is_prose: bool) -> Option<Match> {
    let words = Words::of(text);
    let ignored = |name: &str| settings.ignore.iter().any(|ignored| ignored.eq_ignore_ascii_case(name));
    for tool in &settings.tools {
        let name = tool.name.to_lowercase();
        let is_word = |word: &str| tool.words.iter().any(|other| other.to_lowercase() == word);
        let is_named = words.all().any(|(_, word)| base(word) == name);
        if is_named
            && (tool.words.is_empty() || words.all().any(|(_, word)| is_word(word) || parts(word).any(is_word)))
        {
            return Match::of(format!("`{}`, which the policy set lists", tool.name), Next::List);
        }
    }
    for entry in table().filter(|entry| !(is_prose && entry.is_word)) {
        if let Some(what) = entry.find(&words, &ignored) {
            return Match::of(what, entry.next);
        }
    }
    let named = words.all().find(|(is_program, word)| {
        let name = base(word);
        let is_script = *is_program && word.contains(['-', '_', '.', '/']) && !word.starts_with('-');
        is_script && parts(name).any(|part| NAMES.contains(&part)) && !ignored(name)
    });
    if let Some((_, word)) = named {
        return Match::of(format!("`{}`, whose name says that it deletes", base(word)), Next::List);
    }
    if words.is_hidden() {
        // `rm` where a program is named is the program, which the table has looked at.
        let mut doubtful = words.all().filter(|(is_program, word)| !(*is_program && *word == "rm"));
        let found = doubtful.find_map(|(_, word)| parts(word).find(|part| DOUBTFUL.contains(part)));
        if words.runs_decoded || found.is_some() {
            return Match::of("a command that is made when it runs, so it cannot be read", Next::List);
        }
    }
    None
}

impl Entry {
    /// Returns what of the entry is in the words.
    fn find(&self, words: &Words, ignored: &impl Fn(&str) -> bool) -> Option<String> {
        let is_program = |word: &str| {
            let name = base(word);
            let like = |pattern: &&str| {
                is_like(name, pattern)
                    || (name.contains('?') || name.contains('*')) && name.len() > 1 && is_like(pattern, name)
            };
            self.programs.iter().any(like) && !ignored(name)
        };
        let name = |word: &str| base(word).to_owned();
        for view in &words.views {
            for segment in view {
                let program = position(segment);
                let named = segment
                    .iter()
                    .enumerate()
                    .filter(|(i, word)| (!self.is_word || *i == program) && is_program(word));
                for (i, word) in named {
                    if i > 0 && self.not_after.contains(&base(&segment[i - 1])) {
                        continue;
                    }
                    let rest = || segment[i + 1..].iter().map(String::as_str);
                    if let Some(call) =
                        self.calls.iter().find(|call| call.iter().all(|part| rest().any(|word| part.is(word))))
                    {
                        return Some(shown(&name(word), call, rest()));
                    }
                    let hides = words.hides_after(base(word), self.verb_first);
                    if hides && (self.verb_first || self.programs == ["rm"]) {
                        return Some(format!("`{}` with a variable for what it does", name(word)));
                    }
                }
            }
            if !(self.is_far || words.is_indirect && (self.verb_first || self.is_word)) {
                continue;
            }
            let found = view.iter().find_map(|segment| {
                let program = position(segment);
                let named =
                    segment.iter().enumerate().find(|(i, word)| (!self.is_word || *i == program) && is_program(word));
                named.map(|(_, word)| word)
            });
            let rest = || {
                let first = |segment: &'_ [String]| segment.first().is_some_and(|word| word == "rm");
                view.iter()
                    .flat_map(move |segment| segment.iter().skip(usize::from(first(segment))).map(String::as_str))
            };
            if let Some(word) = found
                && let Some(call) =
                    self.calls.iter().find(|call| call.iter().all(|part| rest().any(|word| part.is(word))))
            {
                return Some(shown(&name(word), call, rest()));
            }
        }
        None
    }
}

/// A program with the words of a call that were found.
fn shown<'a>(program: &str, call: &[Word], words: impl Iterator<Item = &'a str> + Clone) -> String {
    let found = call.iter().filter_map(|part| words.clone().find(|word| part.is(word)));
    let found: Vec<String> = found.map(|word| word.chars().take(40).collect()).collect();
    format!("`{}`", [vec![program.to_owned()], found].concat().join(" "))
}

/// Members that hold a text for people.
const PROSE: &[&str] = &["body", "comment", "description", "message", "summary", "title"];

/// Returns why a call of a tool deletes, if it does.
pub fn tool(name: &str, input: &Value, settings: &HookSettings) -> Option<Match> {
    if settings.ignore.iter().any(|ignored| ignored == name) {
        return None;
    }
    let mut texts = Vec::new();
    strings(input, &mut |key, text| texts.push((PROSE.contains(&key), text)));
    let words = words_of(name);
    let own = settings.tools.iter().find(|tool| tool.name == name);
    if let Some(own) = own {
        let has = |word: &String| texts.iter().any(|(_, text)| text.to_lowercase().contains(&word.to_lowercase()));
        if own.words.is_empty() || own.words.iter().any(has) {
            return Match::of(format!("the tool `{name}`, which the policy set lists"), Next::List);
        }
    }
    if let Some(word) = words.iter().find(|word| TOOL_WORDS.contains(&word.as_str())) {
        return Match::of(format!("the tool `{name}`, whose name says `{word}`"), Next::List);
    }
    // A flag such as `"delete": true`, or a verb such as `"action": "delete"`.
    if let Some(word) = says_so(input) {
        return Match::of(format!("the tool `{name}` with `{word}`"), Next::List);
    }
    let takes_statements = words.iter().any(|word| STATEMENT_TOOLS.contains(&word.as_str()));
    for (is_prose, text) in texts {
        let words = words_of_text(text);
        let is_one = |group: &&&[&str]| {
            words.windows(3).chain([&words[words.len().saturating_sub(2)..]]).any(|near| in_order(near, group))
        };
        let is_risky = |word: &&String| takes_statements && STATEMENT_WORDS.contains(&word.as_str());
        let is_mutation = words.iter().any(|word| word == "mutation");
        let mutates = || text.split_whitespace().flat_map(words_of).find(|word| TOOL_WORDS.contains(&word.as_str()));
        let statement = STATEMENTS.iter().find(is_one).map(|words| words.join(" "));
        let statement = statement.or_else(|| words.iter().find(is_risky).cloned());
        if let Some(statement) = statement.or_else(|| mutates().filter(|_| is_mutation)) {
            return Match::of(format!("the tool `{name}` with `{statement}`"), Next::Sql);
        }
        if let Some(found) = matched(text, settings, is_prose) {
            return Match::of(format!("the tool `{name}` with {}", found.what), found.next);
        }
    }
    None
}

fn words_of_text(text: &str) -> Vec<String> {
    let text = text.to_lowercase();
    let parts = text.split(|c: char| !(c.is_alphanumeric() || c == '_'));
    parts.map(|part| part.trim_matches('_').to_owned()).filter(|part| !part.is_empty()).collect()
}

fn in_order(words: &[String], group: &[&str]) -> bool {
    let mut rest = words.iter();
    group.iter().all(|word| rest.any(|other| other == word))
}

/// A member or a short value that says that the call deletes.
fn says_so(value: &Value) -> Option<String> {
    match value {
        Value::Object(members) => members.iter().find_map(|(key, value)| {
            let is_word = |text: &str| words_of(text).iter().any(|word| TOOL_WORDS.contains(&word.as_str()));
            let is_on = match value {
                Value::Bool(on) => *on,
                Value::Array(items) => !items.is_empty(),
                Value::Object(members) => !members.is_empty(),
                _ => false,
            };
            let verb = ["action", "command", "method", "mode", "op", "operation", "type", "verb"]
                .contains(&key.to_lowercase().as_str());
            let named = value.as_str().filter(|text| verb && text.len() < 40 && is_word(text));
            match named {
                Some(text) => Some(text.to_owned()),
                None if is_on && is_word(key) => Some(key.clone()),
                None => says_so(value),
            }
        }),
        Value::Array(items) => items.iter().find_map(says_so),
        _ => None,
    }
}

/// The words of a name: `mcp__db__dropTable` is `mcp`, `db`, `drop`, `table`.
fn words_of(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = ' ';
    for c in name.chars() {
        let begins = !c.is_alphanumeric()
            || (c.is_uppercase() && before.is_lowercase())
            || c.is_ascii_digit() != before.is_ascii_digit() && before.is_alphanumeric();
        if begins {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| c.is_alphanumeric()) {
            word.extend(c.to_lowercase());
        }
        before = c;
    }
    words.retain(|word| !word.is_empty());
    words
}
