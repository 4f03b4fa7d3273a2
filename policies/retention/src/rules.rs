//! The rules of the policy, and its settings.

use reprieve_sdk::{rules, settings};

settings! {
    /// Settings of the policy `retention`.
    pub struct Settings {
        /// Legal bases of requests in which a person asks for the erasure of their own data.
        erasure_bases: Vec<String> = vec!["gdpr-17".to_owned(), "ccpa".to_owned()];
        /// Whether an e-mail address with a tag (`sam+shop@example.org`) identifies another person than the same address
        /// without it.
        address_tags: bool = true;
    }
}

rules! {
    /// Targets are under a legal hold.
    ///
    /// At the UK Police National Computer (from November 2020), new weeding code deleted 209,550 offence records, some
    /// of them marked for permanent retention. A retention change at KPMG (August 2020) deleted the chats of 145,000
    /// people. A batch never overrides a hold, whether it is a hard or a soft delete.
    LEGAL_HOLD = "legal-hold": wrong, targets, never_lifted [];

    /// The retention period of targets has not ended.
    ///
    /// A retention period is an obligation, usually a legal one.
    RETAIN_UNTIL = "retain-until": wrong, targets, never_lifted [];

    /// It is unknown whether targets are under a legal hold or within a retention period.
    ///
    /// Unknown does not mean "no". The rule denies a hard delete and warns about a soft delete, which can be undone.
    HOLD_UNKNOWN = "hold-unknown": missing, targets, never_lifted [];

    /// An identifier in an erasure request matches more than one tenant, or it is unknown which identifier a target was
    /// found by.
    ///
    /// A shared address or a recycled phone number erases the data of the wrong person. The list states in a column
    /// `x_identifier` which identifier each target was found by, and one identifier must belong to one tenant. Identifiers
    /// are compared as people mean them: without case, blanks and invisible characters. A target without a known tenant
    /// may belong to another one than all others. An erasure whose list does not have the column is denied in both modes,
    /// because unknown is not unambiguous.
    AMBIGUOUS_SUBJECT = "ambiguous-subject": wrong, targets, never_lifted [erasure_bases, address_tags];
}
