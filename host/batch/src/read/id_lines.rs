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
        if std::mem::take(&mut first) && folded(line) == "id" {
            return Err(format!("a list of ids has no header, but the first line is `{line}`"));
        }
        each(&Row { id: Some(Cow::Borrowed(line)), ..Row::default() });
        Ok(())
    })
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
}
