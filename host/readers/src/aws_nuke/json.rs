//! Lines of the log of aws-nuke as JSON. The names of their members are those of libnuke.

use super::{REMOVES, Run, add_log, done, in_scan, item, read_message};
use crate::Input;
use crate::object::Object;
use reprieve_batch::{Place, ReadError};

/// States of a resource in the order of their codes.
const STATES: &[&str] =
    &["new", "new-dependency", "hold", "pending", "pending-dependency", "waiting", "failed", "filtered", "finished"];

/// Reads a line of the log as JSON.
pub(super) fn read(input: &Input<'_>, number: u64, line: &str, run: &mut Run) -> Result<(), ReadError> {
    let one = Input { bytes: line.as_bytes(), ..*input };
    let value = one.json().map_err(|error| ReadError { place: Place::Line(number), ..error })?;
    let log = Object::of_line(input, &value, number)?;
    let message = match (log.text("msg")?, log.text("message")?) {
        (Some(message), None) | (None, Some(message)) => message,
        _ => return Err(log.error("expected one of `msg` and `message`")),
    };
    if !["state", "state_code"].iter().any(|name| log.has(name)) {
        if message.to_ascii_lowercase().contains("would remove") {
            return Err(log.error("the member `state` is missing"));
        }
        let level = log.required("level")?;
        return match read_message(input, number, message, run)? {
            true => Ok(()),
            false => add_log(level, run).map_err(|message| log.error(message)),
        };
    }
    let region = log.required("owner")?;
    let kind = log.required("type")?;
    in_scan(input, number, run)?;
    match state(&log)? {
        "filtered" if !REMOVES.contains(&message) => run.filtered += 1,
        state @ ("new" | "new-dependency") => {
            let expected = REMOVES.get(usize::from(state == "new-dependency"));
            if expected != Some(&message) {
                return Err(log.error(format!("the state `{state}` and the message `{message}` disagree")));
            }
            let name = log.text("name")?.unwrap_or("");
            let properties = Some(properties(&log)?).filter(|list| list != "[]");
            let item = item([region, kind], name, properties.as_deref()).map_err(|message| log.error(message))?;
            run.items.push((number, item, properties));
        }
        "filtered" => return Err(log.error(format!("the state `filtered` and the message `{message}` disagree"))),
        state => return Err(done(log.error(format!("the state `{state}` is of a run that removes resources")))),
    }
    Ok(())
}

/// The state of a resource: a word and its code, or in older versions the code alone.
fn state(log: &Object<'_>) -> Result<&'static str, ReadError> {
    let is_word = log.members().any(|(name, value)| name == "state" && value.is_string());
    let (word, code) =
        if is_word { (log.text("state")?, log.count("state_code")?) } else { (None, log.count("state")?) };
    let by_code =
        code.map(|code| usize::try_from(code).ok().and_then(|code| STATES.get(code).copied()).unwrap_or(""));
    let by_word = word.map(|word| STATES.iter().find(|state| **state == word).copied().unwrap_or(""));
    match (by_word, by_code) {
        (Some(word), Some(code)) if word != code => Err(log.error_at("state", "the state and its code disagree")),
        (Some(state), _) | (None, Some(state)) if !state.is_empty() => Ok(state),
        _ => Err(log.error_at("state", "the state is not understood")),
    }
}

/// The properties of a resource as aws-nuke writes them as text.
fn properties(log: &Object<'_>) -> Result<String, ReadError> {
    let mut properties = Vec::new();
    for (member, _) in log.members() {
        if let Some(name) = member.strip_prefix("prop:").filter(|name| !name.starts_with('_')) {
            properties
                .push(format!("{name}: \"{}\"", log.text(member)?.unwrap_or("").replace(char::is_control, " ")));
        }
    }
    Ok(format!("[{}]", properties.join(", ")))
}
