//! `reprieve hook`: no form of a command hides that it deletes.

use crate::support::asking::{HARNESSES, blocks, folder, passes, shell, strict};
use proptest::prelude::*;

/// Commands that delete, in forms that hide it. Each line of the file is one, with `\n` for a line break.
const EVASIONS: &str = include_str!("../data/hooks/destructive.txt");
/// Commands that delete nothing.
const HARMLESS: &str = include_str!("../data/hooks/harmless.txt");

fn lines(text: &str) -> impl Iterator<Item = String> {
    text.lines().filter(|line| !line.is_empty() && !line.starts_with("# ")).map(|line| line.replace("␊", "\n"))
}

#[test]
fn commands_that_delete_are_blocked_in_every_form() {
    let folder = strict();
    let mut count = 0;
    for (i, text) in lines(EVASIONS).enumerate() {
        let harness = HARNESSES[i % HARNESSES.len()];
        blocks(&folder, harness, &shell(harness, &text));
        count += 1;
    }
    assert!(count >= 60, "{count}");
}

#[test]
fn commands_that_delete_nothing_pass() {
    let folder = folder();
    for (i, text) in lines(HARMLESS).enumerate() {
        let harness = HARNESSES[i % HARNESSES.len()];
        passes(&folder, harness, &shell(harness, &text));
    }
}

/// A destructive command, as words.
fn destructive() -> impl Strategy<Value = Vec<&'static str>> {
    prop::sample::select(vec![
        vec!["terraform", "destroy"],
        vec!["terraform", "apply", "tfplan"],
        vec!["kubectl", "delete", "namespace", "shop"],
        vec!["aws", "s3", "rb", "s3://logs"],
        vec!["aws", "ec2", "terminate-instances"],
        vec!["gcloud", "sql", "instances", "delete", "x"],
        vec!["helm", "uninstall", "shop"],
        vec!["rm", "-rf", "/data"],
        vec!["docker", "system", "prune"],
        vec!["restic", "forget", "latest"],
        vec!["git", "push", "--force"],
        vec!["dropdb", "shop"],
    ])
}

/// A word with marks that a shell removes.
fn decorated(word: &'static str) -> impl Strategy<Value = String> {
    (0..word.len(), 0..7).prop_map(move |(at, how)| {
        let (head, tail) = word.split_at(at);
        match how {
            0 => format!("'{word}'"),
            1 => format!("\"{word}\""),
            2 => format!("{head}''{tail}"),
            3 => format!("{head}\\{tail}"),
            4 => format!("{head}${{z}}{tail}"),
            5 => format!("{head}\\\n{tail}"),
            _ => word.to_owned(),
        }
    })
}

fn wrapped() -> impl Strategy<Value = String> {
    let words = destructive().prop_flat_map(|words| words.into_iter().map(decorated).collect::<Vec<_>>());
    (words, prop::sample::select(vec![" ", "  ", "\t", "${IFS}", " \\\n "]), 0..9).prop_map(
        |(words, between, how)| {
            let text = words.join(between);
            match how {
                0 => format!("cd /x && {text}"),
                1 => format!("sudo -E env A=b {text}"),
                2 => format!("echo a | xargs -n 1 {text}"),
                3 => format!("x=$({text})"),
                4 => format!("ls;{text};ls"),
                5 => format!("(\n{text}\n)"),
                6 => format!("nohup {text} &"),
                7 => format!("if true; then {text}; fi"),
                _ => text,
            }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_decoration_hides_a_deletion(text in wrapped()) {
        let folder = strict();
        blocks(&folder, "claude", &shell("claude", &text));
    }
}
