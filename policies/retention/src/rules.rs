//! What the policy objects to, and what an operator may change about it.

use reprieve_sdk::{rules, settings};

settings! {
    /// Settings of the policy `retention`.
    pub struct Settings {
        /// Legal bases that erase what a person asked for.
        erasure_bases: Vec<String> = vec!["gdpr-17".to_owned(), "ccpa".to_owned()];
    }
}

rules! {
    /// Targets are under a legal hold.
    ///
    /// New weeding code deleted 209,550 offence records at the UK Police National Computer (November 2020 on), some
    /// of them marked to be kept for good; a retention change at KPMG (August 2020) took the chats of 145,000 people.
    /// A hold is never lifted by a batch, in either mode.
    LEGAL_HOLD = "legal-hold" [];

    /// Targets have to be kept for longer.
    ///
    /// A retention period that has not ended is a promise to somebody, usually to the law.
    RETAIN_UNTIL = "retain-until" [];

    /// Nobody knows whether targets are under a hold or have to be kept.
    ///
    /// Unknown is not "no". A hard delete is denied; a soft one can be undone.
    HOLD_UNKNOWN = "hold-unknown" [];

    /// An identifier in an erasure request matches more than one person.
    ///
    /// A shared address or a recycled number erases the wrong one. The list names the identifier each target was
    /// found by in a column `x_identifier`, and one identifier has one tenant.
    AMBIGUOUS_SUBJECT = "ambiguous-subject" [erasure_bases];
}
