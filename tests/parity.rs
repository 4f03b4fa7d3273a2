//! Every built-in policy has the same findings natively and in the sandbox, for random batches and partitions.

use proptest::prelude::*;
use reprieve::columns::{self, Chunk, Values};
use reprieve::inventory::{Record, Table};
use reprieve::model::{Severity, Timestamp};
use reprieve::policy::{ModuleCache, PolicyEntry, builtin_names};
use reprieve::{Batch, Folder, Gate, PolicySet};
use reprieve_sdk as sdk;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;
use std::sync::Mutex;

const AT: &str = "2026-03-02T12:00:00Z";

/// What is compared of a finding: rule, whether it denies, message, number of rows.
type Found = (String, bool, String, u64);

fn gate(name: &str, resources: &[Resource]) -> Gate {
    let set = PolicySet::of(vec![PolicyEntry::builtin(name)]);
    let temporary = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let cache = ModuleCache::new(temporary.join("compiled"), temporary.join("state"));
    Gate::builder().policies(set, None).inventory(inventory(resources)).cache(cache).build().unwrap()
}

/// A target, and its record in the inventory.
#[derive(Clone, Debug)]
struct Resource {
    id: Option<String>,
    kind: Option<&'static str>,
    tenant: Option<u8>,
    known: bool,
    resolved_kind: Option<&'static str>,
    environment: Option<&'static str>,
    state: Option<&'static str>,
    days: Option<i64>,
    dependents: Option<Vec<String>>,
    pool: Option<&'static str>,
}

fn one_of(values: &'static [&'static str]) -> impl Strategy<Value = Option<&'static str>> {
    prop::option::weighted(0.9, prop::sample::select(values))
}

fn resource() -> impl Strategy<Value = Resource> {
    let listed = (
        prop::option::weighted(
            0.95,
            prop_oneof![9 => "[a-c]-[0-9]{1,3}", 1 => prop::sample::select(vec!["".to_owned(), "/".to_owned(), "*".to_owned(), "$X".to_owned()])],
        ),
        one_of(&["app", "app", "app", "site"]),
        prop::option::weighted(0.9, 0_u8..100),
    );
    let known = (
        prop::bool::weighted(0.9),
        one_of(&["app", "app", "app", "site", "database"]),
        one_of(&["production", "production", "staging"]),
        one_of(&["soft-deleted", "live", "disabled"]),
        prop::option::of(0_i64..60),
        prop::option::weighted(0.9, prop::collection::vec("[a-d]-[0-9]{1,2}", 0..3)),
        prop::option::weighted(0.2, prop::sample::select(vec!["index", "web"])),
    );
    (listed, known).prop_map(
        |((id, kind, tenant), (known, resolved_kind, environment, state, days, dependents, pool))| Resource {
            id,
            kind,
            tenant,
            known,
            resolved_kind,
            environment,
            state,
            days,
            dependents,
            pool,
        },
    )
}

fn inventory(resources: &[Resource]) -> Table {
    let now = Timestamp::parse(AT).unwrap().seconds();
    let mut table = Table::default();
    for resource in resources.iter().filter(|resource| resource.known) {
        let text = |text: Option<&str>| text.map(str::to_owned);
        let record = Record {
            kind: text(resource.resolved_kind),
            tenant: resource.tenant.map(|tenant| format!("t-{tenant}")),
            environment: text(resource.environment),
            state: text(resource.state),
            state_since: resource.days.map(|days| now - days * 86_400),
            dependents: resource.dependents.clone(),
            pool: text(resource.pool),
            ..Record::default()
        };
        // Ids may be duplicated; the first record counts.
        drop(table.add(resource.id.as_deref().unwrap_or("?"), record, None));
    }
    table
}

fn request(resources: &[Resource], header: &str) -> String {
    let mut targets = String::new();
    for (i, resource) in resources.iter().enumerate() {
        let comma = if i == 0 { "" } else { "," };
        let value = serde_json::json!({ "id": resource.id, "kind": resource.kind, "tenant": resource.tenant.map(|t| format!("t-{t}")) });
        write!(targets, "{comma}{value}").unwrap();
    }
    format!(r#"{{"id":"parity/1",{header},"targets":[{targets}]}}"#)
}

fn header() -> impl Strategy<Value = String> {
    let mode = prop::sample::select(vec!["soft", "hard"]);
    let rest = prop::sample::select(vec![
        r#""environment":"production","target_kind":"app""#,
        r#""environment":"staging","target_kind":"site","reason":{"basis":"gdpr-17","trigger":"expiry"}"#,
        r#""environment":"production","target_kind":"app","operation":{"selector":"*"},"provenance":{"source":"cmdb","query":"select id from a where id not in (select id from b)","row_count":3,"complete":true,"extracted_at":"2026-03-02T11:59:00Z","extracted_by":"x","sha256":"0"}"#,
        r#""environment":"production","target_kind":"app","reason":{"basis":"court-order","trigger_source":"default"},"recovery":{"soft_delete_days":3},"provenance":{"selection":"complement","keep_set":{"count":100,"previous_count":200,"observed_at":"2026-03-02T11:59:00Z"}}"#,
    ]);
    (mode, rest).prop_map(|(mode, rest)| format!(r#""mode":"{mode}",{rest}"#))
}

fn sandboxed(gate: &Gate, request: &str) -> Vec<Found> {
    let folder = Folder::open(Path::new(".")).unwrap();
    let batch = Batch::read(request.as_bytes(), "parity", &folder).unwrap().at(Timestamp::parse(AT).unwrap());
    let decision = gate.vet(batch);
    let document = decision.document();
    assert!(document.faults.iter().all(|fault| fault.policy == "gate"), "{:?}", document.faults);
    let found = |finding: &reprieve::model::Finding| {
        (finding.rule.clone(), finding.severity == Severity::Deny, finding.message.clone(), finding.rows)
    };
    let mut found: Vec<Found> = document.findings.iter().map(found).collect();
    found.sort();
    found
}

/// What the sandbox receives.
fn review(resources: &[Resource], request: &str) -> (String, Vec<Chunk>) {
    let folder = Folder::open(Path::new(".")).unwrap();
    let batch = Batch::read(request.as_bytes(), "parity", &folder).unwrap().at(Timestamp::parse(AT).unwrap());
    batch.review(Some(&inventory(resources))).unwrap()
}

fn native<P: sdk::Policy>(review: &str, chunks: &[Chunk], rows: usize) -> Vec<Found> {
    let open = || sdk::Session::<P>::begin(review, "{}", Vec::new()).unwrap();
    let chunks: Vec<sdk::Chunk> = chunks.iter().flat_map(|chunk| cut(convert(chunk), rows)).collect();
    let mut whole = open();
    // Each partition is observed on its own, the last first, and merged.
    for chunk in chunks.into_iter().rev() {
        let mut part = open();
        part.observe(chunk);
        whole.merge(&part.save().unwrap()).unwrap();
    }
    let found = |finding: sdk::Finding| {
        (finding.rule.to_owned(), finding.severity == sdk::Severity::Deny, finding.message, finding.rows)
    };
    let mut found: Vec<Found> = whole.finish().into_iter().map(found).collect();
    found.sort();
    found
}

pub(crate) fn convert(chunk: &Chunk) -> sdk::Chunk {
    let strings = |strings: &columns::Strings| sdk::Strings {
        offsets: strings.offsets.clone(),
        text: String::from_utf8(strings.bytes.clone()).unwrap(),
    };
    let column = |column: &columns::Column| sdk::Column {
        name: column.name.clone(),
        values: match &column.values {
            Values::Strings(texts) => sdk::Values::Strings(strings(texts)),
            Values::Codes(codes) => sdk::Values::Codes(sdk::Codes {
                dictionary: strings(&codes.dictionary),
                values: codes.values.clone(),
            }),
            Values::U64s(values) => sdk::Values::U64s(values.clone()),
            Values::I64s(values) => sdk::Values::I64s(values.clone()),
            Values::Bools(bits) => sdk::Values::Bools(bits.clone()),
        },
        validity: sdk::Validity(column.validity.clone()),
    };
    sdk::Chunk {
        first_row: chunk.first_row,
        rows: chunk.rows,
        columns: chunk.columns.iter().map(column).collect(),
        ..sdk::Chunk::default()
    }
}

/// Cuts a chunk into chunks of at most `rows` rows.
fn cut(chunk: sdk::Chunk, rows: usize) -> Vec<sdk::Chunk> {
    let total = chunk.rows as usize;
    (0..total).step_by(rows.max(1)).map(|from| slice(&chunk, from, (from + rows.max(1)).min(total))).collect()
}

pub(crate) fn slice(chunk: &sdk::Chunk, from: usize, to: usize) -> sdk::Chunk {
    let bits = |bits: &[u8]| {
        let mut out = vec![0_u8; (to - from).div_ceil(8)];
        for i in from..to {
            out[(i - from) / 8] |= (bits[i / 8] >> (i % 8) & 1) << ((i - from) % 8);
        }
        out
    };
    let column = |column: &sdk::Column| sdk::Column {
        name: column.name.clone(),
        values: match &column.values {
            sdk::Values::Strings(strings) => {
                let (start, end) = (strings.offsets[from], strings.offsets[to]);
                sdk::Values::Strings(sdk::Strings {
                    offsets: strings.offsets[from..=to].iter().map(|offset| offset - start).collect(),
                    text: strings.text[start as usize..end as usize].to_owned(),
                })
            }
            sdk::Values::Codes(codes) => sdk::Values::Codes(sdk::Codes {
                dictionary: codes.dictionary.clone(),
                values: codes.values[from..to].to_vec(),
            }),
            sdk::Values::U64s(values) => sdk::Values::U64s(values[from..to].to_vec()),
            sdk::Values::I64s(values) => sdk::Values::I64s(values[from..to].to_vec()),
            sdk::Values::Bools(values) => sdk::Values::Bools(bits(values)),
        },
        validity: sdk::Validity(column.validity.0.as_deref().map(bits)),
    };
    sdk::Chunk {
        first_row: chunk.first_row + from as u64,
        rows: (to - from) as u32,
        columns: chunk.columns.iter().map(column).collect(),
        ..sdk::Chunk::default()
    }
}

/// The codes of all findings so far.
static FOUND: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

fn compare<P: sdk::Policy>(cases: u32) {
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    let strategy = (prop::collection::vec(resource(), 1..90), header(), 1_usize..20);
    proptest!(config, |((resources, header, rows) in strategy)| {
        let request = request(&resources, &header);
        let sandboxed = sandboxed(&gate(P::NAME, &resources), &request);
        let (review, chunks) = review(&resources, &request);
        let native = native::<P>(&review, &chunks, rows);
        prop_assert_eq!(&sandboxed, &native);
        FOUND.lock().unwrap().extend(native.iter().map(|found| format!("{}/{}", P::NAME, found.0)));
    });
}

/// A policy by name, and its comparison on this number of generated cases.
type NativePolicy = (&'static str, fn(u32));

/// Every built-in policy as a native crate.
const NATIVE: &[NativePolicy] = &[
    native_policy::<reprieve_policy_authority::Authority>(),
    native_policy::<reprieve_policy_blast_radius::BlastRadius>(),
    native_policy::<reprieve_policy_identity::Identity>(),
    native_policy::<reprieve_policy_mode::Mode>(),
    native_policy::<reprieve_policy_provenance::Provenance>(),
    native_policy::<reprieve_policy_recovery::Recovery>(),
    native_policy::<reprieve_policy_rehearsal::Rehearsal>(),
    native_policy::<reprieve_policy_retention::Retention>(),
    native_policy::<reprieve_policy_timing::Timing>(),
];

const fn native_policy<P: sdk::Policy>() -> NativePolicy {
    (P::NAME, compare::<P>)
}

/// A new policy needs a dev-dependency in `tests/Cargo.toml` and a line in [`NATIVE`].
#[test]
fn every_built_in_policy_is_compared() {
    let native: BTreeSet<&str> = NATIVE.iter().map(|(name, _)| *name).collect();
    let folders = std::fs::read_dir(crate::repository("policies")).unwrap();
    let folders: BTreeSet<String> =
        folders.map(|folder| folder.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(native, builtin_names().collect(), "built into the library");
    assert_eq!(native, folders.iter().map(String::as_str).collect(), "folders of policies/");
}

#[test]
fn native_and_sandboxed_policies_have_the_same_findings() {
    const CASES: u32 = 60;
    NATIVE.iter().for_each(|(_, compare)| compare(CASES));
    // The random batches violate these rules, so the comparison is not trivial.
    let found = FOUND.lock().unwrap();
    for code in [
        "mode/no-legal-basis",
        "mode/soft-delete-first",
        "identity/kind-mismatch",
        "identity/live-target",
        "identity/unresolved",
        "provenance/bad-ids",
        "provenance/unbounded-selector",
        "provenance/keep-set",
        "blast-radius/too-many-tenants",
        "blast-radius/undeclared-dependents",
        "blast-radius/closure-unknown",
    ] {
        assert!(found.contains(code), "not found: {code} among {found:?}");
    }
}
