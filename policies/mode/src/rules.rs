//! What the policy objects to, and what an operator may change about it.

use reprieve_sdk::{rules, settings};

settings! {
    /// Settings of the policy `mode`.
    pub struct Settings {
        /// Legal bases on which data may be deleted for good.
        legal_bases: Vec<String> = ["gdpr-17", "ccpa", "court-order", "contract-end", "retention-expired", "leaked-secret"].map(str::to_owned).to_vec();
        /// How long a target must have been soft-deleted before it may be deleted for good. Never under a week: nobody notices sooner.
        soft_days: u64 = 30, 7..=3650, "days";
        /// Legal bases that do not wait for the soft deletion.
        immediate_bases: Vec<String> = ["court-order", "leaked-secret"].map(str::to_owned).to_vec();
    }
}

rules! {
    /// A hard delete gives no accepted legal basis in `reason.basis`.
    ///
    /// Permanent deletion exists for the law; every other purpose is served by a deletion that can be undone. At
    /// Atlassian (April 2022) one script offered both, the permanent one "for compliance", and ran in the wrong
    /// mode: 883 sites were gone that should have been marked. The default bases are erasure requests (gdpr-17,
    /// ccpa), a court order, the end of a contract, an expired retention period and a leaked secret.
    NO_LEGAL_BASIS = "no-legal-basis" [legal_bases];

    /// A hard delete takes targets that were not soft-deleted long enough, or a soft delete keeps them too briefly.
    ///
    /// A mistake shows when something is missing, and then it must still be there. Atlassian's follow-up of August
    /// 2022 made soft deletion universal. 30 days is what Azure Key Vault, Google Cloud projects and GitHub give or
    /// nearly give; below 7 days a weekend and a holiday use it up. What the inventory does not know counts as not
    /// soft-deleted. A soft delete that keeps its targets for less than a week is a hard one by another name.
    SOFT_DELETE_FIRST = "soft-delete-first" [soft_days, immediate_bases];

    /// The targets are to go because of an expiry or retention date that nobody chose for them.
    ///
    /// A parameter left blank once became a default term of one year, after which an account's whole private cloud
    /// was deleted without notice (UniSuper on Google Cloud, May 2024). A default may mark; it may not destroy.
    DEFAULT_TRIGGER = "default-trigger" [];
}
