//! The things that several tenants share, counted by tenant. Their names are in one text, so every such row is read, once
//! for all queries of a decision.

use super::{Moment, text};
use crate::error::LookupError;
use crate::inventory::answer::MAX_ANSWER_BYTES;
use crate::record::{Record, Sharers};
use crate::text::is_unknown;
use hashbrown::HashMap;
use std::rc::Rc;

/// Bytes of memory that a name takes in addition to its text.
const NAME_BYTES: u64 = 64;

/// What is shared.
#[derive(Debug, Default)]
pub(super) struct Shares {
    /// The number of things that each tenant shares without owning them.
    pub things: HashMap<String, u64>,
    /// The largest number of tenants of one thing.
    pub max_tenants: u64,
}

impl Moment<'_> {
    /// Returns what is shared.
    pub(super) fn shares(&self) -> Result<Rc<Shares>, LookupError> {
        if let Some(known) = self.shares.get() {
            return Ok(Rc::clone(known));
        }
        let shares = Rc::new(self.read_shares()?);
        Ok(Rc::clone(self.shares.get_or_init(|| shares)))
    }

    fn read_shares(&self) -> Result<Shares, LookupError> {
        let (mut shares, mut bytes) = (Shares::default(), 0);
        if !self.has("tenants") {
            return Ok(shares);
        }
        let tenant = if self.has("tenant") { "tenant" } else { "NULL" };
        let query = format!("SELECT id, {tenant}, tenants FROM inventory WHERE tenants <> '' ORDER BY id");
        self.query(&query, &[], |row| {
            let (owner, sharers) = (text(row.get_ref(1)?)?, text(row.get_ref(2)?)?);
            let in_row = |message: String| {
                let id = row.get_ref(0).ok().and_then(|id| text(id).ok()).unwrap_or_default();
                LookupError::Invalid(format!("the row `{id}`: `tenants`: {message}"))
            };
            let record = Record {
                tenant: Some(owner.trim()).filter(|owner| !is_unknown(owner)).map(str::to_owned),
                tenants: Sharers::of_text(sharers.trim()).map_err(in_row)?,
                ..Record::default()
            };
            let fields = record.fields();
            shares.max_tenants = shares.max_tenants.max(fields.tenant_count());
            for name in fields.tenant_names().skip(usize::from(record.tenant.is_some())) {
                *shares.things.entry_ref(name).or_insert_with(|| {
                    bytes += name.len() as u64 + NAME_BYTES;
                    0
                }) += 1;
            }
            if bytes > MAX_ANSWER_BYTES {
                return Err(LookupError::Invalid(format!(
                    "the names in `tenants` take more than {MAX_ANSWER_BYTES} bytes"
                )));
            }
            Ok(())
        })?;
        Ok(shares)
    }
}
