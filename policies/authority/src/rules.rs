//! What the policy objects to, and what an operator may change about it.

use reprieve_sdk::{rules, settings};

settings! {
    /// Settings of the policy `authority`.
    pub struct Settings {
        /// Approvals that a hard delete needs.
        approvals: u64 = 2, 0..=100, "people";
        /// Approvals that a soft delete needs.
        approvals_soft: u64 = 1, 0..=100, "people";
        /// Tenants above which a soft delete needs as many approvals as a hard one.
        many_tenants: u64 = 60, 0..=1_000_000_000, "tenants";
        /// How old an approval may be.
        max_age: u64 = 86_400, 0..=2_592_000, "seconds";
        /// Purposes of credentials with which targets may be deleted.
        purposes: Vec<String> = vec!["deletion".to_owned()];
        /// Environments in which an AI agent may delete for good. Production is never one that is merely not listed.
        agent_environments: Vec<String> = ["staging", "test", "development", "sandbox", "preview", "local"].map(str::to_owned).to_vec();
    }
}

rules! {
    /// Too few people agreed to exactly this batch.
    ///
    /// Two people for what cannot be undone, one for what can. AWS made changes of that kind subject to approval
    /// after a maintenance process ran against production load balancers (December 2012) and made peer review
    /// mandatory after an agent recreated an environment (December 2025). An approval counts if it comes from a
    /// human other than the submitter, is fresh, and names this list, this mode, these kinds and these tenants.
    TOO_FEW_APPROVALS = "too-few-approvals" [approvals, approvals_soft, many_tenants];

    /// The submitter approved the batch.
    ///
    /// Two pairs of eyes are two people. At KPMG (August 2020) one approver sufficed for what reached 145,000 users.
    SELF_APPROVAL = "self-approval" [];

    /// Approvals are for something else than this batch.
    ///
    /// Three managers in Dallas (2021) approved a deletion without knowing what it was. An approval is bound to a
    /// digest, a mode, kinds and a number of tenants; change one id, and nobody has agreed yet.
    APPROVAL_DIFFERS = "approval-differs" [];

    /// Approvals are older than allowed, or dated in the future.
    ///
    /// What was agreed to last week was agreed to in another world. One day is the age that change advisory
    /// processes give an approval of a standing window.
    APPROVAL_STALE = "approval-stale" [max_age];

    /// An AI agent is about to delete something for good where it may not.
    ///
    /// Agents deleted a production database during a freeze (Replit, July 2025), an environment (AWS, December 2025)
    /// and, by an unpacked state file, everything there was (DataTalks.Club, February 2026). Where the inventory
    /// knows the environment its word counts, not the agent's.
    AGENT_NOT_ALLOWED = "agent-not-allowed" [agent_environments];

    /// The credential was issued for another purpose or another environment.
    ///
    /// A test process held the credentials of production at DigitalOcean (April 2017); an old shell still pointed
    /// there at Travis CI (March 2018).
    CREDENTIAL_PURPOSE = "credential-purpose" [purposes];

    /// Nobody knows who asks.
    ///
    /// An engineer who had left five months before deleted 456 machines at Cisco (September 2018). An account, what
    /// kind of actor it is, and the person it acts for.
    UNKNOWN_ACTOR = "unknown-actor" [];
}
