//! What the policy objects to, and what an operator may change about it.

use reprieve_sdk::{rules, settings};

settings! {
    /// Settings of the policy `recovery`.
    pub struct Settings {
        /// How long undoing a hard delete may take.
        max_restore: u64 = 86_400, 0..=31_536_000, "seconds";
        /// How old a backup may be.
        max_backup_age: u64 = 86_400, 0..=2_592_000, "seconds";
        /// How long ago restoring may last have been tried.
        max_test_age_days: u64 = 90, 0..=3650, "days";
        /// How long a backup has to stay out of anybody's reach.
        immutable_days: u64 = 7, 0..=3650, "days";
        /// The share of moved data that has to have been compared with its copy.
        verified_share: f64 = 100.0, 0..=100, "percent";
        /// How long the source of moved data is kept after the comparison.
        hold_days: u64 = 30, 0..=3650, "days";
        /// Kinds that are needed to restore, to tell customers, or to find out what happened.
        tooling_kinds: Vec<String> = ["support-contacts", "contacts", "incident-tool", "audit-log", "status-page", "runbook"].map(str::to_owned).to_vec();
    }
}

rules! {
    /// Undoing the batch would take too long.
    ///
    /// Atlassian (April 2022) could restore 60 tenants at a time, each time taking 4 to 5 days; the last customer was
    /// back after 14. The estimate takes the request's measured figures, and where there is none, Atlassian's. A
    /// hard delete may take a day to undo.
    RESTORE_TOO_LONG = "restore-too-long" [max_restore];

    /// There is no fresh, verified backup of exactly these targets.
    ///
    /// Five mechanisms at GitLab (January 2017), and none usable; failing tapes at Pixar (1998); none at all at
    /// MySpace (2019). A backup counts if it is of this list, was read back, and is at most a day old.
    NO_BACKUP = "no-backup" [max_backup_age];

    /// Restoring has not been tried lately, by tenant, at this scale.
    ///
    /// A backup is worth what its last restore was. The first one tried at AWS ELB (December 2012) failed.
    RESTORE_UNTESTED = "restore-untested" [max_test_age_days];

    /// The backup would go with the targets, or could be deleted by whoever deletes them.
    ///
    /// Code Spaces (June 2014) kept its backups in the account that an intruder emptied; at DataTalks.Club (February
    /// 2026) the automated snapshots went with the database.
    BACKUP_SHARES_FATE = "backup-shares-fate" [immutable_days];

    /// The data was moved, and its copy is not known to be whole.
    ///
    /// Dallas (March 2021) deleted 22 TB of police files after a move that nobody had checked; MySpace (2019) lost
    /// twelve years of music in one.
    COPY_UNVERIFIED = "copy-unverified" [verified_share, hold_days];

    /// What is needed to recover would go along.
    ///
    /// At Atlassian the customers' contacts and the incident tool went with the sites, so that nobody could be told.
    RECOVERY_TOOLING = "recovery-tooling" [tooling_kinds];
}
