//! `reprieve split`: the parts pass, no target is lost, no evidence is invented.

use crate::support::fixture::reprieve;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

const AT: &str = "2022-04-05T07:38:00Z";

fn i01() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/incidents/i01-atlassian")
}

/// The list that the Atlassian script should have had, the ids of the 883 apps of 775 tenants, with more lines.
fn corrected_ids(more: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let inventory = std::fs::read_to_string(i01().join("inventory.csv")).unwrap();
    let mut targets = String::from("id,kind,tenant\n");
    for line in inventory.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        if fields[1] == "app" {
            targets += &format!("{},app,{}\n", fields[0], fields[2]);
        }
    }
    std::fs::write(folder.path().join("inventory.csv"), inventory).unwrap();
    std::fs::write(folder.path().join("targets.csv"), targets + more).unwrap();
    let request = std::fs::read_to_string(i01().join("request.json")).unwrap();
    let mut request: Value = serde_json::from_str(&request).unwrap();
    request["targets"] = json!({ "path": "targets.csv" });
    request["dry_run"] = json!({ "at": AT, "count": 883 });
    std::fs::write(folder.path().join("request.json"), request.to_string()).unwrap();
    folder
}

const SPLIT: [&str; 8] = ["split", "request.json", "--inventory", "inventory.csv", "--at", AT, "--out", "parts"];

fn lines(path: &Path) -> Vec<Value> {
    std::fs::read_to_string(path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn each_part_passes_blast_radius_and_all_of_them_are_the_list() {
    let folder = corrected_ids("");
    let output = reprieve(folder.path(), &SPLIT);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let plan = String::from_utf8(output.stdout).unwrap();
    assert!(plan.contains("all 883 targets"), "{plan}");

    let parts = folder.path().join("parts");
    let mut ids = BTreeSet::new();
    let (mut sizes, mut number) = (Vec::new(), 0);
    loop {
        number += 1;
        let name = format!("part-{number:03}");
        if !parts.join(format!("{name}.json")).exists() {
            break;
        }
        let targets = lines(&parts.join(format!("{name}.ndjson")));
        let tenants: BTreeSet<&str> = targets.iter().map(|target| target["tenant"].as_str().unwrap()).collect();
        sizes.push(tenants.len());
        ids.extend(targets.iter().map(|target| target["id"].as_str().unwrap().to_owned()));
        let request: Value =
            serde_json::from_str(&std::fs::read_to_string(parts.join(format!("{name}.json"))).unwrap()).unwrap();
        assert_eq!(request["dry_run"], Value::Null, "evidence for the whole list is not evidence for a part");
        assert_eq!(request["provenance"]["sha256"], Value::Null);
        let check =
            ["check", &format!("{name}.json"), "--inventory", "../inventory.csv", "--at", AT, "--format", "json"];
        let decision: Value = serde_json::from_slice(&reprieve(&parts, &check).stdout).unwrap();
        let codes: Vec<&str> = decision["findings"]
            .as_array()
            .unwrap()
            .iter()
            .map(|finding| finding["code"].as_str().unwrap())
            .collect();
        assert!(
            !codes.is_empty() && codes.iter().all(|code| !code.starts_with("blast-radius/")),
            "{name}: {codes:?}"
        );
    }
    assert_eq!(ids.len(), 883);
    assert_eq!(sizes.iter().sum::<usize>(), 775, "a tenant is in one part");
    assert_eq!(sizes[0], 7, "a canary of 1 % of 775 tenants");
    assert!(sizes.iter().all(|size| *size <= 60), "{sizes:?}");
    assert!(lines(&parts.join("excluded.ndjson")).is_empty());
}

#[test]
fn offending_targets_are_excluded_with_their_codes() {
    let folder = corrected_ids(
        "app-7c6edf0f0f,app,customer-0001\nnobody,app,customer-0002\nsite-5b5197217c,app,customer-0001\n,app,customer-0003\n",
    );
    let output = reprieve(folder.path(), &[&SPLIT[..], &["--tenants", "20"]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8(output.stdout).unwrap().contains("4 excluded are all 887 targets"));
    let excluded: BTreeMap<u64, Vec<String>> = lines(&folder.path().join("parts/excluded.ndjson"))
        .into_iter()
        .map(|line| (line["row"].as_u64().unwrap(), serde_json::from_value(line["codes"].clone()).unwrap()))
        .collect();
    assert_eq!(excluded.keys().copied().collect::<Vec<_>>(), [883, 884, 885, 886]);
    assert_eq!(excluded[&883], ["provenance/bad-ids"]);
    assert!(excluded[&884].contains(&"identity/unresolved".to_owned()));
    assert!(excluded[&885].contains(&"identity/kind-mismatch".to_owned()));
    assert!(excluded[&886].contains(&"provenance/bad-ids".to_owned()));
    let second = lines(&folder.path().join("parts/part-002.ndjson"));
    let tenants: BTreeSet<&str> = second.iter().map(|target| target["tenant"].as_str().unwrap()).collect();
    assert_eq!(tenants.len(), 20);
}

#[test]
fn nothing_is_overwritten_or_partially_written() {
    let folder = corrected_ids("");
    std::fs::create_dir(folder.path().join("parts")).unwrap();
    let output = reprieve(folder.path(), &SPLIT);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("parts already exists"));
    let output = reprieve(folder.path(), &[&SPLIT[..7], &["new", "--tenants", "0"]].concat());
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("the settings allow no tenant to be reached"));
    assert!(!folder.path().join("new").exists());
}
