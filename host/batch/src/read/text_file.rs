//! Text files, compressed or not. Gzip and Zstandard are decompressed while they are read, in bounded memory. The digest
//! is that of the compressed file, so `sha256sum` can check it.

use super::encoding::{Decoder, Encoding};
use super::folder::Folder;
use super::hashing::Hashing;
use crate::error::{ReadError, describe};
use cap_std::fs::File;
use flate2::read::MultiGzDecoder;
use std::io::{BufReader, Read};

/// The format of a text file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TextFormat {
    Ndjson,
    Json,
    Csv,
    /// CSV whose columns are separated by tabs.
    Tsv,
    /// One id per line.
    Lines,
}

impl TextFormat {
    /// Returns the format of an extension.
    fn of(extension: &str) -> Option<Self> {
        Some(match extension {
            "ndjson" | "jsonl" => Self::Ndjson,
            "json" => Self::Json,
            "csv" => Self::Csv,
            "tsv" => Self::Tsv,
            "txt" => Self::Lines,
            _ => return None,
        })
    }

    /// Whether rows are lines that have no way to write a control character.
    pub const fn is_lines(self) -> bool {
        matches!(self, Self::Csv | Self::Tsv | Self::Lines)
    }

    /// The name of the format in a report.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ndjson => "NDJSON",
            Self::Json => "JSON",
            Self::Csv | Self::Tsv => "CSV",
            Self::Lines => "lines",
        }
    }
}

/// Returns the format of a text file from its extension, and the extension of its compression.
pub(super) fn format_of(name: &str) -> (Option<TextFormat>, &'static str) {
    let lower = name.to_ascii_lowercase();
    let (stem, compression) = match lower.rsplit_once('.') {
        Some((stem, "gz")) => (stem, "gz"),
        Some((stem, "zst")) => (stem, "zst"),
        _ => (lower.as_str(), ""),
    };
    let format = stem.rsplit_once('.').and_then(|(_, extension)| TextFormat::of(extension));
    (format, compression)
}

/// Whether a list is in text whose rows are lines that cannot escape a control character: CSV, or ids alone.
pub(crate) fn is_lines(name: &str) -> bool {
    format_of(name).0.is_some_and(TextFormat::is_lines)
}

/// A text file while it is read.
pub(super) struct TextFile {
    pub format: TextFormat,
    shown: String,
    reader: Reader,
    decoder: Decoder,
    /// The size of the file in bytes.
    size: u64,
}

enum Reader {
    Plain(Hashing<File>),
    Gzip(Box<MultiGzDecoder<Hashing<File>>>),
    Zstandard(zstd::stream::read::Decoder<'static, BufReader<Hashing<File>>>),
}

impl TextFile {
    /// Opens a file whose extension gives its format. `files` names such files in messages, and `other_extensions` the
    /// extensions that other readers accept.
    pub fn open(folder: &Folder, name: &str, files: &str, other_extensions: &str) -> Result<Self, ReadError> {
        let shown = folder.display_name(name);
        let (format, compression) = format_of(name);
        let Some(format) = format else {
            let help = format!(
                "{files} end in .json, .ndjson, .jsonl, .csv, .tsv or .txt, followed by .gz or .zst if compressed{other_extensions}"
            );
            return Err(ReadError::of_file(&shown, "the extension is not that of a known format").with_help(help));
        };
        let file = folder.file(name)?;
        let size = file.metadata().map(|metadata| metadata.len()).unwrap_or_default();
        let file = Hashing::new(file);
        let reader = match compression {
            "gz" => Reader::Gzip(Box::new(MultiGzDecoder::new(file))),
            "zst" => Reader::Zstandard(
                zstd::stream::read::Decoder::new(file)
                    .map_err(|error| ReadError::of_file(&shown, describe(&error)))?,
            ),
            _ => Reader::Plain(file),
        };
        Ok(Self { format, shown, reader, decoder: Decoder::new(), size })
    }

    /// The size of the file in bytes.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The encoding, once text was read.
    pub fn encoding(&self) -> Encoding {
        self.decoder.encoding()
    }

    /// The number of bytes of the file that were read.
    pub fn bytes_read(&self) -> u64 {
        match &self.reader {
            Reader::Plain(file) => file.count(),
            Reader::Gzip(decoder) => decoder.get_ref().count(),
            Reader::Zstandard(decoder) => decoder.get_ref().get_ref().count(),
        }
    }

    /// Returns the digest of the whole file, lower-case hex.
    pub fn finish(self) -> Result<String, ReadError> {
        let mut file = match self.reader {
            Reader::Plain(file) => file,
            Reader::Gzip(decoder) => decoder.into_inner(),
            Reader::Zstandard(decoder) => decoder.finish().into_inner(),
        };
        // The digest covers the whole file, so bytes that the decoder did not read are hashed as well.
        std::io::copy(&mut file, &mut std::io::sink())
            .map_err(|error| ReadError::of_file(&self.shown, describe(&error)))?;
        Ok(file.finish())
    }
}

impl Read for TextFile {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.decoder.read(&mut self.reader, buffer)
    }
}

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let in_decoder = |error: std::io::Error| std::io::Error::other(format!("it cannot be decompressed: {error}"));
        match self {
            Self::Plain(file) => file.read(buffer),
            Self::Gzip(decoder) => decoder.read(buffer).map_err(in_decoder),
            Self::Zstandard(decoder) => decoder.read(buffer).map_err(in_decoder),
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

    /// Writes and reads a file. Returns its text and its digest.
    fn read(name: &str, bytes: &[u8]) -> Result<(String, String), String> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(name), bytes).unwrap();
        let folder = Folder::open(folder.path()).unwrap();
        let mut file = TextFile::open(&folder, name, "lists", "").map_err(|error| error.help.unwrap_or_default())?;
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(|error| error.to_string())?;
        Ok((text, file.finish().map_err(|error| error.to_string())?))
    }

    #[test]
    fn reads_the_same_text_compressed_or_not_with_the_digest_of_the_file() {
        for (name, bytes) in [
            ("t.csv", TEXT.as_bytes().to_vec()),
            ("t.csv.gz", gzip(TEXT)),
            ("T.CSV.GZ", gzip(TEXT)),
            ("t.jsonl.zst", zstandard(TEXT)),
            // Concatenated compressed files are one file, as for `gzip` and `zstd`.
            ("t.csv.gz", [gzip("id,kind\n"), gzip("a-1,app\na-2,app\n")].concat()),
            ("t.csv.zst", [zstandard("id,kind\n"), zstandard("a-1,app\na-2,app\n")].concat()),
        ] {
            let digest = hex::encode(Sha256::digest(&bytes));
            assert_eq!(read(name, &bytes), Ok((TEXT.to_owned(), digest)), "{name}");
        }
    }

    /// A truncated list must not be read as a shorter one.
    #[test]
    fn rejects_truncated_files_and_unknown_extensions() {
        for (name, compressed) in [("t.csv.gz", gzip(TEXT)), ("t.csv.zst", zstandard(TEXT))] {
            for end in 1..compressed.len() {
                let error = read(name, &compressed[..end]).expect_err("it is cut off");
                assert!(error.starts_with("it cannot be decompressed: "), "{name} to {end}: {error}");
            }
            for wrong in [TEXT.as_bytes().to_vec(), [compressed, b"more".to_vec()].concat()] {
                assert!(read(name, &wrong).is_err(), "{name}");
            }
        }
        for name in ["t.gz", "t.xlsx", "t.tsv.bz2", "t.csv.bz2", "csv", "t.zst"] {
            let error = read(name, b"").expect_err("the format is unknown");
            assert!(error.contains("lists end in .json, .ndjson, .jsonl, .csv, .tsv or .txt"), "{error}");
        }
    }
}
