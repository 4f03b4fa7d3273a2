//! The rules of the policy, and its settings.

use reprieve_sdk::{rules, settings};

settings! {
    /// Settings of the policy `recovery`.
    pub struct Settings {
        /// Maximum time to restore what a hard delete removes.
        max_restore: u64 = 86_400, min = 0, max = 31_536_000, unit = "seconds";
        /// Maximum age of a backup.
        max_backup_age: u64 = 86_400, min = 0, max = 2_592_000, unit = "seconds";
        /// Maximum age of the last restore test.
        max_test_age_days: u64 = 90, min = 0, max = 3650, unit = "days";
        /// How long a backup must remain immutable.
        immutable_days: u64 = 7, min = 0, max = 3650, unit = "days";
        /// States of backups that are gone or going. They are compared by their letters and digits.
        gone_states: Vec<String> = ["soft-deleted", "deleted", "deleting", "decommissioned", "decommissioning", "disabled", "destroyed", "purged", "expired", "terminated", "failed", "missing"].map(str::to_owned).to_vec();
        /// Share of migrated data that must have been compared with its copy.
        verified_share: f64 = 100.0, min = 0, max = 100, unit = "percent";
        /// How long the source of migrated data is kept after the comparison.
        hold_days: u64 = 30, min = 0, max = 3650, unit = "days";
        /// Kinds that are needed to restore data, to inform customers, or to investigate an incident.
        tooling_kinds: Vec<String> = ["support-contacts", "contacts", "incident-tool", "audit-log", "status-page", "runbook"].map(str::to_owned).to_vec();
    }
}

rules! {
    /// Restoring the batch would take too long.
    ///
    /// Atlassian (April 2022) could restore 60 tenants at a time, and each time took 4 to 5 days. The last customer was
    /// restored after 14 days. The estimate uses the measured figures of the request, and Atlassian's figures where
    /// there are none. By default, restoring what a hard delete removes may take a day.
    RESTORE_TOO_LONG = "restore-too-long": wrong [max_restore];

    /// There is no fresh, verified backup of exactly these targets.
    ///
    /// GitLab (January 2017) had five backup mechanisms, and none was usable. Pixar (1998) had failing tapes, and
    /// MySpace (2019) had no backup at all. A backup counts if it covers this list, was read back, is at most a day old,
    /// and has a name and a location: what is nowhere cannot be restored from. A backup that is gone or going according to
    /// the inventory is not a backup, and one that the inventory does not know is warned of.
    NO_BACKUP = "no-backup": missing [max_backup_age, gone_states];

    /// Restoring was not tested recently, for single tenants, at this scale.
    ///
    /// A backup is only reliable if a restore from it was tested. The first restore that was attempted at AWS ELB
    /// (December 2012) failed. By default, the last test may be 90 days old. A request that says that a restore recovers
    /// more tenants at a time than were tested contradicts itself; the rule warns of that for a soft delete.
    RESTORE_UNTESTED = "restore-untested": missing [max_test_age_days];

    /// The backup would be deleted with the targets, or who deletes the targets can delete it.
    ///
    /// Code Spaces (June 2014) kept its backups in the account that an intruder emptied. At DataTalks.Club (February
    /// 2026), the automated snapshots were deleted with the database. Places are compared by their steps, however they are
    /// written: a backup at `s3://shop/backups` goes when the bucket `shop` goes. A backup in the same bucket, account or
    /// host as something that is deleted denies a hard delete, and is a warning about a soft one.
    BACKUP_SHARES_FATE = "backup-shares-fate": wrong [immutable_days];

    /// The data was migrated, and its copy is not verified to be complete.
    ///
    /// Dallas (March 2021) deleted 22 TB of police files after a migration that nobody had checked. MySpace (2019) lost
    /// twelve years of music in a migration. The comparison must be later than the last use of the data, and the source
    /// must be kept for 30 days after it: a hard delete runs after that time, and a soft delete keeps its targets beyond
    /// it. If the request does not say what triggered the deletion, or the inventory when the data was last used, the
    /// rule denies a hard delete and warns about a soft one.
    COPY_UNVERIFIED = "copy-unverified": wrong [verified_share, hold_days];

    /// The batch would delete what is needed to recover from it.
    ///
    /// At Atlassian, the customers' contacts and the incident tool were deleted with the sites, so the customers could
    /// not be informed.
    RECOVERY_TOOLING = "recovery-tooling": wrong [tooling_kinds];
}
