//! Inventories of S3: a `manifest.json` and the data files that it names.

mod data;
mod row;

use crate::node::Node;
use crate::{Input, Item, Options, Sink, Summary, s3};
use md5::{Digest, Md5};
use reprieve_batch::ReadError;
use row::Columns;
use std::collections::HashSet;

/// The version of manifests that is understood.
const VERSION: &str = "2016-11-30";

const MEMBERS: [&str; 7] =
    ["creationTimestamp", "destinationBucket", "fileFormat", "fileSchema", "files", "sourceBucket", "version"];

const UNSEEN: [&str; 2] = [
    "objects and versions that were written or deleted since the inventory began, and incomplete uploads",
    "objects that the inventory leaves out by its prefix",
];
const UNSEEN_WITHOUT_VERSIONS: &str =
    "whether the bucket keeps versions: the inventory has the current ones only, and no delete markers";

/// The form of the data files.
#[derive(Clone, Copy)]
enum FileFormat {
    Csv,
    Parquet,
}

pub(crate) fn read(input: &Input<'_>, options: &Options, sink: &mut Sink<'_>) -> Result<Summary, ReadError> {
    let document = input.json()?;
    let root = Node::root(input, &document);
    if let Some((name, member)) = root.members()?.find(|(name, _)| !MEMBERS.contains(name)) {
        return Err(member.error(format!("the member `{name}` is not understood")));
    }
    let version = root.required("version")?;
    if version.text()? != VERSION {
        return Err(version.error(format!("the version `{}` is not understood; `{VERSION}` is", version.text()?)));
    }
    let format = file_format(&root.required("fileFormat")?)?;
    let schema = root.required("fileSchema")?;
    let columns = match format {
        FileFormat::Csv => row::csv_columns(schema.text()?),
        FileFormat::Parquet => row::parquet_columns(schema.text()?),
    };
    let columns = columns.and_then(Columns::new).map_err(|message| schema.error(message))?;
    let bucket = root.required("sourceBucket")?.id()?;
    let bucket = bucket.rsplit(":::").next().unwrap_or(bucket);
    let extracted_at = created(&root.required("creationTimestamp")?)?;

    let files = root.required("files")?;
    let mut names = HashSet::new();
    let mut markers = 0;
    for file in files.list()? {
        let name = file.required("key")?.id()?;
        if !names.insert(name) {
            return Err(file.error(format!("the file `{name}` is named twice")));
        }
        let bytes = data_file(input, &file, name)?;
        let mut each = |object: s3::Object| {
            markers += usize::from(object.is_marker);
            let item: Item = object.item(crate::Action::Listed, options);
            sink(item)
        };
        match format {
            FileFormat::Csv => data::read_csv(name, &bytes, &columns, bucket, &mut each)?,
            FileFormat::Parquet => data::read_parquet(name, bytes, &columns, bucket, &mut each)?,
        }
    }
    if names.is_empty() {
        return Err(files.error("the manifest names no data file"));
    }
    let mut unseen = UNSEEN.to_vec();
    unseen.extend((!columns.has_versions()).then_some(UNSEEN_WITHOUT_VERSIONS));
    Ok(Summary {
        tool: Some("S3 Inventory".to_owned()),
        extracted_at: Some(extracted_at),
        notes: s3::marker_note(markers).into_iter().collect(),
        unseen,
        ..Summary::default()
    })
}

fn file_format(node: &Node<'_>) -> Result<FileFormat, ReadError> {
    match node.text()? {
        "CSV" => Ok(FileFormat::Csv),
        "Parquet" => Ok(FileFormat::Parquet),
        "ORC" => {
            let error = node.error("inventories in the format ORC cannot be read");
            Err(error.with_help("set the format of the inventory to CSV or Parquet"))
        }
        other => Err(node.error(format!("the format `{other}` is not understood"))),
    }
}

/// When the scan of the bucket began, in seconds since 1970.
fn created(node: &Node<'_>) -> Result<i64, ReadError> {
    let text = node.text()?;
    let number = Some(text).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    let milliseconds: Option<i64> = number.and_then(|text| text.parse().ok());
    let seconds = milliseconds.map(|milliseconds| milliseconds / 1_000).filter(|seconds| *seconds > 0);
    seconds.ok_or_else(|| node.error(format!("`{text}` is not a number of milliseconds since 1970")))
}

/// Returns the bytes of a data file: it is beside the manifest, or at the path of its key.
fn data_file(input: &Input<'_>, file: &Node<'_>, key: &str) -> Result<Vec<u8>, ReadError> {
    if let Some((name, member)) = file.members()?.find(|(name, _)| !matches!(*name, "key" | "size" | "MD5checksum")) {
        return Err(member.error(format!("the member `{name}` is not understood")));
    }
    let size = file.required("size")?;
    let bytes = size.value().as_u64().ok_or_else(|| size.error("the size is not a whole number"))?;
    let digest = file.required("MD5checksum")?;
    let md5 = digest.text()?;
    let base = key.rsplit('/').next().unwrap_or(key);
    let is_below = !key.starts_with('/') && key.split('/').all(|part| !matches!(part, "" | "." | ".."));
    let mut failed = None;
    for path in [base, key].into_iter().take(if is_below && base != key { 2 } else { 1 }) {
        let error = match (input.companion)(path) {
            Err(error) => error,
            Ok(found) if found.len() as u64 != bytes => {
                size.error(format!("the file `{path}` has {} bytes, and not {bytes}", found.len()))
            }
            Ok(found) if !hex::encode(Md5::digest(&found)).eq_ignore_ascii_case(md5) => {
                digest.error(format!("the MD5 of the file `{path}` is another one: it was changed"))
            }
            Ok(found) => return Ok(found),
        };
        failed = failed.or(Some(error));
    }
    let error = failed.unwrap_or_else(|| file.error(format!("the file `{key}` cannot be read")));
    Err(error.with_help("put the data files of the inventory beside its manifest"))
}
