//! The verdict: one pure function over the outcomes of the policies.
//!
//! | an enforced denial | an enforced fault | an enforced policy in scope | verdict |
//! |---|---|---|---|
//! | yes | any | any | deny |
//! | no | yes | any | undecided |
//! | no | no | no | undecided |
//! | no | no | yes | **allow** |

use reprieve_model::{Fault, Finding, PolicyResult, PolicyRun, Verdict};

/// Combines the outcomes of the policies. Only what is enforced counts. A denial that an override lifted does not count;
/// a fault cannot be lifted. The order of the policies does not matter.
pub(crate) fn verdict(findings: &[Finding], faults: &[Fault], policies: &[PolicyRun]) -> Verdict {
    let denied = findings.iter().any(Finding::denies);
    let faulted = faults.iter().any(|fault| fault.enforced);
    let judged = policies.iter().any(counts);
    match (denied, faulted, judged) {
        (true, _, _) => Verdict::Deny,
        (false, false, true) => Verdict::Allow,
        (false, _, _) => Verdict::Undecided,
    }
}

/// Whether a policy evaluated the batch and is enforced.
pub(crate) fn counts(policy: &PolicyRun) -> bool {
    policy.enforced && policy.result != PolicyResult::OutOfScope
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use reprieve_model::{FaultCause, Nature, Severity};

    /// One policy: whether it is enforced, and its result: 0 pass, 1 warn, 2 deny, 3 fault, 4 out of scope.
    type Part = (bool, u8);

    fn decide(parts: &[Part]) -> Verdict {
        let (mut findings, mut faults, mut policies) = (Vec::new(), Vec::new(), Vec::new());
        for (enforced, result) in parts.iter().copied() {
            let severity = if result == 1 { Severity::Warn } else { Severity::Deny };
            if result == 1 || result == 2 {
                findings.push(Finding {
                    policy: "p".into(),
                    rule: "r".into(),
                    code: "p/r".into(),
                    severity,
                    nature: Nature::Wrong,
                    message: String::new(),
                    help: String::new(),
                    field: None,
                    setting: None,
                    rows: 0,
                    examples: Vec::new(),
                    enforced,
                    lifted: false,
                });
            }
            if result == 3 {
                faults.push(Fault { policy: "p".into(), cause: FaultCause::Fuel, message: String::new(), enforced });
            }
            policies.push(PolicyRun {
                name: "p".into(),
                version: "1".into(),
                sha256: String::new(),
                settings_sha256: String::new(),
                fuel: 0,
                enforced,
                result: if result == 4 { PolicyResult::OutOfScope } else { PolicyResult::Pass },
            });
        }
        verdict(&findings, &faults, &policies)
    }

    #[test]
    fn deny_outranks_undecided_and_undecided_outranks_allow() {
        assert_eq!(decide(&[(true, 0), (true, 1)]), Verdict::Allow);
        assert_eq!(decide(&[(true, 0), (true, 3)]), Verdict::Undecided);
        assert_eq!(decide(&[(true, 2), (true, 3)]), Verdict::Deny);
        assert_eq!(decide(&[(true, 0), (false, 2), (false, 3)]), Verdict::Allow);
        assert_eq!(decide(&[]), Verdict::Undecided);
        assert_eq!(decide(&[(false, 0), (true, 4)]), Verdict::Undecided);
    }

    fn parts() -> impl Strategy<Value = Vec<Part>> {
        prop::collection::vec((any::<bool>(), 0_u8..5), 0..8)
    }

    proptest! {
        #[test]
        fn is_independent_of_the_order_of_policies(parts in parts(), by in 0_usize..8) {
            let mut turned = parts.clone();
            turned.rotate_left(by.min(parts.len()));
            prop_assert_eq!(decide(&parts), decide(&turned));
            turned.reverse();
            prop_assert_eq!(decide(&parts), decide(&turned));
        }

        #[test]
        fn adding_an_enforced_policy_never_turns_another_verdict_into_allow(parts in parts(), result in 0_u8..5) {
            let before = decide(&parts);
            let more: Vec<Part> = parts.iter().copied().chain([(true, result)]).collect();
            let judged = parts.iter().any(|(enforced, result)| *enforced && *result != 4);
            if decide(&more) == Verdict::Allow && judged {
                prop_assert_eq!(before, Verdict::Allow);
            }
        }

        #[test]
        fn a_policy_that_is_not_enforced_changes_nothing(parts in parts(), result in 0_u8..5) {
            let more: Vec<Part> = parts.iter().copied().chain([(false, result)]).collect();
            prop_assert_eq!(decide(&parts), decide(&more));
        }
    }
}
