//! Reading a target list from a columnar file.

use super::format::ColumnarFormat;
use super::ipc::read_arrow_list;
use super::parquet::read_parquet_list;
use super::snapshot::Snapshot;
use crate::error::{ReadError, describe};
use crate::read::folder::Folder;
use crate::read::list_builder::ListBuilder;
use crate::read::mapping::Mapping;
use crate::read::read_as::ReadAs;

/// Reads the rows of a file into a list. Returns its digest.
pub(in crate::read) fn read_columnar_list(
    folder: &Folder,
    name: &str,
    format: ColumnarFormat,
    mapping: &Mapping,
    list: &mut ListBuilder<'_, '_>,
) -> Result<String, ReadError> {
    let shown = folder.display_name(name);
    let (threads, memory) = (list.threads(), list.memory());
    let snapshot = Snapshot::open(folder, name, memory)?;
    check_mapping(&shown, mapping)?;
    list.read_as = ReadAs::new(if format == ColumnarFormat::Parquet { "Parquet" } else { "Arrow" }, "");
    with_digest(&snapshot, &shown, threads, || match format {
        ColumnarFormat::Parquet => read_parquet_list(&snapshot, &shown, mapping, threads, list),
        ColumnarFormat::ArrowFile | ColumnarFormat::ArrowStream => {
            read_arrow_list(snapshot.clone(), format, &shown, mapping, threads, memory, list)
        }
    })
}

/// Refuses what only a CSV file has.
pub(super) fn check_mapping(shown: &str, mapping: &Mapping) -> Result<(), ReadError> {
    if mapping.no_header || mapping.skip_lines > 0 {
        return Err(ReadError::of_file(shown, "only a CSV file has lines before its header, or no header")
            .with_help("remove `skip_lines` and `header`"));
    }
    Ok(())
}

/// Reads a file and computes its digest, at the same time if there is a second thread. A file that cannot be read is not
/// hashed to its end.
pub(super) fn with_digest(
    snapshot: &Snapshot,
    shown: &str,
    threads: usize,
    read: impl FnOnce() -> Result<(), ReadError>,
) -> Result<String, ReadError> {
    let digest = || snapshot.digest().map_err(|error| ReadError::of_file(shown, describe(&error)));
    std::thread::scope(|scope| {
        let digest_thread = (threads > 1).then(|| scope.spawn(digest));
        read().inspect_err(|_| snapshot.stop())?;
        match digest_thread {
            Some(thread) => thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            None => digest(),
        }
    })
}
