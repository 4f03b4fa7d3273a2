//! A chunk as bytes, for the temporary file that chunks are spilled to: a head with the length of each buffer, then the
//! buffers as they are in memory. No other process reads it.

use super::chunk::{Chunk, Codes, Column, Strings, Values};
use bytemuck::allocation::pod_collect_to_vec;
use bytemuck::{AnyBitPattern, cast_slice};
use serde::{Deserialize, Serialize};

/// A column without its buffers, but with their lengths in bytes.
#[derive(Serialize, Deserialize)]
struct Head {
    name: String,
    kind: Kind,
    buffers: [usize; 3],
    validity: Option<usize>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
enum Kind {
    Strings,
    Codes,
    U64s,
    I64s,
    Bools,
}

fn buffers(values: &Values) -> (Kind, [&[u8]; 3]) {
    match values {
        Values::Strings(Strings { offsets, bytes }) => (Kind::Strings, [cast_slice(offsets), bytes, &[]]),
        Values::Codes(Codes { dictionary, values }) => {
            (Kind::Codes, [cast_slice(values), cast_slice(&dictionary.offsets), &dictionary.bytes])
        }
        Values::U64s(values) => (Kind::U64s, [cast_slice(values), &[], &[]]),
        Values::I64s(values) => (Kind::I64s, [cast_slice(values), &[], &[]]),
        Values::Bools(bits) => (Kind::Bools, [bits, &[], &[]]),
    }
}

impl Chunk {
    /// The number of bytes of its buffers.
    pub(crate) fn size(&self) -> u64 {
        let size = |column: &Column| {
            let (_, buffers) = buffers(&column.values);
            buffers.iter().map(|buffer| buffer.len()).sum::<usize>() + column.validity.as_ref().map_or(0, Vec::len)
        };
        self.columns.iter().map(size).sum::<usize>() as u64
    }

    /// Appends its columns to `out`.
    pub(super) fn write(&self, out: &mut Vec<u8>) -> std::io::Result<()> {
        let head = |column: &Column| {
            let (kind, buffers) = buffers(&column.values);
            let validity = column.validity.as_ref().map(Vec::len);
            Head { name: column.name.clone(), kind, buffers: buffers.map(<[u8]>::len), validity }
        };
        let head: Vec<Head> = self.columns.iter().map(head).collect();
        let head = postcard::to_allocvec(&head).map_err(std::io::Error::other)?;
        out.extend_from_slice(&(head.len() as u64).to_ne_bytes());
        out.extend_from_slice(&head);
        for column in &self.columns {
            buffers(&column.values).1.iter().for_each(|buffer| out.extend_from_slice(buffer));
            out.extend_from_slice(column.validity.as_deref().unwrap_or_default());
        }
        Ok(())
    }

    /// Reads what [`write`](Self::write) wrote.
    pub(super) fn read(first_row: u64, rows: u32, bytes: &[u8]) -> std::io::Result<Self> {
        let mut rest = Rest(bytes);
        let length = rest.take(8)?.try_into().map(u64::from_ne_bytes).map_err(|_| cut())?;
        let head: Vec<Head> = postcard::from_bytes(rest.take(length as usize)?).map_err(std::io::Error::other)?;
        let mut columns = Vec::with_capacity(head.len());
        for Head { name, kind, buffers: [a, b, c], validity } in head {
            let values = match kind {
                Kind::Strings => Values::Strings(Strings { offsets: rest.values(a)?, bytes: rest.values(b)? }),
                Kind::Codes => Values::Codes(Codes {
                    values: rest.values(a)?,
                    dictionary: Strings { offsets: rest.values(b)?, bytes: rest.values(c)? },
                }),
                Kind::U64s => Values::U64s(rest.values(a)?),
                Kind::I64s => Values::I64s(rest.values(a)?),
                Kind::Bools => Values::Bools(rest.values(a)?),
            };
            let validity = validity.map(|length| rest.values(length)).transpose()?;
            columns.push(Column { name, values, validity });
        }
        Ok(Self { first_row, rows, columns })
    }
}

struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take(&mut self, length: usize) -> std::io::Result<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or_else(cut)?;
        self.0 = rest;
        Ok(taken)
    }

    fn values<T: bytemuck::NoUninit + AnyBitPattern>(&mut self, length: usize) -> std::io::Result<Vec<T>> {
        Ok(pod_collect_to_vec(self.take(length)?))
    }
}

fn cut() -> std::io::Error {
    std::io::Error::new(std::io::ErrorKind::UnexpectedEof, "the temporary file is cut off")
}
