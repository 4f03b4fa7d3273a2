//! Counting distinct names, exactly and in bounded memory. They are in a table; where that becomes too large, it is
//! set aside on disk in parts, each of which is counted by itself in the end.

use crate::columns::Strings;
use crate::spill::Runs;
use foldhash::fast::RandomState;
use hashbrown::HashTable;
use std::hash::BuildHasher;

/// Parts that names are set aside in.
const PARTS: usize = 64;
/// Offsets into the names have 32 bits.
const MOST_BYTES: u64 = 1 << 31;
/// Bytes of a name besides its text.
const OVERHEAD: u64 = 16;

/// Distinct names.
#[derive(Debug)]
pub(crate) struct Distinct {
    names: Names,
    memory: u64,
    runs: Option<Runs>,
}

#[derive(Debug, Default)]
struct Names {
    texts: Strings,
    index: HashTable<u32>,
    hasher: RandomState,
}

impl Names {
    fn add(&mut self, name: &[u8]) {
        let Self { texts, index, hasher } = self;
        let hash = hasher.hash_one(name);
        if index.find(hash, |i| texts.bytes(*i as usize) == name).is_none() {
            let i = texts.len() as u32;
            texts.bytes.extend_from_slice(name);
            texts.offsets.push(texts.bytes.len() as u32);
            index.insert_unique(hash, i, |i| hasher.hash_one(texts.bytes(*i as usize)));
        }
    }

    fn bytes(&self) -> u64 {
        self.texts.bytes.len() as u64 + OVERHEAD * self.texts.len() as u64
    }
}

impl Distinct {
    /// A count that may take so many bytes of memory.
    pub fn new(memory: u64) -> Self {
        Self { names: Names::default(), memory: memory.min(MOST_BYTES), runs: None }
    }

    /// Counts a name, unless it was counted before.
    pub fn add(&mut self, name: &[u8]) -> std::io::Result<()> {
        self.names.add(name);
        if self.names.bytes() > self.memory { self.set_aside() } else { Ok(()) }
    }

    fn set_aside(&mut self) -> std::io::Result<()> {
        let hasher = self.names.hasher.clone();
        let emptied = Names { hasher: hasher.clone(), ..Names::default() };
        let names = std::mem::replace(&mut self.names, emptied);
        let mut parts = vec![Vec::new(); PARTS];
        for i in 0..names.texts.len() {
            let name = names.texts.bytes(i);
            let at = (hasher.hash_one(name) >> 58) as usize;
            if let Some(part) = parts.get_mut(at) {
                part.extend_from_slice(&(name.len() as u32).to_le_bytes());
                part.extend_from_slice(name);
            }
        }
        let runs = match &mut self.runs {
            Some(runs) => runs,
            none => none.insert(Runs::new(PARTS)?),
        };
        parts.iter().enumerate().try_for_each(|(i, part)| runs.append(i, part))
    }

    /// How many there are.
    pub fn finish(mut self) -> std::io::Result<u64> {
        if self.runs.is_none() {
            return Ok(self.names.texts.len() as u64);
        }
        self.set_aside()?;
        let mut count = 0;
        for (runs, part) in self.runs.iter().flat_map(|runs| (0..PARTS).map(move |part| (runs, part))) {
            let bytes = runs.read(part)?;
            let mut names = Names { hasher: self.names.hasher.clone(), ..Names::default() };
            let mut rest = bytes.as_slice();
            while let Some((length, after)) = rest.split_first_chunk() {
                let (name, after) = after
                    .split_at_checked(u32::from_le_bytes(*length) as usize)
                    .ok_or_else(|| std::io::Error::from(std::io::ErrorKind::UnexpectedEof))?;
                names.add(name);
                rest = after;
            }
            count += names.texts.len() as u64;
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_exact_however_little_memory_there_is() {
        for memory in [0, 100, 5_000, 100_000, u64::MAX] {
            let mut distinct = Distinct::new(memory);
            for i in 0..5_000_u64 {
                distinct.add(format!("t-{}", i * i % 1_009).as_bytes()).unwrap();
            }
            distinct.add(b"").unwrap();
            // Squares modulo a prime: half of the others, and 0.
            assert_eq!(distinct.finish().unwrap(), 505 + 1, "{memory} bytes");
        }
    }
}
