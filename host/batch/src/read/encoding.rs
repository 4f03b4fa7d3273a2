//! The encoding of a text: UTF-8, or UTF-16 with a byte order mark, as spreadsheets and PowerShell write it. UTF-16 is
//! turned into UTF-8 while it is read, in bounded memory.

use std::io::{Error, ErrorKind, Read, Result};

/// The number of bytes that are decoded at once.
const PIECE_BYTES: usize = 64 << 10;

/// The encoding of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Utf8,
    Utf16Le,
    Utf16Be,
}

impl Encoding {
    /// Its usual name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "UTF-8",
            Self::Utf16Le => "UTF-16LE",
            Self::Utf16Be => "UTF-16BE",
        }
    }
}

/// Decodes a text while it is read.
pub(super) struct Decoder {
    /// The encoding, once the first two bytes were read.
    encoding: Option<Encoding>,
    /// Bytes that were read and not decoded: the beginning of a character.
    encoded: Vec<u8>,
    /// Bytes in UTF-8 that were not returned yet.
    decoded: Vec<u8>,
    /// The number of those that were returned.
    returned: usize,
    end: bool,
}

impl Decoder {
    pub const fn new() -> Self {
        Self { encoding: None, encoded: Vec::new(), decoded: Vec::new(), returned: 0, end: false }
    }

    /// The encoding; UTF-8 before anything was read.
    pub fn encoding(&self) -> Encoding {
        self.encoding.unwrap_or(Encoding::Utf8)
    }

    /// Reads text in UTF-8 from a reader of the encoded text. The first buffer has room for a byte order mark.
    pub fn read(&mut self, reader: &mut impl Read, buffer: &mut [u8]) -> Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            if self.returned < self.decoded.len() {
                let left = self.decoded.get(self.returned..).unwrap_or_default();
                let count = left.len().min(buffer.len());
                buffer[..count].copy_from_slice(&left[..count]);
                self.returned += count;
                return Ok(count);
            }
            match self.encoding {
                Some(Encoding::Utf8) => return reader.read(buffer),
                Some(_) if self.end => return Ok(0),
                Some(encoding) => self.decode(reader, encoding == Encoding::Utf16Be)?,
                None => {
                    if let Some(count) = self.begin(reader, buffer)? {
                        return Ok(count);
                    }
                }
            }
        }
    }

    /// Reads the first bytes, and determines the encoding. Returns the number of bytes of text in UTF-8 in the buffer, which
    /// is not copied.
    fn begin(&mut self, reader: &mut impl Read, buffer: &mut [u8]) -> Result<Option<usize>> {
        let mut count = reader.read(buffer)?;
        while count < 2 && count < buffer.len() {
            match reader.read(&mut buffer[count..])? {
                0 => break,
                more => count += more,
            }
        }
        let encoding = match buffer[..count] {
            [0xff, 0xfe, ..] => Encoding::Utf16Le,
            [0xfe, 0xff, ..] => Encoding::Utf16Be,
            _ => Encoding::Utf8,
        };
        self.encoding = Some(encoding);
        if encoding == Encoding::Utf8 {
            return Ok(Some(count));
        }
        self.encoded.extend_from_slice(&buffer[2..count]);
        Ok(None)
    }

    /// Decodes the next piece of UTF-16.
    fn decode(&mut self, reader: &mut impl Read, is_big: bool) -> Result<()> {
        (self.returned, self.end) =
            (0, reader.take(PIECE_BYTES as u64).read_to_end(&mut self.encoded)? < PIECE_BYTES);
        self.decoded.clear();
        let unit = |pair: &[u8]| match *pair {
            [a, b] if is_big => u16::from_be_bytes([a, b]),
            [a, b] => u16::from_le_bytes([a, b]),
            _ => 0,
        };
        let mut whole = self.encoded.len() / 2 * 2;
        // A high surrogate at the end is half a character.
        let last = self.encoded.get(whole.saturating_sub(2)..whole).unwrap_or_default();
        if !self.end && whole > 0 && (0xd800..0xdc00).contains(&unit(last)) {
            whole -= 2;
        }
        let invalid = || Error::new(ErrorKind::InvalidData, "the text is not valid UTF-16");
        let units = self.encoded[..whole].chunks_exact(2).map(unit);
        for character in char::decode_utf16(units) {
            let character = character.map_err(|_| invalid())?;
            self.decoded.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        }
        self.encoded.drain(..whole);
        if self.end && !self.encoded.is_empty() { Err(invalid()) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(bytes: &[u8], at_once: usize) -> Result<(String, Encoding)> {
        let (mut reader, mut decoder, mut text) = (bytes, Decoder::new(), Vec::new());
        let mut buffer = vec![0; at_once];
        loop {
            let count = decoder.read(&mut reader, &mut buffer)?;
            if count == 0 {
                return Ok((String::from_utf8(text).unwrap(), decoder.encoding()));
            }
            text.extend_from_slice(&buffer[..count]);
        }
    }

    fn encode(text: &str, is_big: bool) -> Vec<u8> {
        let units = std::iter::once(0xfeff).chain(text.encode_utf16());
        units.flat_map(|unit: u16| if is_big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
    }

    proptest! {
        #[test]
        fn every_text_is_read_from_every_encoding(text in "\\PC{0,40}", at_once in 2_usize..9) {
            prop_assume!(text.len() >= 2);
            prop_assert_eq!(read(text.as_bytes(), at_once).unwrap(), (text.clone(), Encoding::Utf8));
            prop_assert_eq!(read(&encode(&text, false), at_once).unwrap(), (text.clone(), Encoding::Utf16Le));
            prop_assert_eq!(read(&encode(&text, true), at_once).unwrap(), (text, Encoding::Utf16Be));
        }
    }

    #[test]
    fn reads_characters_across_pieces_and_rejects_halves() {
        let text = format!("a{}", "\u{1f980}".repeat(PIECE_BYTES / 2));
        assert_eq!(read(&encode(&text, false), 1000).unwrap().0, text);
        for cut in [1, 2, 3] {
            let bytes = encode("a\u{1f980}", false);
            assert!(read(&bytes[..bytes.len() - cut], 100).is_err(), "{cut}");
        }
        assert_eq!(read(b"", 10).unwrap().0, "");
        assert_eq!(read(b"a", 10).unwrap().0, "a");
    }
}
