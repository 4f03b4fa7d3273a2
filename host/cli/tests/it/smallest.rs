//! The smallest batches that were once decided wrongly. Each is drafted and papered by commands, so that nothing but its
//! cause is left to object to, and an allow is a real one.

use crate::support::fixture::reprieve;
use serde_json::Value;
use std::fs;
use tempfile::TempDir;

const COLUMNS: &str = "id,kind,tenant,environment,state,last_used_at,dependents,legal_hold,retain_until";

/// A batch to try.
struct Try<'a> {
    list: (&'a str, Vec<u8>),
    /// The rows of the inventory. Without any, there is no inventory.
    inventory: Vec<String>,
    kind: Option<&'a str>,
    mode: &'a str,
    flags: Vec<&'a str>,
    set: Vec<String>,
    config: Option<&'a str>,
}

impl Default for Try<'_> {
    fn default() -> Self {
        Self {
            list: ("list.csv", b"id,kind,tenant\na,thing,t\n".to_vec()),
            inventory: Vec::new(),
            kind: None,
            mode: "soft",
            flags: Vec::new(),
            set: Vec::new(),
            config: None,
        }
    }
}

/// A row of the inventory about a thing in use, last used a year ago.
fn thing(id: &str, kind: &str, tenant: &str) -> String {
    format!("{id},{kind},{tenant},production,live,2025-01-01T00:00:00Z,none,false,none")
}

/// The verdict and the codes of its denials, or the error.
fn decide(case: Try<'_>) -> Result<(String, Vec<String>, Value), String> {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
    write(case.list.0, &case.list.1);
    write("history.json", b"[]");
    let inventory = if case.inventory.is_empty() { None } else { Some("inventory.csv") };
    write("inventory.csv", format!("{COLUMNS}\n{}\n", case.inventory.join("\n")).as_bytes());
    let now = now(&folder);
    let run = |arguments: &[&str]| {
        let output = reprieve(folder.path(), arguments);
        let error = String::from_utf8(output.stderr).unwrap();
        if output.status.success() { Ok(()) } else { Err(error) }
    };
    let known = [
        "reason.ticket=CHG-17",
        "reason.text=see the case",
        "reason.trigger=request",
        "reason.trigger_source=explicit",
        "operation.verb=delete",
        "operation.cascade=false",
        "actor.id=svc-cleanup",
        "actor.type=automation",
        "actor.on_behalf_of=carol",
        "actor.credential.purpose=deletion",
        "actor.credential.environment=production",
        "provenance.query=see the case",
        "provenance.selection=explicit",
        "provenance.complete=true",
        "provenance.extracted_by=carol",
        "recovery.soft_delete_days=30",
        "schedule.freeze=false",
    ];
    let extracted = format!("provenance.extracted_at={now}");
    let mut draft = vec!["draft", case.list.0, "--mode", case.mode, "--environment", "production", "--out", "r.json"];
    draft.extend(case.kind.into_iter().flat_map(|kind| ["--kind", kind]));
    draft.extend(&case.flags);
    let set = known.iter().copied().chain([extracted.as_str()]).chain(case.set.iter().map(String::as_str));
    draft.extend(set.flat_map(|field| ["--set", field]));
    run(&draft)?;
    let more = inventory.into_iter().flat_map(|name| ["--inventory", name]).collect::<Vec<_>>();
    run(&[&["attest", "dry-run", "r.json"][..], &more].concat())?;
    run(&["attest", "notice", "r.json", "--notified-at", "2026-01-05T00:00:00Z", "--opt-outs", "0"])?;
    if case.mode == "hard" {
        let backup = ["attest", "backup", "r.json", "--name", "vault-7", "--location", "s3://vault/7", "--verified"];
        run(&[&backup[..], &["--completed-at", &now, "--immutable-until", "2099-01-01T00:00:00Z"]].concat())?;
        let restore = ["attest", "restore", "r.json", "--tested-at", &now, "--tested-scale", "60"];
        run(&[&restore[..], &["--tenants-per-batch", "60", "--batch-duration", "PT1H"]].concat())?;
    }
    for name in ["dave", "erin", "frank"] {
        run(&[&["approve", "r.json", "--unsigned", "--as", name][..], &more].concat())?;
    }
    let mut check = vec!["check", "r.json", "--format", "json", "--history", "history.json"];
    check.extend(&more);
    if let Some(preset) = case.config {
        run(&["init", "--preset", preset])?;
    }
    let output = reprieve(folder.path(), &check);
    let decision: Value =
        serde_json::from_slice(&output.stdout).map_err(|_| String::from_utf8(output.stderr.clone()).unwrap())?;
    let denials = decision["findings"].as_array().unwrap().iter().filter(|finding| finding["severity"] == "deny");
    let mut codes: Vec<String> = denials.map(|finding| finding["code"].as_str().unwrap().to_owned()).collect();
    codes.sort();
    codes.dedup();
    Ok((decision["decision"].as_str().unwrap().to_owned(), codes, decision))
}

fn now(folder: &TempDir) -> String {
    let request = r#"{"id":"t","mode":"soft","environment":"e","target_kind":"k","targets":[{"id":"a"}]}"#;
    fs::write(folder.path().join("time.json"), request).unwrap();
    let output = reprieve(folder.path(), &["check", "time.json", "--format", "json"]);
    let decision: Value = serde_json::from_slice(&output.stdout).unwrap();
    decision["evaluated_at"].as_str().unwrap().to_owned()
}

fn allowed(what: &str, case: Try<'_>) {
    let (verdict, codes, _) = decide(case).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!((verdict.as_str(), codes), ("allow", Vec::<String>::new()), "{what}");
}

fn denied(what: &str, code: &str, case: Try<'_>) {
    let (verdict, codes, _) = decide(case).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!(verdict, "deny", "{what}");
    assert!(codes.iter().any(|found| found == code), "{what}: {codes:?}");
}

fn text(text: &str) -> Vec<u8> {
    text.as_bytes().to_vec()
}

#[test]
fn a_paper_that_is_in_order_is_allowed() {
    let inventory =
        || (0..40).map(|i| thing(&format!("x{i}"), "thing", "t")).chain([thing("a", "thing", "t")]).collect();
    allowed("soft", Try { inventory: inventory(), ..Try::default() });
    allowed(
        "ids alone",
        Try { list: ("ids.csv", text("id\na\n")), kind: Some("thing"), inventory: inventory(), ..Try::default() },
    );
}

#[test]
fn words_for_nothing_are_a_tenant_each() {
    for word in ["", "NULL", "\\N", "None", "n/a", "<none>"] {
        let list = ("list.csv", text(&format!("id,kind,tenant\na,thing,{word}\nb,thing,{word}\n")));
        denied(word, "rehearsal/no-canary", Try { list, ..Try::default() });
    }
}

#[test]
fn selectors_without_a_bound_are_denied() {
    for selector in [
        "rm -rf /",
        "_all",
        r#"{"query":{"match_all":{}}}"#,
        "--all",
        "(objectClass=*)",
        "DELETE FROM users -- where id = 3",
    ] {
        let quoted = serde_json::to_string(selector).unwrap();
        let set = vec![format!("operation.selector={quoted}")];
        denied(selector, "provenance/unbounded-selector", Try { set, ..Try::default() });
    }
}

#[test]
fn everything_of_a_kind_and_protected_kinds_are_denied() {
    let two = |kind: &str| ("list.csv", text(&format!("id,kind,tenant\na,{kind},t\nb,{kind},t\n")));
    let of = |kind: &str, more: usize| {
        let more = (0..more).map(|i| thing(&format!("c{i}"), kind, "t"));
        [thing("a", kind, "t"), thing("b", kind, "t")].into_iter().chain(more).collect()
    };
    denied(
        "2 of 2",
        "blast-radius/whole-kind",
        Try { list: two("dump"), inventory: of("dump", 0), ..Try::default() },
    );
    for kind in ["aws_rds_cluster", "S3Bucket", "google_sql_database_instance", "AWS::S3::Bucket"] {
        denied(kind, "identity/protected-kind", Try { list: two(kind), inventory: of(kind, 3), ..Try::default() });
    }
    // A thing and what goes along with it are one thing.
    let inventory =
        vec!["a,thing,t,production,live,2025-01-01T00:00:00Z,b c,false,none".to_owned(), thing("b c", "thing", "t")];
    let list = ("list.csv", text("id,kind,tenant\na,thing,t\nb c,thing,t\n"));
    allowed("a blank in a dependent", Try { list, inventory, ..Try::default() });
}

#[test]
fn several_kinds_are_what_their_list_says() {
    let list = || ("list.csv", text("id,kind,tenant\na,Deployment,t\nb,Service,t\n"));
    let others = |kind: &str| (0..5).map(move |i| thing(&format!("{kind}-{i}"), kind, "t")).collect::<Vec<_>>();
    let inventory = |a: &str, b: &str| {
        let these = vec![thing("a", a, "t"), thing("b", b, "t")];
        [these, others("Deployment"), others("Service"), others("Secret")].concat()
    };
    allowed("two kinds", Try { list: list(), inventory: inventory("Deployment", "Service"), ..Try::default() });
    let swapped = Try { list: list(), inventory: inventory("Service", "Deployment"), ..Try::default() };
    denied("swapped", "identity/kind-mismatch", swapped);
    let other = Try { list: list(), inventory: inventory("Deployment", "Secret"), ..Try::default() };
    denied("another", "identity/kind-mismatch", other);
}

#[test]
fn tenants_are_those_of_the_inventory_and_shares_are_of_what_is_gone() {
    let inventory = |count: usize| (0..count).map(|i| thing(&format!("u{i}"), "user", "t")).collect::<Vec<_>>();
    let ids = |count: usize| text(&(0..count).fold("id\n".to_owned(), |list, i| list + &format!("u{i}\n")));
    let case = Try { list: ("ids.csv", ids(3)), kind: Some("user"), inventory: inventory(300), ..Try::default() };
    assert_eq!(decide(case).unwrap().2["tenants"], 1);
    let case = Try { list: ("ids.csv", ids(20)), kind: Some("user"), inventory: inventory(3000), ..Try::default() };
    allowed("20 of 3000 things of the only tenant", case);
}

#[test]
fn lists_are_read_as_they_come() {
    let utf16: Vec<u8> = "\u{feff}id,kind,tenant\na,thing,t\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (name, list) in [
        ("list.ndjson", text(r#"[{"id":"a","kind":"thing","tenant":"t"}]"#)),
        ("list.json", text(r#"[{"id":"a","kind":"thing","tenant":"t"}]"#)),
        ("list.json", text(r#"{"items":[{"id":"a","kind":"thing","tenant":"t"}]}"#)),
        ("list.json", text(r#"[{"id":"a","kind":"thing","tenant":"t","Tags":[{"Key":"x"}]}]"#)),
        ("list.csv", text("id,kind,tenant,Size\na,thing,t,9\n")),
        ("list.csv", text("id;kind;tenant\na;thing;t\n")),
        ("list.csv", utf16),
        ("list.tsv", text("id\tkind\ttenant\na\tthing\tt\n")),
    ] {
        allowed(name, Try { list: (name, list), ..Try::default() });
    }
    let ids = Try { list: ("list.txt", text("a\n")), kind: Some("thing"), ..Try::default() };
    allowed("a list of ids", ids);
    let number = ("list.ndjson", text(r#"{"id":109252111498807689123,"kind":"thing","tenant":"t"}"#));
    allowed("a number of 21 digits", Try { list: number, ..Try::default() });
    let flags = vec!["--no-header", "--column", "id=1+2"];
    let list = ("list.csv", text("bucket-1,key-1\n"));
    allowed("no header", Try { list, kind: Some("thing"), flags, ..Try::default() });
    let error = decide(Try { list: ("list.csv", text("orders\npayments\n")), ..Try::default() }).unwrap_err();
    assert!(error.contains("line 1 was read as the names of the columns: `orders`"), "{error}");
}

#[test]
fn a_hold_under_another_spelling_is_found() {
    let list = (0..100).fold("id,kind,tenant\nBOB,user,t0\n".to_owned(), |list, i| list + &format!("u{i},user,t0\n"));
    let users = (0..4000).map(|i| thing(&format!("u{i}"), "user", &format!("t{}", if i < 100 { 0 } else { i % 40 })));
    let held = "bob,user,t0,production,live,2025-01-01T00:00:00Z,none,true,none".to_owned();
    let inventory = users.chain([held]).collect();
    denied("BOB", "identity/near-miss", Try { list: ("list.csv", text(&list)), inventory, ..Try::default() });
}

#[test]
fn values_are_read_as_databases_write_them() {
    let inventory = |hold: &str, until: &str| {
        let row = format!("a,thing,t,production,live,2025-01-01T00:00:00Z,none,{hold},{until}");
        [row].into_iter().chain((0..40).map(|i| thing(&format!("x{i}"), "thing", "t"))).collect::<Vec<_>>()
    };
    for hold in ["TRUE", "t", "yes", "1"] {
        denied(hold, "retention/legal-hold", Try { inventory: inventory(hold, "none"), ..Try::default() });
    }
    for until in ["2099-01-01", "2099-01-01 12:00:00+00", "infinity"] {
        denied(until, "retention/retain-until", Try { inventory: inventory("f", until), ..Try::default() });
    }
    for until in ["4070908800", "01/02/2099", "2099-01-01 12:00:00"] {
        let error = decide(Try { inventory: inventory("f", until), ..Try::default() }).unwrap_err();
        assert!(error.starts_with("error: ") && error.contains("inventory.csv:2"), "{until}: {error}");
    }
}

#[test]
fn a_keep_set_that_is_a_page_and_a_thing_that_is_new_are_denied() {
    let inventory =
        || (0..2000).map(|i| thing(&format!("x{i}"), "thing", "t")).chain([thing("a", "thing", "t")]).collect();
    let keep = |count: u64| {
        let set = vec![
            "provenance.selection=complement".to_owned(),
            format!(
                "provenance.keep_set={{\"count\":{count},\"previous_count\":{count},\"observed_at\":\"2099-01-01T00:00:00Z\"}}"
            ),
        ];
        Try { inventory: inventory(), set, ..Try::default() }
    };
    denied("keep 30", "provenance/keep-set", keep(30));
    let new = "a,thing,t,production,live,0001-01-01T00:00:00Z,none,false,none".to_owned();
    let inventory = [new].into_iter().chain((0..40).map(|i| thing(&format!("x{i}"), "thing", "t"))).collect();
    let set = vec!["reason.trigger=disuse".to_owned()];
    denied("never used", "timing/recently-used", Try { inventory, set, ..Try::default() });
}

#[test]
fn infrastructure_that_is_switched_off_can_be_destroyed() {
    let off = |id: &str| format!("{id},server,t,production,disabled,2025-01-01T00:00:00Z,none,false,none");
    let inventory = || (0..40).map(|i| off(&format!("s{i}"))).chain([off("a")]).collect();
    let case = |config| Try {
        list: ("list.csv", text("id,kind,tenant\na,server,t\n")),
        inventory: inventory(),
        mode: "hard",
        config,
        set: vec!["provenance.source_total=1".to_owned()],
        ..Try::default()
    };
    let codes = decide(case(Some("infra-destroy"))).unwrap().1;
    // The preset deletes during working hours only.
    assert!(codes.is_empty() || codes == ["timing/outside-window"], "{codes:?}");
    denied("the strict set", "mode/no-legal-basis", case(None));
}
