//! Finds the sections of a review in its text, in one pass over 64 bytes at a time. A policy pays fuel for every
//! instruction, and most policies read only a few sections.

use std::ops::Range;

/// An object whose fields are sections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parent {
    Review,
    Claims,
    Facts,
    Inventory,
}

impl Parent {
    /// The object in the field `key`, if its fields are sections too.
    fn child(self, key: &[u8]) -> Option<Self> {
        match (self, key) {
            (Self::Review, b"claims") => Some(Self::Claims),
            (Self::Review, b"facts") => Some(Self::Facts),
            (Self::Facts, b"inventory") => Some(Self::Inventory),
            _ => None,
        }
    }
}

/// The sections of a review.
#[derive(Clone, Debug)]
pub struct Index {
    pub text: Box<str>,
    fields: Vec<(Parent, Range<usize>, Range<usize>)>,
}

/// An object whose fields are being recorded.
struct Open {
    parent: Parent,
    /// Where the next key starts.
    key: usize,
    /// The key whose value comes next.
    pending: Option<Range<usize>>,
}

impl Index {
    /// Finds the sections. The host writes the text, so it is JSON without white space. In any other text nothing is
    /// found, and required sections are then missing.
    pub fn new(text: impl Into<Box<str>>) -> Self {
        let text = text.into();
        let bytes = text.as_bytes();
        let mut fields = Vec::with_capacity(64);
        let mut open: Vec<Open> = Vec::with_capacity(4);
        let mut depth = 0;
        structure(bytes, |at, byte| match byte {
            b'{' | b'[' => {
                let parent = match open.last() {
                    None => Some(Parent::Review),
                    Some(last) if depth == open.len() && byte == b'{' => {
                        last.parent.child(last.pending.clone().and_then(|key| bytes.get(key)).unwrap_or_default())
                    }
                    Some(_) => None,
                };
                open.extend(parent.map(|parent| Open { parent, key: at + 2, pending: None }));
                depth += 1;
                depth != open.len()
            }
            _ if depth != open.len() => {
                depth = depth.saturating_sub(usize::from(byte == b'}' || byte == b']'));
                depth != open.len()
            }
            _ => {
                let Some(Open { parent, key, pending }) = open.last_mut() else { return false };
                if byte == b':' {
                    *pending = Some(*key..at.saturating_sub(1));
                    return false;
                }
                if let Some(key) = pending.take() {
                    let value = key.end + 2..at;
                    fields.push((*parent, key, value));
                }
                *key = at + 2;
                if byte != b',' {
                    open.pop();
                    depth = depth.saturating_sub(1);
                }
                false
            }
        });
        Self { text, fields }
    }

    /// The text of a field's value.
    pub fn field(&self, of: Parent, name: &str) -> Option<Range<usize>> {
        let bytes = self.text.as_bytes();
        let found = self.fields.iter().find(|(parent, key, _)| {
            *parent == of && key.len() == name.len() && bytes.get(key.clone()) == Some(name.as_bytes())
        });
        found.map(|(_, _, value)| value.clone())
    }
}

/// Calls `found` for every bracket, comma and colon outside of strings. While it returns true, for brackets only.
fn structure(bytes: &[u8], mut found: impl FnMut(usize, u8) -> bool) {
    let mut only_brackets = false;
    // `in_string` is all ones if the block before ends inside a string; `escaped` is 1 if it ends in a backslash that
    // escapes the first byte of this one.
    let (mut in_string, mut escaped) = (0_u64, 0_u64);
    for (number, chunk) in bytes.chunks(64).enumerate() {
        let block = match chunk.first_chunk::<64>() {
            Some(whole) => Block::of(whole),
            None => {
                let mut padded = [b' '; 64];
                padded.iter_mut().zip(chunk).for_each(|(place, byte)| *place = *byte);
                Block::of(&padded)
            }
        };
        let mut quotes = block.quotes;
        if block.backslashes | escaped != 0 {
            let mut backslashes = block.backslashes & !escaped;
            let mut all_escaped = escaped;
            escaped = 0;
            while backslashes != 0 {
                let first = backslashes & backslashes.wrapping_neg();
                backslashes &= !(first | first << 1);
                all_escaped |= first << 1;
                escaped = first >> 63;
            }
            quotes &= !all_escaped;
        }
        let inside = up_to(quotes) ^ in_string;
        in_string = 0_u64.wrapping_sub(inside >> 63);
        let (brackets, separators) = (block.brackets & !inside, block.separators & !inside);
        let mut ahead = u64::MAX;
        loop {
            let places = ahead & if only_brackets { brackets } else { brackets | separators };
            if places == 0 {
                break;
            }
            let offset = places.trailing_zeros() as usize;
            if let Some(byte) = chunk.get(offset) {
                only_brackets = found(number * 64 + offset, *byte);
            }
            // The bits above the lowest one.
            ahead = !(places ^ (places - 1));
        }
    }
}

/// Sets each bit to the exclusive or of itself and all lower bits: ones from an opening quote to just before the closing
/// one.
fn up_to(mut bits: u64) -> u64 {
    for shift in [1, 2, 4, 8, 16, 32] {
        bits ^= bits << shift;
    }
    bits
}

/// Bitmaps of 64 bytes; the lowest bit is the first byte.
#[derive(Default)]
struct Block {
    quotes: u64,
    backslashes: u64,
    brackets: u64,
    separators: u64,
}

impl Block {
    #[cfg(target_arch = "wasm32")]
    #[target_feature(enable = "simd128")]
    fn of(bytes: &[u8; 64]) -> Self {
        use core::arch::wasm32::{u8x16_bitmask, u8x16_eq, u8x16_splat, u64x2, v128_or};
        let mut block = Self::default();
        for (part, pair) in bytes.as_chunks::<16>().0.iter().enumerate() {
            let (low, high) = pair.split_at(8);
            let word = |half: &[u8]| half.first_chunk().map_or(0, |eight| u64::from_le_bytes(*eight));
            let vector = u64x2(word(low), word(high));
            let is = |byte| u8x16_eq(vector, u8x16_splat(byte));
            // `{` and `[` differ in one bit, and so do `}` and `]`.
            let lowered = v128_or(vector, u8x16_splat(0x20));
            let bracket = |byte| u8x16_eq(lowered, u8x16_splat(byte));
            let brackets = v128_or(bracket(b'{'), bracket(b'}'));
            let separators = v128_or(is(b','), is(b':'));
            let shift = 16 * part;
            block.quotes |= u64::from(u8x16_bitmask(is(b'"'))) << shift;
            block.backslashes |= u64::from(u8x16_bitmask(is(b'\\'))) << shift;
            block.brackets |= u64::from(u8x16_bitmask(brackets)) << shift;
            block.separators |= u64::from(u8x16_bitmask(separators)) << shift;
        }
        block
    }

    #[cfg(not(target_arch = "wasm32"))]
    fn of(bytes: &[u8; 64]) -> Self {
        let mask = |is: fn(&u8) -> bool| bytes.iter().rev().fold(0, |mask, byte| mask << 1 | u64::from(is(byte)));
        Self {
            quotes: mask(|byte| *byte == b'"'),
            backslashes: mask(|byte| *byte == b'\\'),
            brackets: mask(|byte| matches!(byte, b'{' | b'}' | b'[' | b']')),
            separators: mask(|byte| matches!(byte, b',' | b':')),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The structure of a text, found byte by byte.
    fn byte_by_byte(bytes: &[u8]) -> Vec<(usize, u8)> {
        let (mut found, mut inside, mut escaped) = (Vec::new(), false, false);
        for (at, byte) in bytes.iter().enumerate() {
            match byte {
                b'{' | b'}' | b'[' | b']' | b',' | b':' if !inside => found.push((at, *byte)),
                b'"' if !escaped => inside = !inside,
                _ => {}
            }
            escaped = *byte == b'\\' && !escaped;
        }
        found
    }

    #[test]
    fn finds_the_same_structure_as_a_scan_byte_by_byte() {
        let alphabet = br#""\{}[],:ax"#;
        let mut random = 0x9e37_79b9_7f4a_7c15_u64;
        for length in 0..400 {
            let text: Vec<u8> = (0..length)
                .map(|_| {
                    random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    alphabet[(random >> 33) as usize % alphabet.len()]
                })
                .collect();
            let mut found = Vec::new();
            structure(&text, |at, byte| {
                found.push((at, byte));
                false
            });
            assert_eq!(found, byte_by_byte(&text), "{}", String::from_utf8_lossy(&text));
            let mut brackets = Vec::new();
            structure(&text, |at, byte| {
                brackets.push((at, byte));
                true
            });
            // The first one may be of any kind.
            found.retain(|(at, byte)| Some(at) == brackets.first().map(|(at, _)| at) || !matches!(byte, b',' | b':'));
            assert_eq!(brackets, found, "{}", String::from_utf8_lossy(&text));
        }
    }

    #[test]
    fn finds_sections_and_the_ends_of_their_values() {
        let text = r#"{"claims":{"id":"a\"b},{","list":[{"x":1},[]],"n":{"claims":{"id":2}},"e":{}},"facts":{"inventory":{"sha256":"5f"},"targets":17}}"#;
        let index = Index::new(text);
        let value = |of, name| index.field(of, name).and_then(|range| text.get(range));
        assert_eq!(value(Parent::Claims, "id"), Some(r#""a\"b},{""#));
        assert_eq!(value(Parent::Claims, "list"), Some(r#"[{"x":1},[]]"#));
        assert_eq!(value(Parent::Claims, "n"), Some(r#"{"claims":{"id":2}}"#));
        assert_eq!(value(Parent::Claims, "e"), Some("{}"));
        assert_eq!(value(Parent::Facts, "targets"), Some("17"));
        assert_eq!(value(Parent::Facts, "inventory"), Some(r#"{"sha256":"5f"}"#));
        assert_eq!(value(Parent::Inventory, "sha256"), Some(r#""5f""#));
        assert_eq!(value(Parent::Review, "facts").map(|text| text.starts_with(r#"{"inv"#)), Some(true));
        assert_eq!(value(Parent::Claims, "x"), None);
    }

    #[test]
    fn finds_no_sections_in_malformed_text() {
        for text in ["", "null", "{}", "[]", "}}", "]", "{:", r#"{"a"#, r#"{"a":"#, ",,:", r#"{"claims":[,]}"#, ":{"]
        {
            assert!(Index::new(text).field(Parent::Claims, "id").is_none(), "{text}");
        }
    }
}
