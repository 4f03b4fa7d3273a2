//! Reading an inventory file: CSV with a header, JSON, Parquet or Arrow. JSON has the shapes that a list has.

use super::columnar::{ColumnarFormat, EXTENSIONS, read_columnar_inventory};
use super::folder::Folder;
use super::inventory_header::{InventoryFile, take_header};
use super::inventory_text::RowSink;
use super::json_list::is_document;
use super::mapping::Mapping;
use super::text_file::{TextFile, TextFormat};
use crate::error::{Place, ReadError, describe};
use crate::record::{EncodedBlock, Encoders};
use crate::spill::MemoryBudget;
use std::io::{Cursor, Read};

/// Whether a position in an inventory of that name is a line. In a file of columns, it is the number of a row.
pub(crate) fn counts_lines(name: &str) -> bool {
    ColumnarFormat::of(name).is_none()
}

/// Reads an inventory and passes its rows to `each`. Rows before an error are passed on before it is returned. Returns what
/// its header says, and its digest. `memory` is for the decoder.
pub(crate) fn read_inventory_file(
    folder: &Folder,
    name: &str,
    memory: MemoryBudget,
    threads: usize,
    encoders: &Encoders,
    mut each: impl FnMut(EncodedBlock, u64) -> Result<(), String>,
) -> Result<InventoryFile, ReadError> {
    let shown = folder.display_name(name);
    if let Some(format) = ColumnarFormat::of(name) {
        let sha256 = read_columnar_inventory(folder, name, format, memory, threads, encoders, &mut each)?;
        return Ok(InventoryFile { sha256, source: None });
    }
    let also = format!("{EXTENSIONS}; or in .db, .sqlite or .sqlite3");
    let mut reader = TextFile::open(folder, name, "inventories", &also)?;
    let mut source = None;
    let mut rows = RowSink::new(&shown, threads, encoders, &mut each);
    match reader.format {
        TextFormat::Csv | TextFormat::Tsv => {
            let tabs = reader.format == TextFormat::Tsv;
            rows.read_csv(&mut reader, tabs)?;
        }
        TextFormat::Json | TextFormat::Ndjson => {
            let mut start = Vec::new();
            let peeked = reader.by_ref().take(PEEKED_BYTES).read_to_end(&mut start);
            peeked.map_err(|error| ReadError::of_file(&shown, describe(&error)))?;
            source = take_header(&mut start).map_err(|message| ReadError::new(&shown, Place::Line(1), message))?;
            let start_of_text = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&start);
            let is_document = reader.format == TextFormat::Json || is_document(start_of_text, &Mapping::default());
            let mut text = Cursor::new(start).chain(&mut reader);
            if is_document {
                rows.read_json_document(&mut text)?;
            } else {
                rows.read_json_lines(&mut text)?;
            }
        }
        TextFormat::Lines => {
            return Err(ReadError::of_file(&shown, "a list of ids alone is not an inventory")
                .with_help("name what is known of each id: in CSV, JSON, Parquet, Arrow or SQLite"));
        }
    }
    Ok(InventoryFile { sha256: reader.finish()?, source })
}

/// The number of bytes that show whether a text is lines of JSON or a document.
const PEEKED_BYTES: u64 = 2 << 20;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Record, Row, decode, take_row};

    fn read_file(name: &str, text: &[u8]) -> Result<(Vec<(String, Record)>, InventoryFile), String> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(name), text).unwrap();
        let folder = Folder::open(folder.path()).unwrap();
        let (mut blocks, encoders) = (Vec::new(), Encoders::default());
        let each = |block, _| {
            blocks.push(block);
            Ok(())
        };
        let read = read_inventory_file(&folder, name, MemoryBudget::default(), 2, &encoders, each);
        let file = read.map_err(|error| error.to_string())?;
        let (names, _) = encoders.finish();
        let rows = blocks.iter().flat_map(EncodedBlock::rows).map(|row| take_row(row.bytes).unwrap());
        let row = |row: Row<'_>| {
            let record = decode(row.rest, &names).unwrap().fields.to_record();
            (String::from_utf8(row.id.to_vec()).unwrap(), record)
        };
        Ok((rows.map(row).collect(), file))
    }

    fn read(name: &str, text: impl AsRef<[u8]>) -> Result<Vec<(String, Record)>, String> {
        read_file(name, text.as_ref()).map(|(rows, _)| rows)
    }

    fn utf16(text: &str) -> Vec<u8> {
        std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(u16::to_be_bytes).collect()
    }

    #[test]
    fn an_inventory_is_the_same_in_every_shape_and_dialect() {
        let row = |legal_hold: bool| Record {
            kind: Some("a;b".to_owned()),
            legal_hold: Some(legal_hold),
            retain_until: Some(1_896_134_399),
            dependents: Some(vec!["x".to_owned(), "y z".to_owned()]),
            ..Record::default()
        };
        let expected = vec![("7".to_owned(), row(true)), ("8".to_owned(), row(false))];
        let one = r#"{"id": 7, "kind": "a;b", "Size": {"id": 9}, "legal_hold": true, "retain_until": "2030-01-31",
            "dependents": ["x", "y z"]}"#;
        let two = one.replace("7", "8").replace("true", "\"FALSE\"");
        let lines = format!("{}\n\n{}\n", one.replace('\n', " "), two.replace('\n', " "));
        for (name, text) in [
            ("i.json", format!("[{one}, {two}]")),
            ("i.json", format!("[{one}]\n[{two}]")),
            ("i.json", format!("{one}{two}")),
            ("i.json", format!("{{\"next\": null, \"items\": [{one}, {two}]}}")),
            ("i.ndjson", format!("[{one},\n{two}]")),
            ("i.ndjson", format!("{one}\n{two}")),
            ("i.jsonl", lines),
        ] {
            assert_eq!(read(name, &text).as_ref(), Ok(&expected), "{text}");
            assert_eq!(read(name, utf16(&text)).as_ref(), Ok(&expected), "{text}");
        }
        for delimiter in [",", ";", "\t", "|"] {
            let text = "id@kind@Size@legal_hold@retain_until@dependents\n7@\"a;b\"@9@t@2030-01-31@\"x;y z\"\n\
                        8@\"a;b\"@9@No@2030-01-31 23:59:59+00@\"x; y z\"\n";
            let text = text.replace('@', delimiter);
            assert_eq!(read("i.csv", &text).as_ref(), Ok(&expected), "{text}");
            assert_eq!(read("i.csv", utf16(&text)).as_ref(), Ok(&expected), "{text}");
        }
    }

    #[test]
    fn a_header_names_the_source_and_is_no_row() {
        let header = format!(
            r#"{{"reprieve_inventory": {{"version": 1, "source": "kubernetes", "source_sha256": "{}"}}}}"#,
            "0a".repeat(32)
        );
        let read = |name: &str, text: &[u8]| {
            let (rows, file) = read_file(name, text)?;
            Ok::<_, String>((rows.into_iter().map(|(id, _)| id).collect::<Vec<_>>(), file.source))
        };
        let text = format!("{header}\n{{\"id\": \"a\"}}\n{{\"id\": \"b\"}}\n");
        for name in ["i.ndjson", "i.jsonl", "i.json"] {
            for bytes in [text.clone().into_bytes(), utf16(&text)] {
                let (ids, source) = read(name, &bytes).unwrap();
                assert_eq!(
                    (ids, source.unwrap().format),
                    (vec!["a".to_owned(), "b".to_owned()], "kubernetes".to_owned())
                );
            }
            // Anywhere else it is a row without an id.
            let twice = read(name, format!("{header}\n{text}").as_bytes()).unwrap_err();
            assert!(twice.contains(":2: missing field `id`"), "{twice}");
            // Lines are counted from the beginning of the file.
            let broken = read(name, format!("{text}{{\"id\": \"\"}}\n").as_bytes()).unwrap_err();
            assert!(broken.contains(":4: the id is empty"), "{broken}");
            let newer = read(name, text.replace("\"version\": 1", "\"version\": 2").as_bytes()).unwrap_err();
            assert!(newer.contains(":1: the version of the inventory is 2"), "{newer}");
        }
        // A header alone is an inventory that knows nothing.
        assert!(read("i.ndjson", header.as_bytes()).is_ok_and(|(ids, source)| ids.is_empty() && source.is_some()));
        let csv = read("i.csv", b"id\na\n").unwrap();
        assert_eq!(csv, (vec!["a".to_owned()], None));
    }

    #[test]
    fn an_error_says_where_and_what_to_do() {
        for (name, text, part) in [
            (
                "i.csv",
                "id,legal_hodl\n",
                "i.csv:1: an inventory has no column `legal_hodl`; did you mean `legal_hold`?",
            ),
            ("i.csv", "key,kind\na,b\n", "i.csv:1: there is no column `id` (line 1 was read as the names"),
            (
                "i.csv",
                "id,retain_until\na,1893456000\n",
                "i.csv:2: `retain_until`: `1893456000` may be 2030-01-01T00:00:00Z",
            ),
            ("i.csv", "id,retain_until\na,2030-01-01 00:00:00\n", "has no time zone; add one"),
            ("i.csv", "id,legal_hold\na,WAHR\n", "i.csv:2: `legal_hold`: expected `true` or `false`, found `WAHR`"),
            ("i.json", "[{\"id\": \"a\"},\n{\"kind\": \"b\"}]", "i.json:2: missing field `id`"),
            ("i.json", "[{\"id\": \"a\"},\n{\"id\": \"\"}]", "i.json:2: the id is empty"),
            ("i.json", "[{\"id\": \"a\"},\n", "i.json:2: the JSON ends too early"),
            ("i.txt", "a\n", "i.txt: a list of ids alone is not an inventory"),
        ] {
            let error = read(name, text).expect_err(text);
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
