//! The lengths of the values in a page of Parquet's delta encodings. The decoder allocates memory for as many lengths as a
//! page gives, and a value that shares its beginning with the value before it can be much longer than its bytes in the page.

use super::thrift::Compact;

/// The maximum number of values in such a page.
const MAX_VALUES: u64 = 1 << 22;

/// Returns the length of the longest value in the values of a page: `DELTA_BYTE_ARRAY` if the values have prefixes, else
/// `DELTA_LENGTH_BYTE_ARRAY`. `None` if they are invalid, or more than `max_values`.
pub(super) fn longest_value(values: &[u8], has_prefixes: bool, max_values: u64) -> Option<u64> {
    let (mut prefixes, suffixes) = if has_prefixes {
        let prefixes = Lengths::new(values, max_values)?;
        let end = Lengths::new(values, max_values)?.end()?;
        (Some(prefixes), values.get(end..)?)
    } else {
        (None, values)
    };
    let suffixes = Lengths::new(suffixes, max_values)?;
    if prefixes.as_ref().is_some_and(|prefixes| prefixes.left != suffixes.left) {
        return None;
    }
    let mut longest = 0;
    for suffix in suffixes {
        let prefix = prefixes.as_mut().map_or(Some(Some(0)), Iterator::next)?;
        longest = longest.max(prefix?.checked_add(suffix?)?);
    }
    Some(longest)
}

/// Numbers in the encoding `DELTA_BINARY_PACKED`. A number is `None` if it is negative or the bytes are invalid.
struct Lengths<'a> {
    input: Compact<'a>,
    bytes: &'a [u8],
    values_per_block: u64,
    blocks: usize,
    /// The number of values that were not read.
    left: u64,
    last: i64,
    is_first: bool,
    min_delta: i64,
    /// The bit widths of the miniblocks of the current block.
    widths: &'a [u8],
    /// The miniblock of the next value, and the number of its values that were read.
    block: usize,
    read: u64,
    /// The offset of that miniblock.
    start: usize,
}

impl<'a> Lengths<'a> {
    fn new(bytes: &'a [u8], max_values: u64) -> Option<Self> {
        let mut input = Compact::new(bytes);
        let (size, blocks, left) = (input.varint()?, input.varint()?, input.varint()?);
        let last = input.zigzag()?;
        let is_valid = blocks > 0 && size % blocks == 0 && (size / blocks) % 32 == 0 && size > 0 && size <= 1 << 20;
        if !is_valid || left > max_values.min(MAX_VALUES) {
            return None;
        }
        let (values_per_block, blocks) = (size / blocks, usize::try_from(blocks).ok()?);
        let (is_first, min_delta, widths, block, read) = (true, 0, &[][..], 0, 0);
        let start = input.at;
        Some(Self {
            input,
            bytes,
            values_per_block,
            blocks,
            left,
            last,
            is_first,
            min_delta,
            widths,
            block,
            read,
            start,
        })
    }

    /// Returns the offset after the last number.
    fn end(mut self) -> Option<usize> {
        while self.left > 0 {
            self.next()??;
        }
        // The miniblock of the last value is complete.
        let width = self.widths.get(self.block).copied().map_or(0, usize::from);
        self.start.checked_add(width * (self.values_per_block / 8) as usize)
    }

    fn length(&mut self) -> Option<u64> {
        self.left -= 1;
        if std::mem::take(&mut self.is_first) {
            return u64::try_from(self.last).ok();
        }
        if self.read == self.values_per_block {
            self.start += usize::from(*self.widths.get(self.block)?) * (self.values_per_block / 8) as usize;
            (self.block, self.read) = (self.block + 1, 0);
        }
        if self.block >= self.widths.len() {
            self.input.at = self.start;
            self.min_delta = self.input.zigzag()?;
            let end = self.input.at.checked_add(self.blocks)?;
            self.widths = self.bytes.get(self.input.at..end)?;
            (self.block, self.read, self.start) = (0, 0, end);
        }
        let width = *self.widths.get(self.block)?;
        let delta = bits(self.bytes.get(self.start..)?, self.read * u64::from(width), width)?;
        self.read += 1;
        // The decoder's numbers have 32 bits, and wrap.
        self.last = i64::from((self.last.wrapping_add(self.min_delta).wrapping_add(delta as i64)) as i32);
        u64::try_from(self.last).ok()
    }
}

impl Iterator for Lengths<'_> {
    type Item = Option<u64>;

    fn next(&mut self) -> Option<Self::Item> {
        (self.left > 0).then(|| self.length())
    }
}

/// Reads a number of `width` bits, at most 32, at an offset in bits.
fn bits(bytes: &[u8], at: u64, width: u8) -> Option<u64> {
    if width > 32 {
        return None;
    }
    let (first, shift) = (usize::try_from(at / 8).ok()?, at % 8);
    let last = first + (shift as usize + usize::from(width)).div_ceil(8);
    let number = bytes.get(first..last)?.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte));
    Some(number >> shift & ((1 << width) - 1))
}
