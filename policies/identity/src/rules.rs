//! What the policy objects to, and what an operator may change about it.

use reprieve_sdk::{rules, settings};

settings! {
    /// Settings of the policy `identity`.
    pub struct Settings {
        /// Targets that may be something else than the request says.
        max_mismatch: u64 = 0, 0..=1_000_000_000, "targets";
        /// Targets of a hard delete that the inventory may not know.
        max_unresolved: u64 = 0, 0..=1_000_000_000, "targets";
        /// Targets of a soft delete that the inventory may not know, of all.
        max_unresolved_soft: f64 = 1.0, 0..=100, "percent";
        /// Kinds that hold or carry others, so that one of them is a disaster of its own. Compared without name space, case and plural.
        protected_kinds: Vec<String> = ["tenant", "site", "account", "org", "organization", "project", "subscription", "server", "cluster", "database", "volume", "bucket", "namespace", "vault"].map(str::to_owned).to_vec();
        /// Targets of a protected kind that one batch may hold.
        max_protected: u64 = 1, 0..=1_000_000, "targets";
        /// Approvals that a hard delete of a protected kind needs: one more than any other.
        protected_approvals: u64 = 3, 0..=100, "people";
        /// Approvals that a soft delete of a protected kind needs: one more than any other.
        protected_approvals_soft: u64 = 2, 0..=100, "people";
        /// How old an approval of a protected kind may be.
        max_approval_age: u64 = 86_400, 0..=2_592_000, "seconds";
        /// Life-cycle states in which a target may be deleted for good.
        dead_states: Vec<String> = ["decommissioning", "staged", "disabled", "soft-deleted"].map(str::to_owned).to_vec();
    }
}

rules! {
    /// Targets are something else than the request says they are.
    ///
    /// The list for the Atlassian script (April 2022) held site ids where app ids were meant, and the API took both:
    /// 883 sites went. At Azure DevOps (May 2023) a call for a database became a call for the server that carried
    /// seventeen. Comparing what an id is with what it is said to be stops more incidents than any other rule, so
    /// the default is that not one may differ.
    KIND_MISMATCH = "kind-mismatch" [max_mismatch];

    /// Targets are not in the inventory, so nobody knows what they are.
    ///
    /// An id that resolves to nothing is a typing error, a deleted thing or one of another system. A hard delete
    /// allows none; a soft one allows 1 %, the usual lag of an inventory.
    UNRESOLVED = "unresolved" [max_unresolved, max_unresolved_soft];

    /// The batch takes things that hold or carry others: more than one of them, or one without an approver more.
    ///
    /// Sites (Atlassian), servers (Azure DevOps), clusters (Spotify, 2018) and databases (GitLab, 2017) take along
    /// what they carry. They go one at a time, and with one more pair of eyes than anything else.
    PROTECTED_KIND = "protected-kind" [protected_kinds, max_protected, protected_approvals, protected_approvals_soft, max_approval_age];

    /// Targets are in another environment than the request says.
    ///
    /// GitLab (2017) cleared the primary believing it was the secondary; GitHub (2010), Travis CI (2018),
    /// DigitalOcean (2017) and Keepthescore (2020) cleared production believing it was a test. Each knew where it
    /// meant to be, and none compared that with where it was.
    ENVIRONMENT_MISMATCH = "environment-mismatch" [];

    /// A hard delete takes targets that are in use.
    ///
    /// What is still live has a user who has not been told. It is disabled or marked first, and that is when the
    /// user speaks up.
    LIVE_TARGET = "live-target" [dead_states];
}
