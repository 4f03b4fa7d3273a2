//! The rules of the policy, and its settings.

use reprieve_sdk::{rules, settings};

settings! {
    /// Settings of the policy `mode`.
    pub struct Settings {
        /// Legal bases that allow a hard delete.
        legal_bases: Vec<String> = ["gdpr-17", "ccpa", "court-order", "contract-end", "retention-expired", "leaked-secret"].map(str::to_owned).to_vec();
        /// Kinds that may be deleted permanently without a legal basis, because they hold nobody's data, such as servers.
        basis_free_kinds: Vec<String> = Vec::new();
        /// States in which a target may be deleted permanently without an earlier soft delete, because it no longer serves
        /// anyone.
        retired_states: Vec<String> = Vec::new();
        /// How long a target must have been soft-deleted before a hard delete. At least a week,
        /// because a loss is rarely noticed sooner.
        soft_days: u64 = 30, min = 7, max = 3650, unit = "days";
        /// Legal bases of requests for erasure, which the law wants fulfilled within a month.
        erasure_bases: Vec<String> = vec!["gdpr-17".to_owned(), "ccpa".to_owned()];
        /// How long a target must have been soft-deleted before it is erased on such a basis.
        erasure_days: u64 = 7, min = 7, max = 3650, unit = "days";
        /// Verbs of calls that delete permanently.
        permanent_verbs: Vec<String> = ["purge", "drop", "zeroize", "zeroise", "destroy", "wipe", "shred", "expunge", "truncate", "obliterate", "permanently", "irreversibly", "hard"].map(str::to_owned).to_vec();
        /// Verbs of calls that stop a service and lose nothing, for the mode `disable`: a whole verb, or one word of it.
        disabling_verbs: Vec<String> = ["disable", "deactivate", "suspend", "pause", "stop", "halt", "shutdown", "power-off", "reboot", "restart", "withdraw", "detach", "quarantine", "lock", "drain", "scale-down", "wipe-config", "reset-config"].map(str::to_owned).to_vec();
        /// Legal bases for which a hard delete does not require an earlier soft delete.
        immediate_bases: Vec<String> = ["court-order", "leaked-secret"].map(str::to_owned).to_vec();
    }
}

rules! {
    /// A hard delete does not name an accepted legal basis in `reason.basis`.
    ///
    /// Permanent deletion is for legal obligations. A deletion that can be undone serves every other purpose. At
    /// Atlassian (April 2022), one script offered both modes, the permanent one "for compliance", and ran in the wrong
    /// one: 883 sites were permanently deleted instead of being marked for deletion. The default bases are erasure
    /// requests (gdpr-17, ccpa), a court order, the end of a contract, an expired retention period and a leaked secret.
    NO_LEGAL_BASIS = "no-legal-basis": wrong [legal_bases, basis_free_kinds];

    /// A hard delete includes targets that were not soft-deleted for long enough, or a soft delete keeps
    /// its targets too briefly.
    ///
    /// A mistake is noticed when something is missing, and at that time it must still be restorable. After its outage,
    /// Atlassian made soft deletion universal (August 2022). The default of 30 days is what Azure Key Vault, Google
    /// Cloud projects and GitHub offer, exactly or nearly. A period below 7 days can end over a weekend and a holiday. A
    /// target whose state is unknown counts as not soft-deleted. A soft delete that keeps its targets for less than a
    /// week is denied as well, because it is a hard delete in effect, and one that does not say how long it keeps them
    /// is warned of. A target that was used after it was soft-deleted counts as not soft-deleted.
    /// For an erasure that a person asked for, a week is enough, because the law gives a month for all of it. A server that
    /// is switched off cannot be soft-deleted; `retired_states` names the states that count instead.
    SOFT_DELETE_FIRST = "soft-delete-first": wrong, targets [soft_days, retired_states, erasure_bases, erasure_days, immediate_bases];

    /// The mode is `soft`, but the verb of the call says that it deletes permanently, or the mode is `disable`, but the verb
    /// does not say that the call only stops a service.
    ///
    /// A soft delete has fewer conditions because it can be undone. At Atlassian (April 2022), one parameter of one script
    /// was the difference between both. The verb is compared by its words, whatever their case and ending: `DropTable`,
    /// `purging`, `hard-delete`. A batch of the mode `disable` loses nothing, so it needs no legal basis and no backup; only
    /// the verbs in `disabling_verbs` are taken for that. If the request does not say its verb, the rule warns about a soft
    /// delete and denies a batch that disables.
    VERB_DIFFERS = "verb-differs": wrong [permanent_verbs, disabling_verbs];

    /// A value that nobody chose triggered the deletion, or the request does not say what triggered it.
    ///
    /// At UniSuper on Google Cloud (May 2024), a parameter left blank became a default term of one year. When the term
    /// ended, the account's whole private cloud was deleted without notice. A default value must not delete a resource.
    /// What the request does not say is unknown: the rule denies a batch that leaves out `reason.trigger` or
    /// `reason.trigger_source`, and warns about a soft delete.
    DEFAULT_TRIGGER = "default-trigger": wrong [];
}
