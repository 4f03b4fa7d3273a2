//! The rules of the policy, and its settings.

use reprieve_sdk::{rules, settings};

settings! {
    /// Settings of the policy `blast-radius`.
    pub struct Settings {
        /// Maximum number of tenants that a hard delete may reach.
        max_tenants: u64 = 60, min = 0, max = 1_000_000_000, unit = "tenants";
        /// Maximum number of tenants that a soft delete may reach.
        max_tenants_soft: u64 = 500, min = 0, max = 1_000_000_000, unit = "tenants";
        /// Maximum share of all resources of a kind that one batch may delete, and of all tenants that may have nothing
        /// left.
        max_share: f64 = 5.0, min = 0, max = 100, unit = "percent";
        /// The limit on the share applies to batches that delete at least this many resources.
        share_from: u64 = 20, min = 0, max = 1_000_000, unit = "resources";
        /// Maximum age of the approval for everything there is of a kind.
        max_approval_age: u64 = 86_400, min = 0, max = 2_592_000, unit = "seconds";
        /// Maximum number of resources that may be deleted along with the targets without being on the list.
        max_undeclared: u64 = 0, min = 0, max = 1_000_000_000, unit = "resources";
        /// Share of a pool's members that must remain if the inventory states no minimum.
        capacity_floor: f64 = 50.0, min = 0, max = 100, unit = "percent";
    }
}

rules! {
    /// The batch reaches more tenants than can be restored in a reasonable time.
    ///
    /// The damage of a deletion depends on the number of customers it reaches, not on the number of rows. Tenants are
    /// therefore counted over the targets and everything that is deleted along with them. Atlassian (April 2022) lost
    /// the sites of 775 customers and could restore 60 tenants at a time, each batch taking 4 to 5 days, so a hard
    /// delete may reach 60 tenants. The system itself can undo a soft delete; its limit of 500 tenants keeps the
    /// repair of one mistake within a day's work.
    TOO_MANY_TENANTS = "too-many-tenants": wrong, size [max_tenants, max_tenants_soft];

    /// The batch deletes everything there is of a kind.
    ///
    /// A list of all there is, from two on, is more often a filter that did not filter than an intention. Strimzi's topic
    /// operator (2020) deleted every topic of a cluster after the resources that described them were gone; a limit on the
    /// share, which begins at 20 resources, does not see a cluster with six topics. A request that means it declares the
    /// kind in `operation.all_of`, and an approval names as many resources of the kind as there are.
    WHOLE_KIND = "whole-kind": wrong, request [max_approval_age];

    /// The batch deletes too large a share of the resources of a kind, or leaves too large a share of tenants nothing.
    ///
    /// A limit on the share is not enough by itself (Atlassian lost 0.39 % of its customers), but in a small fleet it
    /// takes effect before the limit on the number of tenants. A tenant is gone if nothing of it would be left; if that is
    /// unknown, every tenant that the batch reaches counts as gone. The default of 5 %, for batches of at least 20
    /// resources, is close to what directory and device management services use against accidental mass deletion.
    TOO_LARGE_SHARE = "too-large-share": wrong, size [max_share, share_from];

    /// It is unknown what is deleted along with the targets.
    ///
    /// Unknown dependents are not the same as no dependents. The rule denies a hard delete and warns about a soft
    /// delete.
    CLOSURE_UNKNOWN = "closure-unknown": missing, size [];

    /// The batch would delete resources that are not on the list.
    ///
    /// At Azure DevOps (May 2023), one server hosted seventeen production databases. At Gliffy (2016), dropping the
    /// tables of one database dropped those of its replicas. At Oracle Health (2025), storage was deleted that a
    /// database was attached to. Everything that is deleted has to be on the list, where it is counted, approved and
    /// backed up, so the default is that nothing may be missing from it.
    UNDECLARED_DEPENDENTS = "undeclared-dependents": wrong, size [max_undeclared];

    /// A pool would be left with fewer members than it needs.
    ///
    /// At Amazon S3 (February 2017), a mistyped playbook command removed too many servers from the index subsystem;
    /// since then, the tool refuses to go below a subsystem's minimum. Joyent (May 2014) rebooted a whole region
    /// because the host selector was missing. If the inventory states no minimum, half of the pool must remain.
    CAPACITY_FLOOR = "capacity-floor": wrong, size [capacity_floor];
}
