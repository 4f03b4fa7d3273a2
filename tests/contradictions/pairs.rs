//! The pairs of statements that can contradict each other, and the claims without one.

use reprieve::model::Severity;
use reprieve_tests::in_order::Case;
use serde_json::{Value, json};

/// A claim in a request in order, another statement that it can contradict, and the rule that compares them.
pub struct Pair {
    pub case: Case,
    /// A JSON pointer into the request.
    pub claim: &'static str,
    /// What the claim is compared with.
    pub with: &'static str,
    /// A value that contradicts it.
    pub contradicts: Value,
    pub code: &'static str,
    pub severity: Severity,
}

/// The pairs. A claim that several statements can contradict is listed once for each.
pub fn pairs() -> Vec<Pair> {
    use Case::{Moved, Requested, Unused};
    let pair =
        |case, claim, with, contradicts, code, severity| Pair { case, claim, with, contradicts, code, severity };
    let deny = |case, claim, with, value, code| pair(case, claim, with, value, code, Severity::Deny);
    let warn = |case, claim, with, value, code| pair(case, claim, with, value, code, Severity::Warn);
    vec![
        // What is deleted.
        deny(Requested, "/target_kind", "`kind` of list and inventory", json!("site"), "identity/kind-mismatch"),
        deny(
            Requested,
            "/environment",
            "`environment` of list and inventory",
            json!("staging"),
            "identity/environment-mismatch",
        ),
        deny(
            Requested,
            "/targets/0/kind",
            "`target_kind`, `kind` of the inventory",
            json!("site"),
            "identity/kind-mismatch",
        ),
        deny(Requested, "/targets/0/tenant", "`tenant` of the inventory", json!("t-2"), "identity/tenant-mismatch"),
        deny(Requested, "/targets/0/environment", "`environment`", json!("staging"), "identity/environment-mismatch"),
        deny(
            Requested,
            "/targets/0/last_used_at",
            "`state_since` of the inventory",
            json!("2026-03-01T12:00:00Z"),
            "mode/soft-delete-first",
        ),
        // The call.
        deny(Requested, "/operation/selector", "the listed ids", json!("env = 'x'"), "provenance/expanded-selector"),
        deny(Requested, "/operation/by", "a call by ids", json!("selector"), "provenance/expanded-selector"),
        deny(
            Requested,
            "/operation/program_sha256",
            "`program_sha256` of dry run and approvals",
            json!("1a"),
            "rehearsal/dry-run-differs",
        ),
        deny(
            Requested,
            "/operation/program_sha256",
            "`program_sha256` of the approvals",
            json!("1a"),
            "authority/too-few-approvals",
        ),
        // The reason.
        deny(Requested, "/reason/basis", "the accepted legal bases", json!("cleanup"), "mode/no-legal-basis"),
        deny(Requested, "/reason/trigger_source", "a person's choice", json!("default"), "mode/default-trigger"),
        deny(Requested, "/reason/trigger", "`migration`", json!("migration"), "recovery/copy-unverified"),
        // Who.
        deny(Requested, "/actor/id", "`approvals.by`", json!("alice"), "authority/self-approval"),
        deny(Requested, "/actor/on_behalf_of", "`approvals.by`", json!("alice"), "authority/self-approval"),
        deny(Requested, "/actor/type", "what is asked of agents", json!("ai-agent"), "authority/agent-not-allowed"),
        deny(Requested, "/actor/credential/purpose", "a deletion", json!("testing"), "authority/credential-purpose"),
        deny(
            Requested,
            "/actor/credential/environment",
            "`environment`",
            json!("test"),
            "authority/credential-purpose",
        ),
        // Where the list comes from.
        deny(Requested, "/provenance/selection", "`provenance.keep_set`", json!("complement"), "provenance/keep-set"),
        deny(
            Requested,
            "/provenance/query",
            "`operation`, the listed ids",
            json!("select id from apps"),
            "provenance/unbounded-selector",
        ),
        deny(Requested, "/provenance/complete", "a whole list", json!(false), "provenance/incomplete"),
        deny(Requested, "/provenance/id_kind", "`target_kind`", json!("site"), "identity/kind-mismatch"),
        deny(Requested, "/provenance/row_count", "the rows of the list", json!(2), "provenance/count-mismatch"),
        deny(Requested, "/provenance/source_total", "the rows of the list", json!(2), "provenance/incomplete"),
        deny(Requested, "/provenance/sha256", "the digest of the list", json!("f00"), "provenance/digest-mismatch"),
        deny(
            Requested,
            "/provenance/extracted_at",
            "the time of the decision",
            json!("2026-03-01T12:00:00Z"),
            "provenance/stale",
        ),
        warn(
            Requested,
            "/provenance/extracted_at",
            "`dry_run.at`",
            json!("2026-03-02T11:40:00Z"),
            "rehearsal/dry-run-stale",
        ),
        deny(Requested, "/provenance/extracted_by", "`approvals.by`", json!("alice"), "authority/self-approval"),
        deny(Unused, "/provenance/page_size", "`keep_set.count`", json!(27), "provenance/keep-set"),
        deny(
            Unused,
            "/provenance/keep_set/count",
            "`keep_set.previous_count`, the history",
            json!(200),
            "provenance/keep-set",
        ),
        deny(
            Unused,
            "/provenance/keep_set/previous_count",
            "`keep_set.count`, the history",
            json!(900),
            "provenance/keep-set",
        ),
        deny(
            Unused,
            "/provenance/keep_set/observed_at",
            "the time of the decision",
            json!("2026-03-01T12:00:00Z"),
            "provenance/keep-set",
        ),
        deny(Unused, "/provenance/lookups/asked", "the rows of the list", json!(2), "provenance/failed-lookups"),
        deny(Unused, "/provenance/lookups/answered", "`lookups.asked`", json!(299), "provenance/failed-lookups"),
        deny(Unused, "/provenance/lookups/failed", "`lookups.asked`", json!(3), "provenance/failed-lookups"),
        // The dry run.
        deny(
            Requested,
            "/dry_run/at",
            "the time of the decision",
            json!("2026-02-01T12:00:00Z"),
            "rehearsal/dry-run-stale",
        ),
        deny(
            Requested,
            "/dry_run/targets_sha256",
            "the digest of the list",
            json!("f00"),
            "rehearsal/dry-run-differs",
        ),
        deny(Requested, "/dry_run/environment", "`environment`", json!("staging"), "rehearsal/dry-run-differs"),
        deny(Requested, "/dry_run/count", "the rows of the list", json!(2), "rehearsal/dry-run-differs"),
        deny(
            Requested,
            "/dry_run/by_kind",
            "the kinds of the list",
            json!({ "site": 3 }),
            "rehearsal/dry-run-differs",
        ),
        deny(
            Requested,
            "/dry_run/program_sha256",
            "`operation.program_sha256`",
            json!("1a"),
            "rehearsal/dry-run-differs",
        ),
        // Undoing it.
        deny(
            Requested,
            "/recovery/checkpoints/0/id",
            "the targets, the inventory",
            json!("app-1"),
            "recovery/backup-shares-fate",
        ),
        deny(
            Requested,
            "/recovery/checkpoints/0/location",
            "the targets, the inventory",
            json!("app-1"),
            "recovery/backup-shares-fate",
        ),
        deny(Requested, "/recovery/checkpoints/0/verified", "a usable backup", json!(false), "recovery/no-backup"),
        deny(
            Requested,
            "/recovery/checkpoints/0/completed_at",
            "the time of the decision",
            json!("2026-02-01T12:00:00Z"),
            "recovery/no-backup",
        ),
        deny(
            Requested,
            "/recovery/checkpoints/0/covers_sha256",
            "the digest of the list",
            json!("f00"),
            "recovery/no-backup",
        ),
        deny(
            Requested,
            "/recovery/checkpoints/0/immutable_until",
            "the time of the decision",
            json!("2026-03-03T12:00:00Z"),
            "recovery/backup-shares-fate",
        ),
        deny(
            Requested,
            "/recovery/restore/granularity",
            "the tenants of the batch",
            json!("all"),
            "recovery/restore-untested",
        ),
        deny(
            Requested,
            "/recovery/restore/tested_at",
            "the time of the decision",
            json!("2024-01-01T00:00:00Z"),
            "recovery/restore-untested",
        ),
        deny(
            Requested,
            "/recovery/restore/tested_scale",
            "the tenants of the batch",
            json!(0),
            "recovery/restore-untested",
        ),
        deny(
            Requested,
            "/recovery/restore/tenants_per_batch",
            "`restore.tested_scale`",
            json!(99),
            "recovery/restore-untested",
        ),
        deny(
            Requested,
            "/recovery/restore/batch_duration",
            "the time that a restore may take",
            json!("P3D"),
            "recovery/restore-too-long",
        ),
        // A move.
        deny(Moved, "/migration/copy", "the targets, the inventory", json!("app-1"), "recovery/backup-shares-fate"),
        deny(Moved, "/migration/verified_fraction", "0 to 1; all of the data", json!(66), "recovery/copy-unverified"),
        deny(
            Moved,
            "/migration/verified_at",
            "`last_used_at` of list and inventory",
            json!("2026-01-01T12:00:00Z"),
            "recovery/copy-unverified",
        ),
        deny(
            Moved,
            "/migration/source_hold_until",
            "the time of the deletion",
            json!("2026-03-09T12:00:00Z"),
            "recovery/copy-unverified",
        ),
        // Approvals.
        deny(Requested, "/approvals/0/by", "`actor`", json!("carol"), "authority/self-approval"),
        deny(Requested, "/approvals/0/by", "`provenance.extracted_by`", json!("dave"), "authority/self-approval"),
        deny(Requested, "/approvals/0/by", "the other approvals", json!("bob"), "authority/too-few-approvals"),
        deny(Requested, "/approvals/0/type", "a person", json!("automation"), "authority/too-few-approvals"),
        deny(
            Requested,
            "/approvals/0/at",
            "the time of the decision",
            json!("2026-02-01T12:00:00Z"),
            "authority/approval-stale",
        ),
        deny(
            Requested,
            "/approvals/0/targets_sha256",
            "the digest of the list",
            json!("f00"),
            "authority/approval-differs",
        ),
        deny(Requested, "/approvals/0/mode", "`mode`", json!("soft"), "authority/approval-differs"),
        deny(
            Requested,
            "/approvals/0/kinds",
            "the kinds of the list",
            json!({ "app": 2 }),
            "authority/approval-differs",
        ),
        deny(
            Requested,
            "/approvals/0/tenants",
            "the tenants of list and inventory",
            json!(2),
            "authority/approval-differs",
        ),
        deny(
            Requested,
            "/approvals/0/program_sha256",
            "`operation.program_sha256`",
            json!("1a"),
            "authority/approval-differs",
        ),
        // When, and whom it meets.
        deny(Requested, "/schedule/freeze", "a deletion", json!(true), "timing/freeze"),
        deny(
            Unused,
            "/notice/owners_notified_at",
            "the time of the decision",
            json!("2026-03-01T12:00:00Z"),
            "timing/no-notice",
        ),
        deny(Requested, "/notice/opt_outs", "a deletion", json!(1), "timing/no-notice"),
    ]
}

/// Claims that nothing can contradict, or that no rule compares, and why.
pub const UNCOMPARED: &[(&str, &str)] = &[
    ("/annotations/note", "It is for an operator's own policies."),
    ("/campaign", "The history knows what the campaign has deleted; a new name begins with the lowest limits."),
    ("/dry_run/sample", "It helps people; the digest is of every row."),
    ("/id", "It is a name that the submitter chooses."),
    ("/mode", "Every mode has its own conditions; `operation.verb` is compared with `soft` and `disable`."),
    ("/operation/cascade", "The inventory says what goes along with the targets, whatever the claim."),
    (
        "/operation/verb",
        "It is compared with the modes `soft` and `disable`; a hard delete is permanent, whatever its verb.",
    ),
    ("/provenance/program_sha256", "The digest of the list says what the program made."),
    ("/provenance/source", "The history knows the source of the campaign's last list; nothing else states a source."),
    ("/reason/text", "It helps people."),
    ("/reason/ticket", "The gate has no access to a ticket system."),
    (
        "/recovery/restore/parallel_batches",
        "It is compared with the time that a restore may take, as a part of the estimate.",
    ),
    (
        "/recovery/soft_delete_days",
        "It is about soft deletes: compared with seven days and with `migration.source_hold_until`.",
    ),
    ("/schedule/expires_at", "The gate compares it with the time of the decision, which is undecided afterwards."),
    ("/schedule/not_before", "The gate compares it with the time of the decision, which is undecided before."),
];
