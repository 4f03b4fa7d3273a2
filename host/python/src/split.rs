//! Batches that are too large, in parts.

use crate::errors::Error;
use reprieve::{Batch, Gate};
use serde_json::{Value, json};

/// Splits a batch; `tenants` lowers the number of tenants that a part may reach.
pub fn split_batch(gate: &Gate, batch: &Batch, tenants: Option<u64>) -> Result<String, Error> {
    let split = gate.split(batch, tenants)?;
    let mut parts = Vec::new();
    for (i, part) in split.parts.iter().enumerate() {
        parts.push(json!({
            "request": part.request(&format!("part-{:03}", i + 1))?,
            "targets": rows(&part.batch)?,
            "rows": part.rows,
            "tenants": part.tenants,
            "denied": part.denied,
            "canary": split.canary && i == 0,
        }));
    }
    let excluded: Vec<Value> =
        split.excluded.iter().map(|target| json!({ "row": target.row, "codes": target.codes })).collect();
    Ok(json!({ "parts": parts, "excluded": excluded }).to_string())
}

fn rows(batch: &Batch) -> Result<Vec<Value>, Error> {
    let mut lines = Vec::new();
    batch.write_targets(&mut lines).map_err(|error| Error::request(format!("the targets: {error}")))?;
    let rows = lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(serde_json::from_slice);
    Ok(rows.collect::<Result<_, _>>()?)
}
