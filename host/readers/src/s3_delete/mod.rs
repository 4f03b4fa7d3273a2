//! Deletions in S3: the body of a DeleteObjects call as XML or JSON, lists of objects and of their versions, and manifests
//! of S3 Batch Operations.

mod answer;
mod body;
mod manifest;

use crate::node::{Node, count};
use crate::s3::{self, Object};
use crate::{Action, Input, Item, Options, Sink, Summary, cloud, xml};
use reprieve_batch::ReadError;
use reprieve_model::Mode;
use std::collections::HashSet;

/// The maximum number of objects of one call.
const MAX_OBJECTS: usize = 1_000;

/// The members of a list beside its entries, in XML and in JSON.
const OF_LIST: [&str; 18] = [
    "CommonPrefixes",
    "ContinuationToken",
    "Delimiter",
    "EncodingType",
    "IsTruncated",
    "KeyCount",
    "KeyMarker",
    "Marker",
    "MaxKeys",
    "Name",
    "NextContinuationToken",
    "NextKeyMarker",
    "NextMarker",
    "NextVersionIdMarker",
    "Prefix",
    "RequestCharged",
    "StartAfter",
    "VersionIdMarker",
];

/// What a file cannot say.
const UNSEEN_OF_CALL: [&str; 3] = [
    "the bucket, if the file does not name it",
    "whether the bucket keeps versions: if it does not, a deletion without a version id is permanent",
    "holds and retention of the objects, and copies in other buckets",
];
const UNSEEN_OF_LIST: [&str; 2] = [
    "objects and versions that were written or deleted since, and incomplete uploads",
    "holds and retention of the objects, and copies in other buckets",
];

pub(crate) fn read(input: &Input<'_>, options: &Options, sink: &mut Sink<'_>) -> Result<Summary, ReadError> {
    let mut collector = Collector::new(options, sink);
    match input.text()?.trim_start().chars().next() {
        Some('<') => body::read(input, &xml::parse(input)?, &mut collector)?,
        Some('{' | '[') if !options.no_header => {
            let document = input.json()?;
            let root = Node::root(input, &document);
            let pages = if document.is_object() { cloud::answers(&root)? } else { None };
            for page in pages.unwrap_or_else(|| vec![root]) {
                answer::read(&page, &mut collector)?;
            }
        }
        _ if options.no_header => manifest::read(input, &mut collector)?,
        _ => {
            let message = "neither XML nor JSON";
            return Err(input.error_at_byte(0, message).with_help(
                "a manifest of S3 Batch Operations is a CSV file without a header: say that it has none",
            ));
        }
    }
    Ok(collector.summary())
}

/// Passes on objects, each once, and remembers what is said of them.
struct Collector<'s, 'f> {
    options: &'s Options,
    sink: &'s mut Sink<'f>,
    seen: HashSet<(String, Option<String>)>,
    is_call: bool,
    markers: usize,
    without_version: usize,
    notes: Vec<String>,
}

impl<'s, 'f> Collector<'s, 'f> {
    fn new(options: &'s Options, sink: &'s mut Sink<'f>) -> Self {
        let (seen, notes) = (HashSet::new(), Vec::new());
        Self { options, sink, seen, is_call: false, markers: 0, without_version: 0, notes }
    }

    /// Passes on an object that a call deletes.
    fn delete(&mut self, object: Object, error: &dyn Fn(String) -> ReadError) -> Result<(), ReadError> {
        if object.version.as_deref() == Some("") {
            let message = "the version id is empty";
            return Err(error(message.to_owned()).with_help("write `null` for the null version, or leave it out"));
        }
        self.is_call = true;
        let action = if object.version.is_some() { Action::Version } else { Action::Marker };
        self.add(object, action, error)
    }

    /// Passes on an object that is listed.
    fn list(&mut self, object: Object, error: &dyn Fn(String) -> ReadError) -> Result<(), ReadError> {
        if object.version.as_deref() == Some("") {
            return Err(error("the version id is empty".to_owned()));
        }
        self.add(object, Action::Listed, error)
    }

    fn add(&mut self, object: Object, action: Action, error: &dyn Fn(String) -> ReadError) -> Result<(), ReadError> {
        object.check().map_err(error)?;
        if !self.seen.insert((object.key.clone(), object.version.clone())) {
            let version = object.version.map(|version| format!(", version `{version}`")).unwrap_or_default();
            return Err(error(format!("the key `{}`{version} is listed twice", object.key)));
        }
        self.markers += usize::from(object.is_marker);
        self.without_version += usize::from(object.version.is_none());
        let item: Item = object.item(action, self.options);
        (self.sink)(item)
    }

    fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    fn summary(self) -> Summary {
        let Self { is_call, mut notes, .. } = self;
        let total = self.seen.len();
        notes.extend(s3::marker_note(self.markers));
        if is_call && self.without_version > 0 {
            let number = count(self.without_version, "key has", "keys have");
            notes.push(format!(
                "{number} no version id: a delete marker if the bucket keeps versions, permanent if it does not"
            ));
        }
        if is_call && total > MAX_OBJECTS {
            notes.push(format!("{total} objects: S3 accepts at most {MAX_OBJECTS} in one call"));
        }
        Summary {
            is_call,
            mode: (is_call && self.without_version == 0).then_some(Mode::Hard),
            verb: is_call.then(|| "DeleteObjects".to_owned()),
            notes,
            unseen: if is_call { UNSEEN_OF_CALL.to_vec() } else { UNSEEN_OF_LIST.to_vec() },
            ..Summary::default()
        }
    }
}

/// Refuses what says that a list is one page of several. `name` is a member of a list, and `value` its text.
fn check_page(name: &str, value: &str) -> Result<(), String> {
    let is_incomplete = match name {
        "IsTruncated" => match value {
            "true" => true,
            "false" => false,
            other => return Err(format!("`IsTruncated` must be true or false, found `{other}`")),
        },
        "NextToken" | "NextContinuationToken" | "NextKeyMarker" | "NextVersionIdMarker" | "NextMarker" => {
            !value.is_empty()
        }
        "ContinuationToken" | "KeyMarker" | "VersionIdMarker" | "Marker" | "StartAfter" => !value.is_empty(),
        _ => false,
    };
    if !is_incomplete {
        return Ok(());
    }
    let message = if name == "IsTruncated" { "is true" } else { "is set" };
    Err(format!("`{name}` {message}: the list is one page of several, so keys are missing"))
}

/// What to do about one page.
const PAGE_HELP: &str = "list all pages in one file, for example with the AWS command line, which joins them";
