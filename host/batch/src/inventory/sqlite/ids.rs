//! Ids that a query by id does not find, although the text formats read them as the same id: with blanks or control characters
//! around them, or not text. A row with such an id is an error, as it is in the text formats.

use crate::error::LookupError;
use rusqlite::Connection;
use rusqlite::types::ValueRef;

/// Ids that begin with a blank or a control character, by their order: below `!`, DEL to U+00A0, and the other blanks of
/// Unicode. Numbers and blobs are no texts; numbers are below all texts, and blobs are above.
pub(super) const INVALID_IDS: &str = "SELECT id FROM inventory WHERE id IS NULL
    UNION ALL SELECT id FROM inventory WHERE id < '!'
    UNION ALL SELECT id FROM inventory WHERE id >= char(0x7f) AND id < char(0xa1)
    UNION ALL SELECT id FROM inventory WHERE id >= char(0x1680) AND id < char(0x1681)
    UNION ALL SELECT id FROM inventory WHERE id >= char(0x2000) AND id < char(0x200b)
    UNION ALL SELECT id FROM inventory WHERE id >= char(0x2028) AND id < char(0x2030)
    UNION ALL SELECT id FROM inventory WHERE id >= char(0x205f) AND id < char(0x2060)
    UNION ALL SELECT id FROM inventory WHERE id >= char(0x3000) AND id < char(0x3001)
    UNION ALL SELECT id FROM inventory WHERE id >= x''
    LIMIT 1";

/// Ids that continue one of the ids that are looked up with a blank, a control character, or a character that is not ASCII.
pub(super) const CONTINUED_IDS: &str = "SELECT inventory.id FROM rarray(?1) AS asked CROSS JOIN inventory
        WHERE inventory.id > asked.value AND inventory.id < asked.value || '!'
    UNION ALL SELECT inventory.id FROM rarray(?1) AS asked CROSS JOIN inventory
        WHERE inventory.id >= asked.value || char(0x7f) AND inventory.id < asked.value || char(0x3001)";

/// Checks that a query by id finds a row with this id.
pub(super) fn check_id(id: ValueRef<'_>) -> Result<(), LookupError> {
    let wrong = |shown: &str, what: &str| Err(LookupError::Invalid(format!("the id `{shown}` {what}")));
    match id {
        ValueRef::Text(bytes) => {
            let id = String::from_utf8_lossy(bytes);
            if id.trim().is_empty() {
                wrong(&id, "is empty")
            } else if id.trim() != id {
                wrong(&id, "begins or ends with a blank")
            } else if id.contains(char::is_control) {
                wrong(&id, "has a control character")
            } else {
                Ok(())
            }
        }
        ValueRef::Null => wrong("NULL", "is not text"),
        ValueRef::Integer(number) => wrong(&number.to_string(), "is a number; store ids as text"),
        ValueRef::Real(number) => wrong(&number.to_string(), "is a number; store ids as text"),
        ValueRef::Blob(_) => wrong("BLOB", "is not text"),
    }
}

/// Whether rows are found by their id without reading the whole table.
pub(super) fn has_index(connection: &Connection) -> rusqlite::Result<bool> {
    let mut searches = true;
    let plan = "EXPLAIN QUERY PLAN SELECT id FROM inventory WHERE id > ?1 AND id < ?2";
    let mut statement = connection.prepare(plan)?;
    let mut rows = statement.query(["a", "b"])?;
    while let Some(row) = rows.next()? {
        searches &= row.get::<_, String>("detail")?.starts_with("SEARCH");
    }
    Ok(searches)
}
