//! What the texts of a request may be.

use crate::error::{Place, ReadError};
use crate::text::{control_character, describe_control, name_flaw};
use reprieve_model::Claims;
use serde_json::Value;

/// The maximum size of a request document without its targets in bytes. A ledger keeps it with every decision.
const MAX_CLAIMS_BYTES: usize = 1 << 20;
/// The maximum size of a text in it in bytes.
const MAX_TEXT_BYTES: usize = 64 << 10;
/// The maximum size of all annotations together in bytes.
const MAX_ANNOTATIONS_BYTES: usize = 64 << 10;

/// The texts that people write for people, which may have several lines, and ids.
const FREE_TEXTS: [&str; 5] =
    ["/reason/text", "/provenance/query", "/operation/selector", "/annotations/", "/dry_run/sample/"];
/// The last words of the pointers to names that are compared, of environments, kinds and people.
const NAMES: [&str; 9] = [
    "/environment",
    "/target_kind",
    "/actor/id",
    "/on_behalf_of",
    "/by",
    "/extracted_by",
    "/id_kind",
    "/purpose",
    "/campaign",
];

/// Checks that texts have no control characters, and that names are no look-alikes of others. `document` is what the claims
/// were parsed from.
pub(super) fn check_texts(shown: &str, claims: &Claims, document: &str) -> Result<(), ReadError> {
    // In a text, control characters and those beyond ASCII are such bytes or escapes.
    let is_plain = |byte: u8| matches!(byte, b' '..=b'~' | b'\t' | b'\n' | b'\r') && byte != b'\\';
    if document.bytes().all(is_plain) {
        return Ok(());
    }
    let claims = serde_json::to_value(claims).map_err(|error| ReadError::of_file(shown, error.to_string()))?;
    let flaw = find_text(&claims, &mut String::new(), &mut |pointer, text| {
        if NAMES.iter().any(|name| pointer.ends_with(name)) && !pointer.starts_with("/annotations/") {
            return name_flaw(text);
        }
        let is_free = FREE_TEXTS.iter().any(|free| pointer.starts_with(free));
        control_character(text).filter(|_| !is_free).map(describe_control)
    });
    match flaw {
        Some((pointer, flaw)) => Err(ReadError::new(shown, Place::Pointer { pointer, line: 1 }, flaw)
            .with_help("write it without that character; names that only look alike must not count as different")),
        None => Ok(()),
    }
}

/// Returns the pointer to the first text that `test` finds something in, and what it finds. The names of fields are texts.
/// `at` is the pointer to `value`.
fn find_text<T>(
    value: &Value,
    at: &mut String,
    test: &mut dyn FnMut(&str, &str) -> Option<T>,
) -> Option<(String, T)> {
    let end = at.len();
    match value {
        Value::String(text) => test(at, text).map(|found| (at.clone(), found)),
        Value::Array(values) => values.iter().enumerate().find_map(|(i, value)| {
            at.truncate(end);
            *at += &format!("/{i}");
            find_text(value, at, test)
        }),
        Value::Object(fields) => fields.iter().find_map(|(name, value)| {
            at.truncate(end);
            let found = test(at, name).map(|found| (at.clone(), found));
            found.or_else(|| {
                *at += &format!("/{}", name.replace('~', "~0").replace('/', "~1"));
                find_text(value, at, test)
            })
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

/// Checks the lengths of the claims, whose document takes `bytes` bytes without the targets.
pub(super) fn check_lengths(shown: &str, claims: &Claims, bytes: usize) -> Result<(), ReadError> {
    // No text can be longer than the document.
    if bytes <= MAX_TEXT_BYTES.min(MAX_ANNOTATIONS_BYTES) {
        return Ok(());
    }
    let wrong = |pointer: &str, message: String| {
        let place = Place::Pointer { pointer: pointer.to_owned(), line: 1 };
        ReadError::new(shown, place, message).with_help("keep it in a file of its own, and name that file")
    };
    let too_long = |what: &str, bytes: usize, max: usize| format!("{what} {bytes} bytes, at most {max} are allowed");
    let claims = serde_json::to_value(claims).map_err(|error| ReadError::of_file(shown, error.to_string()))?;
    if let Some(annotations) = claims.get("annotations") {
        let bytes = annotations.to_string().len();
        if bytes > MAX_ANNOTATIONS_BYTES {
            return Err(wrong("/annotations", too_long("the annotations take", bytes, MAX_ANNOTATIONS_BYTES)));
        }
    }
    let long = |_: &str, text: &str| (text.len() > MAX_TEXT_BYTES).then_some(text.len());
    if let Some((pointer, bytes)) = find_text(&claims, &mut String::new(), &mut { long }) {
        return Err(wrong(&pointer, too_long("the text has", bytes, MAX_TEXT_BYTES)));
    }
    if bytes > MAX_CLAIMS_BYTES {
        return Err(wrong("", too_long("without its targets, the request has", bytes, MAX_CLAIMS_BYTES)));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::read_request;
    use super::*;

    /// Reads a request in which a name and a text for people have these forms in JSON. Returns the fields that are refused.
    fn refused(name: &str, text: &str) -> Option<String> {
        let document = format!(
            r#"{{"id":"1","mode":"soft","environment":{name},"target_kind":"app","reason":{{"text":{text}}},"targets":[]}}"#
        );
        match read_request(document.as_bytes(), "request").map_err(|error| error.place) {
            Ok(_) => None,
            Err(Place::Pointer { pointer, .. }) => Some(pointer),
            Err(place) => panic!("{place:?}"),
        }
    }

    #[test]
    fn a_flaw_of_a_name_is_found_in_each_form_that_json_has_for_it() {
        let others = ['\u{200b}', '\u{2028}', '\u{2029}', '\u{feff}', '名', '\u{10ffff}'];
        for c in ('\0'..='\u{4ff}').chain(others) {
            let name = format!("te{c}st");
            let mut units = [0; 2];
            let escape = c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")).collect::<String>();
            for json in [serde_json::to_string(&name).unwrap(), format!("\"te{escape}st\"")] {
                let expected = name_flaw(&name).map(|_| "/environment".to_owned());
                assert_eq!(refused(&json, "\"text\""), expected, "{json}");
                assert_eq!(refused("\"test\"", &json), None, "people may write {json}");
            }
        }
    }
}
