//! Checks the footer of a Parquet file, and the schema in it, before it is decoded. The schema is a flat list in which an element gives the number
//! of its children, which follow it. Before it reads the children, the decoder allocates memory for that number and
//! recurses once per level. A process that runs out of memory or stack is aborted.

use super::thrift::{Compact, kind};
use crate::read::columnar::snapshot::Snapshot;
use ::thrift::protocol::{TCompactInputProtocol, TInputProtocol, TType};

/// The maximum depth of nested columns.
const MAX_LEVELS: usize = 100;

/// The maximum size of a footer in bytes.
const MAX_FOOTER_BYTES: u64 = 16 << 20;
/// The maximum number of structs in the lists of a footer, which are columns of row groups mostly. A decoded one takes many
/// times its bytes in the file.
const MAX_ELEMENTS: usize = 1 << 18;

/// The bytes after the footer: its length and the magic number of the format, four bytes each.
const TRAILER_BYTES: u64 = 8;

/// The type of a field of a Thrift struct. The decoder uses the number of a field and ignores the type in the file, so a
/// file with another type is rejected here.
enum Shape {
    Bool,
    I8,
    I32,
    Text,
    /// An I32: the number of children.
    Children,
    Struct(&'static [(i16, Self)]),
}

use Shape::{Bool, Children, I8, I32, Struct, Text};

/// `SchemaElement`, after `parquet.thrift` of the Parquet format 2.12.
const ELEMENT: &[(i16, Shape)] = &[
    (1, I32),
    (2, I32),
    (3, I32),
    (4, Text),
    (5, Children),
    (6, I32),
    (7, I32),
    (8, I32),
    (9, I32),
    (10, Struct(LOGICAL_TYPE)),
];

const LOGICAL_TYPE: &[(i16, Shape)] = &[
    (1, Struct(&[])),
    (2, Struct(&[])),
    (3, Struct(&[])),
    (4, Struct(&[])),
    (5, Struct(&[(1, I32), (2, I32)])),
    (6, Struct(&[])),
    (7, Struct(TIME)),
    (8, Struct(TIME)),
    (10, Struct(&[(1, I8), (2, Bool)])),
    (11, Struct(&[])),
    (12, Struct(&[])),
    (13, Struct(&[])),
    (14, Struct(&[])),
    (15, Struct(&[])),
    (16, Struct(&[(1, I8)])),
    (17, Struct(&[(1, Text)])),
    (18, Struct(&[(1, Text), (2, I32)])),
    (19, Struct(&[])),
];

const TIME: &[(i16, Shape)] = &[(1, Bool), (2, Struct(&[(1, Struct(&[])), (2, Struct(&[])), (3, Struct(&[]))]))];

impl Shape {
    const fn wire_type(&self) -> TType {
        match self {
            Bool => TType::Bool,
            I8 => TType::I08,
            I32 | Children => TType::I32,
            Text => TType::String,
            Struct(_) => TType::Struct,
        }
    }
}

/// Checks the schema of a file. Other errors of the file are left to the decoder.
pub(in crate::read::columnar) fn check_nesting(snapshot: &Snapshot) -> Result<(), String> {
    let Some(footer) = footer(snapshot)? else { return Ok(()) };
    let mut input = Compact::new(&footer);
    if input.skip(kind::STRUCT).is_none() {
        return Err("its footer cannot be read: it is damaged".to_owned());
    }
    if input.elements > MAX_ELEMENTS {
        let found = input.elements;
        return Err(format!(
            "its footer has {found} elements, at most {MAX_ELEMENTS} are allowed; write larger row groups"
        ));
    }
    let children = child_counts(&footer).map_err(|error| format!("its schema cannot be read: {error}"))?;
    check_tree(&children)
}

/// Returns the footer; `None` if the file does not end in one.
fn footer(snapshot: &Snapshot) -> Result<Option<bytes::Bytes>, String> {
    let read = |at: Option<u64>, length: u64| snapshot.bytes(at?, usize::try_from(length).ok()?).ok();
    let end = snapshot.size().checked_sub(TRAILER_BYTES);
    let Some(trailer) = read(end, TRAILER_BYTES) else { return Ok(None) };
    let length = trailer.strip_suffix(b"PAR1").and_then(|length| length.first_chunk());
    let Some(length) = length.map(|length| u64::from(u32::from_le_bytes(*length))) else { return Ok(None) };
    if length > MAX_FOOTER_BYTES {
        return Err(format!("its footer takes {length} bytes, at most {MAX_FOOTER_BYTES} are allowed"));
    }
    Ok(read(end.and_then(|end| end.checked_sub(length)), length))
}

fn invalid(message: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> ::thrift::Error {
    ::thrift::Error::User(message.into())
}

/// Reads the number of children of each element of the schema.
fn child_counts(footer: &[u8]) -> ::thrift::Result<Vec<i32>> {
    let mut input = TCompactInputProtocol::new(footer);
    input.read_struct_begin()?;
    // Only the version comes before the schema.
    let mut field = input.read_field_begin()?;
    if (field.id, field.field_type) == (Some(1), TType::I32) {
        input.skip(TType::I32)?;
        field = input.read_field_begin()?;
    }
    if (field.id, field.field_type) != (Some(2), TType::List) {
        return Err(invalid("it does not follow the version"));
    }
    let list = input.read_list_begin()?;
    if list.size > 0 && list.element_type != TType::Struct {
        return Err(invalid("its elements are not structs"));
    }
    (0..list.size).map(|_| read_struct(&mut input, ELEMENT)).collect()
}

/// Reads a struct. Returns its number of children.
fn read_struct(input: &mut impl TInputProtocol, shapes: &[(i16, Shape)]) -> ::thrift::Result<i32> {
    let mut children = 0;
    input.read_struct_begin()?;
    loop {
        let field = input.read_field_begin()?;
        let shape = shapes.iter().find(|(id, _)| Some(*id) == field.id).map(|(_, shape)| shape);
        match (field.field_type, shape) {
            (TType::Stop, _) => break,
            (found, Some(shape)) if found != shape.wire_type() => {
                let id = field.id.unwrap_or_default();
                return Err(invalid(format!("field {id} has the type {found}, expected {}", shape.wire_type())));
            }
            (_, Some(Struct(shapes))) => _ = read_struct(input, shapes)?,
            (_, Some(Children)) => children = input.read_i32()?,
            (found, _) => input.skip(found)?,
        }
    }
    input.read_struct_end()?;
    Ok(children)
}

/// Compares the numbers of children with the number of elements, and limits the levels.
fn check_tree(elements: &[i32]) -> Result<(), String> {
    // The number of children that have not been read: of each parent, and of all parents together.
    let (mut parents, mut missing) = (Vec::new(), 0);
    for (following, children) in (0..elements.len()).rev().zip(elements) {
        if let Some(left) = parents.last_mut() {
            *left -= 1;
            missing -= 1;
        }
        let children = usize::try_from(*children).unwrap_or(usize::MAX);
        if children > following - missing {
            return Err("its schema gives a column more children than there are".to_owned());
        }
        missing += children;
        parents.push(children);
        if parents.len() > MAX_LEVELS {
            return Err(format!("its columns are nested more than {MAX_LEVELS} levels deep"));
        }
        while parents.last() == Some(&0) {
            parents.pop();
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejects_missing_children_and_deep_nesting() {
        for elements in [&[][..], &[0], &[2, 0, 0], &[2, 1, 0, 0], &[1, 2, 0, 1, 0]] {
            assert_eq!(check_tree(elements), Ok(()), "{elements:?}");
        }
        for elements in [&[1][..], &[-1], &[i32::MAX, 0], &[2, 0], &[2, 1, 0], &[1, 2, 0, 1]] {
            assert!(check_tree(elements).unwrap_err().contains("more children than there are"), "{elements:?}");
        }
        let deep = |levels: usize| [vec![1; levels - 1], vec![0]].concat();
        assert_eq!(check_tree(&deep(MAX_LEVELS)), Ok(()));
        assert!(check_tree(&deep(MAX_LEVELS + 1)).unwrap_err().contains("100 levels"));
        // Siblings do not add levels.
        assert_eq!(check_tree(&[vec![300], [1, 0].repeat(300)].concat()), Ok(()));
    }
}
