//! The rules of the policy, and its settings.

use reprieve_sdk::{rules, settings};

settings! {
    /// Settings of the policy `authority`.
    pub struct Settings {
        /// Approvals that a hard delete requires.
        approvals: u64 = 2, min = 0, max = 100, unit = "people";
        /// Approvals that a soft delete requires.
        approvals_soft: u64 = 1, min = 0, max = 100, unit = "people";
        /// A soft delete that reaches more tenants than this requires as many approvals as a hard delete.
        many_tenants: u64 = 60, min = 0, max = 1_000_000_000, unit = "tenants";
        /// Maximum age of an approval.
        max_age: u64 = 86_400, min = 0, max = 2_592_000, unit = "seconds";
        /// Purposes of credentials that may delete targets.
        purposes: Vec<String> = vec!["deletion".to_owned()];
    }
}

rules! {
    /// The batch has too few valid approvals.
    ///
    /// A hard delete requires two approvals because it cannot be undone. A soft delete requires one, or two if it
    /// reaches more than 60 tenants. AWS made changes of this kind subject to approval after a maintenance process ran
    /// against production load balancers (December 2012), and made peer review mandatory after an agent recreated an
    /// environment (December 2025). An approval counts if it comes from a human other than the submitter, is fresh,
    /// and names this list, mode, kinds and number of tenants.
    TOO_FEW_APPROVALS = "too-few-approvals": missing [approvals, approvals_soft, many_tenants];

    /// The submitter or the author of the list approved the batch, or it is unknown whether one did.
    ///
    /// An approval is a review by a second person. Without the account that submits the batch, and the person for whom a
    /// program submits it, it is unknown who the first one is: the rule denies a hard delete and warns about a soft one.
    /// At KPMG (August 2020), one approver was enough for a change that reached 145,000 users.
    SELF_APPROVAL = "self-approval": wrong [];

    /// An approval is for something other than this batch.
    ///
    /// Three managers in Dallas (2021) approved a deletion without knowing what it would delete. An approval is
    /// therefore bound to a digest, a mode, kinds and a number of tenants. If one id changes, the batch has to be
    /// approved again.
    APPROVAL_DIFFERS = "approval-differs": wrong [];

    /// An approval is too old, dated in the future, or not dated.
    ///
    /// The targets may have changed since the approval. The default of one day is the age that change advisory
    /// processes accept for an approval of a standing window. An approval that is older than the list is only warned of:
    /// it names the digest of the list, so it is of the same rows.
    APPROVAL_STALE = "approval-stale": wrong [max_age];

    /// An AI agent requests a hard delete in production.
    ///
    /// Agents deleted a production database during a freeze (Replit, July 2025), an environment (AWS, December 2025)
    /// and, because of an unpacked state file, all resources (DataTalks.Club, February 2026). The policy set names
    /// the environments that are not production; every other name is one of production. The environment that the request
    /// claims is not enough: the inventory must also show every target outside production.
    AGENT_NOT_ALLOWED = "agent-not-allowed": wrong [];

    /// The credential was issued for another purpose or environment, or the request does not say for which.
    ///
    /// At DigitalOcean (April 2017), a test process had the credentials of production. At Travis CI (March 2018), an
    /// old shell was still connected to production. What the request does not say denies a hard delete, and every
    /// deletion by an AI agent; it is a warning about any other soft delete.
    CREDENTIAL_PURPOSE = "credential-purpose": wrong [purposes];

    /// The request does not identify its submitter.
    ///
    /// At Cisco (September 2018), an engineer who had left five months earlier deleted 456 machines. A request names
    /// an account, the type of actor and, for a program, the person that it acts for.
    UNKNOWN_ACTOR = "unknown-actor": missing [];
}
