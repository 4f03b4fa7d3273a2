//! Text files, packed or not: gzip and Zstandard are unpacked as they are read, in bounded memory. The digest is that
//! of the file as it is, so `sha256sum` checks it.

use super::folder::describe;
use super::hashing::Hashing;
use super::{Folder, Place, Unreadable};
use cap_std::fs::File;
use flate2::read::MultiGzDecoder;
use std::io::{BufReader, Read};

/// What stands in a text file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Ndjson,
    Csv,
}

/// A text file that is being read.
pub(super) struct TextFile {
    pub format: Format,
    shown: String,
    reader: Reader,
    /// Bytes of the file.
    size: u64,
}

enum Reader {
    Plain(Hashing<File>),
    Gzip(Box<MultiGzDecoder<Hashing<File>>>),
    Zstandard(zstd::stream::read::Decoder<'static, BufReader<Hashing<File>>>),
}

impl TextFile {
    /// Opens a file by its name, which says what is in it; `what` is what such files are called in messages, and
    /// `besides` which other names they may have.
    pub fn open(folder: &Folder, name: &str, what: &str, besides: &str) -> Result<Self, Unreadable> {
        let shown = folder.shown(name);
        let lower = name.to_ascii_lowercase();
        let (stem, packing) = match lower.rsplit_once('.') {
            Some((stem, packing @ ("gz" | "zst"))) => (stem, packing),
            _ => (lower.as_str(), ""),
        };
        let format = match stem.rsplit_once('.') {
            Some((_, "ndjson" | "jsonl")) => Format::Ndjson,
            Some((_, "csv")) => Format::Csv,
            _ => {
                return Err(Unreadable::new(&shown, Place::Whole, "the name does not say what the file is").help(
                    format!("{what} end in .ndjson, .jsonl or .csv, and .gz or .zst behind that if they are packed{besides}"),
                ));
            }
        };
        let file = folder.file(name)?;
        let size = file.metadata().map(|metadata| metadata.len()).unwrap_or_default();
        let file = Hashing::new(file);
        let reader = match packing {
            "gz" => Reader::Gzip(Box::new(MultiGzDecoder::new(file))),
            "zst" => Reader::Zstandard(
                zstd::stream::read::Decoder::new(file)
                    .map_err(|error| Unreadable::new(&shown, Place::Whole, describe(&error)))?,
            ),
            _ => Reader::Plain(file),
        };
        Ok(Self { format, shown, reader, size })
    }

    /// Bytes of the file that were read, and how many it has.
    pub fn read_of(&self) -> (u64, u64) {
        let read = match &self.reader {
            Reader::Plain(file) => file.count(),
            Reader::Gzip(decoder) => decoder.get_ref().count(),
            Reader::Zstandard(decoder) => decoder.get_ref().get_ref().count(),
        };
        (read, self.size)
    }

    /// The digest of the whole file, lower-case hex.
    pub fn finish(self) -> Result<String, Unreadable> {
        let mut file = match self.reader {
            Reader::Plain(file) => file,
            Reader::Gzip(decoder) => decoder.into_inner(),
            Reader::Zstandard(decoder) => decoder.finish().into_inner(),
        };
        // What was unpacked to its end leaves nothing; if anything is left, it counts towards the digest.
        std::io::copy(&mut file, &mut std::io::sink())
            .map_err(|error| Unreadable::new(&self.shown, Place::Whole, describe(&error)))?;
        Ok(file.finish())
    }
}

impl Read for TextFile {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let unpacked = |error: std::io::Error| std::io::Error::other(format!("it cannot be unpacked: {error}"));
        match &mut self.reader {
            Reader::Plain(file) => file.read(buffer),
            Reader::Gzip(decoder) => decoder.read(buffer).map_err(unpacked),
            Reader::Zstandard(decoder) => decoder.read(buffer).map_err(unpacked),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sha2::{Digest, Sha256};
    use std::io::Write;

    const TEXT: &str = "id,kind\na-1,app\na-2,app\n";

    fn gzip(text: &str) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    }

    fn zstandard(text: &str) -> Vec<u8> {
        zstd::encode_all(text.as_bytes(), 1).unwrap()
    }

    /// What a file of that name with these bytes holds, and its digest.
    fn read(name: &str, bytes: &[u8]) -> Result<(String, String), String> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(name), bytes).unwrap();
        let folder = Folder::open(folder.path()).unwrap();
        let mut file = TextFile::open(&folder, name, "lists", "").map_err(|error| error.to_string())?;
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(|error| error.to_string())?;
        Ok((text, file.finish().map_err(|error| error.to_string())?))
    }

    #[test]
    fn packed_or_not_it_is_the_same_text_under_the_digest_of_the_file() {
        for (name, bytes) in [
            ("t.csv", TEXT.as_bytes().to_vec()),
            ("t.csv.gz", gzip(TEXT)),
            ("T.CSV.GZ", gzip(TEXT)),
            ("t.jsonl.zst", zstandard(TEXT)),
            // Several packed one after another are one file, as the programs that pack them have it.
            ("t.csv.gz", [gzip("id,kind\n"), gzip("a-1,app\na-2,app\n")].concat()),
            ("t.csv.zst", [zstandard("id,kind\n"), zstandard("a-1,app\na-2,app\n")].concat()),
        ] {
            let digest = hex::encode(Sha256::digest(&bytes));
            assert_eq!(read(name, &bytes), Ok((TEXT.to_owned(), digest)), "{name}");
        }
    }

    /// A list that ends too early must not pass for a shorter one.
    #[test]
    fn what_is_cut_off_or_not_packed_is_no_file() {
        for (name, packed) in [("t.csv.gz", gzip(TEXT)), ("t.csv.zst", zstandard(TEXT))] {
            for end in 1..packed.len() {
                let error = read(name, &packed[..end]).expect_err("it is cut off");
                assert!(error.starts_with("it cannot be unpacked: "), "{name} to {end}: {error}");
            }
            for wrong in [TEXT.as_bytes().to_vec(), [packed, b"more".to_vec()].concat()] {
                assert!(read(name, &wrong).is_err(), "{name}");
            }
        }
        for name in ["t.gz", "t.xlsx", "t.csv.bz2", "csv", "t.zst"] {
            let error = read(name, b"").expect_err("the name says nothing");
            assert!(error.contains("lists end in .ndjson, .jsonl or .csv"), "{error}");
        }
    }
}
