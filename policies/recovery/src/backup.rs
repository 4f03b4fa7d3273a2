//! Backups: one that can be used, and none that the deletion reaches.

use super::DAY;
use super::rules::{BACKUP_SHARES_FATE, NO_BACKUP, Settings};
use reprieve_sdk::model::{Checkpoint, EvidenceFacts, Recovery as Claimed};
use reprieve_sdk::{Context, Findings, SignatureIssue, non_blank, same_letters};

fn is_usable(context: &Context<Settings>, checkpoint: &Checkpoint) -> bool {
    checkpoint.verified == Some(true)
        && non_blank(&checkpoint.id).is_some()
        && non_blank(&checkpoint.location).is_some()
        && checkpoint.covers_sha256.as_deref() == Some(context.evidence().targets_sha256)
        && checkpoint.completed_at.is_some_and(|at| context.is_fresh(at, context.settings.max_backup_age))
}

pub(super) fn check_backup(context: &Context<Settings>, claimed: &Claimed, findings: &mut Findings) {
    let checkpoints = claimed.checkpoints.as_deref().unwrap_or_default();
    let is_gone = |checkpoint: &Checkpoint| {
        let states = known_evidence(context, checkpoint).filter_map(|evidence| evidence.state.as_deref());
        states.into_iter().any(|state| context.settings.gone_states.iter().any(|gone| same_letters(gone, state)))
    };
    let unsigned = check_signatures(context, checkpoints, findings);
    let usable: Vec<&Checkpoint> = checkpoints
        .iter()
        .enumerate()
        .filter(|(i, checkpoint)| !unsigned.contains(i) && is_usable(context, checkpoint) && !is_gone(checkpoint))
        .map(|(_, checkpoint)| checkpoint)
        .collect();
    if usable.is_empty() {
        let finding = match checkpoints.len() {
            0 => findings.deny(&NO_BACKUP, "the request names no backup"),
            // What is said of each signature is enough.
            count if unsigned.len() == count => return,
            count => findings
                .deny(
                    &NO_BACKUP,
                    format!(
                        "none of {count} backups is named, fresh, verified, of this list, in a stated location, and not gone"
                    ),
                )
                .wrong(),
        };
        finding.field("/recovery/checkpoints").setting("max_backup_age").help(
            "back up these targets, verify the backup, and name it with its location and the digest of this list",
        );
        return;
    }
    let facts = context.inventory.as_ref().and_then(|inventory| inventory.evidence());
    if facts.is_some()
        && !usable.iter().any(|checkpoint| known_evidence(context, checkpoint).any(|evidence| evidence.known))
    {
        findings
            .warn(&NO_BACKUP, "the inventory does not know the backup, so it cannot show that it exists")
            .field("/recovery/checkpoints")
            .help("add backups to the inventory, with their state");
    }
    let days = context.settings.immutable_days;
    let until = context.facts.evaluated_at().plus((days * DAY) as i64);
    if !usable.iter().filter_map(|checkpoint| checkpoint.immutable_until?.known()).any(|end| end >= until) {
        let finding = findings
            .deny(&BACKUP_SHARES_FATE, format!("no backup is known to be immutable for the next {days} days"));
        let stated = usable.iter().any(|checkpoint| checkpoint.immutable_until.is_some());
        let finding = if stated { finding } else { finding.missing() };
        finding
            .field("/recovery/checkpoints")
            .setting("immutable_days")
            .help("lock the backup against deletion, and state until when (`immutable_until`)");
    }
}

/// Reports each backup whose signature, or the lack of one, keeps it from counting, and returns their positions.
fn check_signatures(context: &Context<Settings>, checkpoints: &[Checkpoint], findings: &mut Findings) -> Vec<usize> {
    let mut unsigned = Vec::new();
    for (i, checkpoint) in checkpoints.iter().enumerate() {
        let field = format!("/recovery/checkpoints/{i}");
        let Some(issue) = context.attestation_issue(&field, checkpoint.token.as_deref()) else { continue };
        let name = non_blank(&checkpoint.id).unwrap_or_default();
        let finding = findings.deny(&NO_BACKUP, format!("the backup `{name}` does not count: {issue}"));
        let finding = if issue == SignatureIssue::NotSigned { finding.missing() } else { finding.wrong() };
        finding.field(format!("{field}/token")).help("have the person or system that made the backup sign it");
        unsigned.push(i);
    }
    unsigned
}

/// What the inventory knows of a backup: of its name and of its location.
fn known_evidence<'a>(
    context: &'a Context<Settings>,
    checkpoint: &'a Checkpoint,
) -> impl Iterator<Item = &'a EvidenceFacts> {
    let facts = context.inventory.as_ref().and_then(|inventory| inventory.evidence());
    let names = [checkpoint.id.as_deref(), checkpoint.location.as_deref()];
    facts.into_iter().flatten().filter(move |evidence| names.contains(&Some(evidence.name.as_str())))
}

pub(super) fn check_backup_targets(context: &Context<Settings>, findings: &mut Findings) {
    let Some(inventory) = &context.inventory else { return };
    let deleted = &inventory.closure().evidence;
    if !deleted.is_empty() {
        findings
            .deny(
                &BACKUP_SHARES_FATE,
                format!("the batch would also delete the backup or copy `{}`", deleted.join("`, `")),
            )
            .field("/recovery/checkpoints")
            .help("keep the backup where this deletion does not reach it");
        return;
    }
    let beside = inventory.evidence().into_iter().flatten().filter(|evidence| evidence.beside);
    let beside: Vec<&str> = beside.map(|evidence| evidence.name.as_str()).collect();
    if !beside.is_empty() {
        findings
            .deny_if(
                context.is_hard(),
                &BACKUP_SHARES_FATE,
                format!(
                    "the backup or copy `{}` is in the same bucket, account or host as targets",
                    beside.join("`, `")
                ),
            )
            .field("/recovery/checkpoints")
            .help("keep the backup in another account, with other credentials");
    }
}
