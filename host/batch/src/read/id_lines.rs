//! Target lists of ids alone: one id per line, without a header and without quotes. Blank lines are skipped.

use super::blocks::{LineError, each_line};
use super::mapping::folded;
use crate::columns::Row;
use std::borrow::Cow;

/// Reads the lines of a block. Returns their number.
pub(super) fn read_id_lines<'a>(
    block: &'a [u8],
    is_first: bool,
    mut each: impl FnMut(&Row<'a>),
) -> Result<u64, LineError> {
    let mut first = is_first;
    each_line(block, |line| {
        let line = line.strip_suffix('\r').unwrap_or(line);
        if line.trim().is_empty() {
            return Ok(());
        }
        if let Some(mark) = line.chars().find(|c| matches!(c, ',' | ';' | '\t')) {
            return Err(format!(
                "a line is one id, but this one has a `{}` and looks like CSV",
                mark.escape_default()
            ));
        }
        if line.starts_with('|') || line.contains(" | ") {
            return Err("a line is one id, but this one looks like a row of a table".to_owned());
        }
        if line.starts_with('"') {
            return Err("a line is one id without quotes, but this one begins with a quote".to_owned());
        }
        if let Some(columns) = columns(line) {
            return Err(format!(
                "a line is one id, but this one has columns: {columns}; list the ids alone, or write them as CSV or NDJSON"
            ));
        }
        if std::mem::take(&mut first) && folded(line) == "id" {
            return Err(format!("a list of ids has no header, but the first line is `{line}`"));
        }
        each(&Row { id: Some(Cow::Borrowed(line)), ..Row::default() });
        Ok(())
    })
}

/// Describes what a line has beside an id, as `find -printf`, `ls -l`, `du`, `sha256sum` and tables for people print it: a
/// number, a date, a size or the like before the id, or columns that blanks align. One such word before a name may be a
/// part of the name (`2026 report.pdf`), but not before a path, and two are columns.
fn columns(line: &str) -> Option<String> {
    let line = line.trim();
    let (first, rest) = line.split_once(' ')?;
    if rest.starts_with(' ') || line.contains("  ") {
        return Some("blanks align it".to_owned());
    }
    let second = rest.split(' ').next().unwrap_or(rest);
    let is_measured = is_permissions(first) || is_digest(first);
    let is_column = |word: &str| is_number(word) || is_time(word);
    if is_measured || (is_column(first) && (is_column(second) || is_path(second))) {
        return Some(format!("`{first}` before `{rest}`"));
    }
    None
}

/// Whether a word is a number, with a fraction or a unit: `1776000000.12`, `4.0K`, `12GiB`.
fn is_number(word: &str) -> bool {
    let digits = word.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = word.get(digits.len()..).unwrap_or_default();
    let is_unit = ["", "B", "K", "M", "G", "T", "P", "KB", "MB", "GB", "TB", "KIB", "MIB", "GIB", "TIB"]
        .contains(&unit.to_ascii_uppercase().as_str());
    is_unit
        && digits.starts_with(|c: char| c.is_ascii_digit())
        && digits.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | ','))
}

/// Whether a word is a date or a time of day: `2026-01-31`, `10:30`, `2026-01-31T10:30:00Z`.
fn is_time(word: &str) -> bool {
    let has = |mark: char| word.matches(mark).count();
    (has('-') == 2 || has(':') >= 1)
        && word.starts_with(|c: char| c.is_ascii_digit())
        && word.chars().all(|c| c.is_ascii_digit() || matches!(c, '-' | ':' | '.' | '+' | 'T' | 'Z'))
}

/// Whether a word is the mode of a file: `-rw-r--r--`.
fn is_permissions(word: &str) -> bool {
    let mode = word.trim_end_matches(['+', '.', '@']);
    mode.len() == 10 && mode.starts_with(['-', 'd', 'l', 'c', 'b', 'p', 's']) && {
        mode.chars().skip(1).all(|c| matches!(c, 'r' | 'w' | 'x' | 's' | 'S' | 't' | 'T' | '-'))
    }
}

/// Whether a word is an MD5, SHA-1, SHA-256 or SHA-512 digest.
fn is_digest(word: &str) -> bool {
    matches!(word.len(), 32 | 40 | 64 | 128) && word.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn is_path(word: &str) -> bool {
    word.starts_with(['/', '~']) || word.starts_with("./") || word.starts_with("../") || word.contains("://")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<String>, (u64, String)> {
        let mut ids = Vec::new();
        let read = read_id_lines(text.as_bytes(), true, |row| ids.extend(row.id.as_deref().map(str::to_owned)));
        read.map(|_| ids).map_err(|error| (error.line, error.message))
    }

    #[test]
    fn reads_one_id_per_line() {
        assert_eq!(read("a\n\n b\r\n__c.d:e|f\n"), Ok(["a", " b", "__c.d:e|f"].map(str::to_owned).to_vec()));
        assert_eq!(read("orders"), Ok(vec!["orders".to_owned()]));
        assert_eq!(read("\n \n"), Ok(vec![]));
    }

    #[test]
    fn rejects_what_looks_like_csv() {
        for (text, line) in [
            ("a\nb,c\n", 2),
            ("a\tb", 1),
            ("a\n\nb;c\n", 3),
            ("\"a\"\n", 1),
            ("ID\na\n", 1),
            ("a\n| b\n", 2),
            ("a | b", 1),
        ] {
            assert_eq!(read(text).unwrap_err().0, line, "{text:?}");
        }
        assert_eq!(read("a\nid\n").unwrap().len(), 2);
    }

    #[test]
    fn rejects_columns_before_an_id() {
        let digest = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        for line in [
            "1776000000.1234567890 812345 /home/dev/a b.jsonl",
            "812345 /home/dev/a.jsonl",
            "4.0K ./logs",
            "2026-01-01 10:00:00 1234 exports/a.csv",
            "2026-01-01T10:00:00Z s3://bucket-1/a",
            "-rw-r--r-- 1 root root 4096 Jan 10 10:00 a.txt",
            &format!("{digest} a.txt"),
            &format!("{digest}  a.txt"),
            "web-0   1/1     Running",
            "  12 a  b",
        ] {
            let (_, message) = read(&format!("a\n{line}\n")).unwrap_err();
            assert!(message.contains("has columns"), "{line}: {message}");
        }
        let names = [
            "2026 report.pdf",
            "01 - Overture.mp3",
            "my files/0a",
            "/home/dev/my proj/0b.jsonl",
            "a 4096",
            " b",
            "5 GB plan",
            "deadbeef cafe",
            "12:30",
            "--force x",
        ];
        assert_eq!(read(&names.join("\n")).unwrap().len(), names.len());
    }
}
