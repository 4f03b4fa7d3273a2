//! What the inventory knows of the targets of one chunk: the resolved columns, and counts. Chunks are counted on several
//! threads or by several processes, and their counts are added in the order of the chunks.

use super::share::Share;
use crate::columns::{Chunk, Column, ResolvedBuilder, Values};
use crate::record::{CodedFields, Fields, Texts, reached};
use hashbrown::HashMap;
use serde::{Deserialize, Serialize};

/// The targets of a chunk with what the inventory knows of them.
#[derive(Debug, Default)]
pub(crate) struct ResolvedChunk {
    /// The resolved columns.
    pub columns: Chunk,
    pub counts: ResolvedCounts,
}

/// What is counted of the targets of a chunk.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct ResolvedCounts {
    pub rows: u32,
    /// Of the rows whose size is known.
    pub bytes: Option<u64>,
    /// The values of the resolved columns of kinds, environments and states.
    pub columns: [NameCounts; 3],
    pub resolved: u64,
    /// The rows that the inventory does not know, and their ids.
    pub unknown: Vec<(u64, String)>,
    /// The share of each tenant.
    pub tenants: Vec<(String, Share)>,
    /// The number of tenants without a name.
    pub tenants_unknown: u64,
    /// Of those, the number that the inventory counts.
    pub unnamed: u64,
    /// The number of things of each kind, of the list or the inventory; without a name, of unknown ones.
    pub kinds: Vec<(Option<String>, u64)>,
    /// The number of members in use of each pool.
    pub pools: Vec<(String, u64)>,
    /// The number of targets whose dependents are not known.
    pub dependents_unknown: u64,
    /// The dependents of each target that has some.
    pub dependents: Vec<Dependents>,
}

/// How often each value of a column occurs.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct NameCounts {
    pub known: Vec<(String, u64)>,
    pub unknown: u64,
}

impl NameCounts {
    fn of(column: &Column) -> Self {
        let counts = column.count();
        let known = counts.known.into_iter().map(|(name, count)| (name.to_owned(), count));
        Self { known: known.collect(), unknown: counts.unknown }
    }
}

/// The ids of the dependents of a thing.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Dependents {
    /// The kind of the thing.
    pub kind: Option<String>,
    pub ids: Vec<String>,
}

/// Resolves the targets of a chunk, one after another.
pub(super) struct ResolvedChunkBuilder<'a> {
    listed: [Option<&'a Column>; 3],
    first_row: u64,
    row: usize,
    found: ResolvedCounts,
    columns: ResolvedBuilder,
    tenants: HashMap<String, Share>,
    kinds: HashMap<Option<&'a str>, u64>,
    pools: HashMap<String, u64>,
    /// The number of things of each kind and of each tenant that has a code in the resolved columns.
    kind_codes: Vec<u64>,
    tenant_codes: Vec<u64>,
}

impl<'a> ResolvedChunkBuilder<'a> {
    pub fn new(chunk: &'a Chunk) -> Self {
        Self {
            listed: ["id", "kind", "tenant"].map(|name| chunk.column(name)),
            first_row: chunk.first_row,
            row: 0,
            found: ResolvedCounts { rows: chunk.rows, ..ResolvedCounts::default() },
            columns: ResolvedBuilder::with_capacity(chunk.rows as usize),
            tenants: HashMap::new(),
            kinds: HashMap::new(),
            pools: HashMap::new(),
            kind_codes: Vec::new(),
            tenant_codes: Vec::new(),
        }
    }

    /// Adds what is known of the next target.
    pub fn push(&mut self, coded: Option<&CodedFields<'_>>) {
        let (found, row) = (&mut self.found, self.row);
        self.row += 1;
        let [id, kind, tenant] = self.listed;
        // Most rows need none of them.
        let listed = |column: Option<&'a Column>| column.and_then(|column| column.text(row));
        let fields = coded.map(|coded| &coded.fields);
        let is_shared = fields.is_some_and(|fields| fields.tenants.is_some());
        self.columns.push(coded, if is_shared { listed(tenant) } else { None });
        match fields {
            Some(_) => found.resolved += 1,
            None => {
                let row = self.first_row + row as u64;
                found.unknown.push((row, listed(id).unwrap_or_default().to_owned()));
            }
        }
        // Most things are of one tenant, and nobody is named as responsible for them.
        let simple =
            fields.filter(|fields| fields.tenants.is_none() && fields.owner.is_none() && fields.contact.is_none());
        match simple.and_then(|_| self.columns.tenant()) {
            Some(code) => count(&mut self.tenant_codes, code),
            None => {
                let tenant = listed(tenant);
                let (names, unnamed) = reached(fields, tenant);
                found.tenants_unknown = found.tenants_unknown.saturating_add(unnamed);
                found.unnamed = found.unnamed.saturating_add(fields.map_or(0, Fields::unnamed_tenants));
                for name in names {
                    // Who is responsible for a thing need not be so for a tenant that only shares it.
                    let own = fields.filter(|fields| fields.tenant.or(tenant) == Some(name));
                    self.tenants.entry_ref(name).or_default().add(own);
                }
            }
        }
        match self.columns.kind() {
            Some(code) => count(&mut self.kind_codes, code),
            None => *self.kinds.entry(listed(kind)).or_default() += 1,
        }
        // A member that is out of use is no capacity, so it is no loss.
        if let Some(pool) = fields.and_then(|fields| fields.pool.filter(|_| fields.is_in_use())) {
            *self.pools.entry_ref(pool).or_default() += 1;
        }
        match fields.and_then(|fields| fields.dependents) {
            None => found.dependents_unknown += 1,
            Some(ids) if ids.is_empty() => {}
            Some(ids) => {
                let kind = fields.and_then(|fields| fields.kind).or_else(|| listed(kind));
                found.dependents.push(Dependents::of(kind, ids));
            }
        }
    }

    pub fn finish(self) -> ResolvedChunk {
        let Self { first_row, mut found, mut tenants, kinds, pools, kind_codes, tenant_codes, .. } = self;
        let columns = self.columns.finish();
        let mut kinds: HashMap<Option<String>, u64> =
            kinds.into_iter().map(|(kind, count)| (kind.map(str::to_owned), count)).collect();
        for (name, things) in counted(columns.first(), &kind_codes) {
            *kinds.entry(Some(name.to_owned())).or_default() += things;
        }
        for (name, things) in counted(columns.get(1), &tenant_codes) {
            tenants.entry_ref(name).or_default().things += things;
        }
        found.tenants = tenants.into_iter().collect();
        found.kinds = kinds.into_iter().collect();
        found.pools = pools.into_iter().collect();
        for column in &columns {
            match column.name.as_str() {
                "resolved_kind" => found.columns[0] = NameCounts::of(column),
                "resolved_environment" => found.columns[1] = NameCounts::of(column),
                "resolved_state" => found.columns[2] = NameCounts::of(column),
                "resolved_size_bytes" => found.bytes = column.sum(),
                _ => {}
            }
        }
        ResolvedChunk { columns: Chunk { first_row, rows: found.rows, columns }, counts: found }
    }
}

fn count(counts: &mut Vec<u64>, code: u32) {
    let code = code as usize;
    if counts.len() <= code {
        counts.resize(code + 1, 0);
    }
    counts[code] += 1;
}

/// The names of the codes that were counted, with their counts.
fn counted<'a, 'c>(
    column: Option<&'a Column>,
    counts: &'c [u64],
) -> impl Iterator<Item = (&'a str, u64)> + use<'a, 'c> {
    let names = column.into_iter().flat_map(|column| match &column.values {
        Values::Codes(codes) => Some(codes.dictionary.iter()),
        _ => None,
    });
    names.flatten().zip(counts.iter().copied()).filter(|(_, count)| *count > 0)
}

impl Dependents {
    pub fn of(kind: Option<&str>, ids: Texts<'_>) -> Self {
        Self { kind: kind.map(str::to_owned), ids: ids.iter().map(str::to_owned).collect() }
    }
}
