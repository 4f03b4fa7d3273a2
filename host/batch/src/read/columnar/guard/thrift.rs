//! The compact protocol of Thrift, as far as it is needed to check sizes before a decoder reads a structure. Nothing is
//! allocated, and no length is trusted that the bytes do not have.

/// The maximum depth of nested structs, lists and maps.
const MAX_LEVELS: usize = 32;

/// The types of fields, by their number in the compact protocol.
pub(super) mod kind {
    pub const I32: u8 = 5;
    pub const STRUCT: u8 = 12;
}

/// Bytes in the compact protocol, from the beginning of a struct.
pub(super) struct Compact<'a> {
    bytes: &'a [u8],
    /// The number of bytes that were read.
    pub at: usize,
    /// The number of structs that were read as elements of lists.
    pub elements: usize,
}

/// A field of a struct.
pub(super) struct Field {
    pub id: i16,
    pub kind: u8,
}

impl<'a> Compact<'a> {
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, elements: 0 }
    }

    fn byte(&mut self) -> Option<u8> {
        let byte = self.bytes.get(self.at).copied();
        self.at += 1;
        byte
    }

    /// Reads a number of variable length.
    pub fn varint(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    /// Reads a signed number of variable length.
    pub fn zigzag(&mut self) -> Option<i64> {
        self.varint().map(|number| (number >> 1) as i64 ^ -((number & 1) as i64))
    }

    /// Reads the head of the next field; `None` at the end of the struct. `last` is the id of the field before it.
    pub fn field(&mut self, last: i16) -> Option<Option<Field>> {
        let head = self.byte()?;
        let (delta, kind) = (head >> 4, head & 0x0f);
        if kind == 0 {
            return Some(None);
        }
        let id = match delta {
            0 => i16::try_from(self.zigzag()?).ok()?,
            delta => last.checked_add(delta.into())?,
        };
        Some(Some(Field { id, kind }))
    }

    fn advance(&mut self, bytes: u64) -> Option<()> {
        self.at = self.at.checked_add(usize::try_from(bytes).ok()?)?;
        (self.at <= self.bytes.len()).then_some(())
    }

    /// Reads a value of this type, and ignores it.
    pub fn skip(&mut self, kind: u8) -> Option<()> {
        self.skip_in(kind, MAX_LEVELS)
    }

    fn skip_in(&mut self, kind: u8, levels: usize) -> Option<()> {
        let levels = levels.checked_sub(1)?;
        match kind {
            // The value of a Boolean field is its type.
            1 | 2 => Some(()),
            3 => self.advance(1),
            4..=6 => self.varint().map(|_| ()),
            7 => self.advance(8),
            8 => {
                let length = self.varint()?;
                self.advance(length)
            }
            9 | 10 => {
                let head = self.byte()?;
                let size = match head >> 4 {
                    15 => self.varint()?,
                    size => size.into(),
                };
                (0..size).try_for_each(|_| self.skip_element(head & 0x0f, levels))
            }
            11 => {
                let size = self.varint()?;
                let kinds = if size == 0 { 0 } else { self.byte()? };
                (0..size).try_for_each(|_| {
                    self.skip_element(kinds >> 4, levels)?;
                    self.skip_element(kinds & 0x0f, levels)
                })
            }
            12 => {
                let mut last = 0;
                while let Some(field) = self.field(last)? {
                    self.skip_in(field.kind, levels)?;
                    last = field.id;
                }
                Some(())
            }
            _ => None,
        }
    }

    fn skip_element(&mut self, kind: u8, levels: usize) -> Option<()> {
        self.elements += usize::from(kind == kind::STRUCT);
        // An element that is a Boolean takes a byte.
        if matches!(kind, 1 | 2) { self.advance(1) } else { self.skip_in(kind, levels) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn skips_values_that_are_complete_and_nothing_else() {
        // A struct: 1: i32 7, 2: the text "ab", 3: a list of two structs, one empty and one with a Boolean.
        let bytes = [0x15, 14, 0x18, 2, b'a', b'b', 0x19, 0x2c, 0, 0x11, 0, 0];
        let mut input = Compact::new(&bytes);
        assert_eq!((input.skip(kind::STRUCT), input.at, input.elements), (Some(()), bytes.len(), 2));
        for end in 0..bytes.len() {
            assert_eq!(Compact::new(&bytes[..end]).skip(kind::STRUCT), None, "{end}");
        }
        // A text and a list that claim more than there is, and endless nesting.
        assert_eq!(Compact::new(&[0x18, 0xff, 0xff, 0xff, 0xff, 0x7f, b'a', 0]).skip(kind::STRUCT), None);
        assert_eq!(Compact::new(&[0x19, 0xf5, 0xff, 0xff, 0xff, 0x7f, 2, 0]).skip(kind::STRUCT), None);
        assert_eq!(Compact::new(&[0x1c; 1_000]).skip(kind::STRUCT), None);
    }
}
