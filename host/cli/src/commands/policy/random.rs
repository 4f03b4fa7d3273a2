//! Generates batches. The same seed generates the same batch.

use reprieve::inventory::{Record, Table};
use reprieve::model::Timestamp;
use reprieve::{Batch, Folder};
use reprieve_cases::Case;
use serde_json::{Map, Value, json};
use std::path::Path;

/// 2026-03-02T12:00:00Z, a Monday.
const AT: i64 = 1_772_452_800;
const DAY: i64 = 86_400;

const KINDS: [&str; 3] = ["app", "site", "disk"];
const ENVIRONMENTS: [&str; 2] = ["production", "staging"];
const STATES: [&str; 3] = ["live", "disabled", "soft-deleted"];

/// One of some texts, or none.
fn some(random: &mut fastrand::Rng, texts: &[&str]) -> Option<String> {
    (random.u8(..) > 25).then(|| random.choice(texts).copied().unwrap_or_default().to_owned())
}

fn time(random: &mut fastrand::Rng) -> Option<i64> {
    random.bool().then(|| AT - random.i64(-DAY..400 * DAY))
}

/// Targets as lists have them: with known and unknown fields, and duplicated ids.
pub fn targets(rows: u64, seed: u64) -> Vec<Value> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut target = |row: u64| {
        let mut target = Map::new();
        let id = if random.u8(..) < 8 { row / 2 } else { row };
        target.insert("id".to_owned(), format!("a-{id}").into());
        let tenant = format!("t-{}", random.u64(..rows.max(2)));
        let texts = [
            ("kind", some(&mut random, &KINDS)),
            ("tenant", some(&mut random, &[&tenant])),
            ("environment", some(&mut random, &ENVIRONMENTS)),
            ("state", some(&mut random, &STATES)),
        ];
        target.extend(texts.into_iter().filter_map(|(name, text)| Some((name.to_owned(), text?.into()))));
        for name in ["created_at", "last_used_at"] {
            let at = time(&mut random).map(|at| Timestamp::from_seconds(at).to_string().into());
            target.extend(at.map(|at| (name.to_owned(), at)));
        }
        if random.bool() {
            target.insert("size_bytes".to_owned(), random.u32(..).into());
        }
        Value::Object(target)
    };
    (0..rows).map(&mut target).collect()
}

/// A batch of these targets, with the request and the time of a case, or with a routine request that has little evidence.
pub fn batch(targets: &[Value], case: Option<&Case>) -> anyhow::Result<Batch> {
    let mut request = match case {
        Some(case) => serde_json::from_str(&case.request)?,
        None => json!({
            "id": "generated/1", "mode": "soft", "environment": "production", "target_kind": "app",
            "operation": { "verb": "delete", "cascade": false },
            "reason": { "text": "generated", "trigger": "disuse", "trigger_source": "explicit" },
            "actor": { "id": "svc-generated", "type": "automation", "on_behalf_of": "carol" },
            "provenance": { "source": "generated", "selection": "explicit", "complete": true },
        }),
    };
    request["targets"] = targets.into();
    let folder = Folder::open(Path::new("."))?;
    let at = case.map_or(Timestamp::from_seconds(AT), |case| case.at);
    Ok(Batch::read(request.to_string().as_bytes(), "generated", &folder)?.at(at))
}

/// An inventory with most of them.
pub fn inventory(rows: u64, seed: u64) -> anyhow::Result<Table> {
    let mut random = fastrand::Rng::with_seed(seed ^ 0x5eed);
    let mut table = Table::default();
    for row in (0..rows).filter(|_| random.u8(..) > 15).collect::<Vec<_>>() {
        let tenant = format!("t-{}", random.u64(..rows.max(2)));
        let record = Record {
            kind: some(&mut random, &KINDS),
            tenant: some(&mut random, &[&tenant]),
            environment: some(&mut random, &ENVIRONMENTS),
            state: some(&mut random, &STATES),
            state_since: time(&mut random),
            created_at: time(&mut random),
            last_used_at: time(&mut random),
            size_bytes: random.bool().then(|| u64::from(random.u32(..))),
            dependents: random.bool().then(Vec::new),
            legal_hold: random.bool().then(|| random.bool()),
            retain_until: time(&mut random),
            ..Record::default()
        };
        table.add(&format!("a-{row}"), record, None)?;
    }
    Ok(table)
}
