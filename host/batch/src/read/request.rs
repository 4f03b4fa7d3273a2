//! Reading a request document.

use super::folder::{Folder, read_bounded};
use super::json_error::{explain, explain_in};
use super::manifest::{MAX_MANIFEST_BYTES, PathFlaw, path_flaw};
use super::request_texts::{check_lengths, check_texts};
use crate::error::{Place, ReadError};
use crate::text::{canonical, name_flaw};
use reprieve_model::{Approval, Claims, Request, Tally, TargetFiles};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::Read;

/// The maximum size of a request document in bytes. A longer list of targets belongs in a file of its own, which may
/// have any length.
const MAX_BYTES: u64 = 64 << 20;

/// A request document that was read. Its targets are not parsed yet.
#[derive(Debug)]
pub(crate) struct Document {
    pub claims: Claims,
    pub sha256: String,
    /// The document's name in messages.
    pub file: String,
    pub targets: TargetSource,
}

/// Where the targets of a request are.
#[derive(Debug)]
pub(crate) enum TargetSource {
    /// In the document: the array as text, and the line it begins on.
    Inline { json: Box<RawValue>, line: u64 },
    /// In a file of the document's folder, or in several.
    Files(TargetFiles),
    /// Not in the document: the caller has to name them.
    Absent,
}

impl Document {
    /// Adds what the request itself does not say: who submits it, and further approvals.
    pub fn add(&mut self, caller: Option<String>, approvals: Vec<Approval>) -> Result<(), ReadError> {
        if let Some(caller) = caller {
            let actor = self.claims.actor.get_or_insert_default();
            match &actor.id {
                Some(id) if *id != caller => {
                    let place = Place::Pointer { pointer: "/actor/id".to_owned(), line: 1 };
                    let message = format!("the actor is `{id}`, but the caller is `{caller}`");
                    return Err(ReadError::new(&self.file, place, message)
                        .with_help("leave the actor's `id` out; name the person it acts for in `on_behalf_of`"));
                }
                _ => actor.id = Some(caller),
            }
        }
        if !approvals.is_empty() {
            self.claims.approvals.get_or_insert_default().extend(approvals);
        }
        Ok(())
    }

    /// Reads a request in a folder.
    pub fn open(folder: &Folder, name: &str) -> Result<Self, ReadError> {
        read_request(folder.file(name)?, &folder.display_name(name))
    }
}

/// Reads a request from a stream; `shown` is its name in messages.
pub(crate) fn read_request(reader: impl Read, shown: &str) -> Result<Document, ReadError> {
    let bytes = read_bounded(reader, MAX_BYTES, shown).map_err(|error| match error.help {
        None if error.message.starts_with("larger") => {
            error.with_help("put the targets into a file: `\"targets\": { \"path\": … }`")
        }
        _ => error,
    })?;
    let text = check_text(&bytes, shown)?;
    let request = parse(text, shown)?;
    let (targets, list_bytes) = match request.targets {
        Some(targets) => {
            let line = line_of(&bytes, targets.get().as_ptr() as usize - text.as_ptr() as usize);
            (target_source(targets, shown, line)?, targets.get().len())
        }
        None => (TargetSource::Absent, 0),
    };
    // A list, and a list of files, have bounds of their own.
    let is_list = !matches!(&targets, TargetSource::Files(TargetFiles { files: None, .. }));
    let claims_bytes = bytes.len() - if is_list { list_bytes } else { 0 };
    let sha256 = hex::encode(Sha256::digest(&bytes));
    let claims = without_targets(request);
    require_non_blank(shown, &claims)?;
    check_kinds(shown, &claims)?;
    check_texts(shown, &claims, text)?;
    check_lengths(shown, &claims, claims_bytes)?;
    Ok(Document { claims, sha256, file: shown.to_owned(), targets })
}

/// Checks that a document is not empty, and that it is UTF-8 without a byte order mark.
fn check_text<'a>(bytes: &'a [u8], shown: &str) -> Result<&'a str, ReadError> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(ReadError::of_file(shown, "the file is empty")
            .with_help("write a request; the schema of a request lists its fields"));
    }
    let text = str::from_utf8(bytes).map_err(|error| {
        let place = Place::Line(line_of(bytes, error.valid_up_to()));
        ReadError::new(shown, place, format!("byte {} is not UTF-8", error.valid_up_to()))
    })?;
    if text.starts_with('\u{feff}') {
        return Err(ReadError::new(shown, Place::Line(1), "the file begins with a byte order mark")
            .with_help("save it as UTF-8 without one"));
    }
    Ok(text)
}

/// Parses a document that holds one request and nothing else.
fn parse<'a>(text: &'a str, shown: &str) -> Result<Request<Option<&'a RawValue>>, ReadError> {
    let begin = text.len() - text.trim_start().len();
    let is_list = text[begin..].starts_with('[');
    // The place of an error is found by parsing once more, because keeping track of it takes longer than parsing.
    if !is_list && let Ok(request) = serde_json::from_str(text) {
        return Ok(request);
    }
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let parsed: Result<Request<Option<&RawValue>>, _> = serde_path_to_error::deserialize(&mut deserializer);
    let request = match parsed {
        Ok(request) if !is_list => request,
        Err(error) if !is_list || !error.inner().is_data() => return Err(explain(shown, &error)),
        // The JSON reader accepts a list of the right length in place of an object.
        _ => {
            let place = Place::Line(line_of(text.as_bytes(), begin));
            return Err(ReadError::new(shown, place, "expected a request, found a list").with_help(
                "a request is an object with the list as its `targets`; the schema of a request lists its fields",
            ));
        }
    };
    deserializer.end().map_err(|error| {
        ReadError::new(shown, Place::Line(error.line() as u64), "there is more after the end of the request")
    })?;
    Ok(request)
}

fn target_source(targets: &RawValue, shown: &str, line: u64) -> Result<TargetSource, ReadError> {
    match targets.get().as_bytes().first() {
        Some(b'[') => Ok(TargetSource::Inline { json: targets.to_owned(), line }),
        Some(b'{') => Ok(TargetSource::Files(parse_target_files(shown, targets, line)?)),
        _ => {
            let place = Place::Pointer { pointer: "/targets".into(), line };
            Err(ReadError::new(shown, place, "expected a list or a file")
                .with_help("write `[…]`, or `{ \"path\": \"targets.ndjson\" }`"))
        }
    }
}

fn without_targets<T>(request: Request<T>) -> Claims {
    Request {
        id: request.id,
        mode: request.mode,
        environment: request.environment,
        target_kind: request.target_kind,
        target_kinds: request.target_kinds,
        operation: request.operation,
        reason: request.reason,
        actor: request.actor,
        provenance: request.provenance,
        dry_run: request.dry_run,
        recovery: request.recovery,
        approvals: request.approvals,
        migration: request.migration,
        schedule: request.schedule,
        notice: request.notice,
        campaign: request.campaign,
        annotations: request.annotations,
        targets: None,
    }
}

/// Checks that the required texts are not blank.
fn require_non_blank(shown: &str, claims: &Claims) -> Result<(), ReadError> {
    let texts = [("id", Some(&claims.id)), ("environment", Some(&claims.environment))];
    let texts = texts.into_iter().chain([("target_kind", claims.target_kind.as_ref())]);
    let blank = |text: Option<&String>| text.is_some_and(|text| text.trim().is_empty());
    match texts.into_iter().find(|(_, text)| blank(*text)) {
        Some((name, _)) => {
            let place = Place::Pointer { pointer: format!("/{name}"), line: 1 };
            Err(ReadError::new(shown, place, "this is empty").with_help("write a value; there is no default"))
        }
        None => Ok(()),
    }
}

/// Checks that the request claims one kind, or several that differ.
fn check_kinds(shown: &str, claims: &Claims) -> Result<(), ReadError> {
    let wrong = |pointer: &str, message: String, help: &str| {
        let place = Place::Pointer { pointer: pointer.to_owned(), line: 1 };
        Err(ReadError::new(shown, place, message).with_help(help))
    };
    let Some(kinds) = &claims.target_kinds else {
        return match claims.target_kind {
            Some(_) => Ok(()),
            None => wrong(
                "",
                "there is no `target_kind`".to_owned(),
                "write the kind of every target, or `target_kinds` if there are several: `{\"app\": 12, \"label\": null}`",
            ),
        };
    };
    if claims.target_kind.is_some() {
        let message = "there are both `target_kind` and `target_kinds`".to_owned();
        return wrong("/target_kinds", message, "write `target_kind` for one kind, or `target_kinds` for several");
    }
    if kinds.is_empty() || kinds.len() > Tally::MAX_NAMES {
        let message =
            format!("it has {} kinds, at least 1 and at most {} are allowed", kinds.len(), Tally::MAX_NAMES);
        return wrong("/target_kinds", message, "list the kind of every target");
    }
    let mut seen = BTreeMap::new();
    for kind in kinds.keys() {
        let pointer = format!("/target_kinds/{kind}");
        if kind.trim().is_empty() {
            return wrong(&pointer, "the kind is empty".to_owned(), "write the name of a kind");
        }
        if let Some(flaw) = name_flaw(kind) {
            return wrong(&pointer, flaw, "write it without that character");
        }
        if let Some(other) = seen.insert(canonical(kind), kind) {
            let message = format!("`{other}` and `{kind}` are the same kind");
            return wrong(&pointer, message, "write it once");
        }
    }
    Ok(())
}

fn parse_target_files(shown: &str, raw: &RawValue, line: u64) -> Result<TargetFiles, ReadError> {
    let bytes = raw.get().len();
    let wrong = |pointer: String, message: String, help: &str| {
        ReadError::new(shown, Place::Pointer { pointer, line }, message).with_help(help)
    };
    if bytes > MAX_MANIFEST_BYTES {
        let message = format!("it has {bytes} bytes, at most {MAX_MANIFEST_BYTES} are allowed");
        return Err(wrong("/targets".to_owned(), message, "write the list into fewer files, with shorter paths"));
    }
    let mut deserializer = serde_json::Deserializer::from_str(raw.get());
    let parsed: Result<TargetFiles, _> = serde_path_to_error::deserialize(&mut deserializer);
    let files = parsed.map_err(|error| {
        let mut explained = explain_in::<TargetFiles>(shown, &error);
        if let Place::Pointer { pointer, line: within } = &mut explained.place {
            *pointer = format!("/targets{pointer}");
            *within += line - 1;
        }
        explained
    })?;
    let both = "name one file with `path`, or every file of a list with `files`";
    match (&files.path, &files.files) {
        (Some(_), None) => {}
        (None, Some(listed)) => {
            if let Some(PathFlaw { file, message, help }) = path_flaw(listed.iter().map(|file| file.path.as_str())) {
                let file = file.map(|file| format!("/{file}/path")).unwrap_or_default();
                return Err(wrong(format!("/targets/files{file}"), message, help));
            }
        }
        (Some(_), Some(_)) => {
            return Err(wrong("/targets".to_owned(), "there are both `path` and `files`".to_owned(), both));
        }
        (None, None) => {
            return Err(wrong("/targets".to_owned(), "there is neither `path` nor `files`".to_owned(), both));
        }
    }
    Ok(files)
}

/// Returns the line of an offset, counted from 1.
fn line_of(bytes: &[u8], at: usize) -> u64 {
    1 + bytes.iter().take(at).filter(|byte| **byte == b'\n').count() as u64
}
