//! The rules of the policy, and its settings.

use reprieve_sdk::{rules, settings};

settings! {
    /// Settings of the policy `rehearsal`.
    pub struct Settings {
        /// Maximum age of a dry run.
        max_age: u64 = 86_400, min = 0, max = 2_592_000, unit = "seconds";
        /// Maximum share of all tenants that the first batch of a campaign may reach.
        canary_share: f64 = 1.0, min = 0, max = 100, unit = "percent";
        /// Maximum number of tenants that the first batch may reach, whatever the share.
        /// The share always allows at least one tenant.
        canary_most: u64 = 10, min = 0, max = 1_000_000, unit = "tenants";
        /// How many times as many tenants as the previous batch a batch may reach.
        growth: u64 = 10, min = 0, max = 1_000_000, unit = "times";
        /// Maximum age of the last batch of a campaign. After that time, the next one is its first again.
        canary_age: u64 = 2_592_000, min = 0, max = 31_536_000, unit = "seconds";
        /// How many times as many targets as usual a batch may have. Usual is the average of the last 30 days, of the same kind
        /// in the same environment, and of the same actor.
        unusual: u64 = 10, min = 1, max = 1_000_000, unit = "times";
        /// A batch of at most this many targets is never unusually large.
        unusual_from: u64 = 1000, min = 0, max = 1_000_000_000, unit = "targets";
        /// A batch of at most this size is never unusually large.
        unusual_size_from: u64 = 1024, min = 0, max = 1_000_000_000, unit = "GiB";
        /// Soak time: how long to observe the result of a hard delete before the next batch of its campaign.
        soak: u64 = 86_400, min = 0, max = 2_592_000, unit = "seconds";
        /// Soak time: how long to observe the result of a soft delete before the next batch of its campaign.
        soak_soft: u64 = 3600, min = 0, max = 2_592_000, unit = "seconds";
    }
}

rules! {
    /// The batch has no dry run.
    ///
    /// A dry run shows what would be deleted while it still exists: a change meant for one user that resolves to
    /// 145,000 (KPMG, August 2020), a destroy plan that deletes everything (DataTalks.Club, February 2026), clusters
    /// that a merged state no longer contains (Spotify, 2019).
    NO_DRY_RUN = "no-dry-run": missing [];

    /// The dry run used another list, environment or program, or found other counts or kinds.
    ///
    /// A dry run of another batch or by another program proves nothing about this one. The program is compared if the
    /// operation or the dry run states its digest.
    DRY_RUN_DIFFERS = "dry-run-differs": wrong [];

    /// The dry run is too old, dated in the future, or not dated.
    ///
    /// The targets may have changed since the dry run. By default, a dry run may be one day old. One that is older than
    /// the list is only warned of: it names the digest of the list, so it is of the same rows.
    DRY_RUN_STALE = "dry-run-stale": wrong [max_age];

    /// The batch reaches more tenants, or has more targets or bytes, than the next step of its campaign allows.
    ///
    /// The first production run of Atlassian's script (April 2022) deleted 30 sites and succeeded. The next run, with
    /// ids of another kind, deleted 883. The first batch of a campaign may reach 1 % of the tenants, but at least one
    /// and at most ten. Each later batch may reach ten times as many tenants as the previous one, once that batch has
    /// succeeded, was of the same kind and mode, ran in the same environment, took its list from the same source, is at most
    /// 30 days old, and was observed for a day (for an hour after a soft delete), and as long as no batch of that kind has
    /// failed since, in any campaign. It may also have ten times as many targets and bytes, and always `unusual_from` and
    /// `unusual_size_from`. Sizes are those of the list and of the inventory; a target whose size is unknown adds none.
    /// Google (2012), Modulus (2015) and the Police National Computer (2020) also adopted staged rollout after their incidents.
    NO_CANARY = "no-canary": wrong [
        canary_share, canary_most, growth, unusual_from, unusual_size_from, canary_age, soak, soak_soft,
    ];

    /// The batch has many more targets or bytes than usual.
    ///
    /// A job that deletes 300 things a day and one day deletes a million has an error in its selection, also if all are of one
    /// tenant. The rule compares the batch with the average of the last 30 days, if there were at least three batches, and it
    /// denies a hard delete and warns about a soft one. A campaign that grows step by step is not unusual.
    UNUSUAL_SIZE = "unusual-size": wrong [unusual, unusual_from, unusual_size_from];

    /// It is unknown what the campaign has deleted before, so the batch counts as its first.
    ///
    /// An unknown history is not an empty history. The rule denies a hard delete and warns about a soft delete.
    HISTORY_UNKNOWN = "history-unknown": missing [];
}
