//! The rules of the policy, and its settings.

use reprieve_sdk::{rules, settings};

settings! {
    /// Settings of the policy `identity`.
    pub struct Settings {
        /// Maximum number of targets whose kind differs from the one in the request.
        max_mismatch: u64 = 0, min = 0, max = 1_000_000_000, unit = "targets";
        /// Maximum number of targets of a hard delete that the inventory does not know.
        max_unresolved: u64 = 0, min = 0, max = 1_000_000_000, unit = "targets";
        /// Maximum share of the targets of a soft delete that the inventory does not know.
        max_unresolved_soft: f64 = 1.0, min = 0, max = 100, unit = "percent";
        /// Kinds that contain or carry other resources, so that losing a single one is a
        /// disaster. A kind is protected if its last words are those of a name here, whatever the case and the
        /// number: `aws_rds_cluster` and `AWS::RDS::DBClusters` are each a `cluster`.
        protected_kinds: Vec<String> = ["tenant", "site", "account", "org", "organization", "project", "subscription", "server", "cluster", "database", "database instance", "db", "db instance", "volume", "bucket", "namespace", "vault"].map(str::to_owned).to_vec();
        /// Kinds that have other letters than those of ASCII and are known not to be protected. Any other such kind
        /// may look like a protected one without being spelled like it.
        unprotected_kinds: Vec<String> = Vec::new();
        /// Maximum number of targets of a protected kind in one batch.
        max_protected: u64 = 1, min = 0, max = 1_000_000, unit = "targets";
        /// Approvals that a hard delete of a protected kind requires: one more than for other kinds.
        protected_approvals: u64 = 3, min = 0, max = 100, unit = "people";
        /// Approvals that a soft delete of a protected kind requires: one more than for other kinds.
        protected_approvals_soft: u64 = 2, min = 0, max = 100, unit = "people";
        /// Maximum age of an approval for a protected kind.
        max_approval_age: u64 = 86_400, min = 0, max = 2_592_000, unit = "seconds";
        /// Life-cycle states in which a target may be hard-deleted, whatever their case and separators.
        dead_states: Vec<String> = ["decommissioning", "decommissioned", "staged", "disabled", "soft-deleted"].map(str::to_owned).to_vec();
    }
}

rules! {
    /// Targets are of another kind than the request says.
    ///
    /// The list for the Atlassian script (April 2022) contained site ids instead of app ids. The API accepted both,
    /// and 883 sites were deleted. At Azure DevOps (May 2023), a call that was meant for a database deleted the server
    /// that hosted seventeen of them. Comparing the actual kind of an id with the claimed one stops more incidents
    /// than any other rule, so the default allows no difference at all, apart from case and surrounding blanks.
    KIND_MISMATCH = "kind-mismatch": wrong, targets [max_mismatch];

    /// Targets are not in the inventory, so it is unknown what they are.
    ///
    /// An id that the inventory does not know is a typo, an id of a resource that is already deleted, or an id of
    /// another system. A hard delete allows none. A soft delete allows 1 %, the usual lag of an inventory.
    UNRESOLVED = "unresolved": wrong, targets [max_unresolved, max_unresolved_soft];

    /// Targets are not in the inventory, but nearly: an id differs from a known one only in its spelling.
    ///
    /// An account on hold that the list spells `BOB` and the inventory `bob` hides among the few ids that may be unknown,
    /// and nothing that is known of it counts. Ids stay exact, so this is a finding of its own, and the default allows
    /// none. Case, surrounding blanks, compatibility forms and invisible characters are ignored for it.
    NEAR_MISS = "near-miss": wrong, targets [];

    /// The inventory was made from the same file as the list, or that is unknown.
    ///
    /// What the list says is compared with the inventory. An inventory that was made from the list agrees with every
    /// mistake in it. `reprieve inventory from` writes the digest of its source into the inventory, and `read`, `draft`
    /// and `check --from` write that of theirs into the request. The same digest denies a hard delete and warns about a
    /// soft one, and so does a request that does not state it. Of an inventory without a source, nothing is known.
    SAME_SOURCE = "same-source": missing [];

    /// The batch deletes more than one resource of a protected kind, or has too few approvals for one.
    ///
    /// Sites (Atlassian), servers (Azure DevOps), clusters (Spotify, 2018) and databases (GitLab, 2017) take
    /// everything that they carry with them. They are deleted one at a time, with one approval more than other kinds.
    /// Whether a kind with other letters than those of ASCII is protected is unknown, because it may look like another
    /// one: that denies a hard delete and warns about a soft one.
    PROTECTED_KIND = "protected-kind": wrong, targets [protected_kinds, unprotected_kinds, max_protected, protected_approvals, protected_approvals_soft, max_approval_age];

    /// Targets belong to another tenant than the list says.
    ///
    /// A list that names the wrong customer for an id is as wrong as one of another kind: a permanent erasure for one
    /// person deletes the data of another. The list of the Atlassian script (April 2022) was checked by what it said, and
    /// nothing compared it with what the ids were. Tenants are ids, so they are compared exactly, apart from
    /// surrounding blanks, and the default allows no difference.
    TENANT_MISMATCH = "tenant-mismatch": wrong, targets [];

    /// Targets are in another environment than the request says.
    ///
    /// GitLab (2017) wiped the primary instead of the secondary. GitHub (2010), Travis CI (2018), DigitalOcean (2017)
    /// and Keepthescore (2020) wiped production instead of a test environment. In each case the operator knew which
    /// environment was meant, and nothing compared it with the actual one.
    ENVIRONMENT_MISMATCH = "environment-mismatch": wrong, targets [];

    /// A hard delete includes targets that are in use, or whose state is unknown.
    ///
    /// A live resource has users who do not expect the deletion. Disable or mark it first: users who still need it
    /// will then report it.
    LIVE_TARGET = "live-target": wrong, targets [dead_states];
}
