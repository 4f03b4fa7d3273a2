//! What the policy objects to, and what an operator may change about it.

use reprieve_sdk::{rules, settings};

settings! {
    /// Settings of the policy `rehearsal`.
    pub struct Settings {
        /// How old a dry run may be.
        max_age: u64 = 86_400, 0..=2_592_000, "seconds";
        /// The share of all tenants that the first batch of a campaign may reach.
        canary_share: f64 = 1.0, 0..=100, "percent";
        /// The most tenants that the first batch may reach, whatever the share. The least is one.
        canary_most: u64 = 10, 0..=1_000_000, "tenants";
        /// How many times as many tenants as the batch before it a batch may reach.
        growth: u64 = 10, 0..=1_000_000, "times";
        /// How long a hard delete is watched before the next batch of its campaign.
        soak: u64 = 86_400, 0..=2_592_000, "seconds";
        /// How long a soft delete is watched before the next batch of its campaign.
        soak_soft: u64 = 3600, 0..=2_592_000, "seconds";
    }
}

rules! {
    /// The batch was not run without effect before.
    ///
    /// A dry run shows what would go while it is still there: one user meant and 145,000 resolved (KPMG, August
    /// 2020), a destroy plan that takes everything (DataTalks.Club, February 2026), clusters that a merged state no
    /// longer had (Spotify, 2019).
    NO_DRY_RUN = "no-dry-run" [];

    /// The dry run was of another list, in another environment, or found other counts or kinds.
    ///
    /// A rehearsal of another play proves nothing.
    DRY_RUN_DIFFERS = "dry-run-differs" [];

    /// The dry run is old, or dated in the future.
    ///
    /// Between yesterday's rehearsal and today's run the targets went on living.
    DRY_RUN_STALE = "dry-run-stale" [max_age];

    /// The batch is larger than the steps that its campaign has earned.
    ///
    /// Atlassian's first production run (April 2022) took 30 sites and succeeded, and the next, with ids of another
    /// kind, took 883. A first batch reaches 1 % of the tenants, at least one and at most ten; each further one ten
    /// times the one before, after that one has been watched for a day (an hour where it can be undone), has gone
    /// well, and was of the same kind and mode. Staged rollout is also what Google (2012), Modulus (2015) and the
    /// Police National Computer (2020) took from their incidents.
    NO_CANARY = "no-canary" [canary_share, canary_most, growth, soak, soak_soft];

    /// Nobody knows what the campaign has deleted before, so the batch counts as its first.
    ///
    /// A history that is not there is not an empty one.
    HISTORY_UNKNOWN = "history-unknown" [];
}
