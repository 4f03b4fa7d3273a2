//! The answer to a harness: its form, its exit status, and what the harness does with it by its own documentation.

use super::harness::Harness;
use serde_json::{Value, json};
use std::io::Write;

/// The answer to a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// No opinion: the harness goes on as without a hook, and asks its user if it would.
    Pass,
    /// The call must not run.
    Block(String),
}

/// The exit status with which every harness blocks a call. With 1, all of them let the call run.
pub const BLOCKED: u8 = 2;

impl Answer {
    /// Prints the answer and returns the exit status. A reason goes to standard error, which Codex and Gemini CLI require of
    /// a status that blocks, and as JSON to standard output, for a harness that reads that.
    pub fn print(&self, harness: Harness) -> u8 {
        let (json, status) = match self {
            Self::Pass => (pass(harness), 0),
            Self::Block(reason) => {
                // If this fails, the status still blocks.
                drop(writeln!(std::io::stderr(), "{reason}"));
                (Some(deny(harness, reason)), BLOCKED)
            }
        };
        let printed = json.map_or(Ok(()), |json| {
            let mut out = std::io::stdout().lock();
            writeln!(out, "{json}").and_then(|()| out.flush())
        });
        // An answer that was not read is not given.
        if printed.is_ok() { status } else { BLOCKED }
    }
}

/// What says that there is no objection. Nothing at all, except for Cursor: it blocks what a permission hook does not answer,
/// and its `allow` does not skip its own question to the user.
fn pass(harness: Harness) -> Option<Value> {
    (harness == Harness::Cursor).then(|| json!({ "permission": "allow" }))
}

fn deny(harness: Harness, reason: &str) -> Value {
    match harness {
        Harness::Claude | Harness::Codex => json!({ "hookSpecificOutput": {
            "hookEventName": "PreToolUse",
            "permissionDecision": "deny",
            "permissionDecisionReason": reason,
        } }),
        Harness::Gemini => json!({ "decision": "deny", "reason": reason }),
        Harness::Cursor => json!({ "permission": "deny", "user_message": reason, "agent_message": reason }),
    }
}

/// Whether a harness blocks a call after this answer, by its documentation. `None` is a hook that did not start or end.
pub fn blocks(harness: Harness, status: Option<i32>, stdout: &str, stderr: &str, fails_closed: bool) -> bool {
    let json: Option<Value> = serde_json::from_str(stdout).ok();
    let says = |pointer: &str| json.as_ref().and_then(|json| json.pointer(pointer)?.as_str());
    let has_reason = !stderr.trim().is_empty();
    match (harness, status) {
        (Harness::Claude | Harness::Cursor, Some(2)) => true,
        (Harness::Codex | Harness::Gemini, Some(2)) => has_reason,
        (Harness::Claude | Harness::Codex, Some(0)) => {
            says("/hookSpecificOutput/permissionDecision") == Some("deny")
                && says("/hookSpecificOutput/permissionDecisionReason").is_some_and(|reason| !reason.is_empty())
        }
        (Harness::Gemini, Some(0)) => matches!(says("/decision"), Some("deny" | "block")),
        (Harness::Cursor, Some(0)) => {
            says("/permission") == Some("deny") || (fails_closed && says("/permission").is_none())
        }
        _ => fails_closed && matches!(harness, Harness::Claude | Harness::Cursor),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Harness; 4] = [Harness::Claude, Harness::Codex, Harness::Gemini, Harness::Cursor];

    #[test]
    fn only_what_is_documented_blocks() {
        for harness in ALL {
            let denial = deny(harness, "no").to_string();
            assert!(blocks(harness, Some(0), &denial, "", false), "{harness:?}");
            assert!(blocks(harness, Some(2), "", "no", false), "{harness:?}");
            assert!(!blocks(harness, Some(1), &denial, "no", false), "{harness:?}: a status of 1 lets the call run");
            assert!(!blocks(harness, None, "", "", false), "{harness:?}");
        }
        assert!(!blocks(Harness::Codex, Some(2), "", " ", true) && !blocks(Harness::Gemini, Some(2), "{}", "", true));
        assert!(blocks(Harness::Claude, Some(1), "", "", true) && blocks(Harness::Cursor, Some(0), "", "", true));
    }

    #[test]
    fn a_pass_approves_nothing() {
        for harness in [Harness::Claude, Harness::Codex, Harness::Gemini] {
            assert_eq!(pass(harness), None);
        }
        assert_eq!(pass(Harness::Cursor), Some(json!({ "permission": "allow" })));
    }
}
