//! Resolving a batch: what the inventory knows of each target, as columns, and the facts that follow from it.

use super::closure::{ClosureFacts, Walk};
use super::fate::{Fates, Seen};
use super::interface::{Inventory, Snapshot};
use super::resolved_chunk::{ResolvedChunk, ResolvedCounts};
use super::targets::Targets;
use super::tenants::{TENANTS_AT_ONCE, Tenants};
use crate::columns::Store;
use crate::error::LookupError;
use crate::facts::{Counter, Distinct, total};
use crate::spill::MemoryBudget;
use reprieve_model::{Claims, InventoryFacts, NearMiss, NearMisses, TenantFacts};

/// The inventory's answer about a batch.
#[derive(Debug)]
pub struct Resolution {
    /// The resolved columns of each chunk, in the order of the chunks.
    pub columns: Store,
    /// Their counts, and the closure of the targets.
    pub facts: InventoryFacts,
    /// Every tenant that the batch reaches.
    pub tenants: Tenants,
}

/// An answer while the counts of the chunks are added to it, in their order.
pub(crate) struct ResolutionBuilder {
    walk: Walk,
    resolved: u64,
    unresolved: u64,
    bytes: Option<u64>,
    kinds: Counter,
    environments: Counter,
    states: Counter,
    tenants: Distinct,
    tenants_unknown: u64,
    unknown: UnknownIds,
}

/// The ids that the inventory does not know, with their rows.
#[derive(Default)]
struct UnknownIds {
    ids: Vec<(u64, String)>,
    /// The length of the ids, of all together.
    bytes: usize,
    /// The number of ids that were too many.
    others: u64,
}

/// The maximum number of unknown ids that are compared with those of the inventory.
const MAX_UNKNOWN_IDS: usize = 1 << 16;
/// The maximum length of those in bytes, of all together.
const MAX_UNKNOWN_BYTES: usize = 8 << 20;
/// The maximum number of examples of near misses.
const MAX_EXAMPLES: usize = 5;

/// Resolves every target, chunk by chunk, and with `contacts` also the contacts of the tenants. Resolved columns that do
/// not fit into the memory are spilled to a temporary file.
pub(crate) fn resolve_targets(
    chunks: &Store,
    inventory: &dyn Inventory,
    claims: &Claims,
    contacts: bool,
    memory: MemoryBudget,
    threads: usize,
) -> Result<Resolution, LookupError> {
    let inventory = inventory.snapshot()?;
    let (mut builder, mut columns) = (ResolutionBuilder::new(memory), Store::new(memory.resolved()));
    let mut add = |ResolvedChunk { columns: resolved, counts }: ResolvedChunk| {
        columns.push(resolved).map_err(in_spilling)?;
        builder.add(counts)
    };
    inventory.resolve(&mut Targets { chunks, memory, threads, each: &mut add })?;
    let mut fates = Fates::of_evidence(claims);
    fates.see_targets(chunks)?;
    builder.finish(chunks, columns, &*inventory, fates, contacts)
}

/// Passes the chunks of a section on with what the inventory knows of them. Returns the digest of the inventory.
pub(crate) fn resolve_section(
    chunks: &Store,
    inventory: &dyn Inventory,
    memory: MemoryBudget,
    threads: usize,
    each: &mut dyn FnMut(ResolvedChunk) -> Result<(), LookupError>,
) -> Result<String, LookupError> {
    let inventory = inventory.snapshot()?;
    inventory.resolve(&mut Targets { chunks, memory, threads, each })?;
    Ok(inventory.sha256())
}

/// Returns what the targets of a section show of the places that the request's evidence names.
pub(crate) fn seen_evidence(claims: &Claims, chunks: &Store) -> Result<Vec<Seen>, LookupError> {
    let mut fates = Fates::of_evidence(claims);
    fates.see_targets(chunks)?;
    Ok(fates.seen)
}

fn in_spilling(error: std::io::Error) -> LookupError {
    LookupError::Invalid(format!("the resolved columns cannot be spilled to a temporary file: {error}"))
}

impl ResolutionBuilder {
    /// Begins to count.
    pub fn new(memory: MemoryBudget) -> Self {
        Self {
            walk: Walk::new(memory.shares()),
            resolved: 0,
            unresolved: 0,
            bytes: None,
            kinds: Counter::default(),
            environments: Counter::default(),
            states: Counter::default(),
            tenants: Distinct::new(memory.tenants()),
            tenants_unknown: 0,
            unknown: UnknownIds::default(),
        }
    }

    /// Adds the counts of the next chunk.
    pub fn add(&mut self, mut chunk: ResolvedCounts) -> Result<(), LookupError> {
        self.resolved += chunk.resolved;
        self.unresolved += chunk.unknown.len() as u64;
        self.bytes = total(self.bytes, chunk.bytes);
        chunk.unknown.drain(..).for_each(|(row, id)| self.unknown.add(row, id));
        self.tenants_unknown = self.tenants_unknown.saturating_add(chunk.tenants_unknown);
        chunk.tenants.iter().try_for_each(|(name, _)| self.tenants.add(name.as_bytes())).map_err(|error| {
            LookupError::Spilled(format!("the tenants cannot be spilled to a temporary file: {error}"))
        })?;
        let counters = [&mut self.kinds, &mut self.environments, &mut self.states];
        for ((counter, names), what) in counters.into_iter().zip(&chunk.columns).zip(["kind", "environment", "state"])
        {
            names.known.iter().for_each(|(name, count)| counter.add(Some(name), *count));
            counter.add(None, names.unknown);
            counter.check(what).map_err(|message| LookupError::Invalid(format!("in the inventory, {message}")))?;
        }
        self.walk.add_targets(chunk)
    }

    /// Follows the dependents, and returns the answer. `columns` are the resolved columns of `chunks`; `fates` have seen the
    /// targets.
    pub fn finish(
        self,
        chunks: &Store,
        columns: Store,
        inventory: &dyn Snapshot,
        fates: Fates<'_>,
        contacts: bool,
    ) -> Result<Resolution, LookupError> {
        let ClosureFacts { closure, pools, tenants, unnamed, evidence } =
            self.walk.finish(chunks, inventory, fates)?;
        let names: Vec<&str> = closure.kinds.counts.keys().map(String::as_str).collect();
        let distinct = self.tenants.finish();
        let distinct =
            distinct.map_err(|error| LookupError::Spilled(format!("spilled tenants cannot be read: {error}")))?;
        let facts = InventoryFacts {
            resolved: self.resolved,
            unresolved: self.unresolved,
            bytes: self.bytes,
            tenants: TenantFacts { distinct, unknown: self.tenants_unknown },
            kinds: self.kinds.tally(),
            environments: self.environments.tally(),
            states: self.states.tally(),
            population: inventory.population(&names)?,
            population_tenants: inventory.tenants()?,
            // Whether anything is left of a tenant without a name is unknown.
            tenants_gone: tenants_gone(&tenants, inventory)?.map(|gone| gone.saturating_add(unnamed)),
            near_misses: near_misses(self.unknown, inventory)?,
            pools,
            closure,
            evidence: Some(evidence),
            source: inventory.source(),
            // Last, because it may be the digest of all answers.
            sha256: inventory.sha256(),
        };
        let tenants = if contacts { tenants.with_contacts(inventory)? } else { tenants };
        Ok(Resolution { columns, facts, tenants })
    }
}

impl UnknownIds {
    fn add(&mut self, row: u64, id: String) {
        if self.bytes + id.len() <= MAX_UNKNOWN_BYTES && self.ids.len() < MAX_UNKNOWN_IDS {
            self.bytes += id.len();
            self.ids.push((row, id));
        } else {
            self.others += 1;
        }
    }
}

/// Finds the unknown ids that the inventory has in another spelling.
fn near_misses(unknown: UnknownIds, inventory: &dyn Snapshot) -> Result<Option<NearMisses>, LookupError> {
    let UnknownIds { ids: unknown, others, .. } = unknown;
    if unknown.is_empty() {
        return Ok(Some(NearMisses::default()));
    }
    let ids: Vec<&str> = unknown.iter().map(|(_, id)| id.as_str()).collect();
    let Some(known) = inventory.nearly(&ids)? else { return Ok(None) };
    let mut found = NearMisses { unchecked: others, ..NearMisses::default() };
    for ((row, id), known) in unknown.into_iter().zip(known) {
        let Some(known) = known else { continue };
        found.count += 1;
        if found.examples.len() < MAX_EXAMPLES {
            found.examples.push(NearMiss { row, id, known });
        }
    }
    Ok(Some(found))
}

/// Counts the tenants that would have nothing left.
fn tenants_gone(tenants: &Tenants, inventory: &dyn Snapshot) -> Result<Option<u64>, LookupError> {
    let mut gone = Some(0);
    let mut some: Vec<(String, u64)> = Vec::new();
    let mut count = |some: &mut Vec<(String, u64)>| {
        let names: Vec<&str> = some.iter().map(|(tenant, _)| tenant.as_str()).collect();
        let things = inventory.things(&names)?;
        gone = gone.zip(things).map(|(gone, things)| {
            gone + some.iter().zip(things).filter(|((_, deleted), all)| deleted >= all).count() as u64
        });
        some.clear();
        Ok::<_, LookupError>(())
    };
    tenants.each(|tenant, share| {
        some.push((tenant.to_owned(), share.things));
        if some.len() < TENANTS_AT_ONCE { Ok(()) } else { count(&mut some) }
    })?;
    count(&mut some)?;
    Ok(gone)
}

#[cfg(test)]
mod tests {
    use crate::batch::Batch;
    use crate::inventory::Table;
    use crate::read::Folder;
    use crate::record::{Record, Sharers};
    use reprieve_model::{Facts, NearMiss, Review};
    use std::path::Path;

    /// The facts of a soft delete of `app` in `production`, with these targets and an inventory of these records.
    fn facts(targets: &str, inventory: &[(&str, Record)]) -> Facts {
        let mut table = Table::default();
        inventory.iter().for_each(|(id, record)| table.add(id, record.clone(), None).unwrap());
        let request = format!(
            r#"{{"id": "r", "mode": "soft", "environment": "production", "target_kind": "app", "targets": {targets}}}"#
        );
        let (folder, _) = Folder::of(Path::new("Cargo.toml")).unwrap();
        let batch = Batch::read(request.as_bytes(), "r", &folder).unwrap();
        let review: Review = serde_json::from_str(&batch.review(Some(&table)).unwrap().0).unwrap();
        review.facts
    }

    fn app(tenant: &str) -> Record {
        Record {
            kind: Some("app".to_owned()),
            tenant: Some(tenant.to_owned()),
            dependents: Some(Vec::new()),
            ..Record::default()
        }
    }

    #[test]
    fn ids_alone_have_the_kind_of_the_request_and_the_tenants_of_the_inventory() {
        let inventory = [("a", app("t")), ("b", app("t")), ("c", app("u"))];
        let ids = facts(r#"[{"id": "a"}, {"id": "b"}]"#, &inventory);
        assert_eq!(ids.kinds.counts.into_iter().collect::<Vec<_>>(), [("app".to_owned(), 2)]);
        assert_eq!((ids.kinds.unknown, ids.tenants.distinct, ids.tenants.unknown), (0, 1, 0));
        assert_eq!(ids.tenants_at_most, 1);

        let unknown = facts(r#"[{"id": "a"}, {"id": "b", "tenant": "NULL"}, {"id": "nobody"}]"#, &inventory);
        assert_eq!((unknown.tenants.distinct, unknown.tenants.unknown), (1, 1));
        let listed =
            facts(r#"[{"id": "a", "tenant": "u"}, {"id": "c"}, {"id": "nobody", "tenant": "w"}]"#, &inventory);
        assert_eq!((listed.tenants.distinct, listed.tenants.unknown), (3, 0), "the inventory's name comes first");
    }

    #[test]
    fn a_tenant_is_gone_if_nothing_of_it_is_left() {
        let inventory = [("a", app("t")), ("b", app("t")), ("c", app("u")), ("d", app("v"))];
        let gone = |targets| facts(targets, &inventory).inventory.unwrap().tenants_gone;
        assert_eq!(gone(r#"[{"id": "a"}]"#), Some(0));
        assert_eq!(gone(r#"[{"id": "a"}, {"id": "b"}, {"id": "d"}]"#), Some(2));
        assert_eq!(
            gone(r#"[{"id": "nobody", "tenant": "new"}]"#),
            Some(1),
            "a tenant that has nothing counts as gone"
        );
    }

    #[test]
    fn a_shared_thing_reaches_all_of_its_tenants() {
        let shared = |tenant: Option<&str>, text: &str| Record {
            tenant: tenant.map(str::to_owned),
            tenants: Sharers::of_text(text).unwrap(),
            ..app("")
        };
        let inventory = [
            ("server", shared(Some("t"), "t;u;v;NULL")),
            ("other", shared(None, "u;w")),
            ("counted", shared(Some("t"), "400")),
            ("more", shared(None, "3")),
            ("own", app("v")),
        ];
        let reach = |targets| {
            let facts = facts(targets, &inventory);
            let found = facts.inventory.unwrap();
            assert_eq!(
                (facts.tenants_at_most, facts.restore.tenants),
                (facts.tenants.at_most(), facts.tenants_at_most)
            );
            assert_eq!(found.closure.tenants, found.tenants);
            (facts.tenants.distinct, facts.tenants.unknown, found.tenants_gone.unwrap(), found.population_tenants)
        };
        // `t` and `u` have something left, and `v` has its own thing; whether the fourth tenant has is unknown.
        assert_eq!(reach(r#"[{"id": "server", "tenant": "u"}]"#), (3, 1, 1, 401));
        assert_eq!(reach(r#"[{"id": "server"}, {"id": "other"}]"#), (4, 1, 3, 401));
        assert_eq!(reach(r#"[{"id": "counted"}, {"id": "more", "tenant": "x"}]"#), (1, 403, 403, 401));
        assert_eq!(reach(r#"[{"id": "server"}, {"id": "own", "tenant": "v"}]"#), (3, 1, 2, 401));
    }

    #[test]
    fn only_members_in_use_are_capacity() {
        let member = |state: &str| Record { pool: Some("p".to_owned()), state: Some(state.to_owned()), ..app("t") };
        let inventory =
            [("a", member("live")), ("b", member("live")), ("c", member("Soft_Deleted")), ("d", member("disabled"))];
        let pools = |targets| facts(targets, &inventory).inventory.unwrap().pools;
        assert_eq!(pools(r#"[{"id": "c"}, {"id": "d"}]"#), [], "a retired member is no loss");
        let pool = pools(r#"[{"id": "a"}, {"id": "c"}]"#).remove(0);
        assert_eq!((pool.members, pool.removed), (2, 1));
    }

    #[test]
    fn an_unknown_id_that_is_known_in_another_spelling_is_a_near_miss() {
        let inventory = [("bob", app("t")), ("amy", app("t"))];
        let near = |targets| facts(targets, &inventory).inventory.unwrap().near_misses.unwrap();
        let found = near(r#"[{"id": "amy"}, {"id": "BOB"}, {"id": "nobody"}, {"id": "\u200bbob"}]"#);
        assert_eq!((found.count, found.unchecked), (2, 0));
        assert_eq!(found.examples[0], NearMiss { row: 1, id: "BOB".to_owned(), known: "bob".to_owned() });
        assert_eq!(near(r#"[{"id": "amy"}, {"id": "nobody"}]"#).count, 0);
    }
}
