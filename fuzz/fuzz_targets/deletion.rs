//! The statement of an SQL file for a database: the first byte selects the database. A condition that is passed to it is a part
//! of the file.
#![no_main]

use libfuzzer_sys::fuzz_target;
use reprieve_readers::sql::{Database, Target, deletion};
use reprieve_readers::{Input, Options};

fuzz_target!(|bytes: &[u8]| {
    let [database, bytes @ ..] = bytes else { return };
    let database = if database & 1 == 0 { Database::Postgres } else { Database::Sqlite };
    let companion = |_: &str| Ok(Vec::new());
    let input = Input { name: "file", bytes, companion: &companion };
    let Ok(found) = deletion(&input, &Options::default(), database) else { return };
    let text = String::from_utf8_lossy(bytes);
    assert!(text.contains(&found.statement), "the statement is in the file");
    if let Target::Rows(rows) = found.target {
        let clauses = [Some(rows.from), rows.using, rows.condition];
        assert!(clauses.iter().flatten().all(|clause| found.statement.contains(clause.as_str())), "clauses of the statement");
    }
});
