//! Reading a request document.

use super::folder::bounded;
use super::{Folder, Place, Unreadable, nearest};
use reprieve_model::{Claims, Request, TargetFile};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use std::io::Read;

/// The largest request document. A longer list of targets stands in a file of its own, which may have any length.
const MOST_BYTES: u64 = 64 << 20;

/// A request document that was read: its header, and its targets still as text.
#[derive(Debug)]
pub(crate) struct Document {
    pub claims: Claims,
    pub sha256: String,
    /// The document's name in messages.
    pub file: String,
    pub targets: Where,
}

/// Where the targets of a request are.
#[derive(Debug)]
pub(crate) enum Where {
    /// In the document: the array as text, and the line it begins on.
    Inline(Box<RawValue>, u64),
    /// In a file of the document's folder.
    File(TargetFile),
}

impl Document {
    /// Reads a request in a folder.
    pub fn open(folder: &Folder, name: &str) -> Result<Self, Unreadable> {
        let shown = folder.shown(name);
        read(folder.file(name)?, &shown)
    }
}

/// Reads a request from anywhere; `shown` is its name in messages.
pub(crate) fn read(reader: impl Read, shown: &str) -> Result<Document, Unreadable> {
    let bytes = bounded(reader, MOST_BYTES, shown).map_err(|error| match error.help {
        None if error.message.starts_with("larger") => {
            error.help("put the targets into a file: `\"targets\": { \"path\": … }`")
        }
        _ => error,
    })?;
    let wrong = |place, message: String| Unreadable::new(shown, place, message);
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(
            wrong(Place::Whole, "the file is empty".into()).help("`reprieve schema request` says what it holds")
        );
    }
    let text = str::from_utf8(&bytes).map_err(|error| {
        let line = line_of(&bytes, error.valid_up_to());
        wrong(Place::Line(line), format!("byte {} is not UTF-8", error.valid_up_to()))
    })?;

    if text.starts_with('\u{feff}') {
        return Err(wrong(Place::Line(1), "the file begins with a byte order mark".into())
            .help("save it as UTF-8 without one"));
    }

    let mut deserializer = serde_json::Deserializer::from_str(text);
    let parsed: Result<Request<Option<&RawValue>>, _> = serde_path_to_error::deserialize(&mut deserializer);
    let begin = text.len() - text.trim_start().len();
    let is_list = text[begin..].starts_with('[');
    let request = match parsed {
        Ok(request) if !is_list => request,
        Err(error) if !is_list || !error.inner().is_data() => return Err(explain(shown, &error)),
        // The reader would take a list of the right length for an object without names.
        _ => {
            return Err(wrong(Place::Line(line_of(&bytes, begin)), "this is a list, and not a request".into()).help(
                "a request is an object with the list as its `targets`; `reprieve schema request` has the rest",
            ));
        }
    };
    deserializer.end().map_err(|error| {
        wrong(Place::Line(error.line() as u64), "there is more after the end of the request".into())
    })?;
    let Some(targets) = request.targets else {
        return Err(wrong(Place::Pointer { pointer: String::new(), line: 1 }, "there is no `targets`".into())
            .help("list them, or name their file: `\"targets\": { \"path\": \"targets.ndjson\" }`"));
    };
    let start = targets.get().as_ptr() as usize - text.as_ptr() as usize;
    let line = line_of(&bytes, start);
    let targets = match targets.get().as_bytes().first() {
        Some(b'[') => Where::Inline(targets.to_owned(), line),
        Some(b'{') => Where::File(file(shown, targets, line)?),
        _ => {
            return Err(wrong(
                Place::Pointer { pointer: "/targets".into(), line },
                "neither a list nor a file".into(),
            )
            .help("write `[…]`, or `{ \"path\": \"targets.ndjson\" }`"));
        }
    };
    let sha256 = hex::encode(Sha256::digest(&bytes));
    let claims = without_targets(request);
    require(shown, &claims)?;
    Ok(Document { claims, sha256, file: shown.to_owned(), targets })
}

fn without_targets<T>(request: Request<T>) -> Claims {
    Request {
        id: request.id,
        mode: request.mode,
        environment: request.environment,
        target_kind: request.target_kind,
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

/// The required texts have to say something.
fn require(shown: &str, claims: &Claims) -> Result<(), Unreadable> {
    let texts = [("id", &claims.id), ("environment", &claims.environment), ("target_kind", &claims.target_kind)];
    match texts.iter().find(|(_, text)| text.trim().is_empty()) {
        Some((name, _)) => {
            let place = Place::Pointer { pointer: format!("/{name}"), line: 1 };
            Err(Unreadable::new(shown, place, "this is empty").help("write what it is; there is no default"))
        }
        None => Ok(()),
    }
}

fn file(shown: &str, raw: &RawValue, line: u64) -> Result<TargetFile, Unreadable> {
    let mut deserializer = serde_json::Deserializer::from_str(raw.get());
    let parsed: Result<TargetFile, _> = serde_path_to_error::deserialize(&mut deserializer);
    parsed.map_err(|error| {
        let mut explained = explain(shown, &error);
        if let Place::Pointer { pointer, line: within } = &mut explained.place {
            *pointer = format!("/targets{pointer}");
            *within += line - 1;
        }
        explained
    })
}

/// Turns an error of the JSON reader into one with a pointer, and with the field that was probably meant.
pub(super) fn explain(shown: &str, error: &serde_path_to_error::Error<serde_json::Error>) -> Unreadable {
    let cause = error.inner();
    let pointer = pointer(error.path());
    let line = cause.line().max(1) as u64;
    if cause.is_syntax() || cause.is_eof() {
        let message =
            if cause.is_eof() { "the JSON ends too early".to_owned() } else { format!("not JSON: {cause}") };
        return Unreadable::new(shown, Place::Line(line), message);
    }
    if let Some((parent, field, known)) = unknown_field(&pointer) {
        let unreadable =
            Unreadable::new(shown, Place::Pointer { pointer: parent, line }, format!("there is no field `{field}`"));
        let help = match nearest(&field, known.iter().map(String::as_str)) {
            Some(name) => format!("did you mean `{name}`?"),
            None => format!("the fields here are {}", known.join(", ")),
        };
        return unreadable.help(help);
    }
    // The reader's own words, less the position, which stands in front.
    let message = cause.to_string();
    let message = message.split(" at line ").next().unwrap_or(&message).to_owned();
    Unreadable::new(shown, Place::Pointer { pointer, line }, message)
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let mut pointer = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => pointer += &format!("/{index}"),
            Segment::Map { key } => pointer += &format!("/{}", key.replace('~', "~0").replace('/', "~1")),
            Segment::Enum { variant } => pointer += &format!("/{variant}"),
            Segment::Unknown => {}
        }
    }
    pointer
}

/// Whether the last step of a pointer into a request is a field that its schema does not have: the pointer of what
/// it stands in, the field, and those that may stand there.
fn unknown_field(pointer: &str) -> Option<(String, String, Vec<String>)> {
    let schema = crate::schema::request();
    let (parent, field) = pointer.rsplit_once('/')?;
    let resolve = |mut schema: &'_ serde_json::Value, root: &serde_json::Value| -> Option<serde_json::Value> {
        loop {
            if let Some(reference) = schema.get("$ref").and_then(serde_json::Value::as_str) {
                return Some(root.pointer(reference.strip_prefix('#')?)?.clone());
            }
            match schema.get("anyOf").and_then(|options| options.get(0)) {
                Some(option) => schema = option,
                None => return Some(schema.clone()),
            }
        }
    };
    let mut at = schema.clone();
    for step in parent.split('/').skip(1) {
        let next = if step.parse::<usize>().is_ok() { at.get("items") } else { at.get("properties")?.get(step) };
        at = resolve(next?, &schema)?;
    }
    let fields: Vec<String> = at.get("properties")?.as_object()?.keys().cloned().collect();
    (!fields.iter().any(|known| known == field)).then(|| (parent.to_owned(), field.to_owned(), fields))
}

fn line_of(bytes: &[u8], at: usize) -> u64 {
    1 + bytes.iter().take(at).filter(|byte| **byte == b'\n').count() as u64
}
