//! The guides in `docs/guides`: every command of a page is run, in order, in a folder with the files of the page.

use std::path::Path;
use std::process::Command;

/// A fenced block: its language, what follows it on that line, and its text.
struct Block<'a> {
    language: &'a str,
    about: &'a str,
    text: &'a str,
}

fn blocks(page: &str) -> Vec<Block<'_>> {
    let fenced = page.split("```").skip(1).step_by(2);
    fenced
        .map(|fenced| {
            let (opening, text) = fenced.split_once('\n').unwrap();
            let (language, about) = opening.split_once(' ').unwrap_or((opening, ""));
            Block { language, about, text }
        })
        .collect()
}

/// Whether a line is as a page shows it: `…` stands for any text.
fn is_shown(line: &str, shown: &str) -> bool {
    let mut rest = line;
    let parts: Vec<&str> = shown.split('…').collect();
    let follow = parts.iter().enumerate().all(|(i, part)| match rest.find(part) {
        Some(at) if i > 0 || at == 0 => {
            rest = &rest[at + part.len()..];
            true
        }
        _ => false,
    });
    follow && (shown.ends_with('…') || rest.is_empty())
}

/// Runs the commands of a page. Returns how many blocks of commands it has.
fn run(page: &str, shown: &str) -> usize {
    let folder = tempfile::tempdir().unwrap();
    let blocks = blocks(page);
    for block in &blocks {
        if !matches!(block.language, "sh" | "text") && !block.about.is_empty() {
            std::fs::write(folder.path().join(block.about), block.text).unwrap();
        }
    }
    let program = Path::new(env!("CARGO_BIN_EXE_reprieve")).parent().unwrap().display().to_string();
    let path = format!("{program}:{}", std::env::var("PATH").unwrap());
    let (mut printed, mut count) = (String::new(), 0);
    for block in &blocks {
        match block.language {
            "sh" => {
                let status = block.about.strip_prefix("exit=").map_or(0, |status| status.parse().unwrap());
                let mut command = Command::new("bash");
                command.args(["-euc", block.text]).current_dir(folder.path()).env("PATH", &path);
                command.env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR"));
                for system in ["GITHUB_ACTIONS", "GITLAB_CI", "JENKINS_URL", "ATLANTIS_TERRAFORM_VERSION"] {
                    command.env_remove(system);
                }
                let output = command.output().unwrap();
                printed = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
                assert_eq!(output.status.code(), Some(status), "{shown}: {}\n{printed}", block.text);
                count += 1;
            }
            "text" => {
                for line in block.text.lines() {
                    let found = printed.lines().any(|printed| is_shown(printed, line));
                    assert!(found, "{shown}: no `{line}` in\n{printed}");
                }
            }
            _ => {}
        }
    }
    count
}

/// Installs curl, which a page uses, if it is missing.
fn install_curl() {
    if Command::new("curl").arg("--version").output().is_err() {
        let script =
            "apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends curl";
        assert!(Command::new("sh").args(["-c", script]).status().unwrap().success(), "this test needs curl");
    }
}

#[test]
fn the_commands_of_every_guide_work() {
    install_curl();
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let guides = std::fs::read_dir(docs.join("guides")).unwrap().map(|entry| entry.unwrap().path());
    let mut pages = 0;
    for path in guides.chain(["service.md", "distributed.md"].map(|page| docs.join(page))) {
        let shown = path.display().to_string();
        assert!(run(&std::fs::read_to_string(&path).unwrap(), &shown) >= 3, "{shown} has too few commands");
        pages += 1;
    }
    assert_eq!(pages, 7);
}

#[test]
fn a_shown_line_stands_for_what_it_says() {
    assert!(is_shown("deny a/b: hard delete of 2 targets", "deny …: hard delete of 2 targets"));
    assert!(is_shown("wrote x; y", "wrote x…") && is_shown("a", "a"));
    assert!(!is_shown("deny a", "allow …") && !is_shown("a b", "a") && !is_shown("x deny", "deny…"));
    assert!(!is_shown("deny a: soft delete", "deny …: hard delete"));
}
