//! A row of an inventory as bytes, in memory and in a temporary file. No other process reads it.
//!
//! Names that occur often are codes of a dictionary. The form of a row: the id after its length, a code for each name, which
//! fields are known, and their values. Numbers have a variable length.

use super::bytes::{push_bytes, push_number, take_bytes, take_number, take_text};
use super::coded::{CodedFields, FIRST, NAMES};
use super::fields::{Fields, SharersOf, Texts};

/// The texts of the dictionary of each of these fields, by their codes.
pub(crate) type Names = [Vec<Box<str>>; NAMES];

/// The code of an unknown name.
pub(super) const UNKNOWN: u64 = 0;
/// The code of a name that is not in the dictionary, and follows.
pub(super) const INLINE: u64 = 1;
const STATE_SINCE: u64 = 1;
const CREATED_AT: u64 = 1 << 1;
const LAST_USED_AT: u64 = 1 << 2;
const RETAIN_UNTIL: u64 = 1 << 3;
const SIZE_BYTES: u64 = 1 << 4;
const LEGAL_HOLD: u64 = 1 << 5;
const IS_HELD: u64 = 1 << 6;
const DEPENDENTS: u64 = 1 << 7;
const TENANTS: u64 = 1 << 8;

fn push_texts(bytes: &mut Vec<u8>, texts: Texts<'_>) {
    push_number(bytes, texts.len() as u64);
    if !texts.is_empty() {
        let mut items = Vec::new();
        texts.iter().for_each(|text| push_bytes(&mut items, text.as_bytes()));
        push_bytes(bytes, &items);
    }
}

fn take_texts<'a>(bytes: &mut &'a [u8]) -> Option<Texts<'a>> {
    let count = usize::try_from(take_number(bytes)?).ok()?;
    let bytes = if count > 0 { take_bytes(bytes)? } else { &[] };
    Some(Texts::Encoded { count, bytes })
}

/// An integer as a number that is small if the integer is near 0.
const fn zigzag(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)).cast_unsigned()
}

const fn unzigzag(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ -((number & 1).cast_signed())
}

/// Appends a name that is not in the dictionary.
pub(super) fn push_inline(bytes: &mut Vec<u8>, name: &str) {
    push_number(bytes, INLINE);
    push_bytes(bytes, name.as_bytes());
}

/// The names of a thing in the order of their dictionaries.
pub(super) const fn names<'a>(fields: &Fields<'a>) -> [Option<&'a str>; NAMES] {
    let Fields { kind, tenant, environment, state, pool, owner, contact, .. } = fields;
    [*kind, *tenant, *environment, *state, *pool, *owner, *contact]
}

/// Appends the id, which is first.
pub(super) fn push_id(bytes: &mut Vec<u8>, id: &str) {
    push_bytes(bytes, id.as_bytes());
}

/// Appends the fields that are not names, which are last.
pub(super) fn push_values(bytes: &mut Vec<u8>, fields: &Fields<'_>) {
    let bit = |is_known: bool, bit: u64| if is_known { bit } else { 0 };
    let known = bit(fields.state_since.is_some(), STATE_SINCE)
        | bit(fields.created_at.is_some(), CREATED_AT)
        | bit(fields.last_used_at.is_some(), LAST_USED_AT)
        | bit(fields.retain_until.is_some(), RETAIN_UNTIL)
        | bit(fields.size_bytes.is_some(), SIZE_BYTES)
        | bit(fields.legal_hold.is_some(), LEGAL_HOLD)
        | bit(fields.legal_hold == Some(true), IS_HELD)
        | bit(fields.dependents.is_some(), DEPENDENTS)
        | bit(fields.tenants.is_some(), TENANTS);
    push_number(bytes, known);
    let times = [fields.state_since, fields.created_at, fields.last_used_at, fields.retain_until];
    times.into_iter().flatten().for_each(|time| push_number(bytes, zigzag(time)));
    fields.size_bytes.into_iter().for_each(|size| push_number(bytes, size));
    fields.dependents.into_iter().for_each(|ids| push_texts(bytes, ids));
    if let Some(SharersOf { names, unnamed }) = fields.tenants {
        push_texts(bytes, names);
        push_number(bytes, unnamed);
    }
}

/// A row of bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row<'a> {
    pub id: &'a [u8],
    /// What follows the id.
    pub rest: &'a [u8],
}

/// Splits a row.
#[inline]
pub(crate) fn take_row(mut bytes: &[u8]) -> Option<Row<'_>> {
    let id = take_bytes(&mut bytes)?;
    Some(Row { id, rest: bytes })
}

#[inline]
fn take_name<'a>(bytes: &mut &'a [u8], names: &'a [Box<str>]) -> Option<(Option<&'a str>, Option<u64>)> {
    Some(match take_number(bytes)? {
        UNKNOWN => (None, None),
        INLINE => (Some(take_text(bytes)?), None),
        code => (Some(names.get((code - FIRST) as usize)?), Some(code)),
    })
}

/// Reads what follows the id. `None`: these bytes are not a row.
pub(crate) fn decode<'a>(mut bytes: &'a [u8], names: &'a Names) -> Option<CodedFields<'a>> {
    let bytes = &mut bytes;
    let mut codes = [None; NAMES];
    let mut texts = [None; NAMES];
    for ((text, code), names) in texts.iter_mut().zip(&mut codes).zip(names) {
        (*text, *code) = take_name(bytes, names)?;
    }
    let [kind, tenant, environment, state, pool, owner, contact] = texts;
    let mut fields = Fields { kind, tenant, environment, state, pool, owner, contact, ..Fields::default() };
    let known = take_number(bytes)?;
    let is_known = |bit: u64| known & bit != 0;
    let mut time = |bit: u64| -> Option<Option<i64>> {
        if is_known(bit) { take_number(bytes).map(|number| Some(unzigzag(number))) } else { Some(None) }
    };
    fields.state_since = time(STATE_SINCE)?;
    fields.created_at = time(CREATED_AT)?;
    fields.last_used_at = time(LAST_USED_AT)?;
    fields.retain_until = time(RETAIN_UNTIL)?;
    if is_known(SIZE_BYTES) {
        fields.size_bytes = Some(take_number(bytes)?);
    }
    if is_known(LEGAL_HOLD) {
        fields.legal_hold = Some(is_known(IS_HELD));
    }
    if is_known(DEPENDENTS) {
        fields.dependents = Some(take_texts(bytes)?);
    }
    if is_known(TENANTS) {
        fields.tenants = Some(SharersOf { names: take_texts(bytes)?, unnamed: take_number(bytes)? });
    }
    bytes.is_empty().then_some(CodedFields { fields, codes })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Encoder, Record, Sharers};

    #[test]
    fn a_row_is_the_same_after_it_was_encoded() {
        let text = |text: &str| Some(text.to_owned());
        let full = Record {
            kind: text("app"),
            tenant: text("ü"),
            tenants: Some(Sharers { names: vec!["a".to_owned(), "b c".to_owned()], unnamed: 1_000_000_000 }),
            environment: text("production"),
            state: text("live"),
            state_since: Some(i64::MIN),
            created_at: Some(i64::MAX),
            last_used_at: Some(-1),
            size_bytes: Some(u64::MAX),
            dependents: Some(vec![String::new(), "d".repeat(300)]),
            legal_hold: Some(true),
            retain_until: Some(0),
            pool: text("p"),
            owner: text(&"o".repeat(1_000)),
            contact: text(""),
        };
        let some = Record { legal_hold: Some(false), dependents: Some(Vec::new()), ..Record::default() };
        let mut encoder = Encoder::default();
        let records = [full, some, Record::default()];
        for (line, record) in (1..).zip(&records) {
            encoder.push(line, &format!("id-{line}"), &record.fields(), None);
        }
        let block = encoder.finish_block();
        assert!(block.rows().map(|row| row.position).eq(1..4));
        let names = Names::default();
        for (row, record) in block.rows().zip(&records) {
            let Row { id, rest } = take_row(row.bytes).unwrap();
            assert_eq!(id, format!("id-{}", row.position).as_bytes());
            assert_eq!(decode(rest, &names).unwrap().fields.to_record(), *record);
            assert!((0..rest.len()).all(|end| decode(&rest[..end], &names).is_none()), "it is cut off");
        }
    }
}
