//! Changes to files of the format `backup`: a deletion is still there, or the file is refused.

use crate::support::altered::*;

#[test]
fn truncations() {
    truncations_never_alter_an_item("backup");
}

#[test]
fn changed_bytes() {
    changed_bytes_never_hide_an_item("backup");
}

#[test]
fn disguised_removals_are_refused() {
    for (file, from, to) in [
        ("restic-forget.json", r#""remove":["#, r#""Remove":["#),
        ("restic-forget.json", r#""remove":null"#, r#""remove":{}"#),
        ("restic-forget.json", r#""remove":["#, r#""removed":[],"remove":["#),
        ("restic-forget.json", r#""remove":["#, r#""remove":[],"remove":["#),
        ("restic-forget.json", r#""keep":["#, r#""keep":[{"id":"x"},"#),
        ("restic-forget.json", r#""short_id":"d4735e3a""#, r#""short_id":"ffffffff""#),
        ("restic-forget.json", "[{", "repository opened\n[{"),
        ("restic-snapshots.json", r#""short_id""#, r#""id":"x","short_id""#),
        ("restic-forget-groups.txt", "remove 2 snapshots:", "Remove 2 snapshots:"),
        ("restic-forget-groups.txt", "remove 2 snapshots:", "remove 3 snapshots:"),
        ("restic-forget-groups.txt", "remove 2 snapshots:\n", ""),
        ("restic-forget-groups.txt", "\n60e5c031 ", "\n 60e5c031 "),
        ("restic-forget-groups.txt", "\n60e5c031 ", "\n1dccffe9 "),
        ("restic-forget-groups.txt", "\n60e5c031 ", "\n8a603ddf "),
        ("restic-forget-groups.txt", "\n60e5c031 ", "\n60E5C031 "),
        ("restic-forget-groups.txt", "{1dccffe9 60e5c031}", "{1dccffe9 60e5c031 ffffffff}"),
        ("restic-forget-groups.txt", "\n2 snapshots\n", "\n"),
        ("restic-forget-groups.txt", "Would have removed", "have been removed"),
        ("borg-prune.txt", "Would prune:", "would prune:"),
        ("borg-prune.txt", "Would prune:", "Pruning archive (1/3):"),
        ("borg-prune.txt", "Would prune:", "Would prune"),
        ("borg-prune.txt", "Keeping archive (rule: daily #1): ", "Kept archive: "),
        ("borg-prune.txt", "Would prune:", "error\nWould prune:"),
        ("borg-prune-log.json", r#""levelname": "INFO""#, r#""levelname": "ERROR""#),
        ("borg-prune-log.json", r#""type": "log_message""#, r#""type": "other""#),
        ("borg-prune-log.json", r#""message": "Would prune:"#, r#""message": "Would Prune:"#),
        ("borg-delete.txt", "(2/3)", "(3/3)"),
        ("borg-delete.txt", "(2/3)", ""),
        ("borg-delete.txt", "(1/3)", "(1/4)"),
        ("borg-list.json", r#""name""#, r#""Name""#),
        ("borg-list.json", r#""archives""#, r#""archive""#),
        ("velero-list.json", r#""kind":"Backup""#, r#""kind":"backup""#),
        ("velero-list.json", r#""metadata":{"resourceVersion":"1"}"#, r#""metadata":{"continue":"x"}"#),
        ("velero-list.json", r#""name":"daily-1""#, r#""name":1"#),
        ("velero-delete-requests.json", r#""backupName":"daily-1""#, r#""backupname":"daily-1""#),
    ] {
        refused("backup", file, from, to);
    }
}
