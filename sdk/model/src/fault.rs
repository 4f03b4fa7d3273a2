//! Faults: what kept a policy, or the gate itself, from answering. A fault is never an allow.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Something that kept a policy, or the gate itself, from answering.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
pub struct Fault {
    /// The policy, or `gate`.
    pub policy: String,
    /// The cause.
    pub cause: FaultCause,
    /// What happened, and what to do about it.
    pub message: String,
    /// Whether it counts towards the decision.
    pub enforced: bool,
}

impl Fault {
    /// A fault of the gate itself. It always counts.
    pub fn of_gate(cause: FaultCause, message: impl Into<String>) -> Self {
        Self { policy: "gate".to_owned(), cause, message: message.into(), enforced: true }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.policy, self.cause, self.message)
    }
}

/// Declares [`FaultCause`]: for each cause its word, what happened (the documentation comment) and what to do.
macro_rules! causes {
    (
        policy { $(#[doc = $policy_summary:literal] $policy:ident = $policy_word:literal, $policy_help:literal;)+ }
        gate { $(#[doc = $gate_summary:literal] $gate:ident = $gate_word:literal, $gate_help:literal;)+ }
    ) => {
        /// Why there is no answer: first the causes that lie with a policy, then those that lie with the gate.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
        #[serde(rename_all = "kebab-case")]
        #[non_exhaustive]
        pub enum FaultCause {
            $(#[doc = $policy_summary] $policy,)+
            $(#[doc = $gate_summary] $gate,)+
        }

        impl FaultCause {
            /// Every cause, in the order of the declaration.
            pub const ALL: &[Self] = &[$(Self::$policy,)+ $(Self::$gate,)+];

            /// The word that the documents use.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$policy => $policy_word,)+
                    $(Self::$gate => $gate_word,)+
                }
            }

            /// Whether it is a cause of the gate's own faults, and not of a policy's.
            pub const fn is_gate(self) -> bool {
                match self {
                    $(Self::$policy => false,)+
                    $(Self::$gate => true,)+
                }
            }

            /// What happened, in one sentence.
            pub const fn summary(self) -> &'static str {
                match self {
                    $(Self::$policy => $policy_summary.trim_ascii(),)+
                    $(Self::$gate => $gate_summary.trim_ascii(),)+
                }
            }

            /// What to do about it, in one sentence.
            pub const fn help(self) -> &'static str {
                match self {
                    $(Self::$policy => $policy_help,)+
                    $(Self::$gate => $gate_help,)+
                }
            }
        }
    };
}

causes! {
    policy {
        /// The policy used up its fuel: it does more work than the batch warrants.
        Fuel = "fuel", "Profile the policy and make it do less work for each target, or raise `fuel` in the limits.";
        /// The policy ran past its wall-clock limit, which ends what fuel does not.
        WallClock = "wall-clock", "Decide again on a machine that is less busy; if it recurs, raise `wall_ms` in the limits.";
        /// The policy requested more memory than an instance may have.
        Memory = "memory", "Make the policy keep less in its state, or raise `memory_bytes` in the limits.";
        /// The policy requested more table elements than an instance may have.
        Table = "table", "Link less code into the policy, or raise `table_elements` in the limits.";
        /// The policy used up its stack.
        Stack = "stack", "Look for unbounded recursion in the policy, or raise `stack_bytes` in the limits.";
        /// The policy trapped: a panic, a division by zero or an access outside its memory.
        Trap = "trap", "Report the message to the author of the policy; it names the line if the policy was built with line tables.";
        /// The policy could not be instantiated.
        Instantiation = "instantiation", "Rebuild the policy with the SDK of this version.";
        /// The policy returned more bytes than one call may.
        ReturnedBytes = "returned-bytes", "Make the policy report counts and a few examples, not every target; or raise `returned_bytes` in the limits.";
        /// The policy returned more findings than one evaluation may.
        Findings = "findings", "Make the policy report one finding for each rule, with a count; or raise `findings` in the limits.";
        /// The policy returned a finding with a text that is too long.
        Text = "text", "Shorten the texts of the finding, or raise `text_bytes` in the limits.";
        /// The policy returned something that the contract does not allow.
        InvalidOutput = "invalid-output", "Report the message to the author of the policy; it names what the contract does not allow.";
        /// The policy reported that it cannot answer.
        Declined = "declined", "Correct what the message names: usually a setting, or a file under `data`.";
    }
    gate {
        /// The host panicked.
        Panic = "panic", "Report it: this is a bug in Reprieve.";
        /// The request's `schedule.expires_at` has passed.
        Expired = "expired", "Submit a new request.";
        /// The request's `schedule.not_before` has not been reached.
        TooEarly = "too-early", "Wait until then, or submit a request with an earlier time.";
        /// The list of targets is empty, and many interfaces read that as everything.
        Empty = "empty", "Check the query that made the list; if there is nothing to delete, submit nothing.";
        /// No enforced policy covers the batch.
        NoPolicy = "no-policy", "Enforce a policy in the policy set whose `when` covers this batch.";
        /// The review, which is what the policies read, could not be written.
        Review = "review", "Report the message: this is a bug in Reprieve.";
        /// The targets could not be read a second time.
        Batch = "batch", "Check that the list was not changed or removed while the decision was made, then decide again.";
        /// The history could not be queried.
        History = "history", "Check that the history is reachable and readable, then decide again.";
        /// The inventory could not be queried.
        Inventory = "inventory", "Check that the inventory is reachable and readable, then decide again.";
        /// The ledger could not record the decision, so it is not an allow.
        Ledger = "ledger", "Check that the ledger is reachable, writable and undamaged, then decide again.";
        /// The time of the decision was given, but with a ledger its clock decides.
        Clock = "clock", "Omit the time, or decide without the ledger.";
        /// The ledger has changed since the facts of a planned batch were computed.
        Outdated = "outdated", "Compute the facts again, observe the sections again, and decide.";
    }
}

impl fmt::Display for FaultCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_the_json() {
        for cause in FaultCause::ALL {
            let json = serde_json::to_string(cause).unwrap();
            assert_eq!(json, format!("\"{cause}\""));
            assert_eq!(serde_json::from_str::<FaultCause>(&json).unwrap(), *cause);
        }
    }

    #[test]
    fn every_cause_is_explained_in_one_sentence() {
        for cause in FaultCause::ALL {
            for text in [cause.summary(), cause.help()] {
                assert!(
                    text.starts_with(|first: char| first.is_uppercase()) && text.ends_with('.'),
                    "{cause}: {text}"
                );
                assert!(!text.contains(". "), "{cause}: {text}");
            }
        }
    }

    #[test]
    fn causes_of_a_policy_come_before_those_of_the_gate() {
        assert!(FaultCause::ALL.is_sorted_by_key(|cause| cause.is_gate()));
    }
}
