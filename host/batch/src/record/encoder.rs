//! Encoding the rows of an inventory on several threads, and counting them.

use super::bytes::push_number;
use super::coded::{CodedFields, name_field};
use super::coded::{FIRST, NAMES};
use super::encode::{Names, UNKNOWN, names, push_id, push_inline, push_values};
use super::{Fields, InventoryColumn, PoolRecord};

use foldhash::quality::RandomState;
use hashbrown::HashMap;
use std::hash::BuildHasher;
use std::sync::{Arc, Mutex, PoisonError};

/// The hash of ids. Its seed differs per inventory, so that nobody can prepare ids whose hashes collide.
pub(crate) type IdHasher = RandomState;

/// The maximum number of names in a dictionary. Each takes at most three bytes in a row.
const MAX_NAMES: usize = 1 << 16;
/// The maximum length of a name in a dictionary in bytes.
const MAX_NAME_BYTES: usize = 128;
/// Bytes of memory that a count takes besides its name.
const COUNT_BYTES: u64 = 64;
/// The bytes that most rows take.
const ROW_BYTES: usize = 48;
/// The maximum bytes that are reserved for rows.
const MAX_RESERVED_BYTES: usize = 4 << 20;
/// The bytes of counts that an encoder keeps before it passes them on.
const MAX_COUNTS_BYTES: u64 = 2 << 20;

/// Counts over the rows of an inventory.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    /// The number of things of each kind.
    pub kinds: HashMap<String, u64>,
    /// The number of things of each tenant.
    pub tenants: HashMap<String, u64>,
    pub pools: HashMap<String, PoolRecord>,
    /// The largest number of tenants of one thing.
    pub max_tenants: u64,
    /// An estimate of the bytes that they take.
    pub bytes: u64,
}

impl Totals {
    /// Counts a row. `pool_minimum` is the number of members that its pool requires; the largest one counts.
    pub fn count(&mut self, fields: &Fields<'_>, pool_minimum: Option<u64>) {
        self.count_kind(fields);
        self.count_tenants(fields);
        self.count_pool(fields, pool_minimum);
    }

    fn count_kind(&mut self, fields: &Fields<'_>) {
        if let Some(kind) = fields.kind {
            *entry(&mut self.kinds, kind, &mut self.bytes) += 1;
        }
    }

    fn count_tenants(&mut self, fields: &Fields<'_>) {
        for tenant in fields.tenant_names() {
            *entry(&mut self.tenants, tenant, &mut self.bytes) += 1;
        }
        self.max_tenants = self.max_tenants.max(fields.tenant_count());
    }

    fn count_pool(&mut self, fields: &Fields<'_>, pool_minimum: Option<u64>) {
        if let Some(pool) = fields.pool {
            let pool = entry(&mut self.pools, pool, &mut self.bytes);
            pool.members += u64::from(fields.is_in_use());
            pool.minimum = pool.minimum.max(pool_minimum);
        }
    }

    /// Adds other counts.
    pub fn add(&mut self, other: Self) {
        for (kind, count) in other.kinds {
            *entry(&mut self.kinds, &kind, &mut self.bytes) += count;
        }
        for (tenant, count) in other.tenants {
            *entry(&mut self.tenants, &tenant, &mut self.bytes) += count;
        }
        for (name, PoolRecord { members, minimum }) in other.pools {
            let pool = entry(&mut self.pools, &name, &mut self.bytes);
            pool.members += members;
            pool.minimum = pool.minimum.max(minimum);
        }
        self.max_tenants = self.max_tenants.max(other.max_tenants);
    }
}

/// Returns the count of a name. `bytes` is increased if it is a new one.
fn entry<'a, T: Default>(counts: &'a mut HashMap<String, T>, name: &str, bytes: &mut u64) -> &'a mut T {
    counts.entry_ref(name).or_insert_with(|| {
        *bytes += name.len() as u64 + COUNT_BYTES;
        T::default()
    })
}

/// The dictionaries that all encoders of an inventory share. The codes depend on the threads, but no answer does.
#[derive(Debug, Default)]
struct Dictionaries([Mutex<Dictionary>; NAMES]);

#[derive(Debug, Default)]
struct Dictionary {
    codes: HashMap<Box<str>, u64>,
    texts: Vec<Box<str>>,
}

impl Dictionary {
    /// Returns the code of a name; `None` if there are too many others.
    fn code(&mut self, name: &str) -> Option<u64> {
        if let Some(code) = self.codes.get(name) {
            return Some(*code);
        }
        let code = FIRST + self.texts.len() as u64;
        if self.texts.len() >= MAX_NAMES {
            return None;
        }
        self.codes.insert(name.into(), code);
        self.texts.push(name.into());
        Some(code)
    }
}

/// The encoders of the threads that read an inventory.
#[derive(Debug, Default)]
pub(crate) struct Encoders {
    hasher: IdHasher,
    dictionaries: Arc<Dictionaries>,
    /// Encoders that are not used now.
    idle: Mutex<Vec<Encoder>>,
}

impl Encoders {
    pub fn new(hasher: IdHasher) -> Self {
        Self { hasher, ..Self::default() }
    }

    /// Lends an encoder to `encode`.
    pub fn with<R>(&self, encode: impl FnOnce(&mut Encoder) -> R) -> R {
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let encoder = idle().pop();
        let mut encoder = encoder.unwrap_or_else(|| Encoder {
            hasher: self.hasher.clone(),
            dictionaries: Some(Arc::clone(&self.dictionaries)),
            ..Encoder::default()
        });
        let result = encode(&mut encoder);
        idle().push(encoder);
        result
    }

    /// Returns the dictionaries, and the counts that were not passed on with a block.
    pub fn finish(self) -> (Names, Vec<Totals>) {
        let idle = self.idle.into_inner().unwrap_or_else(PoisonError::into_inner);
        let dictionaries = self.dictionaries.0.each_ref();
        let texts =
            dictionaries.map(|names| std::mem::take(&mut names.lock().unwrap_or_else(PoisonError::into_inner).texts));
        let totals = idle.into_iter().map(|encoder| encoder.into_totals(&texts)).collect();
        (texts, totals)
    }
}

/// Encodes rows. One without dictionaries keeps every name in its row.
#[derive(Debug, Default)]
pub(crate) struct Encoder {
    hasher: IdHasher,
    dictionaries: Option<Arc<Dictionaries>>,
    /// The codes of names that this encoder looked up before.
    known: [HashMap<Box<str>, u64>; NAMES],
    /// Whether each dictionary has no room for other names.
    full: [bool; NAMES],
    totals: Totals,
    /// The number of things of each kind that has a code, by the codes.
    kinds: Vec<u64>,
    /// The number of things of each tenant that has a code and shares nothing with others, by the codes.
    tenants: Vec<u64>,
    block: EncodedBlock,
}

/// Encoded rows.
#[derive(Debug, Default)]
pub(crate) struct EncodedBlock {
    bytes: Vec<u8>,
    rows: Vec<EncodedRow>,
    /// Counts over these rows and earlier ones, if there are many.
    pub totals: Option<Totals>,
}

#[derive(Clone, Copy, Debug)]
struct EncodedRow {
    hash: u64,
    end: usize,
    position: u64,
}

/// A row of a block.
pub(crate) struct BlockRow<'a> {
    /// The hash of its id.
    pub hash: u64,
    /// The line, or the number of the row, in the block.
    pub position: u64,
    pub bytes: &'a [u8],
}

impl EncodedBlock {
    /// Its rows in their order.
    pub fn rows(&self) -> impl Iterator<Item = BlockRow<'_>> {
        let mut start = 0;
        self.rows.iter().map(move |row| {
            let bytes = self.bytes.get(start..row.end).unwrap_or_default();
            start = row.end;
            BlockRow { hash: row.hash, position: row.position, bytes }
        })
    }
}

/// Counts a thing with a code.
fn count(counts: &mut Vec<u64>, code: u64) {
    let i = (code - FIRST) as usize;
    if counts.len() <= i {
        counts.resize(i + 1, 0);
    }
    counts[i] += 1;
}

impl Encoder {
    /// An encoder without dictionaries.
    pub fn new(hasher: IdHasher) -> Self {
        Self { hasher, ..Self::default() }
    }

    /// Appends a row to the block.
    pub fn push(&mut self, position: u64, id: &str, fields: &Fields<'_>, pool_minimum: Option<u64>) {
        self.push_coded(position, id, &CodedFields::from(*fields), pool_minimum);
    }

    /// Appends a row to the block. Its codes are those of [`code`](Self::code).
    pub fn push_coded(&mut self, position: u64, id: &str, coded: &CodedFields<'_>, pool_minimum: Option<u64>) {
        let CodedFields { fields, codes } = coded;
        push_id(&mut self.block.bytes, id);
        let [kind, tenant, others @ ..] = names(fields);
        let [kind_code, tenant_code, other_codes @ ..] = codes;
        match self.push_name(0, kind, *kind_code) {
            Some(code) => count(&mut self.kinds, code),
            None => self.totals.count_kind(fields),
        }
        match self.push_name(1, tenant, *tenant_code).filter(|_| fields.tenants.is_none()) {
            Some(code) => count(&mut self.tenants, code),
            None => self.totals.count_tenants(fields),
        }
        for ((field, name), code) in (2..).zip(others).zip(other_codes) {
            self.push_name(field, name, *code);
        }
        push_values(&mut self.block.bytes, fields);
        let (hash, end) = (self.hasher.hash_one(id.as_bytes()), self.block.bytes.len());
        self.block.rows.push(EncodedRow { hash, end, position });
        self.totals.count_pool(fields, pool_minimum);
    }

    /// Appends a name. Returns its code, if it has one.
    fn push_name(&mut self, field: usize, name: Option<&str>, code: Option<u64>) -> Option<u64> {
        let Some(name) = name else {
            push_number(&mut self.block.bytes, UNKNOWN);
            return None;
        };
        let code = code.or_else(|| self.look_up(field, name));
        match code {
            Some(code) => push_number(&mut self.block.bytes, code),
            None => push_inline(&mut self.block.bytes, name),
        }
        code
    }

    /// Returns all counts that were not passed on.
    fn into_totals(mut self, names: &Names) -> Totals {
        let [kinds, tenants, ..] = names;
        let Totals { kinds: of_kinds, tenants: of_tenants, bytes, max_tenants, .. } = &mut self.totals;
        for (counts, names, of) in [(&self.kinds, kinds, of_kinds), (&self.tenants, tenants, of_tenants)] {
            for (count, name) in counts.iter().zip(names).filter(|(count, _)| **count > 0) {
                *entry(of, name, bytes) += count;
            }
        }
        if self.tenants.iter().any(|count| *count > 0) {
            *max_tenants = (*max_tenants).max(1);
        }
        self.totals
    }

    /// Makes room for this many rows, so that they are not copied as the block grows.
    pub fn reserve(&mut self, rows: usize) {
        let bytes = rows.saturating_mul(ROW_BYTES).min(MAX_RESERVED_BYTES);
        self.block.bytes.reserve(bytes);
        self.block.rows.reserve(bytes / ROW_BYTES);
    }

    /// Returns the code of a name of a column, if it has one.
    pub fn code(&mut self, column: InventoryColumn, name: &str) -> Option<u64> {
        self.look_up(name_field(column)?, name)
    }

    fn look_up(&mut self, field: usize, name: &str) -> Option<u64> {
        let known = self.known.get_mut(field)?;
        if let Some(code) = known.get(name) {
            return Some(*code);
        }
        let dictionaries = self.dictionaries.as_ref()?;
        if name.len() > MAX_NAME_BYTES || self.full.get(field).is_none_or(|full| *full) {
            return None;
        }
        let code = dictionaries.0.get(field)?.lock().unwrap_or_else(PoisonError::into_inner).code(name);
        match code {
            Some(code) => drop(known.insert(name.into(), code)),
            None => self.full[field] = true,
        }
        code
    }

    /// Returns the rows since the last block.
    pub fn finish_block(&mut self) -> EncodedBlock {
        let mut block = std::mem::take(&mut self.block);
        if self.totals.bytes > MAX_COUNTS_BYTES {
            block.totals = Some(std::mem::take(&mut self.totals));
        }
        block
    }
}
