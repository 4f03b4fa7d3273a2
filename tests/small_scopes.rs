//! Exhaustive small scopes: every batch of at most three rows over a small alphabet, through the nine policies, as a
//! hard and as a soft delete.
//!
//! There are two kinds of law. A policy's findings do not depend on how its batch is cut and merged: 819 batches, merged
//! in 148,878 ways, in each mode. And a denial is monotone: with evidence that is in order for each batch, a further row,
//! a further tenant or an unknown value never turns a denial into an allow: 7,139 batches and more than 60,000
//! comparisons in each mode.

use crate::parity::{convert, slice};
use reprieve::history::{History, PastBatches, Question};
use reprieve::inventory::{Record, Sharers, Table};
use reprieve::model::Timestamp;
use reprieve::{Batch, Environments, Folder};
use reprieve_sdk as sdk;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;

const AT: &str = "2026-03-02T12:00:00Z";
const DAY: i64 = 86_400;
pub const MAX_ROWS: usize = 3;

/// A target: what the list and the inventory say of it. `None` is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Row {
    /// The kind according to the inventory; the list and the request say `app`.
    pub kind: Option<&'static str>,
    pub state: Option<&'static str>,
    pub environment: Option<&'static str>,
    /// The tenant according to both.
    pub tenant: Option<&'static str>,
    /// Who shares it according to the inventory, as a CSV file writes it.
    pub sharers: Option<&'static str>,
}

/// The values of a field; the first one is in order.
type Words = [Option<&'static str>; 3];

const KINDS: Words = [Some("app"), Some("site"), None];
const STATES: Words = [Some("soft-deleted"), Some("live"), None];
const ENVIRONMENTS: Words = [Some("production"), Some("test"), None];
const TENANTS: Words = [Some("t-1"), Some("t-2"), None];

/// The rows that differ from the one in order, which is the first, in at most this many fields.
pub fn rows(max_differences: usize) -> Vec<Row> {
    let mut rows = Vec::new();
    for kind in KINDS {
        for state in STATES {
            for environment in ENVIRONMENTS {
                for tenant in TENANTS {
                    let differs =
                        [kind != KINDS[0], state != STATES[0], environment != ENVIRONMENTS[0], tenant != TENANTS[0]];
                    if differs.iter().filter(|it| **it).count() <= max_differences {
                        rows.push(Row { kind, state, environment, tenant, sharers: None });
                    }
                }
            }
        }
    }
    rows
}

/// Names separated by semicolons, of which `NULL` and a number are without a name.
fn sharers(text: &str) -> Sharers {
    let (names, unnamed): (Vec<&str>, _) = text.split(';').partition(|name| name.starts_with("t-"));
    let unnamed = unnamed.into_iter().map(|item: &str| item.parse().unwrap_or(1)).sum();
    Sharers { names: names.into_iter().map(str::to_owned).collect(), unnamed }
}

/// An inventory of these rows, and of things that stay.
fn inventory(rows: &[Row]) -> Table {
    let now = Timestamp::parse(AT).unwrap().seconds();
    let record = |row: &Row| Record {
        kind: row.kind.map(str::to_owned),
        tenant: row.tenant.map(str::to_owned),
        tenants: row.sharers.map(sharers),
        environment: row.environment.map(str::to_owned),
        state: row.state.map(str::to_owned),
        state_since: Some(now - 40 * DAY),
        created_at: Some(now - 400 * DAY),
        last_used_at: Some(now - 45 * DAY),
        dependents: Some(Vec::new()),
        legal_hold: Some(false),
        retain_until: Some(0),
        ..Record::default()
    };
    let mut table = Table::default();
    for (i, row) in rows.iter().enumerate() {
        table.add(&format!("target-{i}"), record(row), None).unwrap();
    }
    for i in 0..24 {
        let (kind, tenant) = ([Some("app"), Some("site")][i % 2], [Some("t-1"), Some("t-2"), Some("t-3")][i % 3]);
        let stays = Row { kind, state: Some("live"), environment: Some("production"), tenant, sharers: None };
        table.add(&format!("stays-{i}"), record(&stays), None).unwrap();
    }
    let backup = Row {
        kind: Some("backup"),
        state: Some("live"),
        environment: Some("production"),
        tenant: Some("t-1"),
        sharers: None,
    };
    table.add("backup-1", record(&backup), None).unwrap();
    table
}

/// A request with all evidence in order, but for what depends on the digest and the counts of its list.
fn request(rows: &[Row], mode: &str) -> Value {
    let at = |ago: i64| Timestamp::parse(AT).unwrap().plus(-ago).to_string();
    let targets: Vec<Value> = rows
        .iter()
        .enumerate()
        .map(|(i, row)| json!({ "id": format!("target-{i}"), "kind": "app", "tenant": row.tenant }))
        .collect();
    let approval = |by: &str, ago: i64| json!({ "by": by, "type": "human", "at": at(ago), "mode": mode });
    json!({
        "id": "small/1", "mode": mode, "environment": "production", "target_kind": "app", "campaign": "small",
        "operation": { "verb": "delete", "cascade": false },
        "reason": { "basis": "contract-end", "ticket": "CHG-1", "trigger": "request", "trigger_source": "explicit" },
        "actor": { "id": "svc-cleanup", "type": "automation", "on_behalf_of": "a.one",
            "credential": { "purpose": "deletion", "environment": "production" } },
        "provenance": { "source": "register", "query": "apps where contract = 'ended'", "selection": "explicit",
            "complete": true, "id_kind": "app", "row_count": rows.len(), "source_total": rows.len(),
            "extracted_at": at(3_000), "extracted_by": "b.two" },
        "dry_run": { "at": at(2_400), "environment": "production", "count": rows.len() },
        "recovery": { "soft_delete_days": 30, "checkpoints": [{ "id": "backup-1", "completed_at": at(2_700),
            "verified": true, "location": "elsewhere", "immutable_until": at(-60 * DAY) }],
            "restore": { "granularity": "tenant", "tested_at": at(20 * DAY), "tested_scale": 10, "tenants_per_batch": 10,
                "batch_duration": "PT2H", "parallel_batches": 1 } },
        "approvals": [approval("c.three", 1_800), approval("d.four", 1_500), approval("e.five", 1_200)],
        "schedule": { "freeze": false }, "notice": { "owners_notified_at": at(21 * DAY), "opt_outs": 0 },
        "targets": targets,
    })
}

/// What the policies receive, with the evidence bound to the list, and a history that is known to be empty.
fn review(rows: &[Row], mode: &str) -> (String, Vec<sdk::Chunk>) {
    let at = Timestamp::parse(AT).unwrap();
    let request = request(rows, mode).to_string();
    let batch = Batch::read(request.as_bytes(), "small", &Folder::open(Path::new(".")).unwrap()).unwrap().at(at);
    let (review, chunks) = batch.review(Some(&inventory(rows))).unwrap();
    let history =
        PastBatches::new(Vec::new()).facts(&Question::about(&batch, &Environments::default(), None), at).unwrap();
    let mut review: Value = serde_json::from_str(&review).unwrap();
    let facts = &mut review["facts"];
    facts["history"] = serde_json::to_value(history).unwrap();
    let (digest, kinds) = (facts["targets_sha256"].clone(), facts["kinds"]["counts"].clone());
    let tenants = facts["tenants"]["distinct"].as_u64().unwrap() + facts["tenants"]["unknown"].as_u64().unwrap();
    let claims = &mut review["claims"];
    claims["provenance"]["sha256"] = digest.clone();
    claims["dry_run"]["targets_sha256"] = digest.clone();
    claims["dry_run"]["by_kind"] = kinds.clone();
    claims["recovery"]["checkpoints"][0]["covers_sha256"] = digest.clone();
    for approval in claims["approvals"].as_array_mut().unwrap() {
        approval["targets_sha256"] = digest.clone();
        approval["kinds"] = kinds.clone();
        approval["tenants"] = json!(tenants);
    }
    (review.to_string(), chunks.iter().map(convert).collect())
}

/// A finding: rule, whether it denies, message, number of rows.
type Found = (String, bool, String, u64);

fn findings<P: sdk::Policy>(session: &sdk::Session<P>) -> Vec<Found> {
    let finding = |finding: sdk::Finding| {
        (
            format!("{}/{}", P::NAME, finding.rule),
            finding.severity == sdk::Severity::Deny,
            finding.message,
            finding.rows,
        )
    };
    session.finish().into_iter().map(finding).collect()
}

/// One pass over the whole batch.
fn pass<P: sdk::Policy>(review: &str, chunks: &[sdk::Chunk]) -> Vec<Found> {
    let mut session = sdk::Session::<P>::begin(review, "{}", Vec::new()).unwrap();
    chunks.iter().for_each(|chunk| session.observe(chunk.clone()));
    findings(&session)
}

/// Every way to cut `rows` rows into runs, as the ends of the runs.
fn cuts(rows: usize) -> Vec<Vec<usize>> {
    let inner = 0..1_u32 << (rows - 1);
    inner.map(|bits| (1..=rows).filter(|end| *end == rows || bits >> (end - 1) & 1 == 1).collect()).collect()
}

/// Every order of `count` things.
fn orders(count: usize) -> Vec<Vec<usize>> {
    match count {
        0 => vec![Vec::new()],
        _ => orders(count - 1)
            .iter()
            .flat_map(|order| (0..count).map(move |at| [&order[..at], &[count - 1], &order[at..]].concat()))
            .collect(),
    }
}

/// Merges the states of every cut in every order, into an empty session and into each other, and counts the ways.
fn check_merges<P: sdk::Policy>(review: &str, chunk: &sdk::Chunk) -> u64 {
    let begin = || sdk::Session::<P>::begin(review, "{}", Vec::new()).unwrap();
    let (whole, rows, mut ways) = (pass::<P>(review, std::slice::from_ref(chunk)), chunk.rows as usize, 0);
    for ends in cuts(rows) {
        let runs = std::iter::once(0).chain(ends.iter().copied()).zip(ends.iter().copied());
        let states: Vec<Vec<u8>> = runs
            .map(|(from, to)| {
                let mut part = begin();
                part.observe(slice(chunk, from, to));
                part.save().unwrap()
            })
            .collect();
        for order in orders(states.len()) {
            let (mut flat, mut nested) = (begin(), begin().save().unwrap());
            for i in &order {
                flat.merge(&states[*i]).unwrap();
                // The state so far is merged into the next one: the merge is associative.
                let mut next = begin();
                next.merge(&states[*i]).unwrap();
                next.merge(&nested).unwrap();
                nested = next.save().unwrap();
            }
            let mut deep = begin();
            deep.merge(&nested).unwrap();
            assert_eq!(
                findings(&flat),
                whole,
                "{} cut at {ends:?}, merged in the order {order:?}: {review}",
                P::NAME
            );
            assert_eq!(
                findings(&deep),
                whole,
                "{} cut at {ends:?}, nested in the order {order:?}: {review}",
                P::NAME
            );
            ways += 2;
        }
    }
    ways
}

/// A policy: its findings in one pass, and the check of its merges.
struct Native {
    pass: fn(&str, &[sdk::Chunk]) -> Vec<Found>,
    merges: fn(&str, &sdk::Chunk) -> u64,
}

const fn native<P: sdk::Policy>() -> Native {
    Native { pass: pass::<P>, merges: check_merges::<P> }
}

const POLICIES: [Native; 9] = [
    native::<reprieve_policy_authority::Authority>(),
    native::<reprieve_policy_blast_radius::BlastRadius>(),
    native::<reprieve_policy_identity::Identity>(),
    native::<reprieve_policy_mode::Mode>(),
    native::<reprieve_policy_provenance::Provenance>(),
    native::<reprieve_policy_recovery::Recovery>(),
    native::<reprieve_policy_rehearsal::Rehearsal>(),
    native::<reprieve_policy_retention::Retention>(),
    native::<reprieve_policy_timing::Timing>(),
];

/// Every selection of one to three rows: in every order, or each selection once.
fn batches(rows: &[Row], ordered: bool) -> Vec<Vec<Row>> {
    let mut all: Vec<Vec<Row>> = Vec::new();
    let mut longest: Vec<Vec<usize>> = vec![Vec::new()];
    for _ in 0..MAX_ROWS {
        longest = longest
            .iter()
            .flat_map(|batch| {
                let from = if ordered { 0 } else { batch.last().copied().unwrap_or(0) };
                (from..rows.len()).map(move |row| [&batch[..], &[row]].concat())
            })
            .collect();
        all.extend(longest.iter().map(|batch| batch.iter().map(|row| rows[*row]).collect()));
    }
    all
}

/// Maps every batch on all processors.
fn on_all_processors<T: Send>(batches: &[Vec<Row>], each: impl Fn(&[Row]) -> T + Sync) -> Vec<T> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let run = |part: &[Vec<Row>]| part.iter().map(|batch| each(batch)).collect::<Vec<T>>();
    std::thread::scope(|scope| {
        let parts = batches.chunks(batches.len().div_ceil(threads));
        let running: Vec<_> = parts.map(|part| scope.spawn(move || run(part))).collect();
        running.into_iter().flat_map(|part| part.join().unwrap()).collect()
    })
}

#[test]
fn findings_do_not_depend_on_cuts_and_the_order_of_merges() {
    let batches = batches(&rows(1), true);
    assert_eq!(batches.len(), 819);
    for mode in ["soft", "hard"] {
        let ways: u64 = on_all_processors(&batches, |batch| {
            let (review, chunks) = review(batch, mode);
            let [chunk] = chunks.as_slice() else { unreachable!("a small list is one chunk") };
            POLICIES.iter().map(|policy| (policy.merges)(&review, chunk)).sum::<u64>()
        })
        .into_iter()
        .sum();
        assert_eq!(ways, 148_878, "{mode}");
    }
}

#[derive(Clone, Debug)]
pub struct Decision {
    pub denials: Vec<String>,
    pub warnings: Vec<String>,
}

pub fn decide(batch: &[Row], mode: &str) -> Decision {
    let (review, chunks) = review(batch, mode);
    let found: Vec<Found> = POLICIES.iter().flat_map(|policy| (policy.pass)(&review, &chunks)).collect();
    let codes = |denies: bool| {
        found.iter().filter(|finding| finding.1 == denies).map(|finding| finding.0.clone()).collect::<Vec<String>>()
    };
    Decision { denials: codes(true), warnings: codes(false) }
}

/// The row with one of its values unknown, if that value is known.
fn with_an_unknown(row: Row) -> impl Iterator<Item = Row> {
    let others = [
        Row { kind: None, ..row },
        Row { state: None, ..row },
        Row { environment: None, ..row },
        Row { tenant: None, ..row },
    ];
    others.into_iter().filter(move |other| *other != row)
}

/// The number of tenants that a batch can reach: an unknown one counts by itself.
fn tenants(batch: &[Row]) -> usize {
    let mut known: Vec<&str> = batch.iter().filter_map(|row| row.tenant).collect();
    known.sort_unstable();
    known.dedup();
    known.len() + batch.iter().filter(|row| row.tenant.is_none()).count()
}

#[test]
fn a_further_row_tenant_or_unknown_never_turns_a_denial_into_an_allow() {
    let (rows, batches) = (rows(2), batches(&rows(2), false));
    assert_eq!(batches.len(), 7_139);
    for mode in ["soft", "hard"] {
        let decisions = on_all_processors(&batches, |batch| decide(batch, mode));
        let by_batch: BTreeMap<&[Row], &Decision> = batches.iter().map(Vec::as_slice).zip(&decisions).collect();
        let (mut compared, mut failures) = (0_u64, Vec::new());
        for (batch, decision) in batches.iter().zip(&decisions).filter(|(_, decision)| !decision.denials.is_empty()) {
            let mut compare = |law: &str, other: Vec<Row>, may_warn: bool| {
                let mut sorted = other;
                sorted.sort_by_key(|row| rows.iter().position(|known| known == row));
                // A row that differs in too many fields is not in the alphabet.
                let Some(found) = by_batch.get(sorted.as_slice()) else { return };
                compared += 1;
                if found.denials.is_empty() && (!may_warn || found.warnings.is_empty()) {
                    failures.push(format!("{law}: {batch:?} is denied ({:?}), {sorted:?} is not", decision.denials));
                }
            };
            if batch.len() < MAX_ROWS {
                rows.iter().for_each(|row| compare("a further row", [batch.as_slice(), &[*row]].concat(), false));
            }
            for i in 0..batch.len() {
                let with = |row: Row| [&batch[..i], &[row], &batch[i + 1..]].concat();
                // A soft delete warns of what is unknown, also where the known value contradicted the request.
                with_an_unknown(batch[i]).for_each(|row| compare("an unknown", with(row), mode == "soft"));
                let others = TENANTS.iter().map(|tenant| with(Row { tenant: *tenant, ..batch[i] }));
                let more = others.filter(|other| tenants(other) > tenants(batch));
                more.for_each(|other| compare("a further tenant", other, false));
            }
        }
        let allowed = decisions.iter().filter(|decision| decision.denials.is_empty()).count();
        println!("{mode}: {} batches, {allowed} allowed, {compared} comparisons", batches.len());
        assert!(
            failures.is_empty(),
            "{mode}: {} failures: {:#?}",
            failures.len(),
            &failures[..failures.len().min(20)]
        );
        assert!(allowed > 0 && compared > 60_000, "{mode}: {allowed} allowed, {compared} comparisons");
        // The batch that is in order has no finding at all, so every denial above has its reason in the rows.
        let best = decide(&rows[..1], mode);
        assert!(best.denials.is_empty() && best.warnings.is_empty(), "{mode}: {best:?}");
    }
}
