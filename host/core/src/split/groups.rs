//! Groups of targets that a split must keep together: those of one tenant, and those that depend on each other.

use crate::evaluate::EvaluationContext;
use hashbrown::HashMap;
use reprieve_batch::{Batch, Column, Inventory, LookupError, Record};

/// Targets that must be in the same part.
#[derive(Debug, Default)]
pub(super) struct Group {
    /// Their rows, ascending.
    pub rows: Vec<u64>,
    /// The number of tenants they belong to. Each tenant without a name counts as one of its own.
    pub tenants: u64,
}

/// The groups of the rows for which `keep` is true, in the order of their first rows.
pub(super) fn groups(
    batch: &Batch,
    context: &EvaluationContext,
    inventory: Option<&dyn Inventory>,
    keep: impl Fn(u64) -> bool,
) -> Result<Vec<Group>, LookupError> {
    let mut sets = Sets::default();
    let mut of_row: Vec<Option<usize>> = Vec::new();
    let mut of_tenant: HashMap<String, usize> = HashMap::new();
    for i in 0..batch.chunk_rows().len() {
        let resolved_chunk = context.chunk(batch, i)?;
        let chunk = &resolved_chunk.chunk;
        let resolved = resolved_chunk.resolved().iter().find(|column| column.name == "resolved_tenant");
        let claimed = chunk.column("tenant");
        let text =
            |column: Option<&'_ Column>, row| column.and_then(|column: &Column| column.text(row)).map(str::to_owned);
        for row in 0..chunk.rows as usize {
            if !keep(chunk.first_row + row as u64) {
                of_row.push(None);
                continue;
            }
            let set = match text(resolved, row).or_else(|| text(claimed, row)) {
                Some(tenant) => *of_tenant.entry(tenant).or_insert_with(|| sets.add()),
                None => sets.add(),
            };
            of_row.push(Some(set));
        }
    }
    let mut unnamed: HashMap<usize, u64> = HashMap::new();
    if let Some(inventory) = inventory {
        join_records(batch, inventory, &of_row, &mut sets, |sets, set, record| {
            for tenant in record.tenants.iter().flat_map(|sharers| &sharers.names) {
                let of_tenant = *of_tenant.entry_ref(tenant).or_insert_with(|| sets.add());
                sets.join(set, of_tenant);
            }
            let count = record.tenants.as_ref().map_or(0, |sharers| sharers.unnamed);
            *unnamed.entry(set).or_default() += count;
        })?;
    }

    let mut place: HashMap<usize, usize> = HashMap::new();
    let mut groups: Vec<Group> = Vec::new();
    for (row, set) in (0_u64..).zip(&of_row) {
        let Some(set) = set else { continue };
        let root = sets.root(*set);
        let at = *place.entry(root).or_insert_with(|| {
            groups.push(Group { rows: Vec::new(), tenants: 0 });
            groups.len() - 1
        });
        if let Some(group) = groups.get_mut(at) {
            group.rows.push(row);
        }
    }
    for set in 0..sets.parents.len() {
        let root = sets.root(set);
        if let Some(group) = place.get(&root).and_then(|at| groups.get_mut(*at)) {
            group.tenants = group.tenants.saturating_add(1);
            group.tenants = group.tenants.saturating_add(unnamed.get(&set).copied().unwrap_or_default());
        }
    }
    Ok(groups)
}

/// Joins each target with its dependents, if they are targets as well, and with the tenants that share it.
fn join_records(
    batch: &Batch,
    inventory: &dyn Inventory,
    of_row: &[Option<usize>],
    sets: &mut Sets,
    mut share: impl FnMut(&mut Sets, usize, &Record),
) -> Result<(), LookupError> {
    let all = batch.ids()?;
    let kept = || all.iter().zip(of_row).filter_map(|(id, set)| Some((id.as_deref()?, (*set)?)));
    let of_id: HashMap<&str, usize> = kept().collect();
    let ids: Vec<&str> = kept().map(|(id, _)| id).collect();
    let snapshot = inventory.snapshot()?;
    for (id, record) in ids.iter().zip(snapshot.records(&ids)?) {
        if let Some((set, record)) = of_id.get(id).zip(record.as_deref()) {
            share(sets, *set, record);
        }
        let dependents = record.as_deref().and_then(|record| record.dependents.as_deref()).unwrap_or_default();
        for dependent in dependents {
            if let (Some(a), Some(b)) = (of_id.get(id), of_id.get(dependent.as_str())) {
                sets.join(*a, *b);
            }
        }
    }
    Ok(())
}

/// Disjoint sets, each known by its smallest member.
#[derive(Default)]
struct Sets {
    parents: Vec<usize>,
}

impl Sets {
    fn add(&mut self) -> usize {
        self.parents.push(self.parents.len());
        self.parents.len() - 1
    }

    /// The smallest member of a set. It halves the path on its way, so that later look-ups are short.
    fn root(&mut self, mut set: usize) -> usize {
        while let Some(&parent) = self.parents.get(set).filter(|parent| **parent != set) {
            let grandparent = self.parents.get(parent).copied().unwrap_or(parent);
            if let Some(own) = self.parents.get_mut(set) {
                *own = grandparent;
            }
            set = grandparent;
        }
        set
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        if let Some(parent) = self.parents.get_mut(a.max(b)) {
            *parent = a.min(b);
        }
    }
}
