//! The schema of a Parquet file is a flat list, in which an element says how many of those behind it are its children.
//! The decoder takes memory for that many, and calls itself for every level, before it has seen one of them; a process
//! that runs out of either is over. So the list is looked at first.

use super::snapshot::Snapshot;
use thrift::protocol::{TCompactInputProtocol, TInputProtocol, TType};

/// Levels that columns may be nested.
const MOST_LEVELS: usize = 100;

/// The length of the footer and the name of the format stand behind the footer, four bytes each.
const FILE_END: u64 = 8;

/// What stands under a number in a struct. The decoder goes by the number and leaves the type that the file gives for it
/// unread, so what is understood here is only what it understands if that type is right.
enum Shape {
    Bool,
    I8,
    I32,
    Text,
    /// An I32: how many of the elements behind this one are its children.
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

/// Looks at the schema of a file. What is wrong with the file otherwise is left to the decoder to say.
pub(super) fn check(snapshot: &Snapshot) -> Result<(), String> {
    let Some(footer) = footer(snapshot) else { return Ok(()) };
    let children = children(&footer).map_err(|error| format!("its schema cannot be read: {error}"))?;
    tree(&children)
}

fn footer(snapshot: &Snapshot) -> Option<bytes::Bytes> {
    let end = snapshot.size().checked_sub(FILE_END)?;
    let behind = snapshot.bytes(end, FILE_END as usize).ok()?;
    let length = behind.strip_suffix(b"PAR1")?.first_chunk().map(|length| u32::from_le_bytes(*length))?;
    snapshot.bytes(end.checked_sub(length.into())?, length as usize).ok()
}

fn wrong(message: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> thrift::Error {
    thrift::Error::User(message.into())
}

/// How many children each element of the schema says it has.
fn children(footer: &[u8]) -> thrift::Result<Vec<i32>> {
    let mut input = TCompactInputProtocol::new(footer);
    input.read_struct_begin()?;
    // Nothing but the version stands before the schema.
    let mut field = input.read_field_begin()?;
    if (field.id, field.field_type) == (Some(1), TType::I32) {
        input.skip(TType::I32)?;
        field = input.read_field_begin()?;
    }
    if (field.id, field.field_type) != (Some(2), TType::List) {
        return Err(wrong("it does not stand behind the version"));
    }
    let list = input.read_list_begin()?;
    if list.size > 0 && list.element_type != TType::Struct {
        return Err(wrong("its elements are no structs"));
    }
    (0..list.size).map(|_| fields(&mut input, ELEMENT)).collect()
}

/// Reads a struct, and gives how many children it says it has.
fn fields(input: &mut impl TInputProtocol, shapes: &[(i16, Shape)]) -> thrift::Result<i32> {
    let mut children = 0;
    input.read_struct_begin()?;
    loop {
        let field = input.read_field_begin()?;
        let shape = shapes.iter().find(|(id, _)| Some(*id) == field.id).map(|(_, shape)| shape);
        match (field.field_type, shape) {
            (TType::Stop, _) => break,
            (found, Some(shape)) if found != shape.wire_type() => {
                let id = field.id.unwrap_or_default();
                return Err(wrong(format!("field {id} is of the type {found}, and should be {}", shape.wire_type())));
            }
            (_, Some(Struct(shapes))) => _ = fields(input, shapes)?,
            (_, Some(Children)) => children = input.read_i32()?,
            (found, _) => input.skip(found)?,
        }
    }
    input.read_struct_end()?;
    Ok(children)
}

/// Holds the numbers of children against the number of elements, and counts the levels.
fn tree(elements: &[i32]) -> Result<(), String> {
    // How many children are still to come: of each element above, and of all of them.
    let (mut above, mut owed) = (Vec::new(), 0);
    for (behind, children) in (0..elements.len()).rev().zip(elements) {
        if let Some(left) = above.last_mut() {
            *left -= 1;
            owed -= 1;
        }
        let children = usize::try_from(*children).unwrap_or(usize::MAX);
        if children > behind - owed {
            return Err("its schema says of a column that it has more parts than there are".to_owned());
        }
        owed += children;
        above.push(children);
        if above.len() > MOST_LEVELS {
            return Err(format!("its columns are nested more than {MOST_LEVELS} levels deep"));
        }
        while above.last() == Some(&0) {
            above.pop();
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_has_the_children_it_says() {
        for elements in [&[][..], &[0], &[2, 0, 0], &[2, 1, 0, 0], &[1, 2, 0, 1, 0]] {
            assert_eq!(tree(elements), Ok(()), "{elements:?}");
        }
        for elements in [&[1][..], &[-1], &[i32::MAX, 0], &[2, 0], &[2, 1, 0], &[1, 2, 0, 1]] {
            assert!(tree(elements).unwrap_err().contains("more parts than there are"), "{elements:?}");
        }
        let deep = |levels: usize| [vec![1; levels - 1], vec![0]].concat();
        assert_eq!(tree(&deep(MOST_LEVELS)), Ok(()));
        assert!(tree(&deep(MOST_LEVELS + 1)).unwrap_err().contains("100 levels"));
        // One beside another is not deeper.
        assert_eq!(tree(&[vec![300], [1, 0].repeat(300)].concat()), Ok(()));
    }
}
