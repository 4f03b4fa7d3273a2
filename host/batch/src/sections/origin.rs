//! The chunks of a batch whose sections other processes read. One that is needed after all is read again.

use super::reader::{CountedSection, SectionReader};
use crate::columns::{Chunk, Origin, OriginRow, Store};
use crate::error::SectionError;
use crate::inventory::Inventory;
use std::sync::{Arc, Mutex, PoisonError};

/// The section that was read last.
pub(super) struct Sections {
    reader: SectionReader,
    inventory: Option<Arc<dyn Inventory>>,
    counted: Vec<CountedSection>,
    last: Mutex<Option<Last>>,
}

struct Last {
    section: usize,
    chunks: Store,
    resolved: Option<Store>,
}

/// The columns of the list.
pub(super) struct Listed(pub Arc<Sections>);

/// The columns of the inventory.
pub(super) struct Resolved(pub Arc<Sections>);

impl Sections {
    pub const fn new(
        reader: SectionReader,
        inventory: Option<Arc<dyn Inventory>>,
        counted: Vec<CountedSection>,
    ) -> Self {
        Self { reader, inventory, counted, last: Mutex::new(None) }
    }

    fn with<T>(
        &self,
        section: usize,
        then: impl FnOnce(&Self, &mut Last) -> Result<T, SectionError>,
    ) -> Result<T, String> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = last.take().filter(|kept| kept.section == section);
        let kept = match kept {
            Some(kept) => Ok(kept),
            None => self.load(section),
        };
        kept.and_then(|kept| then(self, last.insert(kept))).map_err(|error| error.to_string())
    }

    fn load(&self, section: usize) -> Result<Last, SectionError> {
        let counted = self.counted.get(section);
        let counted = counted.ok_or_else(|| SectionError::Invalid(format!("there is no section {section}")))?;
        Ok(Last { section, chunks: self.reader.read_again(section, &counted.sha256)?, resolved: None })
    }

    fn resolve<'a>(&self, last: &'a mut Last) -> Result<&'a Store, SectionError> {
        let missing = || SectionError::Invalid("there is no inventory".to_owned());
        let resolved = match last.resolved.take() {
            Some(resolved) => resolved,
            None => {
                let inventory = self.inventory.as_deref().ok_or_else(missing)?;
                self.reader.resolved_columns(&last.chunks, inventory)?
            }
        };
        Ok(last.resolved.insert(resolved))
    }
}

/// Returns the chunk of `rows` rows that begins at a row, as it was counted.
fn chunk(store: &Store, at: OriginRow, rows: u32) -> Result<Chunk, SectionError> {
    let found = store.locate(at.row as u64).filter(|found| found.row == 0);
    let chunk = found.map(|found| store.get(found.chunk)).transpose()?.filter(|chunk| chunk.rows == rows);
    let other = || SectionError::Invalid(format!("section {} has other chunks than were counted", at.part));
    Ok(chunk.ok_or_else(other)?.into_owned())
}

impl Origin for Listed {
    fn read(&self, at: OriginRow, rows: u32) -> Result<Chunk, String> {
        self.0.with(at.part, |_, last| chunk(&last.chunks, at, rows))
    }
}

impl Origin for Resolved {
    fn read(&self, at: OriginRow, rows: u32) -> Result<Chunk, String> {
        self.0.with(at.part, |sections, last| chunk(sections.resolve(last)?, at, rows))
    }
}

impl std::fmt::Debug for Listed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Listed")
    }
}

impl std::fmt::Debug for Resolved {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Resolved")
    }
}
