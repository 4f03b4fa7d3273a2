//! Things that several tenants share reach all of them.

use crate::small_scopes::{Decision, MAX_ROWS, Row, decide as decide_rows, rows};
use reprieve::history::PastBatches;
use reprieve::inventory::{Record, Sharers};
use reprieve::model::{DecisionDocument, Verdict};
use reprieve_tests::in_order::{Case, decide, gate, inventory, record};
use serde_json::json;
use std::collections::BTreeMap;

fn sharers(names: impl IntoIterator<Item = String>, unnamed: u64) -> Option<Sharers> {
    Some(Sharers { names: names.into_iter().collect(), unnamed })
}

/// A batch with all evidence in order, also for `tenants` tenants. The inventory says who shares the first of its targets.
fn shared(mode: &str, tenants: u64, shared: Option<Sharers>) -> DecisionDocument {
    let mut table = inventory(&record());
    let server = Record { tenants: shared, ..record() };
    table.add("server-1", server, None).unwrap();
    let targets = json!([
        { "id": "server-1", "kind": "app", "tenant": "t-1" },
        { "id": "app-2", "kind": "app", "tenant": "t-1" },
        { "id": "app-3", "kind": "app", "tenant": "t-1" },
    ]);
    let mut request = Case::Requested.request(mode, &targets);
    for approval in request["approvals"].as_array_mut().unwrap() {
        approval["tenants"] = json!(tenants);
    }
    decide(&gate(Some(table), Some(PastBatches::new(Vec::new()))), &request).unwrap()
}

fn denials(document: &DecisionDocument) -> Vec<&str> {
    document.findings.iter().filter(|finding| finding.denies()).map(|finding| finding.code.as_str()).collect()
}

#[test]
fn a_server_of_400_tenants_is_denied_and_one_of_three_is_allowed() {
    let names = |from: u64, to: u64| (from..=to).map(|i| format!("t-{i}"));
    for mode in ["soft", "hard"] {
        for few in [sharers(names(1, 3), 0), sharers(names(2, 3), 0), sharers([], 2), sharers(names(1, 2), 1)] {
            let document = shared(mode, 3, few);
            assert_eq!(
                (document.decision, document.tenants),
                (Verdict::Allow, 3),
                "{mode}: {:#?}",
                document.findings
            );
            assert_eq!(document.restore.tenants, 3);
            let document = shared(mode, 2, sharers(names(1, 3), 0));
            assert!(denials(&document).contains(&"authority/too-few-approvals"), "approved for two tenants");
        }
        for many in [sharers(names(1, 400), 0), sharers([], 399), sharers(names(1, 200), 200)] {
            let document = shared(mode, 400, many);
            let found = denials(&document);
            assert_eq!((document.decision, document.tenants), (Verdict::Deny, 400), "{mode}");
            assert!(found.contains(&"rehearsal/no-canary"), "{mode}: {found:?}");
            assert_eq!(found.contains(&"blast-radius/too-many-tenants"), mode == "hard", "{mode}: {found:?}");
        }
    }
}

#[test]
fn the_list_may_name_any_of_the_tenants_but_no_other() {
    let code = "identity/tenant-mismatch";
    let record = |tenant: Option<&str>, tenants| Record { tenant: tenant.map(str::to_owned), tenants, ..record() };
    for (tenant, tenants, is_right) in [
        (Some("t-9"), sharers(["t-1".to_owned()], 0), true),
        (None, sharers(["t-2".to_owned(), "t-1".to_owned()], 0), true),
        (None, sharers([], 3), true),
        (Some("t-9"), sharers(["t-2".to_owned()], 0), false),
        (Some("t-9"), sharers([], 3), false),
        (None, sharers(["t-2".to_owned()], 1), false),
    ] {
        let gate = gate(Some(inventory(&record(tenant, tenants.clone()))), Some(PastBatches::new(Vec::new())));
        let document = decide(&gate, &Case::Requested.request("hard", &Case::Requested.targets())).unwrap();
        assert_eq!(denials(&document).contains(&code), !is_right, "{tenant:?} {tenants:?}");
    }
}

#[test]
fn an_erasure_of_a_shared_thing_is_ambiguous() {
    for tenants in [sharers(["t-2".to_owned()], 0), sharers([], 5)] {
        let gate = gate(Some(inventory(&Record { tenants, ..record() })), Some(PastBatches::new(Vec::new())));
        let document = decide(&gate, &Case::Erased.request("hard", &Case::Erased.targets())).unwrap();
        assert!(denials(&document).contains(&"retention/ambiguous-subject"), "{:?}", denials(&document));
    }
}

/// Who shares a row: each after those of which it has all tenants and more.
const SHARERS: [Option<&str>; 7] = [
    None,
    Some("t-1"),
    Some("t-1;t-2"),
    Some("t-1;t-2;t-3"),
    Some("t-1;t-2;t-3;NULL"),
    Some("t-1;t-2;t-3;5"),
    Some("400"),
];

#[test]
fn a_further_tenant_of_a_shared_thing_never_turns_a_denial_into_an_allow() {
    let usual = rows(0)[0];
    let row = |at: usize| Row { sharers: SHARERS[at], ..usual };
    let all = |length: u32| {
        (0..SHARERS.len().pow(length)).map(move |number| {
            (0..length).map(|digit| number / SHARERS.len().pow(digit) % SHARERS.len()).collect::<Vec<usize>>()
        })
    };
    for mode in ["soft", "hard"] {
        let mut decisions: BTreeMap<Vec<usize>, Decision> = BTreeMap::new();
        for batch in (1..=MAX_ROWS as u32).flat_map(all) {
            let rows: Vec<Row> = batch.iter().map(|at| row(*at)).collect();
            decisions.insert(batch, decide_rows(&rows, mode));
        }
        assert!(decisions[&vec![1]].denials.is_empty(), "a thing that only its owner shares");
        let mut compared = 0;
        for (batch, decision) in decisions.iter().filter(|(_, decision)| !decision.denials.is_empty()) {
            for i in 0..batch.len() {
                let mut other = batch.clone();
                for more in batch[i] + 1..SHARERS.len() {
                    other[i] = more;
                    assert!(
                        !decisions[&other].denials.is_empty(),
                        "{mode}: {batch:?} is denied ({decision:?}), {other:?} is not"
                    );
                    compared += 1;
                }
            }
        }
        assert_eq!((decisions.len(), compared > 2_000), (399, true), "{mode}: {compared} comparisons");
    }
}
