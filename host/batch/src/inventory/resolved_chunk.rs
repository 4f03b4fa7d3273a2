//! What the inventory knows of the targets of one chunk: the resolved columns, and counts. Chunks are counted on several
//! threads, and their counts are added in the order of the chunks.

use super::share::{Share, Who};
use crate::columns::{Chunk, Column, ResolvedBuilder, Values};
use crate::record::{Fields, Texts, reached};
use hashbrown::HashMap;

/// The targets of a chunk with what the inventory knows of them.
#[derive(Debug, Default)]
pub(super) struct ResolvedChunk {
    /// The resolved columns.
    pub columns: Chunk,
    pub resolved: u64,
    /// The rows that the inventory does not know, and their ids.
    pub unknown: Vec<(u64, String)>,
    /// The share of each tenant.
    pub tenants: Vec<(String, Share)>,
    /// The number of tenants without a name.
    pub tenants_unknown: u64,
    /// Of those, the number that the inventory counts.
    pub unnamed: u64,
    /// The number of things of each kind; without a name, of unknown ones.
    pub kinds: Vec<(Option<String>, u64)>,
    /// The number of members in use of each pool.
    pub pools: Vec<(String, u64)>,
    /// The number of targets whose dependents are not known.
    pub dependents_unknown: u64,
    /// The dependents of each target that has some.
    pub dependents: Vec<Dependents>,
}

/// The ids of the dependents of a thing.
#[derive(Debug)]
pub(super) struct Dependents {
    /// The kind of the thing.
    pub kind: Option<String>,
    pub ids: Vec<String>,
}

/// The share of a tenant in a chunk.
#[derive(Clone, Copy, Default)]
struct ChunkShare<'a> {
    things: u64,
    owner: Option<&'a str>,
    contact: Option<&'a str>,
}

impl ResolvedChunk {
    /// Resolves the targets of a chunk with what is known of each.
    pub fn of(chunk: &Chunk, targets: &[Option<Fields<'_>>]) -> Self {
        let (tenant, kind) = (chunk.column("tenant"), chunk.column("kind"));
        let mut found = Self::default();
        let mut builder = ResolvedBuilder::default();
        let mut tenants: HashMap<&str, ChunkShare<'_>> = HashMap::new();
        let mut kinds: HashMap<Option<&str>, u64> = HashMap::new();
        let mut pools: HashMap<&str, u64> = HashMap::new();
        // The number of things of each kind and of each tenant that has a code in the resolved columns.
        let (mut kind_codes, mut tenant_codes) = (Vec::new(), Vec::new());
        let ids = chunk.column("id");
        for (row, fields) in targets.iter().enumerate() {
            let fields = fields.as_ref();
            let listed = tenant.and_then(|tenant| tenant.text(row));
            builder.push(fields, listed);
            match fields {
                Some(_) => found.resolved += 1,
                None => {
                    let id = ids.and_then(|ids| ids.text(row)).unwrap_or_default();
                    found.unknown.push((chunk.first_row + row as u64, id.to_owned()));
                }
            }
            // Most things are of one tenant, and nobody is named as responsible for them.
            let simple = fields
                .filter(|fields| fields.tenants.is_none() && fields.owner.is_none() && fields.contact.is_none());
            let tenant_code = simple.and_then(|_| builder.tenant());
            tenant_code.into_iter().for_each(|code| count(&mut tenant_codes, code));
            let (names, unnamed) = match tenant_code {
                Some(_) => (None, 0),
                None => {
                    let (names, unnamed) = reached(fields, listed);
                    (Some(names), unnamed)
                }
            };
            found.tenants_unknown = found.tenants_unknown.saturating_add(unnamed);
            found.unnamed = found.unnamed.saturating_add(fields.map_or(0, Fields::unnamed_tenants));
            for name in names.into_iter().flatten() {
                let share = tenants.entry(name).or_default();
                share.things += 1;
                // Who is responsible for a thing need not be so for a tenant that only shares it.
                if let Some(fields) = fields.filter(|fields| fields.tenant.or(listed) == Some(name)) {
                    share.owner = share.owner.or(fields.owner);
                    share.contact = share.contact.or(fields.contact);
                }
            }
            let kind = fields.and_then(|fields| fields.kind).or_else(|| kind.and_then(|kind| kind.text(row)));
            match builder.kind() {
                Some(code) => count(&mut kind_codes, code),
                None => *kinds.entry(kind).or_default() += 1,
            }
            // A member that is out of use is no capacity, so it is no loss.
            if let Some(pool) = fields.and_then(|fields| fields.pool.filter(|_| fields.is_in_use())) {
                *pools.entry(pool).or_default() += 1;
            }
            match fields.and_then(|fields| fields.dependents) {
                None => found.dependents_unknown += 1,
                Some(ids) if ids.is_empty() => {}
                Some(ids) => found.dependents.push(Dependents::of(kind, ids)),
            }
        }
        let columns = builder.finish();
        // From here on, they also have names of the columns.
        let (mut tenants, mut kinds) = (tenants, kinds);
        for (name, things) in counted(columns.first(), &kind_codes) {
            *kinds.entry(Some(name)).or_default() += things;
        }
        for (name, things) in counted(columns.get(1), &tenant_codes) {
            tenants.entry(name).or_default().things += things;
        }
        found.tenants = tenants.into_iter().map(|(name, share)| (name.to_owned(), share.own())).collect();
        found.kinds = kinds.into_iter().map(|(kind, count)| (kind.map(str::to_owned), count)).collect();
        found.pools = pools.into_iter().map(|(pool, count)| (pool.to_owned(), count)).collect();
        found.columns = Chunk { first_row: chunk.first_row, rows: chunk.rows, columns };
        found
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

impl ChunkShare<'_> {
    fn own(self) -> Share {
        let Self { things, owner, contact } = self;
        Share { things, who: Who::known(owner, contact).map(Box::new) }
    }
}
