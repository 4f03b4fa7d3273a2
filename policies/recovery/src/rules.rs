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
    /// MySpace (2019) had no backup at all. A backup counts if it covers this list, was read back, and is at most a day
    /// old.
    NO_BACKUP = "no-backup": missing [max_backup_age];

    /// Restoring was not tested recently, for single tenants, at this scale.
    ///
    /// A backup is only reliable if a restore from it was tested. The first restore that was attempted at AWS ELB
    /// (December 2012) failed. By default, the last test may be 90 days old.
    RESTORE_UNTESTED = "restore-untested": missing [max_test_age_days];

    /// The backup would be deleted with the targets, or the account that deletes the targets can delete it.
    ///
    /// Code Spaces (June 2014) kept its backups in the account that an intruder emptied. At DataTalks.Club (February
    /// 2026), the automated snapshots were deleted with the database.
    BACKUP_SHARES_FATE = "backup-shares-fate": wrong [immutable_days];

    /// The data was migrated, and its copy is not verified to be complete.
    ///
    /// Dallas (March 2021) deleted 22 TB of police files after a migration that nobody had checked. MySpace (2019) lost
    /// twelve years of music in a migration.
    COPY_UNVERIFIED = "copy-unverified": wrong [verified_share, hold_days];

    /// The batch would delete what is needed to recover from it.
    ///
    /// At Atlassian, the customers' contacts and the incident tool were deleted with the sites, so the customers could
    /// not be informed.
    RECOVERY_TOOLING = "recovery-tooling": wrong [tooling_kinds];
}
