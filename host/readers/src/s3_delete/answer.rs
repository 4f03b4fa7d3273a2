//! JSON as the command line of AWS takes and prints it: `--delete`, `--cli-input-json`, and lists of objects and versions.

use super::{Collector, OF_LIST, PAGE_HELP, check_page};
use crate::cloud;
use crate::node::Node;
use crate::s3::{self, Object};
use reprieve_batch::ReadError;

/// The members that only JSON has beside the entries of a list.
const OF_JSON: [&str; 2] = ["NextToken", "ResponseMetadata"];

/// The members of `--cli-input-json`.
const OF_INPUT: [&str; 8] = [
    "Bucket",
    "BypassGovernanceRetention",
    "ChecksumAlgorithm",
    "ChecksumCRC32",
    "Delete",
    "ExpectedBucketOwner",
    "MFA",
    "RequestPayer",
];

pub(super) fn read(root: &Node<'_>, collector: &mut Collector<'_, '_>) -> Result<(), ReadError> {
    let has = |name: &str| root.value().get(name).is_some();
    if has("Deleted") || has("Errors") {
        return Err(root
            .error("this is the result of a DeleteObjects call: its objects are deleted already")
            .with_help("pass the request, which has `Objects`"));
    }
    if has("Delete") {
        only(root, &OF_INPUT)?;
        let bucket = root.required("Bucket")?.id()?;
        if root.get("BypassGovernanceRetention")?.map(|node| node.flag()).transpose()? == Some(true) {
            collector.note("the call bypasses the retention of objects in governance mode");
        }
        return call(&root.required("Delete")?, Some(bucket), collector);
    }
    if has("Objects") {
        return call(root, None, collector);
    }
    list(root, collector)
}

fn call(request: &Node<'_>, bucket: Option<&str>, collector: &mut Collector<'_, '_>) -> Result<(), ReadError> {
    only(request, &["Objects", "Quiet"])?;
    request.get("Quiet")?.map(|quiet| quiet.flag()).transpose()?;
    let objects = request.required("Objects")?;
    let mut number = 0;
    for node in objects.list()? {
        only(&node, &["Key", "VersionId", "ETag", "LastModifiedTime", "Size"])?;
        let object = Object {
            key: node.required("Key")?.text()?.to_owned(),
            version: node.get("VersionId")?.map(|version| version.text().map(str::to_owned)).transpose()?,
            bucket: bucket.map(str::to_owned),
            ..Object::default()
        };
        collector.delete(object, &|message| node.error(message))?;
        number += 1;
    }
    if number == 0 { Err(objects.error("the request names no object")) } else { Ok(()) }
}

fn list(root: &Node<'_>, collector: &mut Collector<'_, '_>) -> Result<(), ReadError> {
    let lists = ["Versions", "DeleteMarkers", "Contents"];
    if !lists.iter().any(|name| root.value().get(name).is_some()) {
        let message = "neither a request (`Objects`) nor a list (`Versions`, `DeleteMarkers`, `Contents`)";
        return Err(root.error(message));
    }
    only(root, &[&OF_LIST[..], &OF_JSON[..], &lists[..]].concat())?;
    let is_encoded = match root.text_of("EncodingType")? {
        None => false,
        Some("url") => true,
        Some(other) => return Err(root.error(format!("the encoding `{other}` of keys is not understood"))),
    };
    for (name, member) in root.members()? {
        check_member(name, &member)?;
    }
    let bucket = root.text_of("Name")?;
    let mut number = 0_u64;
    for name in lists {
        let Some(entries) = root.get(name)? else { continue };
        if name == "Contents" && root.value().get("Versions").is_some() {
            return Err(entries.error("there are versions and objects in one list"));
        }
        for node in entries.list()? {
            let object = entry(&node, name, is_encoded)?;
            let object = Object { bucket: bucket.map(str::to_owned), ..object };
            collector.list(object, &|message| node.error(message))?;
            number += 1;
        }
    }
    if let Some(counted) = root.given("KeyCount")?
        && counted.value().as_u64() != Some(number)
    {
        return Err(counted.error(format!("`KeyCount` is {}, and {number} keys are listed", counted.value())));
    }
    if let Some(prefix) = root.text_of("Prefix")? {
        collector.note(format!("the list has only keys that begin with `{prefix}`"));
    }
    Ok(())
}

/// Checks that a list is complete.
fn check_member(name: &str, member: &Node<'_>) -> Result<(), ReadError> {
    if name == "CommonPrefixes" && !member.is_null() && member.list()?.next().is_some() {
        let message = "keys below a common prefix are not in the list";
        return Err(member.error(message).with_help("list without a delimiter"));
    }
    let text = match name {
        "IsTruncated" => member.flag()?.to_string(),
        "NextToken" if member.value().is_object() => "set".to_owned(),
        _ if member.is_null() || check_page(name, "set").is_ok() => return Ok(()),
        _ => member.text()?.to_owned(),
    };
    check_page(name, &text).map_err(|message| member.error(message).with_help(PAGE_HELP))
}

fn entry(node: &Node<'_>, list: &str, is_encoded: bool) -> Result<Object, ReadError> {
    let key = node.required("Key")?.text()?;
    let version = match list {
        "Contents" if node.value().get("VersionId").is_some() => {
            return Err(node.error("`VersionId` is not expected here"));
        }
        "Contents" => None,
        _ => Some(node.required("VersionId")?.text()?.to_owned()),
    };
    let modified = node.given("LastModified")?;
    let modified = modified.map(|time| cloud::time(&time).ok_or_else(|| time.error("the time is not understood")));
    let size = node.given("Size")?;
    let size = size.map(|size| size.value().as_u64().ok_or_else(|| size.error("the size is not a whole number")));
    Ok(Object {
        key: if is_encoded { s3::decode_key(key).map_err(|message| node.error(message))? } else { key.to_owned() },
        version,
        is_marker: list == "DeleteMarkers",
        is_latest: node.given("IsLatest")?.map(|is_latest| is_latest.flag()).transpose()?,
        modified: modified.transpose()?,
        size: size.transpose()?,
        storage_class: node.text_of("StorageClass")?.map(str::to_owned),
        ..Object::default()
    })
}

/// Refuses members that are not among the known ones.
fn only(node: &Node<'_>, known: &[&str]) -> Result<(), ReadError> {
    match node.members()?.find(|(name, _)| !known.contains(name)) {
        Some((name, member)) => Err(member.error(format!("the member `{name}` is not understood"))),
        None => Ok(()),
    }
}
