//! The restore estimate: how long undoing a batch would take.

use reprieve_model::{Claims, Duration, Estimate, Figure};

/// The number of tenants per restore batch after the Atlassian outage of April 2022.
const TENANTS_PER_BATCH: u64 = 60;
/// The maximum duration of such a batch in seconds: five days.
const BATCH_SECONDS: u64 = 5 * 86_400;

/// Estimates how long undoing the batch takes, with the figures of the request, and those of the Atlassian outage where
/// the request has none. A figure of 0 cannot be a measurement, so it is ignored.
pub(super) fn estimate_restore(claims: &Claims, tenants: u64) -> Estimate {
    let restore = claims.recovery.as_ref().and_then(|recovery| recovery.restore.as_ref());
    let figure = |measured: Option<u64>, assumed: u64| match measured.filter(|value| *value > 0) {
        Some(value) => Figure { value, measured: true },
        None => Figure { value: assumed, measured: false },
    };
    let per_batch = figure(restore.and_then(|restore| restore.tenants_per_batch), TENANTS_PER_BATCH);
    let parallel = figure(restore.and_then(|restore| restore.parallel_batches), 1);
    let length = figure(restore.and_then(|restore| restore.batch_duration).map(Duration::seconds), BATCH_SECONDS);
    let batches = tenants.div_ceil(per_batch.value);
    let rounds = batches.div_ceil(parallel.value);
    Estimate {
        tenants,
        batches,
        duration: Duration::from_seconds(rounds.saturating_mul(length.value)),
        tenants_per_batch: per_batch,
        batch_duration: Figure { value: Duration::from_seconds(length.value), measured: length.measured },
        parallel_batches: parallel,
    }
}
