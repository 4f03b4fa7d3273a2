//! The findings of the gate itself, for those who explain codes.

use reprieve_model::Nature;

/// A finding of the gate itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GateFinding {
    /// The code: `gate/…`.
    pub code: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// When it occurs, and what to do.
    pub explanation: &'static str,
    /// Whether something contradicts or something is missing.
    pub nature: Nature,
    /// Why an override does not lift it.
    pub not_lifted: &'static str,
}

/// Every finding of the gate itself.
pub const GATE_FINDINGS: [GateFinding; 3] = [
    GateFinding {
        code: "gate/halted",
        summary: "Denies every batch while a halt is in force.",
        explanation: "Someone pressed the stop button, `reprieve halt`. Nothing is allowed until `reprieve resume` lifts the halt.",
        nature: Nature::Wrong,
        not_lifted: "never lifted: no override lifts it",
    },
    GateFinding {
        code: "gate/override",
        summary: "Warns that the override which came with the batch is not valid, so it lifts nothing.",
        explanation: "The override is for another request or list, has expired, or was used before. Have two people sign a new one for this request and list.",
        nature: Nature::Wrong,
        not_lifted: "never lifted: it only warns, so there is nothing to lift",
    },
    GateFinding {
        code: "gate/bad-ids",
        summary: "Excludes targets whose id is blank or duplicated from the parts of `reprieve split`.",
        explanation: "It is used if no policy of the set has a rule about ids. Such targets are written to `excluded.ndjson`, so that no part contains a target that cannot be named, or contains one twice.",
        nature: Nature::Wrong,
        not_lifted: "never lifted: it is a reason of `split`, and not a finding of a decision",
    },
];
