//! What the policy objects to, and what an operator may change about it.

use reprieve_sdk::{rules, settings};

settings! {
    /// Settings of the policy `blast-radius`.
    pub struct Settings {
        /// Tenants that a hard delete may reach.
        max_tenants: u64 = 60, 0..=1_000_000_000, "tenants";
        /// Tenants that a soft delete may reach.
        max_tenants_soft: u64 = 500, 0..=1_000_000_000, "tenants";
        /// The share of all things of a kind, or of all tenants, that one batch may take.
        max_share: f64 = 5.0, 0..=100, "percent";
        /// Batches that take fewer things than this are not judged by share.
        share_from: u64 = 20, 0..=1_000_000, "things";
        /// Things that may go along without being on the list.
        max_undeclared: u64 = 0, 0..=1_000_000_000, "things";
        /// The part of a pool that has to stay where the inventory states no minimum.
        capacity_floor: f64 = 50.0, 0..=100, "percent";
    }
}

rules! {
    /// The batch reaches more tenants than can be restored in a reasonable time.
    ///
    /// Rows do not matter, customers do: tenants are counted over everything that goes. Atlassian (April 2022) lost
    /// 775 customers' sites and could restore 60 tenants at a time, each batch taking 4 to 5 days, so a hard delete
    /// may reach 60. A soft delete can be undone by the system itself; its 500 keep one mistake within a day's work.
    TOO_MANY_TENANTS = "too-many-tenants" [max_tenants, max_tenants_soft];

    /// The batch takes too large a share of a kind of things, or of the tenants.
    ///
    /// A share alone protects nobody (Atlassian lost 0.39 % of its customers), but in a small fleet it speaks before
    /// the absolute limit does. 5 % with a minimum of 20 is close to what directory and device management services
    /// use against accidental mass deletion.
    TOO_LARGE_SHARE = "too-large-share" [max_share, share_from];

    /// Nobody knows what goes along with the targets.
    ///
    /// An unknown closure is not an empty one. A hard delete is denied; a soft one is warned of.
    CLOSURE_UNKNOWN = "closure-unknown" [];

    /// Things would go along that are not on the list.
    ///
    /// One server at Azure DevOps (May 2023) carried seventeen production databases; dropping the tables of one
    /// database at Gliffy (2016) dropped those of its replicas; at Oracle Health (2025) storage was deleted that a
    /// database was attached to. Whatever goes has to be on the list, where it is counted, approved and backed up.
    UNDECLARED_DEPENDENTS = "undeclared-dependents" [max_undeclared];

    /// A pool would be left with fewer members than it needs.
    ///
    /// A mistyped playbook command took too many servers from Amazon S3's index (February 2017); the fix was to
    /// refuse to go below a subsystem's minimum. Joyent (May 2014) rebooted a whole region because the host selector
    /// was missing. Where the inventory states no minimum, half of the pool stays.
    CAPACITY_FLOOR = "capacity-floor" [capacity_floor];
}
