//! The console in Chromium: from a denied batch to approvals by two people, an allow, a permit and a commit; hostile text;
//! accessibility. `browser/console.mjs` walks through it.

use crate::support::fixture::{says, write};
use crate::support::service::Service;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Chromium. If it does not exist, the Debian package is installed.
fn chromium() -> PathBuf {
    let find = || {
        let folders = std::env::var_os("PATH").unwrap();
        let programs = std::env::split_paths(&folders)
            .flat_map(|folder| ["chromium", "chromium-browser", "google-chrome"].map(|name| folder.join(name)));
        programs.into_iter().find(|program| program.is_file())
    };
    find().unwrap_or_else(|| {
        let install = "apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends chromium";
        drop(Command::new("sh").args(["-c", install]).status());
        find().expect("this test needs Chromium: apt-get install chromium")
    })
}

/// A folder with the script and what it needs from npm.
fn installed() -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("browser");
    std::fs::create_dir_all(&folder).unwrap();
    for name in ["package.json", "console.mjs"] {
        std::fs::copy(source.join(name), folder.join(name)).unwrap();
    }
    let output =
        Command::new("npm").args(["install", "--no-audit", "--no-fund"]).current_dir(&folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    folder
}

#[test]
fn people_can_use_the_console() {
    let (chromium, script) = (chromium(), installed());
    let fixture = tempfile::tempdir().unwrap();
    let config = "ledger = \"reprieve.db\"\n\n[approvals]\nkeys = \"people.json\"\nsigned = true\n\n\
                  [permits]\nkey = \"permits.key\"\nkeys = \"keys.json\"\n\n\
                  [[policy]]\nuse = \"builtin:authority\"\nsettings = { approvals_soft = 2 }\n";
    write(&fixture, "reprieve.toml", config);
    for name in ["alice --keys people.json", "bob --keys people.json", "permits"] {
        says(&fixture, &format!("keys new {name}"), 0, &[]);
    }
    says(&fixture, "ledger new", 0, &[]);
    let request = json!({
        "id": "r-1", "mode": "soft", "environment": "production", "target_kind": "app", "campaign": "c-1",
        "actor": { "id": "svc", "type": "automation", "on_behalf_of": "carol",
            "credential": { "purpose": "deletion", "environment": "production" } },
        "reason": { "trigger": "request", "ticket": "7", "text": "their contracts have ended" },
        "operation": { "verb": "delete", "by": "ids" },
        "targets": [{ "id": "a-1", "tenant": "t-1" }, { "id": "a-2", "tenant": "t-2" }, { "id": "a-3", "tenant": "t-3" }]
    });
    write(&fixture, "request.json", &request.to_string());
    let service = Service::start(&fixture);
    let mut node = Command::new("node");
    node.arg(script.join("console.mjs")).arg(&service.url).arg(fixture.path());
    node.arg(env!("CARGO_BIN_EXE_reprieve")).arg(chromium).current_dir(&script);
    let output = node.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "the console works in a browser\n");
}
