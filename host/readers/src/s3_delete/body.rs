//! Bodies of calls and answers in XML: `Delete`, `ListVersionsResult` and `ListBucketResult`.

use super::{Collector, OF_LIST, PAGE_HELP, check_page};
use crate::Input;
use crate::s3::{self, Object};
use crate::xml::Element;
use reprieve_batch::ReadError;

pub(super) fn read(input: &Input<'_>, root: &Element, collector: &mut Collector<'_, '_>) -> Result<(), ReadError> {
    if let (false, true) = (root.text.trim().is_empty(), root.children.is_empty()) {
        return Err(root.error(input, format!("there is text in `{}`", root.name)));
    }
    match root.name.as_str() {
        "Delete" => call(input, root, collector),
        "ListVersionsResult" => list(input, root, true, collector),
        "ListBucketResult" => list(input, root, false, collector),
        "DeleteResult" => Err(root
            .error(input, "this is the result of a DeleteObjects call: its objects are deleted already")
            .with_help("pass the request, whose root is `Delete`")),
        "Error" => Err(root.error(input, "this is an error that S3 answered, and not a list")),
        other => {
            let message = format!("the element `{other}` is not understood");
            Err(root
                .error(input, message)
                .with_help("pass a `Delete`, a `ListVersionsResult` or a `ListBucketResult`"))
        }
    }
}

fn call(input: &Input<'_>, root: &Element, collector: &mut Collector<'_, '_>) -> Result<(), ReadError> {
    if let Some(quiet) = root.text_of(input, "Quiet")?
        && !matches!(quiet.trim(), "true" | "false")
    {
        return Err(root.error(input, format!("`Quiet` must be true or false, found `{quiet}`")));
    }
    let mut objects = 0;
    for child in &root.children {
        match child.name.as_str() {
            "Quiet" => {}
            "Object" => {
                only(input, child, &["Key", "VersionId", "ETag", "LastModifiedTime", "Size"])?;
                let version = child.text_of(input, "VersionId")?.map(str::to_owned);
                let object = Object { key: key(input, child)?.to_owned(), version, ..Object::default() };
                collector.delete(object, &|message| child.error(input, message))?;
                objects += 1;
            }
            other => return Err(child.error(input, format!("the element `{other}` is not understood"))),
        }
    }
    if objects == 0 { Err(root.error(input, "the request names no object")) } else { Ok(()) }
}

fn list(
    input: &Input<'_>,
    root: &Element,
    has_versions: bool,
    collector: &mut Collector<'_, '_>,
) -> Result<(), ReadError> {
    let bucket = root.text_of(input, "Name")?.filter(|name| !name.is_empty());
    let is_encoded = match root.text_of(input, "EncodingType")?.unwrap_or("") {
        "" => false,
        "url" => true,
        other => return Err(root.error(input, format!("the encoding `{other}` of keys is not understood"))),
    };
    let mut objects = 0_u64;
    if root.text_of(input, "IsTruncated")?.is_none() {
        return Err(root.error(input, "`IsTruncated` is missing: the list may be one page of several"));
    }
    for child in &root.children {
        match (child.name.as_str(), has_versions) {
            ("CommonPrefixes", _) => {
                return Err(child
                    .error(input, "keys below a common prefix are not in the list")
                    .with_help("list without a delimiter"));
            }
            (name, _) if OF_LIST.contains(&name) => {
                let value = root.text_of(input, name)?.unwrap_or("");
                check_page(name, value).map_err(|message| child.error(input, message).with_help(PAGE_HELP))?;
            }
            ("Version" | "DeleteMarker", true) | ("Contents", false) => {
                let object = entry(input, child, has_versions, is_encoded)?;
                let object = Object { bucket: bucket.map(str::to_owned), ..object };
                collector.list(object, &|message| child.error(input, message))?;
                objects += 1;
            }
            (other, _) => return Err(child.error(input, format!("the element `{other}` is not understood"))),
        }
    }
    if let Some(counted) = root.text_of(input, "KeyCount")?
        && counted.trim().parse() != Ok(objects)
    {
        return Err(root.error(input, format!("`KeyCount` is `{counted}`, and {objects} keys are listed")));
    }
    if let Some(prefix) = root.text_of(input, "Prefix")?.filter(|prefix| !prefix.is_empty()) {
        collector.note(format!("the list has only keys that begin with `{prefix}`"));
    }
    Ok(())
}

fn entry(input: &Input<'_>, entry: &Element, has_versions: bool, is_encoded: bool) -> Result<Object, ReadError> {
    let failed = |message: String| entry.error(input, message);
    let text = |name: &str| entry.text_of(input, name);
    let key = key(input, entry)?;
    let version = text("VersionId")?.map(str::to_owned);
    if version.is_some() != has_versions {
        let message = if has_versions { "`VersionId` is missing" } else { "`VersionId` is not expected here" };
        return Err(failed(message.to_owned()));
    }
    let is_latest = match text("IsLatest")?.map(str::trim) {
        None => None,
        Some("true") => Some(true),
        Some("false") => Some(false),
        Some(other) => return Err(failed(format!("`IsLatest` must be true or false, found `{other}`"))),
    };
    let size =
        text("Size")?.map(|size| size.trim().parse().map_err(|_| format!("the size `{size}` is not a number")));
    Ok(Object {
        key: if is_encoded { s3::decode_key(key).map_err(failed)? } else { key.to_owned() },
        version,
        is_marker: entry.name == "DeleteMarker",
        is_latest,
        modified: text("LastModified")?.map(|time| s3::time(time.trim())).transpose().map_err(failed)?.flatten(),
        size: size.transpose().map_err(failed)?,
        storage_class: text("StorageClass")?.map(|class| class.trim().to_owned()).filter(|class| !class.is_empty()),
        ..Object::default()
    })
}

fn key<'a>(input: &Input<'_>, element: &'a Element) -> Result<&'a str, ReadError> {
    let key = element.text_of(input, "Key")?;
    key.ok_or_else(|| element.error(input, format!("the element `Key` is missing in `{}`", element.name)))
}

/// Refuses elements that are not among the known ones, and text without an element.
fn only(input: &Input<'_>, element: &Element, known: &[&str]) -> Result<(), ReadError> {
    match element.children.iter().find(|child| !known.contains(&child.name.as_str())) {
        Some(child) => Err(child.error(input, format!("the element `{}` is not understood", child.name))),
        None => Ok(()),
    }
}
