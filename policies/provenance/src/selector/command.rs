//! Commands of a shell. Only a few are known; any other one is unknown, or names nothing.

use super::{EMPTY, EVERYTHING, Reach, condition, path};

/// Why a command selects everything.
const NAMES_NOTHING: &str = "is a command that does not name what it deletes";
const ALL_FLAG: &str = "has a flag that selects everything";

/// Words in front of a command.
const PREFIXES: [&str; 8] = ["sudo", "doas", "env", "time", "nice", "nohup", "command", "exec"];
/// Commands whose operands are paths.
const PATHS: [&str; 12] =
    ["rm", "rmdir", "unlink", "shred", "del", "erase", "rd", "remove-item", "ri", "trash", "srm", "wipe"];

/// The reach of a command.
pub fn reach_of_words(words: &[String]) -> Reach {
    let words: Vec<&str> = words
        .iter()
        .map(String::as_str)
        .skip_while(|word| PREFIXES.contains(word) || (word.contains('=') && !word.starts_with('-')))
        .collect();
    let Some(name) = words.first() else { return Reach::Unknown };
    let rest = words.get(1..).unwrap_or_default();
    if words.iter().any(|word| is_all_flag(word)) {
        return Reach::All(ALL_FLAG);
    }
    let name = name.rsplit(['/', '\\']).next().unwrap_or(name).to_lowercase();
    if PATHS.contains(&name.as_str()) {
        return of_operands(rest.iter().copied().filter(|word| !is_flag(word)));
    }
    match name.as_str() {
        // The folders of `find` come before its first test.
        "find" => of_operands(rest.iter().copied().take_while(|word| !word.starts_with(['-', '(', '!']))),
        "aws" | "gsutil" | "gcloud" | "az" | "mc" | "s3cmd" | "rclone" => {
            let mut addresses = rest.iter().copied().filter(|word| word.contains("://")).peekable();
            if addresses.peek().is_some() { of_operands(addresses) } else { unknown(rest) }
        }
        "kubectl" | "oc" | "k" => kubernetes(rest),
        // A label selector alone.
        _ if is_flag(words[0]) => kubernetes(&words),
        _ => unknown(rest),
    }
}

/// The reach of a command as text.
pub fn reach(text: &str) -> Reach {
    // What follows a pipe, a substitution or another command cannot be seen from here.
    let words = split(text);
    if words.iter().any(|word| matches!(word.as_str(), "|" | "||" | "&" | "&&" | ";"))
        || text.contains('`')
        || text.contains("$(")
    {
        let parts = words.split(|word| matches!(word.as_str(), "|" | "||" | "&" | "&&" | ";"));
        let widest = parts.filter(|part| !part.is_empty()).map(reach_of_words).fold(Reach::Unknown, Reach::or);
        return widest;
    }
    reach_of_words(&words)
}

/// The widest reach of some operands.
fn of_operands<'a>(operands: impl Iterator<Item = &'a str>) -> Reach {
    let one = |operand: &str| {
        let operand = operand.trim();
        if operand.is_empty() {
            return Reach::All(EMPTY);
        }
        if let Some(why) = path::path(operand) {
            return Reach::All(why);
        }
        path::address(operand).unwrap_or_else(|| super::pattern(operand))
    };
    operands.map(one).reduce(Reach::or).unwrap_or(Reach::All(NAMES_NOTHING))
}

/// `delete KIND NAME…`, `delete KIND/NAME`, `delete KIND -l LABELS`.
fn kubernetes(words: &[&str]) -> Reach {
    let mut labels = None;
    let mut operands = Vec::new();
    let mut words = words.iter().copied();
    while let Some(word) = words.next() {
        let (flag, value) = word.split_once('=').map_or((word, None), |(flag, value)| (flag, Some(value)));
        match flag {
            "-l" | "--selector" | "--field-selector" => {
                labels = Some(value.or_else(|| words.next()).unwrap_or_default())
            }
            "-n" | "--namespace" | "--context" | "--cluster" | "--kubeconfig" | "--grace-period" | "--timeout"
            | "--user"
                if value.is_none() =>
            {
                words.next();
            }
            "-f" | "--filename" | "-k" | "--kustomize" => return Reach::Unknown,
            flag if is_flag(flag) => {}
            _ => operands.push(word),
        }
    }
    if let Some(labels) = labels {
        return if labels.trim().is_empty() { Reach::All(EMPTY) } else { condition::reach(labels) };
    }
    match operands.as_slice() {
        [] => Reach::All(NAMES_NOTHING),
        [_, one] if one.contains('/') => Reach::Bounded,
        ["delete", _, names @ ..] if !names.is_empty() => of_operands(names.iter().copied()),
        _ => Reach::All(NAMES_NOTHING),
    }
}

/// A command that is not known. One without an operand names nothing.
fn unknown(rest: &[&str]) -> Reach {
    let open = rest.iter().any(|word| matches!(reach_of_operand(word), Reach::All(_)));
    let operands = rest.iter().filter(|word| !is_flag(word)).count();
    match () {
        () if open => Reach::All(EVERYTHING),
        () if operands == 0 && rest.iter().any(|word| is_flag(word)) => Reach::All(NAMES_NOTHING),
        () => Reach::Unknown,
    }
}

/// The reach of a word that may be an operand.
fn reach_of_operand(word: &str) -> Reach {
    if is_flag(word) {
        return Reach::Unknown;
    }
    match path::path(word) {
        Some(why) => Reach::All(why),
        None if super::is_all(word) => Reach::All(EVERYTHING),
        None => path::address(word).unwrap_or(Reach::Unknown),
    }
}

fn is_flag(word: &str) -> bool {
    word.len() > 1 && word.starts_with('-')
        || word.len() == 2 && word.starts_with('/') && word.ends_with(|c: char| c.is_ascii_alphabetic())
}

/// Whether a flag means everything.
fn is_all_flag(word: &str) -> bool {
    let lower = word.to_lowercase();
    let (flag, value) = lower.split_once('=').unwrap_or((&lower, ""));
    if !flag.starts_with('-') || matches!(value, "false" | "no" | "0") {
        return false;
    }
    let names = flag.trim_start_matches('-');
    matches!(word, "-A" | "-a")
        || matches!(value, "all" | "*" | "'*'" | "\"*\"" | ".*" | "%")
        || (flag.starts_with("--")
            && names.split('-').any(|name| matches!(name, "all" | "everything" | "any" | "wildcard"))
            || names == "no-preserve-root"
            || names == "all")
}

/// Splits a command into words as a shell does, as far as quotes and operators go.
fn split(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let (mut word, mut quoted, mut any) = (String::new(), None, false);
    for c in text.chars() {
        match (c, quoted) {
            (c, Some(quote)) if c == quote => quoted = None,
            (c, Some(_)) => word.push(c),
            ('\'' | '"', None) => (quoted, any) = (Some(c), true),
            (c, None) if c.is_whitespace() => {
                if any || !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                any = false;
            }
            ('|' | '&' | ';', None) => {
                if any || !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                any = false;
                words.push(c.to_string());
            }
            (c, None) => word.push(c),
        }
    }
    if any || !word.is_empty() {
        words.push(word);
    }
    words
}
